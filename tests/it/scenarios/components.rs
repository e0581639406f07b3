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

/// Makes an application one without automated sync.
fn manual(world: &World, name: &str) {
    world.sandbox.argocd.edit(name, |spec| spec["syncPolicy"] = json!({}));
}

/// Two environments with folders of their own that include the Component, and one for the Component alone.
const INCLUDED: &str = "version: 1
environments:
- {name: pins, path: \"apps/{app}/pins\", application: \"{app}-qa\"}
- name: uat
";

fn configure(world: &World, more: &str) {
    let config = format!("{INCLUDED}{more}");
    world.sandbox.commit("promote.yaml", &config, "configure").unwrap();
}

const PINS: &str = "--app api --environment pins --settle 200ms";

#[test]
fn the_gates_of_every_environment_that_a_change_reaches_are_judged() {
    let world = world();
    let closed = "  windows: {deny: [{from: 2020-01-01, to: 2120-01-01, reason: freeze}]}\n";
    configure(&world, closed);
    let commits = world.commits();
    let report = world.live(&format!("{PINS} --tag v2")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("gate `windows` of uat is closed") && reason.contains("freeze"),
        "{reason}"
    );
    let report = world.live(&format!("plan {PINS} --tag v2")).ends("planned", 0);
    assert_eq!(report["gates"][1]["environment"], "uat", "{report:#}");
    // What the environment that was asked for allows is not allowed in the other one.
    let pins = "- {name: pins, path: \"apps/{app}/pins\", application: \"{app}-qa\", allow: [skip-windows]}\n";
    let config = format!("version: 1\nenvironments:\n{pins}- name: uat\n{closed}");
    world.sandbox.commit("promote.yaml", &config, "configure").unwrap();
    let skipping = format!("{PINS} --tag v2 --allow skip-windows --reason INC-1");
    let report = world.live(&skipping).ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("skip-windows") && reason.contains("environment uat"),
        "{reason}"
    );
    assert_eq!(world.commits(), commits + 1, "only the configuration");
    world
        .sandbox
        .commit(
            "promote.yaml",
            &format!("{config}  allow: [skip-windows]\n"),
            "allow it",
        )
        .unwrap();
    world.live(&skipping).ends("promoted", 0);
}

#[test]
fn the_holds_and_approvals_of_every_environment_that_a_change_reaches_count() {
    let world = world();
    configure(&world, "");
    let hold = "- {app: api, environment: uat, image: 'myorg/api:v2', reason: INC-12, by: jane, since: '2026-01-01T00:00:00Z'}\n";
    world.sandbox.commit("promote-holds.yaml", hold, "hold").unwrap();
    let report = world.live(&format!("{PINS} --tag v2")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("in uat is held by jane"), "{reason}");
    // A rollback does not go back to it either.
    let back = "rollback --app api --environment pins --to v2 --allow unknown-version --settle 200ms";
    let report = world.live(back).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("in uat, which has the same folder, is held"),
        "{reason}"
    );
    configure(&world, "  approvals: 1\n");
    let report = world.live(&format!("{PINS} --tag v3")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("gate `approvals` of uat"), "{reason}");
}

#[test]
fn each_application_is_synced_by_the_policy_of_its_own_environment() {
    let world = world();
    manual(&world, "api-uat");
    configure(&world, "  sync: never\n");
    let syncs = || world.sandbox.argocd.application("api-uat").unwrap()["status"]["history"].clone();
    let before = syncs();
    // Neither the policy of the environment that was asked for nor an input syncs it.
    let report = world
        .live(&format!("{PINS} --sync trigger --timeout 5s --tag v2"))
        .ends("timed-out", 10);
    assert_eq!(syncs(), before);
    let row = |report: &serde_json::Value, name: &str| {
        let rows = report["applications"].as_array().unwrap().iter();
        rows.clone().find(|row| row["name"] == name).cloned().unwrap()
    };
    assert_eq!(row(&report, "api-uat")["environment"], "uat", "{report:#}");
    assert_eq!(row(&report, "api-qa")["environment"], "pins", "{report:#}");
    // `auto` of its own syncs it, whatever the other environment says; `never` as an input holds for all.
    configure(&world, "  sync: auto\n");
    world
        .live(&format!("{PINS} --sync never --timeout 5s --tag v3"))
        .ends("timed-out", 10);
    assert_eq!(syncs(), before);
    let report = world.live(&format!("{PINS} --tag v4")).ends("promoted", 0);
    assert_eq!(row(&report, "api-uat")["live"], true, "{report:#}");
    assert_ne!(syncs(), before);
    // The record has a line for each environment.
    let history = world.live("history --app api --environment uat");
    let rows = history.ends("ok", 0)["history"].to_string();
    assert!(rows.contains("myorg/api:v4"), "{rows}");
}

#[test]
fn a_manual_application_of_no_known_environment_is_not_synced() {
    let world = world();
    manual(&world, "api-uat");
    let words = "--app api --environment qa --path apps/{app}/pins --settle 200ms --tag v2";
    let commits = world.commits();
    let report = world.live(words).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("api-uat includes apps/api/pins and has no automated sync"),
        "{reason}"
    );
    assert_eq!(world.commits(), commits);
}

#[test]
fn applications_found_by_source_belong_to_the_environment_whose_folder_they_deploy() {
    let world = world();
    manual(&world, "api-uat");
    let config = "version: 1
layout: {application: by-source}
environments:
- {name: pins, path: \"apps/{app}/pins\"}
- {name: uat, sync: never}
";
    world.sandbox.commit("promote.yaml", config, "configure").unwrap();
    let report = world.live(&format!("plan {PINS} --tag v2")).ends("planned", 0);
    let rows = report["applications"].as_array().unwrap().iter();
    let mut rows: Vec<String> = rows
        .map(|row| format!("{} {}", row["name"], row["environment"]))
        .collect();
    rows.sort();
    assert_eq!(rows, ["\"api-qa\" \"pins\"", "\"api-uat\" \"uat\""], "{report:#}");
}

#[test]
fn a_rollback_takes_a_shared_change_back_everywhere_and_holds_it_everywhere() {
    let world = world();
    configure(&world, "");
    world.live(&format!("{PINS} --tag v2")).ends("promoted", 0);
    world.live(&format!("{PINS} --tag v3")).ends("promoted", 0);
    let report = world.live(&format!("rollback {PINS}")).ends("reverted", 0);
    assert_eq!(report["applications"].as_array().unwrap().len(), 2, "{report:#}");
    let holds = world
        .sandbox
        .git(&["cat-file", "blob", "main:promote-holds.yaml"])
        .unwrap();
    for environment in ["pins", "uat"] {
        assert!(holds.contains(&format!("environment: {environment}\n")), "{holds}");
    }
}

#[test]
fn a_tag_for_an_overlay_without_pins_says_where_the_image_is_pinned() {
    let world = world();
    let report = world.live("--app api --environment qa --tag v2").ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("apps/api/pins/kustomization.yaml pins it as myorg/api:v1 (line 4)")
            && !reason.contains("new-entry"),
        "{reason}"
    );
}
