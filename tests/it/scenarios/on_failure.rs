//! What follows a promotion that failed: nothing, or the way back; and when it is not taken.

use serde_json::Value;

use super::record::{events, lines};
use crate::support::World;

const QUICK: &str = "--app api --environment dev --settle 300ms";

fn overlay(world: &World) -> String {
    world.sandbox.overlay("api", "dev").unwrap()
}

fn promote(world: &World, words: &str) {
    world.live(&format!("{QUICK} {words}")).ends("promoted", 0);
}

fn fails(world: &World, words: &str, outcome: &str, code: i32) -> Value {
    world.live(&format!("{QUICK} --tag fail2 {words}")).ends(outcome, code)
}

#[test]
fn a_failed_promotion_is_taken_back_to_what_it_replaced() {
    let world = World::at_speed(200.0);
    world.live(&format!("{QUICK} --tag v1")).ends("promoted", 0);
    let before = overlay(&world);
    let commits = world.commits();
    let stepped = world
        .step()
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "fail2")
        .with("settle", "300ms")
        .with("on-failure", "rollback")
        .run();
    let outputs = &stepped.outputs;
    assert_eq!(outputs["outcome"], "rolled-back", "{:?}", stepped.ran);
    assert_eq!(
        (
            outputs["exit-code"].as_str(),
            outputs["rolled-back-to"].as_str(),
            outputs["live"].as_str()
        ),
        ("7", "myorg/api:v1", "false")
    );
    assert_eq!(overlay(&world), before);
    assert_eq!(world.commits(), commits + 2);
    assert_eq!(
        events(&world, "api", "dev"),
        [
            "live myorg/api:v1",
            "rolled-back myorg/api:fail2",
            "reverted myorg/api:v1"
        ]
    );
    // Both lines are one commit of the record, and the failure is older than the way back.
    let record = world
        .sandbox
        .git(&["rev-list", "--count", "refs/promote/record"])
        .unwrap();
    assert_eq!(record.trim(), "2");
    let recorded = lines(&world, "api", "dev");
    assert_eq!(recorded[2]["of"], recorded[1]["commit"]);
    let holds = world
        .sandbox
        .git(&["cat-file", "blob", "main:promote-holds.yaml"])
        .unwrap();
    assert!(holds.contains("myorg/api:fail2"), "{holds}");
}

#[test]
fn without_any_record_it_goes_back_to_what_it_replaced() {
    let world = World::at_speed(200.0);
    let before = overlay(&world);
    let report = fails(&world, "--on-failure rollback", "rolled-back", 7);
    assert_eq!(overlay(&world), before);
    assert_eq!(report["rollback"]["of"], report["infra_repo"]["commit"], "{report:#}");
    // Nothing is advised any more for the version that is gone.
    let hints = report["hints"].as_array().unwrap();
    assert!(
        hints.len() == 1 && hints[0].as_str().unwrap().contains("is held"),
        "{report:#}"
    );
}

#[test]
fn what_it_replaced_is_skipped_where_it_failed_before() {
    let world = World::at_speed(200.0);
    world.live(&format!("{QUICK} --tag v1")).ends("promoted", 0);
    world.live(&format!("{QUICK} --tag fail1")).ends("rollout-failed", 5);
    let report = fails(&world, "--on-failure rollback", "rolled-back", 7);
    assert_eq!(report["rollback"]["to"][0], "myorg/api:v1", "{report:#}");
}

#[test]
fn an_environment_says_it_in_promote_yaml() {
    let world = World::at_speed(200.0);
    let config = "version: 1\nenvironments: [{name: dev, on-failure: rollback}]\n";
    world.sandbox.commit("promote.yaml", config, "go back").unwrap();
    fails(&world, "", "rolled-back", 7);
}

#[test]
fn a_failure_is_only_reported_unless_something_else_is_said_and_names_the_way_back() {
    let world = World::at_speed(200.0);
    let report = fails(&world, "--on-timeout rollback", "rollout-failed", 5);
    assert!(report["rollback"].is_null(), "{report:#}");
    let hint = report["hints"].as_array().unwrap().last().unwrap().as_str().unwrap();
    let server = world.sandbox.argocd.url();
    // Nothing was recorded of what it replaced, so the way back has to name it.
    let command = format!(
        "`promote rollback --app api --environment dev --to myorg/api:4f9d2c1 --infra-repo {} --argocd-server {server} --settle 300ms`",
        world.sandbox.infra_repo()
    );
    assert!(hint.contains(&command), "{hint}");
}

