//! What the tests of the formats share, and what holds of each of them for random files.

use proptest::prelude::*;

use crate::argocd::ArgoCd;
use crate::manifests::Manifests;
use crate::values::Values;
use crate::{Edited, Field, Format, ManifestFault, Options, PinEdit};

/// A digest of this digit.
pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// An edit of one pin.
pub(crate) fn edit(name: &str, tag: Option<&str>, digest: Field) -> PinEdit {
    PinEdit {
        name: name.to_owned(),
        new_tag: tag.map_or(Field::Remove, |tag| Field::Set(tag.to_owned())),
        digest,
        create: false,
    }
}

fn every(
    format: &dyn Format,
    text: &str,
    tag: Option<&str>,
    digest: &Field,
    options: &Options,
) -> Result<Edited, ManifestFault> {
    let pins = format.pins(text.as_bytes(), options)?;
    let edits: Vec<PinEdit> = pins.iter().map(|pin| edit(&pin.name, tag, digest.clone())).collect();
    format.edit(text.as_bytes(), &edits, options)
}

/// Gives every pin of a text a tag and a digest.
#[expect(clippy::needless_pass_by_value, reason = "so that tests read as they are said")]
pub(crate) fn promoted(
    format: &dyn Format,
    text: &str,
    tag: Option<&str>,
    digest: Field,
    options: &Options,
) -> Result<String, ManifestFault> {
    let edited = every(format, text, tag, &digest, options)?;
    Ok(String::from_utf8(edited.bytes).unwrap())
}

/// A promotion that was made changes nothing.
#[expect(clippy::needless_pass_by_value, reason = "so that tests read as they are said")]
pub(crate) fn second_run_is_nothing(
    format: &dyn Format,
    text: &str,
    tag: Option<&str>,
    digest: Field,
    options: &Options,
) {
    let edited = every(format, text, tag, &digest, options).unwrap();
    assert!(edited.changed.is_empty() && edited.spans.is_empty(), "{text}");
    assert_eq!(edited.bytes, text.as_bytes());
}

/// Files of every format, for damage.
const SAMPLES: [(&dyn Format, &str); 3] = [
    (
        &Values,
        "a: &x 1\nimage:\n  registry: ghcr.io\n  repository: a/b\n  tag: 'v1' # pin\n  digest:\nb: [1, {c: 2}]\nd: |\n  text\n",
    ),
    (
        &Manifests,
        "kind: Deployment\nmetadata: {name: x}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n        image: a/b:v1\n      - {name: d, image: \"a/b:v1\"}\n---\nkind: Pod\nspec:\n  containers:\n  - image: >-\n      a/b:v1\n    name: e\n",
    ),
    (
        &ArgoCd,
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\nspec:\n  sources:\n  - helm:\n      values: |\n        # c\n        image:\n          repository: a/b\n          tag: v1\n\n      parameters: [{name: image.repository, value: a/b}, {name: image.tag, value: v1}]\n  - kustomize: {images: [x=a/b:v1]}\n",
    ),
];

/// Tags as people write them, and those that a reader mistakes.
fn tags() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_][A-Za-z0-9._-]{0,12}",
        prop::sample::select(vec![
            "1.10",
            "1e5",
            "on",
            "0123",
            "2024-01-31",
            "null",
            "0x1F",
            "1_000",
            "_1_",
            "y",
            ".5"
        ])
        .prop_map(str::to_owned),
    ]
}

/// A value as one of the ways of writing a text.
fn written(text: &str, way: u8) -> String {
    match way % 3 {
        0 => format!("'{text}'"),
        1 => format!("\"{text}\""),
        _ => format!("{text}x"),
    }
}

/// What stands around a pin in files.
fn around() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "# a comment with: signs\n",
        "extra: {a: [1, 2], b: \"x: y\"}\n",
        "text: |\n  image: not/me:v1\n\n  end\n",
        "anchors:\n- &a one\n- *a\n",
        "list:\n- - deep\n  - {}\n",
    ])
    .prop_map(str::to_owned)
}

fn indented(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("{}{line}\n", " ".repeat(by))
            }
        })
        .collect()
}

