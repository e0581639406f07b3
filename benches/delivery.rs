//! How fast the wait is: verdicts a second, the time from healthy to "live", and a thousand applications at once.
//!
//! `cargo bench --bench delivery [verdicts|latency|thousand]`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench measures real time and may stop at the first thing that is wrong"
)]

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use promote_action::assess::rollout::{Origin, Seen, Standing, Standings, Wanted, Watch};
use promote_action::clock::SystemClock;
use promote_action::delivery::testing::snapshot_of;
use promote_action::delivery::{self, Drive, Reader, Servers, Settings};
use promote_action::infrarepo::{self, Address};
use promote_action::journal::Journal;
use promote_action::model::{
    AppName, ApplicationId, BranchName, CommitSha, EnvironmentName, Event, Outcome, RepoIdentity, RepoPath, Secret,
};
use promote_action::plan::{Policy, ResolvedPolicy};
use promote_action::promote::testing::{Candidate, FollowPorts, FollowRequest, Which, follow, precheck};
use sandbox::argocd::ArgoCdOptions;
use sandbox::{Options, Sandbox, overlay};
use serde_json::{Value, json};

const RUNS: usize = 20;

struct Quiet;

impl Journal for Quiet {
    fn tell(&self, _event: Event) {}
}

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    if wanted("verdicts") {
        verdicts();
    }
    if wanted("latency") {
        latency();
    }
    if wanted("thousand") {
        thousand();
    }
}

fn origin(repository: &str) -> Origin {
    Origin {
        repository: RepoIdentity::of(repository),
        branch: BranchName::parse("main").unwrap(),
        default: None,
    }
}

/// Judges an application of 60 resources that is on its way, again and again.
fn verdicts() {
    let sha = "1".repeat(40);
    let resource = |number: u32| {
        json!({"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "dev", "name": format!("api-{number}"),
            "status": "Synced", "health": {"status": if number == 7 { "Progressing" } else { "Healthy" }}})
    };
    let app = snapshot_of(&json!({
        "metadata": {"name": "api-dev", "namespace": "argocd", "uid": "1"},
        "spec": {"project": "default", "syncPolicy": {"automated": {}},
            "source": {"repoURL": "https://github.com/myorg/infra", "path": "apps/api/overlays/dev", "targetRevision": "main"}},
        "status": {"sync": {"status": "Synced", "revision": sha}, "health": {"status": "Progressing"},
            "reconciledAt": "2026-01-01T00:00:10Z", "resources": (0..60).map(resource).collect::<Vec<_>>(),
            "operationState": {"phase": "Succeeded", "operation": {"sync": {"revision": sha}},
                "startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:05Z"}}
    }))
    .unwrap();
    let commit = CommitSha::parse(&sha).unwrap();
    let wanted = Wanted {
        name: "api-dev".to_owned(),
        commit: commit.clone(),
        origin: origin("git@github.com:myorg/infra.git"),
        images: vec!["myorg/api:v2".to_owned()],
        trigger: true,
        prune: false,
        synced_by: None,
        settle: Duration::from_secs(10),
    };
    let standings = Standings::from([(commit, Standing::Ours)]);
    let mut watch = Watch::new(wanted, None);
    let rounds = 200_000_u32;
    let begun = Instant::now();
    for round in 0..rounds {
        let now = Duration::from_millis(u64::from(round));
        black_box(watch.judge(now, &Seen::only(black_box(&app), &standings)));
    }
    let each = begun.elapsed() / rounds;
    println!(
        "verdicts: {:.0} a second ({each:?} each, 60 resources)",
        1.0 / each.as_secs_f64()
    );
}

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

/// Changes the tag in an overlay.
fn push(sandbox: &Sandbox, tag: &str) -> CommitSha {
    let text = sandbox.overlay("api", "dev").unwrap();
    let line = text.lines().find(|line| line.contains("newTag:")).unwrap();
    let new = text.replace(line, &format!("    newTag: {tag}"));
    let commit = sandbox.commit(&overlay("api", "dev"), &new, "promote").unwrap();
    CommitSha::parse(&commit).unwrap()
}

fn is_healthy(app: &Value, commit: &CommitSha) -> bool {
    let status = &app["status"];
    status["sync"]["revision"] == commit.as_str()
        && status["sync"]["status"] == "Synced"
        && status["health"]["status"] == "Healthy"
        && status["operationState"]["phase"] == "Succeeded"
}

/// From the stand-in's turn to healthy until our verdict, beyond `settle`.
fn latency() {
    let sandbox = sandbox(5.0);
    let settle = Duration::from_secs(2);
    let mut over: Vec<Duration> = (0..RUNS)
        .map(|run| once(&sandbox, &format!("v{run}"), settle))
        .collect();
    over.sort();
    println!(
        "latency: settle + {:?} (median of {RUNS}; {:?} to {:?})",
        over[RUNS / 2],
        over[0],
        over[RUNS - 1]
    );
}

