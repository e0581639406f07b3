//! What a promotion is told, or refused for, before it writes anything.

use sandbox::overlay;

use super::riding_along::check;
use crate::support::World;

const PRODUCTION: &str = "--app api --environment production --tag";

/// Makes the canary of production wait for a person, and starts one of `tag`.
fn with_paused_canary(tag: &str) -> World {
    let world = World::at_speed(200.0);
    let path = "apps/api/base-rollout/rollout.yaml";
    let rollout = (world.sandbox)
        .git(&["cat-file", "blob", &format!("main:{path}")])
        .unwrap();
    let paused = rollout.replace("pause:\n            duration: 1m", "pause: {}");
    assert_ne!(rollout, paused);
    world.sandbox.commit(path, &paused, "Wait for a person").unwrap();
    world
        .live(&format!("{PRODUCTION} {tag} --on-pause succeed"))
        .ends("paused", 0);
    world
}

#[test]
fn a_canary_of_another_version_is_not_replaced_without_a_word() {
    let world = with_paused_canary("v1");
    let before = world.sandbox.tip().unwrap();
    let report = world.live(&format!("{PRODUCTION} v2")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("myorg/api:v1") && reason.contains("paused"), "{reason}");
    assert!(
        report["hints"][0].as_str().unwrap().contains("allow: replace-canary"),
        "{report:#}"
    );
    let plan = world.live(&format!("plan {PRODUCTION} v2")).ends("planned", 0);
    let warnings = plan["reason"].to_string();
    assert!(warnings.contains("`promote` would be refused"), "{warnings}");
    let looked = world.live("preflight --app api --environment production").ends("ok", 0);
    check(&looked, "canary", "warning", "myorg/api:v1 in rollout api is at ");
    assert_eq!(world.sandbox.tip().unwrap(), before);
    // The same version is no other one.
    world
        .live(&format!("{PRODUCTION} v1 --on-pause succeed"))
        .ends("paused", 0);
    world
        .live(&format!("{PRODUCTION} v2 --allow replace-canary --on-pause succeed"))
        .ends("paused", 0);
}

#[test]
fn an_environment_on_another_server_cannot_be_promoted_from() {
    let world = World::new();
    world.sandbox.argocd.delete("api-dev");
    let report = world
        .live("--app api --from dev --environment staging --argocd-project default")
        .ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("cannot promote from dev") && reason.contains("api-dev"),
        "{reason}"
    );
    let hints = report["hints"].to_string();
    assert!(
        hints.contains("`tag` and `digest`") && !hints.contains("wait until"),
        "{hints}"
    );
    let looked = world.live("preflight --app api --environment dev").ends("ok", 0);
    check(&looked, "application", "warning", "does not exist on this server");
    let hint = &looked["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["check"] == "application")
        .unwrap()["hints"];
    assert!(hint[0].as_str().unwrap().contains("`tag` and `digest`"), "{hint}");
}

#[test]
fn one_folder_for_two_environments_is_told() {
    let world = World::new();
    let path = "--path apps/{app}/overlays/dev";
    for words in ["--from qa --environment dev", "--environment qa,dev --tag v2"] {
        let report = world
            .land(&format!("--app api {words} {path} --output json"))
            .ends("invalid", 2);
        let reason = report["reason"].as_str().unwrap();
        assert!(reason.contains("makes both apps/api/overlays/dev"), "{reason}");
    }
    let report = world
        .land(&format!(
            "plan --app api --environment qa --tag v2 {path} --output json"
        ))
        .ends("planned", 0);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("also changes every environment"), "{warnings}");
}

#[test]
fn a_run_that_is_run_again_says_what_it_replaced() {
    let world = World::new();
    let step = |attempt: &str| {
        let step = world.step().env("GITHUB_RUN_ATTEMPT", attempt);
        let inputs = [("app", "api"), ("environment", "dev"), ("tag", "v2"), ("wait", "false")];
        inputs
            .iter()
            .fold(step, |step, (name, value)| step.with(name, value))
            .run()
    };
    let first = step("1");
    let again = step("2");
    assert_eq!(first.outputs["outcome"], "landed");
    assert_eq!(again.outputs["outcome"], "no-change");
    assert_eq!(again.outputs["changed"], "false");
    assert_eq!(again.outputs["before"], "myorg/api:4f9d2c1");
    assert_eq!(again.outputs["before"], first.outputs["before"]);
    // Another run replaces nothing.
    let step = world.step().env("GITHUB_RUN_ID", "7");
    let inputs = [("app", "api"), ("environment", "dev"), ("tag", "v2"), ("wait", "false")];
    let other = inputs
        .iter()
        .fold(step, |step, (name, value)| step.with(name, value))
        .run();
    assert_eq!(other.outputs["before"], "myorg/api:v2");
}

