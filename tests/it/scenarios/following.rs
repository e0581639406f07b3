//! What Argo CD is asked before and after a commit, and how each wait ends.

use sandbox::argocd::Canned;
use sandbox::{Sandbox, overlay};
use serde_json::{Value, json};

use crate::support::{Step, World};

const DEV: &str = "--app api --environment dev --settle 500ms --tag";
const PRODUCTION: &str = "--app api --environment production --settle 500ms --tag";

fn syncs(world: &World) -> Vec<Value> {
    let asked = world.sandbox.argocd.asked();
    let syncs = asked
        .into_iter()
        .filter(|asked| asked.method == "POST" && asked.path.contains("/sync"));
    syncs.map(|asked| asked.body).collect()
}

fn status(sandbox: &Sandbox, name: &str, pointer: &str) -> String {
    let application = sandbox.argocd.application(name).unwrap_or_default();
    let found = application
        .pointer(&format!("/status/{pointer}"))
        .and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

/// Runs a promotion that must end before anything is written.
#[track_caller]
fn untouched(world: &World, token: &str, words: &str, outcome: &str, code: i32) -> String {
    let tip = world.sandbox.tip().unwrap();
    let report = world.start_as(token, words).wait().ends(outcome, code);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    assert!(syncs(world).is_empty());
    report["reason"].as_str().unwrap().to_owned()
}

#[test]
fn an_automated_application_is_refreshed_and_followed_until_it_runs_our_image() {
    let world = World::new();
    let report = world.live(&format!("{DEV} abc1234")).ends("promoted", 0);
    let row = &report["applications"][0];
    assert_eq!(row["live"], true);
    assert_eq!(row["revision"].as_str().unwrap(), world.sandbox.tip().unwrap());
    assert_eq!(
        status(&world.sandbox, "api-dev", "summary/images/0"),
        "myorg/api:abc1234"
    );
    assert!(
        syncs(&world).is_empty(),
        "an automated application is refreshed, not synced"
    );
    assert!(
        world
            .sandbox
            .argocd
            .asked()
            .iter()
            .any(|asked| asked.path.contains("refresh=normal"))
    );
}

#[test]
fn a_manual_application_is_synced_once_and_its_canary_is_shown() {
    let world = World::at_speed(60.0);
    let running = world.start_live(&format!("{PRODUCTION} abc1234"));
    let ran = running.wait();
    assert!(
        ran.stderr.contains("weight 10%") || ran.stderr.contains("weight 30%"),
        "{}",
        ran.stderr
    );
    let report = ran.ends("promoted", 0);
    assert_eq!(report["applications"][0]["rollout"]["weight"], 100, "{report:#}");
    let syncs = syncs(&world);
    assert_eq!(syncs.len(), 1);
    assert!(syncs[0]["infos"][0]["value"].is_string(), "{}", syncs[0]);
    assert_eq!(
        syncs[0]["revision"].as_str().unwrap_or_default(),
        "",
        "a pinned sync can go backwards"
    );
}

#[test]
fn an_old_green_never_passes() {
    let world = World::new();
    world.sandbox.argocd.stop_controller(true);
    let report = world.live(&format!("{DEV} abc1234 --timeout 3s")).ends("timed-out", 10);
    assert_eq!(status(&world.sandbox, "api-dev", "health/status"), "Healthy");
    assert_eq!(report["applications"][0]["live"], false);
    assert!(report["reason"].as_str().unwrap().contains("api-dev"), "{report:#}");
}

#[test]
fn a_second_run_waits_for_what_is_there() {
    let world = World::new();
    world.land(&format!("{DEV} abc1234")).exits(0);
    let tip = world.sandbox.tip().unwrap();
    let report = world.live(&format!("{DEV} abc1234")).ends("no-change", 0);
    assert_eq!(report["applications"][0]["live"], true);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    assert_eq!(status(&world.sandbox, "api-dev", "sync/revision"), tip);
}

#[test]
fn never_leaves_the_sync_to_people() {
    let world = World::new();
    world
        .sandbox
        .argocd
        .edit("api-staging", |spec| spec["syncPolicy"] = json!({}));
    let words = "--app api --environment staging --tag abc1234 --settle 500ms --sync never";
    let report = world.live(&format!("{words} --timeout 20s")).ends("timed-out", 10);
    assert!(report["reason"].as_str().unwrap().contains("sync"), "{report:#}");
    let before = world.sandbox.argocd.asked().len();
    let running = world.start_live(words);
    world.until("the wait begins", |sandbox| {
        let asked = sandbox.argocd.asked();
        asked[before..].iter().any(|asked| asked.path.contains("/stream/"))
    });
    world.sandbox.argocd.sync("api-staging").unwrap();
    running.wait().ends("no-change", 0);
    assert!(syncs(&world).is_empty());
}

#[test]
fn what_argocd_does_not_permit_ends_before_anything_is_written() {
    let world = World::new();
    let (viewer, nobody) = (
        world.sandbox.argocd.token("viewer"),
        world.sandbox.argocd.token("nobody"),
    );
    let revoked = world.sandbox.argocd.token("ci");
    world.sandbox.argocd.revoke("ci");
    untouched(&world, &revoked, &format!("{DEV} abc1234"), "denied", 4);
    let why = untouched(&world, &nobody, &format!("{DEV} abc1234"), "denied", 4);
    assert!(why.contains("api-dev"), "{why}");
    let why = untouched(&world, &viewer, &format!("{PRODUCTION} abc1234"), "denied", 4);
    assert!(why.contains("sync"), "{why}");
    // Looking is all that an automated application needs.
    world
        .start_as(&viewer, &format!("{DEV} abc1234"))
        .wait()
        .ends("promoted", 0);
}

#[test]
fn a_page_in_place_of_argocd_ends_before_anything_is_written() {
    let world = World::new();
    world.sandbox.argocd.answer(Canned {
        part: "/api/".to_owned(),
        times: 100,
        status: 200,
        content_type: "text/html".to_owned(),
        body: "<!doctype html><title>Sign in</title>".to_owned(),
    });
    let why = untouched(
        &world,
        &world.sandbox.argocd.token("ci"),
        &format!("{DEV} abc1234"),
        "unreachable",
        4,
    );
    assert!(why.contains("HTML") || why.contains("page"), "{why}");
}

#[test]
fn a_server_that_is_not_there_ends_before_anything_is_written() {
    let world = World::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    untouched(
        &world,
        "any",
        &format!("{DEV} abc1234 --argocd-server http://{gone}"),
        "unreachable",
        4,
    );
}

#[test]
fn an_application_with_another_source_ends_before_anything_is_written() {
    for (edit, says) in [
        (json!({"path": "apps/api/overlays/other"}), "apps/api/overlays/other"),
        (json!({"targetRevision": "release"}), "release"),
        (
            json!({"repoURL": "https://git.example.com/other.git"}),
            "git.example.com/other",
        ),
    ] {
        let world = World::new();
        world.sandbox.argocd.edit("api-dev", |spec| {
            let source = spec["source"].as_object_mut().unwrap();
            source.extend(edit.as_object().unwrap().clone());
        });
        let token = world.sandbox.argocd.token("ci");
        let why = untouched(&world, &token, &format!("{DEV} abc1234"), "refused", 3);
        assert!(why.contains(says), "{why}");
    }
}

#[test]
fn from_wants_it_live_and_healthy_there() {
    let world = World::at_speed(100.0);
    let pin = |tag: &str, health: &str| {
        let old = world.sandbox.overlay("api", "dev").unwrap();
        let line = old.lines().find(|line| line.contains("newTag:")).unwrap();
        let new = old.replace(line, &format!("    newTag: {tag}"));
        let commit = world.sandbox.commit(&overlay("api", "dev"), &new, "By hand").unwrap();
        world.sandbox.argocd.refresh("api-dev");
        world.until(health, |sandbox| {
            let operation = status(sandbox, "api-dev", "operationState/operation/sync/revision");
            operation == commit
                && status(sandbox, "api-dev", "sync/status") == "Synced"
                && status(sandbox, "api-dev", "health/status") == health
        });
    };
    let words = "--app api --from dev --environment staging --settle 500ms";
    pin("never1", "Progressing");
    untouched(&world, &world.sandbox.argocd.token("ci"), words, "refused", 3);
    pin("abc1234", "Healthy");
    let report = world.live(words).ends("promoted", 0);
    // The record knows nothing of a manual commit.
    assert_eq!(
        report["from"],
        serde_json::json!({"environment": "dev", "live_since": null})
    );
}

#[test]
fn from_says_since_when_it_was_live_there() {
    let world = World::at_speed(200.0);
    let dev = world.live(&format!("{DEV} abc1234")).ends("promoted", 0);
    let since = &super::record::lines(&world, "api", "dev").pop().unwrap()["at"];
    let of = |step: Step| {
        step.with("app", "api")
            .with("from", "dev")
            .with("settle", "300ms")
            .with("environment", "staging")
    };
    let plan = of(world.step()).with("dry-run", "true").run();
    plan.ran
        .says(&format!("  from   dev, live there since {}", since.as_str().unwrap()));
    let done = of(world.step()).run();
    assert_eq!(done.outputs["outcome"], "promoted", "{:?}", done.ran);
    let report: Value = serde_json::from_str(&done.outputs["report"]).unwrap();
    assert_eq!(
        report["from"],
        serde_json::json!({"environment": "dev", "live_since": since}),
        "{dev:#}"
    );
    let line = format!("\nfrom dev, live there since {}\n", since.as_str().unwrap());
    assert!(done.summary.contains(&line), "{}", done.summary);
    // What is there already was not copied.
    assert!(!of(world.step()).run().summary.contains("live there since"));
}

#[test]
fn a_failed_sync_ends_with_its_reason_and_leaves_the_commit() {
    let world = World::at_speed(200.0);
    for words in [format!("{DEV} fail1"), format!("{PRODUCTION} fail1")] {
        let report = world.live(&words).ends("rollout-failed", 5);
        let said = report.to_string();
        assert!(
            said.contains("Job has reached the specified backoff limit"),
            "{report:#}"
        );
        assert_eq!(
            report["infra_repo"]["commit"].as_str().unwrap(),
            world.sandbox.tip().unwrap()
        );
    }
}

#[test]
fn an_aborted_canary_ends_with_its_reason() {
    let world = World::at_speed(100.0);
    let report = world.live(&format!("{PRODUCTION} breach1")).ends("rollout-failed", 5);
    let why = report["applications"][0]["reason"].as_str().unwrap();
    assert!(
        why.contains("metric success-rate measured [0.99] Successful, [0.62] Failed"),
        "{why}"
    );
    let hint = report["hints"][0].as_str().unwrap();
    assert!(
        hint.starts_with("roll back") && hint.contains("stays Degraded until the infra-repo pins what runs"),
        "{hint}"
    );
}

/// Changes a file of the base with a canary.
fn edit(world: &World, file: &str, change: impl FnOnce(&str) -> String) {
    let path = format!("apps/api/base-rollout/{file}");
    let text = world.sandbox.git.read("infra-repo", &path).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text, "{path}");
    world.sandbox.commit(&path, &changed, "Change the canary").unwrap();
}

