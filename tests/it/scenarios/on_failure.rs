//! What follows a promotion that failed: nothing, or the way back; and when it is not taken.

use serde_json::Value;

use super::record::{events, lines};
use crate::support::World;

const QUICK: &str = "--app api --environment dev --settle 300ms";

fn overlay(world: &World) -> String {
    world.sandbox.overlay("api", "dev").unwrap()
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
    let command = format!(
        "`promote rollback --app api --environment dev --infra-repo {} --argocd-server {server}`",
        world.sandbox.infra_repo()
    );
    assert!(hint.contains(&command), "{hint}");
}

#[test]
fn a_timeout_is_taken_back_where_that_is_said() {
    let world = World::at_speed(20.0);
    let words = format!("{QUICK} --tag never1 --timeout 8s --on-timeout rollback --on-failure report");
    world.live(&words).ends("rolled-back", 7);
    let world = World::at_speed(20.0);
    let words = format!("{QUICK} --tag never1 --timeout 2s --on-failure rollback");
    world.live(&words).ends("timed-out", 10);
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
    assert!(
        ["superseded", "timed-out"].contains(&report["outcome"].as_str().unwrap()),
        "{report:#}"
    );
    assert!(overlay(&world).contains("never2"));

    let world = World::new();
    let running = world.start_live(&format!(
        "{QUICK} --tag never1 --on-failure rollback --on-timeout rollback"
    ));
    world.until("the commit", pinned("never1"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal(15);
    running.wait().ends("cancelled", 143);
    assert!(overlay(&world).contains("never1"));
}

#[test]
fn several_apps_are_taken_back_whole() {
    let world = World::at_speed(200.0);
    let words = "--app api,web --environment dev --settle 300ms";
    let good = "--image myorg/api:v1 --image myorg/web:v1";
    world.live(&format!("{words} {good}")).ends("promoted", 0);
    let bad = "--image myorg/api:v2 --image myorg/web:fail2";
    let report = world
        .live(&format!("{words} {bad} --on-failure rollback"))
        .ends("rolled-back", 7);
    assert_eq!(report["rollback"]["to"].as_array().unwrap().len(), 3, "{report:#}");
    assert!(overlay(&world).contains("v1"));
    assert!(world.sandbox.overlay("web", "dev").unwrap().contains("v1"));
}

#[test]
fn a_way_back_that_fails_needs_a_person() {
    let world = World::at_speed(200.0);
    world.live(&format!("{QUICK} --tag fail1")).ends("rollout-failed", 5);
    let line = "{\"v\":1,\"at\":\"2036-01-01T00:00:00Z\",\"event\":\"live\",\"images\":[\"myorg/api:fail1\"]}\n";
    super::record::write(&world, "api", "dev", line);
    let report = fails(&world, "--on-failure rollback", "rollback-failed", 8);
    assert!(
        report["reason"].as_str().unwrap().contains("myorg/api:fail1"),
        "{report:#}"
    );
    let all = events(&world, "api", "dev");
    assert_eq!(all[1..], ["failed myorg/api:fail2", "rollback-failed myorg/api:fail1"]);
}
