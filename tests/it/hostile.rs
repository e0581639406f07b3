//! What an attacker can put into the infra-repo, or answer in a server's place: every run ends in words, in time, and with every secret kept.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sandbox::argocd::Canned;
use sandbox::overlay;
use serde_json::json;

use crate::support::{Ran, World, run};

const PLAN: &str = "plan --app api --environment dev --tag abc1234 --output json";

/// Writes a commit to `main` with fast-import's own words for what it changes.
fn import(world: &World, changes: &str) {
    import_as(world, "now", ".", changes);
}

fn import_as(world: &World, when: &str, message: &str, changes: &str) {
    let format = if when == "now" { "now" } else { "raw" };
    let length = message.len();
    let stream = format!(
        "commit refs/heads/main\ncommitter Mallory <m@example.com> {when}\ndata {length}\n{message}\nfrom refs/heads/main^0\n{changes}\n"
    );
    let args = ["fast-import", "--quiet", &format!("--date-format={format}")];
    world
        .sandbox
        .git
        .git_with("infra-repo", &args, stream.as_bytes())
        .unwrap();
}

fn file(path: &str, text: &str) -> String {
    format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len())
}

/// Runs words, and checks that it took no time worth a denial of service.
#[track_caller]
fn soon(world: &World, words: &str) -> Ran {
    let begun = Instant::now();
    let ran = world.land(words);
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "{:?}: {}",
        begun.elapsed(),
        ran.stderr
    );
    ran
}

#[test]
fn a_promote_yaml_made_to_break_a_reader_is_refused() {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 0..19 {
        let inner = vec![format!("*a{level}"); 9].join(", ");
        writeln!(aliases, "a{}: &a{} [{inner}]", level + 1, level + 1).unwrap();
    }
    let keys: String = (0..120_000).fold(String::new(), |mut text, n| {
        writeln!(text, "  app{n}: {{}}").unwrap();
        text
    });
    for text in [
        format!("version: 1\n{aliases}environments: *a19\n"),
        format!("version: 1\napps: {{api: &a {{images: *a}}}}\n{aliases}"),
        format!("version: 1\nenvironments: {}", "[".repeat(100_000)),
        format!("version: 1\n{}", "{a: ".repeat(100_000)),
        format!("version: 1\napps:\n{keys}"),
        format!("version: 1\nmessage: {}\n", "x".repeat(3_000_000)),
        "version: 1\0\n".to_owned(),
    ] {
        let world = World::new();
        import(&world, &file("promote.yaml", &text));
        let report = soon(&world, PLAN).ends("invalid", 2);
        let reason = report["reason"].as_str().unwrap();
        assert!(
            reason.contains("promote.yaml") && reason.len() < 4000,
            "{} bytes",
            reason.len()
        );
    }
}

#[test]
fn a_promote_yaml_cannot_lead_out_of_the_repository() {
    let world = World::new();
    for path in [
        "../{app}",
        "/etc/{app}",
        "apps/../../{app}",
        ".git/{app}",
        "apps/{app}/.GIT",
        ".github/{app}",
        ".GitHub/workflows",
        "a\\\\{app}",
        "a\\n{app}",
        "a\\u0000{app}",
    ] {
        import(
            &world,
            &file("promote.yaml", &format!("version: 1\nlayout: {{path: \"{path}\"}}\n")),
        );
        let report = soon(&world, PLAN).ends("invalid", 2);
        assert!(
            report["reason"].as_str().unwrap().contains("for api in dev"),
            "{report:#}"
        );
    }
}

#[test]
fn times_beyond_all_clocks_end_no_run() {
    let world = World::new();
    let environment =
        "{name: dev, settle: 584542046090years, timeout: 584542046090years, pause-timeout: 584542046090years}";
    let text = format!("version: 1\nenvironments: [{environment}]\n");
    import(&world, &file("promote.yaml", &text));
    let report = world.land(PLAN).ends("invalid", 2);
    for key in ["settle", "timeout", "pause-timeout"] {
        assert!(
            report["reason"].as_str().unwrap().contains(&format!("`{key}`")),
            "{report:#}"
        );
    }
}

