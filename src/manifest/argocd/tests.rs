//! Applications in small: what is found, edited and refused.

use super::*;
use crate::testing::{promoted, second_run_is_nothing};
use crate::{Field, ImageKeys};

fn application(name: &str, source: &str) -> String {
    format!("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\nspec:\n  {source}\n")
}

fn names(text: &str, options: &Options) -> Vec<String> {
    let pins = ArgoCd.pins(text.as_bytes(), options).unwrap();
    pins.iter()
        .map(|pin| format!("{} {} {}", pin.name, pin.reference(), pin.line))
        .collect()
}

#[test]
fn every_place_of_an_image_is_found_and_set() {
    let text = application(
        "api",
        "sources:\n  - kustomize: {images: [\"x=a/b:v1\"]}\n  - helm:\n      parameters:\n      - {name: image.repository, value: a/b}\n      - {name: image.tag, value: v1}\n      values: |\n        # kept\n        image:\n          repository: a/b\n          tag: v1 # pin\n  - helm:\n      valuesObject:\n        image: {repository: a/b, tag: v1}",
    );
    let options = Options::default();
    assert_eq!(
        names(&text, &options),
        [
            "sources[0].kustomize.images[0] a/b:v1 7",
            "sources[1].helm.parameters.image.tag a/b:v1 11",
            "sources[2].helm.valuesObject.image.tag a/b:v1 19",
            "sources[1].helm.values.image.tag a/b:v1 16",
        ]
    );
    let after = promoted(&ArgoCd, &text, Some("1.10"), Field::Keep, &options).unwrap();
    let expected = text
        .replace("x=a/b:v1", "x=a/b:1.10")
        .replace("value: v1", "value: \"1.10\"")
        .replace("tag: v1", "tag: \"1.10\"");
    assert_eq!(after, expected);
    second_run_is_nothing(&ArgoCd, &after, Some("1.10"), Field::Keep, &options);
}

#[test]
fn a_parameter_that_wins_over_the_values_beside_it_is_set_with_them() {
    for values in [
        "valuesObject: {image: {repository: a/b, tag: v1}}",
        "values: |\n        image:\n          repository: a/b\n          tag: v1",
    ] {
        let text = application(
            "api",
            &format!("source:\n    helm:\n      parameters: [{{name: image.tag, value: v1}}]\n      {values}"),
        );
        let options = Options::default();
        let all = names(&text, &options);
        assert!(
            all.iter().all(|name| name.contains(" a/b:v1 ")) && all.len() == 2,
            "{all:?}"
        );
        let after = promoted(&ArgoCd, &text, Some("v2"), Field::Keep, &options).unwrap();
        assert_eq!(
            after,
            text.replace("v1", "v2").replace("argoproj.io/v2", "argoproj.io/v1")
        );
    }
}

#[test]
fn of_several_applications_the_named_one_is_edited() {
    let source = "source: {helm: {valuesObject: {image: {repository: a/b, tag: v1}}}}";
    let text = format!("{}---\n{}", application("one", source), application("two", source));
    let mut options = Options::default();
    let fault = ArgoCd.pins(text.as_bytes(), &options).unwrap_err();
    assert!(fault.message.contains("one, two"), "{fault}");
    options.applications = vec!["argocd/two".to_owned()];
    let after = promoted(&ArgoCd, &text, Some("v2"), Field::Keep, &options).unwrap();
    assert_eq!(
        after,
        format!(
            "{}---\n{}",
            application("one", source),
            application("two", &source.replace("v1", "v2"))
        )
    );
}

#[test]
fn a_text_of_any_line_break_and_indentation_is_edited_in_place() {
    for values in [
        "values: |\n        image:\n            repository: a/b\n            tag: v1\n\n        x: |\n          deep\n",
        "values: |2-\n        image:\n            repository: a/b\n            tag: v1",
        "values: |-\n\n       image: {repository: a/b, tag: v1}\n",
    ] {
        let text = application("api", &format!("source:\n    helm:\n      {values}"));
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let after = promoted(&ArgoCd, &text, Some("v2"), Field::Keep, &Options::default()).unwrap();
            assert_eq!(
                after,
                text.replace("v1\n", "v2\n")
                    .replace("v1\r", "v2\r")
                    .replace("v1}", "v2}")
                    .replace("argoproj.io/v2alpha1", "argoproj.io/v1alpha1")
            );
        }
    }
}

#[test]
fn what_cannot_be_edited_is_refused_with_its_line() {
    let keys = ImageKeys {
        tag: Some("image.tag".to_owned()),
        ..ImageKeys::default()
    };
    let options = Options {
        keys: vec![keys],
        images: vec!["a/b".to_owned()],
        ..Options::default()
    };
    for (source, words) in [
        ("source: {helm: {values: \"image: {tag: v1}\"}}", "not a literal block"),
        (
            "source:\n    helm:\n      values: >\n        image: {tag:\n        v1}\n",
            "is folded",
        ),
        (
            "source: {helm: {valuesObject: {image: {tag: \"{{tag}}\"}}}}",
            "a template that another tool fills",
        ),
        (
            "source:\n    helm:\n      values: |\n        image: {tag: [}\n",
            "in `helm.values`",
        ),
    ] {
        let text = application("api", source);
        let fault = promoted(&ArgoCd, &text, Some("v2"), Field::Keep, &options).unwrap_err();
        assert!(fault.message.contains(words), "{source}: {fault}");
        assert!(fault.line.is_some_and(|line| line > 5), "{source}: {fault:?}");
    }
    for (text, words) in [
        ("kind: Deployment\n", "no Application"),
        (&application("api", "source: {path: x}"), "no image is found"),
    ] {
        let fault = ArgoCd.pins(text.as_bytes(), &options).unwrap_err();
        assert!(fault.message.contains(words), "{fault}");
    }
}

#[test]
fn an_application_set_is_edited_in_its_template() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec:\n  template:\n    spec:\n      source:\n        helm:\n          valuesObject: {image: {repository: a/b, tag: v1}, host: \"{{name}}\"}\n";
    let after = promoted(&ArgoCd, text, Some("v2"), Field::Keep, &Options::default()).unwrap();
    assert_eq!(after, text.replace("tag: v1", "tag: v2"));
}
