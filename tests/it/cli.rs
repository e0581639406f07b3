//! The command line: help, inputs, mistakes, exit codes.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ran, run};

/// What is right; a test adds what is wrong. It ends before any request: the branch cannot be.
const RIGHT: [&str; 10] = [
    "--app",
    "api",
    "--environment",
    "dev",
    "--tag",
    "abc1234",
    "--infra-repo",
    "myorg/infra-repo",
    "--branch",
    "no branch",
];

fn promote(env: &[(&str, &str)], args: &[&str]) -> Ran {
    run(Path::new("/"), env, args)
}

fn mistakes(env: &[(&str, &str)], args: &[&str]) -> String {
    let mut all = vec!["--output", "json"];
    all.extend(RIGHT);
    all.extend(args);
    let report = promote(env, &all).ends("invalid", 2);
    report["reason"].as_str().unwrap().to_owned()
}

#[test]
fn help_and_version_end_well() {
    let version = promote(&[], &["--version"]).exits(0);
    assert_eq!(version.stdout, format!("promote {}\n", env!("CARGO_PKG_VERSION")));
    for args in [
        &["--help"][..],
        &["plan", "--help"],
        &["set-image", "-h"],
        &["--tag", "x", "--help"],
        &["help"],
        &["help", "plan"],
    ] {
        let help = promote(&[], args).exits(0);
        assert!(
            help.stdout.contains("Usage: promote") && help.stderr.is_empty(),
            "{args:?}"
        );
    }
    let text = |args: &[&str]| promote(&[], args).exits(0).stdout;
    assert_eq!(text(&["version"]), version.stdout);
    assert_eq!(text(&["help", "wait"]), text(&["wait", "--help"]));
    assert_eq!(text(&["wait", "help"]), text(&["wait", "--help"]));
    assert!(text(&["-h"]).lines().count() < 60 && text(&["--help"]).contains("wait|succeed|fail"));
    promote(&[], &["help", "plann"])
        .exits(2)
        .says("invalid: there is no such command")
        .says("promote help plan");
    for word in ["version", "completions", "man", "help"] {
        let usage = format!("Usage: promote {word}");
        assert!(
            text(&[word, "-h"]).contains(&usage) && text(&["help", word]).contains(&usage),
            "{word}"
        );
    }
    promote(&[], &["status", "--output", "yaml"])
        .exits(2)
        .says("is none of `text`, `json`, `html`\n");
}

#[test]
fn the_program_alone_shows_its_usage() {
    let alone = promote(&[], &[]).exits(2);
    assert!(
        alone.stderr.contains("Usage: promote") && alone.stdout.is_empty(),
        "{alone:?}"
    );
    promote(&[("PROMOTE_APP", "api")], &[])
        .exits(2)
        .says("`environment` is missing");
}

#[test]
fn a_page_that_cannot_be_written_is_no_success() {
    for args in [&["--help"][..], &["man"], &["completions", "zsh"], &["version"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_promote"))
            .args(args)
            .env_clear()
            .stdout(full)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.code() == Some(2) && stderr.contains("stdout"),
            "{args:?}: {stderr}"
        );
    }
}

/// Variables, flags, and parts of what is said about them.
type Case = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
    &'static [&'static str],
);

