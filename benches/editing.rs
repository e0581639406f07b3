//! How long an edit takes, whole process, beside the real kustomize on the same files. Prints tables, the last one with what is wanted
//! and what was seen; asserts nothing, since a busy machine proves nothing.
//!
//! `cargo bench --bench editing` runs the release build; `PROMOTE=PATH` another build, such as a static one. `KUSTOMIZE=PATH` names the other program
//! (otherwise the one in the cache that the tests use). kustomize needs more than a minute for the largest file: `QUICK=1` leaves that one out.
//!
//! Helm values files are edited beside yq (`YQ=PATH`, otherwise the one in the cache): this program starts itself for it, since a promotion
//! needs a repository around the file.

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

use promote_action::manifest::values::Values;
use promote_action::manifest::{Field, Format, Options, PinEdit};

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

/// A file to edit, how often each program does it, and how many times faster we shall be.
struct Case<'t> {
    name: &'static str,
    text: &'t str,
    our_runs: usize,
    their_runs: usize,
    wanted: f64,
}

/// What is wanted, and what was seen.
struct Goal {
    what: String,
    wanted: String,
    seen: String,
    is_met: bool,
}

impl Goal {
    fn at_least(what: String, wanted: f64, seen: f64) -> Self {
        let is_met = seen >= wanted;
        let (wanted, seen) = (format!("at least {wanted:.0}×"), format!("{seen:.1}×"));
        Self {
            what,
            wanted,
            seen,
            is_met,
        }
    }

