//! A token that ends while a run is under way.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::support::World;

/// Holds the answer to the first push until `go` is called, when the commit is on the branch already.
fn hold_the_answer(world: &World) -> impl Fn() {
    let folder = world.sandbox.git.path("infra-repo");
    let hook = "#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.02; done\n";
    world.sandbox.git.hook("infra-repo", "post-receive", hook).unwrap();
    move || std::fs::write(folder.join("go"), "").unwrap()
}

fn refused(world: &World) -> usize {
    let seen = world.sandbox.git.requests();
    seen.iter().filter(|row| row.status == 401).count()
}

#[test]
fn a_token_that_ends_in_the_wait_leaves_exact_equality_and_is_told_once() {
    let world = World::new();
    let (before, go) = (world.commits(), hold_the_answer(&world));
    let running = world.start_live("--app api --environment dev --tag abc1234 --settle 500ms");
    world.until("the push arrives", |_| world.commits() == before + 1);
    world.sandbox.git.set_token(Some("another one"));
    world.sandbox.commit("docs/note.md", "Unrelated.\n", "Note").unwrap();
    go();
    // Argo CD shows the newer commit, and git does not say what it is: only exactly ours would count.
    world.until("git refuses twice", |_| refused(&world) >= 2);
    world.sandbox.git.set_token(Some(world.sandbox.git_token()));
    let report = running.wait().ends("promoted", 0);
    let warnings = report["warnings"].as_array().unwrap();
    let told = warnings.iter().filter(|warning| {
        warning
            .as_str()
            .unwrap()
            .contains("only exactly the commit of this promotion")
    });
    assert_eq!(told.count(), 1, "{report:#}");
    assert!(warnings[0].as_str().unwrap().contains("401"), "{report:#}");
}

#[test]
fn exactly_our_commit_needs_no_git() {
    let world = World::new();
    let (before, go) = (world.commits(), hold_the_answer(&world));
    let running = world.start_live("--app api --environment dev --tag abc1234 --settle 500ms");
    world.until("the push arrives", |_| world.commits() == before + 1);
    world.sandbox.git.set_token(Some("another one"));
    go();
    let report = running.wait().ends("promoted", 0);
    // Only the record, which is written after the verdict, misses the token.
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{report:#}");
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.contains("refs/promote/record") && warning.contains("`record:`"),
        "{report:#}"
    );
}

#[test]
fn a_token_that_ends_before_the_run_may_is_told_of_before_landing() {
    let world = World::new();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let minted = |seconds: u64| {
        let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{}}}"#, now + seconds));
        format!("ghs_123_e30.{payload}.c2ln")
    };
    for (seconds, words, told) in [
        (240, "--tag v1", true),
        (240, "--tag v2 --landing-timeout 2m", false),
        (3600, "--tag v3", false),
    ] {
        let token = minted(seconds);
        world.sandbox.git.set_token(Some(&token));
        let words = format!("--app api --environment dev --output json {words}");
        let ran = world.land_with(&[("PROMOTE_TOKEN", &token)], &words).exits(0);
        let report = ran.report();
        let warnings = report["warnings"].as_array().unwrap().iter();
        let ours: Vec<&str> = warnings
            .filter_map(Value::as_str)
            .filter(|text| text.contains("`token` expires"))
            .collect();
        assert_eq!(ours.len(), usize::from(told), "{report:#}");
        let before_landing = ran.stderr.find("`token` expires") < ran.stderr.find("landed");
        assert!(before_landing || !told, "{}", ran.stderr);
        assert!(!format!("{ran:?}").contains(&token));
    }
}
