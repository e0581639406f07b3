//! Servers that hang, drip, or ask for patience, at each place where a run waits for one: it ends within its bound and 15 s, with its report.

use std::time::{Duration, Instant};

use sandbox::front::{Front, Manner};
use sandbox::github::GitHub;
use sandbox::prometheus::{Prometheus, Series};
use sandbox::registry::Registry;
use serde_json::Value;

use super::gates::configure;
use super::github_api::{github, step_at};
use super::image_gate::pinning;
use super::verify::{QUERY, template};
use crate::support::{Running, World};

/// What a run can take beyond its own bound.
const BEYOND: Duration = Duration::from_secs(15);
/// What a busy machine takes beside that: to start, to land, to become live.
const MACHINE: Duration = Duration::from_secs(8);
const DEV: &str = "--app api --environment dev --tag abc1234 --settle 300ms";

/// Runs `cell` with each manner, side by side; a byte of an answer has this content type.
fn in_each_manner(kind: &'static str, cell: impl Fn(Manner) + Sync) {
    let cell = &cell;
    std::thread::scope(|scope| {
        for manner in [Manner::Hangs, Manner::Drips(kind), Manner::Busy(60)] {
            scope.spawn(move || cell(manner));
        }
    });
}

/// Waits for the end of a run, and checks that it came in time.
#[track_caller]
fn ends_within(bound: Duration, running: Running, since: Instant, what: &str) -> Value {
    let ran = running.wait();
    let took = since.elapsed();
    assert!(took < bound + BEYOND + MACHINE, "{what}: {took:?}\n{}", ran.stderr);
    let report = ran.report();
    assert!(!report["reason"].as_str().unwrap().is_empty(), "{report:#}");
    report
}

/// Starts the binary against fronts of git and Argo CD.
fn start(world: &World, git: &Front, argocd: Option<&str>, words: &str) -> Running {
    let repo = format!("{}/infra-repo.git", git.url());
    let words = format!(
        "{words} --infra-repo {repo} --aliases {} --output json",
        world.sandbox.infra_repo()
    );
    let token = world.sandbox.argocd.token("ci");
    let mut env = vec![
        ("HOME", world.folder.path().to_str().unwrap()),
        ("PROMOTE_TOKEN", world.sandbox.git_token()),
    ];
    if let Some(server) = argocd {
        env.extend([("ARGOCD_SERVER", server), ("ARGOCD_AUTH_TOKEN", token.as_str())]);
    }
    let args: Vec<&str> = words.split_whitespace().collect();
    crate::support::start(world.folder.path(), &env, &args)
}

fn landed(world: &World, before: &str) -> Instant {
    world.until("the commit lands", |sandbox| sandbox.tip().unwrap() != before);
    Instant::now()
}

#[test]
fn git_after_landing_holds_up_no_run() {
    in_each_manner("application/x-git-upload-pack-result", |manner| {
        let world = World::new();
        world.sandbox.argocd.stop_controller(true);
        let git = Front::before(world.sandbox.git.address()).unwrap();
        let before = world.sandbox.tip().unwrap();
        let running = start(
            &world,
            &git,
            Some(world.sandbox.argocd.url()),
            &format!("{DEV} --timeout 4s"),
        );
        let since = landed(&world, &before);
        git.on("infra-repo", manner.clone());
        // What Argo CD has now is no commit of this run: git must be asked.
        world
            .sandbox
            .commit("README.md", "Somebody else\n", "Add a page")
            .unwrap();
        world.sandbox.argocd.stop_controller(false);
        world.sandbox.argocd.refresh("api-dev");
        let report = ends_within(Duration::from_secs(4), running, since, &format!("{manner:?}"));
        assert_eq!(report["outcome"], "timed-out", "{manner:?}: {report:#}");
        assert!(!git.met().is_empty(), "{manner:?}");
        // The report names the commit, and says that the record lacks it.
        assert_eq!(
            report["infra_repo"]["commit"].as_str().map(str::len),
            Some(40),
            "{report:#}"
        );
        assert!(report["warnings"].to_string().contains("the record on"), "{report:#}");
    });
}