#[test]
fn what_is_timed_in_a_canary_is_added_to_the_deadline_once_it_begins() {
    let world = World::at_speed(20.0);
    // Of an argument the step has its own value, and the template one for who gives none.
    edit(&world, "success-rate.yaml", |text| {
        let own = text.replace("interval: 20s", "interval: \"{{args.every}}\"");
        own.replace("spec:\n", "spec:\n  args: [{name: every, value: 20s}]\n")
    });
    edit(&world, "rollout.yaml", |text| {
        let first = "- analysis:\n";
        text.replacen(
            first,
            &format!("{first}            args: [{{name: every, value: 80s}}]\n"),
            1,
        )
    });
    let ran = world.live(&format!("{PRODUCTION} abc1234 --sync never --timeout 1s"));
    assert!(!ran.stderr.contains("the timeout is now"), "{}", ran.stderr);
    ran.ends("timed-out", 10);
    // One analysis of three minutes and two of one, and a pause of one: longer than the deadline that was asked for, even at this speed.
    let ran = world.live(&format!("{PRODUCTION} abc1234 --timeout 15s"));
    assert!(
        ran.stderr.contains("the timeout is now 15s + 6m = 6m15s"),
        "{}",
        ran.stderr
    );
    ran.ends("no-change", 0);
}

