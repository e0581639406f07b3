//! Going back to an earlier version: which one, what is written, and how it ends.

use serde_json::Value;

use super::record::{events, lines, write};
use crate::support::World;

const QUICK: &str = "--app api --environment dev --settle 300ms";

/// Promotes api to dev, and lets it end as it ends.
fn promote(world: &World, tag: &str) -> Value {
    let ran = world.live(&format!("{QUICK} --tag {tag}"));
    ran.report()
}

fn pinned(world: &World, environment: &str) -> String {
    let overlay = world.sandbox.overlay("api", environment).unwrap();
    let line = overlay.lines().find(|line| line.contains("newTag")).unwrap();
    let value = line.split(':').nth(1).unwrap().split('#').next().unwrap();
    value.trim().trim_matches(['\'', '"']).to_owned()
}

fn head(world: &World) -> String {
    world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap()
}

fn holds(world: &World) -> String {
    world
        .sandbox
        .git(&["cat-file", "blob", "main:promote-holds.yaml"])
        .unwrap_or_default()
}

#[test]
fn the_newest_known_good_version_comes_back_and_the_bad_one_is_held() {
    let world = World::at_speed(200.0);
    promote(&world, "v1");
    promote(&world, "fail2");
    let bad = promote(&world, "fail3");
    let report = world
        .live(&format!("rollback {QUICK} --reason errors"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), "v1");
    let message = head(&world);
    let of = bad["infra_repo"]["commit"].as_str().unwrap();
    for part in [
        "roll back api in dev to myorg/api:v1\n",
        &format!("\nPromote-Rollback-Of: {of}\n"),
        "\nPromote-Reason: errors\n",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(holds(&world).contains("myorg/api:fail3"), "{}", holds(&world));
    let row = &report["rollback"];
    assert_eq!(
        (&row["to"][0], &row["held"][0], &row["schema_changed"]),
        (&"myorg/api:v1".into(), &"myorg/api:fail3".into(), &"unknown".into())
    );
    assert_eq!(row["of"], of, "{report:#}");
    assert!(row["bad_seconds"].is_number(), "{report:#}");
    assert_eq!(events(&world, "api", "dev").last().unwrap(), "reverted myorg/api:v1");
    assert_eq!(lines(&world, "api", "dev").last().unwrap()["of"], of);
    // What is back already stays.
    let tip = world.sandbox.tip().unwrap();
    world.live(&format!("rollback {QUICK}")).ends("no-change", 0);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    // Automation does not bring the bad version back.
    world.live(&format!("{QUICK} --tag fail3")).ends("refused", 3);
}

#[test]
fn a_version_is_named_by_tag_reference_or_commit() {
    let world = World::new();
    let first = promote(&world, "v1");
    promote(&world, "v2");
    let third = promote(&world, "v3");
    world
        .live(&format!("rollback {QUICK} --to v1 --hold false"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), "v1");
    assert_eq!(holds(&world), "");
    // What is pinned now is neither what that commit set nor what was there before it.
    let commit = third["infra_repo"]["commit"].as_str().unwrap();
    let report = world
        .live(&format!("rollback {QUICK} --commit {commit}"))
        .ends("refused", 3);
    assert!(
        report["reason"].as_str().unwrap().contains("changed it since"),
        "{report:#}"
    );
    world
        .live(&format!("rollback {QUICK} --to myorg/api:v2 --hold false"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), "v2");
    world
        .live(&format!("rollback {QUICK} --to v3 --hold false"))
        .ends("reverted", 0);
    world
        .live(&format!("rollback {QUICK} --commit {commit} --hold false"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), "v2");
    let first = first["infra_repo"]["commit"].as_str().unwrap();
    world
        .live(&format!("rollback {QUICK} --commit {first}"))
        .ends("refused", 3);
}

#[test]
fn first_digits_name_a_version_or_a_commit() {
    let world = World::at_speed(200.0);
    let [first, second, third] = ['a', 'b', 'c'].map(|digit| "0123456".to_owned() + &digit.to_string().repeat(33));
    promote(&world, &first);
    promote(&world, &second);
    let last = promote(&world, &third);
    let report = world.live(&format!("rollback {QUICK} --to 0123456")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("ambiguous") && reason.contains(&first), "{reason}");
    world
        .live(&format!("rollback {QUICK} --to 0123456a --hold false"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), first);
    world
        .live(&format!("rollback {QUICK} --to 0123456c --hold false"))
        .ends("reverted", 0);
    let commit = &last["infra_repo"]["commit"].as_str().unwrap()[..7];
    world
        .live(&format!("rollback {QUICK} --commit {commit} --hold false"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), second);
}

#[test]
fn nothing_known_good_lists_what_was_there() {
    let world = World::new();
    world.land("--app api --environment dev --tag v1").exits(0);
    world.land("--app api --environment dev --tag v2").exits(0);
    let tip = world.sandbox.tip().unwrap();
    let report = world.live(&format!("rollback {QUICK}")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("no other version is known to be good"), "{reason}");
    assert!(reason.contains("`--to v1`"), "{reason}");
    let report = world.live(&format!("rollback {QUICK} --to v9")).ends("refused", 3);
    assert!(report["hints"].to_string().contains("unknown-version"), "{report:#}");
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    world
        .live(&format!("rollback {QUICK} --to v9 --allow unknown-version"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), "v9");
    let message = head(&world);
    assert!(message.contains("\nPromote-Allow: unknown-version\n"), "{message}");
}

#[test]
fn a_dry_run_writes_nothing_and_says_why() {
    let world = World::new();
    promote(&world, "v1");
    promote(&world, "v2");
    let tip = world.sandbox.tip().unwrap();
    let stepped = world
        .step()
        .with("command", "rollback")
        .with("app", "api")
        .with("environment", "dev")
        .with("dry-run", "true")
        .run();
    assert_eq!(stepped.outputs["outcome"], "planned", "{:?}", stepped.ran);
    assert_eq!(stepped.outputs["schema-changed"], "unknown");
    assert_eq!(stepped.outputs["rolled-back-to"], "");
    assert_eq!(stepped.outputs["after"], "myorg/api:v1");
    assert_eq!(world.sandbox.tip().unwrap(), tip);
}

#[test]
fn another_schema_stops_the_way_back_until_the_database_is_taken_back() {
    let world = World::new();
    world
        .live(&format!("{QUICK} --tag v1 --schema one"))
        .ends("promoted", 0);
    world
        .live(&format!("{QUICK} --tag v2 --schema two"))
        .ends("promoted", 0);
    let tip = world.sandbox.tip().unwrap();
    let report = world.live(&format!("rollback {QUICK}")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("two") && reason.contains("one"), "{reason}");
    let plan = world.live(&format!("rollback {QUICK} --dry-run")).ends("planned", 0);
    assert_eq!(plan["rollback"]["schema_changed"], "true", "{plan:#}");
    world.live(&format!("rollback {QUICK} --schema two")).ends("refused", 3);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    world
        .live(&format!("rollback {QUICK} --schema one"))
        .ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), "v1");
    assert!(head(&world).contains("\nPromote-Schema: one\n"));
    assert_eq!(lines(&world, "api", "dev").last().unwrap()["schema"], "one");
}