#[test]
fn argo_cd_after_landing_holds_up_no_run() {
    in_each_manner("application/json", |manner| {
        let world = World::new();
        world.sandbox.argocd.stop_controller(true);
        let git = Front::before(world.sandbox.git.address()).unwrap();
        let address = world.sandbox.argocd.url().trim_start_matches("http://");
        let argocd = Front::before(address.split('/').next().unwrap().parse().unwrap()).unwrap();
        let before = world.sandbox.tip().unwrap();
        let running = start(&world, &git, Some(&argocd.url()), &format!("{DEV} --timeout 4s"));
        let since = landed(&world, &before);
        argocd.on("/api/", manner.clone());
        let report = ends_within(Duration::from_secs(4), running, since, &format!("{manner:?}"));
        let code = report["exit_code"].as_u64();
        assert!(matches!(code, Some(4 | 10)), "{manner:?}: {report:#}");
        assert_eq!(
            report["infra_repo"]["commit"].as_str().map(str::len),
            Some(40),
            "{report:#}"
        );
    });
}

#[test]
fn the_look_that_confirms_a_commit_holds_up_no_run() {
    in_each_manner("application/x-git-upload-pack-result", |manner| {
        let world = World::new();
        let git = Front::before(world.sandbox.git.address()).unwrap();
        // Before the commit: the tip, the folders, the file.
        git.after(3, "git-upload-pack", manner.clone());
        let before = world.sandbox.tip().unwrap();
        let running = start(&world, &git, None, "--app api --environment dev --tag abc1234");
        let since = landed(&world, &before);
        let report = ends_within(Duration::ZERO, running, since, &format!("{manner:?}"));
        assert_eq!(report["outcome"], "landed", "{manner:?}: {report:#}");
        let warnings = report["warnings"].to_string();
        assert!(warnings.contains("could not be read to confirm it"), "{warnings}");
        assert!(!warnings.contains("nothing was written"), "{warnings}");
    });
}

#[test]
fn a_push_without_an_answer_holds_up_no_run() {
    in_each_manner("application/x-git-receive-pack-result", |manner| {
        let world = World::new();
        let git = Front::before(world.sandbox.git.address()).unwrap();
        git.on("git-receive-pack", manner.clone());
        let before = world.sandbox.tip().unwrap();
        let since = Instant::now();
        let words = "--app api --environment dev --tag abc1234 --landing-timeout 10s";
        let running = start(&world, &git, None, words);
        let report = ends_within(Duration::from_secs(10), running, since, &format!("{manner:?}"));
        assert_eq!(report["outcome"], "unreachable", "{manner:?}: {report:#}");
        assert_eq!(world.sandbox.tip().unwrap(), before);
    });
}

/// A step whose run GitHub shows as a deployment, with a comment.
fn showing(world: &World, github: &GitHub, front: &Front) -> crate::support::Step {
    let at = |url: &str| url.replacen(&github.address().to_string(), &front.address().to_string(), 1);
    step_at(world, github, &at(&github.api_url()), &at(&github.graphql_url()))
        .with("github-token", world.sandbox.git_token())
        .with("deployment", "true")
        .with("comment", "true")
}

