//! Words of servers, hooks, logs, commits and file names on their way through the binary: shown, and obeyed by nobody.

use sandbox::argocd::Canned;
use sandbox::overlay;
use serde_json::json;

use super::runner::{commands, lines};
use crate::support::{Step, Stepped, World};

/// Commands of the runner and markup, on every kind of line.
const HOSTILE: &str = "first\n::set-output name=changed::no\r  ::add-path::/evil\u{2028}::stop-commands::x ##[add-path]/evil \
                       <img src=x onerror=y> [a](https://evil.example) \u{1b}[2J end";

/// Checks that a step's log holds our commands only, and its summary no markup but ours.
#[track_caller]
fn is_obeyed_by_nobody(done: &Stepped, shown: &str) {
    let ours = ["add-mask", "group", "endgroup", "notice", "warning", "error", "debug"];
    let all = [commands(&done.ran.stdout), commands(&done.ran.stderr)].concat();
    let others: Vec<_> = all
        .iter()
        .filter(|command| !ours.contains(&command.name.as_str()))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    for command in &all {
        // What a command carries is printed by the runner, which does not look at it again; but others may.
        let obeyed = lines(&command.data)
            .into_iter()
            .any(|line| super::runner::command(line).is_some());
        assert!(!obeyed, "{command:?}");
    }
    assert!(!done.ran.stdout.contains('\u{1b}') && !done.summary.contains('\u{1b}'));
    let outside_code: String = done.summary.split('`').step_by(2).collect();
    for markup in ["<img", "](https", "<script"] {
        assert!(!outside_code.contains(markup), "{markup} in\n{}", done.summary);
    }
    assert!(
        done.ran.stdout.contains(shown),
        "{shown:?} is told in\n{}",
        done.ran.stdout
    );
    assert!(done.summary.contains(shown), "{shown:?} is told in\n{}", done.summary);
}

fn promoting(world: &World, tag: &str) -> Step {
    world
        .step()
        .env("RUNNER_DEBUG", "1")
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", tag)
        .with("settle", "1s")
}

#[test]
fn words_of_a_hook_are_shown_and_not_obeyed() {
    let world = World::new();
    let script = format!("#!/bin/sh\ncat >&2 <<'EOF'\n{HOSTILE}\nEOF\nexit 1\n");
    world.sandbox.git.hook("infra-repo", "pre-receive", &script).unwrap();
    let done = promoting(&world, "abc1234").run();
    assert_eq!(done.ran.code, 4, "{}", done.ran.stdout);
    is_obeyed_by_nobody(&done, "set-output name=changed");
    assert_eq!(done.outputs["changed"], "false");
}

#[test]
fn words_of_argo_cd_are_shown_and_not_obeyed() {
    for (status, kind, body) in [
        (
            403,
            "application/json",
            json!({"error": HOSTILE, "code": 7, "message": HOSTILE}).to_string(),
        ),
        (200, "text/html", HOSTILE.to_owned()),
        (302, "text/plain", HOSTILE.to_owned()),
    ] {
        let world = World::new();
        world.sandbox.argocd.answer(Canned {
            part: "/api/v1/applications/api-dev".to_owned(),
            times: 99,
            status,
            content_type: kind.to_owned(),
            body,
        });
        let done = promoting(&world, "abc1234").run();
        assert_eq!(done.ran.code, 4, "{}", done.ran.stdout);
        is_obeyed_by_nobody(&done, "name=changed");
    }
}

#[test]
fn words_of_a_git_host_are_shown_and_not_obeyed() {
    let world = World::new();
    for (status, kind) in [
        (403, "text/plain; charset=utf-8"),
        (500, "text/plain"),
        (200, HOSTILE.split('\n').next().unwrap()),
    ] {
        world.sandbox.git.answer(sandbox::git::Canned {
            path: "/infra-repo.git".to_owned(),
            times: 99,
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: HOSTILE.replace("first\n", "").into_bytes(),
        });
        let done = promoting(&world, "abc1234").with("landing-timeout", "10s").run();
        world.sandbox.git.forget_answers();
        assert_eq!(done.ran.code, 4, "{}", done.ran.stdout);
        is_obeyed_by_nobody(&done, "127.0.0.1");
    }
}

#[test]
fn what_a_pod_wrote_is_shown_and_not_obeyed() {
    let world = World::new();
    let line = |content: &str| json!({"result": {"content": content}}).to_string();
    let text: Vec<String> = HOSTILE.split('\n').map(line).collect();
    world.sandbox.argocd.answer(Canned {
        part: "/logs".to_owned(),
        times: 99,
        status: 200,
        content_type: "application/json".to_owned(),
        body: text.join("\n") + "\n",
    });
    let done = promoting(&world, "crash01").with("timeout", "30s").run();
    assert_ne!(done.ran.code, 0, "{}", done.ran.stdout);
    is_obeyed_by_nobody(&done, "set-output name=changed");
}