#[test]
fn a_held_version_is_no_target() {
    let world = World::new();
    for tag in ["v1", "v2", "v3"] {
        promote(&world, tag);
    }
    let held = "- app: api\n  environment: dev\n  image: v2\n  reason: it leaks\n";
    world.sandbox.commit("promote-holds.yaml", held, "hold").unwrap();
    let report = world.live(&format!("rollback {QUICK} --to v2")).ends("refused", 3);
    assert!(report["reason"].as_str().unwrap().contains("it leaks"), "{report:#}");
    world.live(&format!("rollback {QUICK}")).ends("reverted", 0);
    assert_eq!(pinned(&world, "dev"), "v1");
    assert!(holds(&world).starts_with(held), "{}", holds(&world));
}

#[test]
fn an_entry_gets_its_former_digest_back() {
    let world = World::new();
    let digest = |digit: char| format!("sha256:{}", digit.to_string().repeat(64));
    let image = |tag: &str, digit| format!("--image myorg/api:{tag}@{}", digest(digit));
    world.live(&format!("{QUICK} {}", image("v1", 'a'))).ends("promoted", 0);
    world.live(&format!("{QUICK} {}", image("v2", 'b'))).ends("promoted", 0);
    let before = world
        .sandbox
        .git(&["cat-file", "blob", "main~1:apps/api/overlays/dev/kustomization.yaml"]);
    world
        .live(&format!("rollback {QUICK} --to {}", digest('a')))
        .ends("reverted", 0);
    assert_eq!(world.sandbox.overlay("api", "dev").unwrap(), before.unwrap());
}