#[test]
fn github_after_landing_holds_up_no_run() {
    const COMMIT: &str = "abc1234000000000000000000000000000000000";
    in_each_manner("application/json", |manner| {
        let world = World::new();
        let github = github(&world);
        github.know("myorg/api");
        github.came_from(COMMIT, 7);
        let front = Front::before(github.address()).unwrap();
        front.on("POST /api/v3/repos/myorg/api/deployments", manner.clone());
        front.on(&format!("/commits/{COMMIT}/pulls"), manner.clone());
        let before = world.sandbox.tip().unwrap();
        let step = showing(&world, &github, &front);
        let running = step.start();
        let since = landed(&world, &before);
        let stepped = step.after(running.wait());
        let took = since.elapsed();
        assert!(took < BEYOND + MACHINE, "{manner:?}: {took:?}\n{}", stepped.ran.stdout);
        assert_eq!(stepped.outputs["outcome"], "landed", "{}", stepped.ran.stdout);
        assert!(
            stepped.ran.stdout.contains("no deployment was made"),
            "{}",
            stepped.ran.stdout
        );
        assert!(!front.met().is_empty());
    });
}

#[test]
fn a_registry_holds_up_no_landing() {
    in_each_manner("application/json", |manner| {
        let registry = Registry::start().unwrap();
        let front = Front::before(registry.host().parse().unwrap()).unwrap();
        front.on("/v2/", manner.clone());
        let world = pinning(&front.address().to_string());
        configure(&world, "image: {exists: true, digest: required}");
        let tip = world.sandbox.tip().unwrap();
        let since = Instant::now();
        let words = "--app api --environment production --tag v2 --landing-timeout 10s --output json";
        let report = ends_within(
            Duration::from_secs(10),
            world.start(words),
            since,
            &format!("{manner:?}"),
        );
        assert!(matches!(report["exit_code"].as_u64(), Some(3 | 4)), "{report:#}");
        assert_eq!(world.sandbox.tip().unwrap(), tip);
        assert!(!front.met().is_empty());
    });
}

/// A world with an analysis of staging that a front of Prometheus answers.
fn measured(gates: &str) -> (World, Front) {
    let world = World::new();
    let prometheus = Prometheus::start().unwrap();
    prometheus.set(QUERY, Series::Vector(vec!["0.97"]));
    let address = prometheus
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let front = Front::before(address.parse().unwrap()).unwrap();
    let path = "apps/api/success-rate.yaml";
    let text = template(&front.url(), "    interval: 1s\n    count: 3");
    world.sandbox.commit(path, &text, "Add an analysis").unwrap();
    let text = format!(
        "version: 1\nenvironments:\n- name: dev\n- name: staging\n  {gates}\n- name: production\nanalyses:\n  success-rate:\n    template: {path}\n    args: {{service: \"{{app}}\"}}\n"
    );
    world.sandbox.commit("promote.yaml", &text, "Configure").unwrap();
    (world, front)
}

#[test]
fn metrics_hold_up_no_landing() {
    in_each_manner("application/json", |manner| {
        let (world, front) = measured("analysis: [success-rate]");
        front.on("/api/v1/query", manner.clone());
        let tip = world.sandbox.tip().unwrap();
        let since = Instant::now();
        let words = "--app api --environment staging --tag v2 --landing-timeout 10s --output json";
        let report = ends_within(
            Duration::from_secs(10),
            world.start(words),
            since,
            &format!("{manner:?}"),
        );
        assert!(matches!(report["exit_code"].as_u64(), Some(3 | 4)), "{report:#}");
        assert_eq!(world.sandbox.tip().unwrap(), tip);
        assert!(!front.met().is_empty());
    });
}

#[test]
fn metrics_after_landing_hold_up_no_run() {
    in_each_manner("application/json", |manner| {
        let (world, front) = measured("verify: {analysis: [success-rate], for: 3s}");
        front.on("/api/v1/query", manner.clone());
        let before = world.sandbox.tip().unwrap();
        let running = world.start_live("--app api --environment staging --tag abc1234 --settle 300ms --timeout 30s");
        landed(&world, &before);
        world.until("the metrics are asked", |_| !front.met().is_empty());
        let since = Instant::now();
        let report = ends_within(Duration::from_secs(3), running, since, &format!("{manner:?}"));
        assert_ne!(report["outcome"], "bug", "{report:#}");
        assert!(!report["measurements"].as_array().unwrap().is_empty(), "{report:#}");
    });
}
