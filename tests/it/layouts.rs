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
    let mut known = LAYOUTS.map(str::to_owned).to_vec();
    known.sort();
    assert_eq!(there, known);
}

#[test]
fn every_layout_is_promoted_and_a_second_run_changes_nothing() {
    let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
    for layout in LAYOUTS {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/layouts")
            .join(layout);
        let mut all = Vec::new();
        files(&root, &root, &mut all);
        let name = format!("{layout}.git");
        let given: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        host.create(&name, &given).unwrap();
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
