//! How fast conditions are evaluated, and what every gate at once costs a plan of ten apps whose servers are 40 ms away.
//!
//! `cargo bench --bench gates [conditions|plan]`

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench measures real time and may stop at the first thing that is wrong"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use promote_action::assess::analysis::Value;
use promote_action::assess::analysis::expression::Expression;
use sandbox::argocd::ArgoCdOptions;
use sandbox::git::Relay;
use sandbox::github::{GitHub, GitHubOptions};
use sandbox::prometheus::{Prometheus, Series};
use sandbox::registry::{Family, Registry};
use sandbox::{Options, Sandbox};

const TIMES: u32 = 1_000_000;

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    if wanted("conditions") {
        conditions();
    }
    if wanted("plan") {
        plan();
    }
}

fn conditions() {
    let result = Value::floats([0.97]);
    for text in [
        "result[0] >= 0.95",
        "len(result) > 0 && !isNaN(result[0]) && result[0] >= 0.95",
        "all(result, # >= 0.95)",
    ] {
        let condition = Expression::parse(text).unwrap().check(&result).unwrap();
        let begun = Instant::now();
        for _ in 0..TIMES {
            black_box(condition.holds(black_box(&result), 0).unwrap());
        }
        let each = begun.elapsed() / TIMES;
        let begun = Instant::now();
        for _ in 0..TIMES / 10 {
            black_box(Expression::parse(black_box(text)).unwrap().check(&result).unwrap());
        }
        let parsed = begun.elapsed() / (TIMES / 10);
        let a_second = 1_000_000_000 / each.as_nanos().max(1);
        println!("{a_second:>9} a second ({each:?} each; {parsed:?} to parse and check)  {text}");
    }
}

/// Half of the round trip to every server.
const DELAY: Duration = Duration::from_millis(20);
const APPS: usize = 10;
const RUNS: usize = 9;
const OLD: &str = "1111111a3f1c8b5e7d9024681357acebdf012345";
const NEW: &str = "2222222a3f1c8b5e7d9024681357acebdf012345";
const GATES: &str = "
  after: [staging]
  soak: 1s
  windows: {deny: [{from: 2020-01-01, to: 2020-01-02, reason: over}]}
  image: {exists: true, platforms: [linux/amd64], digest: required, same-as-after: true}
  newer: true
  analysis: [success-rate]
  sync-window: true
";

fn relay(url: &str) -> (Relay, String) {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest
        .split_once('/')
        .map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let relay = Relay::start(host.parse::<SocketAddr>().unwrap(), DELAY).unwrap();
    let at = format!("{}{path}", relay.address());
    (relay, at)
}

/// An infra-repo of ten apps in two environments, with their Applications.
fn generate(folder: &Path, registry: &str) {
    let write = |path: String, text: String| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for app in 0..APPS {
        let labels = format!("{{app: a{app}}}");
        let container = format!("{{name: a{app}, image: myorg/a{app}}}");
        let deployment = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a{app}}}\nspec:\n  selector: {{matchLabels: {labels}}}\n  \
             template:\n    metadata: {{labels: {labels}}}\n    spec: {{containers: [{container}]}}\n"
        );
        write(format!("apps/a{app}/base/deployment.yaml"), deployment);
        write(
            format!("apps/a{app}/base/kustomization.yaml"),
            "resources: [deployment.yaml]\n".to_owned(),
        );
        for environment in ["staging", "production"] {
            let images =
                format!("images:\n- name: myorg/a{app}\n  newName: {registry}/myorg/a{app}\n  newTag: {OLD}\n");
            write(
                format!("apps/a{app}/overlays/{environment}/kustomization.yaml"),
                format!("resources: [../../base]\n{images}"),
            );
            let source = format!(
                "{{repoURL: https://github.com/myorg/infra-repo.git, path: apps/a{app}/overlays/{environment}, targetRevision: main}}"
            );
            write(
                format!("argocd/a{app}-{environment}.yaml"),
                format!(
                    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a{app}-{environment}, namespace: argocd}}\nspec:\n  \
                     project: default\n  source: {source}\n  destination: {{server: https://kubernetes.default.svc, namespace: {environment}}}\n  \
                     syncPolicy: {{automated: {{}}}}\n"
                ),
            );
        }
    }
}

/// What a promotion of ten apps asks, and where.
struct Servers {
    sandbox: Sandbox,
    github: GitHub,
    folder: tempfile::TempDir,
    /// The addresses behind the relays: the infra-repo, Argo CD, the API of GitHub.
    far: [String; 3],
    prometheus: String,
    _relays: Vec<Relay>,
}

