//! An image that is pinned in a Component or a base, which several overlays include.

use serde_json::json;

use crate::support::World;

const COMPONENT: &str =
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n- name: myorg/api\n  newTag: v1\n";

/// A world in which the overlays of two environments include a Component that pins the image.
fn world() -> World {
    let world = World::at_speed(200.0);
    let sandbox = &world.sandbox;
    sandbox
        .commit("apps/api/pins/kustomization.yaml", COMPONENT, "add the pins")
        .unwrap();
    for environment in ["qa", "uat"] {
        let folder = format!("apps/api/overlays/{environment}");
        let overlay = "resources: [../../base]\ncomponents: [../../pins]\n";
        sandbox
            .commit(&format!("{folder}/kustomization.yaml"), overlay, "add it")
            .unwrap();
        let mut spec = sandbox.argocd.application("api-dev").unwrap()["spec"].clone();
        spec["source"]["path"] = json!(folder);
        let manifest = json!({"metadata": {"name": format!("api-{environment}")}, "spec": spec});
        sandbox.argocd.apply(&manifest, true).unwrap();
    }
    world
}

#[test]
fn every_application_that_includes_the_folder_is_followed() {
    let world = world();
    let config = "version: 1\nlayout: {path: \"apps/{app}/pins\"}\nenvironments: [{name: qa}, {name: uat}]\n";
    world.sandbox.commit("promote.yaml", config, "configure").unwrap();
    let words = "--app api --environment qa --settle 200ms";
    let commits = world.commits();
    let report = world.live(&format!("{words} --tag v2")).ends("promoted", 0);
    assert_eq!(world.commits(), commits + 1);
    let names = |report: &serde_json::Value| -> Vec<String> {
        let rows = report["applications"].as_array().unwrap().iter();
        let mut names: Vec<String> = rows
            .map(|row| format!("{} {}", row["name"].as_str().unwrap(), row["live"]))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&report), ["api-qa true", "api-uat true"]);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("also changes uat"), "{warnings}");
    assert!(warnings.contains("api-uat (apps/api/overlays/uat)"), "{warnings}");
    world.live(&format!("{words} --tag v2")).ends("no-change", 0);
    // An entry of an overlay that wins over the Component's.
    let overlay = "resources: [../../base]\ncomponents: [../../pins]\nimages: [{name: myorg/api, newTag: v0}]\n";
    let file = "apps/api/overlays/uat/kustomization.yaml";
    world.sandbox.commit(file, overlay, "pin it here").unwrap();
    let report = world.live(&format!("{words} --tag v3")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("apps/api/pins/kustomization.yaml")
            && reason.contains("overlays/uat/kustomization.yaml:3 sets"),
        "{reason}"
    );
}

#[test]
fn applications_are_found_by_what_their_folder_includes() {
    let world = world();
    let words = "--app api --environment qa --path apps/{app}/pins --application by-source --settle 200ms";
    let report = world.live(&format!("{words} --tag v2")).ends("promoted", 0);
    assert_eq!(report["applications"].as_array().unwrap().len(), 2, "{report:#}");
}
