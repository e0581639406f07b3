//! What comes in the way of going back: somebody faster, a sync that hangs, a signal, several apps at once.

use sandbox::{Sandbox, overlay};

use super::record::events;
use crate::support::World;

const QUICK: &str = "--app api --environment dev --settle 300ms";

fn pinned(world: &World, app: &str, environment: &str) -> String {
    world.sandbox.overlay(app, environment).unwrap()
}

fn promote(world: &World, words: &str) {
    world.live(&format!("{QUICK} {words}")).ends("promoted", 0);
}

/// Lets the next push lose: while it is under way somebody else's commit of `files` becomes the head of `main`.
fn lose_to(world: &World, files: &[(&str, &str)]) -> String {
    let git = &world.sandbox.git;
    let commit = git.commit("infra-repo", "faster", files, "Faster").unwrap();
    let hook = "#!/bin/sh\n[ -e lost ] && exit 0\ntouch lost\n\
        unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
        git update-ref refs/heads/main refs/heads/faster\n";
    git.hook("infra-repo", "pre-receive", hook).unwrap();
    commit
}

#[test]
fn a_lost_race_is_planned_again_and_never_takes_back_what_somebody_pinned_meanwhile() {
    let world = World::new();
    promote(&world, "--tag v1");
    promote(&world, "--tag v2");
    let theirs = pinned(&world, "web", "dev").replace("2.8.0-rc.1", "2.8.0");
    let faster = lose_to(&world, &[(&overlay("web", "dev"), &theirs)]);
    let report = world.live(&format!("rollback {QUICK}")).ends("reverted", 0);
    assert_eq!(report["infra_repo"]["attempts"], 2, "{report:#}");
    assert_eq!(report["infra_repo"]["base"], faster.as_str());
    assert_eq!(pinned(&world, "web", "dev"), theirs);
    assert!(pinned(&world, "api", "dev").contains("v1"));

    for words in ["", "--to v1"] {
        let world = World::new();
        promote(&world, "--tag v1");
        promote(&world, "--tag v2");
        let theirs = pinned(&world, "api", "dev").replace("v2", "v9");
        let faster = lose_to(&world, &[(&overlay("api", "dev"), &theirs)]);
        let report = world.live(&format!("rollback {QUICK} {words}")).ends("refused", 3);
        let reason = report["reason"].as_str().unwrap();
        assert!(
            reason.contains("myorg/api:v9 is pinned now") && reason.contains("nothing was written"),
            "{reason}"
        );
        assert_eq!(world.sandbox.tip().unwrap(), faster);
    }
}

fn hook_runs(sandbox: &Sandbox, name: &str) -> bool {
    let application = sandbox.argocd.application(name).unwrap();
    let message = application["status"]["operationState"]["message"].as_str();
    message.is_some_and(|message| message.starts_with("waiting for completion of hook"))
}

#[test]
fn a_sync_whose_hook_hangs_is_ended_first() {
    let world = World::new();
    promote(&world, "--tag v1");
    for environment in ["dev", "staging"] {
        let words = format!("--app api --environment {environment}");
        world.land(&format!("{words} --tag hang2")).exits(0);
    }
    // The one syncs by itself, the other when a person asks for it.
    world
        .sandbox
        .argocd
        .edit("api-staging", |spec| spec["syncPolicy"] = serde_json::json!({}));
    world.sandbox.argocd.refresh("api-dev");
    world.sandbox.argocd.sync("api-staging").unwrap();
    for (environment, to) in [("dev", "v1"), ("staging", "0b7e6aa")] {
        let name = format!("api-{environment}");
        world.until("the hook runs", |sandbox| hook_runs(sandbox, &name));
        let ran = world.live(&format!(
            "rollback --app api --environment {environment} --settle 300ms --to {to} --timeout 60s"
        ));
        let ended = format!("{name}: terminated the sync of another commit");
        assert!(ran.stderr.contains(&ended), "{}", ran.stderr);
        ran.ends("reverted", 0);
        assert!(pinned(&world, "api", environment).contains(to));
    }
}

/// A phase of a way back in which a signal comes: what holds the run there, and whether it has landed by then.
struct Phase {
    name: &'static str,
    app: &'static str,
    prepare: fn(&World),
    words: &'static str,
    is_there: fn(&Sandbox) -> bool,
    /// Lets what was held go on, once the signal was sent.
    release: fn(&World),
    wrote: bool,
}

