//! What else goes live with a promotion: commits of other people that nobody has synced yet.

use serde_json::Value;

use crate::support::World;

const PRODUCTION: &str = "--app api --environment production --settle 0s --tag";
const OVERLAY: &str = "apps/api/overlays/production/kustomization.yaml";

/// A production at v1 that is synced, and two commits of somebody since: one in its overlay, one in its base. A third touches neither.
fn with_unsynced_commits() -> World {
    let world = World::at_speed(200.0);
    world.live(&format!("{PRODUCTION} v1")).ends("promoted", 0);
    let change = |path: &str, subject: &str| {
        let text = world
            .sandbox
            .git(&["cat-file", "blob", &format!("main:{path}")])
            .unwrap();
        world
            .sandbox
            .commit(path, &format!("{text}\n# {subject}\n"), subject)
            .unwrap();
    };
    change(OVERLAY, "Three replicas");
    change("apps/api/overlays/dev/kustomization.yaml", "Only dev");
    change("apps/api/base-rollout/rollout.yaml", "More memory");
    world
}

fn subjects(report: &Value) -> Vec<&str> {
    let rows = report["riding_along"].as_array().unwrap();
    rows.iter().map(|row| row["subject"].as_str().unwrap()).collect()
}

/// Checks how a row of `preflight` stands, and that it has these words.
#[track_caller]
pub(super) fn check(report: &Value, name: &str, state: &str, words: &str) {
    let rows = report["checks"].as_array().unwrap();
    let row = rows.iter().find(|row| row["check"] == name).unwrap();
    let reason = row["reason"].as_str().unwrap();
    assert!(row["state"] == state && reason.contains(words), "{row:#}");
}

#[test]
fn unsynced_commits_of_others_are_listed_before_a_write() {
    let world = with_unsynced_commits();
    let plan = world.live(&format!("plan {PRODUCTION} v2")).ends("planned", 0);
    assert_eq!(subjects(&plan), ["More memory", "Three replicas"], "{plan:#}");
    let row = &plan["riding_along"][1];
    assert_eq!(row["application"], "api-production");
    assert_eq!(row["commit"].as_str().unwrap().len(), 40);
    assert!(!row["author"].as_str().unwrap().is_empty() && !row["author"].as_str().unwrap().contains('<'));
    assert!(plan["warnings"].to_string().contains("Three replicas"), "{plan:#}");

    let before = world.sandbox.tip().unwrap();
    let looked = world.live("preflight --app api --environment production").ends("ok", 0);
    assert_eq!(subjects(&looked), ["More memory", "Three replicas"]);
    check(&looked, "unsynced", "warning", "\"More memory\" by ");

    let refused = world
        .live(&format!("{PRODUCTION} v2 --on-unsynced refuse"))
        .ends("refused", 3);
    assert!(refused["reason"].as_str().unwrap().contains("2 commits"), "{refused:#}");
    assert_eq!(world.sandbox.tip().unwrap(), before);

    let report = world.live(&format!("{PRODUCTION} v2")).ends("promoted", 0);
    assert_eq!(subjects(&report), ["More memory", "Three replicas"]);
    let report = world.live(&format!("{PRODUCTION} v3")).ends("promoted", 0);
    assert!(subjects(&report).is_empty(), "{report:#}");
}

#[test]
fn an_environment_can_refuse_unsynced_commits() {
    let world = with_unsynced_commits();
    let config = "version: 1\nenvironments:\n  - name: production\n    on-unsynced: refuse\n";
    world
        .sandbox
        .commit("promote.yaml", config, "Refuse unsynced commits")
        .unwrap();
    let refused = world.live(&format!("{PRODUCTION} v2")).ends("refused", 3);
    assert!(
        refused["hints"].to_string().contains("sync api-production"),
        "{refused:#}"
    );
    let looked = world
        .live("preflight --app api --environment production")
        .ends("refused", 3);
    check(&looked, "unsynced", "failed", "2 commits");
}

#[test]
fn people_read_what_rides_along() {
    let world = with_unsynced_commits();
    let token = world.sandbox.argocd.token("ci");
    let server = [
        ("ARGOCD_SERVER", world.sandbox.argocd.url()),
        ("ARGOCD_AUTH_TOKEN", &token),
    ];
    let text = world
        .land_with(&server, &format!("plan {PRODUCTION} v2"))
        .exits(0)
        .stdout;
    assert!(
        text.contains("also goes live") && text.contains("\"More memory\""),
        "{text}"
    );
}
