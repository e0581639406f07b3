//! No secret reaches anything that comes out.
//!
//! Whole runs with secrets that occur nowhere else, and a search through everything they leave: both streams, the runner's files,
//! the workspace, the infra-repo with its history, and the list of processes while they run.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sandbox::argocd::ArgoCdOptions;
use sandbox::{Options, Sandbox};

use crate::support::{Running, Step, start};

const GIT: &str = "canary+git/7f3a?&=%20";
const HEADER: &str = "canary/header+91c4";
const GITHUB: &str = "ghs_canary-github.5d5e";
const WRONG: &str = "canary+wrong/88aa";

/// Everything that came out of a run, by where it came out.
struct Found(Vec<(String, String)>);

impl Found {
    /// Reads everything a run leaves, while it runs and afterwards.
    fn of(running: Running, code: i32, folder: &Path) -> Self {
        let id = running.id();
        let cmdline = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let ran = running.wait().exits(code);
        let mut found = vec![("the process list".to_owned(), cmdline)];
        for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            // The runner takes these lines out of the log: they are how it learns what to hide.
            let lines = text.lines().filter(|line| !line.starts_with("::add-mask::"));
            found.push((name.to_owned(), lines.collect::<Vec<_>>().join("\n")));
        }
        files(folder, &mut found);
        Self(found)
    }

    #[track_caller]
    fn hold_none_of(&self, secrets: &[&str]) {
        assert!(
            self.0.iter().any(|(_, text)| text.len() > 100),
            "there is something to search"
        );
        for secret in secrets {
            for form in forms(secret) {
                for (place, text) in &self.0 {
                    assert!(!text.contains(&form), "{secret:?} as {form:?} is in {place}:\n{text}");
                }
            }
        }
    }
}

fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
}

/// Returns the secret plain, percent-encoded in the usual ways, and what base64 makes of it behind zero, one and two other bytes.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let keep = |extra: &'static str| move |b: u8| b.is_ascii_alphanumeric() || extra.as_bytes().contains(&b);
    for kept in ["", "-._~", "-._~/+:@!$&'()*,;="] {
        let keep = keep(kept);
        let encode = |byte: u8, lower: bool| match (keep(byte), lower) {
            (true, _) => char::from(byte).to_string(),
            (false, true) => format!("%{byte:02x}"),
            (false, false) => format!("%{byte:02X}"),
        };
        forms.extend([false, true].map(|lower| secret.bytes().map(|byte| encode(byte, lower)).collect::<String>()));
    }
    for shift in 0..3 {
        let mut bytes = vec![b'x'; shift];
        bytes.extend(secret.bytes());
        let whole = bytes.len() / 3 * 4;
        let coded = STANDARD.encode(bytes);
        // The first group holds what stands before, the last may hold what follows.
        let start = if shift == 0 { 0 } else { 4 };
        forms.push(coded[start..whole].to_owned());
    }
    forms
}

fn sandbox() -> Sandbox {
    let options = Options {
        git_token: GIT.to_owned(),
        argocd: ArgoCdOptions {
            speed: 20.0,
            reconcile: None,
            ..ArgoCdOptions::default()
        },
        ..Options::default()
    };
    Sandbox::start_blocking(options).unwrap()
}

/// A step with every secret there is, and every line that a debug run has.
fn step(sandbox: &Sandbox, git: &str, argocd: &str) -> Step {
    Step::new()
        .env("RUNNER_DEBUG", "1")
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "abc1234")
        .with("settle", "1s")
        .with("timeout", "60s")
        .with("infra-repo", &sandbox.infra_repo())
        .with("token", git)
        .with("github-token", GITHUB)
        .with("argocd-server", sandbox.argocd.url())
        .with("argocd-token", argocd)
        .with("argocd-headers", &format!("X-Canary: {HEADER}"))
}

#[test]
fn a_promotion_that_succeeds_shows_none() {
    let sandbox = sandbox();
    let argocd = sandbox.argocd.token("ci");
    let step = step(&sandbox, GIT, &argocd);
    let mut found = Found::of(step.start(), 0, step.folder.path());
    found.0.push((
        "the infra-repo".to_owned(),
        sandbox.git(&["log", "-p", "--all", "--format=raw"]).unwrap(),
    ));
    found.hold_none_of(&[GIT, &argocd, HEADER, GITHUB]);
}

