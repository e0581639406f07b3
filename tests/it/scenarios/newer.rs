//! The gate `newer`, and the source commits that a promotion brings: through the binary, with the histories of a stand-in of GitHub.

use sandbox::github::GitHub;
use sandbox::registry::{Family, Registry};
use serde_json::Value;

use super::gates::gate;
use super::github_api::{ends, github, step};
use crate::support::{Step, Stepped, World};

const BASE: &str = "4f9d2c1a3f1c8b5e7d9024681357acebdf012345";
const NEXT: &str = "abc1234a3f1c8b5e7d9024681357acebdf012345";
const OTHER: &str = "def5678a3f1c8b5e7d9024681357acebdf012345";

/// A world whose dev pins 4f9d2c1, with a source that has a commit before it, two after it, and one beside it.
fn started(environment: &str, app: &str) -> (World, GitHub) {
    let world = World::new();
    configure(&world, environment, app);
    let github = github(&world);
    github.know("myorg/api");
    github.source_commit("0ld0000", &[], "ann", "Begin");
    github.source_commit(BASE, &["0ld0000"], "ann", "Pinned");
    github.source_commit("1111111", &[BASE], "bob", "Add a cart\n\nWith a body");
    github.source_commit(NEXT, &["1111111"], "cyd", "Add a checkout");
    github.source_commit(OTHER, &["0ld0000"], "dan", "Try something else");
    (world, github)
}

fn configure(world: &World, environment: &str, app: &str) {
    let text = format!(
        "version: 1\nenvironments:\n- name: dev\n{environment}- name: staging\n- name: production\napps:\n  api:\n    images: [myorg/api]\n{app}"
    );
    world.sandbox.commit("promote.yaml", &text, "Configure").unwrap();
}

fn asking(world: &World, github: &GitHub, tag: &str) -> Step {
    step(world, github)
        .with("github-token", world.sandbox.git_token())
        .with("tag", tag)
}

#[track_caller]
fn report(stepped: &Stepped) -> Value {
    serde_json::from_str(&stepped.outputs["report"]).unwrap()
}

