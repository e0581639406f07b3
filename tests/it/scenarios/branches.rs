//! A branch for each environment.

use crate::support::World;

const WORDS: &str = "--app api --branch env/{environment} --path apps/{app}/overlays/dev --output json";

fn with_branches() -> World {
    let world = World::new();
    for environment in ["dev", "staging"] {
        world
            .sandbox
            .git(&["branch", &format!("env/{environment}"), "main"])
            .unwrap();
    }
    world
}

fn pinned(world: &World, branch: &str) -> String {
    let file = format!("{branch}:apps/api/overlays/dev/kustomization.yaml");
    world.sandbox.git(&["cat-file", "blob", &file]).unwrap()
}

#[test]
fn the_branch_is_that_of_the_environment() {
    let world = with_branches();
    let report = world
        .land(&format!("{WORDS} --environment dev --tag v7"))
        .ends("landed", 0);
    assert_eq!(report["infra_repo"]["branch"], "env/dev");
    assert!(!report["warnings"].to_string().contains("also changes"), "{report:#}");
    assert!(pinned(&world, "env/dev").contains("v7") && !pinned(&world, "env/staging").contains("v7"));
    // `from` reads the other branch, although the folder is the same.
    let report = world
        .land(&format!("{WORDS} --environment staging --from dev"))
        .ends("landed", 0);
    assert_eq!(report["infra_repo"]["branch"], "env/staging");
    assert!(pinned(&world, "env/staging").contains("v7"));
    world
        .land(&format!("{WORDS} --environment staging --from dev"))
        .ends("no-change", 0);
}

#[test]
fn a_promotion_over_several_branches_is_no_promotion() {
    let world = with_branches();
    let report = world
        .land(&format!("{WORDS} --environment dev,staging --tag v7"))
        .ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("`branch`") && reason.contains("dev") && reason.contains("staging"),
        "{reason}"
    );
    let report = world
        .land(&format!("{WORDS} --environment qa --tag v7"))
        .ends("invalid", 2);
    assert!(report["reason"].as_str().unwrap().contains("env/qa"), "{report:#}");
    let report = world
        .land(&format!("{WORDS} --environment staging --from qa"))
        .ends("invalid", 2);
    assert!(
        report["reason"]
            .as_str()
            .unwrap()
            .contains("env/qa, which `from` would read"),
        "{report:#}"
    );
}
