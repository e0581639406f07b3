//! What holds for every text: bytes outside of the spans stay, a second run changes nothing, and nothing panics.

use promote_action::manifest::kustomize::{Kustomize, parse_arguments, set_images};
use promote_action::manifest::{Field, Format, Options, PinEdit};
use proptest::prelude::*;

use super::reading::{assert_rest_is_kept, images, tree};
use super::sample::{Dice, arguments, file};

/// Holds what comes out against the promises; a refusal is fine.
fn check(text: &[u8], arguments: &[String]) {
    if let Ok(edits) = parse_arguments(arguments)
        && let Ok((edited, _)) = set_images(text, &edits)
    {
        assert_rest_is_kept(text, &edited.bytes, &edited.spans);
        assert_eq!(edited.changed.is_empty(), edited.bytes == text);
        let (again, _) = set_images(&edited.bytes, &edits).unwrap();
        assert!(again.changed.is_empty());
    }
    let Ok(pins) = Kustomize.pins(text, &Options::default()) else {
        return;
    };
    for pin in pins.iter().take(2) {
        let edit = PinEdit {
            name: pin.name.clone(),
            new_tag: Field::Set("0123".to_owned()),
            digest: Field::Keep,
            create: false,
        };
        let Ok(edited) = Kustomize.edit(text, std::slice::from_ref(&edit), &Options::default()) else {
            continue;
        };
        assert_rest_is_kept(text, &edited.bytes, &edited.spans);
        let after = Kustomize.pins(&edited.bytes, &Options::default()).unwrap();
        assert_eq!(after.len(), pins.len());
        for (old, new) in pins.iter().zip(&after) {
            let wanted = if old.name == pin.name {
                Some("0123")
            } else {
                old.new_tag.as_deref()
            };
            assert_eq!(new.new_tag.as_deref(), wanted);
            assert_eq!(
                (&new.name, &new.new_name, &new.digest),
                (&old.name, &old.new_name, &old.digest)
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(text in proptest::collection::vec(any::<u8>(), 0..300), argument in ".{0,20}") {
        check(&text, &[argument, "app:v2".to_owned()]);
    }

    #[test]
    fn arbitrary_yaml_like_text_keeps_the_promises(text in "(images:|- |name: app|newTag: |[a-z]: |[\\[\\]{},&*!|>'\"%@#?:-]|\n|  |\r\n|\t|é|\u{2028}){0,60}") {
        check(text.as_bytes(), &["app:v2".to_owned()]);
    }

    #[test]
    fn files_of_every_shape_keep_the_promises(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        check(file(&mut dice).as_bytes(), &arguments(&mut dice));
    }

    #[test]
    fn damaged_files_keep_the_promises(seed in any::<u64>(), damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut dice = Dice::new(seed);
        let mut text = file(&mut dice).into_bytes();
        for (place, byte) in damage {
            if !text.is_empty() {
                let at = place.index(text.len());
                match byte % 3 {
                    0 => text[at] = byte,
                    1 => text.insert(at, b" \n-:{}[],#&*'\""[usize::from(byte) % 14]),
                    _ => drop(text.remove(at)),
                }
            }
        }
        check(&text, &arguments(&mut dice));
    }

    #[test]
    fn any_tag_is_read_back_as_it_was_given(tag in "[ -~é\u{85}\u{2028}]{1,12}") {
        for old in ["v1", "'v1'", "\"v1\"", "|-\n    v1", "!!str v1"] {
            let text = format!("images:\n- name: app\n  newTag: {old}\n- {{name: app, newTag: v1}}\n").replace("{name: app", "{name: b");
            for name in ["app", "b"] {
                let edit = PinEdit {
                    name: name.to_owned(),
                    new_tag: Field::Set(tag.clone()),
                    digest: Field::Keep,
                    create: false,
                };
                let edited = Kustomize.edit(text.as_bytes(), &[edit], &Options::default()).unwrap();
                let new = String::from_utf8(edited.bytes).unwrap();
                prop_assert!(tree(&new).is_some(), "{new}");
                let found = images(&new).unwrap().into_iter().find(|entry| entry["name"] == name).unwrap();
                prop_assert_eq!(&found["newTag"], &tag);
            }
        }
    }
}
