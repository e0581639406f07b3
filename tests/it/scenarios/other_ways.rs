//! `rollback`, `hold`, `release` and `on-failure: rollback` by GitHub's API and by pull requests.

use sandbox::github::GitHub;

use super::github_api::{ends, github, step_at};
use crate::support::{Step, World};

fn started() -> (World, GitHub) {
    let world = World::at_speed(200.0);
    world
        .live("--app api --environment dev --settle 300ms --tag v1")
        .ends("promoted", 0);
    let github = github(&world);
    (world, github)
}

/// A step of a command, with nothing that is promoted.
fn step(world: &World, github: &GitHub, command: &str, via: &str) -> Step {
    step_at(world, github, &github.api_url(), &github.graphql_url())
        .with("tag", "")
        .with("command", command)
        .with("via", via)
}

fn live(world: &World, step: Step) -> Step {
    step.with("argocd-server", world.sandbox.argocd.url())
        .with("argocd-token", &world.sandbox.argocd.token("ci"))
        .with("aliases", &world.sandbox.infra_repo())
        .with("settle", "300ms")
}

fn held(world: &World) -> bool {
    world
        .sandbox
        .git
        .read("infra-repo", "promote-holds.yaml")
        .is_ok_and(|text| text.contains("image"))
}

#[test]
fn a_rollback_lands_by_the_api_and_is_followed() {
    let (world, github) = started();
    ends(
        &live(&world, step(&world, &github, "promote", "api").with("tag", "v2")).run(),
        "promoted",
        0,
    );
    let stepped = live(&world, step(&world, &github, "rollback", "api")).run();
    ends(&stepped, "reverted", 0);
    let tip = world.sandbox.tip().unwrap();
    assert_eq!(stepped.outputs["commit"], tip);
    assert!(github.signed().contains(&tip) && held(&world));
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("newTag: v1"));
}

#[test]
fn a_rollback_lands_by_a_pull_request() {
    let (world, github) = started();
    ends(
        &live(&world, step(&world, &github, "promote", "push").with("tag", "v2")).run(),
        "promoted",
        0,
    );
    let tip = world.sandbox.tip().unwrap();
    let open = step(&world, &github, "rollback", "pull-request").run();
    ends(&open, "proposed", 0);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    let pulls = github.pulls();
    let [pull] = pulls.as_slice() else { panic!("{pulls:?}") };
    assert!(
        pull.body.contains("`myorg/api:v2`") && pull.body.contains("holds myorg/api:v2"),
        "{}",
        pull.body
    );
    assert_eq!(open.outputs["pull-request-number"], pull.number.to_string());
    // The next run finds it, merges it, and follows what the merge made.
    let merged = live(
        &world,
        step(&world, &github, "rollback", "pull-request").with("merge", "now"),
    )
    .run();
    ends(&merged, "reverted", 0);
    assert_eq!(github.pulls().len(), 1);
    assert_eq!(merged.outputs["commit"], world.sandbox.tip().unwrap());
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("newTag: v1") && held(&world));
}

#[test]
fn holds_and_releases_land_both_ways() {
    let (world, github) = started();
    let hold = |via: &str| {
        step(&world, &github, "hold", via)
            .with("tag", "v9")
            .with("reason", "leaks memory")
    };
    ends(&hold("api").run(), "landed", 0);
    assert!(held(&world) && github.signed() == [world.sandbox.tip().unwrap()]);
    ends(&hold("pull-request").run(), "no-change", 0);
    let release = |merge: &str| {
        step(&world, &github, "release", "pull-request")
            .with("tag", "v9")
            .with("merge", merge)
    };
    ends(&release("none").run(), "proposed", 0);
    assert!(held(&world));
    ends(&release("now").run(), "landed", 0);
    assert!(!held(&world));
    // Another hold is another pull request.
    ends(&hold("pull-request").run(), "proposed", 0);
    ends(&hold("pull-request").with("tag", "v10").run(), "proposed", 0);
    let open: Vec<_> = github.pulls().into_iter().filter(|pull| pull.state == "OPEN").collect();
    assert_eq!(open.len(), 2, "{open:?}");
}

#[test]
fn a_failed_promotion_is_taken_back_the_way_it_came() {
    let (world, github) = started();
    let failing = |via: &str, merge: &str| {
        live(&world, step(&world, &github, "promote", via))
            .with("merge", merge)
            .with("on-failure", "rollback")
    };
    let back = failing("pull-request", "now").with("tag", "fail2").run();
    ends(&back, "rolled-back", 7);
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("newTag: v1") && held(&world));
    assert_eq!(github.pulls().len(), 2);

    let back = failing("api", "").with("tag", "fail3").run();
    ends(&back, "rolled-back", 7);
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("newTag: v1"));
}
