//! Any text as the address of an infra-repo: no panic, no credentials in what is shown of it, and what is shown is the same address.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::infrarepo::address::{Address, holds_credentials};

fuzz_target!(|text: &str| {
    let Ok(address) = Address::parse(text, None) else {
        return;
    };
    let shown = address.to_string();
    match &address {
        Address::Http { .. } => assert!(!holds_credentials(&shown), "{shown:?}"),
        // A name to log in with is part of such an address.
        Address::Ssh { ssh, .. } => assert!(!ssh.user.contains(':'), "{shown:?}"),
        Address::Folder(_) => return,
    }
    assert_eq!(Address::parse(&shown, None), Ok(address), "{shown:?}");
});
