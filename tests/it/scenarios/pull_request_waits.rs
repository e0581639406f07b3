//! While a pull request waits: what was judged is judged again, no request to GitHub outlasts the bound, and a signal while one writes leaves
//! a report with everything that is known.

use std::time::{Duration, Instant};

use sandbox::front::{Front, Manner};
use sandbox::github::GitHub;
use sandbox::overlay;
use serde_json::{Value, json};

use super::faults::side_by_side;
use super::gates::live_in_staging;
use super::github_api::{ends, github, started, step, step_at};
use super::pull_request::{BRANCH, opened, proposing};
use crate::support::{Step, Stepped, World};

const PULLS: &str = "/repos/myorg/infra-repo/pulls";

/// Waits until this is so.
#[track_caller]
fn until(what: &str, so: impl Fn() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < Duration::from_secs(120), "not so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn hold(world: &World) {
    let text = "- app: api\n  environment: dev\n  reason: INC-1 freeze\n  by: jane\n";
    world.sandbox.commit("promote-holds.yaml", text, "Hold api").unwrap();
}

fn is_promoted(world: &World, environment: &str, tag: &str) -> bool {
    world.sandbox.overlay("api", environment).unwrap().contains(tag)
}

#[test]
fn a_hold_that_comes_while_it_waits_stops_it() {
    for merge in ["now", "auto", "none"] {
        let (world, github) = started();
        github.require_reviews(1);
        let waiting = || {
            proposing(&world, &github)
                .with("merge", merge)
                .with("merge-timeout", "120s")
        };
        let step = waiting();
        let running = step.start();
        let number = opened(&github);
        if merge == "auto" {
            until("it is armed", || github.pull(number).unwrap().auto_merge.is_some());
        }
        hold(&world);
        let stepped = step.after(running.wait());
        ends(&stepped, "refused", 3);
        let said = &stepped.ran.stdout;
        assert!(said.contains("INC-1 freeze"), "{merge}: {said}");
        assert!(said.contains("stays open and is not merged"), "{merge}: {said}");
        assert_eq!(stepped.outputs["pull-request-number"], number.to_string());
        let pull = github.pull(number).unwrap();
        assert!(pull.state == "OPEN" && pull.auto_merge.is_none(), "{merge}: {pull:?}");
        let warning = "promote did not merge this pull request";
        assert!(pull.body.contains(warning), "{merge}: {}", pull.body);
        github.review(number, "ann", "APPROVED");
        assert!(!is_promoted(&world, "dev", "abc1234"), "{merge}");
        if merge == "now" {
            world
                .sandbox
                .commit("promote-holds.yaml", "[]\n", "Release api")
                .unwrap();
            ends(&waiting().run(), "landed", 0);
            let pull = github.pull(number).unwrap();
            assert!(!pull.body.contains(warning), "{}", pull.body);
        }
    }
}

#[test]
fn a_commit_to_another_file_leaves_the_head_and_its_approvals() {
    let (world, github) = started();
    github.require_reviews(1);
    let step = proposing(&world, &github)
        .with("merge", "now")
        .with("merge-timeout", "120s");
    let running = step.start();
    let number = opened(&github);
    let head = world.sandbox.git(&["rev-parse", BRANCH]).unwrap();
    world.sandbox.commit("README.md", "Other words.\n", "Write").unwrap();
    std::thread::sleep(Duration::from_secs(3));
    github.review(number, "ann", "APPROVED");
    let stepped = step.after(running.wait());
    ends(&stepped, "landed", 0);
    let said = &stepped.ran.stdout;
    assert!(said.contains("meanwhile; judged again on it"), "{said}");
    assert_eq!(github.pull(number).unwrap().last_head, head.trim());
    assert!(is_promoted(&world, "dev", "abc1234"));
}

#[test]
fn a_gate_that_closes_while_it_waits_is_found_before_the_merge_and_not_at_each_look() {
    let world = live_in_staging("after: [staging]");
    let github = github(&world);
    github.require_reviews(1);
    let step = step(&world, &github)
        .with("environment", "production")
        .with("tag", "v2")
        .with("argocd-server", world.sandbox.argocd.url())
        .with("argocd-token", &world.sandbox.argocd.token("ci"))
        .with("aliases", &world.sandbox.infra_repo())
        .with("via", "pull-request")
        .with("merge", "now")
        .with("merge-timeout", "120s");
    let running = step.start();
    let number = opened(&github);
    std::thread::sleep(Duration::from_secs(3));
    let asked = world.sandbox.argocd.asked().len();
    std::thread::sleep(Duration::from_secs(9));
    assert_eq!(world.sandbox.argocd.asked().len(), asked);
    world.sandbox.argocd.edit("api-staging", |app| {
        app["status"]["health"]["status"] = "Degraded".into();
    });
    world.sandbox.argocd.stop_controller(true);
    github.review(number, "ann", "APPROVED");
    let stepped = step.after(running.wait());
    ends(&stepped, "refused", 3);
    let said = &stepped.ran.stdout;
    assert!(said.contains("gate `after` of production"), "{said}");
    assert!(said.contains("stays open and is not merged"), "{said}");
    assert!(!is_promoted(&world, "production", "v2"));
}

