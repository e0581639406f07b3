//! Any bytes as a kustomization file, any text as arguments: no panic, and what comes out keeps the editor's promises.
//!
//! The input is the arguments, one per line, a byte 0xFF (which no UTF-8 text holds), and the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promote_action_fuzz::manifest::kustomize::{Kustomize, parse_arguments, set_images};
use promote_action_fuzz::manifest::{Edited, Field, Format, Options, PinEdit};

fuzz_target!(|input: &[u8]| {
    let Some(middle) = input.iter().position(|byte| *byte == 0xFF) else {
        return;
    };
    let (head, file) = (&input[..middle], &input[middle + 1..]);
    let arguments: Vec<String> = String::from_utf8_lossy(head).lines().map(str::to_owned).collect();
    // An odd number of arguments goes through the one door, an even one through the other: half the work for each input.
    if arguments.len() % 2 == 1 {
        as_set_image(file, &arguments);
    } else {
        as_promotion(file, arguments.first().map(String::as_str));
    }
});

fn as_set_image(file: &[u8], arguments: &[String]) {
    if let Ok(edits) = parse_arguments(arguments)
        && let Ok((edited, _)) = set_images(file, &edits)
    {
        check(file, &edited);
        let (again, _) = set_images(&edited.bytes, &edits).expect("the result is accepted again");
        assert!(again.changed.is_empty(), "a second run changes nothing");
    }
}

fn as_promotion(file: &[u8], tag: Option<&str>) {
    let Ok(pins) = Kustomize.pins(file, &Options::default()) else {
        return;
    };
    let name = pins.first().map_or_else(|| "app".to_owned(), |pin| pin.name.clone());
    let edit = PinEdit {
        name,
        new_tag: Field::Set(tag.unwrap_or("1.10").to_owned()),
        digest: Field::Remove,
        create: true,
    };
    if let Ok(edited) = Kustomize.edit(file, std::slice::from_ref(&edit), &Options::default()) {
        check(file, &edited);
        let again = Kustomize
            .edit(&edited.bytes, &[edit], &Options::default())
            .expect("the result is accepted again");
        assert!(again.changed.is_empty(), "a second run changes nothing");
    }
}

/// Everything outside of the spans is kept, and a change is told exactly when there is one.
fn check(old: &[u8], edited: &Edited) {
    let new = &edited.bytes;
    assert_eq!(edited.changed.is_empty(), edited.spans.is_empty());
    assert_eq!(edited.changed.is_empty(), old == new.as_slice());
    let (Some(first), Some(last)) = (edited.spans.first(), edited.spans.last()) else {
        return;
    };
    assert!(new.starts_with(&old[..first.start]));
    assert!(new.ends_with(&old[last.end..]));
    assert!(edited.spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
}
