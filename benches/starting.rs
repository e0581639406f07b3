//! What a step costs before it does anything, and what a whole promotion holds in memory: release build, against the sandbox.
//! Prints a table with what is wanted and what was seen; asserts nothing, since a busy machine proves nothing.
//!
//! `cargo bench --bench starting` runs the release build; `PROMOTE=PATH` another build, such as the image's.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench starts processes, takes the time and prints"
)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Options, Sandbox};

fn program() -> Command {
    let given = std::env::var_os("PROMOTE").map(PathBuf::from);
    let mut command = Command::new(given.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_promote"))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Returns the median time of `promote --version`, whole process.
fn start() -> Duration {
    let mut times: Vec<Duration> = (0..301)
        .map(|_| {
            let begun = Instant::now();
            let status = program().arg("--version").status().expect("start the program");
            assert!(status.success(), "--version fails");
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Promotes once and waits until it is live; returns the largest memory in kilobytes, and the time.
fn promotion(sandbox: &Sandbox, tag: &str) -> (u64, Duration) {
    let begun = Instant::now();
    let mut child = program()
        .args(["--app", "api", "--environment", "dev", "--tag", tag, "--settle", "1s"])
        .args(["--infra-repo", &sandbox.infra_repo()])
        .env_clear()
        .env("PROMOTE_TOKEN", sandbox.git_token())
        .env("ARGOCD_SERVER", sandbox.argocd.url())
        .env("ARGOCD_AUTH_TOKEN", sandbox.argocd.token("ci"))
        .spawn()
        .expect("start the program");
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        // The kernel keeps the largest value, so the last look is enough.
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let seen = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(seen.unwrap_or_default());
        if let Some(status) = child.try_wait().expect("wait for the program") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "the promotion fails");
    (peak, begun.elapsed())
}

fn main() {
    let start = start().as_secs_f64() * 1_000.0;
    let sandbox = Sandbox::start_blocking(Options::default()).expect("start the sandbox");
    let runs = ["a3f1c8b", "b4e2d9c", "c5f3e0d"].map(|tag| promotion(&sandbox, tag));
    let peak = runs.iter().map(|(peak, _)| *peak).max().unwrap_or_default();
    let took = runs
        .iter()
        .map(|(_, took)| *took)
        .min()
        .unwrap_or_default()
        .as_secs_f64();
    let word = |is_met: bool| if is_met { "met" } else { "MISSED" };
    println!("| | wanted | seen | |\n|---|---|---|---|");
    println!(
        "| start, `promote --version` | at most 2 ms | {start:.2} ms | {} |",
        word(start <= 2.0)
    );
    println!(
        "| memory of a promotion ({took:.1} s) | at most 12 MB | {}.{} MB | {} |",
        peak / 1_000,
        peak % 1_000 / 100,
        word(peak <= 12_000)
    );
}
