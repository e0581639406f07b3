//! What landing costs: bytes, requests, time and memory of whole promotions through a relay with a round trip of 40 ms, beside git's own
//! clone, commit and push in the same run, with few and many commits, with few and many files; and a hundred writers on one branch.
//!
//! `cargo bench --bench landing [single|growth|folders|writers]` runs the release build; `PROMOTE=PATH` another one, such as a static one.
//! Everything lies in /dev/shm where there is one: a disk would flatter those who write little.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench starts processes, takes the time and may stop at the first thing that is wrong"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::git::{GitHost, GitHostOptions, Relay, TlsFront};
use serde_json::Value;

/// Half of the round trip.
const DELAY: Duration = Duration::from_millis(20);
const RUNS: usize = 5;
/// With eleven files each, twenty pages and a README: 2,001 files.
const APPS: usize = 180;
/// The same for 20,001 files, with four aside.
const MANY_APPS: usize = 1_816;
const FILES: [&str; 11] = [
    "base/autoscaler.yaml",
    "base/budget.yaml",
    "base/config.yaml",
    "base/deployment.yaml",
    "base/ingress.yaml",
    "base/kustomization.yaml",
    "base/namespace.yaml",
    "base/service.yaml",
    "overlays/dev/kustomization.yaml",
    "overlays/production/kustomization.yaml",
    "overlays/staging/kustomization.yaml",
];

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    if wanted("single") {
        single();
    }
    if wanted("growth") {
        growth();
    }
    if wanted("folders") {
        folders();
    }
    if wanted("writers") {
        writers();
    }
}

/// Text that compresses by a quarter or so, as manifests of many words do.
struct Words(u64);

impl Words {
    fn text(&mut self, bytes: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz-0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut out = String::with_capacity(bytes);
        while out.len() < bytes {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            out.push(char::from(LETTERS[(self.0 >> 33) as usize % LETTERS.len()]));
            if out.len().is_multiple_of(100) {
                out += "\n# ";
            }
        }
        out
    }
}

fn pin(app: usize, tag: &str, words: &mut Words) -> String {
    let more = words.text(4_900);
    format!("images:\n  - name: myorg/app-{app:03}\n    newTag: {tag}\n# {more}\n")
}

/// Writes `aside` small files (20 to a folder) beside `apps` of eleven files (of 5 kB), 20 pages and a README, and then a history of changed
/// pins.
fn generate(host: &GitHost, name: &str, apps: usize, commits: usize, aside: usize) {
    let mut words = Words(0x9e37_79b9_7f4a_7c15);
    let mut stream = "reset refs/heads/main\n".to_owned();
    let begin = |stream: &mut String, n: usize| {
        let at = 1_700_000_000 + 60 * n;
        write!(
            stream,
            "commit refs/heads/main\ncommitter S <s@example.com> {at} +0000\ndata 6\nChange\n"
        )
        .unwrap();
    };
    let file = |stream: &mut String, path: &str, text: &str| {
        write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
    };
    begin(&mut stream, 0);
    file(&mut stream, "README.md", "# Infra\n");
    for page in 0..20 {
        file(&mut stream, &format!("docs/{page:02}.md"), &words.text(4_950));
    }
    for app in 0..apps {
        for path in FILES {
            let text = if path.starts_with("overlays") {
                pin(app, "v0", &mut words)
            } else {
                words.text(4_950)
            };
            file(&mut stream, &format!("apps/app-{app:03}/{path}"), &text);
        }
    }
    for n in 0..aside {
        file(
            &mut stream,
            &format!("charts/{:03}/{:03}/{n}.yaml", n / 400, n / 20),
            &n.to_string(),
        );
    }
    for n in 1..commits {
        begin(&mut stream, n);
        let app = n * 7 % apps;
        file(&mut stream, &overlay(app), &pin(app, &format!("v{n}"), &mut words));
    }
    host.create(name, &[]).unwrap();
    host.git_with(name, &["fast-import", "--quiet"], stream.as_bytes())
        .unwrap();
    let count = |args: &[&str]| host.git(name, args).unwrap();
    let files = count(&["ls-tree", "-r", "--name-only", "main"]).lines().count();
    let size = count(&["count-objects", "-v"]);
    let size = size.lines().find_map(|line| line.strip_prefix("size-pack: ")).unwrap();
    println!(
        "{name}: {files} files, {} commits, pack of {size} KiB",
        count(&["rev-list", "--count", "main"]).trim()
    );
}

