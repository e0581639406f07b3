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
            .contains("has no branch env/qa (environment qa)"),
        "{report:#}"
    );
}

#[test]
fn promote_yaml_can_name_the_branch_of_an_environment() {
    let world = with_branches();
    let config = "version: 1\nlayout: {path: \"apps/{app}/overlays/dev\"}\nenvironments:\n- {name: dev, branch: \"env/{environment}\"}\n\
                  - {name: staging, branch: env/staging}\n- name: production\n  path: apps/{app}/overlays/production\n";
    world.sandbox.commit("promote.yaml", config, "configure").unwrap();
    let run = |words: &str| world.land(&format!("{words} --output json"));
    let report = run("--app api --environment dev --tag v7").ends("landed", 0);
    assert_eq!(report["infra_repo"]["branch"], "env/dev");
    assert!(!report["warnings"].to_string().contains("also changes"), "{report:#}");
    let report = run("--app api --environment staging --from dev").ends("landed", 0);
    assert_eq!(report["infra_repo"]["branch"], "env/staging");
    run("--app api --environment staging --from dev").ends("no-change", 0);
    let report = run("--app api --environment production --from staging").ends("landed", 0);
    assert_eq!(report["infra_repo"]["branch"], "main");
    assert!(pinned(&world, "env/dev").contains("v7") && pinned(&world, "env/staging").contains("v7"));
    let report = run("--app api --environment dev,staging --tag v8").ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("`branch` is env/dev for dev and env/staging for staging"),
        "{reason}"
    );
    let report = run("--app api --environment dev --tag v8 --branch main").ends("invalid", 2);
    assert!(
        report["reason"].as_str().unwrap().contains("drop the input"),
        "{report:#}"
    );
    // What only reads looks at each branch.
    let report = run("status --app api").ends("ok", 0);
    let rows: Vec<_> = (report["status"].as_array().unwrap().iter())
        .map(|row| (row["environment"].as_str().unwrap(), row["images"][0].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            ("dev", "myorg/api:v7"),
            ("staging", "myorg/api:v7"),
            ("production", "myorg/api:v7")
        ]
    );
    let report = run("history --app api").ends("ok", 0);
    let landed: Vec<_> = (report["history"].as_array().unwrap().iter())
        .filter(|row| row["event"] == "landed")
        .map(|row| row["environment"].as_str().unwrap())
        .collect();
    assert_eq!(landed.len(), 3, "{report:#}");
    let report = run("rollback --app api --environment dev --to v7 --allow unknown-version").report();
    assert_eq!(report["infra_repo"]["branch"], "env/dev", "{report:#}");
}

/// Gates come from promote.yaml alone, and holds from the default branch as well: no input leaves them behind on another branch.
#[test]
fn the_input_branch_leaves_no_gate_and_no_hold_behind() {
    let freeze = "version: 1\nlayout:\n  path: apps/{app}/overlays/dev\nenvironments:\n- name: dev\n  branch: env/{environment}\n  windows: {deny: [{from: \"2020-01-01\", to: \"2090-01-01\", reason: freeze}]}\n";
    let held = "- app: api\n  environment: dev\n  reason: incident\n";
    for (file, text, path, why) in [
        ("promote.yaml", freeze, "", "freeze"),
        ("promote-holds.yaml", held, "--path apps/{app}/overlays/dev", "incident"),
    ] {
        let world = with_branches();
        world.sandbox.commit(file, text, "Close it").unwrap();
        for branch in ["env/dev", "env/{environment}"] {
            let report = world
                .land(&format!(
                    "--app api --environment dev --tag v7 --branch {branch} {path} --output json"
                ))
                .ends("refused", 3);
            assert!(report["reason"].as_str().unwrap().contains(why), "{report:#}");
        }
        assert!(!pinned(&world, "env/dev").contains("v7"));
    }
}

/// A gate or hold in a file that nobody reads would be none.
#[test]
fn a_file_with_nearly_the_right_name_is_no_silence() {
    for (file, text, outcome, code) in [
        ("promote.yml", "version: 1\n", "invalid", 2),
        ("Promote.yaml", "version: 1\n", "invalid", 2),
        ("promote-holds.yml", "[]\n", "refused", 3),
        ("PROMOTE-HOLDS.YAML", "[]\n", "refused", 3),
    ] {
        let world = World::new();
        world.sandbox.commit(file, text, "Add it").unwrap();
        let report = world
            .land("--app api --environment dev --tag v7 --output json")
            .ends(outcome, code);
        let said = format!("{} {}", report["reason"], report["hints"]);
        assert!(said.contains(file) && said.contains("rename it to"), "{said}");
    }
}
