//! The gate `approvals`: so many people, none of whom triggered the run, by the environment of the job or by reviews of the pull request.

use std::time::Duration;

use sandbox::github::{Approval, GitHub};

use super::github_api::{ends, github, step};
use crate::support::{Step, World};

const RUN: u64 = 1_234_567;

/// A sandbox whose infra-repo wants two approvals for dev.
fn started(more: &str) -> (World, GitHub) {
    let world = World::new();
    let text = format!("version: 1\nenvironments:\n- name: dev\n  approvals: 2\n{more}");
    world.sandbox.commit("promote.yaml", &text, "Want approvals").unwrap();
    let github = github(&world);
    github.know("myorg/api");
    (world, github)
}

fn asking(world: &World, github: &GitHub) -> Step {
    step(world, github)
        .with("github-token", world.sandbox.git_token())
        .with("via", "api")
}

fn approve(github: &GitHub, login: &str, environment: &str, state: &str) {
    github.approve(Approval {
        run: RUN,
        login: login.to_owned(),
        environments: vec![environment.to_owned()],
        state: state.to_owned(),
    });
}

#[test]
fn two_people_open_it_and_who_triggered_the_run_is_none_of_them() {
    let (world, github) = started("");
    approve(&github, "octocat", "dev", "approved");
    approve(&github, "ann", "dev", "approved");
    approve(&github, "bob", "staging", "approved");
    approve(&github, "cyd", "dev", "rejected");
    let tip = world.sandbox.tip().unwrap();
    let stepped = asking(&world, &github).run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("1 of 2 approvals") && stepped.ran.stdout.contains("octocat does not count"),
        "{}",
        stepped.ran.stdout
    );
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    approve(&github, "bob", "dev", "approved");
    ends(&asking(&world, &github).run(), "landed", 0);
}

#[test]
fn another_environment_of_github_can_be_named() {
    let (world, github) = started("");
    approve(&github, "ann", "development", "approved");
    approve(&github, "bob", "development", "approved");
    ends(&asking(&world, &github).run(), "refused", 3);
    let named = asking(&world, &github).with("github-environment", "development");
    ends(&named.run(), "landed", 0);

    // An input chooses no other reviewers than those that the environment has on GitHub.
    github.environment("dev", &serde_json::json!([]), &[]);
    let other = asking(&world, &github)
        .with("tag", "def5678")
        .with("github-environment", "development")
        .run();
    ends(&other, "refused", 3);
    assert!(
        other
            .ran
            .stdout
            .contains("the approvals of the GitHub environment dev count"),
        "{}",
        other.ran.stdout
    );
}

#[test]
fn the_environment_that_the_infra_repo_names_counts_and_no_input_names_another() {
    let (world, github) = started("  github-environment: development\n");
    for login in ["ann", "bob"] {
        approve(&github, login, "sandbox", "approved");
    }
    let other = asking(&world, &github).with("github-environment", "sandbox");
    ends(&other.run(), "refused", 3);
    for login in ["ann", "bob"] {
        approve(&github, login, "development", "approved");
    }
    ends(&other.run(), "refused", 3);
    ends(&asking(&world, &github).run(), "landed", 0);
}

#[test]
fn what_cannot_be_read_is_closed() {
    let (world, github) = started("");
    approve(&github, "ann", "dev", "approved");
    approve(&github, "bob", "dev", "approved");
    github.let_in("ghs_blind", &[("contents", "read"), ("metadata", "read")]);
    let blind = asking(&world, &github).with("github-token", "ghs_blind").run();
    ends(&blind, "refused", 3);
    assert!(
        blind.ran.stdout.contains("is unknown, which counts as closed"),
        "{}",
        blind.ran.stdout
    );
    // Nobody knows which attempt the approvals are for.
    let again = asking(&world, &github).env("GITHUB_RUN_ATTEMPT", "2").run();
    ends(&again, "refused", 3);
    // A laptop has no run.
    let ran = world.land("--app api --environment dev --tag abc1234 --output json");
    ran.ends("refused", 3);
}

#[test]
fn nothing_skips_it() {
    let (world, github) = started("  allow: [skip-approvals]\n");
    let stepped = asking(&world, &github)
        .with("allow", "skip-approvals")
        .with("reason", "in a hurry")
        .run();
    ends(&stepped, "invalid", 2);
}

#[test]
fn authors_of_what_is_released_can_be_left_out() {
    let (world, github) = started("");
    approve(&github, "ann", "dev", "approved");
    approve(&github, "bob", "dev", "approved");
    github.wrote("4f9d2c1...abc1234", &["bob"]);
    let strict = || asking(&world, &github).with("approvals-exclude-authors", "true");
    let stepped = strict().run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped
            .ran
            .stdout
            .contains("bob does not count: wrote a released commit"),
        "{}",
        stepped.ran.stdout
    );
    approve(&github, "cyd", "dev", "approved");
    let unknown = strict().with("tag", "def5678").run();
    ends(&unknown, "refused", 3);
    ends(&strict().run(), "landed", 0);
}

#[test]
fn reviews_of_the_head_count_and_it_is_not_merged_before() {
    let (world, github) = started("");
    let proposing = || {
        step(&world, &github)
            .with("github-token", world.sandbox.git_token())
            .with("via", "pull-request")
            .with("merge", "now")
    };
    ends(&proposing().run(), "proposed", 0);
    let number = github.pulls()[0].number;
    github.review(number, "ann", "APPROVED");
    github.review(number, "octocat", "APPROVED");
    let short = proposing().with("merge-timeout", "2s").run();
    ends(&short, "refused", 3);
    let waiting = proposing().with("merge-timeout", "60s");
    let running = waiting.start();
    std::thread::sleep(Duration::from_millis(1500));
    github.review(number, "bob", "APPROVED");
    let stepped = waiting.after(running.wait());
    ends(&stepped, "landed", 0);
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}

#[test]
fn the_approvals_of_one_version_merge_no_other() {
    let (world, github) = started("");
    let proposing = |tag: &str| {
        step(&world, &github)
            .with("tag", tag)
            .with("github-token", world.sandbox.git_token())
            .with("via", "pull-request")
            .with("merge", "now")
    };
    ends(&proposing("abc1234").run(), "proposed", 0);
    let number = github.pulls()[0].number;
    for login in ["ann", "bob"] {
        github.review(number, login, "APPROVED");
    }
    ends(&proposing("def5678").run(), "proposed", 0);
    assert!(!world.sandbox.overlay("api", "dev").unwrap().contains("def5678"));
    for login in ["ann", "bob"] {
        github.review(number, login, "APPROVED");
    }
    ends(&proposing("def5678").run(), "landed", 0);
}

#[test]
fn only_people_who_belong_to_the_repository_count() {
    let (world, github) = started("");
    let proposing = || {
        step(&world, &github)
            .with("github-token", world.sandbox.git_token())
            .with("via", "pull-request")
            .with("merge", "now")
    };
    ends(&proposing().run(), "proposed", 0);
    let number = github.pulls()[0].number;
    github.review(number, "ann", "APPROVED");
    github.review(number, "dependabot[bot]", "APPROVED");
    github.review_as(number, "stranger", "APPROVED", "NONE");
    github.review_as(number, "helper", "APPROVED", "CONTRIBUTOR");
    let stepped = proposing().with("merge-timeout", "1s").run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("1 of 2 approvals"),
        "{}",
        stepped.ran.stdout
    );
    github.review_as(number, "bob", "APPROVED", "COLLABORATOR");
    ends(&proposing().run(), "landed", 0);
}