fn overlay(app: usize) -> String {
    format!("apps/app-{app:03}/overlays/dev/kustomization.yaml")
}

/// A git host in memory, TLS before it, and a long way to both.
struct Far {
    host: GitHost,
    relay: Relay,
    tls: TlsFront,
    folder: tempfile::TempDir,
}

impl Far {
    fn start() -> Self {
        let shm = Path::new("/dev/shm");
        let folder = if shm.is_dir() {
            shm.to_owned()
        } else {
            std::env::temp_dir()
        };
        let host = GitHost::start_blocking(GitHostOptions {
            folder: Some(folder.clone()),
            ..GitHostOptions::default()
        })
        .unwrap();
        let tls = TlsFront::start(host.address(), &["localhost", "127.0.0.1"]).unwrap();
        let relay = Relay::start(tls.address(), DELAY).unwrap();
        let folder = tempfile::tempdir_in(folder).unwrap();
        std::fs::write(folder.path().join("ca.pem"), tls.authority()).unwrap();
        Self {
            host,
            relay,
            tls,
            folder,
        }
    }

    fn ca(&self) -> String {
        self.folder.path().join("ca.pem").to_str().unwrap().to_owned()
    }

    fn url(&self, name: &str) -> String {
        format!("https://{}/{name}.git", self.relay.address())
    }

    /// Runs something, and returns what it cost.
    fn cost(&self, run: impl FnOnce() -> u64) -> Cost {
        self.host.forget_requests();
        let _ = self.relay.passed();
        let begun = Instant::now();
        let memory = run();
        let wall = begun.elapsed();
        let (connections, up, down) = self.relay.passed();
        let requests = self.host.requests();
        Cost {
            requests: requests.len(),
            connections,
            down,
            up,
            wall,
            memory,
            each: requests.iter().map(|seen| seen.down).collect(),
        }
    }

    fn promote(&self, name: &str, app: usize, tag: &str) -> Cost {
        self.cost(|| {
            let (report, memory) = promote(&self.url(name), Some(&self.ca()), app, tag, &self.folder);
            assert_eq!(report["outcome"], "landed", "{report:#}");
            memory
        })
    }

    /// Runs git as a step of a workflow does, and returns its cost.
    fn git(&self, name: &str, clone: &[&str], tag: &str) -> Cost {
        let work = self.folder.path().join("clone");
        let folder = work.to_str().unwrap();
        let (ca, url) = (format!("http.sslCAInfo={}", self.ca()), self.url(name));
        let git = |args: &[&str]| {
            let all: Vec<&str> = ["-c", &ca].iter().chain(args).copied().collect();
            self.host.git(name, &all).unwrap()
        };
        let cost = self.cost(|| {
            let all: Vec<&str> = ["clone", "-q", "--depth=1"]
                .iter()
                .chain(clone)
                .copied()
                .chain([url.as_str(), folder])
                .collect();
            git(&all);
            if !clone.is_empty() {
                git(&["-C", folder, "sparse-checkout", "set", "apps/app-011/overlays/dev"]);
            }
            let file = work.join(overlay(11));
            let text = std::fs::read_to_string(&file).unwrap();
            let line = text.lines().find(|line| line.contains("newTag")).unwrap();
            std::fs::write(&file, text.replace(line, &format!("    newTag: {tag}"))).unwrap();
            git(&["-C", folder, "commit", "-qam", tag]);
            git(&["-C", folder, "push", "-q"]);
            0
        });
        std::fs::remove_dir_all(&work).unwrap();
        cost
    }
}

/// What one promotion cost.
#[derive(Clone)]
struct Cost {
    requests: usize,
    connections: u64,
    /// Bytes of the connections, TLS included.
    down: u64,
    up: u64,
    wall: Duration,
    /// The peak, in KiB; 0 = not measured.
    memory: u64,
    /// The bytes of each answer's body.
    each: Vec<u64>,
}

impl Cost {
    /// Returns the bytes of the answers without the one that was cut off.
    fn walk(&self) -> u64 {
        self.each.iter().sum::<u64>() - self.each.iter().max().unwrap()
    }

    /// Returns the one with the median time, after telling it with the shortest and the longest.
    fn median(what: &str, mut all: Vec<Self>) -> Self {
        all.sort_by_key(|cost| cost.wall);
        let one = all[all.len() / 2].clone();
        println!(
            "  {what:44} {:>3} requests {:>2} connections {:>10} B down {:>7} B up {:>5} ms ({} to {}){}",
            one.requests,
            one.connections,
            one.down,
            one.up,
            one.wall.as_millis(),
            all[0].wall.as_millis(),
            all[all.len() - 1].wall.as_millis(),
            if one.memory > 0 {
                format!(" {:.1} MB", one.memory as f64 / 1024.0)
            } else {
                String::new()
            }
        );
        one
    }
}

