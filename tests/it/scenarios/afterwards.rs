//! What comes after a promotion: waiting for a commit, looking at all environments, running the same run again.

use serde_json::Value;

use super::record::events;
use crate::support::{Stepped, World};

#[test]
fn a_commit_is_waited_for_with_and_without_its_name() {
    let world = World::new();
    let landed = world
        .land("--app api --environment dev --tag abc1234 --output json")
        .ends("landed", 0);
    let commit = landed["infra_repo"]["commit"].as_str().unwrap().to_owned();
    let commits = world.commits();
    for words in [
        String::new(),
        format!("--commit {commit}"),
        format!("--commit {}", &commit[..7]),
    ] {
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
    for (name, says) in [
        ("0123456", "begins with it"),
        ("012345", "at least 7 of its first digits"),
    ] {
        let report = world
            .live(&format!("wait --app api --environment dev --commit {name}"))
            .ends("invalid", 2);
        assert!(report["reason"].as_str().unwrap().contains(says), "{report:#}");
    }
}

#[test]
fn check_fails_status_unless_everything_runs_what_is_pinned() {
    let world = World::new();
    let report = world.live("status --check").ends("ok", 0);
    for row in report["status"].as_array().unwrap() {
        assert_eq!(
            (&row["live"], &row["reason"]),
            (&true.into(), &serde_json::Value::Null),
            "{row:#}"
        );
    }
    // Argo CD has not been asked to compare this commit.
    world.land("--app api --environment production --tag abc1234").exits(0);
    world.live("status").ends("ok", 0);
    let report = world.live("status --check").exits(3).report();
    assert_eq!(
        (&report["outcome"], &report["exit_code"]),
        (&"ok".into(), &3.into()),
        "{report:#}"
    );
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("api in production: api-production "), "{reason}");
    world.live("status --check --app api --environment dev").ends("ok", 0);
    // An application that nobody can see proves nothing.
    world.sandbox.argocd.delete("api-dev");
    let gone = world.live("status --check --app api --environment dev").exits(3);
    let report = gone.report();
    assert!(report["reason"].as_str().unwrap().contains("api in dev"), "{report:#}");
    world.land("status --check").exits(2).says("`argocd-server` is missing");
}

#[test]
fn exit_code_fails_a_plan_that_would_change_something() {
    let world = World::new();
    let plan = "plan --app api --environment dev --tag abc1234";
    world.land(plan).exits(0);
    let report = world
        .land(&format!("{plan} --exit-code --output json"))
        .exits(3)
        .report();
    assert_eq!(
        (&report["outcome"], &report["exit_code"]),
        (&"planned".into(), &3.into()),
        "{report:#}"
    );
    world.land("--app api --environment dev --tag abc1234").exits(0);
    world.land(&format!("{plan} --exit-code")).exits(0);
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
    assert_eq!(dev["previous"], serde_json::json!(["myorg/api:4f9d2c1"]), "{dev:#}");
    assert_eq!(dev["differs_from"].as_array().unwrap().len(), 2, "{dev:#}");
    // Whoever made it: the commit in which the pin appeared.
    let first = world.sandbox.git(&["rev-list", "--max-parents=0", "main"]).unwrap();
    assert_eq!(row("production")["commit"], first.trim());
    assert_eq!(row("production")["by"], "Somebody Else");
    assert_eq!(row("production")["previous"], serde_json::json!([]));
}

