//! The editor as a promotion uses it: tag and digest of an entry, and a file that need not please kustomize otherwise.

use promote_action::manifest::kustomize::Kustomize;
use promote_action::manifest::{Edited, FORMATS, Field, Format, ManifestFault, Options, PinEdit};
use promote_action::model::Pin;

fn tag(name: &str, tag: &str) -> PinEdit {
    PinEdit {
        name: name.to_owned(),
        new_tag: Field::Set(tag.to_owned()),
        digest: Field::Keep,
        create: false,
    }
}

fn edit(text: &str, edit: &PinEdit) -> Result<Edited, ManifestFault> {
    Kustomize.edit(text.as_bytes(), std::slice::from_ref(edit), &Options::default())
}

#[track_caller]
fn becomes(text: &str, change: &PinEdit, wanted: &str) {
    let edited = edit(text, change).unwrap();
    assert_eq!(String::from_utf8(edited.bytes.clone()).unwrap(), wanted);
    let again = edit(wanted, change).unwrap();
    assert!(
        again.changed.is_empty() && again.bytes == edited.bytes,
        "a second run changes the file"
    );
}

#[test]
fn new_name_and_tag_suffix_are_never_touched() {
    becomes(
        "images:\n- name: app\n  newName: reg.io/app\n  newTag: v1\n  tagSuffix: -x\n",
        &tag("app", "v2"),
        "images:\n- name: app\n  newName: reg.io/app\n  newTag: v2\n  tagSuffix: -x\n",
    );
}

#[test]
fn tag_and_digest_are_set_kept_and_removed_on_their_own() {
    let both = PinEdit {
        digest: Field::Set("sha256:0b".to_owned()),
        ..tag("app", "v2")
    };
    becomes(
        "images:\n- name: app\n  newTag: v1\n",
        &both,
        "images:\n- name: app\n  newTag: v2\n  digest: sha256:0b\n",
    );
    let digest_only = PinEdit {
        new_tag: Field::Remove,
        ..both
    };
    becomes(
        "images:\n- name: app\n  newTag: v1 # why\n",
        &digest_only,
        "images:\n- name: app\n  digest: sha256:0b\n",
    );
    becomes(
        "images:\n- name: app\n  newTag: v1\n  digest: sha256:0a # v1\n",
        &tag("app", "v2"),
        "images:\n- name: app\n  newTag: v2\n  digest: sha256:0a # v1\n",
    );
}

#[test]
fn a_missing_entry_is_added_only_when_that_is_allowed() {
    let fault = edit("images:\n- name: db\n  newTag: v1\n", &tag("app", "v2")).unwrap_err();
    assert!(fault.message.contains("no entry `app`"), "{fault}");
    let create = PinEdit {
        create: true,
        ..tag("app", "v2")
    };
    becomes(
        "images:\n- name: db\n  newTag: v1\n",
        &create,
        "images:\n- name: db\n  newTag: v1\n- name: app\n  newTag: v2\n",
    );
}

#[test]
fn what_kustomize_would_refuse_elsewhere_in_the_file_is_no_hindrance() {
    becomes(
        "x-shared: &i\n  a: b\nimages:\n- name: db\n  newTag: 1.10\n  tag: x\n- name: app\n  newTag: v1\nother: [1\n  , 2]\n",
        &tag("app", "v2"),
        "x-shared: &i\n  a: b\nimages:\n- name: db\n  newTag: 1.10\n  tag: x\n- name: app\n  newTag: v2\nother: [1\n  , 2]\n",
    );
}

#[test]
fn a_number_as_the_old_tag_is_repaired() {
    becomes(
        "images:\n- name: app\n  newTag: 1.10\n",
        &tag("app", "1.10"),
        "images:\n- name: app\n  newTag: \"1.10\"\n",
    );
}

#[test]
fn what_cannot_be_changed_alone_is_refused_with_line_and_way_out() {
    for (text, line, word) in [
        (
            "images:\n- name: app\n  newTag: v1\n- name: app\n  newTag: v1\n",
            4,
            "two entries",
        ),
        (
            "images:\n- name: app\n  newTag: &t v1\n- name: db\n  newTag: *t\n",
            3,
            "anchor",
        ),
        (
            "images:\n- &e\n  name: app\n  newTag: v1\n- <<: *e\n  name: db\n",
            3,
            "anchor",
        ),
        ("images:\n- name: app\n  newTag: v1\n  newTag: v3\n", 4, "twice"),
        ("images:\n- name: app\n  newTag: !!binary v1\n", 3, "tag `!!binary`"),
        ("images:\n- name: app\n  newTag: [v1]\n", 3, "a list"),
        (
            "images:\n- name: app\n  newTag: v1\n---\nkind: Other\n",
            5,
            "several documents",
        ),
        ("images: []\nImages: []\n", 2, "twice"),
        ("x: &l\n- name: app\nimages: *l\n", 3, "an alias"),
        ("x: &e\n  name: app\nimages:\n- *e\n", 4, "an alias"),
        ("images:\n- name: app\n  newTag: \"v1\n", 3, "YAML"),
        ("- name: app\n", 1, "a list"),
    ] {
        let fault = edit(text, &tag("app", "v2")).unwrap_err();
        assert!(fault.message.contains(word), "{text}: {fault}");
        assert_eq!(fault.line, Some(line), "{text}: {fault}");
    }
}

#[test]
fn a_block_scalar_that_the_end_of_the_file_cuts_off_is_not_lengthened() {
    let create = PinEdit {
        create: true,
        ..tag("app", "v2")
    };
    let fault = edit("namePrefix: |\n  a", &create).unwrap_err();
    assert!(fault.hint.unwrap().contains("line break"));
    becomes(
        "namePrefix: |-\n  a",
        &create,
        "namePrefix: |-\n  a\nimages:\n- name: app\n  newTag: v2",
    );
}

#[test]
fn pins_are_read_with_merges_and_aliases_followed() {
    let text = "x: &b\n  newName: reg.io/x\n  newTag: &t v7\nimages:\n- name: a\n  newTag: 1.10\n- <<: *b\n  name: b\n- {name: c, digest: *t, newTag: \"\"}\n- newTag: nameless\n";
    let pins = Kustomize.pins(text.as_bytes(), &Options::default()).unwrap();
    let pin = |name: &str, new_name: Option<&str>, new_tag: Option<&str>, digest: Option<&str>, line| Pin {
        name: name.to_owned(),
        new_name: new_name.map(str::to_owned),
        new_tag: new_tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
        line,
    };
    assert_eq!(
        pins,
        [
            pin("a", None, Some("1.10"), None, 5),
            pin("b", Some("reg.io/x"), Some("v7"), None, 7),
            pin("c", None, None, Some("v7"), 9),
        ]
    );
}

#[test]
fn before_and_after_are_told_with_the_line_in_the_new_text() {
    let edited = edit(
        "# head\nimages:\n- name: app # the app\n- name: db\n",
        &tag("app", "v2"),
    )
    .unwrap();
    let changed = &edited.changed[0];
    assert_eq!((changed.before.reference(), changed.before.line), ("app".to_owned(), 3));
    assert_eq!(
        (changed.after.reference(), changed.after.line),
        ("app:v2".to_owned(), 4)
    );
    assert_eq!(edited.spans.as_slice(), std::slice::from_ref(&(36..36)));
}

#[test]
fn no_two_formats_have_one_name() {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