#[test]
fn links_out_of_the_repository_and_submodules_are_never_followed() {
    let here = "a".repeat(40);
    let pin = overlay("api", "dev");
    let folder = pin.trim_end_matches("/kustomization.yaml").to_owned();
    let link = |path: &str, to: &str| format!("D {path}\nM 120000 inline {path}\ndata {}\n{to}\n", to.len());
    for (changes, words) in [
        (
            link(&pin, "../staging/kustomization.yaml"),
            "is a symbolic link or a submodule",
        ),
        (link("apps", "/etc"), "which leaves the repository"),
        (
            format!("D {folder}\nM 160000 {here} {folder}\n"),
            "is a symbolic link or a submodule",
        ),
        (
            format!("D {pin}\nM 160000 {here} {pin}\n"),
            "is a symbolic link or a submodule",
        ),
        (
            link("promote.yaml", "/etc/passwd"),
            "promote.yaml in the infra-repo is not a regular file",
        ),
        (
            format!("M 160000 {here} promote.yaml\n"),
            "promote.yaml in the infra-repo is not a regular file",
        ),
    ] {
        let world = World::new();
        import(&world, &changes);
        let before = world.sandbox.tip().unwrap();
        let report = soon(&world, "--app api --environment dev --tag abc1234 --output json").ends("invalid", 2);
        assert!(
            report["reason"].as_str().unwrap().contains(words),
            "{words}: {report:#}"
        );
        assert_eq!(world.sandbox.tip().unwrap(), before);
    }
}

