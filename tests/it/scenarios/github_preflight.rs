//! `preflight` on GitHub: rules and protection of the branch, the way that suits them, how pull requests are merged, and who approves.

use sandbox::github::GitHub;
use serde_json::{Value, json};

use super::github_api::{github, step};
use crate::support::{Ran, Step, World};

fn started() -> (World, GitHub) {
    let world = World::new();
    let github = github(&world);
    github.know("myorg/api");
    (world, github)
}

fn preflight(world: &World, github: &GitHub) -> Step {
    step(world, github)
        .with("tag", "")
        .with("command", "preflight")
        .with("output", "json")
        .with("github-token", world.sandbox.git_token())
}

/// Returns the rows of a check: state, reason and hints.
#[track_caller]
fn rows(ran: &Ran, check: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let all = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["check"] == check);
    all.map(|row| format!("{} {} {}", row["state"].as_str().unwrap(), row["reason"], row["hints"]))
        .collect()
}

#[track_caller]
fn has(ran: &Ran, check: &str, state: &str, parts: &[&str]) {
    let rows = rows(ran, check);
    let fits = |row: &String| row.starts_with(state) && parts.iter().all(|part| row.contains(part));
    assert!(rows.iter().any(fits), "{check}: {rows:#?}");
}

#[test]
fn a_free_branch_and_an_unprotected_environment_are_named() {
    let (world, github) = started();
    let ran = preflight(&world, &github).run().ran;
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    has(&ran, "rules", "ok", &["no ruleset blocks a push"]);
    has(&ran, "protection", "ok", &["no branch protection"]);
    has(&ran, "pull requests", "ok", &[]);
    has(&ran, "merge", "ok", &["squash, merge, rebase", "auto-merge"]);
    has(&ran, "environment", "ok", &["nobody has to approve"]);
}

#[test]
fn rules_and_protection_lead_to_the_way_that_suits_them() {
    let (world, github) = started();
    github.allow_auto_merge(false);
    let rule = json!({"type": "pull_request", "parameters": {"required_approving_review_count": 2, "dismiss_stale_reviews_on_push": true,
        "require_code_owner_review": false, "require_last_push_approval": false, "required_review_thread_resolution": false}});
    github.rule("main", &rule).unwrap();
    github.protect(
        &json!({"required_status_checks": {"contexts": ["e2e"], "checks": [{"context": "e2e", "app_id": null}]}}),
    );
    let ran = preflight(&world, &github).run().ran;
    has(
        &ran,
        "rules",
        "warning",
        &["pull_request (2 approvals)", "via: pull-request"],
    );
    has(
        &ran,
        "protection",
        "warning",
        &["required_status_checks (e2e)", "via: pull-request"],
    );
    has(&ran, "merge", "warning", &["no auto-merge", "Settings → General"]);

    // Any token does, and what needs more is said.
    github.let_in("ghs_reader", &[("contents", "read"), ("metadata", "read")]);
    let blind = preflight(&world, &github)
        .with("token", "ghs_reader")
        .with("github-token", "ghs_reader")
        .run()
        .ran;
    has(&blind, "rules", "warning", &["via: pull-request"]);
    has(&blind, "protection", "skipped", &["administration: read"]);
    has(&blind, "pull requests", "warning", &["pull-requests: write"]);
    has(&blind, "merge", "skipped", &["contents: write"]);
    has(&blind, "environment", "skipped", &["actions: read"]);
}

#[test]
fn who_approves_is_compared_with_what_the_gate_wants() {
    let (world, github) = started();
    let gate =
        "version: 1\nenvironments:\n- name: dev\n  approvals: 2\n- name: production\n  approvals: 2\n- name: staging\n";
    world.sandbox.commit("promote.yaml", gate, "Want approvals").unwrap();
    let user = |login: &str| json!({"type": "User", "reviewer": sandbox_user(login)});
    let rules = json!([
        {"id": 1, "node_id": "GA_1", "type": "wait_timer", "wait_timer": 30},
        {"id": 2, "node_id": "GA_2", "type": "required_reviewers", "prevent_self_review": true, "reviewers": [user("ann"), user("bob")]},
    ]);
    github.environment("production", &rules, &["main"]);
    let loose = json!([{"id": 3, "node_id": "GA_3", "type": "required_reviewers", "prevent_self_review": false, "reviewers": [user("ann")]}]);
    github.environment("dev", &loose, &[]);
    let ran = preflight(&world, &github)
        .with("environment", "dev,production,staging")
        .run()
        .ran;
    has(
        &ran,
        "environment",
        "ok",
        &["reviewers: ann, bob; wait timer 30 minutes; main can deploy"],
    );
    has(
        &ran,
        "environment",
        "warning",
        &["`approvals: 2`, and 1 people can approve"],
    );
    has(
        &ran,
        "environment",
        "warning",
        &["who triggers the run can approve", "Prevent self-review"],
    );
    has(&ran, "environment", "warning", &["a workflow of any branch can deploy"]);
    assert_eq!(rows(&ran, "environment").len(), 6, "{:#?}", rows(&ran, "environment"));

    // Another environment is looked at where promote.yaml names it. The input names none that would be easier.
    let input = preflight(&world, &github)
        .with("environment", "dev")
        .with("github-environment", "production");
    has(
        &input.run().ran,
        "environment",
        "warning",
        &["`github-environment` names production", "GitHub environment dev count"],
    );
    let gate = "version: 1\nenvironments:\n- name: dev\n  approvals: 2\n  github-environment: production\n- name: production\n  approvals: 2\n";
    world
        .sandbox
        .commit("promote.yaml", gate, "Name the environment")
        .unwrap();
    let named = preflight(&world, &github).with("environment", "dev").run().ran;
    has(&named, "environment", "ok", &["reviewers: ann, bob"]);

    // On a laptop there is no environment to look at, and that is said.
    let laptop = world.land("preflight --app api --environment production --output json");
    has(&laptop, "environment", "skipped", &["run `preflight` as a step"]);
}

/// A user, as REST shows one.
fn sandbox_user(login: &str) -> Value {
    let mut user = json!({"login": login, "id": 1, "node_id": "U_1", "gravatar_id": null, "type": "User", "site_admin": false,
        "url": "https://users.example/u"});
    for key in [
        "avatar",
        "events",
        "followers",
        "following",
        "gists",
        "html",
        "organizations",
        "received_events",
        "repos",
        "starred",
        "subscriptions",
    ] {
        user[format!("{key}_url")] = json!("https://users.example/u");
    }
    user
}