const CASES: &[Case] = &[
    (
        &[],
        &["--sync", "atuo"],
        &["`sync` \"atuo\" (--sync)", "did you mean `auto`?"],
    ),
    (
        &[("PROMOTE_TIMEOUT", "10")],
        &[],
        &["`timeout` \"10\" (PROMOTE_TIMEOUT)", "`10s`"],
    ),
    (
        &[],
        &["--digest", "sha256:12"],
        &["`digest` \"sha256:12\" (--digest) is not a digest", "64"],
    ),
    (&[], &["--wait"], &["`wait` \"true\" (--wait) needs `argocd-server`"]),
    (
        &[("ARGOCD_SERVER", "http://argocd.example.com")],
        &[],
        &[
            "(ARGOCD_SERVER) is plain http",
            "`argocd-token` is missing",
            "PROMOTE_ARGOCD_TOKEN",
        ],
    ),
    (
        &[("ARGOCD_AUTH_TOKEN", "hunter2")],
        &[],
        &["`argocd-token` (ARGOCD_AUTH_TOKEN) is given without `argocd-server`"],
    ),
    (
        &[],
        &["--imgae", "x"],
        &["`--imgae` is not a flag: did you mean `--image`?"],
    ),
    (
        &[],
        &["--token", "hunter2"],
        &["`--token` would show the secret", "--token-file FILE", "PROMOTE_TOKEN"],
    ),
    (
        &[],
        &["--token-file", "/no/such/file"],
        &["`--token-file` names no file that exists"],
    ),
    (
        &[],
        &["--ca-bundle", "/no/such/file"],
        &["`ca-bundle` \"/no/such/file\" (--ca-bundle) cannot be read"],
    ),
    (
        &[],
        &["--registry", "https://ghcr.io/myorg"],
        &["`registry` \"https://ghcr.io/myorg\" (--registry) is not a host such as `ghcr.io`"],
    ),
    (
        &[],
        &["--ca-bundle", "-----BEGIN nothing"],
        &["`ca-bundle`", "(--ca-bundle)", "PEM"],
    ),
    (
        &[],
        &["--from", "dev"],
        &["`from` \"dev\" (--from) is one of `environment`"],
    ),
    (
        &[],
        &["--image", "myorg/api"],
        &[
            "`image` \"myorg/api\" (--image) has neither tag nor digest",
            "both given",
        ],
    ),
    (
        &[],
        &["--author", "me"],
        &["`author` \"me\" (--author) is not of the form `Name <mail>`"],
    ),
    (
        &[],
        &["--allow", "mutable-tags"],
        &["`allow` \"mutable-tags\" (--allow)", "did you mean `mutable-tag`?"],
    ),
    (&[], &["--app", "api"], &["`branch`"]),
    (
        &[],
        &["--commit", "a3f1c8b"],
        &["`--commit` is not a flag of `promote`: only of `wait`"],
    ),
    (&[], &["--dir", "x"], &["`--dir` is not a flag of `promote`"]),
    (&[], &["--", "x"], &["belong to `set-image`"]),
    (
        &[],
        &[
            "--argocd-server",
            "https://me:hunter2@a.example",
            "--argocd-headers-file",
            "/dev/null",
        ],
        &["`argocd-server` \"https://***@a.example\"", "as `argocd-token`"],
    ),
];