/// A tree that no git would write: names that leave the folder, or are git's own.
#[test]
fn a_tree_with_names_that_git_forbids_is_no_way_out() {
    let world = World::new();
    let git = |args: &[&str], input: &[u8]| world.sandbox.git.git_with("infra-repo", args, input).unwrap();
    let blob = git(&["hash-object", "-w", "--stdin"], b"images: []\n");
    let entry = |name: &str, mode: &str, id: &str| {
        let raw: Vec<u8> = (0..20)
            .map(|n| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        [format!("{mode} {name}\0").into_bytes(), raw].concat()
    };
    let tree = |entries: &[Vec<u8>]| {
        let id = git(
            &["hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
            &entries.concat(),
        );
        id.trim().to_owned()
    };
    let blob = blob.trim();
    for name in ["..", ".git", "a/b", "kustomization.yaml\u{202e}", ".", ""] {
        let overlay = tree(&[entry(name, "100644", blob), entry("kustomization.yaml", "100644", blob)]);
        let dev = tree(&[entry("dev", "40000", &overlay)]);
        let overlays = tree(&[entry("overlays", "40000", &dev)]);
        let api = tree(&[entry("api", "40000", &overlays)]);
        let root = tree(&[entry("apps", "40000", &api)]);
        let commit = git(&["commit-tree", "-m", "Odd", &root], b"");
        world
            .sandbox
            .git(&["update-ref", "refs/heads/main", commit.trim()])
            .unwrap();
        for words in [
            PLAN,
            "--app api --environment dev --image myorg/api:v2 --allow new-entry --output json",
        ] {
            let report = soon(&world, words).report();
            assert_ne!(report["outcome"], "bug", "{name:?}: {report:#}");
        }
    }
}

/// Folders that are files, and commits that are none: what is there and of another kind is not fetched again and again.
#[test]
fn an_object_of_another_kind_than_its_name_says_ends_in_words() {
    let world = World::new();
    let git = |args: &[&str], input: &[u8]| {
        let out = world.sandbox.git.git_with("infra-repo", args, input).unwrap();
        out.trim().to_owned()
    };
    let raw = |id: &str| -> Vec<u8> {
        let digits = |n: usize| u8::from_str_radix(&id[2 * n..2 * n + 2], 16).unwrap();
        (0..20).map(digits).collect()
    };
    let tree = |name: &str, mode: &str, id: &str| {
        let entry = [format!("{mode} {name}\0").into_bytes(), raw(id)].concat();
        git(&["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &entry)
    };
    let blob = git(&["hash-object", "-w", "--stdin"], b"images: []\n");
    let empty = git(&["mktree"], b"");
    let inner = tree("api", "40000", &blob);
    let file = tree(
        "overlays",
        "40000",
        &tree("dev", "40000", &tree("kustomization.yaml", "100644", &empty)),
    );
    for root in [
        tree("apps", "40000", &blob),
        tree("apps", "40000", &inner),
        tree("apps", "40000", &tree("api", "40000", &file)),
        blob.clone(),
    ] {
        let text =
            format!("tree {root}\nauthor M <m@example.com> 1 +0000\ncommitter M <m@example.com> 1 +0000\n\nOdd\n");
        let commit = git(
            &["hash-object", "-w", "-t", "commit", "--literally", "--stdin"],
            text.as_bytes(),
        );
        std::fs::write(
            world.sandbox.git.path("infra-repo").join("refs/heads/main"),
            format!("{commit}\n"),
        )
        .unwrap();
        for words in [
            PLAN,
            "--app api --environment dev --tag v2 --output json",
            "status --app api --environment dev --output json",
            "history --app api --environment dev --output json",
        ] {
            let report = soon(&world, words).report();
            assert_ne!(report["outcome"], "bug", "{root} {words}: {report:#}");
        }
    }
}

#[test]
fn a_commit_of_a_year_that_nobody_can_write_breaks_nothing() {
    let world = World::new();
    // `status` shows the time of the commit that changed the pin.
    let path = overlay("api", "dev");
    let text = world.sandbox.git(&["show", &format!("main:{path}")]).unwrap();
    for (when, tag) in [("999999999999999 +0000", "odd1"), ("9223372036854775807 +0000", "odd2")] {
        import_as(&world, when, "x", &file(&path, &text.replace("4f9d2c1", tag)));
        let report = soon(&world, "status --app api --environment dev --output json").ends("ok", 0);
        assert_eq!(report["status"][0]["at"], "9999-12-31T23:59:59Z", "{report:#}");
    }
    world
        .live("--app api --environment dev --tag abc1234 --settle 1s")
        .ends("promoted", 0);
}

fn canned(part: &str, body: String) -> Canned {
    Canned {
        part: part.to_owned(),
        times: 999,
        status: 200,
        content_type: "application/json".to_owned(),
        body,
    }
}

#[test]
fn answers_of_argo_cd_made_to_break_a_reader_end_in_words() {
    let words = json!({"error": "ä".repeat(3_000_000), "code": 7, "message": "x"}).to_string();
    for (status, body) in [
        (403, words),
        (200, "[".repeat(200_000)),
        (200, "{\"metadata\":".repeat(100_000)),
        (200, "{}".to_owned()),
        (200, "null".to_owned()),
        (200, "\"text\"".to_owned()),
        (403, "{\"error\": {\"message\": 7}}".to_owned()),
    ] {
        let world = World::new();
        world.sandbox.argocd.answer(Canned {
            status,
            ..canned("/applications/api-dev", body)
        });
        let step = world
            .step()
            .with("app", "api")
            .with("environment", "dev")
            .with("tag", "abc1234");
        let done = step.run();
        assert_eq!(
            done.ran.code,
            4,
            "{}",
            &done.ran.stdout[..2000.min(done.ran.stdout.len())]
        );
        assert!(
            done.ran.stdout.len() + done.summary.len() < 200_000,
            "{}",
            done.ran.stdout.len()
        );
        assert!(done.outputs["report"].len() < 64 * 1024);
    }
}

#[test]
fn numbers_of_a_rollout_beyond_all_bounds_break_nothing() {
    let world = World::new();
    let most = u64::MAX;
    let object = json!({
        "metadata": {"name": "api", "generation": most},
        "spec": {"strategy": {"canary": {"steps": [
            {"setWeight": most}, {"pause": {"duration": most}}, {"pause": {"duration": "584542046090y"}}, {"pause": {"duration": most}},
        ]}}},
        "status": {"observedGeneration": most.to_string(), "phase": "Paused", "currentStepIndex": u32::MAX,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "9999-12-31T23:59:59Z"}]},
    });
    let manifest = json!({"manifest": object.to_string()}).to_string();
    world.sandbox.argocd.answer(canned("kind=Rollout", manifest));
    let words = "--app api --environment production --tag abc1234 --timeout 5s --pause-timeout 5s --settle 1s";
    let report = world.live(words).report();
    assert_ne!(report["outcome"], "bug", "{report:#}");
}

/// A server that answers every request with the same bytes, and keeps what it was asked.
struct Server {
    address: String,
    heard: Arc<Mutex<String>>,
}

impl Server {
    fn start(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut bytes = [0; 16 * 1024];
                let count = stream.read(&mut bytes).unwrap_or_default();
                let asked = String::from_utf8_lossy(&bytes[..count]).into_owned();
                let _ = stream.write_all(answer(&asked).as_bytes());
                kept.lock().unwrap().push_str(&asked);
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_redirect_of_argo_cd_takes_no_token_anywhere() {
    let world = World::new();
    let thief = Server::start(|_| answer("200 OK", "content-type: application/json\r\n", "{}"));
    let to = format!("location: http://{}/api/v1/session/userinfo\r\n", thief.address);
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let to = to.clone();
        let argocd = Server::start(move |_| answer(status, &to, ""));
        let server = format!("http://{}", argocd.address);
        let repo = world.sandbox.infra_repo();
        let env = [
            ("PROMOTE_TOKEN", world.sandbox.git_token()),
            ("ARGOCD_SERVER", &server),
            ("ARGOCD_AUTH_TOKEN", "canary-token-of-argocd"),
        ];
        for command in ["promote", "preflight"] {
            let args = [
                "--app",
                "api",
                "--environment",
                "dev",
                "--infra-repo",
                &repo,
                "--output",
                "json",
            ];
            let more: &[&str] = if command == "promote" { &["--tag", "v2"] } else { &[] };
            let report = run(world.folder.path(), &env, &[&[command][..], &args, more].concat()).ends("unreachable", 4);
            assert!(
                report["reason"].as_str().unwrap().contains("redirects to"),
                "{report:#}"
            );
        }
        assert!(argocd.heard().contains("canary-token-of-argocd"));
    }
    assert_eq!(thief.heard(), "", "somebody else was asked");
}

/// Who answers with the token, cut off somewhere, must not get the most of it into the log.
#[test]
fn a_token_that_is_cut_in_two_is_still_hidden() {
    let world = World::new();
    let token = "canary-0123456789-abcdefghij-KLMNOPQRST-uvwxyz";
    for before in [120, 150, 165, 185] {
        let page = format!("{}{token} and more", "x".repeat(before));
        let argocd = Server::start(move |_| answer("200 OK", "content-type: text/html\r\n", &page));
        let server = format!("http://{}", argocd.address);
        let repo = world.sandbox.infra_repo();
        let env = [
            ("PROMOTE_TOKEN", world.sandbox.git_token()),
            ("ARGOCD_SERVER", &server),
            ("ARGOCD_AUTH_TOKEN", token),
        ];
        let args = [
            "plan",
            "--app",
            "api",
            "--environment",
            "dev",
            "--tag",
            "v2",
            "--infra-repo",
            &repo,
            "--output",
            "json",
        ];
        let ran = run(world.folder.path(), &env, &args).exits(4);
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(shown.contains("is a web page"), "{shown}");
        assert!(!shown.contains(&token[..token.len() / 2]), "{before}: {shown}");
    }
}

#[test]
fn a_server_that_drips_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                // An answer before the question would be refused at once.
                let question = BufReader::new(stream.try_clone().unwrap());
                question.lines().map_while(Result::ok).find(String::is_empty);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999\r\n\r\n";
                let _ = stream.write_all(head.as_bytes());
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(200));
                }
            });
        }
    });
    let world = World::new();
    let env = [
        ("PROMOTE_TOKEN", world.sandbox.git_token()),
        ("ARGOCD_SERVER", &server),
        ("ARGOCD_AUTH_TOKEN", "a.b.c"),
    ];
    let repo = world.sandbox.infra_repo();
    let args = ["preflight", "--infra-repo", &repo, "--output", "json"];
    let report = run(world.folder.path(), &env, &args).ends("unreachable", 4);
    assert!(
        report["reason"].as_str().unwrap().contains("no answer in 20s"),
        "{report:#}"
    );
}