#[test]
fn a_pin_that_no_workload_uses_is_not_written() {
    let world = World::new();
    let overlay = overlay("api", "dev");
    let old = world.sandbox.overlay("api", "dev").unwrap();
    let new = old.replacen("images:\n", "images:\n  - name: myorg/unused\n    newTag: v1\n", 1);
    assert_ne!(old, new);
    world.sandbox.commit(&overlay, &new, "Pin what nothing uses").unwrap();
    let before = world.sandbox.tip().unwrap();
    let words = "--app api --environment dev --settle 500ms --image myorg/unused:abc1234";
    let report = world.live(words).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("no effect on api-dev: no workload of it uses myorg/unused (they use myorg/api:"),
        "{reason}"
    );
    assert_eq!(world.sandbox.tip().unwrap(), before);
}

#[test]
fn several_applications_are_told_by_failure_first() {
    let world = World::new();
    let words = "--environment dev --settle 500ms --app api,web --image myorg/api:abc1234,myorg/web:fail1";
    let report = world.live(words).ends("rollout-failed", 5);
    let names: Vec<&str> = report["applications"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(names, ["web-dev", "api-dev"]);
    assert!(report["reason"].as_str().unwrap().contains("web-dev"), "{report:#}");
}

#[test]
fn an_application_that_is_created_after_landing_is_followed() {
    let world = World::new();
    let mut spec = world.sandbox.argocd.application("api-dev").unwrap()["spec"].clone();
    world.sandbox.argocd.delete("api-dev");
    let nobody = world.sandbox.argocd.token("nobody");
    untouched(&world, &nobody, &format!("{DEV} abc1234"), "denied", 4);
    // The role of a project is asked about its project alone.
    for (account, tag) in [("ci", "abc1234"), ("proj:default:deployer", "abc1235")] {
        let tip = world.sandbox.tip().unwrap();
        let running = world.start_as(&world.sandbox.argocd.token(account), &format!("{DEV} {tag}"));
        world.until("it has landed", |sandbox| sandbox.tip().unwrap() != tip);
        let manifest = json!({"metadata": {"name": "api-dev"}, "spec": spec});
        world.sandbox.argocd.apply(&manifest, false).unwrap();
        running.wait().ends("promoted", 0);
        world.sandbox.argocd.delete("api-dev");
        // The next one is synced by hand.
        spec["syncPolicy"] = json!({});
    }
    assert_eq!(syncs(&world).len(), 1);
}

#[test]
fn one_overlay_may_have_several_applications() {
    let world = World::new();
    let application = world.sandbox.argocd.application("api-dev").unwrap();
    let manifest = json!({"metadata": {"name": "api-dev-eu"}, "spec": application["spec"]});
    world.sandbox.argocd.apply(&manifest, true).unwrap();
    for list in ["{app}-{environment},{app}-{environment}-eu", "by-source"] {
        let report = world.live(&format!("{DEV} abc1234 --application {list}"));
        let report = report.exits(0).report();
        let rows = report["applications"].as_array().unwrap();
        assert_eq!(rows.len(), 2, "{report:#}");
        assert!(rows.iter().all(|row| row["live"] == true), "{report:#}");
    }
}

#[test]
fn commits_that_wait_behind_ours_are_named() {
    let world = World::at_speed(10.0);
    let path = "apps/web/base/web.yaml";
    let read = || {
        world
            .sandbox
            .git(&["cat-file", "blob", &format!("main:{path}")])
            .unwrap()
    };
    let running = world.start_live("--app web --environment production --settle 500ms --image myorg/web:slow1");
    world.until("our commit is synced", |sandbox| {
        status(sandbox, "web-production", "operationState/phase") == "Succeeded"
            && status(sandbox, "web-production", "sync/revision") == sandbox.tip().unwrap()
            && status(sandbox, "web-production", "health/status") == "Progressing"
    });
    let other = read().replacen("name: web\n", "name: web\n  annotations: {owner: shop}\n", 1);
    assert_ne!(read(), other);
    world.sandbox.commit(path, &other, "Name the owner").unwrap();
    world.sandbox.argocd.refresh("web-production");
    let report = running.wait().ends("promoted", 0);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("by Somebody Else") && warnings.contains("(Name the owner)"),
        "{warnings}"
    );
    assert_eq!(syncs(&world).len(), 1);
}

