//! A token that ends while a run is under way.

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
    let told = warnings
        .iter()
        .filter(|warning| warning.as_str().unwrap().contains("only exactly our commit"));
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
    assert_eq!(report["warnings"], serde_json::json!([]), "{report:#}");
}
