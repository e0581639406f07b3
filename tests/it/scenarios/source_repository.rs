//! `deployment` and `comment`: what the repository of the source shows of a promotion.

use std::time::Duration;

use sandbox::github::{Deployment, GitHub};

use super::github_api::{ends, github, step};
use crate::support::{Step, World};

pub(super) const COMMIT: &str = "abc1234000000000000000000000000000000000";
const RUN: u64 = 1_234_567;

pub(super) fn started() -> (World, GitHub) {
    let world = World::at_speed(200.0);
    let github = github(&world);
    github.know("myorg/api");
    github.came_from(COMMIT, 7);
    (world, github)
}

/// A step that shows everything.
pub(super) fn shows(world: &World, step: Step) -> Step {
    step.with("github-token", world.sandbox.git_token())
        .with("deployment", "true")
        .with("comment", "true")
}

/// The same, followed by Argo CD.
fn followed(world: &World, github: &GitHub) -> Step {
    shows(world, step(world, github))
        .with("argocd-server", world.sandbox.argocd.url())
        .with("argocd-token", &world.sandbox.argocd.token("ci"))
        .with("aliases", &world.sandbox.infra_repo())
        .with("settle", "300ms")
}

fn states(made: &Deployment) -> Vec<&str> {
    made.statuses
        .iter()
        .filter_map(|status| status["state"].as_str())
        .collect()
}

#[test]
fn a_promotion_is_a_deployment_of_the_source_commit_and_the_one_before_becomes_inactive() {
    let (world, github) = started();
    let stepped = followed(&world, &github).run();
    ends(&stepped, "promoted", 0);
    let all = github.deployments();
    let [made] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(made.repository, "myorg/api");
    assert_eq!(
        (&made.body["ref"], &made.body["environment"]),
        (&COMMIT.into(), &"dev".into())
    );
    assert_eq!(made.body["auto_merge"], false);
    assert_eq!(made.body["required_contexts"], serde_json::json!([]));
    assert_eq!(states(made), ["in_progress", "success"]);
    let last = made.statuses.last().unwrap();
    assert!(
        last["environment_url"].as_str().unwrap().contains("/applications/"),
        "{last}"
    );
    assert!(
        last["log_url"].as_str().unwrap().contains("/actions/runs/1234567"),
        "{last}"
    );
    let comments = github.comments();
    let [(7, text)] = comments.as_slice() else {
        panic!("{comments:?}")
    };
    assert!(
        text.contains("`myorg/api:abc1234`") && text.contains("✅ promoted"),
        "{text}"
    );

    // Another run finds it, and changes nothing that is there.
    ends(
        &followed(&world, &github).env("GITHUB_RUN_ID", "1234568").run(),
        "no-change",
        0,
    );
    assert_eq!(github.deployments().len(), 1);
    assert_eq!(github.comments().len(), 1);

    // The next version takes its place.
    let next = "def5678000000000000000000000000000000000";
    github.came_from(next, 7);
    let stepped = followed(&world, &github).with("tag", "sha-def5678").run();
    ends(&stepped, "promoted", 0);
    let all = github.deployments();
    let [old, new] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(states(old).last(), Some(&"inactive"));
    assert_eq!((states(new).last(), &new.body["ref"]), (Some(&"success"), &next.into()));
    // One comment for the pull request, with the newest version.
    let comments = github.comments();
    let [(7, text)] = comments.as_slice() else {
        panic!("{comments:?}")
    };
    assert!(text.contains("sha-def5678") && !text.contains("abc1234"), "{text}");
}