#[test]
fn a_degraded_application_ends_when_it_stays_so() {
    let world = World::at_speed(2000.0);
    let ran = world.live(&format!("{DEV} bad1"));
    let (_, why) = ran.stderr.split_once("── Why").unwrap();
    assert!(why.contains("api-dev: Pod ") && !why.contains("there since"), "{why}");
    let report = ran.ends("rollout-failed", 5);
    // The cause comes before what followed from it.
    let reason = report["reason"].as_str().unwrap();
    let cause = reason.find("ImagePullBackOff").unwrap();
    assert!(cause < reason.find("progress deadline").unwrap(), "{reason}");
    assert!(reason.starts_with("api-dev: Pod "), "{reason}");
    let row = &report["applications"][0]["reason"];
    assert!(row.as_str().unwrap().contains("Pod "), "{row}");
    // What is found out afterwards is no event of the wait.
    assert!(
        !report["timeline"].to_string().contains("ImagePullBackOff"),
        "{report:#}"
    );
}

#[test]
fn what_an_earlier_run_left_broken_is_no_success_of_the_next() {
    let world = World::at_speed(2000.0);
    let old = world.sandbox.overlay("api", "dev").unwrap();
    let line = old.lines().find(|line| line.contains("newTag:")).unwrap();
    let new = old.replace(line, "    newTag: never1");
    world
        .sandbox
        .commit(&overlay("api", "dev"), &new, "An earlier run")
        .unwrap();
    world.sandbox.argocd.refresh("api-dev");
    world.until("Degraded", |sandbox| {
        status(sandbox, "api-dev", "sync/status") == "Synced"
            && status(sandbox, "api-dev", "health/status") == "Degraded"
    });
    let report = world.live(&format!("{DEV} never1")).ends("rollout-failed", 5);
    assert_eq!(report["changes"], json!([]), "{report:#}");
    assert_eq!(report["applications"][0]["live"], false, "{report:#}");
}