#[expect(clippy::too_many_lines, reason = "one wait, put together by hand")]
fn once(sandbox: &Sandbox, tag: &str, settle: Duration) -> Duration {
    let client = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
    let settings = Settings {
        server: sandbox.argocd.url().parse().unwrap(),
        token: Secret::new(sandbox.argocd.token("ci")),
        tokens: None,
        headers: Vec::new(),
        project: None,
    };
    let argocd = delivery::open(&Servers::One(settings), &client).unwrap();
    let place = infrarepo::RepoAccess {
        address: Address::Folder(sandbox.git.path("infra-repo")),
        branch: None,
        aliases: Vec::new(),
        user: None,
        token: None,
        ssh: None,
        github: None,
        app: None,
        by_api: None,
    };
    let clock = SystemClock::start();
    let repo = infrarepo::open(&place, client, Rc::new(SystemClock::start()), Rc::new(Quiet)).unwrap();
    let candidate = Candidate {
        is_file: false,
        reached: None,
        cluster: None,
        wave: 0,
        which: Which::Named(ApplicationId::parse("api-dev").unwrap()),
        app: AppName::parse("api").unwrap(),
        environment: EnvironmentName::parse("dev").unwrap(),
        folder: RepoPath::parse("apps/api/overlays/dev").unwrap(),
        policy: ResolvedPolicy {
            settle,
            ..Policy::default().resolve()
        },
        images: vec![format!("myorg/api:{tag}")],
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let origin = origin(&sandbox.infra_repo());
    let targets = runtime
        .block_on(precheck(argocd.as_ref(), &clock, &origin, None, vec![candidate]))
        .unwrap();
    let commit = push(sandbox, tag);
    let ports = FollowPorts {
        observe: argocd.as_ref() as &dyn Reader,
        drive: Some(argocd.as_ref() as &dyn Drive),
        repo: repo.as_ref(),
        journal: &Quiet,
        clock: &clock,
        judge: None,
    };
    let request = FollowRequest {
        targets,
        origin,
        commit: &commit,
        pins: &[],
        nonce: "bench".to_owned(),
    };
    let (_send, cancel) = tokio::sync::watch::channel(None);
    std::thread::scope(|scope| {
        let healthy = scope.spawn(|| {
            while !is_healthy(&sandbox.argocd.application("api-dev").unwrap(), &commit) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Instant::now()
        });
        let followed = runtime.block_on(follow(ports, &cancel, request));
        let live = Instant::now();
        assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
        live.duration_since(healthy.join().unwrap()).saturating_sub(settle)
    })
}

/// A thousand applications of one overlay, followed by the binary.
fn thousand() {
    let sandbox = sandbox(5.0);
    let count: u32 = std::env::var("APPLICATIONS").map_or(1000, |text| text.parse().unwrap());
    for number in 0..count {
        let manifest = json!({"metadata": {"name": format!("api-{number}"), "namespace": "argocd"}, "spec": {
            "project": "default", "syncPolicy": {"automated": {}}, "destination": {"server": "x", "namespace": "dev"},
            "source": {"repoURL": sandbox.infra_repo(), "path": "apps/api/overlays/dev", "targetRevision": "main"}}});
        sandbox.argocd.apply(&manifest, true).unwrap();
    }
    // A pipe that nobody reads would hold up the end.
    let report_file = std::env::temp_dir().join(format!("promote-bench-{}.json", std::process::id()));
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_promote"))
        .args([
            "--app",
            "api",
            "--environment",
            "dev",
            "--tag",
            "v2",
            "--application",
            "by-source",
            "--settle",
            "2s",
        ])
        .args(["--infra-repo", &sandbox.infra_repo(), "--output", "json"])
        .env_clear()
        .env("PROMOTE_TOKEN", sandbox.git_token())
        .env("ARGOCD_SERVER", sandbox.argocd.url())
        .env("ARGOCD_AUTH_TOKEN", sandbox.argocd.token("ci"))
        .stdout(std::fs::File::create(&report_file).unwrap())
        .stderr(std::env::var("SHOW").map_or_else(|_| Stdio::null(), |_| Stdio::inherit()))
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = String::new();
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        if let Some(line) = text.lines().find(|line| line.starts_with("VmHWM")) {
            peak = line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let report: Value = serde_json::from_slice(&std::fs::read(&report_file).unwrap()).unwrap_or_default();
    std::fs::remove_file(&report_file).unwrap();
    let (took, followed) = (begun.elapsed(), report["applications"].as_array().map_or(0, Vec::len));
    let rate = u32::try_from(followed).map_or(0.0, f64::from) / took.as_secs_f64();
    let asked = sandbox.argocd.asked();
    let streams = asked.iter().filter(|asked| asked.path.contains("/stream/")).count();
    println!(
        "thousand: {} in {took:.1?}, {followed} applications, {rate:.0} a second from the start of the process to its end, peak memory {peak}, {} requests, {streams} streams",
        report["outcome"],
        asked.len()
    );
}
