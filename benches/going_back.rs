//! How fast production is well again, against the stand-ins: from the start of `abort` to no traffic on the canary, from the start of
//! `rollback` to its commit on a git host 40 ms away, and from that commit to healthy beyond what the pods take.
//!
//! `cargo bench --bench going_back`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench measures real time and may stop at the first thing that is wrong"
)]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use sandbox::argocd::ArgoCdOptions;
use sandbox::git::Relay;
use sandbox::{Options, Sandbox};
use serde_json::Value;

const RUNS: usize = 5;
/// Half of a round trip to the git host.
const HALF: Duration = Duration::from_millis(20);
/// What the pods of the stand-in take until they are ready.
const PODS: Duration = Duration::from_millis(5500);

fn main() {
    println!("{:52}{:>10}{:>10}{:>10}", "", "median", "worst", "target");
    row(
        "start of abort to no traffic on the canary",
        abort(),
        Duration::from_secs(2),
    );
    let (landed, healthy) = rollback();
    row(
        "start of rollback to landed, 40 ms away",
        landed,
        Duration::from_secs(1),
    );
    row("landed to healthy, beyond the pods", healthy, Duration::from_secs(3));
}

fn row(what: &str, mut times: Vec<Duration>, target: Duration) {
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    let met = if worst <= target { "" } else { "  missed" };
    println!(
        "{what:52}{:>8} ms{:>8} ms{:>8} ms{met}",
        median.as_millis(),
        worst.as_millis(),
        target.as_millis()
    );
}

/// Starts the stand-ins; the Argo CD runs at this speed and compares nothing without being asked.
fn sandbox(speed: f64) -> Sandbox {
    let argocd = ArgoCdOptions {
        speed,
        reconcile: None,
        ..ArgoCdOptions::default()
    };
    Sandbox::start_blocking(Options {
        argocd,
        ..Options::default()
    })
    .unwrap()
}

/// Runs the binary to its end, which has to be a good one, and returns the report.
fn promote(sandbox: &Sandbox, repo: &str, words: &str) -> Value {
    let Output { stdout, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_promote"))
        .args(words.split(' '))
        .args([
            "--aliases",
            &sandbox.infra_repo(),
            "--infra-repo",
            repo,
            "--output",
            "json",
        ])
        .env_clear()
        .env("PROMOTE_TOKEN", sandbox.git_token())
        .env("ARGOCD_SERVER", sandbox.argocd.url())
        .env("ARGOCD_AUTH_TOKEN", sandbox.argocd.token("ci"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(
        report["exit_code"],
        0,
        "{report:#}\n{}",
        String::from_utf8_lossy(&stderr)
    );
    report
}

/// A canary at its first step, which waits for a person, again and again.
fn abort() -> Vec<Duration> {
    let sandbox = sandbox(20.0);
    let path = "apps/api/base-rollout/rollout.yaml";
    let rollout = sandbox.git.read("infra-repo", path).unwrap();
    let waits = rollout.replace("pause:\n            duration: 1m", "pause: {}");
    sandbox.commit(path, &waits, "Wait for a person").unwrap();
    let repo = sandbox.infra_repo();
    let production = "--app api --environment production";
    let each = (0..RUNS).map(|run| {
        let words = format!("{production} --tag v{run} --on-pause succeed --allow replace-canary --timeout 5m");
        promote(&sandbox, &repo, &words);
        let begun = Instant::now();
        promote(&sandbox, &repo, &format!("abort {production}"));
        begun.elapsed()
    });
    each.collect()
}

/// An application that syncs by itself, at the speed of a real one, and a git host that is 40 ms away. Returns the times to landing, and from
/// there to healthy.
fn rollback() -> (Vec<Duration>, Vec<Duration>) {
    let sandbox = sandbox(1.0);
    let relay = Relay::start(sandbox.git.address(), HALF).unwrap();
    let repo = format!("http://{}/infra-repo.git", relay.address());
    let dev = "--app api --environment dev --settle 1ms";
    promote(&sandbox, &repo, &format!("{dev} --tag good"));
    let (mut landed, mut healthy) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        promote(&sandbox, &repo, &format!("{dev} --tag worse{run}"));
        let report = promote(&sandbox, &repo, &format!("rollback {dev} --to good"));
        let time = |field: &str| Duration::from_secs_f64(report["rollback"][field].as_f64().unwrap());
        let (whole, from_landing) = (time("seconds"), time("seconds_from_landing"));
        landed.push(whole.saturating_sub(from_landing));
        healthy.push(from_landing.saturating_sub(PODS));
    }
    (landed, healthy)
}
