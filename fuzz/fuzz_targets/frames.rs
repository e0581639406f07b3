//! Any bytes as a stream of Argo CD: no panic, and the same changes however the bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::delivery::argocd::stream;

fuzz_target!(|input: (u16, &[u8])| {
    let (piece, bytes) = input;
    let whole = format!("{:?}", stream(bytes, bytes.len()));
    assert_eq!(format!("{:?}", stream(bytes, usize::from(piece))), whole);
});
