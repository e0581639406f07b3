//! Several clusters of one environment: one commit, followed everywhere, wave after wave.

use serde_json::{Value, json};

use crate::support::World;

const WORDS: &str = "--app api --environment prod --settle 200ms";
const FOR_ALL: &str = "apps/{app}/{environment}";
const FOR_EACH: &str = "apps/{app}/{environment}-{cluster}";
const CLUSTERS: [&str; 3] = ["eu", "us", "ap"];

/// A world with the environment `prod` on three clusters, none of which syncs by itself.
fn world(path: &str, more: &str) -> World {
    let world = World::at_speed(200.0);
    let config = format!(
        "version: 1\nlayout: {{application: \"{{app}}-{{environment}}\"}}\nenvironments:\n- {{name: dev}}\n\
         - name: prod\n  path: {path}\n  application: \"{{app}}-{{environment}}-{{cluster}}\"\n  clusters: [eu, us, ap]\n{more}"
    );
    world.sandbox.commit("promote.yaml", &config, "configure").unwrap();
    let mut spec = world.sandbox.argocd.application("api-dev").unwrap()["spec"].clone();
    spec["syncPolicy"] = json!({});
    for cluster in CLUSTERS {
        let folder = path
            .replace("{app}", "api")
            .replace("{environment}", "prod")
            .replace("{cluster}", cluster);
        let overlay = "resources: [../base]\nimages:\n- name: myorg/api\n  newTag: v1 # the pin\n";
        world
            .sandbox
            .commit(&format!("{folder}/kustomization.yaml"), overlay, "add it")
            .unwrap();
        spec["source"]["path"] = json!(folder);
        let manifest = json!({"metadata": {"name": format!("api-prod-{cluster}")}, "spec": spec});
        world.sandbox.argocd.apply(&manifest, true).unwrap();
    }
    world
}

/// Returns the applications that the run synced, in their order.
fn synced(world: &World) -> Vec<String> {
    let asked = world.sandbox.argocd.asked();
    let syncs = asked
        .iter()
        .filter(|one| one.method == "POST" && one.path.contains("/sync"));
    syncs
        .map(|one| one.path.split('/').nth(4).unwrap().to_owned())
        .collect()
}

fn live(report: &Value) -> Vec<(&str, bool)> {
    let rows = report["applications"].as_array().unwrap().iter();
    let mut rows: Vec<_> = rows
        .map(|row| (row["name"].as_str().unwrap(), row["live"].as_bool().unwrap()))
        .collect();
    rows.sort_unstable();
    rows
}

#[test]
fn one_commit_is_synced_wave_after_wave() {
    let world = world(FOR_ALL, "  waves: [[us], [eu, ap]]\n");
    let commits = world.commits();
    let report = world.live(&format!("{WORDS} --tag v2")).ends("promoted", 0);
    assert_eq!(world.commits(), commits + 1);
    assert_eq!(report["changes"].as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(
        live(&report),
        [("api-prod-ap", true), ("api-prod-eu", true), ("api-prod-us", true)]
    );
    let order = synced(&world);
    assert_eq!((order.len(), order[0].as_str()), (3, "api-prod-us"), "{order:?}");
    let ended = |name: &str, what: &str| -> String {
        let app = world.sandbox.argocd.application(name).unwrap();
        app["status"]["operationState"][what].as_str().unwrap().to_owned()
    };
    for later in ["api-prod-eu", "api-prod-ap"] {
        assert!(ended("api-prod-us", "finishedAt") <= ended(later, "startedAt"));
    }
    // A wave that fails stops the next, and all is taken back.
    let report = world
        .live(&format!("{WORDS} --tag fail3 --on-failure rollback"))
        .ends("rolled-back", 7);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("wave 1 of 2 ended there, so api-prod-eu, api-prod-ap was not synced"),
        "{reason}"
    );
    assert_eq!(world.commits(), commits + 3);
    let file = world
        .sandbox
        .git(&["show", "main:apps/api/prod/kustomization.yaml"])
        .unwrap();
    assert!(file.contains("newTag: v2 # the pin"), "{file}");
    // Nothing but the first wave ever synced the bad commit.
    let bad = world.sandbox.git(&["rev-parse", "main~1"]).unwrap();
    for name in ["api-prod-eu", "api-prod-ap"] {
        let status = world.sandbox.argocd.application(name).unwrap()["status"].to_string();
        assert!(!status.contains(bad.trim()), "{name}: {status}");
    }
    let events = super::record::events(&world, "api", "prod");
    assert_eq!(
        events,
        [
            "live myorg/api:v2",
            "rolled-back myorg/api:fail3",
            "reverted myorg/api:v2"
        ]
    );
}

