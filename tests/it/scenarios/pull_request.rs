//! `via: pull-request`: opened, found again, merged in every way that GitHub has, and every way in which it is not.

use std::time::Duration;

use sandbox::github::GitHub;
use serde_json::json;

use super::github_api::{ends, started, step};
use crate::support::{Step, World};

pub(super) const BRANCH: &str = "promote/dev/api";

pub(super) fn proposing(world: &World, github: &GitHub) -> Step {
    step(world, github).with("via", "pull-request")
}

/// Waits until there is a pull request, and returns its number.
#[track_caller]
pub(super) fn opened(github: &GitHub) -> u64 {
    for _ in 0..3000 {
        if let Some(pull) = github.pulls().first() {
            return pull.number;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no pull request");
}

#[test]
fn a_pull_request_is_opened_with_everything_and_nothing_is_on_the_branch() {
    let (world, github) = started();
    let tip = world.sandbox.tip().unwrap();
    let stepped = proposing(&world, &github)
        .with("pull-request-labels", "promotion, dev")
        .with("pull-request-reviewers", "hubot, stranger")
        .with("pull-request-team-reviewers", "myorg/platform")
        .with("pull-request-assignees", "octocat")
        .run();
    ends(&stepped, "proposed", 0);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    let pulls = github.pulls();
    let [pull] = pulls.as_slice() else { panic!("{pulls:?}") };
    assert_eq!(stepped.outputs["pull-request-number"], pull.number.to_string());
    assert!(stepped.outputs["pull-request-url"].ends_with(&format!("/myorg/infra-repo/pull/{}", pull.number)));
    assert_eq!(stepped.outputs["changed"], "false");
    assert_eq!((pull.head.as_str(), pull.base.as_str()), (BRANCH, "main"));
    assert_eq!(pull.title, "promote api to dev: myorg/api:abc1234");
    assert!(
        pull.body.contains("myorg/api:abc1234") && pull.body.contains("<!-- promote-action: api in dev -->"),
        "{}",
        pull.body
    );
    assert_eq!(pull.labels, ["promotion", "dev"]);
    assert_eq!(pull.assignees, ["octocat"]);
    assert_eq!(pull.reviewers, ["platform"]);
    assert!(
        stepped.ran.stdout.contains("::warning") && stepped.ran.stdout.contains("hubot, stranger"),
        "{}",
        stepped.ran.stdout
    );
    let changed = world.sandbox.git(&["diff", "--name-only", "main", BRANCH]).unwrap();
    assert_eq!(changed.trim(), sandbox::overlay("api", "dev"));
    assert_eq!(
        github.signed(),
        [world.sandbox.git(&["rev-parse", BRANCH]).unwrap().trim()]
    );
}

#[test]
fn a_second_run_finds_it_and_a_newer_one_takes_it_over() {
    let (world, github) = started();
    ends(&proposing(&world, &github).run(), "proposed", 0);
    let head = world.sandbox.git(&["rev-parse", BRANCH]).unwrap();
    ends(&proposing(&world, &github).run(), "proposed", 0);
    assert_eq!(world.sandbox.git(&["rev-parse", BRANCH]).unwrap(), head);
    let newer = proposing(&world, &github).with("tag", "def5678").run();
    ends(&newer, "proposed", 0);
    let pulls = github.pulls();
    let [pull] = pulls.as_slice() else { panic!("{pulls:?}") };
    assert_eq!(pull.title, "promote api to dev: myorg/api:def5678");
    let count = world
        .sandbox
        .git(&["rev-list", "--count", &format!("main..{BRANCH}")])
        .unwrap();
    assert_eq!(count.trim(), "1");
}

#[test]
fn an_older_run_that_waits_is_superseded() {
    let (world, github) = started();
    let waiting = proposing(&world, &github).with("merge-timeout", "60s");
    let running = waiting.start();
    opened(&github);
    ends(&proposing(&world, &github).with("tag", "def5678").run(), "proposed", 0);
    let older = waiting.after(running.wait());
    ends(&older, "superseded", 9);
    assert!(older.ran.stdout.contains("def5678"), "{}", older.ran.stdout);
}

#[test]
fn somebody_elses_commits_are_never_written_over() {
    let (world, github) = started();
    ends(&proposing(&world, &github).run(), "proposed", 0);
    let theirs = world
        .sandbox
        .git
        .commit("infra-repo", BRANCH, &[("note", "mine")], "A person's commit")
        .unwrap();
    let stepped = proposing(&world, &github).with("tag", "def5678").run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped
            .ran
            .stdout
            .contains("does not write over commits of other authors"),
        "{}",
        stepped.ran.stdout
    );
    assert_eq!(world.sandbox.git(&["rev-parse", BRANCH]).unwrap().trim(), theirs);
}

/// Somebody adds a file to the branch, with the message of the commit that is there.
fn add_with_the_same_message(world: &World) -> String {
    let message = world.sandbox.git(&["log", "-1", "--format=%B", BRANCH]).unwrap();
    let evil = [("apps/web/evil.yaml", "kind: Evil\n")];
    let git = &world.sandbox.git;
    git.commit("infra-repo", BRANCH, &evil, message.trim_end()).unwrap()
}

fn is_on_main(world: &World, path: &str) -> bool {
    world.sandbox.git(&["cat-file", "-e", &format!("main:{path}")]).is_ok()
}

#[test]
fn a_branch_that_only_says_what_a_promotion_says_is_made_anew() {
    let (world, github) = started();
    ends(&proposing(&world, &github).run(), "proposed", 0);
    let theirs = add_with_the_same_message(&world);
    ends(&proposing(&world, &github).with("merge", "now").run(), "landed", 0);
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
    assert!(!is_on_main(&world, "apps/web/evil.yaml"));
    assert_ne!(
        world.sandbox.git(&["rev-parse", BRANCH]).unwrap_or_default().trim(),
        theirs
    );
}

#[test]
fn what_is_pushed_while_the_merge_is_waited_for_is_not_merged() {
    let (world, github) = started();
    github.require_check("e2e");
    let waiting = proposing(&world, &github)
        .with("merge", "now")
        .with("merge-timeout", "60s");
    let running = waiting.start();
    let number = opened(&github);
    std::thread::sleep(Duration::from_millis(500));
    let theirs = add_with_the_same_message(&world);
    github.check(number, "e2e", "SUCCESS");
    let stepped = waiting.after(running.wait());
    ends(&stepped, "refused", 3);
    assert!(stepped.ran.stdout.contains(&theirs[..7]), "{}", stepped.ran.stdout);
    assert!(!is_on_main(&world, "apps/web/evil.yaml"));
    assert!(!world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}

#[test]
fn merged_at_once_by_every_method_and_the_commit_is_followed() {
    for method in ["squash", "merge", "rebase"] {
        let (world, github) = started();
        github.allow_methods(&[method]);
        let stepped = proposing(&world, &github)
            .with("merge", "now")
            .with("argocd-server", world.sandbox.argocd.url())
            .with("argocd-token", &world.sandbox.argocd.token("ci"))
            .with("aliases", &world.sandbox.infra_repo())
            .run();
        ends(&stepped, "promoted", 0);
        let tip = world.sandbox.tip().unwrap();
        assert_eq!(stepped.outputs["commit"], tip, "{method}");
        assert_eq!(stepped.outputs["changed"], "true");
        assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
        let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
        assert!(message.contains("Promote-App: api"), "{method}: {message}");
    }
}

#[test]
fn a_person_merges_and_the_run_goes_on() {
    let (world, github) = started();
    let waiting = proposing(&world, &github).with("merge-timeout", "60s");
    let running = waiting.start();
    let number = opened(&github);
    std::thread::sleep(Duration::from_millis(300));
    let merged = github
        .merge(number, "merge")
        .or_else(|_| github.merge(number, "merge"))
        .unwrap();
    let stepped = waiting.after(running.wait());
    ends(&stepped, "landed", 0);
    assert_eq!(stepped.outputs["commit"], merged);
}

#[test]
fn auto_merge_is_armed_where_something_is_missing() {
    let (world, github) = started();
    github.require_reviews(1);
    let stepped = proposing(&world, &github).with("merge", "auto").run();
    ends(&stepped, "proposed", 0);
    let number = opened(&github);
    let (method, message) = github.pull(number).unwrap().auto_merge.unwrap();
    assert_eq!(method, "SQUASH");
    assert!(message.contains("Promote-App: api"), "{message}");
    let waiting = proposing(&world, &github)
        .with("merge", "auto")
        .with("merge-timeout", "60s");
    let running = waiting.start();
    std::thread::sleep(Duration::from_millis(500));
    github.review(number, "reviewer", "APPROVED");
    let stepped = waiting.after(running.wait());
    ends(&stepped, "landed", 0);
    assert_eq!(stepped.outputs["commit"], world.sandbox.tip().unwrap());
}

#[test]
fn auto_merge_of_a_clean_one_merges_at_once() {
    let (world, github) = started();
    let stepped = proposing(&world, &github).with("merge", "auto").run();
    ends(&stepped, "landed", 0);
    assert_eq!(stepped.outputs["commit"], world.sandbox.tip().unwrap());
}

#[test]
fn the_queue_is_entered_again_after_one_ejection_and_no_more() {
    let (world, github) = started();
    github.rule("main", &json!({"type": "merge_queue"})).unwrap();
    github.eject(1);
    github.merge_with("other.txt", "of the group\n");
    let stepped = proposing(&world, &github)
        .with("merge", "auto")
        .with("merge-timeout", "60s")
        .run();
    ends(&stepped, "landed", 0);
    assert_eq!(
        world.sandbox.git.read("infra-repo", "other.txt").unwrap(),
        "of the group\n"
    );
    assert!(
        stepped.ran.stdout.contains("adding it once more"),
        "{}",
        stepped.ran.stdout
    );

    let (world, github) = started();
    github.rule("main", &json!({"type": "merge_queue"})).unwrap();
    github.eject(9);
    let stepped = proposing(&world, &github)
        .with("merge", "now")
        .with("merge-timeout", "60s")
        .run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("the merge queue removed pull request"),
        "{}",
        stepped.ran.stdout
    );
}

#[test]
fn what_stops_a_merge_is_told_apart() {
    let wait = |world: &World, github: &GitHub, time: &str| {
        proposing(world, github)
            .with("merge", "auto")
            .with("merge-timeout", time)
    };
    let (world, github) = started();
    github.require_reviews(2);
    let stepped = wait(&world, &github, "3s").run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("required reviews are missing"),
        "{}",
        stepped.ran.stdout
    );

    let (world, github) = started();
    github.require_check("e2e");
    let stepped = wait(&world, &github, "3s").run();
    ends(&stepped, "timed-out", 10);
    let number = opened(&github);
    github.check(number, "e2e", "FAILURE");
    let stepped = wait(&world, &github, "60s").run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("these checks failed: e2e"),
        "{}",
        stepped.ran.stdout
    );

    let (world, github) = started();
    github.require_reviews(1);
    let step = wait(&world, &github, "60s");
    let running = step.start();
    let number = opened(&github);
    std::thread::sleep(Duration::from_millis(300));
    github.close(number);
    let stepped = step.after(running.wait());
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("was closed without a merge"),
        "{}",
        stepped.ran.stdout
    );

    let (world, github) = started();
    github.require_reviews(1);
    let stepped = proposing(&world, &github).with("merge", "now").run();
    ends(&stepped, "refused", 3);
    assert!(
        stepped.ran.stdout.contains("required reviews are missing"),
        "{}",
        stepped.ran.stdout
    );
}

#[test]
fn a_conflict_is_planned_again_on_the_new_head() {
    let (world, github) = started();
    ends(&proposing(&world, &github).run(), "proposed", 0);
    let file = sandbox::overlay("api", "dev");
    let text = world.sandbox.overlay("api", "dev").unwrap();
    world
        .sandbox
        .commit(&file, &text.replace("4f9d2c1", "other77"), "Another version")
        .unwrap();
    let stepped = proposing(&world, &github)
        .with("merge", "auto")
        .with("merge-timeout", "60s")
        .run();
    ends(&stepped, "landed", 0);
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
    assert_eq!(github.pulls().len(), 1);
}

#[test]
fn who_may_not_open_one_is_told_what_to_set() {
    let (world, github) = started();
    github.let_in(
        "ghs_writer",
        &[("contents", "write"), ("metadata", "read"), ("pull_requests", "read")],
    );
    let stepped = proposing(&world, &github).with("token", "ghs_writer").run();
    ends(&stepped, "denied", 4);
    assert!(
        stepped.ran.stdout.contains("has no permission"),
        "{}",
        stepped.ran.stdout
    );
}