#[test]
fn a_descendant_passes_and_what_is_older_or_beside_it_does_not() {
    let (world, github) = started("  newer: true\n", "");
    let tip = world.sandbox.tip().unwrap();
    for (tag, part, opens) in [
        (
            "def5678",
            "has 1 commit that 4f9d2c1 lacks, and lacks 1 commit of 4f9d2c1",
            "descends from 4f9d2c1",
        ),
        (
            "fffffff",
            "compare the commits 4f9d2c1...fffffff of myorg/api",
            "correct what",
        ),
    ] {
        let stepped = asking(&world, &github, tag).run();
        ends(&stepped, "refused", 3);
        let report = report(&stepped);
        let row = gate(&report, "newer");
        assert!(row["reason"].as_str().unwrap().contains(part), "{row:#}");
        assert!(row["opens"].as_str().unwrap().contains(opens), "{row:#}");
    }
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    let stepped = asking(&world, &github, "abc1234").run();
    ends(&stepped, "landed", 0);
    let row = &report(&stepped)["released"][0];
    assert_eq!(
        (&row["relation"], &row["total"], &row["repository"]),
        (&"ahead".into(), &2.into(), &"myorg/api".into())
    );
    let subjects: Vec<&str> = row["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects, ["Add a checkout", "Add a cart"]);
    // The way back is rollback.
    let back = asking(&world, &github, "4f9d2c1").run();
    ends(&back, "refused", 3);
    let report = report(&back);
    let row = gate(&report, "newer");
    assert!(
        row["reason"]
            .as_str()
            .unwrap()
            .contains("4f9d2c1 is 2 commits before abc1234"),
        "{row:#}"
    );
    let way = "use rollback: `promote rollback --app api --environment dev --to myorg/api:4f9d2c1 ";
    assert!(row["opens"].as_str().unwrap().starts_with(way), "{row:#}");
}

#[test]
fn plan_lists_what_is_released_where_both_commits_are_known() {
    let (world, github) = started("", "");
    let planned = asking(&world, &github, "abc1234").with("dry-run", "true").run();
    ends(&planned, "planned", 0);
    let row = &report(&planned)["released"][0];
    let page = row["url"].as_str().unwrap();
    assert!(page.ends_with("/compare/4f9d2c1...abc1234"), "{row:#}");
    for shown in [&planned.ran.stdout, &planned.summary] {
        for part in ["2 commits of myorg/api", "Add a checkout", "Add a cart", page] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }
    // Nothing is asked that nobody needs, and what cannot be read is left out.
    let asked = || {
        let all = github.asked();
        all.iter().filter(|asked| asked.path.contains("/compare/")).count()
    };
    assert_eq!(asked(), 1);
    for tag in ["v2", "fffffff"] {
        let planned = asking(&world, &github, tag).with("dry-run", "true").run();
        ends(&planned, "planned", 0);
        assert_eq!(report(&planned).get("released"), None);
    }
    // Both tokens, that of the run and that of the infra-repo, were tried for the commit that is not there.
    assert_eq!(asked(), 3);
    ends(&asking(&world, &github, "abc1234").run(), "landed", 0);
    assert_eq!(asked(), 3);
    // A pull request is read by people who decide.
    let proposed = asking(&world, &github, "1111111").with("via", "pull-request").run();
    ends(&proposed, "proposed", 0);
    let body = &github.pulls()[0].body;
    assert!(
        body.contains("0 commits of myorg/api (abc1234...1111111, an older commit)"),
        "{body}"
    );
}

#[test]
fn a_label_names_the_commit_where_the_tag_does_not() {
    let (world, github) = started("  newer: true\n", "    source: myorg/api\n");
    let registry = Registry::start().unwrap();
    let path = sandbox::overlay("api", "dev");
    let text = format!(
        "resources: [../../base]\nimages:\n- name: myorg/api\n  newName: {}/myorg/api\n  newTag: v1\n",
        registry.host()
    );
    world.sandbox.commit(&path, &text, "Pull from the registry").unwrap();
    let label = "org.opencontainers.image.revision";
    let push = |tag: &str, labels: &[(&str, &str)]| {
        registry.push("myorg/api", Some(tag), Family::Oci, "linux/amd64", labels);
    };
    push("v1", &[(label, BASE)]);
    push("v2", &[(label, NEXT)]);
    push("v3", &[]);
    push("20261127", &[(label, OTHER)]);
    let refused = asking(&world, &github, "v3").with("image", "").run();
    ends(&refused, "refused", 3);
    assert!(
        refused
            .ran
            .stdout
            .contains("names no commit: neither its tag nor its label"),
        "{}",
        refused.ran.stdout
    );
    // Decimal digits can be a date: the label decides.
    let refused = asking(&world, &github, "20261127").run();
    ends(&refused, "refused", 3);
    assert!(refused.ran.stdout.contains("def5678"), "{}", refused.ran.stdout);
    ends(&asking(&world, &github, "v2").run(), "landed", 0);
}

#[test]
fn a_source_that_is_not_known_is_unknown_and_can_be_skipped_where_that_is_listed() {
    let (world, _) = started("  newer: true\n  allow: [skip-newer]\n", "");
    let refused = world
        .land("--app api --environment dev --tag abc1234 --output json")
        .ends("refused", 3);
    let row = gate(&refused, "newer");
    assert_eq!(row["state"], "unknown", "{row:#}");
    assert!(
        row["reason"].as_str().unwrap().contains("set `source` of api"),
        "{row:#}"
    );
    world
        .land("--app api --environment dev --tag abc1234 --allow skip-newer --reason INC-7 --output json")
        .ends("landed", 0);
    configure(
        &world,
        "  newer: yes-please\n",
        "    source: https://github.com/myorg/api\n",
    );
    let report = world
        .land("--app api --environment dev --tag abc1234 --output json")
        .ends("invalid", 2);
    for part in ["`newer`", "is no repository such as `myorg/api`"] {
        assert!(report["reason"].as_str().unwrap().contains(part), "{report:#}");
    }
}
