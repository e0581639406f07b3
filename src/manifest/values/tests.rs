//! Helm values files in small: what is found, edited and refused.

use super::*;
use crate::Field;
use crate::testing::{digest, edit, promoted, second_run_is_nothing};

fn options(keys: &[ImageKeys]) -> Options {
    Options {
        keys: keys.to_vec(),
        ..Options::default()
    }
}

fn parts(repository: &str, tag: &str) -> ImageKeys {
    ImageKeys {
        repository: Some(repository.to_owned()),
        tag: Some(tag.to_owned()),
        ..ImageKeys::default()
    }
}

fn reference(path: &str) -> ImageKeys {
    ImageKeys {
        reference: Some(path.to_owned()),
        ..ImageKeys::default()
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of files")]
fn only_the_bytes_of_the_tag_change() {
    for (before, tag, after) in [
        (
            "image:\n  repository: a/b\n  tag: v1  # kept\n",
            "v2",
            "image:\n  repository: a/b\n  tag: v2  # kept\n",
        ),
        (
            "image:\r\n  tag: 'v1'\r\n  repository: a/b\r\n",
            "v2",
            "image:\r\n  tag: 'v2'\r\n  repository: a/b\r\n",
        ),
        (
            "image: {repository: a/b, tag: v1}",
            "1.10",
            "image: {repository: a/b, tag: \"1.10\"}",
        ),
        (
            "image:\n  repository: a/b\n  tag:\nx: 1\n",
            "v2",
            "image:\n  repository: a/b\n  tag: v2\nx: 1\n",
        ),
        (
            "image:\n  repository: a/b\n  tag:   # none\n",
            "on",
            "image:\n  repository: a/b\n  tag: \"on\"   # none\n",
        ),
        (
            "image:\n  repository: a/b\n  tag: ~\n",
            "1e5",
            "image:\n  repository: a/b\n  tag: \"1e5\"\n",
        ),
        (
            "image:\n  repository: a/b\n  tag: 12.14\n",
            "12.14",
            "image:\n  repository: a/b\n  tag: \"12.14\"\n",
        ),
        (
            "image:\n  repository: a/b\n  tag: !!str 1\n",
            "2",
            "image:\n  repository: a/b\n  tag: !!str 2\n",
        ),
        (
            "image:\n  repository: a/b\n  tag: >-\n    v1\nx: 1\n",
            "v2",
            "image:\n  repository: a/b\n  tag: v2\nx: 1\n",
        ),
        (
            "---\nimage: {repository: a/b, tag: v1}\n---\n",
            "v2",
            "---\nimage: {repository: a/b, tag: v2}\n---\n",
        ),
        (
            "{\"image\": {\"repository\": \"a/b\", \"tag\": null}}\n",
            "v2",
            "{\"image\": {\"repository\": \"a/b\", \"tag\": \"v2\"}}\n",
        ),
        (
            "image:\n  registry: quay.io/\n  repository: a/b\n  tag: v1\n  digest: \"\"\n",
            "v2",
            "image:\n  registry: quay.io/\n  repository: a/b\n  tag: v2\n  digest: \"\"\n",
        ),
        (
            "image:\n  repository: a/b\n  tag: v1\nx: 1\nx: 2\n",
            "_1_",
            "image:\n  repository: a/b\n  tag: _1_\nx: 1\nx: 2\n",
        ),
    ] {
        assert_eq!(
            promoted(&Values, before, Some(tag), Field::Keep, &Options::default()).unwrap(),
            after
        );
        second_run_is_nothing(&Values, after, Some(tag), Field::Keep, &Options::default());
    }
}

#[test]
fn digests_go_where_they_stand() {
    let new = digest('b');
    for (before, after) in [
        (
            format!("image:\n  repository: a/b\n  tag: v1\n  digest: {}\n", digest('a')),
            format!("image:\n  repository: a/b\n  tag: v2\n  digest: {new}\n"),
        ),
        (
            "image:\n  repository: a/b\n  tag: v1\n  digest: \"\"\n".to_owned(),
            format!("image:\n  repository: a/b\n  tag: v2\n  digest: \"{new}\"\n"),
        ),
        (
            format!("image:\n  repository: a/b\n  tag: \"v1@{}\"\n", digest('a')),
            format!("image:\n  repository: a/b\n  tag: \"v2@{new}\"\n"),
        ),
    ] {
        let field = Field::Set(new.clone());
        assert_eq!(
            promoted(&Values, &before, Some("v2"), field.clone(), &Options::default()).unwrap(),
            after
        );
        second_run_is_nothing(&Values, &after, Some("v2"), field, &Options::default());
    }
    let without = "image:\n  repository: a/b\n  tag: v1\n";
    let fault = promoted(&Values, without, Some("v2"), Field::Set(new), &Options::default()).unwrap_err();
    assert!(fault.message.contains("digest"), "{fault}");
}

#[test]
fn keys_lead_to_the_image() {
    let text = "api:\n  \"a.b\":\n  - name: web\n    image: quay.io/a/b:v1@sha256:0\n  - name: job\n    image: quay.io/a/b:v1\n";
    let options = options(&[
        reference("api[\"a.b\"][name=web].image"),
        reference("api[\"a.b\"][1].image"),
    ]);
    let pins = Values.pins(text.as_bytes(), &options).unwrap();
    let read: Vec<(String, &str, usize)> = pins
        .iter()
        .map(|pin| (pin.reference(), pin.name.as_str(), pin.line))
        .collect();
    assert_eq!(
        read,
        [
            ("quay.io/a/b:v1@sha256:0".to_owned(), "api[\"a.b\"][name=web].image", 4),
            ("quay.io/a/b:v1".to_owned(), "api[\"a.b\"][1].image", 6),
        ]
    );
}

#[test]
fn a_repository_that_is_not_in_the_file_comes_from_the_app() {
    let text = "web:\n  tag: v1\njob:\n  image: {repository: b, tag: v1}\n";
    let tag = ImageKeys {
        tag: Some("web.tag".to_owned()),
        ..ImageKeys::default()
    };
    let mut options = options(&[tag, parts("job.image.repository", "job.image.tag")]);
    let names = |options: &Options| -> Vec<String> {
        let pins = Values.pins(text.as_bytes(), options).unwrap();
        pins.iter().map(|pin| pin.repository().to_owned()).collect()
    };
    assert_eq!(names(&options), ["b"]);
    options.images = vec!["ghcr.io/o/a".to_owned(), "ghcr.io/o/b".to_owned()];
    assert_eq!(names(&options), ["ghcr.io/o/a", "ghcr.io/o/b"]);
}

#[test]
fn what_cannot_be_edited_alone_is_refused_with_its_line() {
    for (text, words) in [
        (
            "image: &i {repository: a/b, tag: v1}\nother: *i\n",
            "the alias on line 2 shares this value",
        ),
        ("t: &t v1\nimage: {repository: a/b, tag: *t}\n", "the pin is an alias"),
        ("x: &x {tag: v1}\nimage:\n  <<: *x\n  repository: a/b\n", "a merge"),
        (
            "image: {repository: a/b, tag: v1, tag: v2}\n",
            "has the key `tag` twice",
        ),
        (
            "image: {repository: a/b, tag: \"{{ .x }}\"}\n",
            "a template that another tool fills",
        ),
        ("image: {repository: a/b, tag: !!int 1}\n", "the YAML tag `!!int`"),
        ("image: {repository: a/b, tag: [v1]}\n", "a list or mapping"),
    ] {
        let fault = promoted(&Values, text, Some("v9"), Field::Keep, &Options::default()).unwrap_err();
        assert!(fault.message.contains(words), "{text}{fault}");
        assert!(fault.line.is_some() && fault.hint.is_some(), "{text}{fault:?}");
    }
    for (text, words) in [
        ("image: {{ .x }}\n", "unfilled template"),
        ("{{ if a }}\nimage: 1\n", ""),
        ("a: [\n", "not valid YAML"),
        ("- a\n", "must be a mapping"),
        ("a: 1\n", "no image is found"),
        ("a: 1\n---\nb: 1\n", "several documents"),
        ("", "empty"),
    ] {
        let fault = Values.pins(text.as_bytes(), &Options::default()).unwrap_err();
        assert!(fault.message.contains(words), "{text}{fault}");
    }
}

#[test]
fn what_ends_too_early_is_on_a_line_that_the_file_has() {
    for text in ["image:\n  tag: [v1\n", "a: 1\nimage: {tag: \"v1\n"] {
        let fault = Values.pins(text.as_bytes(), &Options::default()).unwrap_err();
        assert_eq!(fault.line, Some(2), "{text}{fault}");
        assert!(fault.hint.unwrap().contains("not closed"), "{text}");
    }
}

#[test]
fn a_missing_key_is_added_only_where_that_is_allowed() {
    let text = "image:\n  repository: a/b\n  # end\nx: 1\n";
    let mut edit = edit("image.tag", Some("1.10"), Field::Keep);
    let fault = Values
        .edit(text.as_bytes(), std::slice::from_ref(&edit), &Options::default())
        .unwrap_err();
    assert!(fault.hint.unwrap().contains("new-entry"));
    edit.create = true;
    for (text, after) in [
        (text, "image:\n  repository: a/b\n  tag: \"1.10\"\n  # end\nx: 1\n"),
        (
            "image: {repository: a/b}\n",
            "image: {repository: a/b, tag: \"1.10\"}\n",
        ),
        (
            "{\"image\": {\"repository\": \"a/b\"}}",
            "{\"image\": {\"repository\": \"a/b\", \"tag\": \"1.10\"}}",
        ),
    ] {
        let edited = Values
            .edit(text.as_bytes(), std::slice::from_ref(&edit), &Options::default())
            .unwrap();
        assert_eq!(String::from_utf8(edited.bytes).unwrap(), after);
    }
}

#[test]
fn a_digest_alone_leaves_no_tag() {
    let text = "image:\n  repository: a/b\n  tag: v1\n  digest: null\n";
    let new = digest('c');
    let after = promoted(&Values, text, None, Field::Set(new.clone()), &Options::default()).unwrap();
    assert_eq!(
        after,
        format!("image:\n  repository: a/b\n  tag: \"\"\n  digest: {new}\n")
    );
    second_run_is_nothing(&Values, &after, None, Field::Set(new), &Options::default());
}

#[test]
fn keys_that_say_nothing_are_refused() {
    for keys in [
        ImageKeys::default(),
        parts("a..b", "c"),
        ImageKeys {
            reference: Some("a".to_owned()),
            ..parts("b", "c")
        },
    ] {
        assert!(check(&keys).is_err(), "{keys:?}");
    }
    assert_eq!(check(&parts("a.b", "a.c[0]")), Ok(()));
}