fn goal(what: &str, seen: &str, goal: &str, met: bool) {
    println!("{} {what}: {seen} (goal {goal})", if met { "met   " } else { "MISSED" });
}

/// Runs the binary to its end; returns its report and its peak memory in KiB.
fn promote(url: &str, ca: Option<&str>, app: usize, tag: &str, folder: &tempfile::TempDir) -> (Value, u64) {
    let binary =
        std::env::var_os("PROMOTE").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_promote")), PathBuf::from);
    let out = folder.path().join(format!("report-{app}.json"));
    let mut command = Command::new(binary);
    command
        .args(["--app", &format!("app-{app:03}"), "--environment", "dev", "--tag", tag])
        .args(["--infra-repo", url, "--output", "json"])
        .env_clear()
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::env::var("SHOW").map_or_else(|_| Stdio::null(), |_| Stdio::inherit()));
    if let Some(ca) = ca {
        command.args(["--ca-bundle", ca]);
    }
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // Of a hundred at once nobody measures the memory: to look at them all takes a processor of its own.
    if ca.is_none() {
        child.wait().unwrap();
    }
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let report = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    (report, peak)
}

/// One promotion at a time, beside git, with a short and a long history.
fn single() {
    let far = Far::start();
    generate(&far.host, "short", APPS, 50, 0);
    generate(&far.host, "infra", APPS, 5_000, 0);
    println!(
        "one promotion through TLS and a round trip of {} ms, median of {RUNS}:",
        2 * DELAY.as_millis()
    );
    // In turn, so that both meet the same machine.
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for n in 0..RUNS {
        short.push(far.promote("short", 7, &format!("run-{n}")));
        long.push(far.promote("infra", 7, &format!("run-{n}")));
    }
    let short = Cost::median("promote, 50 commits", short);
    let ours = Cost::median("promote, 5,000 commits", long);
    let clones = |what: &str, args: &[&str]| {
        Cost::median(
            what,
            (0..RUNS)
                .map(|n| far.git("infra", args, &format!("{what}-{n}")))
                .collect(),
        )
    };
    let clone = clones("git clone --depth 1, commit, push", &[]);
    clones(
        "git sparse blobless clone, commit, push",
        &["--filter=blob:none", "--sparse"],
    );
    let near = Instant::now();
    promote(
        &format!("https://{}/infra.git", far.tls.address()),
        Some(&far.ca()),
        7,
        "near",
        &far.folder,
    );
    println!("  promote without the round trips: {} ms", near.elapsed().as_millis());
    goal("bytes", &format!("{} down", ours.down), "130,000", ours.down <= 130_000);
    goal(
        "time",
        &format!("{} ms", ours.wall.as_millis()),
        "510 ms, a look at the branch included since nothing is watched",
        ours.wall <= Duration::from_millis(510),
    );
    goal(
        "flat in history",
        &format!("{} beside {} B", ours.down, short.down),
        "10 %",
        ours.down < short.down * 11 / 10,
    );
    goal(
        "memory",
        &format!("{} KiB", ours.memory),
        "12 MB",
        ours.memory <= 12_000,
    );
    println!(
        "       {:.1} times as fast as the clone of depth 1, with 1/{} of its bytes",
        clone.wall.as_secs_f64() / ours.wall.as_secs_f64(),
        clone.down / ours.down
    );
}

/// Ten times the apps: their folders weigh more than a megabyte, so that only those on the path are read, of which one lists all apps.
fn growth() {
    let far = Far::start();
    generate(&far.host, "few", MANY_APPS, 50, 4);
    generate(&far.host, "many", MANY_APPS, 5_000, 4);
    println!("ten times the files, median of {RUNS}:");
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for n in 0..RUNS {
        few.push(far.promote("few", 7, &format!("run-{n}")));
        many.push(far.promote("many", 7, &format!("run-{n}")));
    }
    let few = Cost::median("promote, 20,001 files, 50 commits", few);
    let many = Cost::median("promote, 20,001 files, 5,000 commits", many);
    let clones = |what: &str, args: &[&str]| {
        let runs = (0..3).map(|n| far.git("many", args, &format!("{what}-{n}")));
        Cost::median(what, runs.collect())
    };
    clones("git clone --depth 1, commit, push", &[]);
    clones(
        "git sparse blobless clone, commit, push",
        &["--filter=blob:none", "--sparse"],
    );
    let (few_walk, walk) = (few.walk(), many.walk());
    let listings = listings(&far.host, "many", 7);
    goal(
        "flat in history, tree:0",
        &format!("{walk} beside {few_walk} B"),
        "10 %",
        walk < few_walk * 11 / 10,
    );
    goal(
        "grows only with the listings on the path, tree:0",
        &format!("{walk} B for listings of {listings} B"),
        "these and 12,000",
        walk <= listings + 12_000,
    );
    goal(
        "memory",
        &format!("{} KiB", many.memory),
        "12 MB",
        many.memory <= 12_000,
    );
}