/// Holds the promises of an editor against one edit.
fn hold(format: &dyn Format, text: &str, tag: &str) -> Result<(), TestCaseError> {
    let options = Options::default();
    let edited = every(format, text, Some(tag), &Field::Keep, &options);
    let edited = edited.map_err(|fault| TestCaseError::fail(format!("{fault}\n{text}")))?;
    let new = String::from_utf8(edited.bytes.clone()).unwrap();
    // Bytes outside of the spans stay.
    let (mut rest, mut at) = (new.as_str(), 0);
    for span in &edited.spans {
        let kept = &text[at..span.start];
        let found = rest.find(kept);
        prop_assert!(found.is_some(), "{text}\n{new}");
        rest = &rest[found.unwrap() + kept.len()..];
        at = span.end;
    }
    prop_assert!(rest.ends_with(&text[at..]), "{text}\n{new}");
    // The pins read as asked, and a second run changes nothing.
    let pins = format.pins(new.as_bytes(), &options).unwrap();
    prop_assert!(!pins.is_empty());
    prop_assert!(pins.iter().all(|pin| pin.new_tag.as_deref() == Some(tag)), "{new}");
    second_run_is_nothing(format, &new, Some(tag), Field::Keep, &options);
    Ok(())
}

proptest! {
    #[test]
    fn values_keep_the_promises(tag in tags(), old in tags(), way: u8, before in around(), after in around(), crlf: bool) {
        let text = format!("{before}image:\n  repository: a/b\n  tag: {}  # pin\n{}", written(&old, way), after.replace("extra", "more").replace("text", "texts").replace("list", "lists").replace("anchors", "others").replace("&a", "&b").replace("*a", "*b"));
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        hold(&Values, &text, &tag)?;
    }

    #[test]
    fn manifests_keep_the_promises(tag in tags(), old in tags(), way: u8, before in around(), several: bool) {
        let image = written(&format!("a/b:{old}"), way);
        let one = format!("kind: Deployment\nmetadata: {{name: x}}\n{before}spec:\n  template:\n    spec:\n      initContainers:\n      - image: {image}\n      containers:\n      - name: c\n        image: {image} # pin\n");
        let text = if several { format!("{one}---\n{}", one.replace("&a", "&b").replace("*a", "*b")) } else { one };
        hold(&Manifests, &text, &tag)?;
    }

    #[test]
    fn applications_keep_the_promises(tag in tags(), old in tags(), way: u8, before in around(), deeper in 1_usize..4) {
        let inner = format!("{before}image:\n  repository: a/b\n  tag: {}\n", written(&old, way));
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: x}}\nspec:\n  source:\n    kustomize:\n      images:\n      - n=a/b:{old}x\n    helm:\n      values: |\n{}      valuesObject:\n{}",
            indented(&inner, 6 + deeper),
            indented(&inner, 8),
        );
        hold(&ArgoCd, &text, &tag)?;
    }

    #[test]
    fn damaged_files_are_refused_or_edited_as_promised(
        choice in 0_usize..SAMPLES.len(),
        at in any::<prop::sample::Index>(),
        take in 0_usize..4,
        put in prop::sample::select(vec!["", " ", "\n", "- ", "&a ", "*a", "<<: ", "{", "}", "[", "\"", "'", "#", ": ", "|\n", "{{ x }}", "---\n", "\t", "\r", "\u{2028}"]),
        tag in tags(),
    ) {
        let (format, sample) = SAMPLES[choice];
        let start = at.index(sample.len());
        let end = (start + take).min(sample.len());
        let text = format!("{}{put}{}", &sample[..start], &sample[end..]);
        if let Ok(edited) = every(format, &text, Some(&tag), &Field::Keep, &Options::default()) {
            let new = String::from_utf8(edited.bytes).unwrap();
            if let (Some(first), Some(last)) = (edited.spans.first(), edited.spans.last()) {
                prop_assert!(new.starts_with(&text[..first.start]) && new.ends_with(&text[last.end..]), "{text}\n{new}");
            }
            second_run_is_nothing(format, &new, Some(&tag), Field::Keep, &Options::default());
        }
    }

    #[test]
    fn no_text_makes_a_format_panic(text in "\\PC{0,80}", tag in tags()) {
        for format in crate::FORMATS {
            let _ = every(*format, &text, Some(&tag), &Field::Keep, &Options::default());
        }
    }
}
