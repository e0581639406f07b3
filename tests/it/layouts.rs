//! The example of each layout is promoted by the binary, and by `from` into its next environment.

use std::fs;
use std::path::Path;

use sandbox::git::{GitHost, GitHostOptions};

use crate::support::run;

const LAYOUTS: [&str; 5] = [
    "helm-values",
    "umbrella-chart",
    "manifests",
    "argocd-applications",
    "clusters",
];

/// Layouts that have a test of their own: not one branch of one repository, or not several environments.
const OTHERS: [&str; 3] = ["branches", "component", "repositories"];

/// Reads every file of an example with its path.
fn files(root: &Path, folder: &Path, into: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(root, &path, into);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            into.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_example_of_a_layout_is_one_of_those_that_are_tested() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/layouts");
    let mut there: Vec<String> = fs::read_dir(examples)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    let mut known: Vec<String> = LAYOUTS.iter().chain(&OTHERS).map(|name| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(there, known);
}

#[test]
fn every_layout_is_promoted_and_a_second_run_changes_nothing() {
    let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
    for layout in LAYOUTS {
        let name = format!("{layout}.git");
        let all = create(&host, &name, layout);
        let repository = host.path(&name);
        let repository = repository.to_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let promote = |more: &[&str]| {
            let mut args = vec![
                "promote",
                "--app",
                "api",
                "--infra-repo",
                repository,
                "--output",
                "json",
            ];
            args.extend(more);
            run(folder.path(), &[], &args)
        };
        let to_dev = ["--environment", "dev", "--image", "ghcr.io/myorg/api:1.10"];
        let report = promote(&to_dev).ends("landed", 0);
        for change in report["changes"].as_array().unwrap() {
            assert_eq!(change["after"], "ghcr.io/myorg/api:1.10", "{layout}");
        }
        promote(&to_dev).ends("no-change", 0);
        let report = promote(&["--environment", "production", "--from", "dev"]).ends("landed", 0);
        assert!(!report["changes"].as_array().unwrap().is_empty(), "{layout}");
        for (path, before) in &all {
            let after = host.read(&name, path).unwrap();
            assert!(!after.contains("api:v1"), "{layout}: {path}\n{after}");
            let (lines_before, lines_after) = (before.lines().count(), after.lines().count());
            assert_eq!(lines_before, lines_after, "{layout}: {path}");
        }
    }
}

/// Makes a repository of an example, and returns its files.
fn create(host: &GitHost, name: &str, example: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/layouts")
        .join(example);
    let mut all = Vec::new();
    files(&root, &root, &mut all);
    let given: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    host.create(name, &given).unwrap();
    all
}

/// Promotes an app in a repository.
fn promote(repository: &str, more: &[&str]) -> crate::support::Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec![
        "promote",
        "--app",
        "api",
        "--infra-repo",
        repository,
        "--output",
        "json",
    ];
    args.extend(more);
    run(folder.path(), &[], &args)
}

const DEV: [&str; 4] = ["--environment", "dev", "--image", "ghcr.io/myorg/api:1.10"];

#[test]
fn each_branch_of_the_example_is_promoted_by_itself_and_from_the_other_one() {
    let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
    create(&host, "branches.git", "branches");
    for branch in ["env/dev", "env/production"] {
        host.git("branches.git", &["branch", branch, "main"]).unwrap();
    }
    let repository = host.path("branches.git");
    let repository = repository.to_str().unwrap();
    let report = promote(repository, &DEV).ends("landed", 0);
    assert_eq!(report["infra_repo"]["branch"], "env/dev");
    promote(repository, &DEV).ends("no-change", 0);
    let report = promote(repository, &["--environment", "production", "--from", "dev"]).ends("landed", 0);
    assert_eq!(report["infra_repo"]["branch"], "env/production");
}

#[test]
fn the_component_of_the_example_is_promoted_for_everybody_who_includes_it() {
    let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
    create(&host, "component.git", "component");
    let repository = host.path("component.git");
    let repository = repository.to_str().unwrap();
    let report = promote(repository, &DEV).ends("landed", 0);
    assert_eq!(report["changes"][0]["file"], "apps/api/pins/kustomization.yaml");
    promote(repository, &DEV).ends("no-change", 0);
}

#[test]
fn the_repository_of_the_example_is_that_of_the_environment() {
    let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
    for environment in ["dev", "production"] {
        create(
            &host,
            &format!("infra-{environment}"),
            &format!("repositories/infra-{environment}"),
        );
    }
    let template = host.path("infra-{environment}");
    let template = template.to_str().unwrap();
    let image = ["--image", "ghcr.io/myorg/api:1.10"];
    for environment in ["dev", "production"] {
        let words = ["--environment", environment, image[0], image[1]];
        let report = promote(template, &words).ends("landed", 0);
        let url = report["infra_repo"]["url"].as_str().unwrap();
        assert!(url.ends_with(&format!("infra-{environment}.git")), "{url}");
        promote(template, &words).ends("no-change", 0);
    }
    let report = promote(template, &["--environment", "production", "--from", "dev"]).ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("infra-{environment}") && reason.contains("`from` cannot read it"),
        "{reason}"
    );
}
