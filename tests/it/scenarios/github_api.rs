//! `via: api`: GitHub makes the commit, so that it signs it.

use sandbox::github::{GitHub, GitHubOptions};
use sandbox::overlay;
use serde_json::json;

use crate::support::{Step, Stepped, World};

/// Starts a sandbox and the GitHub of its infra-repo.
pub(super) fn started() -> (World, GitHub) {
    let world = World::new();
    let github = github(&world);
    (world, github)
}

/// Starts the GitHub of a sandbox's infra-repo.
pub(super) fn github(world: &World) -> GitHub {
    let options = GitHubOptions {
        token: world.sandbox.git_token().to_owned(),
        exchanges: std::env::var_os("SANDBOX_EXCHANGES").map(Into::into),
        ..GitHubOptions::default()
    };
    GitHub::start_blocking(&world.sandbox.git, options).unwrap()
}

/// A step that promotes a tag of api to dev, at this API.
pub(super) fn step_at(world: &World, github: &GitHub, rest: &str, graphql: &str) -> Step {
    Step::new()
        .env("GITHUB_API_URL", rest)
        .env("GITHUB_GRAPHQL_URL", graphql)
        .env("GITHUB_RUN_ATTEMPT", "1")
        .with("infra-repo", &github.repository_url())
        .with("token", world.sandbox.git_token())
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "abc1234")
}

pub(super) fn step(world: &World, github: &GitHub) -> Step {
    step_at(world, github, &github.api_url(), &github.graphql_url())
}

/// Checks how a step ended.
#[track_caller]
pub(super) fn ends(stepped: &Stepped, outcome: &str, code: i32) {
    let said = stepped.outputs.get("outcome").map(String::as_str);
    assert_eq!(
        (said, stepped.ran.code),
        (Some(outcome), code),
        "{}\n{}",
        stepped.ran.stdout,
        stepped.ran.stderr
    );
}

#[test]
fn a_promotion_is_two_requests_and_its_commit_is_signed() {
    let (world, github) = started();
    let before = world.sandbox.overlay("api", "dev").unwrap();
    world.sandbox.git.forget_requests();
    let stepped = step(&world, &github).with("via", "api").run();
    ends(&stepped, "landed", 0);
    let asked: Vec<String> = github
        .asked()
        .iter()
        .map(|asked| format!("{} {}", asked.method, asked.path))
        .collect();
    assert_eq!(asked, ["POST /api/graphql", "POST /api/graphql"]);
    let pushed: Vec<_> = world.sandbox.git.requests();
    assert!(pushed.is_empty(), "{pushed:?}");
    let tip = world.sandbox.tip().unwrap();
    assert_eq!(stepped.outputs["commit"], tip);
    assert_eq!(github.signed(), [tip]);
    assert_eq!(
        world.sandbox.overlay("api", "dev").unwrap(),
        before.replace("4f9d2c1", "abc1234")
    );
    let message = world.sandbox.git(&["log", "-1", "--format=%an%n%B", "main"]).unwrap();
    assert!(
        message.starts_with("octo-app[bot]\npromote api to dev: myorg/api:abc1234\n\nPromote-App: api\n"),
        "{message}"
    );
}

#[test]
fn a_stale_head_is_planned_again_and_the_other_change_stays() {
    let (world, github) = started();
    github.overtake("createCommitOnBranch", "README.md", "# Somebody else\n");
    let stepped = step(&world, &github).with("via", "api").run();
    ends(&stepped, "landed", 0);
    assert!(stepped.ran.stdout.contains("planned again"), "{}", stepped.ran.stdout);
    assert_eq!(
        world.sandbox.git.read("infra-repo", "README.md").unwrap(),
        "# Somebody else\n"
    );
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}

#[test]
fn a_second_run_changes_nothing() {
    let (world, github) = started();
    let step = step(&world, &github).with("via", "api");
    ends(&step.run(), "landed", 0);
    let tip = world.sandbox.tip().unwrap();
    let again = super::github_api::step(&world, &github).with("via", "api").run();
    ends(&again, "no-change", 0);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
}

#[test]
fn a_program_stays_one() {
    let (world, github) = started();
    let file = overlay("api", "dev");
    world.sandbox.git(&["config", "core.sharedRepository", "0600"]).unwrap();
    let text = world.sandbox.overlay("api", "dev").unwrap();
    let stream = format!(
        "commit refs/heads/main\ncommitter S <s@example.com> now\ndata 1\n.\nfrom refs/heads/main^0\nM 100755 inline {file}\ndata {}\n{text}\n",
        text.len()
    );
    let args = ["fast-import", "--quiet", "--date-format=now"];
    world
        .sandbox
        .git
        .git_with("infra-repo", &args, stream.as_bytes())
        .unwrap();
    let stepped = step(&world, &github).with("via", "api").run();
    ends(&stepped, "landed", 0);
    let listed = world.sandbox.git(&["ls-tree", "main", &file]).unwrap();
    assert!(listed.starts_with("100755 "), "{listed}");
    assert_eq!(github.signed(), [world.sandbox.tip().unwrap()]);
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}

#[test]
fn an_author_is_githubs_to_set() {
    let (world, github) = started();
    let stepped = step(&world, &github)
        .with("via", "api")
        .with("author", "Me <me@example.com>")
        .run();
    ends(&stepped, "invalid", 2);
    assert!(
        stepped.ran.stdout.contains("`author` is given with `via: api`"),
        "{}",
        stepped.ran.stdout
    );
    assert_eq!(github.asked().len(), 0);
}

#[test]
fn another_host_has_no_such_api() {
    let world = World::new();
    let ran = world.land("--app api --environment dev --tag abc1234 --via api --output json");
    let report = ran.ends("invalid", 2);
    assert!(report["reason"].as_str().unwrap().contains("on GitHub"), "{report:#}");
}

#[test]
fn a_rule_is_told_with_the_way_that_it_leaves() {
    let (world, github) = started();
    github.rule("main", &json!({"type": "pull_request"})).unwrap();
    let stepped = step(&world, &github).with("via", "api").run();
    ends(&stepped, "denied", 4);
    assert!(stepped.ran.stdout.contains("pull request"), "{}", stepped.ran.stdout);
    assert!(
        stepped.ran.stdout.contains("via: pull-request"),
        "{}",
        stepped.ran.stdout
    );
}

#[test]
fn a_token_without_rights_is_told() {
    let (world, github) = started();
    github.let_in("ghs_reader", &[("contents", "read"), ("metadata", "read")]);
    let stepped = step(&world, &github)
        .with("via", "api")
        .with("token", "ghs_reader")
        .run();
    ends(&stepped, "denied", 4);
    let strange = step(&world, &github)
        .with("via", "api")
        .with("token", "ghs_strange")
        .run();
    ends(&strange, "denied", 4);
    assert!(
        strange.ran.stdout.contains("rejected the token (401)"),
        "{}",
        strange.ran.stdout
    );
}

#[test]
fn a_limit_is_waited_for() {
    let (world, github) = started();
    github.busy("createCommitOnBranch", 1, 403, 1);
    github.busy("repository(", 1, 429, 1);
    let stepped = step(&world, &github).with("via", "api").run();
    ends(&stepped, "landed", 0);
    assert_eq!(github.asked().len(), 4);
}
