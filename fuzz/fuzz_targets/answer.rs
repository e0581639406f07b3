//! Any bytes as the answer of a git server: to the question for references, to a fetch, to a push. No panic, and a push counts as done only
//! when the report says so of our branch, of no other, and says nothing else of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::infrarepo::git::packet::{Packets, side_band};
use promote_action_fuzz::infrarepo::git::push::{self, Verdict};
use promote_action_fuzz::infrarepo::git::{reference, request};

const BRANCH: &str = "refs/heads/main";

fuzz_target!(|bytes: &[u8]| {
    let _ = reference::advertisement(bytes);
    let _ = reference::listing(bytes);
    let _ = request::fetched_2(bytes);
    let _ = request::fetched_0(bytes);
    let most = bytes.len().saturating_sub(1);
    let mut pieces = request::Size::new(most);
    let by_pieces = (0..=bytes.len()).map(|end| pieces.fits(&bytes[..end])).last();
    let at_once = request::Size::new(most).fits(bytes);
    assert_eq!(by_pieces, Some(at_once), "however it is cut");
    assert!(!at_once || bytes.is_empty());
    if let Ok(report) = push::report(bytes, BRANCH)
        && report.verdict == Verdict::Done
    {
        let banded = side_band(&mut Packets::new(bytes)).map(|band| band.data);
        let inner = banded.ok().filter(|data| !data.is_empty());
        let said = inner.as_deref().unwrap_or(bytes);
        let says = |part: &str| said.windows(part.len()).any(|window| window == part.as_bytes());
        assert!(
            says("unpack ok") && says(&format!("ok {BRANCH}")),
            "done, but nobody said so"
        );
    }
});