impl Servers {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (registry, prometheus) = (Registry::start().unwrap(), Prometheus::start().unwrap());
        prometheus.otherwise(Series::Vector(vec!["0.99"]));
        let (images, far_images) = relay(registry.host());
        for app in 0..APPS {
            let repository = format!("myorg/a{app}");
            for tag in [OLD, NEW] {
                let image = registry.push(&repository, None, Family::Oci, "linux/amd64", &[("tag", tag)]);
                registry.push_index(&repository, tag, Family::Oci, &[(&image, "linux/amd64")]);
            }
        }
        generate(&folder.path().join("infra"), &far_images);
        let options = Options {
            infra_repo: folder.path().join("infra"),
            argocd: ArgoCdOptions {
                speed: 50.0,
                reconcile: None,
                ..ArgoCdOptions::default()
            },
            ..Options::default()
        };
        let sandbox = Sandbox::start_blocking(options).unwrap();
        let github = GitHub::start_blocking(&sandbox.git, GitHubOptions::default()).unwrap();
        github.know("myorg/api");
        github.source_commit(OLD, &[], "ann", "Before");
        github.source_commit(NEW, &[OLD], "bob", "After");
        let (git, far_git) = relay(&sandbox.infra_repo());
        let (argocd, far_argocd) = relay(sandbox.argocd.url());
        let (api, far_api) = relay(&github.api_url());
        let (metrics, far_metrics) = relay(prometheus.url());
        Self {
            sandbox,
            github,
            folder,
            far: [far_git, far_argocd, far_api].map(|at| format!("http://{at}")),
            prometheus: format!("http://{far_metrics}"),
            _relays: vec![images, git, argocd, api, metrics],
        }
    }

    fn configure(&self, gates: &str) {
        let mut text = format!("version: 1\nlayout:\n  aliases: [{}]\n", self.sandbox.infra_repo());
        let _ = write!(
            text,
            "environments:\n- name: staging\n  sync-window: false\n- name: production{gates}"
        );
        text += "analyses:\n  success-rate:\n    template: apps/success-rate.yaml\n    args: {service: \"{app}\"}\n";
        let template = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {{name: success-rate}}\nspec:\n  args: [{{name: service}}]\n  \
             metrics:\n  - name: success-rate\n    successCondition: result[0] >= 0.95\n    provider:\n      prometheus:\n        \
             address: {}\n        query: rate of {{{{args.service}}}}\n",
            self.prometheus
        );
        self.sandbox
            .commit("apps/success-rate.yaml", &template, "Add an analysis")
            .unwrap();
        self.sandbox.commit("promote.yaml", &text, "Set gates").unwrap();
    }

    /// Runs a step, and returns its outputs and how long it took.
    fn step(&self, command: &str, environment: &str, near: bool) -> (String, Duration) {
        let folder = self.folder.path();
        let outputs = folder.join("outputs");
        std::fs::write(&outputs, "").unwrap();
        let apps: Vec<String> = (0..APPS).map(|app| format!("a{app}")).collect();
        let token = self.sandbox.argocd.token("ci");
        let (infra_repo, argocd) = if near {
            (self.sandbox.infra_repo(), self.sandbox.argocd.url().to_owned())
        } else {
            (self.far[0].clone(), self.far[1].clone())
        };
        let mut run = Command::new(env!("CARGO_BIN_EXE_promote"));
        run.env_clear()
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        run.envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_API_URL", &self.far[2]),
            ("GITHUB_GRAPHQL_URL", &self.github.graphql_url()),
            ("GITHUB_REPOSITORY", "myorg/api"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_RUN_ID", "1"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_SHA", NEW),
            ("GITHUB_WORKSPACE", folder.to_str().unwrap()),
            ("GITHUB_OUTPUT", outputs.to_str().unwrap()),
            ("HOME", folder.to_str().unwrap()),
            ("INPUT_COMMAND", command),
            ("INPUT_APP", &apps.join(",")),
            ("INPUT_ENVIRONMENT", environment),
            ("INPUT_TAG", NEW),
            ("INPUT_INFRA-REPO", &infra_repo),
            ("INPUT_TOKEN", self.sandbox.git_token()),
            ("INPUT_GITHUB-TOKEN", self.sandbox.git_token()),
            ("INPUT_ARGOCD-SERVER", &argocd),
            ("INPUT_ARGOCD-TOKEN", &token),
        ]);
        if command == "promote" {
            run.env("INPUT_SETTLE", "0s");
        }
        let begun = Instant::now();
        let status = run.status().unwrap();
        let took = begun.elapsed();
        let outputs = std::fs::read_to_string(outputs).unwrap();
        assert!(
            status.success(),
            "{command}: {}",
            outputs.split("\"changes\"").next().unwrap_or_default()
        );
        (outputs, took)
    }

    /// Returns the median time of a plan of production, and its outputs.
    fn planned(&self) -> (String, Duration) {
        let mut runs: Vec<(String, Duration)> = (0..RUNS).map(|_| self.step("plan", "production", false)).collect();
        runs.sort_by_key(|(_, took)| *took);
        runs.swap_remove(RUNS / 2)
    }
}

/// Plans a promotion of ten apps without gates, and with each of them.
fn plan() {
    let servers = Servers::start();
    servers.configure("\n  image: {digest: required}\n  sync-window: false\n");
    servers.step("promote", "staging", true);
    let (_, without) = servers.planned();
    servers.configure(GATES);
    let (outputs, with) = servers.planned();
    assert!(
        !outputs.contains("gates-closed<<") || outputs.contains("\"state\":\"open\""),
        "{outputs}"
    );
    if std::env::var_os("SHOW").is_some() {
        println!("{outputs}");
    }
    let closed = outputs.matches("\"state\":\"closed\"").count() + outputs.matches("\"state\":\"unknown\"").count();
    println!(
        "plan of {APPS} apps, every server {:?} away: {without:?} without gates, {with:?} with all of them: {:?} more; {closed} not open",
        2 * DELAY,
        with.saturating_sub(without)
    );
}