/// Returns what the folders weigh on the way to a pin, in bytes.
fn listings(host: &GitHost, name: &str, app: usize) -> u64 {
    let path = overlay(app);
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    let size = |folder: &str| host.git(name, &["cat-file", "-s", &format!("main:{folder}")]).unwrap();
    let sizes = std::iter::once("")
        .chain(folders)
        .map(|folder| size(folder).trim().parse::<u64>().unwrap());
    sizes.sum()
}

/// Repositories whose folders weigh more than a megabyte: what is fetched after the cut is `tree:0` alone.
fn folders() {
    let far = Far::start();
    println!("folders one by one (`tree:0`), after 1 MB of `blob:none` was cut off:");
    let mut walks = Vec::new();
    for aside in [50_000, 200_000] {
        let name = format!("aside-{aside}");
        generate(&far.host, &name, APPS, 10, aside);
        let cost = Cost::median(
            &format!("promote, {} files", aside + 2_001),
            (0..RUNS).map(|n| far.promote(&name, 7, &format!("run-{n}"))).collect(),
        );
        let walk = cost.walk();
        println!(
            "  of these, without the request that was cut off: {walk} B in {} requests",
            cost.requests - 1
        );
        goal(
            "memory",
            &format!("{} KiB", cost.memory),
            "12 MB",
            cost.memory <= 12_000,
        );
        walks.push(walk);
    }
    goal(
        "bytes with tree:0",
        &format!("{} down", walks[0]),
        "12,000",
        walks[0] <= 12_000,
    );
    goal(
        "flat in files beside the path",
        &format!("{} beside {} B", walks[1], walks[0]),
        "20 %",
        walks[1] < walks[0] * 12 / 10,
    );
}

/// A hundred runs at once, each for another app, on one branch of a host with eight workers. What is measured are the runs' processes, and
/// `git http-backend` with what it starts: there is no TLS and no relay, and the host's front in this process only passes bytes on.
fn writers() {
    let count: usize = std::env::var("PROMOTE_WRITERS").map_or(100, |text| text.parse().unwrap());
    let far = Far::start();
    generate(&far.host, "infra", APPS, 5_000, 0);
    let mut walls = Vec::new();
    let mut worst = 0;
    for run in 0..3 {
        far.host.forget_requests();
        let begun = Instant::now();
        let one = |app: usize| {
            let (report, _) = promote(&far.host.url("infra"), None, app, &format!("run-{run}"), &far.folder);
            assert_eq!(report["outcome"], "landed", "{report:#}");
            report["infra_repo"]["attempts"].as_u64().unwrap() - 1
        };
        let mut retries: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..count).map(|app| scope.spawn(move || one(app))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let wall = begun.elapsed();
        retries.sort_unstable();
        let p95 = retries[count * 95 / 100];
        let down: u64 = far.host.requests().iter().map(|seen| seen.down).sum();
        println!(
            "{count} writers: {:.1} s, retries median {} p95 {p95} max {} sum {}, {:.1} MB down",
            wall.as_secs_f64(),
            retries[count / 2],
            retries[count - 1],
            retries.iter().sum::<u64>(),
            down as f64 / 1e6
        );
        walls.push(wall);
        worst = worst.max(p95);
        let commits = far
            .host
            .git("infra", &["rev-list", "--count", "--no-merges", "main"])
            .unwrap();
        assert_eq!(
            commits.trim().parse::<usize>().unwrap(),
            5_000 + count * (run + 1),
            "a commit for each"
        );
    }
    far.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
    walls.sort();
    goal(
        "writers",
        &format!("{:.1} s, the median of 3", walls[1].as_secs_f64()),
        "45 s",
        walls[1] <= Duration::from_secs(45),
    );
    goal("retries", &format!("p95 {worst}, the worst of 3"), "10", worst <= 10);
}
