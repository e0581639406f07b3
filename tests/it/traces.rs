//! Recorded Argo CD traffic, judged by the same code that judges live traffic.
//!
//! `PROMOTE_TRACES=DIR cargo test --test it traces -- --nocapture` reads every recording of DIR and prints what a wait for each pushed
//! commit had come to by the next push or the end. Recordings end when somebody had seen enough, so the watch after the first green is
//! not part of the verdict here, unless `PROMOTE_TRACES_SETTLE` gives its length in seconds. What a verdict asks for is not done: the recording shows what was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use promote_action::assess::rollout::{
    Origin, Seen, Standing, Standings, StuckPod, Verdict, Wanted, Watch, stuck_pods,
};
use promote_action::delivery::testing::{canary_of, snapshot_of, tree_of, windows_of};
use promote_action::model::{AppSnapshot, BranchName, Canary, CommitSha, RepoIdentity, SyncWindows};
use serde_json::Value;

/// One line of the table.
#[derive(Debug)]
struct Row {
    file: String,
    commit: String,
    app: String,
    verdict: String,
    at: f64,
    why: String,
}

/// A recording, read once.
struct Trace {
    lines: Vec<Value>,
}

struct Push {
    at: f64,
    sha: CommitSha,
    diff: String,
}

impl Trace {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        Self {
            lines: lines.map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    fn pushes(&self) -> Vec<Push> {
        (self.lines.iter())
            .filter(|line| line["note"] == "push")
            .map(|line| Push {
                at: at(line),
                sha: CommitSha::parse(line["sha"].as_str().unwrap()).unwrap(),
                diff: line["diff"].as_str().unwrap_or_default().to_owned(),
            })
            .collect()
    }

    /// Returns every look at an application, of calls and of streams.
    fn looks(&self) -> Vec<(f64, AppSnapshot)> {
        (self.lines.iter())
            .filter_map(|line| {
                let json = match line["kind"].as_str()? {
                    "http" if line["status"] == 200 => line["body"].clone(),
                    "sse" | "json-stream" if line["event"] == "frame" => {
                        let raw = line["raw"].as_str()?.trim();
                        let frame: Value = serde_json::from_str(raw.strip_prefix("data:").unwrap_or(raw)).ok()?;
                        frame["result"]["application"].clone()
                    }
                    _ => return None,
                };
                let named = json["metadata"]["name"].is_string() && json["status"].is_object();
                named.then(|| (at(line), snapshot_of(&json).unwrap()))
            })
            .collect()
    }

    /// Returns what the pushed commits are to `ours`, as of `time`: a line of commits, which a forced push may cut.
    fn standings(&self, ours: &CommitSha) -> Standings {
        let mut parent: BTreeMap<CommitSha, Option<CommitSha>> = BTreeMap::new();
        let mut tip = None;
        for line in &self.lines {
            let Some(sha) = line["sha"].as_str().and_then(CommitSha::parse) else {
                continue;
            };
            if line["note"] == "push" {
                parent.insert(sha.clone(), tip);
            }
            tip = Some(sha);
        }
        let mut standings = Standings::new();
        for sha in parent.keys() {
            let mut at = Some(sha.clone());
            let mut has = false;
            while let Some(commit) = at {
                has |= commit == *ours;
                at = parent.get(&commit).cloned().flatten();
            }
            let standing = match (sha == ours, has) {
                (true, _) => Standing::Ours,
                (_, true) => Standing::Carries,
                _ => Standing::Lacks,
            };
            standings.insert(sha.clone(), standing);
        }
        standings
    }
}

fn at(line: &Value) -> f64 {
    line["t"].as_f64().unwrap()
}

/// Returns the application that a push is about: the one whose folder is nearest to a changed file.
fn application(push: &Push, looks: &[(f64, AppSnapshot)], until: f64) -> Option<String> {
    let files: Vec<&str> = push
        .diff
        .lines()
        .filter_map(|line| line.strip_prefix("+++ b/"))
        .collect();
    let near = |path: &str| {
        (files.iter())
            .map(|file| path.split('/').zip(file.split('/')).take_while(|(a, b)| a == b).count())
            .max()
            .unwrap_or(0)
    };
    let mut best: Option<(usize, String)> = None;
    for (_, app) in looks.iter().filter(|(at, _)| *at <= until) {
        let score = app.sources.iter().map(|source| near(&source.path)).max().unwrap_or(0);
        if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
            best = Some((score, app.name.clone()));
        }
    }
    best.map(|(_, name)| name)
}