/// Lets pushes to references that match wait until the file `go` is there.
fn hold_pushes(world: &World, references: &str) {
    let hook = format!(
        "#!/bin/sh\nread old new ref\ncase $ref in {references}) touch begun; while [ ! -e go ]; do sleep 0.02; done;; esac\n"
    );
    world.sandbox.git.hook("infra-repo", "pre-receive", &hook).unwrap();
}

fn push_has_begun(sandbox: &Sandbox) -> bool {
    sandbox.git.path("infra-repo").join("begun").exists()
}

fn release_pushes(world: &World) {
    std::fs::write(world.sandbox.git.path("infra-repo").join("go"), "").unwrap();
}

/// Returns whether the newest commit of the branch is a way back.
fn is_back(sandbox: &Sandbox) -> bool {
    let message = sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
    message.contains("\nPromote-Rollback-Of: ")
}

/// Gives what was asked for the time to be asked.
fn a_moment(_: &Sandbox) -> bool {
    std::thread::sleep(std::time::Duration::from_millis(700));
    true
}

const PHASES: [Phase; 5] = [
    Phase {
        name: "looking",
        app: "api-dev",
        prepare: |world| world.sandbox.argocd.hang("/api/v1/applications/api-dev"),
        words: "--environment dev --to v1",
        is_there: a_moment,
        release: |_| {},
        wrote: false,
    },
    Phase {
        name: "aborting the canary",
        app: "api-production",
        prepare: |world| {
            world.sandbox.argocd.sync("api-production").unwrap();
            world.until("the canary", |sandbox| {
                let application = sandbox.argocd.application("api-production").unwrap();
                application["status"]["health"]["status"] == "Suspended"
            });
            world.sandbox.argocd.hang("/resource/actions");
        },
        words: "--environment production --to v1",
        is_there: a_moment,
        release: |_| {},
        wrote: false,
    },
    Phase {
        name: "landing",
        app: "api-dev",
        prepare: |world| hold_pushes(world, "refs/heads/*"),
        words: "--environment dev --to v1",
        is_there: push_has_begun,
        release: release_pushes,
        wrote: true,
    },
    Phase {
        name: "ending the sync",
        app: "api-staging",
        prepare: |world| {
            world.until("the hook runs", |sandbox| hook_runs(sandbox, "api-staging"));
            world.sandbox.argocd.hang("/api-staging/operation");
        },
        words: "--environment staging --to v1",
        is_there: is_back,
        release: |_| {},
        wrote: true,
    },
    Phase {
        name: "waiting",
        app: "api-dev",
        prepare: |world| {
            world.land("--app api --environment dev --tag never1").exits(0);
            world.land("--app api --environment dev --tag v2").exits(0);
        },
        words: "--environment dev --to never1",
        is_there: is_back,
        release: |_| {},
        wrote: true,
    },
];

#[test]
fn a_signal_ends_it_in_every_phase_and_nothing_is_written_after_it() {
    let ended = |phase: &Phase| {
        let world = World::at_speed(200.0);
        world.let_the_canary_wait_for_a_person();
        for (environment, bad) in [("dev", "v2"), ("staging", "hang2"), ("production", "v2")] {
            for tag in ["v1", bad] {
                let words = format!("--app api --environment {environment} --tag {tag}");
                world.land(&words).exits(0);
            }
        }
        world.sandbox.argocd.refresh("api-staging");
        (phase.prepare)(&world);
        let tip = world.sandbox.tip().unwrap();
        let running = world.start_live(&format!("rollback --app api --settle 300ms {}", phase.words));
        world.until(phase.name, phase.is_there);
        running.signal(15);
        (phase.release)(&world);
        let report = running.wait().ends("cancelled", 143);
        let commit = report["infra_repo"]["commit"].as_str();
        let now = world.sandbox.tip().unwrap();
        assert_eq!(now != tip, phase.wrote, "{}: {report:#}", phase.name);
        let expected = phase.wrote.then_some(now.as_str());
        assert_eq!(commit, expected, "{}: {report:#}", phase.name);
        let app = phase.app.split('-').next_back().unwrap();
        assert_eq!(events(&world, "api", app), Vec::<String>::new(), "{}", phase.name);
    };
    std::thread::scope(|scope| {
        for phase in &PHASES {
            scope.spawn(move || ended(phase));
        }
    });
}