/// Returns the rows of `status`, each as app, environment, sync, health, and the environments that it differs from.
fn rows(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Value| {
        let differs: Vec<String> = row["differs_from"].as_array().unwrap().iter().map(text).collect();
        let fields = ["app", "environment", "sync", "health"].map(|name| text(&row[name]));
        format!("{} [{}]", fields.join(" "), differs.join(" "))
    };
    report["status"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn every_argument_of_status_is_optional() {
    let world = World::new();
    world.land("--app api --environment dev --tag abc1234").exits(0);
    let of = |words: &str| rows(&world.live(&format!("status {words}")).ends("ok", 0));
    assert_eq!(of("").len(), 6);
    assert_eq!(of("--environment production").len(), 2);
    // What is not asked for is compared with all the same.
    let dev = "api dev Synced Healthy [staging production]";
    assert_eq!(of("--app api --environment dev"), [dev]);
    assert_eq!(of("--environment dev --app api --application by-source"), [dev]);
    let alone = world
        .land("status --app api --environment dev --output json")
        .ends("ok", 0);
    assert_eq!(rows(&alone), ["api dev - - [staging production]"]);
}

#[test]
fn status_goes_on_without_an_application_that_cannot_be_read() {
    let world = World::new();
    world.sandbox.argocd.delete("api-dev");
    let report = world.live("status --app api").ends("ok", 0);
    assert!(
        rows(&report).iter().any(|row| row.starts_with("api dev - -")),
        "{report:#}"
    );
    assert!(
        report["warnings"].to_string().contains("application api-dev"),
        "{report:#}"
    );
}

/// Promotes api to dev as one attempt of one run of a workflow, and does not wait.
fn attempt(world: &World, run: &str, attempt: &str, tag: &str) -> Stepped {
    world
        .step()
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", tag)
        .with("wait", "false")
        .env("GITHUB_RUN_ID", run)
        .env("GITHUB_RUN_ATTEMPT", attempt)
        .run()
}

#[test]
fn a_run_that_was_overtaken_writes_nothing_when_it_runs_again() {
    let world = World::new();
    assert_eq!(attempt(&world, "7", "1", "abc1234").outputs["outcome"], "landed");
    assert_eq!(attempt(&world, "8", "1", "def5678").outputs["outcome"], "landed");
    let tip = world.sandbox.tip().unwrap();
    let again = attempt(&world, "7", "2", "abc1234");
    assert_eq!(again.outputs["outcome"], "superseded", "{:?}", again.ran);
    assert_eq!(again.outputs["exit-code"], "9");
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    let report: Value = serde_json::from_str(&again.outputs["report"]).unwrap();
    assert_eq!(report["changes"], serde_json::json!([]), "{report:#}");
    assert_eq!(report["superseded_by"]["commit"], tip.as_str(), "{report:#}");
    assert_eq!(
        (again.outputs["changed"].as_str(), again.outputs["after"].as_str()),
        ("false", "")
    );
}

#[test]
fn the_same_image_is_promoted_again_by_a_new_run() {
    let world = World::new();
    let commits = world.commits();
    for (number, (run, tag)) in [("7", "abc1234"), ("8", "def5678"), ("9", "abc1234")]
        .into_iter()
        .enumerate()
    {
        let stepped = attempt(&world, run, "1", tag);
        assert_eq!(stepped.outputs["outcome"], "landed", "{:?}", stepped.ran);
        assert_eq!(stepped.outputs["commit"], world.sandbox.tip().unwrap());
        assert_eq!(world.commits(), commits + 1 + u32::try_from(number).unwrap());
    }
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}

#[test]
fn a_run_again_whose_pin_is_there_waits_for_the_tip() {
    let world = World::new();
    assert_eq!(attempt(&world, "7", "1", "abc1234").outputs["outcome"], "landed");
    let tip = world.sandbox.commit("docs/note.md", "Unrelated.\n", "Note").unwrap();
    let step = world.step().env("GITHUB_RUN_ID", "7").env("GITHUB_RUN_ATTEMPT", "2");
    let again = step
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "abc1234")
        .with("settle", "500ms")
        .run();
    assert_eq!(again.outputs["outcome"], "no-change", "{:?}", again.ran);
    assert_eq!(
        (again.outputs["commit"].as_str(), again.outputs["live"].as_str()),
        (tip.as_str(), "true")
    );
    assert_eq!(world.sandbox.tip().unwrap(), tip);
}

#[test]
fn a_wait_for_what_was_replaced_long_before_is_no_news() {
    let world = World::new();
    let first = world.sandbox.tip().unwrap();
    world
        .live("--app api --environment dev --tag v2 --settle 300ms")
        .ends("promoted", 0);
    let before = events(&world, "api", "dev");
    world
        .live(&format!("wait --app api --environment dev --commit {first}"))
        .ends("superseded", 9);
    assert_eq!(events(&world, "api", "dev"), before);
}

#[test]
fn status_shows_what_is_pinned_when_argo_cd_gives_no_answer() {
    let world = World::new();
    let more = [("ARGOCD_SERVER", "http://127.0.0.1:1"), ("ARGOCD_AUTH_TOKEN", "x")];
    let words = "status --app api --environment dev";
    let report = world
        .land_with(&more, &format!("{words} --output json"))
        .ends("unreachable", 4);
    assert_eq!(report["status"][0]["app"], "api", "{report:#}");
    let text = world.land_with(&more, words).exits(4);
    let text = text.says("unreachable: ").says("connection refused");
    assert!(text.stdout.contains("myorg/api:"), "{}", text.stdout);
}

#[test]
fn a_wait_for_a_commit_below_the_tip_changes_nothing() {
    let world = World::new();
    let landed = attempt(&world, "7", "1", "abc1234").outputs["commit"].clone();
    world.sandbox.commit("docs/note.md", "Unrelated.\n", "Note").unwrap();
    let step = world.step().with("command", "wait").with("commit", &landed);
    let done = step
        .with("app", "api")
        .with("environment", "dev")
        .with("settle", "500ms")
        .run();
    let said = |name: &str| done.outputs[name].as_str();
    assert_eq!((said("outcome"), said("live")), ("live", "true"), "{:?}", done.ran);
    assert_eq!((said("changed"), said("commit")), ("false", landed.as_str()));
    assert!(done.summary.contains("\nCommit "), "{}", done.summary);
}

#[test]
fn an_earlier_attempt_is_looked_for_among_500_commits_and_no_further() {
    let world = World::new();
    assert_eq!(attempt(&world, "7", "1", "abc1234").outputs["outcome"], "landed");
    let mut many = String::new();
    for n in 0..500 {
        let from = if n == 0 { "from refs/heads/main^0\n" } else { "" };
        many += "commit refs/heads/main\ncommitter S <s@example.com> now\ndata 1\n.\n";
        many += from;
        many += "M 100644 inline n\ndata 1\n";
        many += &(n % 10).to_string();
        many += "\n";
    }
    let import = ["fast-import", "--quiet", "--date-format=now"];
    world
        .sandbox
        .git
        .git_with("infra-repo", &import, many.as_bytes())
        .unwrap();
    assert_eq!(attempt(&world, "8", "1", "def5678").outputs["outcome"], "landed");
    let again = attempt(&world, "7", "2", "abc1234");
    assert_eq!(again.outputs["outcome"], "landed");
    again.ran.says("among the last 500").says("promote searched no further");
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