/// Returns the reference that a push makes, if it changes one tag of the one image that runs.
fn image(push: &Push, before: Option<&AppSnapshot>) -> Vec<String> {
    let tags: Vec<&str> = (push.diff.lines())
        .filter_map(|line| line.strip_prefix('+')?.trim().strip_prefix("newTag:"))
        .map(|tag| tag.trim().trim_matches('"'))
        .collect();
    let running: &[String] = before.map_or(&[], |app| &app.images);
    match (tags.as_slice(), running) {
        ([tag], [image]) => {
            let (name, _) = image.rsplit_once(':').unwrap();
            vec![format!("{name}:{tag}")]
        }
        _ => Vec::new(),
    }
}

/// What a wait has in hand beside the application itself.
#[derive(Default)]
struct Hand {
    refreshed: Option<Duration>,
    hard: Option<Duration>,
    windows: Option<SyncWindows>,
    refused: bool,
    canaries: Vec<Canary>,
    read: Option<Duration>,
    stuck: Vec<StuckPod>,
}

impl Hand {
    fn take(&mut self, line: &Value, app: &str, images: &[String], now: Duration) {
        let (Some(path), status) = (line["request"]["path"].as_str(), &line["status"]) else {
            return;
        };
        let prefix = format!("/api/v1/applications/{app}");
        let Some(rest) = path.strip_prefix(&prefix) else { return };
        let body = &line["body"];
        if rest.starts_with("/sync") && status == 403 {
            self.refused = body["message"].as_str().unwrap_or_default().contains("sync window");
        }
        if status != 200 {
            return;
        }
        if rest.starts_with("?refresh") || rest.contains("&refresh=") {
            self.refreshed = Some(now);
            if rest.contains("refresh=hard") {
                self.hard = Some(now);
            }
        } else if rest.starts_with("/syncwindows") {
            self.windows = windows_of(body).ok();
        } else if rest.starts_with("/resource-tree") {
            self.stuck = stuck_pods(&tree_of(body).unwrap(), images);
        } else if rest.starts_with("/resource?") && rest.contains("kind=Rollout") {
            let object: Value = serde_json::from_str(body["manifest"].as_str().unwrap()).unwrap();
            self.canaries = vec![canary_of(&object)];
            self.read = Some(now);
        }
    }
}

/// Follows the commit of a push until the verdict is final or the recording goes on to the next one.
#[expect(clippy::too_many_lines, reason = "one loop over the time of a recording")]
fn replay(trace: &Trace, file: &str, push: &Push, until: f64, settle: Duration) -> Row {
    let looks = trace.looks();
    let standings = trace.standings(&push.sha);
    let app = application(push, &looks, until).unwrap_or_default();
    let mine = || looks.iter().filter(|(_, look)| look.name == app);
    let before = mine().take_while(|(at, _)| *at < push.at).last().map(|(_, look)| look);
    let repository = mine()
        .filter(|(at, _)| *at >= push.at)
        .flat_map(|(_, look)| &look.sources)
        .next();
    let wanted = Wanted {
        name: app.clone(),
        commit: push.sha.clone(),
        origin: Origin {
            repository: RepoIdentity::of(repository.map_or("", |source| &source.repo_url)),
            branch: BranchName::parse("main").unwrap(),
            default: None,
        },
        images: image(push, before),
        trigger: true,
        prune: false,
        synced_by: None,
        settle,
    };
    let images = wanted.images.clone();
    let mut watch = Watch::new(wanted, before);
    let mut hand = Hand::default();
    let mut newest: Option<AppSnapshot> = None;
    let (mut verdict, mut since): (Option<Verdict>, f64) = (None, push.at);
    let mut lines = trace.lines.iter().filter(|line| at(line) > push.at).peekable();
    let mut now = push.at;
    let mut looked = mine().filter(|(at, _)| *at >= push.at).peekable();
    while now <= until && !verdict.as_ref().is_some_and(Verdict::is_final) {
        while let Some(line) = lines.next_if(|line| at(line) <= now) {
            hand.take(line, &app, &images, Duration::from_secs_f64(at(line)));
        }
        while let Some((_, look)) = looked.next_if(|(at, _)| *at <= now) {
            newest = Some(full(look, newest.as_ref().or(before)));
        }
        if let Some(app) = &newest {
            let known = known(&standings, app);
            let seen = Seen {
                refreshed: hand.refreshed,
                hard_refreshed: hand.hard,
                windows: hand.windows.as_ref(),
                window_refused: hand.refused,
                canaries: &hand.canaries,
                canaries_read: hand.read,
                stuck_pods: &hand.stuck,
                ..Seen::only(app, &known)
            };
            let next = watch.judge(Duration::from_secs_f64(now), &seen);
            if verdict.as_ref().and_then(Verdict::state) != next.state() || verdict.is_none() {
                since = now;
            }
            verdict = Some(next);
        }
        // Time passes by itself as well: at least twice a second.
        let next = [lines.peek().map(|line| at(line)), looked.peek().map(|(at, _)| *at)];
        now = next.into_iter().flatten().fold(now + 0.5, f64::min).max(now + 0.001);
    }
    Row {
        file: file.to_owned(),
        commit: push.sha.short().to_owned(),
        app,
        verdict: verdict.as_ref().map_or("waiting NOT_SEEN".to_owned(), name),
        at: since,
        why: verdict.map(|verdict| verdict.why().to_owned()).unwrap_or_default(),
    }
}

