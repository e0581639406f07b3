//! Any bytes as a file of the record, and any texts as the fields of a line: no panic, and what is written is read as the same lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::assess::history::{Line, Record};

fuzz_target!(|bytes: &[u8]| {
    kept(bytes);
    let mut fields = bytes.split(|byte| *byte == 0xFF).map(String::from_utf8_lossy);
    let mut field = || fields.next().unwrap_or_default();
    let line = serde_json::json!({
        "v": 1, "at": "2026-01-02T03:04:05Z", "event": field(), "commit": field(), "schema": field(), "by": field(), "run": field(),
        "reason": field(), "seconds": 1.5, "images": [field(), field()],
        "pins": [{"file": field(), "name": field(), "image": field()}],
    });
    let text = format!("{line}\n");
    assert!(Line::parse(&text).is_some(), "a line with all its fields is read");
    kept(text.as_bytes());
});

fn kept(bytes: &[u8]) {
    let record = Record::parse(bytes);
    let written = record.file();
    let again = Record::parse(written.as_bytes());
    assert_eq!(again.file(), written);
    for line in record.newest_first() {
        let text = line.text();
        assert_eq!(Line::parse(&text).map(|line| line.text()), Some(text));
    }
}