#[test]
fn an_application_that_syncs_by_itself_waits_for_no_wave() {
    let world = world(FOR_ALL, "  waves: [[eu], [us, ap]]\n");
    let argocd = &world.sandbox.argocd;
    argocd.edit("api-prod-ap", |spec| spec["syncPolicy"] = json!({"automated": {}}));
    let commits = world.commits();
    let report = world.live(&format!("{WORDS} --tag v2")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("api-prod-ap is in wave 2 of prod"), "{reason}");
    assert_eq!(world.commits(), commits);
    world
        .land("plan --app api --environment prod --tag v2 --output json")
        .ends("planned", 0);
}

#[test]
fn each_cluster_can_have_a_folder() {
    let world = world(
        FOR_EACH,
        "  after: [dev]\n- name: both\n  clusters: [eu, us]\n  path: apps/{app}/both-{cluster}\n  application: \"{app}-{cluster}\"\n",
    );
    let commits = world.commits();
    world
        .live("--app api --environment dev --tag v2 --settle 200ms")
        .ends("promoted", 0);
    let report = world.live(&format!("{WORDS} --from dev")).ends("promoted", 0);
    assert_eq!(world.commits(), commits + 2);
    let files: Vec<&str> = (report["changes"].as_array().unwrap().iter())
        .map(|change| change["file"].as_str().unwrap())
        .collect();
    assert_eq!(
        files,
        CLUSTERS.map(|cluster| format!("apps/api/prod-{cluster}/kustomization.yaml"))
    );
    assert_eq!(
        live(&report),
        [("api-prod-ap", true), ("api-prod-eu", true), ("api-prod-us", true)]
    );
    world.live(&format!("{WORDS} --from dev")).ends("no-change", 0);
    let report = world.live("status --app api").ends("ok", 0);
    let rows: Vec<(&str, &str)> = (report["status"].as_array().unwrap().iter())
        .filter(|row| row["environment"] == "prod")
        .map(|row| {
            (
                row["environment"].as_str().unwrap(),
                row["cluster"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(rows, [("prod", "eu"), ("prod", "us"), ("prod", "ap")]);
    // From several clusters only what all of them pin.
    for cluster in ["eu", "us"] {
        let overlay = "images:\n- name: myorg/api\n  newTag: v0\n";
        let file = format!("apps/api/both-{cluster}/kustomization.yaml");
        world.sandbox.commit(&file, overlay, "add it").unwrap();
    }
    let both = "--app api --environment both --from prod --output json";
    let report = world.land(both).ends("landed", 0);
    assert_eq!(report["changes"].as_array().unwrap().len(), 2, "{report:#}");
    let overlay = "images:\n- name: myorg/api\n  newTag: v9\n";
    world
        .sandbox
        .commit("apps/api/prod-ap/kustomization.yaml", overlay, "differ")
        .unwrap();
    world
        .land("--app api --environment both --from prod --output json")
        .ends("no-change", 0);
    let report = world
        .land("--app api --environment dev --from prod --output json")
        .ends("invalid", 2);
    assert!(
        report["reason"].as_str().unwrap().contains("pins myorg/api:v9"),
        "{report:#}"
    );
}