/// Somebody commits to the branch, and merges it before the run looks again.
fn merged_by_somebody(path: &str, change: impl Fn(&str) -> String) -> (World, Stepped, String) {
    let (world, github) = started();
    let step = proposing(&world, &github).with("merge-timeout", "120s");
    let running = step.start();
    let number = opened(&github);
    // The pauses between two looks have grown by then.
    std::thread::sleep(Duration::from_secs(14));
    let git = &world.sandbox.git;
    let message = world.sandbox.git(&["log", "-1", "--format=%B", BRANCH]).unwrap();
    let text = world
        .sandbox
        .git(&["show", &format!("{BRANCH}:{path}")])
        .unwrap_or_default();
    let files = [(path, change(&text))];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    git.commit("infra-repo", BRANCH, &files, message.trim_end()).unwrap();
    let merged = github
        .merge(number, "merge")
        .or_else(|_| github.merge(number, "merge"))
        .unwrap();
    let stepped = step.after(running.wait());
    (world, stepped, merged)
}

#[test]
fn what_is_merged_with_another_pin_is_not_called_landed() {
    let file = overlay("api", "dev");
    let (world, stepped, _) = merged_by_somebody(&file, |text| text.replace("abc1234", "evil"));
    ends(&stepped, "superseded", 9);
    let said = &stepped.ran.stdout;
    assert!(said.contains("was merged with another change"), "{said}");
    assert_eq!(stepped.outputs["changed"], "false");
    assert!(is_promoted(&world, "dev", "evil"));
}

#[test]
fn what_a_person_merges_with_a_commit_of_their_own_has_landed() {
    let (world, stepped, merged) = merged_by_somebody("NOTES.md", |_| "More.\n".to_owned());
    ends(&stepped, "landed", 0);
    assert_eq!(stepped.outputs["commit"], merged);
    assert!(
        stepped.ran.stdout.contains("and this run wrote"),
        "{}",
        stepped.ran.stdout
    );
    assert!(is_promoted(&world, "dev", "abc1234"));
}

/// GitHub's button "Update branch" merges the base into the branch.
#[test]
fn a_branch_that_a_person_updates_from_its_base_stays_its_own() {
    let (world, github) = started();
    github.require_reviews(1);
    let step = proposing(&world, &github)
        .with("merge", "now")
        .with("merge-timeout", "120s");
    let running = step.start();
    let number = opened(&github);
    world.sandbox.commit("README.md", "Other words.\n", "Write").unwrap();
    let git = |words: &[&str]| world.sandbox.git(words).unwrap().trim().to_owned();
    let tree = git(&["merge-tree", "--write-tree", "main", BRANCH]);
    let merge = git(&[
        "-c",
        "user.name=ann",
        "-c",
        "user.email=ann@example.com",
        "commit-tree",
        &tree,
        "-p",
        BRANCH,
        "-p",
        "main",
        "-m",
        "Merge branch 'main' into promote/dev/api",
    ]);
    git(&["update-ref", &format!("refs/heads/{BRANCH}"), &merge]);
    std::thread::sleep(Duration::from_secs(3));
    github.review(number, "ann", "APPROVED");
    let stepped = step.after(running.wait());
    ends(&stepped, "landed", 0);
    assert_eq!(github.pull(number).unwrap().last_head, merge);
    assert!(is_promoted(&world, "dev", "abc1234"));
}

#[test]
fn a_secret_in_a_text_reaches_neither_the_commit_nor_the_pull_request() {
    let (world, github) = started();
    let secret = world.sandbox.git_token().to_owned();
    let message = format!("promote {{app}}: {{image}} {secret}");
    let stepped = proposing(&world, &github).with("message", &message).run();
    ends(&stepped, "proposed", 0);
    let pull = github.pull(opened(&github)).unwrap();
    let commit = world.sandbox.git(&["log", "-1", "--format=%B", BRANCH]).unwrap();
    for text in [&pull.title, &pull.body, &commit] {
        assert!(!text.contains(&secret) && text.contains("myorg/api:abc1234"), "{text}");
    }
}

/// A GitHub with a front, and a step that asks through it.
struct Fronted {
    world: World,
    github: GitHub,
    front: Front,
}

impl Fronted {
    fn start() -> Self {
        let (world, github) = started();
        let front = Front::before(github.address()).unwrap();
        Self { world, github, front }
    }

