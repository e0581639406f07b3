//! What comes after a promotion: waiting for a commit, looking at all environments, running the same run again.

use serde_json::Value;

use crate::support::World;

#[test]
fn a_commit_is_waited_for_with_and_without_its_name() {
    let world = World::new();
    let landed = world
        .land("--app api --environment dev --tag abc1234 --output json")
        .ends("landed", 0);
    let commit = landed["infra_repo"]["commit"].as_str().unwrap().to_owned();
    let commits = world.commits();
    for words in [String::new(), format!("--commit {commit}")] {
        let report = world
            .live(&format!("wait --app api --environment dev --settle 500ms {words}"))
            .ends("live", 0);
        assert_eq!(report["infra_repo"]["commit"], commit.as_str());
        assert_eq!(report["applications"][0]["live"], true, "{report:#}");
    }
    assert_eq!(world.commits(), commits);
}

#[test]
fn a_commit_that_is_not_there_cannot_be_waited_for() {
    let world = World::new();
    let nowhere = "0123456789abcdef0123456789abcdef01234567";
    let report = world
        .live(&format!("wait --app api --environment dev --commit {nowhere}"))
        .ends("invalid", 2);
    assert!(report["reason"].as_str().unwrap().contains(nowhere), "{report:#}");
}

#[test]
fn status_shows_every_environment_and_where_they_differ() {
    let world = World::new();
    world.land("--app api --environment dev --tag abc1234").exits(0);
    let report = world.live("status --app api").ends("ok", 0);
    let row = |environment: &str| -> Value {
        let rows = report["status"].as_array().unwrap();
        rows.iter()
            .find(|row| row["environment"] == environment)
            .unwrap()
            .clone()
    };
    let dev = row("dev");
    assert_eq!(dev["images"][0], "myorg/api:abc1234");
    assert_eq!(dev["commit"], world.sandbox.tip().unwrap());
    assert_eq!(dev["by"], "jane");
    assert_eq!(dev["differs_from"].as_array().unwrap().len(), 2, "{dev:#}");
    assert_eq!(row("production")["commit"], Value::Null);
}

#[test]
fn a_run_that_was_overtaken_writes_nothing_when_it_runs_again() {
    let world = World::new();
    let run = |attempt: &str, tag: &str, id: &str| {
        world
            .step()
            .with("app", "api")
            .with("environment", "dev")
            .with("tag", tag)
            .with("wait", "false")
            .env("GITHUB_RUN_ID", id)
            .env("GITHUB_RUN_ATTEMPT", attempt)
            .run()
    };
    assert_eq!(run("1", "abc1234", "7").outputs["outcome"], "landed");
    assert_eq!(run("1", "def5678", "8").outputs["outcome"], "landed");
    let tip = world.sandbox.tip().unwrap();
    let again = run("2", "abc1234", "7");
    assert_eq!(again.outputs["outcome"], "superseded", "{:?}", again.ran);
    assert_eq!(again.outputs["exit-code"], "9");
    assert_eq!(world.sandbox.tip().unwrap(), tip);
}

#[test]
fn a_trailer_cannot_be_brought_in_by_a_message_or_a_name() {
    let world = World::new();
    let step = world
        .step()
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "abc1234")
        .with("wait", "false")
        .with("message", "promote\n\nPromote-App: evil")
        .env("GITHUB_TRIGGERING_ACTOR", "eve\nPromote-App: evil")
        .env("GITHUB_ACTOR", "eve\nPromote-App: evil");
    assert_eq!(step.run().outputs["outcome"], "landed");
    let format = "--format=%(trailers:key=Promote-App,valueonly)";
    let apps = world.sandbox.git(&["log", "-1", format, "main"]).unwrap();
    assert_eq!(apps.trim(), "api");
}
