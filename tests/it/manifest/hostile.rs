//! Texts made to break a reader: they end in an error, not in a crash, and not after minutes.

use promote_action::manifest::kustomize::{Kustomize, parse_arguments, set_images};
use promote_action::manifest::{Field, Format, ManifestFault, Options, PinEdit};

/// Through both doors; they must agree that it is refused. Returns the promotion's reason.
fn refused(text: &[u8]) -> ManifestFault {
    let edits = parse_arguments(&["app:v2".to_owned()]).unwrap();
    let strict = set_images(text, &edits);
    assert!(strict.is_err(), "set-image accepts it");
    promoted(text).expect_err("a promotion accepts it")
}

fn promoted(text: &[u8]) -> Result<Vec<u8>, ManifestFault> {
    let edit = PinEdit {
        name: "app".to_owned(),
        new_tag: Field::Set("v2".to_owned()),
        digest: Field::Keep,
        create: true,
    };
    Kustomize
        .edit(text, &[edit], &Options::default())
        .map(|edited| edited.bytes)
}

/// Writes a text for each number.
fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().concat()
}

#[test]
fn deep_nesting_is_refused() {
    for unit in ["[", "{a: ", "? ", "- ", "{? "] {
        let text = format!("x: 1\ny:\n  {}", unit.repeat(20_000));
        let fault = refused(text.as_bytes());
        assert!(fault.message.contains("YAML"), "{unit}: {fault}");
    }
    let mut text = String::from("y:\n");
    for depth in 1..1_500 {
        text.push_str(&" ".repeat(depth));
        text.push_str("a:\n");
    }
    assert!(refused(text.as_bytes()).line.is_some());
}

#[test]
fn aliases_that_explode_are_refused() {
    let levels = many(19, |level| {
        let inner = vec![format!("*a{level}"); 9].join(", ");
        format!("a{0}: &a{0} [{inner}]\n", level + 1)
    });
    let mut text = format!("a0: &a0 [x, x, x, x, x, x, x, x, x]\n{levels}");
    text.push_str("images:\n- name: app\n  newTag: v1\n");
    assert!(refused(text.as_bytes()).message.contains("aliases"));
    let itself = "a: &a [*a]\nimages: []\n";
    assert!(refused(itself.as_bytes()).message.contains("alias"));
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    let nul = refused(b"images:\n- name: app\n  newTag: v1\n# \0\n");
    assert_eq!(nul.line, Some(4));
    let latin = refused(b"images: []\n# caf\xe9\n");
    assert_eq!(
        (latin.line, latin.message.as_str()),
        (Some(2), "the file is not UTF-8 text")
    );
    let form_feed = refused(b"images:\n\x0c\n");
    assert_eq!(form_feed.line, Some(2));
    refused("images: []\n\u{feff}kind: x\n".as_bytes());
    refused("namePrefix: a\u{2028}b\n".as_bytes());
    refused(
        &"images: []\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
    );
}

#[test]
fn more_than_ten_megabytes_are_refused() {
    let text = "# a comment that fills the file\n".repeat(350_000);
    assert!(refused(text.as_bytes()).message.contains("10 MB"));
}

#[test]
fn long_lines_and_many_of_one_thing_take_no_square_of_time() {
    let fields: Vec<String> = (0..60_000).map(|number| format!("k{number}: [v]")).collect();
    let one_line = format!("{{{}, images: [{{name: app, newTag: v1}}]}}\n", fields.join(", "));
    let edited = promoted(one_line.as_bytes()).unwrap();
    assert!(edited.ends_with(b"images: [{name: app, newTag: v2}]}\n"));
    let doubled = format!("images:\n- name: app\n{}", "  newTag: v1\n".repeat(60_000));
    assert!(refused(doubled.as_bytes()).message.contains("twice"));
    let anchors = many(30_000, |number| format!("- name: n{number}\n  newTag: &a{number} v1\n"));
    let edited = promoted(format!("images:\n{anchors}- name: app\n  newTag: v1\n").as_bytes()).unwrap();
    assert!(edited.ends_with(b"- name: app\n  newTag: v2\n"));
}

#[test]
fn thousands_of_edits_are_made_at_once() {
    let entries = many(4_000, |number| {
        format!("- name: n{number}\n  newName: x\n  digest: sha256:0a # old\n")
    });
    let arguments: Vec<String> = (0..4_000).rev().map(|number| format!("n{number}:v{number}")).collect();
    let edits = parse_arguments(&arguments).unwrap();
    let (edited, _) = set_images(format!("images:\n{entries}").as_bytes(), &edits).unwrap();
    let wanted = many(4_000, |number| format!("- name: n{number}\n  newTag: v{number}\n"));
    assert_eq!(String::from_utf8(edited.bytes).unwrap(), format!("images:\n{wanted}"));
    let last = edited
        .changed
        .iter()
        .find(|changed| changed.after.name == "n3999")
        .unwrap();
    assert_eq!(last.after.line, 2 * 3_999 + 3);
}