/// Returns the standings with every revision that `app` shows: one from before the recording lacks our commit.
fn known(standings: &Standings, app: &AppSnapshot) -> Standings {
    let mut known = standings.clone();
    let operation = app.operation.iter().flat_map(|operation| &operation.revisions);
    for revision in app.revisions.iter().chain(operation).chain(&app.last_synced) {
        if let Some(sha) = CommitSha::parse(revision) {
            known.entry(sha).or_insert(Standing::Lacks);
        }
    }
    known
}

/// A stream with `fields` shows less: what it leaves out is as it was.
fn full(look: &AppSnapshot, before: Option<&AppSnapshot>) -> AppSnapshot {
    let mut look = look.clone();
    if let Some(before) = before.filter(|before| look.last_synced.is_empty() && !before.last_synced.is_empty()) {
        look.last_synced.clone_from(&before.last_synced);
    }
    look
}

fn name(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Live { .. } => "live".to_owned(),
        Verdict::Paused { .. } => "paused".to_owned(),
        Verdict::Superseded { .. } => "superseded".to_owned(),
        Verdict::Failed { state, .. } => format!("rollout-failed {}", state.name()),
        Verdict::Waiting(waiting) => format!("waiting {}", waiting.state.name()),
    }
}

fn table(dir: &Path) -> Vec<Row> {
    let settle = std::env::var("PROMOTE_TRACES_SETTLE").map_or(0.0, |text| text.parse().unwrap());
    let mut files: Vec<PathBuf> = (std::fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let mut rows = Vec::new();
    for path in files {
        let trace = Trace::read(&path);
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let pushes = trace.pushes();
        let end = trace.lines.last().map_or(0.0, at);
        for (index, push) in pushes.iter().enumerate() {
            let until = pushes.get(index + 1).map_or(end, |next| next.at - 0.001);
            rows.push(replay(&trace, &file, push, until, Duration::from_secs_f64(settle)));
        }
    }
    rows
}

fn shown(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(
            text,
            "{:<34} {} {:<15} {:<26} {:>7.1} s  {}",
            row.file,
            row.commit,
            row.app,
            row.verdict,
            row.at,
            row.why.chars().take(160).collect::<String>()
        );
    }
    text
}

