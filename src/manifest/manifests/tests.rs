//! Manifests in small: what is found, edited and refused.

use super::*;
use crate::Field;
use crate::testing::{digest, promoted, second_run_is_nothing};

fn names(text: &str) -> Vec<String> {
    let pins = Manifests.pins(text.as_bytes(), &Options::default()).unwrap();
    pins.iter()
        .map(|pin| format!("{} {}", pin.name, pin.reference()))
        .collect()
}

#[test]
fn containers_of_every_kind_with_a_pod_template_are_found() {
    let spec = "{containers: [{name: c, image: a/b:v1}]}";
    for (text, name) in [
        (format!("kind: Pod\nmetadata: {{name: x}}\nspec: {spec}\n"), "Pod/x/c"),
        (
            format!("kind: Deployment\nmetadata: {{name: x}}\nspec: {{template: {{spec: {spec}}}}}\n"),
            "Deployment/x/c",
        ),
        (
            format!(
                "kind: CronJob\nmetadata: {{generateName: x-}}\nspec: {{jobTemplate: {{spec: {{template: {{spec: {spec}}}}}}}}}\n"
            ),
            "CronJob/x-/c",
        ),
        (
            format!("apiVersion: serving.knative.dev/v1\nkind: Revision\nmetadata: {{name: x}}\nspec: {spec}\n"),
            "Revision/x/c",
        ),
        (
            format!(
                "kind: List\nitems:\n- kind: Rollout\n  metadata: {{name: x}}\n  spec: {{template: {{spec: {spec}}}}}\n"
            ),
            "Rollout/x/c",
        ),
        (
            format!("kind: FlinkDeployment\nmetadata: {{name: x}}\nspec: {{podTemplate: {{spec: {spec}}}}}\n"),
            "FlinkDeployment/x/c",
        ),
    ] {
        assert_eq!(names(&text), [format!("{name} a/b:v1")], "{text}");
    }
    for text in [
        format!("kind: Policy\nspec: {{objectDefinition: {{spec: {spec}}}}}\n"),
        format!("kind: ConfigMap\ndata: {{image: a/b:v1}}\nspec: {spec}\n"),
        "kind: Deployment\nspec: {template: {spec: {containers: [{env: [{name: i, value: a/b:v1}]}]}}}\n".to_owned(),
        "a\n".to_owned(),
        String::new(),
    ] {
        assert_eq!(names(&text), [] as [String; 0], "{text}");
    }
}

#[test]
fn each_pin_has_a_name_of_its_own() {
    let one =
        "kind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - {name: c, image: a:1}\n  - {name: c, image: b:1}\n";
    assert_eq!(
        names(&format!("{one}---\n{one}")),
        ["Pod/x/c a:1", "Pod/x/c#2 b:1", "Pod/x/c#3 a:1", "Pod/x/c#4 b:1"]
    );
}

#[test]
fn references_are_written_as_given() {
    let file = |image: &str| format!("kind: Pod\nspec:\n  containers:\n  - image: {image}\n    name: c\n");
    let new = digest('b');
    for (before, tag, field, after) in [
        ("nginx", Some("v2"), Field::Keep, "nginx:v2".to_owned()),
        (
            "\"localhost:5000/a\"",
            Some("v2"),
            Field::Keep,
            "\"localhost:5000/a:v2\"".to_owned(),
        ),
        (
            "'a:v1@sha256:0'",
            Some("v2"),
            Field::Set(new.clone()),
            format!("'a:v2@{new}'"),
        ),
        ("a:v1", None, Field::Set(new.clone()), format!("a@{new}")),
        (">-\n      a:v1", Some("v2"), Field::Keep, "a:v2".to_owned()),
    ] {
        let text = promoted(&Manifests, &file(before), tag, field.clone(), &Options::default()).unwrap();
        assert_eq!(text, file(&after));
        second_run_is_nothing(&Manifests, &text, tag, field, &Options::default());
    }
}

#[test]
fn a_folder_gives_its_manifests() {
    let claimed = Manifests.claims(Named::Folder(&[
        "b.yaml",
        "a.json",
        "kustomization.yaml",
        "README.md",
        "c.yml",
    ]));
    assert_eq!(claimed.unwrap(), ["a.json", "b.yaml", "c.yml"]);
    assert!(
        Manifests
            .claims(Named::Folder(&["README.md"]))
            .unwrap_err()
            .contains("README.md")
    );
}