#[test]
fn a_deadline_ends_with_what_it_waited_for() {
    let world = World::at_speed(10.0);
    let report = world.live(&format!("{DEV} never1 --timeout 15s")).ends("timed-out", 10);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("Progressing") && reason.contains("(for "), "{reason}");
    assert!(
        reason.contains("promote was waiting until it becomes healthy"),
        "{reason}"
    );
    let probe = "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503";
    assert!(
        report["applications"][0]["reason"].as_str().unwrap().contains(probe),
        "{report:#}"
    );
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("never1"));
}

#[test]
fn a_pause_for_a_person_is_waited_for_or_an_end() {
    let world = World::at_speed(200.0);
    world.let_the_canary_wait_for_a_person();
    world
        .live(&format!("{PRODUCTION} v1 --on-pause succeed"))
        .ends("paused", 0);
    world
        .live(&format!("{PRODUCTION} v1 --on-pause fail"))
        .ends("rollout-failed", 5);
    let report = world
        .live(&format!("{PRODUCTION} v1 --pause-timeout 1s"))
        .ends("timed-out", 10);
    assert!(
        report["reason"].as_str().unwrap().contains("`pause-timeout` (1s)"),
        "{report:#}"
    );
    let running = world.start_live(&format!("{PRODUCTION} v1"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    world.sandbox.argocd.act("api-production", "resume");
    running.wait().ends("no-change", 0);
}

#[test]
fn a_later_commit_on_another_pin_is_no_failure_and_one_on_ours_is() {
    for (environment, outcome, code, more) in [
        ("staging", "promoted", 0, ""),
        ("dev", "superseded", 9, ""),
        ("dev", "superseded", 0, "--on-superseded succeed"),
    ] {
        let world = World::at_speed(10.0);
        let running = world.start_live(&format!("{DEV} slow1 {more}"));
        world.until("our commit is synced", |sandbox| {
            status(sandbox, "api-dev", "operationState/phase") == "Succeeded"
                && status(sandbox, "api-dev", "sync/revision") == sandbox.tip().unwrap()
                && status(sandbox, "api-dev", "health/status") == "Progressing"
        });
        let old = world.sandbox.overlay("api", environment).unwrap();
        let new = old.replace("slow1", "v9").replace("0b7e6aa", "v9");
        let theirs = world
            .sandbox
            .commit(&overlay("api", environment), &new, "Theirs")
            .unwrap();
        world.sandbox.argocd.refresh("api-dev");
        let report = running.wait().ends(outcome, code);
        if outcome == "superseded" {
            assert_eq!(report["superseded_by"]["commit"].as_str().unwrap(), theirs);
        }
    }
}