#[test]
fn each_mistake_names_the_input_its_value_its_source_and_what_would_be_right() {
    for (env, args, parts) in CASES {
        let said = mistakes(env, args);
        for part in *parts {
            assert!(said.contains(part), "{args:?}: {part:?} in\n{said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_password_in_an_address_is_refused_and_not_echoed() {
    for address in [
        "https://me:hunter2@git.example.com/o/r",
        "ssh://git:hunter2@git.example.com/o/r",
    ] {
        let ran = promote(
            &[],
            &[
                "--app",
                "a",
                "--environment",
                "dev",
                "--tag",
                "v1",
                "--infra-repo",
                address,
            ],
        )
        .exits(2);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"), "{ran:?}");
        assert!(ran.stdout.contains("`infra-repo`"), "{ran:?}");
    }
}

#[test]
fn a_secret_in_the_place_of_a_file_is_not_shown() {
    for args in [
        &["--token-file", "ghsCANARY0123456789"][..],
        &["--token-file=ghsCANARY0123456789"],
        &["--argocd-token-file", "ghsCANARY0123456789"],
        &["--infra-repo", "https://h/o/r?access_token=ghsCANARY0123456789"],
        &["--infra-repo", "https://h/o/r#ghsCANARY0123456789"],
        &["--infra-repo", "https:/x:ghsCANARY0123456789@h/o"],
        &["--infra-repo", "https://x:ghsCANARY0123456789%40h/o"],
        &["--argocd-server", "https://h/?token=ghsCANARY0123456789"],
        &["--argocd-server", "https://h/#ghsCANARY0123456789"],
    ] {
        let all = ["--app", "a", "--environment", "dev", "--tag", "v1"].iter().chain(args);
        let ran = promote(&[], &all.copied().collect::<Vec<_>>()).exits(2);
        assert!(!format!("{ran:?}").contains("CANARY"), "{args:?}: {ran:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_leaves_no_core_file() {
    let sandbox = sandbox::Sandbox::start_blocking(sandbox::Options::default()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_promote"))
        .args(["status", "--token-file", "-", "--infra-repo", &sandbox.infra_repo()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for stdin: the secret is about to come.
    let limits = |pid: u32| {
        (0..500).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
            text.lines()
                .find(|line| line.starts_with("Max core file size"))
                .filter(|line| line.split_whitespace().nth(4) == Some("0"))
                .map(str::to_owned)
        })
    };
    let found = limits(child.id());
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(found.is_some(), "a core file could be written");
}

/// What a machine lacks is no mistake of promote: whichever open file is the one too many, the report says what is missing.
#[test]
#[cfg(unix)]
fn too_few_open_files_are_no_bug() {
    let sandbox = sandbox::Sandbox::start_blocking(sandbox::Options::default()).unwrap();
    let repo = sandbox.infra_repo();
    let mut fewest = None;
    // With fewer than 4 a program that is linked dynamically does not begin.
    for files in 4..=16 {
        let out = Command::new("sh")
            .args(["-c", &format!("ulimit -n {files}; exec \"$@\""), "sh"])
            .args([
                env!("CARGO_BIN_EXE_promote"),
                "plan",
                "--app",
                "api",
                "--environment",
                "dev",
                "--tag",
                "v2",
            ])
            .args(["--output", "json", "--infra-repo", &repo])
            .env_clear()
            .env("PROMOTE_TOKEN", sandbox.git_token())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let report: serde_json::Value =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{files}: {error} {out:?}"));
        match report["outcome"].as_str().unwrap() {
            "planned" => fewest = fewest.or(Some(files)),
            "unreachable" => assert!(
                report["reason"].as_str().unwrap().contains("open files"),
                "{files}: {report:#}"
            ),
            _ => panic!("{files}: {report:#}"),
        }
    }
    assert!(fewest.is_some_and(|files| files <= 12), "{fewest:?}");
}

#[test]
fn nothing_given_lists_everything_that_is_missing() {
    let ran = promote(&[], &["promote"]).exits(2);
    for name in ["`app`", "`environment`", "`infra-repo`", "nothing says what to promote"] {
        assert!(ran.stdout.contains(name), "{name} in {}", ran.stdout);
        assert!(!ran.stderr.contains(name), "a log that holds both streams has it once");
    }
}

#[test]
fn an_unknown_command_offers_the_nearest() {
    let ran = promote(&[], &["plann", "--tag", "x", "--output", "json"]).ends("invalid", 2);
    let reason = ran["reason"].as_str().unwrap();
    assert_eq!(reason, "there is no such command: did you mean `promote plan`?");
    promote(&[], &["zzzzzz"])
        .exits(2)
        .says("the commands are promote, plan, ");
    let step = [
        ("GITHUB_ACTIONS", "true"),
        ("INPUT_COMMAND", "rollbak"),
        ("INPUT_TAG", "v1"),
    ];
    promote(&step, &[])
        .exits(2)
        .says("`command` \"rollbak\" (INPUT_COMMAND) is none of `promote`, ");
}

#[test]
fn a_moving_tag_is_refused_with_the_way() {
    let args = [
        "--app",
        "a",
        "--environment",
        "dev",
        "--infra-repo",
        "o/r",
        "--tag",
        "staging-latest",
    ];
    promote(&[], &args)
        .exits(2)
        .says("looks as if it moves")
        .says("image: NAME:staging-latest@${{ steps.build.outputs.digest }}");
}

#[test]
fn a_flag_comes_before_a_variable_and_an_empty_flag_is_none() {
    let env = [("PROMOTE_SYNC", "one"), ("PROMOTE_ON_PAUSE", "two")];
    let said = mistakes(&env, &["--sync=three", "--on-pause", ""]);
    assert!(
        said.contains("`sync` \"three\" (--sync)") && !said.contains("\"one\""),
        "{said}"
    );
    assert!(said.contains("`on-pause` \"two\" (PROMOTE_ON_PAUSE)"), "{said}");
}

#[test]
fn inputs_of_a_step_are_not_read_on_a_laptop() {
    let said = mistakes(&[("INPUT_SYNC", "nonsense"), ("INPUT_NONSENSE", "x")], &[]);
    assert!(!said.contains("nonsense"), "{said}");
}

#[test]
fn whoever_closes_the_pipe_has_read_enough() {
    for args in [&["--help"][..], &["--tag", "x"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_promote"))
            .args(args)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(
            !stderr.contains("panicked") && done.status.code() != Some(101),
            "{stderr}"
        );
    }
}

#[test]
fn set_image_edits_one_file_and_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kustomization.yaml");
    std::fs::write(&file, "images:\n- name: api # ours\n  newTag: v1\n").unwrap();
    let dir = folder.path().to_str().unwrap();
    let ran = promote(&[], &["set-image", "--dir", dir, "--", "api:v2"]).exits(0);
    assert!(ran.stdout.contains("api:v1 -> api:v2"), "{}", ran.stdout);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "images:\n- name: api # ours\n  newTag: v2\n"
    );
    let mistyped = ["set-image", "--output", "json", "--dir", dir, "--", "apii:v2"];
    let report = promote(&[], &mistyped).ends("ok", 0);
    assert_eq!(report["changes"][0]["after"], "apii:v2", "{report}");
    assert_eq!(
        report["warnings"][0], "`apii` is a new entry: did you mean `api`?",
        "{report}"
    );
    run(folder.path(), &[], &["set-image", "api:v3"]).exits(0);
    assert!(std::fs::read_to_string(&file).unwrap().contains("newTag: v3"));
    std::fs::write(&file, "images:\n- name: api\n  newName: reg.io/api:v1\n").unwrap();
    promote(&[], &["set-image", "--dir", dir, "--", "api=*:v2"])
        .exits(0)
        .says("the image becomes `reg.io/api:v1:v2`");
    promote(&[], &["set-image", "--dir", dir])
        .exits(2)
        .says("no image is given");
    promote(&[], &["set-image", "--dir", dir, "--tag", "x", "--", "api:v2"])
        .exits(2)
        .says("`--tag` is not a flag of `set-image`: only of `promote`, `plan`");
}

#[test]
fn a_secret_may_come_through_stdin() {
    let sandbox = sandbox::Sandbox::start_blocking(sandbox::Options::default()).unwrap();
    let repo = sandbox.infra_repo();
    for (text, code) in [
        (sandbox.git_token().to_owned() + "\n", 0),
        ("another-token\n".to_owned(), 4),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_promote"))
            .args([
                "plan",
                "--app",
                "api",
                "--environment",
                "dev",
                "--tag",
                "abc1234",
                "--token-file",
                "-",
                "--infra-repo",
                &repo,
            ])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{stderr}");
        assert!(!stderr.contains(text.trim()), "{stderr}");
    }
}

#[test]
fn a_signal_ends_the_wait_for_stdin_with_a_report() {
    for (number, code) in [(2, 130), (15, 143)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_promote"))
            .args([
                "status",
                "--token-file",
                "-",
                "--infra-repo",
                "http://127.0.0.1:9/x.git",
                "--output",
                "json",
            ])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (pid, stdin) = (child.id(), child.stdin.take());
        // Its handler of the signal is there once it waits.
        let bit = |text: &str| {
            let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
            u64::from_str_radix(mask.trim(), 16)
                .ok()
                .filter(|mask| mask >> (number - 1) & 1 == 1)
        };
        let waits = (0..2000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            bit(&std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()).is_some()
        });
        assert!(waits, "it takes no signal {number}");
        let sent = Command::new("kill")
            .args([format!("-{number}"), pid.to_string()])
            .status();
        assert!(sent.unwrap().success());
        let done = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(done.status.code(), Some(code), "{done:?}");
        let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(
            (&report["outcome"], &report["exit_code"]),
            (&"cancelled".into(), &code.into())
        );
        assert!(report["reason"].as_str().unwrap().contains("from stdin"), "{report:#}");
    }
}

#[test]
fn the_laptops_own_token_opens_what_is_on_this_machine() {
    let sandbox = sandbox::Sandbox::start_blocking(sandbox::Options::default()).unwrap();
    let repo = sandbox.infra_repo();
    let args = [
        "plan",
        "--app",
        "api",
        "--environment",
        "dev",
        "--tag",
        "abc1234",
        "--infra-repo",
        &repo,
    ];
    promote(&[("GH_TOKEN", sandbox.git_token())], &args).exits(0);
    promote(&[], &args).exits(4);
}
