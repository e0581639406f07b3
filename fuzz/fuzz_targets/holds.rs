//! Any bytes as promote-holds.yaml: no panic, and what cannot be read holds everything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::plan::holds::Holds;

fuzz_target!(|bytes: &[u8]| {
    if let Holds::Unreadable(why) = Holds::read(bytes) {
        assert!(!why.is_empty());
    }
});