#[test]
fn a_rollout_that_fails_shows_none() {
    let sandbox = sandbox();
    let argocd = sandbox.argocd.token("ci");
    let step = step(&sandbox, GIT, &argocd)
        .with("tag", "bad1234")
        .with("timeout", "6s")
        .with("output", "json");
    let running = step.start();
    let found = Found::of(running, 10, step.folder.path());
    found.hold_none_of(&[GIT, &argocd, HEADER, GITHUB]);
}

#[test]
fn servers_that_refuse_or_do_not_answer_show_none() {
    let sandbox = sandbox();
    let argocd = sandbox.argocd.token("ci");
    for (step, secrets) in [
        (step(&sandbox, WRONG, &argocd), [WRONG, &argocd]),
        (step(&sandbox, GIT, WRONG), [GIT, WRONG]),
        (
            step(&sandbox, GIT, &argocd).with("argocd-server", "http://127.0.0.1:9"),
            [GIT, &argocd],
        ),
        (
            step(&sandbox, GIT, &argocd)
                .with("infra-repo", "http://127.0.0.1:9/x.git")
                .with("landing-timeout", "2s"),
            [GIT, &argocd],
        ),
    ] {
        let found = Found::of(step.start(), 4, step.folder.path());
        found.hold_none_of(&secrets);
        found.hold_none_of(&[HEADER, GITHUB]);
    }
}

/// A host that is taken for a GitHub, whose API answers with what it was sent.
#[test]
fn a_preflight_shows_none() {
    let sandbox = sandbox();
    let argocd = sandbox.argocd.token("ci");
    sandbox.git.create("myorg/infra", &[("a", "1")]).unwrap();
    sandbox.git.answer(sandbox::git::Canned {
        path: "/api/v3/repos/".to_owned(),
        times: 9,
        status: 403,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: format!("Bearer {GIT}").into_bytes(),
    });
    let server = format!("http://{}", sandbox.git.address());
    for (git, token, code) in [(GIT, argocd.as_str(), 2), (WRONG, argocd.as_str(), 4), (GIT, WRONG, 4)] {
        let step = step(&sandbox, git, token)
            .env("GITHUB_SERVER_URL", &server)
            .with("command", "preflight")
            .with("infra-repo", "myorg/infra");
        let found = Found::of(step.start(), code, step.folder.path());
        found.hold_none_of(&[GIT, WRONG, &argocd, HEADER, GITHUB]);
    }
}

#[test]
fn wrong_inputs_show_none() {
    let sandbox = sandbox();
    let step = step(&sandbox, GIT, WRONG)
        .with("infra-repo", &format!("https://x:{GIT}@git.example.com/x"))
        .with("argocd-server", &format!("https://x:{WRONG}@argocd.example.com"))
        .with("argocd-headers", HEADER)
        .with("sync", &format!("echo {GITHUB}"));
    let found = Found::of(step.start(), 2, step.folder.path());
    found.hold_none_of(&[GIT, WRONG, HEADER, GITHUB]);
}

#[test]
fn a_laptop_shows_none() {
    let sandbox = sandbox();
    let argocd = sandbox.argocd.token("ci");
    let folder = tempfile::tempdir().unwrap();
    // Beside the searched folder: the user's own file holds it, of course.
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("token");
    fs::write(&file, format!("{GIT}\n")).unwrap();
    let repo = sandbox.infra_repo();
    let env = [
        ("HOME", folder.path().to_str().unwrap()),
        ("ARGOCD_SERVER", sandbox.argocd.url()),
        ("ARGOCD_AUTH_TOKEN", &argocd),
        ("HTTP_PROXY", "http://me:canary-proxy-password@127.0.0.1:9"),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let file = file.to_str().unwrap();
    let args = [
        "--app",
        "api",
        "--environment",
        "dev",
        "--tag",
        "abc1234",
        "--settle",
        "1s",
        "--verbose",
        "--infra-repo",
        &repo,
        "--token-file",
        file,
    ];
    let found = Found::of(start(folder.path(), &env, &args), 0, folder.path());
    found.hold_none_of(&[GIT, &argocd, "canary-proxy-password"]);
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for text in [
        GIT.to_owned(),
        "https://canary%2Bgit%2F7f3a%3F%26%3D%2520@host".to_owned(),
        STANDARD.encode(format!("x-access-token:{GIT}")),
        STANDARD.encode(format!("xx{GIT}yy")),
        STANDARD.encode(format!("{GIT}y")),
    ] {
        assert!(forms(GIT).iter().any(|form| text.contains(form)), "{text}");
    }
}