    fn at_most(what: &str, wanted: f64, seen: f64) -> Self {
        let is_met = seen <= wanted;
        let (wanted, seen) = (format!("at most {wanted}×"), format!("{seen:.2}×"));
        let what = what.to_owned();
        Self {
            what,
            wanted,
            seen,
            is_met,
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, file, tag] = words.as_slice()
        && word == EDIT_VALUES
    {
        edit_values(Path::new(file), tag);
        return;
    }
    let ours = Program {
        path: std::env::var_os("PROMOTE").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_promote")), PathBuf::from),
        words: &["set-image", "--dir", ".", "--"],
    };
    let theirs = kustomize();
    if theirs.is_none() {
        println!("SKIPPED: kustomize is not in the cache and KUSTOMIZE is not set; only our own times are taken");
    }
    let five_thousand = (0..5_000).map(entry).collect::<Vec<_>>().concat();
    let five_thousand = format!("images:\n{five_thousand}");
    let ten_megabytes = many_entries(10_000_000);
    let case = |name, text, our_runs, their_runs, wanted| Case {
        name,
        text,
        our_runs,
        their_runs,
        wanted,
    };
    let cases = [
        case("15 lines", SMALL, 301, 61, 12.0),
        case("5,000 entries", five_thousand.as_str(), 31, 5, 150.0),
        case("10 MB", ten_megabytes.as_str(), 5, 1, 70.0),
    ];
    let mut goals = beside(&ours, theirs.as_ref(), &cases);
    goals.extend(growth(&ours));
    goals.extend(values_beside_yq());
    println!("\n| | wanted | seen | |\n|---|---|---|---|");
    for Goal {
        what,
        wanted,
        seen,
        is_met,
    } in goals
    {
        println!(
            "| {what} | {wanted} | {seen} | {} |",
            if is_met { "met" } else { "MISSED" }
        );
    }
}

/// Edits every file with both programs, in memory and on disk.
fn beside(ours: &Program, theirs: Option<&Program>, cases: &[Case<'_>]) -> Vec<Goal> {
    let quick = std::env::var_os("QUICK").is_some();
    let places = [("memory", memory()), ("disk", std::env::temp_dir())];
    let mut goals = Vec::new();
    println!("| file | in | ours, ms | kustomize, ms | ratio |\n|---|---|---|---|---|");
    for (place, root) in places {
        let dir = tempfile::tempdir_in(root).expect("make a folder");
        for Case {
            name,
            text,
            our_runs,
            their_runs,
            wanted,
        } in cases
        {
            let our_time = milliseconds(ours.median(dir.path(), text, *our_runs));
            let skipped = text.len() > 1_000_000 && (quick || place == "disk");
            let Some(theirs) = theirs.filter(|_| !skipped) else {
                println!("| {name} | {place} | {our_time:.2} | – | – |");
                continue;
            };
            let their_time = milliseconds(theirs.median(dir.path(), text, *their_runs));
            let ratio = their_time / our_time;
            println!("| {name} | {place} | {our_time:.2} | {their_time:.1} | {ratio:.1} |");
            if place == "memory" {
                goals.push(Goal::at_least(format!("{name}, faster than kustomize"), *wanted, ratio));
            }
        }
    }
    goals
}

/// What this program is started with to edit a values file.
const EDIT_VALUES: &str = "--edit-values";

/// Edits a values file as a promotion does, and prints the largest memory of this process in kB.
fn edit_values(file: &Path, tag: &str) {
    let text = fs::read(file).expect("read the file");
    let options = Options::default();
    let pins = Values.pins(&text, &options).expect("read the values");
    let edits: Vec<PinEdit> = (pins.iter())
        .map(|pin| PinEdit {
            name: pin.name.clone(),
            new_tag: Field::Set(tag.to_owned()),
            digest: Field::Keep,
            create: false,
        })
        .collect();
    let edited = Values.edit(&text, &edits, &options).expect("edit the values");
    fs::write(file, edited.bytes).expect("write the file");
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", peak.unwrap_or("0").trim().trim_end_matches(" kB"));
}

/// A values file of about so many lines.
fn values(lines: usize) -> String {
    let mut text = String::from("image:\n  repository: myorg/api\n  tag: v1 # current\nservices:\n");
    for number in 0..lines.saturating_sub(4) / 4 {
        let service = format!(
            "  service-{number:06}: # one of many\n    port: {number}\n    host: \"h{number}\"\n    limits: {{cpu: 1, memory: 2Gi}}\n"
        );
        text.push_str(&service);
    }
    text
}

/// Returns the median time of a command that edits a file, and what it printed last.
fn timed(dir: &Path, text: &str, runs: usize, command: &dyn Fn(&Path, &str) -> Command) -> (Duration, String) {
    let file = dir.join("values.yaml");
    let (mut times, mut said) = (Vec::new(), String::new());
    for number in 0..runs {
        fs::write(&file, text).expect("write the file");
        let start = Instant::now();
        let done = command(&file, &format!("v9.{number}.0"))
            .output()
            .expect("start the program");
        times.push(start.elapsed());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().clone_into(&mut said);
    }
    times.sort_unstable();
    (times.get(runs / 2).copied().unwrap_or_default(), said)
}

/// Edits values files beside yq: both start, read, edit and write.
fn values_beside_yq() -> Vec<Goal> {
    let dir = tempfile::tempdir_in(memory()).expect("make a folder");
    let ours = |file: &Path, tag: &str| {
        let mut command = Command::new(std::env::current_exe().expect("know this program"));
        command.arg(EDIT_VALUES).arg(file).arg(tag);
        command
    };
    let yq = std::env::var_os("YQ").map(PathBuf::from);
    let yq = yq.or_else(|| Some(kustomize()?.path.parent()?.parent()?.join("yq-4.54.1/yq")));
    let yq = yq.filter(|path| path.is_file());
    if yq.is_none() {
        println!("SKIPPED: yq is not in the cache and YQ is not set; only our own times are taken");
    }
    let mut goals = Vec::new();
    println!("\n| values file | ours, ms | yq, ms | ratio |\n|---|---|---|---|");
    for (lines, runs, wanted) in [(15, 101, 10.0), (10_000, 21, 50.0)] {
        let text = values(lines);
        let our_time = milliseconds(timed(dir.path(), &text, runs, &ours).0);
        let Some(yq) = &yq else {
            println!("| {lines} lines | {our_time:.2} | – | – |");
            continue;
        };
        let theirs = |file: &Path, tag: &str| {
            let mut command = Command::new(yq);
            command.arg("-i").arg(format!(".image.tag = \"{tag}\"")).arg(file);
            command
        };
        let their_time = milliseconds(timed(dir.path(), &text, runs.min(21), &theirs).0);
        let ratio = their_time / our_time;
        println!("| {lines} lines | {our_time:.2} | {their_time:.1} | {ratio:.1} |");
        goals.push(Goal::at_least(
            format!("values of {lines} lines, faster than yq"),
            wanted,
            ratio,
        ));
    }
    let peak = |text: &str| timed(dir.path(), text, 3, &ours).1.parse::<f64>().unwrap_or_default() * 1_000.0;
    let (small, large) = (values(15), values(100_000));
    let share = (peak(&large) - peak(&small)) / large.len() as f64;
    goals.push(Goal::at_most(
        "values: memory beside the file, at 100,000 lines",
        6.0,
        share,
    ));
    goals
}

/// A folder that no disk is behind, where there is one.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Time and memory by size: both should grow as the file does.
fn growth(ours: &Program) -> [Goal; 2] {
    let dir = tempfile::tempdir_in(memory()).expect("make a folder");
    let (mut least, mut most, mut largest) = (f64::MAX, 0.0_f64, 0.0_f64);
    println!("\n| file, MB | ours, ms | ms per MB | memory, MB | memory / file |\n|---|---|---|---|---|");
    for size in [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000] {
        let text = many_entries(size);
        let time = milliseconds(ours.median(dir.path(), &text, if size > 1_000_000 { 9 } else { 31 }));
        let peak = (0..3)
            .filter_map(|number| ours.run(dir.path(), &text, number, true).1)
            .max();
        let megabytes = text.len() as f64 / 1_000_000.0;
        let peak = peak.unwrap_or_default() as f64 / 1_000.0;
        let (slope, share) = (time / megabytes, peak / megabytes);
        (least, most, largest) = (least.min(slope), most.max(slope), share);
        println!("| {megabytes:.1} | {time:.1} | {slope:.1} | {peak:.1} | {share:.1} |");
    }
    [
        Goal::at_most("time per MB, the dearest beside the cheapest size", 1.5, most / least),
        Goal::at_most("memory beside the file, at 10 MB", 12.0, largest),
    ]
}