#[test]
fn a_failure_is_one_and_what_nobody_saw_is_in_progress() {
    let (world, github) = started();
    let stepped = followed(&world, &github).with("tag", "fail1").run();
    ends(&stepped, "rollout-failed", 5);
    let all = github.deployments();
    assert_eq!(states(&all[0]).last(), Some(&"failure"), "{}", stepped.ran.stdout);
    // The tag is no commit: that of the run counts.
    assert_eq!(all[0].body["ref"], "0123456789abcdef0123456789abcdef01234567");
    assert!(
        stepped.ran.stdout.contains("came from no pull request"),
        "{}",
        stepped.ran.stdout
    );

    let (world, github) = started();
    ends(&shows(&world, step(&world, &github)).run(), "landed", 0);
    assert_eq!(states(&github.deployments()[0]).last(), Some(&"in_progress"));
    assert!(github.comments()[0].1.contains("⏳ landed"));

    let (world, github) = started();
    let running = followed(&world, &github).with("settle", "60s").start();
    for _ in 0..400 {
        if github
            .deployments()
            .first()
            .is_some_and(|made| !made.statuses.is_empty())
        {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    running.signal(15);
    assert_eq!(running.wait().code, 143);
    assert_eq!(states(&github.deployments()[0]).last(), Some(&"error"));
}

#[test]
fn the_deployment_of_the_job_is_not_doubled() {
    let (world, github) = started();
    github.job_started("myorg/api", "production", COMMIT, RUN);
    github.job_started("myorg/api", "dev", COMMIT, RUN - 1);
    ends(&shows(&world, step(&world, &github)).run(), "landed", 0);
    github.job_started("myorg/api", "dev", COMMIT, RUN);
    let tip = world.sandbox.tip().unwrap();
    let stepped = shows(&world, step(&world, &github)).with("tag", "def5678").run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("deployment: false"),
        "{}",
        stepped.ran.stdout
    );
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    // The environment of GitHub can have another name.
    let named = shows(&world, step(&world, &github)).with("github-environment", "production");
    ends(&named.with("tag", "def5678").run(), "refused", 3);
}

/// Lands in staging, and returns the comment of somebody else and the one after it on the pull request.
fn after_staging(world: &World, github: &GitHub) -> (String, String) {
    let staging = shows(world, step(world, github)).with("environment", "staging");
    ends(&staging.run(), "landed", 0);
    let comments = github.comments();
    let [(7, theirs), (7, text)] = comments.as_slice() else {
        panic!("{comments:?}")
    };
    (theirs.clone(), text.clone())
}

#[test]
fn rows_of_other_environments_stay_and_a_fork_is_named() {
    let (world, github) = started();
    github.somebody_comments(7, "Looks good");
    ends(&shows(&world, step(&world, &github)).run(), "landed", 0);
    let (theirs, text) = after_staging(&world, &github);
    assert_eq!(theirs, "Looks good");
    assert!(text.contains("| `dev` ") && text.contains("| `staging` "), "{text}");

    let (world, github) = started();
    let read_only = [
        ("contents", "read"),
        ("pull_requests", "read"),
        ("deployments", "read"),
        ("metadata", "read"),
    ];
    github.let_in("ghs_fork", &read_only);
    github.came_from_fork("def5678000000000000000000000000000000000", 8);
    let forked = shows(&world, step(&world, &github))
        .with("github-token", "ghs_fork")
        .with("tag", "def5678")
        .run();
    // Neither of both is a reason to fail.
    ends(&forked, "landed", 0);
    assert!(github.comments().is_empty() && github.deployments().is_empty());
    assert!(
        forked.ran.stdout.contains("pull request #8 comes from a fork"),
        "{}",
        forked.ran.stdout
    );
    assert!(
        forked.ran.stdout.contains("no deployment was made"),
        "{}",
        forked.ran.stdout
    );
}

#[test]
fn a_comment_of_a_stranger_that_only_looks_like_one_is_left_alone() {
    let (world, github) = started();
    ends(&shows(&world, step(&world, &github)).run(), "landed", 0);
    let (_, own) = github.comments().remove(0);

    let (world, github) = started();
    github.somebody_comments(7, &own);
    let (theirs, text) = after_staging(&world, &github);
    assert_eq!(theirs, own);
    assert!(text.contains("| `staging` ") && !text.contains("| `dev` "), "{text}");
}

#[test]
fn the_source_that_the_infra_repo_names_shows_it() {
    let (world, github) = started();
    github.know("myorg/backend");
    let text = "version: 1\nenvironments:\n- name: dev\n  github-environment: development\napps:\n  api:\n    source: myorg/backend\n";
    world.sandbox.commit("promote.yaml", text, "Name the source").unwrap();
    // The job's deployment is in the repository of the run, and is another one.
    github.job_started("myorg/api", "development", COMMIT, RUN);
    let job = github.deployments().len();
    ends(&shows(&world, step(&world, &github)).run(), "landed", 0);
    let all = github.deployments();
    let made: Vec<_> = all.iter().skip(job).collect();
    let [made] = made.as_slice() else { panic!("{all:?}") };
    assert_eq!(made.repository, "myorg/backend");
    assert_eq!(
        (&made.body["ref"], &made.body["environment"]),
        (&COMMIT.into(), &"development".into())
    );
    assert_eq!(github.comments().len(), 1);
    let asked = github.asked();
    let commented = asked.iter().filter(|asked| asked.path.contains("/comments"));
    for asked in commented {
        assert!(asked.path.contains("/repos/myorg/backend/issues/7/"), "{}", asked.path);
    }

    // A tag that names no commit there: that of the run is of another repository.
    let stepped = shows(&world, step(&world, &github)).with("tag", "v1.2.3").run();
    ends(&stepped, "landed", 0);
    assert_eq!((github.deployments().len(), github.comments().len()), (job + 1, 1));
    assert!(
        stepped
            .ran
            .stdout
            .contains("myorg/backend has no commit that the tag of the image names"),
        "{}",
        stepped.ran.stdout
    );
}

#[test]
fn it_needs_a_run_and_a_token() {
    let (world, github) = started();
    let stepped = step(&world, &github).with("deployment", "true").run();
    ends(&stepped, "invalid", 2);
    let ran = world.land("--app api --environment dev --tag abc1234 --comment true --output json");
    ran.ends("invalid", 2);
}

#[test]
fn limits_are_obeyed_and_what_never_comes_is_a_warning() {
    let (world, github) = started();
    github.busy("POST /api/v3/repos/myorg/api/deployments", 1, 429, 1);
    github.busy("POST /api/v3/repos/myorg/api/issues", 1, 403, 1);
    ends(&shows(&world, step(&world, &github)).run(), "landed", 0);
    assert_eq!((github.deployments().len(), github.comments().len()), (1, 1));

    github.busy("/deployments", 1000, 503, 0);
    let stepped = shows(&world, step(&world, &github)).with("tag", "def5678").run();
    ends(&stepped, "landed", 0);
    assert!(
        stepped.ran.stdout.contains("no deployment is made"),
        "{}",
        stepped.ran.stdout
    );
    assert_eq!(github.deployments().len(), 1);
}
