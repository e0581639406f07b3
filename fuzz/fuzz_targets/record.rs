//! Any bytes as a file of the record: no panic, and what is written is read as the same lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::assess::history::{Line, Record};

fuzz_target!(|bytes: &[u8]| {
    let record = Record::parse(bytes);
    let written = record.file();
    let again = Record::parse(written.as_bytes());
    assert_eq!(again.file(), written);
    for line in record.newest_first() {
        assert_eq!(Line::parse(&line.text()).as_ref(), Some(line));
    }
});
