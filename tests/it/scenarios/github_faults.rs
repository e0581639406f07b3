//! Every fault of the network at every request to GitHub: it lands once, with one pull request, one deployment and one comment.

use sandbox::git::{Fault, FaultyProxy};
use sandbox::github::GitHub;

use super::faults::side_by_side;
use super::github_api::step_at;
use super::{github_api, identity, source_repository};
use crate::support::{Step, Stepped, World};

const FAULTS: [Fault; 9] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::Truncate,
    Fault::Status(500),
    Fault::Status(502),
    Fault::StatusAfter(500),
    Fault::StatusAfter(502),
    Fault::Limit,
    Fault::Slow,
];

/// A run that GitHub's API is asked in.
struct Flow {
    started: fn() -> (World, GitHub),
    /// Adds the inputs to a promotion of abc1234.
    inputs: fn(Step, &World) -> Step,
    outcome: &'static str,
    /// Checks what is there afterwards, besides the commit.
    left: fn(&GitHub, &str),
}

impl Flow {
    /// Runs it under these faults, and returns the requests.
    fn under(&self, faults: &[(usize, Fault)], what: &str) -> Vec<String> {
        let (world, github) = (self.started)();
        let commits = world.commits();
        let proxy = FaultyProxy::start(github.address(), faults).unwrap();
        let root = proxy.url("x").replace("/x.git", "");
        let (rest, graphql) = (format!("{root}/api/v3"), format!("{root}/api/graphql"));
        let stepped: Stepped = (self.inputs)(step_at(&world, &github, &rest, &graphql), &world).run();
        let outcome = stepped.outputs.get("outcome").map(String::as_str);
        assert_eq!(outcome, Some(self.outcome), "{what}\n{}", stepped.ran.stdout);
        let landed = u32::from(self.outcome == "landed");
        assert_eq!(world.commits(), commits + landed, "{what}");
        if landed == 1 {
            assert_eq!(stepped.outputs["commit"], world.sandbox.tip().unwrap(), "{what}");
        }
        (self.left)(&github, what);
        proxy.seen()
    }

    /// Runs it under each fault at each of its requests, of which there are at least so many.
    fn under_each(&self, least: usize) {
        let requests = self.under(&[], "no fault");
        assert!(requests.len() >= least, "{requests:#?}");
        let each = |fault: &Fault| (0..requests.len()).map(|at| (at, *fault)).collect::<Vec<_>>();
        let cells: Vec<(usize, Fault)> = FAULTS.iter().flat_map(each).collect();
        side_by_side(&cells, |cell| {
            self.under(&[*cell], &format!("{:?} at {}", cell.1, requests[cell.0]));
        });
    }
}

#[test]
fn one_fault_at_any_request_of_the_api_lands_once() {
    let flow = Flow {
        started: github_api::started,
        inputs: |step, _| step.with("via", "api"),
        outcome: "landed",
        left: |_, _| {},
    };
    flow.under_each(2);
}

#[test]
fn one_fault_at_any_request_opens_one_pull_request_and_merges_once() {
    let flow = Flow {
        started: github_api::started,
        inputs: |step, _| {
            step.with("via", "pull-request")
                .with("merge", "now")
                .with("pull-request-labels", "promotion")
                .with("pull-request-assignees", "octocat")
                .with("pull-request-team-reviewers", "myorg/platform")
        },
        outcome: "landed",
        left: |github, what| {
            let pulls = github.pulls();
            let [pull] = pulls.as_slice() else {
                panic!("{what}: {pulls:?}")
            };
            assert_eq!(pull.state, "MERGED", "{what}");
        },
    };
    flow.under_each(12);
}

#[test]
fn one_fault_at_any_request_arms_auto_merge_of_one_pull_request() {
    let flow = Flow {
        started: || {
            let (world, github) = github_api::started();
            github.require_reviews(1);
            (world, github)
        },
        inputs: |step, _| step.with("via", "pull-request").with("merge", "auto"),
        outcome: "proposed",
        left: |github, what| {
            let pulls = github.pulls();
            let [pull] = pulls.as_slice() else {
                panic!("{what}: {pulls:?}")
            };
            assert!(pull.state == "OPEN" && pull.auto_merge.is_some(), "{what}: {pull:?}");
        },
    };
    flow.under_each(8);
}

#[test]
fn one_fault_at_any_request_makes_one_deployment_and_one_comment() {
    let flow = Flow {
        started: source_repository::started,
        inputs: |step, world| source_repository::shows(world, step),
        outcome: "landed",
        left: |github, what| {
            let deployments = github.deployments();
            let [made] = deployments.as_slice() else {
                panic!("{what}: {deployments:?}")
            };
            let last = made.statuses.last().map(|status| &status["state"]);
            assert_eq!(last, Some(&"in_progress".into()), "{what}");
            assert_eq!(made.body["ref"], source_repository::COMMIT, "{what}");
            let comments = github.comments();
            assert!(matches!(comments.as_slice(), [(7, _)]), "{what}: {comments:?}");
        },
    };
    flow.under_each(10);
}

#[test]
fn one_fault_at_any_request_of_an_app_token_lands_once() {
    let flow = Flow {
        started: || {
            let (world, github) = github_api::started();
            github.install(identity::CLIENT, 3600, 0);
            (world, github)
        },
        inputs: |step, _| {
            step.with("token", "")
                .with("via", "api")
                .with("github-app-client-id", identity::CLIENT)
                .with("github-app-private-key", &identity::key())
        },
        outcome: "landed",
        left: |_, _| {},
    };
    flow.under_each(6);
}