/// How the known recordings end: file, commit, verdict.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("a1-auto-happy-sse-v35", "56d1a3b", "live"),
    ("a1-auto-happy-sse", "bf18dd9", "live"),
    ("a2-auto-happy-json-fields", "07ecc25", "live"),
    ("b1-stale-green-cli-wait-v35", "53e96eb", "live"),
    ("b1-stale-green-cli-wait", "704c2be", "live"),
    ("c3-hooks-failing", "dd3e87c", "rollout-failed SYNC_ERR"),
    ("c3-hooks-failing", "9a5e68e", "rollout-failed SYNC_ERR"),
    ("c3-hooks-failing", "99eaf5e", "waiting NOT_SEEN"),
    ("d1-noop-commit", "f622069", "live"),
    ("d1-noop-commit", "1aca981", "live"),
    ("d3-superseded", "99064bb", "waiting PROGRESSING"),
    ("d3-superseded", "3df0c32", "live"),
    ("d3-superseded", "40e8bf0", "live"),
    ("e1-invalid-manifest", "4519042", "waiting OP_RUNNING"),
    ("e2-kustomize-build-error-v35", "29b2737", "waiting CMP_ERR"),
    ("e2-kustomize-build-error-v35", "6c62194", "live"),
    ("e2-kustomize-build-error", "b784b4a", "waiting CMP_ERR"),
    ("e2-kustomize-build-error", "7e49c88", "live"),
    ("e3-immutable-field-retries", "4e8e544", "waiting OP_RUNNING"),
    ("e3-immutable-field-retries", "af8c963", "waiting FOREIGN_OP"),
    ("e4-degraded-progress-deadline", "bb2799a", "waiting DEGRADED"),
    ("e4-degraded-progress-deadline", "6f0fd76", "waiting UNTRUSTED"),
    ("e5-missing-first-deploy-v35", "2ea0614", "live"),
    ("e5-missing-first-deploy", "ce74e56", "live"),
    ("e6-crashloop-image-pull", "af85763", "waiting UNTRUSTED"),
    ("e6-crashloop-image-pull", "cef60d4", "waiting PROGRESSING"),
    ("e6-crashloop-image-pull", "55fdfc8", "waiting POD_FAIL"),
    ("e6-crashloop-image-pull", "b5428dd", "live"),
    ("e8-sync-failed-for-good", "30da1b4", "live"),
    ("e8-sync-failed-for-good", "15492e9", "rollout-failed SYNC_ERR"),
    ("e8-sync-failed-for-good", "0026dbe", "live"),
    ("f1-canary-resume-v35", "fbedb43", "live"),
    ("f1-canary-resume", "ad89322", "live"),
    ("f3-canary-abort-revert", "523bbc1", "rollout-failed ROLLOUT"),
    ("f3-canary-abort-revert", "070827a", "live"),
    ("f4-canary-analysis-failed", "9795cb4", "live"),
    ("f4-canary-analysis-failed", "922f620", "rollout-failed ROLLOUT"),
    ("f4-canary-analysis-failed", "180e999", "waiting UNTRUSTED"),
    ("f6-canary-inconclusive", "c6da1a0", "rollout-failed ROLLOUT"),
    ("f6-canary-inconclusive", "b93971e", "live"),
    ("g2-tokens-expiry-project-role", "a406946", "live"),
    ("h2-sync-window-auto", "df77e59", "live"),
    ("h3-terminate", "5b86a75", "rollout-failed SYNC_ERR"),
    ("h3-terminate", "bbda4b2", "waiting UNTRUSTED"),
    ("i1-server-restart-during-stream", "4afe7e1", "live"),
    ("i2-controller-down-refresh-blocks", "836f4c4", "live"),
    ("i4-git-host-down", "4be3097", "live"),
    ("j1-pinned-sync-goes-backwards-v35", "03f8b51", "waiting FOREIGN_OP"),
    ("j1-pinned-sync-goes-backwards-v35", "dccd13d", "waiting NOT_SEEN"),
    ("j1-pinned-sync-goes-backwards-v35", "977ca57", "live"),
    ("j1-pinned-sync-goes-backwards", "6137c1d", "waiting FOREIGN_OP"),
    ("j1-pinned-sync-goes-backwards", "93875c1", "waiting NOT_SEEN"),
    ("j1-pinned-sync-goes-backwards", "f9cc838", "live"),
    ("j2-sync-on-auto-app-v35", "8df1cdc", "live"),
    ("j2-sync-on-auto-app", "13b43eb", "live"),
    ("k1-multi-source-v35", "9f39835", "live"),
    ("k1-multi-source-v35", "14ce087", "waiting PROGRESSING"),
    ("k1-multi-source", "8ada75c", "live"),
    ("k1-multi-source", "8e3e37b", "waiting PROGRESSING"),
    ("l3-config-mistakes", "2853877", "rollout-failed SYNC_ERR"),
    ("l4-refresh-burst", "0e7cfa4", "live"),
];

#[test]
fn recorded_pushes_end_as_they_ended() {
    let folder = std::env::var("PROMOTE_TRACES")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("CONFORMANCE_DIR").map(|conformance| Path::new(&conformance).join("argocd-traces")));
    let Ok(folder) = folder else {
        crate::support::skipped("recorded traffic (set PROMOTE_TRACES or CONFORMANCE_DIR)");
        return;
    };
    let rows = table(&folder);
    println!("{}", shown(&rows));
    if std::env::var("PROMOTE_TRACES_SETTLE").is_ok() {
        return;
    }
    let mut compared = 0;
    for row in &rows {
        let mut known = EXPECTED.iter().filter(|(file, ..)| *file == row.file).peekable();
        if known.peek().is_none() {
            // A recording of somebody else's.
            continue;
        }
        let verdict = known
            .find(|(_, commit, _)| *commit == row.commit)
            .map(|(.., verdict)| *verdict);
        assert_eq!(
            Some(row.verdict.as_str()),
            verdict,
            "{} {}: {}",
            row.file,
            row.commit,
            row.why
        );
        compared += 1;
    }
    let there = |file: &str| folder.join(format!("{file}.jsonl")).exists();
    let expected = EXPECTED.iter().filter(|(file, ..)| there(file)).count();
    assert_eq!(compared, expected, "each push of a known recording is a row");
    println!("{compared} of {} rows are as expected", rows.len());
}