#[test]
fn the_commit_that_supersedes_ours_is_shown_and_not_obeyed() {
    let world = World::at_speed(10.0);
    let step = promoting(&world, "slow1");
    let before = world.commits();
    let running = step.start();
    world.until("the commit", |_| world.commits() > before);
    world.until("it is synced", |sandbox| {
        let app = sandbox.argocd.application("api-dev").unwrap();
        app["status"]["sync"]["revision"] == json!(sandbox.tip().unwrap().trim())
    });
    let theirs = world.sandbox.overlay("api", "dev").unwrap().replace("slow1", "v9");
    let subject = HOSTILE.replace("first\n", "");
    world.sandbox.commit(&overlay("api", "dev"), &theirs, &subject).unwrap();
    world.sandbox.argocd.refresh("api-dev");
    let done = step.after(running.wait());
    assert_eq!(done.ran.code, 9, "{}", done.ran.stdout);
    is_obeyed_by_nobody(&done, "set-output name=changed");
}

#[test]
fn names_of_files_are_shown_and_not_obeyed() {
    let world = World::new();
    // Git's own quoting of the name `::error::x` behind a line end.
    world
        .sandbox
        .commit(
            "\"apps/api/overlays/qa/a\\n::set-output name=changed::no\\r##[add-path]<img src=x>\"",
            "x",
            "x",
        )
        .unwrap();
    let done = promoting(&world, "abc1234").with("environment", "qa").run();
    assert_eq!(done.ran.code, 2, "{}", done.ran.stdout);
    is_obeyed_by_nobody(&done, "set-output name=changed");
}

#[test]
fn debug_lines_are_for_debug_runs_only() {
    let world = World::new();
    let count = |step: Step| {
        let done = step.with("command", "status").run();
        commands(&done.ran.stdout)
            .iter()
            .filter(|command| command.name == "debug")
            .count()
    };
    let step = || world.step().with("command", "status");
    assert_eq!((count(step()), count(step().env("RUNNER_DEBUG", "0"))), (0, 0));
    assert!(count(step().env("RUNNER_DEBUG", "1")) > 0);
}

#[test]
fn files_that_cannot_be_written_never_lose_a_promotion() {
    let world = World::new();
    for (name, tag) in [("GITHUB_OUTPUT", "one0001"), ("GITHUB_STEP_SUMMARY", "two0002")] {
        let step = promoting(&world, tag);
        let folder = step.path("workspace").to_str().unwrap().to_owned();
        let done = step.env(name, &folder).run();
        assert_eq!(done.ran.code, 0, "{}", done.ran.stdout);
        let all = commands(&done.ran.stdout);
        let warnings: Vec<_> = all.iter().filter(|command| command.name == "warning").collect();
        assert!(warnings.len() == 1 && warnings[0].data.contains(name), "{warnings:?}");
        assert!(world.sandbox.overlay("api", "dev").unwrap().contains(tag));
    }
}

#[test]
fn a_promotion_leaves_nothing_but_what_the_runner_reads() {
    let world = World::new();
    let step = promoting(&world, "abc1234");
    let names = |step: &Step| {
        let entries = std::fs::read_dir(step.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names(&step);
    assert_eq!(step.run().ran.code, 0);
    assert_eq!(names(&step), before);
    assert_eq!(std::fs::read_dir(step.path("workspace")).unwrap().count(), 0);
}

#[test]
fn more_than_ten_warnings_are_told_in_the_log() {
    let world = World::new();
    for n in 0..14 {
        let path = overlay(&format!("app{n}"), "dev");
        world.sandbox.commit(&path, "images: [", "Broken").unwrap();
    }
    let step = world.step().with("command", "status").with("environment", "dev");
    let done = step.run();
    assert_eq!(done.ran.code, 0, "{}", done.ran.stdout);
    let annotated = commands(&done.ran.stdout)
        .iter()
        .filter(|command| command.name == "warning")
        .count();
    let told = lines(&done.ran.stdout)
        .iter()
        .filter(|line| line.starts_with("warning: apps/app"))
        .count();
    assert_eq!((annotated, told), (10, 4), "{}", done.ran.stdout);
}

#[test]
fn a_summary_that_no_runner_takes_is_cut_at_a_character() {
    let world = World::new();
    for (app, words) in [("api", "ä"), ("web", "ö")] {
        let text = format!(
            "images:\n- name: myorg/x\n  # {}\n  newTag: v1\n",
            words.repeat(300_000)
        );
        world.sandbox.commit(&overlay(app, "dev"), &text, "Wide").unwrap();
    }
    let step = world
        .step()
        .with("command", "plan")
        .with("app", "api,web")
        .with("environment", "dev")
        .with("tag", "v2");
    let done = step.run();
    assert_eq!(done.ran.code, 0, "{}", &done.ran.stderr);
    let length = done.summary.len();
    assert!(length > 890 * 1024 && length <= 900 * 1024, "{length}");
    assert!(done.summary.ends_with("a summary holds no more\n"));
    assert!(done.outputs["report"].len() <= 64 * 1024);
}