#[test]
fn a_way_back_that_was_cut_off_is_run_again_without_another_commit() {
    let world = World::new();
    promote(&world, "--tag slow1");
    promote(&world, "--tag v2");
    let tip = world.sandbox.tip().unwrap();
    let running = world.start_live(&format!("rollback {QUICK}"));
    landed(&world, &tip);
    running.signal(2);
    running.wait().ends("cancelled", 130);
    let tip = world.sandbox.tip().unwrap();
    let report = world.live(&format!("rollback {QUICK}")).ends("no-change", 0);
    assert_eq!(report["applications"][0]["live"], true, "{report:#}");
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    assert_eq!(events(&world, "api", "dev").last().unwrap(), "live myorg/api:slow1");
}

#[test]
fn several_apps_images_and_environments_go_back_to_the_byte_in_one_commit() {
    let world = World::new();
    let words = "--app api,web --environment dev,staging --settle 300ms";
    let digest = |digit: char| format!("sha256:{}", digit.to_string().repeat(64));
    let images = |tag: &str, digit: char| {
        format!(
            "--image myorg/api:{tag} --image registry.example.com/shop/web:{tag} --image nginx:{tag}@{}",
            digest(digit)
        )
    };
    let all = |world: &World| {
        let each = ["api", "web"].map(|app| ["dev", "staging"].map(|environment| pinned(world, app, environment)));
        each.concat()
    };
    world
        .live(&format!("{words} {}", images("v1", 'a')))
        .ends("promoted", 0);
    let good = all(&world);
    assert!(
        good[2].contains("newName: registry.example.com/shop/web"),
        "{}",
        good[2]
    );
    world
        .live(&format!("{words} {}", images("v2", 'b')))
        .ends("promoted", 0);
    let commits = world.commits();
    let report = world.live(&format!("rollback {words}")).ends("reverted", 0);
    assert_eq!(all(&world), good);
    assert_eq!(world.commits(), commits + 1);
    assert_eq!(report["changes"].as_array().unwrap().len(), 6, "{report:#}");
    let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
    assert_eq!(message.matches("\nPromote-Pin: ").count(), 6, "{message}");
    assert_eq!(message.matches("\nPromote-Rollback-Of: ").count(), 1, "{message}");
    for (app, environment) in [("api", "dev"), ("web", "dev"), ("api", "staging"), ("web", "staging")] {
        let all = events(&world, app, environment);
        assert!(all.last().unwrap().starts_with("reverted "), "{all:?}");
    }
}

#[test]
fn each_candidate_of_several_images_has_a_flag_that_chooses_it() {
    let world = World::new();
    let words = "--app web --environment dev --settle 300ms";
    let digest = |digit: char| format!("sha256:{}", digit.to_string().repeat(64));
    // nginx stays, and one tag of the app comes back: neither names a version alone.
    for (tag, digit) in [("v1", 'a'), ("v2", 'a'), ("v1", 'b'), ("v2", 'b')] {
        let image = format!(
            "--image registry.example.com/shop/web:{tag} --image nginx:1@{}",
            digest(digit)
        );
        world.land(&format!("{words} {image}")).exits(0);
    }
    let report = world.live(&format!("rollback {words}")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    let flags: Vec<&str> = reason.split('`').filter(|part| part.starts_with("--to ")).collect();
    assert!(flags.len() >= 3, "{reason}");
    for flag in &flags {
        let report = world
            .live(&format!("rollback {words} {flag} --dry-run"))
            .ends("planned", 0);
        let named: Vec<&str> = flag.trim_start_matches("--to ").split(',').collect();
        let changes = report["changes"].to_string();
        assert_ne!(changes, "[]", "{flag} changes nothing: {reason}");
        let pins = pinned_after(&report);
        assert!(
            named.iter().all(|name| pins.iter().any(|pin| pin.contains(name))),
            "{flag}: {pins:?}"
        );
    }
    let mut once = flags.clone();
    once.dedup();
    assert_eq!(once, flags, "{reason}");
}

/// Returns what is pinned after a way back.
fn pinned_after(report: &serde_json::Value) -> Vec<String> {
    let images = report["rollback"]["to"].as_array().unwrap().iter();
    images.map(|image| image.as_str().unwrap().to_owned()).collect()
}

/// Waits until the tip of the branch is another commit.
fn landed(world: &World, since: &str) {
    let moved = |sandbox: &Sandbox| sandbox.tip().unwrap() != since;
    world.until("it has landed", moved);
}