#[test]
fn a_target_that_fails_as_well_needs_a_person() {
    let world = World::at_speed(200.0);
    let line = |event: &str, tag: &str| {
        format!(
            "{{\"v\":1,\"at\":\"2026-01-0{}T00:00:00Z\",\"event\":\"{event}\",\"images\":[\"myorg/api:{tag}\"]}}",
            if event == "live" { 1 } else { 2 }
        )
    };
    write(&world, "api", "dev", &line("live", "fail1"));
    promote(&world, "fail2");
    let report = world.live(&format!("rollback {QUICK}")).ends("rollback-failed", 8);
    assert!(
        report["reason"].as_str().unwrap().contains("myorg/api:fail1"),
        "{report:#}"
    );
    assert_eq!(
        events(&world, "api", "dev").last().unwrap(),
        "rollback-failed myorg/api:fail1"
    );
    assert!(report["rollback"]["bad_seconds"].is_null(), "{report:#}");
    let hint = report["hints"].as_array().unwrap().last().unwrap().to_string();
    assert!(hint.contains("go back: `promote rollback --app api"), "{hint}");
}

#[test]
fn several_apps_and_environments_go_back_in_one_commit() {
    let world = World::new();
    let words = "--app api --environment dev,staging --settle 300ms";
    for tag in ["v1", "v2"] {
        world.live(&format!("{words} --tag {tag}")).ends("promoted", 0);
    }
    let commits = world.commits();
    world.live(&format!("rollback {words}")).ends("reverted", 0);
    assert_eq!(world.commits(), commits + 1);
    assert_eq!(
        (pinned(&world, "dev"), pinned(&world, "staging")),
        ("v1".into(), "v1".into())
    );
}

#[test]
fn a_manual_application_is_synced_and_its_canary_stopped() {
    let world = World::at_speed(200.0);
    let words = "--app api --environment production --settle 300ms";
    world.live(&format!("{words} --tag v1")).ends("promoted", 0);
    world.let_the_canary_wait_for_a_person();
    world
        .live(&format!("{words} --tag v2 --on-pause succeed"))
        .ends("paused", 0);
    let ran = world.live(&format!("rollback {words}"));
    assert!(ran.stderr.contains("aborted the canary"), "{}", ran.stderr);
    ran.ends("reverted", 0);
    assert_eq!(pinned(&world, "production"), "v1");
}

/// Anybody can write trailers: a version that only a commit's message names was here if the commit's files pin it.
#[test]
fn a_commit_message_alone_makes_no_version_known() {
    let world = World::at_speed(200.0);
    promote(&world, "v1");
    promote(&world, "v2");
    let file = "apps/api/overlays/dev/kustomization.yaml";
    let forged = format!(
        "Correct a word\n\nPromote-App: api\nPromote-Environment: dev\n\
         Promote-Pin: {file} myorg/api myorg/api:never1 -> myorg/api:never2\n"
    );
    world
        .sandbox
        .git
        .push_commit("infra-repo", "README.md", "words\n", &forged)
        .unwrap();
    for never in ["never1", "never2"] {
        let report = world.live(&format!("rollback {QUICK} --to {never}")).ends("refused", 3);
        let reason = report["reason"].as_str().unwrap();
        assert!(reason.contains("is not known to have been here"), "{reason}");
        assert!(report["hints"].to_string().contains("unknown-version"), "{report:#}");
    }
    assert_eq!(pinned(&world, "dev"), "v2");
    let ran = world.live(&format!("rollback {QUICK} --to never2 --allow unknown-version"));
    assert_eq!(ran.report()["changes"][0]["after"], "myorg/api:never2");
    assert!(
        head(&world).contains("\nPromote-Allow: unknown-version\n"),
        "{}",
        head(&world)
    );
}
