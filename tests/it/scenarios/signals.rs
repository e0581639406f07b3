//! SIGHUP, SIGINT and SIGTERM while promote computes, and after the verdict: the step ends within 2 s, with report, outputs and the right code.

use std::io::Write as _;
use std::time::{Duration, Instant};

use sandbox::front::{Front, Manner};
use sandbox::git::Canned;

use super::bounds::packet;
use crate::support::{Step, Stepped, World, ignores_hangup};

/// What a cancelled step has, and what a busy machine takes beside that.
const SOON: Duration = Duration::from_secs(2 + 3);

/// Runs a step for each signal, and sends it once `so` says.
fn each_signal(step: impl Fn() -> (World, Step), so: impl Fn(&World), ends: impl Fn(&World, u8, &Stepped)) {
    for signal in [1, 2, 15] {
        if signal == 1 && ignores_hangup() {
            continue;
        }
        let (world, step) = step();
        let running = step.start();
        so(&world);
        let since = Instant::now();
        running.signal(signal);
        let stepped = step.after(running.wait());
        assert!(
            since.elapsed() < SOON,
            "signal {signal}: {:?}\n{}",
            since.elapsed(),
            stepped.ran.stdout
        );
        assert!(
            !stepped.summary.is_empty() && !stepped.outputs["report"].is_empty(),
            "signal {signal}"
        );
        ends(&world, u8::try_from(signal).unwrap(), &stepped);
    }
}

/// A pack of so many blobs of 64 KiB, which is small to send and large to unpack, as the answer to a fetch.
fn heavy(blobs: u32) -> Vec<u8> {
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(&vec![0; 64 << 10]).unwrap();
    // A blob of 65,536 bytes, in the encoding of packs.
    let blob = [&[0xb0, 0x80, 0x20][..], &deflated.finish().unwrap()].concat();
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&blobs.to_be_bytes());
    pack.extend((0..blobs).flat_map(|_| blob.clone()));
    pack.extend_from_slice(&[0; 20]);
    let mut answer = Vec::new();
    packet(&mut answer, b"packfile\n");
    for part in pack.chunks(60_000) {
        packet(&mut answer, &[&[1], part].concat());
    }
    answer.extend_from_slice(b"0000");
    answer
}

#[test]
fn a_signal_ends_a_run_that_unpacks() {
    let kind = vec![(
        "content-type".to_owned(),
        "application/x-git-upload-pack-result".to_owned(),
    )];
    let answer = heavy(700);
    each_signal(
        || {
            let world = World::new();
            let tip = world.sandbox.tip().unwrap();
            let mut listing = Vec::new();
            packet(
                &mut listing,
                format!("{tip} HEAD symref-target:refs/heads/main\n").as_bytes(),
            );
            listing.extend_from_slice(b"0000");
            for (times, body) in [(1, listing), (99, answer.clone())] {
                world.sandbox.git.answer(Canned {
                    path: "git-upload-pack".to_owned(),
                    times,
                    status: 200,
                    headers: kind.clone(),
                    body,
                });
            }
            let step = world
                .step()
                .with("app", "api")
                .with("environment", "dev")
                .with("tag", "v2");
            (world, step)
        },
        |world| {
            let fetched = |seen: &sandbox::git::Seen| seen.path.contains("upload-pack") && seen.status == 200;
            world.until("the pack is sent", |sandbox| {
                sandbox.git.requests().iter().filter(|seen| fetched(seen)).count() > 1
            });
            std::thread::sleep(Duration::from_millis(200));
        },
        |_, signal, stepped| {
            assert_eq!(stepped.ran.code, 128 + i32::from(signal), "{}", stepped.ran.stdout);
            assert_eq!(stepped.outputs["outcome"], "cancelled");
            assert_eq!(stepped.outputs["changed"], "false");
        },
    );
}

#[test]
fn a_signal_ends_a_run_that_edits_a_large_file() {
    each_signal(
        || {
            let world = World::new();
            let text = world.sandbox.overlay("api", "dev").unwrap();
            let lines: Vec<String> = (0..60_000).map(|n| format!("  - KEY{n}=value {n}\n")).collect();
            let lines = lines.concat();
            let text = format!("{text}configMapGenerator:\n- name: large\n  literals:\n{lines}");
            world
                .sandbox
                .commit(&sandbox::overlay("api", "dev"), &text, "Add a large map")
                .unwrap();
            world.sandbox.git.forget_requests();
            let step = Step::new()
                .with("infra-repo", &world.sandbox.infra_repo())
                .with("token", world.sandbox.git_token())
                .with("dry-run", "true")
                .with("app", "api")
                .with("environment", "dev")
                .with("tag", "v2");
            (world, step)
        },
        |world| {
            // The tip, the folders, the file.
            world.until("the file is sent", |sandbox| {
                sandbox
                    .git
                    .requests()
                    .iter()
                    .filter(|seen| seen.status == 200 && seen.down > 0)
                    .count()
                    > 2
            });
            std::thread::sleep(Duration::from_millis(100));
        },
        |_, signal, stepped| {
            assert_eq!(stepped.ran.code, 128 + i32::from(signal), "{}", stepped.ran.stdout);
            assert_eq!(stepped.outputs["outcome"], "cancelled");
        },
    );
}

