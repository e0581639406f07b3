//! Any bytes as each of Argo CD's answers: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::delivery::argocd::answers;

fuzz_target!(|bytes: &[u8]| answers(bytes));
