//! Any bytes as promote.yaml: no panic, and an error is a sentence.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::plan::Config;

fuzz_target!(|bytes: &[u8]| {
    if let Err(mistakes) = Config::parse(bytes) {
        assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| !mistake.is_empty()));
    }
});