/// As many applications as a list can have, each with a source in the repository: finding those of one folder is one pass.
#[test]
fn a_list_of_all_applications_is_looked_through_once() {
    let world = World::new();
    let repo = world.sandbox.infra_repo();
    let app = |n: usize| {
        let path = format!("apps/other{n}/overlays/dev");
        serde_json::json!({"metadata": {"name": format!("other{n}"), "namespace": "argocd"},
            "spec": {"project": "default", "source": {"repoURL": repo, "path": path, "targetRevision": "HEAD"}}})
    };
    let mut items: Vec<serde_json::Value> = (0..9_900).map(app).collect();
    items.push(world.sandbox.argocd.application("api-dev").unwrap());
    world.sandbox.argocd.answer(sandbox::argocd::Canned {
        part: "/api/v1/applications?".to_owned(),
        times: 99,
        status: 200,
        content_type: "application/json".to_owned(),
        body: serde_json::json!({"items": items}).to_string(),
    });
    let begun = Instant::now();
    world
        .live("plan --app api --environment dev --tag v2 --application by-source")
        .ends("planned", 0);
    // A pass for each application took 20 s of a build with optimization for 50,000 of them, so minutes here.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// The record comes after the verdict: what was seen stays true, and a warning says that the record lacks it.
#[test]
fn a_signal_ends_a_run_that_writes_its_record() {
    let fronts = std::cell::RefCell::new(Vec::<Front>::new());
    each_signal(
        || {
            let world = World::new();
            let front = Front::before(world.sandbox.git.address()).unwrap();
            // The first push is the promotion's.
            front.after(1, "/git-receive-pack HTTP", Manner::Hangs);
            let step = world
                .step()
                .with("infra-repo", &format!("{}/infra-repo.git", front.url()))
                .with("aliases", &world.sandbox.infra_repo())
                .with("app", "api")
                .with("environment", "dev")
                .with("tag", "v2")
                .with("settle", "300ms");
            fronts.borrow_mut().push(front);
            (world, step)
        },
        |world| {
            let fronts = fronts.borrow();
            let front = fronts.last().unwrap();
            world.until("the record is pushed", |_| !front.met().is_empty());
        },
        |world, _, stepped| {
            assert_eq!(stepped.ran.code, 0, "{}", stepped.ran.stdout);
            assert_eq!(stepped.outputs["outcome"], "promoted");
            assert_eq!(stepped.outputs["commit"], world.sandbox.tip().unwrap());
            assert!(
                stepped.ran.stdout.contains("was cancelled while it was written"),
                "{}",
                stepped.ran.stdout
            );
        },
    );
}

/// Cancels a step whose commit is on the branch while the answer to its push is still on its way; returns the step and that commit.
fn cut_while_landing(subject: &str, inputs: &[(&str, &str)]) -> (Stepped, String) {
    let world = World::at_speed(200.0);
    let hook = format!(
        "#!/bin/sh\nwhile read old new ref; do\n  [ $ref = refs/heads/main ] || continue\n  \
         git log -1 --format=%s $new | grep -q '^{subject}' && sleep 20\ndone\nexit 0\n"
    );
    world.sandbox.git.hook("infra-repo", "post-receive", &hook).unwrap();
    let step = world.step().with("app", "api").with("environment", "dev");
    let step = inputs.iter().fold(step, |step, (name, value)| step.with(name, value));
    let running = step.start();
    world.until("the commit is on the branch", |sandbox| {
        let tip = sandbox.git(&["log", "-1", "--format=%s", "main"]).unwrap();
        tip.starts_with(subject)
    });
    running.signal(15);
    let stepped = step.after(running.wait());
    assert_eq!(stepped.ran.code, 143, "{}", stepped.ran.stdout);
    (stepped, world.sandbox.tip().unwrap())
}

/// The report does not say that nothing was written where nobody knows: each command that writes.
#[test]
fn a_signal_while_a_commit_lands_leaves_in_doubt_what_is() {
    let promotion = [("tag", "v2")];
    let hold = [("command", "hold"), ("tag", "v2"), ("reason", "it is slow")];
    let rollback = [("command", "rollback"), ("to", "v2"), ("allow", "unknown-version")];
    let cells: [(&str, &[(&str, &str)]); 3] = [("promote api", &promotion), ("hold", &hold), ("roll back", &rollback)];
    for (subject, inputs) in cells {
        let (stepped, tip) = cut_while_landing(subject, inputs);
        let summary = &stepped.summary;
        assert!(
            summary.contains(&format!("It is not known whether commit {tip} is on `main`")),
            "{subject}: {summary}"
        );
        assert!(!summary.contains("Nothing was written"), "{subject}: {summary}");
    }
}

#[test]
fn a_signal_while_a_rollback_lands_does_not_call_it_undone() {
    let inputs = [("tag", "fail2"), ("settle", "300ms"), ("on-failure", "rollback")];
    let (stepped, tip) = cut_while_landing("roll back", &inputs);
    let summary = &stepped.summary;
    assert!(
        summary.contains("it is not known whether it was rolled back"),
        "{summary}"
    );
    assert!(summary.contains(&format!("look for commit {tip}")), "{summary}");
    assert!(!summary.contains("nothing was rolled back"), "{summary}");
}