#[test]
fn the_way_back_names_no_version_that_failed_and_keeps_the_flags_of_the_run() {
    let world = World::at_speed(200.0);
    fails(&world, "", "rollout-failed", 5);
    // What it replaced has failed, and nothing else is known to be good.
    let report = world.live(&format!("{QUICK} --tag fail3")).ends("rollout-failed", 5);
    let hint = report["hints"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(
        hint.starts_with("go back: `promote rollback ") && !hint.contains("--to"),
        "{hint}"
    );
    assert!(!report.to_string().contains("promote the version before"), "{report:#}");
    let report = world
        .live(&format!(
            "wait {QUICK} --timeout 5s --application {{app}}-{{environment}}"
        ))
        .ends("rollout-failed", 5);
    let hint = report["hints"].as_array().unwrap().last().unwrap().as_str().unwrap();
    for flag in ["--application '{app}-{environment}'", "--timeout 5s", "--settle 300ms"] {
        assert!(hint.contains(flag), "{flag} in {hint}");
    }
}

#[test]
fn a_timeout_is_taken_back_where_that_is_said() {
    let world = World::at_speed(20.0);
    let words = format!("{QUICK} --tag never1 --timeout 8s --on-timeout rollback --on-failure report");
    world.live(&words).ends("rolled-back", 7);
    let world = World::at_speed(20.0);
    let words = format!("{QUICK} --tag never1 --timeout 2s --on-failure rollback");
    let report = world.live(&words).ends("timed-out", 10);
    says_why_nothing_was_rolled_back(&report, "only `on-timeout: rollback` takes back");
}

#[track_caller]
fn says_why_nothing_was_rolled_back(report: &Value, why: &str) {
    let hints = report["hints"].to_string();
    assert!(
        hints.contains("nothing was rolled back: ") && hints.contains(why),
        "{report:#}"
    );
}

#[test]
fn nothing_is_taken_back_across_a_schema_or_to_a_held_version() {
    let world = World::at_speed(200.0);
    world
        .live(&format!("{QUICK} --tag v1 --schema one"))
        .ends("promoted", 0);
    let report = fails(&world, "--schema two --on-failure rollback", "rollout-failed", 5);
    let hints = report["hints"].to_string();
    assert!(
        hints.contains("nothing was rolled back") && hints.contains("schema"),
        "{hints}"
    );
    assert!(overlay(&world).contains("fail2"));
    assert_eq!(events(&world, "api", "dev").last().unwrap(), "failed myorg/api:fail2");

    let world = World::at_speed(200.0);
    world.live(&format!("{QUICK} --tag v1")).ends("promoted", 0);
    let held = "- app: api\n  environment: dev\n  image: v1\n  reason: it leaks\n";
    world.sandbox.commit("promote-holds.yaml", held, "hold").unwrap();
    let report = fails(&world, "--on-failure rollback", "rollout-failed", 5);
    let hints = report["hints"].to_string();
    assert!(
        hints.contains("nothing was rolled back") && hints.contains("it leaks"),
        "{hints}"
    );
}

#[test]
fn nothing_is_taken_back_where_somebody_changed_the_pin_or_the_run_was_cancelled() {
    let world = World::new();
    let running = world.start_live(&format!(
        "{QUICK} --tag never1 --timeout 4s --on-timeout rollback --sync never"
    ));
    let pinned =
        |tag: &'static str| move |sandbox: &sandbox::Sandbox| sandbox.overlay("api", "dev").unwrap().contains(tag);
    world.until("the commit", pinned("never1"));
    let newer = overlay(&world).replace("never1", "never2");
    let path = "apps/api/overlays/dev/kustomization.yaml";
    world.sandbox.commit(path, &newer, "Take another one").unwrap();
    let report = running.wait().report();
    let why = match report["outcome"].as_str().unwrap() {
        "superseded" => "a later commit changed the pin",
        "timed-out" => "somebody has changed the pin since",
        other => panic!("{other}: {report:#}"),
    };
    says_why_nothing_was_rolled_back(&report, why);
    assert!(overlay(&world).contains("never2"));

    let world = World::new();
    let running = world.start_live(&format!(
        "{QUICK} --tag never1 --on-failure rollback --on-timeout rollback"
    ));
    world.until("the commit", pinned("never1"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal(15);
    let report = running.wait().ends("cancelled", 143);
    says_why_nothing_was_rolled_back(&report, "a cancelled run takes nothing back");
    assert!(overlay(&world).contains("never1"));
}

#[test]
fn losing_argocd_in_the_wait_takes_nothing_back() {
    type Case = (fn(&World), &'static str, &'static str, i32);
    let both = "--on-failure rollback --on-timeout rollback";
    let cases: [Case; 2] = [
        (|world| world.sandbox.argocd.revoke("ci"), "2m", "denied", 4),
        // For as long as it is away it is looked at again.
        (|world| world.sandbox.argocd.answer(gone()), "15s", "timed-out", 10),
    ];
    for (lose, timeout, outcome, code) in cases {
        let world = World::new();
        let running = world.start_live(&format!("{QUICK} --tag never1 --timeout {timeout} {both}"));
        world.until("the commit", |sandbox| {
            sandbox.overlay("api", "dev").unwrap().contains("never1")
        });
        let tip = world.sandbox.tip().unwrap();
        world.until("the wait", |sandbox| {
            let application = sandbox.argocd.application("api-dev").unwrap();
            application["status"]["sync"]["revision"] == tip.as_str()
        });
        lose(&world);
        world.sandbox.argocd.cut_streams();
        let report = running.wait().ends(outcome, code);
        assert!(report["rollback"].is_null(), "{report:#}");
        if outcome == "denied" {
            says_why_nothing_was_rolled_back(&report, "promote cannot see whether the promotion failed");
        }
        assert_eq!(world.sandbox.tip().unwrap(), tip, "{report:#}");
        let events = events(&world, "api", "dev");
        assert!(!events.iter().any(|event| event.starts_with('r')), "{events:?}");
    }
}

fn gone() -> sandbox::argocd::Canned {
    sandbox::argocd::Canned {
        part: "/api/".to_owned(),
        times: u32::MAX,
        status: 502,
        content_type: "text/plain".to_owned(),
        body: "bad gateway\n".to_owned(),
    }
}

#[test]
fn a_pin_that_somebody_changes_while_it_is_taken_back_stays() {
    let world = World::at_speed(200.0);
    promote(&world, "--tag v1");
    let newer = overlay(&world).replace("v1", "v9");
    let path = "apps/api/overlays/dev/kustomization.yaml";
    let git = &world.sandbox.git;
    git.commit("infra-repo", "faster", &[(path, &newer)], "Take another one")
        .unwrap();
    // The second push is the way back: the first one is the promotion.
    let hook = "#!/bin/sh\nread old new ref\n[ $ref = refs/heads/main ] || exit 0\n[ -e first ] || { touch first; exit 0; }\n\
        unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
        git update-ref refs/heads/main refs/heads/faster\n";
    git.hook("infra-repo", "pre-receive", hook).unwrap();
    let report = fails(&world, "--on-failure rollback", "rollout-failed", 5);
    let hints = report["hints"].to_string();
    assert!(
        hints.contains("nothing was rolled back") && hints.contains("somebody has changed the pin since"),
        "{report:#}"
    );
    assert_eq!(overlay(&world), newer);
}

#[test]
fn three_apps_are_taken_back_whole_where_one_of_them_fails() {
    let world = World::at_speed(200.0);
    third_app(&world);
    let words = "--app api,web,shop --environment dev --settle 300ms";
    let images = |web: &str, others: &str| {
        format!("--image myorg/api:{others} --image myorg/web:{web} --image myorg/shop:{others}")
    };
    world
        .live(&format!("{words} {}", images("v1", "v1")))
        .ends("promoted", 0);
    let all = |world: &World| ["api", "web", "shop"].map(|app| world.sandbox.overlay(app, "dev").unwrap());
    let before = all(&world);
    let commits = world.commits();
    let report = world
        .live(&format!("{words} {} --on-failure rollback", images("fail2", "v2")))
        .ends("rolled-back", 7);
    assert_eq!(all(&world), before, "{report:#}");
    assert_eq!(world.commits(), commits + 2);
    // nginx of web is pinned as well, and stays.
    assert_eq!(report["rollback"]["to"].as_array().unwrap().len(), 4, "{report:#}");
    for app in ["api", "web", "shop"] {
        let all = events(&world, app, "dev");
        assert!(all.last().unwrap().starts_with("reverted "), "{app}: {all:?}");
    }
}

/// Adds the app `shop` with its application in dev.
fn third_app(world: &World) {
    let pin = "resources: [web.yaml]\nimages:\n  - {name: myorg/shop, newTag: v0}\n";
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  selector: {matchLabels: {app: shop}}\n  template:\n    metadata: {labels: {app: shop}}\n    spec: {containers: [{name: shop, image: myorg/shop}]}\n";
    let folder = "apps/shop/overlays/dev";
    let files = [
        (format!("{folder}/kustomization.yaml"), pin),
        (format!("{folder}/web.yaml"), deployment),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    world
        .sandbox
        .git
        .commit("infra-repo", "main", &files, "Add shop")
        .unwrap();
    let mut application = world.sandbox.argocd.application("web-dev").unwrap();
    application["spec"]["source"]["path"] = folder.into();
    let manifest = serde_json::json!({"metadata": {"name": "shop-dev"}, "spec": application["spec"]});
    world.sandbox.argocd.apply(&manifest, true).unwrap();
}

#[test]
fn a_way_back_that_fails_needs_a_person() {
    let world = World::at_speed(200.0);
    world.live(&format!("{QUICK} --tag fail1")).ends("rollout-failed", 5);
    let line = "{\"v\":1,\"at\":\"2036-01-01T00:00:00Z\",\"event\":\"live\",\"images\":[\"myorg/api:fail1\"]}\n";
    super::record::write(&world, "api", "dev", line);
    let commits = world.commits();
    let report = fails(&world, "--on-failure rollback", "rollback-failed", 8);
    assert!(
        report["reason"].as_str().unwrap().contains("myorg/api:fail1"),
        "{report:#}"
    );
    let all = events(&world, "api", "dev");
    assert_eq!(all[1..], ["failed myorg/api:fail2", "rollback-failed myorg/api:fail1"]);
    // It is not taken back a second time: the promotion, and the way back.
    assert_eq!(world.commits(), commits + 2);
}