    fn step(&self, inputs: &[(&str, &str)]) -> Step {
        let root = self.front.url();
        let (rest, graphql) = (format!("{root}/api/v3"), format!("{root}/api/graphql"));
        let step = step_at(&self.world, &self.github, &rest, &graphql).with("via", "pull-request");
        inputs.iter().fold(step, |step, (name, value)| step.with(name, value))
    }
}

/// A write to GitHub, and what is not known of it when its answer does not come.
struct Write {
    part: &'static str,
    inputs: &'static [(&'static str, &'static str)],
    before: fn(&Fronted),
    unknown: &'static str,
}

const NOW: &[(&str, &str)] = &[("merge", "now")];

const WRITES: [Write; 7] = [
    Write {
        part: "/merge ",
        inputs: NOW,
        before: |_| (),
        unknown: "is merged",
    },
    Write {
        part: "enablePullRequestAutoMerge",
        inputs: &[("merge", "auto")],
        before: |of| of.github.require_reviews(1),
        unknown: "whether GitHub merges it",
    },
    Write {
        part: "enqueuePullRequest",
        inputs: NOW,
        before: |of| of.github.rule("main", &json!({"type": "merge_queue"})).unwrap(),
        unknown: "whether it is there",
    },
    Write {
        part: "/repos/myorg/infra-repo/pulls HTTP",
        inputs: NOW,
        before: |_| (),
        unknown: "whether it is open",
    },
    Write {
        part: "PATCH /",
        inputs: NOW,
        before: |of| ends(&of.step(&[("tag", "def5678")]).run(), "proposed", 0),
        unknown: "whether it has its new text",
    },
    Write {
        part: "/labels",
        inputs: &[("merge", "now"), ("pull-request-labels", "promotion")],
        before: |_| (),
        unknown: "whether they are set",
    },
    Write {
        part: "createCommitOnBranch",
        inputs: &[("via", "api"), ("merge-timeout", "")],
        before: |_| (),
        unknown: "whether the commit on",
    },
];

#[test]
fn a_signal_while_github_writes_leaves_everything_that_is_known() {
    /// What a cancelled step has, and what a busy machine takes beside that.
    const SOON: Duration = Duration::from_secs(2 + 6);
    side_by_side(&WRITES, |write| {
        let part = write.part;
        let of = Fronted::start();
        (write.before)(&of);
        of.front.on(part, Manner::Late(Duration::from_secs(30)));
        let inputs = [&[("merge-timeout", "60s")], write.inputs].concat();
        let step = of.step(&inputs);
        let running = step.start();
        until(part, || !of.front.met().is_empty());
        std::thread::sleep(Duration::from_millis(300));
        let since = Instant::now();
        running.signal(15);
        let stepped = step.after(running.wait());
        assert!(since.elapsed() < SOON, "{part}: {:?}", since.elapsed());
        ends(&stepped, "cancelled", 143);
        let report: Value = serde_json::from_str(&stepped.outputs["report"]).unwrap();
        let reason = report["reason"].as_str().unwrap();
        assert!(
            reason.contains("it is not known") && reason.contains(write.unknown),
            "{part}: {reason}"
        );
        assert_eq!(report["app"], json!(["api"]), "{part}");
        assert_eq!(report["changes"][0]["after"], "myorg/api:abc1234", "{part}: {report:#}");
        let is_open = !part.contains("HTTP") && part != "createCommitOnBranch";
        assert_eq!(report["pull_request"]["number"].is_u64(), is_open, "{part}: {report:#}");
        assert!(!stepped.summary.is_empty(), "{part}");
        if matches!(write.unknown, "is merged" | "whether the commit on") {
            let summary = &stepped.summary;
            assert!(!summary.contains("Nothing was written"), "{part}: {summary}");
        }
    });
}

#[test]
fn no_request_of_a_pull_request_outlasts_the_bound() {
    let reads = [format!("{PULLS}?"), "isMergeQueueEnabled".to_owned()];
    let reads = reads.iter().map(|part| (part.as_str(), NOW, None));
    let writes = WRITES.iter().map(|write| (write.part, write.inputs, Some(write)));
    let cells: Vec<_> = reads.chain(writes).collect();
    side_by_side(&cells, |(part, inputs, write)| {
        let of = Fronted::start();
        if let Some(write) = write {
            (write.before)(&of);
        }
        of.front.on(part, Manner::Drips("application/json"));
        let bounds: &[(&str, &str)] = &[("landing-timeout", "6s"), ("merge-timeout", "5s")];
        let step = of.step(&[bounds, *inputs].concat());
        let since = Instant::now();
        let stepped = step.run();
        let took = since.elapsed();
        assert!(!of.front.met().is_empty(), "{part}: {}", stepped.ran.stdout);
        assert!(
            took < Duration::from_secs(6 + 15),
            "{part}: {took:?}\n{}",
            stepped.ran.stdout
        );
        // Labels are no part of landing.
        if *part != "/labels" {
            ends(&stepped, "unreachable", 4);
        }
    });
}
