//! Many runs of the binary on one branch of a server with eight workers: all land, one after the other, and nothing is lost.
//! `PROMOTE_WRITERS` sets how many promote different apps.

use std::collections::HashSet;
use std::time::Instant;

use sandbox::overlay;

use crate::support::{Ran, World};

fn writers() -> usize {
    std::env::var("PROMOTE_WRITERS").map_or(8, |text| text.parse().unwrap())
}

/// Starts one run for each of `words` at the same moment, and returns the reports of their ends.
fn all(world: &World, words: &[String]) -> Vec<serde_json::Value> {
    let running: Vec<_> = words.iter().map(|words| world.start(words)).collect();
    let ran: Vec<Ran> = running.into_iter().map(crate::support::Running::wait).collect();
    ran.into_iter().map(|ran| ran.ends("landed", 0)).collect()
}

/// Checks that what is on the branch since `first`, each with one parent, is exactly what the reports say is theirs. Returns the commits.
fn assert_linear(world: &World, first: &str, reports: &[serde_json::Value]) -> Vec<String> {
    let range = format!("{first}..main");
    let log = world.sandbox.git(&["rev-list", "--parents", &range]).unwrap();
    assert!(log.lines().all(|line| line.split(' ').count() == 2), "a merge");
    let there: HashSet<&str> = log.lines().filter_map(|line| line.split(' ').next()).collect();
    let told: Vec<String> = (reports.iter())
        .map(|report| report["infra_repo"]["commit"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(there, told.iter().map(String::as_str).collect());
    assert_eq!(there.len(), reports.len());
    world.sandbox.git(&["fsck", "--strict", "--full"]).unwrap();
    told
}

/// Checks that each report's commit holds its pin and no other change.
fn assert_own(world: &World, commit: &str, file: &str, tag: &str) {
    let text = world
        .sandbox
        .git(&["cat-file", "blob", &format!("{commit}:{file}")])
        .unwrap();
    assert!(text.contains(&format!("newTag: {tag}")), "{commit}: {text}");
    let changed = world
        .sandbox
        .git(&["diff", "--name-only", &format!("{commit}^"), commit])
        .unwrap();
    assert_eq!(changed.trim(), file);
    let message = world.sandbox.git(&["log", "-1", "--format=%s", commit]).unwrap();
    assert!(message.trim().ends_with(&format!(":{tag}")), "{message}");
}

#[test]
fn runs_for_different_apps_all_land() {
    let world = World::new();
    let files: Vec<String> = (0..writers()).map(|n| overlay(&format!("app-{n}"), "dev")).collect();
    let pin = "images:\n  - name: myorg/app\n    newTag: v1\n";
    let each: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), pin)).collect();
    let first = world.sandbox.git.commit("infra-repo", "main", &each, "Apps").unwrap();
    let words: Vec<String> = (0..writers())
        .map(|n| format!("--app app-{n} --environment dev --tag w{n} --output json"))
        .collect();
    let begun = Instant::now();
    let reports = all(&world, &words);
    let mut retries: Vec<u64> = (reports.iter())
        .map(|report| report["infra_repo"]["attempts"].as_u64().unwrap() - 1)
        .collect();
    retries.sort_unstable();
    println!(
        "{} writers in {:.1?}: retries median {}, p95 {}, max {}, sum {}",
        writers(),
        begun.elapsed(),
        retries[retries.len() / 2],
        retries[retries.len() * 95 / 100],
        retries[retries.len() - 1],
        retries.iter().sum::<u64>()
    );
    let commits = assert_linear(&world, &first, &reports);
    for (n, (commit, file)) in commits.iter().zip(&files).enumerate() {
        assert_own(&world, commit, file, &format!("w{n}"));
        // Nobody's change was lost on the way to the tip.
        let text = world.sandbox.git.read("infra-repo", file).unwrap();
        assert_eq!(text, pin.replace("v1", &format!("w{n}")));
    }
}

#[test]
fn runs_for_the_same_app_land_in_turn_and_each_tells_its_own_commit() {
    let world = World::new();
    let first = world.sandbox.tip().unwrap();
    let words: Vec<String> = (0..20)
        .map(|n| format!("--app api --environment dev --tag w{n} --output json"))
        .collect();
    let reports = all(&world, &words);
    let commits = assert_linear(&world, &first, &reports);
    for (n, (commit, report)) in commits.iter().zip(&reports).enumerate() {
        assert_own(&world, commit, &overlay("api", "dev"), &format!("w{n}"));
        let base = world.sandbox.git(&["rev-parse", &format!("{commit}^")]).unwrap();
        assert_eq!(report["infra_repo"]["base"], base.trim());
        // What was there before is what the one before it had written.
        let before = world
            .sandbox
            .git(&["cat-file", "blob", &format!("{commit}^:{}", overlay("api", "dev"))])
            .unwrap();
        let tag = report["changes"][0]["before"]
            .as_str()
            .unwrap()
            .rsplit_once(':')
            .unwrap()
            .1;
        assert!(before.contains(&format!("newTag: {tag}")), "{report:#}\n{before}");
    }
}