/// Anybody can write trailers: what a run replaced is read from the files before its commit.
#[test]
fn a_forged_commit_message_does_not_choose_what_was_replaced() {
    let world = World::new();
    let step = |attempt: &str| {
        let step = world.step().env("GITHUB_RUN_ATTEMPT", attempt);
        let inputs = [("app", "api"), ("environment", "dev"), ("tag", "v2"), ("wait", "false")];
        inputs
            .iter()
            .fold(step, |step, (name, value)| step.with(name, value))
            .run()
    };
    step("1");
    let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
    let forged = message.replace("myorg/api:4f9d2c1 ->", "myorg/api:mallory ->");
    assert!(forged.contains("mallory"), "{forged}");
    world.sandbox.commit("README.md", "words", &forged).unwrap();
    let again = step("2");
    assert_eq!(again.outputs["outcome"], "no-change");
    assert_eq!(again.outputs["before"], "myorg/api:v2");
}

#[test]
fn status_names_the_commit_that_last_changed_the_pin_whoever_made_it() {
    let world = World::new();
    let row = |world: &World| {
        let report = world
            .land("status --app api --environment dev --output json")
            .ends("ok", 0);
        report["status"][0].clone()
    };
    let promoted = world
        .land("--app api --environment dev --tag v2 --output json")
        .ends("landed", 0);
    let commit = promoted["infra_repo"]["commit"].clone();
    let file = overlay("api", "dev");
    let text = world.sandbox.overlay("api", "dev").unwrap();
    // Somebody changes the file, and other files, but not the pin.
    for n in 0..40 {
        world.sandbox.commit(&format!("other/{n}"), "x", "Other").unwrap();
    }
    world
        .sandbox
        .commit(&file, &format!("{text}# checked\n"), "Comment")
        .unwrap();
    assert_eq!((&row(&world)["commit"], &row(&world)["by"]), (&commit, &"jane".into()));
    // A revert has no trailers, and pins what an older promotion pinned.
    let reverted = text.replace("newTag: v2", "newTag: 4f9d2c1");
    let revert = world
        .sandbox
        .commit(&file, &reverted, "Revert \"promote api to dev\"")
        .unwrap();
    let row = row(&world);
    assert_eq!(
        (row["commit"].as_str().unwrap(), &row["by"]),
        (&*revert, &"Somebody Else".into())
    );
}

#[test]
fn the_source_commit_goes_with_the_image_from_one_environment_to_the_next() {
    let world = World::at_speed(200.0);
    let step = (world.step())
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "0123456")
        .with("settle", "300ms");
    let event = serde_json::json!({"head_commit": {
        "id": "0123456789abcdef0123456789abcdef01234567", "message": "Add a cart\n\nWith a body",
        "timestamp": "2026-11-27T12:00:00Z", "author": {"name": "Jane", "email": "jane@example.com"},
    }});
    std::fs::write(step.path("event.json"), event.to_string()).unwrap();
    let stepped = step.run();
    assert_eq!(stepped.outputs["outcome"], "promoted", "{:?}", stepped.ran);
    let trailers = || -> Vec<String> {
        let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
        let lines = message
            .lines()
            .filter(|line| line.starts_with("Argocd-reference-commit-"));
        lines.map(str::to_owned).collect()
    };
    let written = trailers();
    assert_eq!(
        written,
        [
            "Argocd-reference-commit-author: Jane <jane@example.com>",
            "Argocd-reference-commit-sha: 0123456789abcdef0123456789abcdef01234567",
            "Argocd-reference-commit-subject: Add a cart",
            "Argocd-reference-commit-repourl: https://github.com/myorg/api",
            "Argocd-reference-commit-date: 2026-11-27T12:00:00Z",
        ]
    );
    world
        .live("--app api --environment staging --from dev --settle 300ms")
        .ends("promoted", 0);
    assert_eq!(trailers(), written);
}
