//! How long an edit takes, whole process, beside the real kustomize on the same files. Prints a table; asserts nothing.
//!
//! `cargo bench --bench editing` runs the release build; `PROMOTE=PATH` another build, such as a static one. `KUSTOMIZE=PATH` names the other program
//! (otherwise the one in the cache that the tests use). kustomize needs more than a minute for the largest file: `QUICK=1` leaves that one out.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench starts processes, takes the time and prints"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A file with so many entries that it has about `bytes` bytes.
fn many_entries(bytes: usize) -> String {
    let mut text = String::from("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n");
    let mut number = 0;
    while text.len() < bytes {
        text += &entry(number);
        number += 1;
    }
    text
}

fn entry(number: usize) -> String {
    format!("- name: registry.example.com/team/app-{number:06}\n  newTag: v1.2.{number}\n")
}

const SMALL: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: prod\n\nresources:\n- ../../base\n- ingress.yaml\n\n\
                     # bumped by CI\nimages:\n- name: registry.example.com/team/app-000000\n  newTag: v1.2.3 # current\n- name: db\n  newTag: \"16\"\n\n";

/// Both programs take the arguments after their own words, in the folder of the file.
#[derive(Clone)]
struct Program {
    path: PathBuf,
    words: &'static [&'static str],
}

impl Program {
    /// Runs it once on a fresh copy of the file; returns the time and, if it lives long enough to be looked at, its largest memory.
    fn run(&self, dir: &Path, text: &str, number: usize, watch: bool) -> (Duration, Option<u64>) {
        fs::write(dir.join("kustomization.yaml"), text).expect("write the file");
        let mut command = Command::new(&self.path);
        command
            .args(self.words)
            .arg(format!("registry.example.com/team/app-000000=*:v9.{number}.0"));
        command
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn().expect("start the program");
        let mut peak = None;
        while watch && child.try_wait().expect("wait for the program").is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = peak.max(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()));
            std::thread::sleep(Duration::from_micros(300));
        }
        let status = child.wait().expect("wait for the program");
        let took = start.elapsed();
        assert!(status.success(), "{} fails", self.path.display());
        (took, peak)
    }

    /// Returns the median of so many runs.
    fn median(&self, dir: &Path, text: &str, runs: usize) -> Duration {
        let mut times: Vec<Duration> = (0..runs).map(|number| self.run(dir, text, number, false).0).collect();
        times.sort_unstable();
        times.get(runs / 2).copied().unwrap_or_default()
    }
}

fn kustomize() -> Option<Program> {
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    let given = std::env::var_os("KUSTOMIZE").map(PathBuf::from);
    let path = given.unwrap_or_else(|| home.join("promote-action/kustomize-5.8.2/kustomize"));
    let words = &["edit", "set", "image"];
    path.is_file().then_some(Program { path, words })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn main() {
    let ours = Program {
        path: std::env::var_os("PROMOTE").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_promote")), PathBuf::from),
        words: &["set-image", "--dir", ".", "--"],
    };
    let theirs = kustomize();
    if theirs.is_none() {
        println!("SKIPPED: kustomize is not in the cache and KUSTOMIZE is not set; only our own times are taken");
    }
    let quick = std::env::var_os("QUICK").is_some();
    let five_thousand = (0..5_000).map(entry).collect::<Vec<_>>().concat();
    let five_thousand = format!("images:\n{five_thousand}");
    let ten_megabytes = many_entries(10_000_000);
    let files = [
        ("15 lines", SMALL, 200, 40),
        ("5,000 entries", five_thousand.as_str(), 15, 3),
        ("10 MB", ten_megabytes.as_str(), 3, 1),
    ];
    let memory = Path::new("/dev/shm");
    let places = [("memory", memory.to_path_buf()), ("disk", std::env::temp_dir())];
    println!("| file | in | ours, ms | kustomize, ms | ratio |\n|---|---|---|---|---|");
    for (place, root) in places.iter().filter(|(_, root)| root.is_dir()) {
        let dir = tempfile::tempdir_in(root).expect("make a folder");
        for (name, text, our_runs, their_runs) in files {
            let our_time = milliseconds(ours.median(dir.path(), text, our_runs));
            let skipped = text.len() > 1_000_000 && (quick || *place == "disk");
            match theirs.as_ref().filter(|_| !skipped) {
                Some(theirs) => {
                    let their_time = milliseconds(theirs.median(dir.path(), text, their_runs));
                    let ratio = their_time / our_time;
                    println!("| {name} | {place} | {our_time:.2} | {their_time:.1} | {ratio:.0} |");
                }
                None => println!("| {name} | {place} | {our_time:.2} | – | – |"),
            }
        }
    }
    growth(&ours, memory);
}

/// Time and memory by size: both should grow as the file does.
fn growth(ours: &Program, memory: &Path) {
    let root = if memory.is_dir() {
        memory.to_path_buf()
    } else {
        std::env::temp_dir()
    };
    let dir = tempfile::tempdir_in(root).expect("make a folder");
    println!("\n| file, MB | ours, ms | ms per MB | memory, MB | memory / file |\n|---|---|---|---|---|");
    for size in [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000] {
        let text = many_entries(size);
        let time = milliseconds(ours.median(dir.path(), &text, 9));
        let peak = (0..3)
            .filter_map(|number| ours.run(dir.path(), &text, number, true).1)
            .max();
        let megabytes = text.len() as f64 / 1_000_000.0;
        let peak = peak.unwrap_or_default() as f64 / 1_000.0;
        println!(
            "| {megabytes:.1} | {time:.1} | {:.1} | {peak:.1} | {:.1} |",
            time / megabytes,
            peak / megabytes
        );
    }
}