#[test]
fn landing_that_never_wins_ends_at_its_deadline() {
    let world = World::new();
    let git = &world.sandbox.git;
    for side in ["a", "b"] {
        git.commit("infra-repo", side, &[(side, "1")], "Faster").unwrap();
    }
    // Somebody else is always faster: with each push the branch moves to the other of two commits.
    let hook = "#!/bin/sh\nread old new ref\n\
        unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
        git update-ref $ref refs/heads/a\nmv refs/heads/a refs/heads/c && mv refs/heads/b refs/heads/a && mv refs/heads/c refs/heads/b\n";
    git.hook("infra-repo", "pre-receive", hook).unwrap();
    let before = world.sandbox.overlay("api", "dev").unwrap();
    let ran = world.land("--app api --environment dev --tag abc1234 --landing-timeout 10s --output json");
    let report = ran.ends("unreachable", 4);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("`landing-timeout`"), "{reason}");
    assert!(report["infra_repo"]["attempts"].as_u64().unwrap() >= 2, "{report:#}");
    assert_eq!(world.sandbox.overlay("api", "dev").unwrap(), before);
}

/// Lets the first push lose: while it is under way somebody else's commit of `files` becomes the head of `main`.
fn lose_to(world: &World, files: &[(&str, &str)]) -> String {
    let git = &world.sandbox.git;
    let commit = git.commit("infra-repo", "faster", files, "Faster").unwrap();
    let hook = "#!/bin/sh\n[ -e lost ] && exit 0\ntouch lost\n\
        unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
        git update-ref refs/heads/main refs/heads/faster\n";
    git.hook("infra-repo", "pre-receive", hook).unwrap();
    commit
}

/// Runs a promotion that loses its first push to `files`, and checks that nothing of it was written.
fn judged_again(world: &World, account: &str, files: &[(&str, &str)], words: &str, outcome: &str, code: i32) -> String {
    let faster = lose_to(world, files);
    let token = world.sandbox.argocd.token(account);
    let words = format!("--app api --wait false {words}");
    let report = world.start_as(&token, &words).wait().ends(outcome, code);
    assert!(world.sandbox.git.path("infra-repo").join("lost").exists(), "{report:#}");
    assert_eq!(report["infra_repo"]["attempts"], 1, "{report:#}");
    assert_eq!(world.sandbox.tip().unwrap(), faster);
    report["reason"].as_str().unwrap().to_owned()
}

#[test]
fn what_another_environment_pins_after_a_lost_race_must_be_live_there_too() {
    let world = World::new();
    let dev = world.sandbox.overlay("api", "dev").unwrap();
    let bad = dev.replace("newTag: 4f9d2c1", "newTag: bad999");
    assert_ne!(dev, bad);
    let files = [(&*overlay("api", "dev"), &*bad)];
    let reason = judged_again(&world, "ci", &files, "--from dev --environment staging", "refused", 3);
    // Argo CD may have begun to sync it by then; either way nobody has seen it live there.
    let seen = ["does not run myorg/api:bad999", "is being synced"];
    assert!(
        seen.iter()
            .any(|seen| reason.contains(&format!("from dev: api-dev {seen}"))),
        "{reason}"
    );
}

#[test]
fn every_check_before_writing_is_made_again_after_a_lost_race() {
    let config = |keys: &str| {
        format!("version: 1\nenvironments: [{{name: production, sync: never}}, {{name: staging{keys}}}]\n")
    };
    let allowed = config(", allow: [mutable-tag]");
    for (faster, account, words, outcome, code, says) in [
        // The application is another one, whose source is another folder.
        (
            config(", application: api-dev"),
            "ci",
            "--environment staging --tag v2",
            "refused",
            3,
            "api-dev deploys",
        ),
        // The sync would be started, and the token does not permit that.
        (
            allowed.replace(", sync: never", ""),
            "viewer",
            "--environment production --tag v2",
            "denied",
            4,
            "sync",
        ),
        // The exception is no longer listed.
        (
            config(""),
            "ci",
            "--environment staging --tag latest --allow mutable-tag",
            "invalid",
            2,
            "mutable-tag",
        ),
        // The overlay is elsewhere.
        (
            config(", path: \"nowhere/{app}\""),
            "ci",
            "--environment staging --tag v2",
            "invalid",
            2,
            "nowhere does not exist",
        ),
    ] {
        let world = World::new();
        world.sandbox.commit("promote.yaml", &allowed, "Configure").unwrap();
        let files = [("promote.yaml", &*faster)];
        let reason = judged_again(&world, account, &files, words, outcome, code);
        assert!(reason.contains(says), "{says} in {reason}");
    }
}

#[test]
fn a_moving_tag_that_comes_in_by_a_lost_race_is_refused() {
    let world = World::new();
    let dev = world.sandbox.overlay("api", "dev").unwrap();
    let moving = dev.replace("newTag: 4f9d2c1", "newTag: latest");
    let files = [(&*overlay("api", "dev"), &*moving)];
    let reason = judged_again(&world, "ci", &files, "--from dev --environment staging", "invalid", 2);
    assert!(reason.contains("looks mutable"), "{reason}");
}
