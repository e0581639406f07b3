//! Any bytes as a values file, a manifest or an Application: no panic, and what comes out keeps the editor's promises.
//!
//! The input is a byte that chooses the format, the tag, a byte 0xFF (which no UTF-8 text holds), and the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::manifest::{FORMATS, Field, Options, PinEdit};

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    let Some(middle) = rest.iter().position(|byte| *byte == 0xFF) else {
        return;
    };
    let format = FORMATS[usize::from(*choice) % FORMATS.len()];
    let tag = String::from_utf8_lossy(&rest[..middle]).into_owned();
    // No other text becomes a tag.
    if !tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return;
    }
    let file = &rest[middle + 1..];
    let options = Options {
        images: vec!["a/b".to_owned()],
        ..Options::default()
    };
    let Ok(pins) = format.pins(file, &options) else {
        return;
    };
    let edits: Vec<PinEdit> = pins
        .iter()
        .map(|pin| PinEdit {
            name: pin.name.clone(),
            new_tag: Field::Set(tag.clone()),
            digest: Field::Remove,
            create: choice & 0x80 != 0,
        })
        .collect();
    let Ok(edited) = format.edit(file, &edits, &options) else {
        return;
    };
    assert_eq!(edited.changed.is_empty(), edited.spans.is_empty());
    assert_eq!(edited.changed.is_empty(), edited.bytes == file);
    if let (Some(first), Some(last)) = (edited.spans.first(), edited.spans.last()) {
        assert!(edited.bytes.starts_with(&file[..first.start]), "bytes before the spans stay");
        assert!(edited.bytes.ends_with(&file[last.end..]), "bytes behind the spans stay");
    }
    let again = format.edit(&edited.bytes, &edits, &options);
    let again = again.expect("the result is accepted again");
    assert!(again.changed.is_empty(), "a second run changes nothing");
});
