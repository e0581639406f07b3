//! Gates and holds of an environment that a change reaches: by what its overlay includes, and by links. What cannot be followed closes.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::git::{Fault, FaultyProxy, GitHost, GitHostOptions};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, start};

const COMPONENT: &str =
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n- name: myorg/api\n  newTag: v1\n";
const PIN: &str = "images:\n- name: myorg/api\n  newTag: v1\n";
const FREEZE: &str = "version: 1\nenvironments:\n- name: dev\n  path: apps/{app}/image\n- name: production\n  path: apps/{app}/overlays/{environment}\n  \
                      windows: {deny: [{from: \"2020-01-01\", to: \"2090-01-01\", reason: freeze}]}\n";
const IMAGE: &str = "apps/api/image/kustomization.yaml";
const OVERLAY: &str = "apps/api/overlays/production/kustomization.yaml";

/// An infra-repo in a folder, as files and links become one.
struct Repository {
    folder: TempDir,
}

impl Repository {
    fn new(files: &[(&str, &str)], links: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Self { folder };
        for (path, text) in files {
            fs::write(repository.place(path), text).unwrap();
        }
        for (path, to) in links {
            symlink(to, repository.place(path)).unwrap();
        }
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["add", "-A"],
            &[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "commit",
                "-qm",
                "begin",
            ],
        ] {
            repository.git("files", args);
        }
        repository.git(".", &["clone", "-q", "--bare", "files", "bare.git"]);
        repository
    }

    fn place(&self, path: &str) -> PathBuf {
        let place = self.folder.path().join("files").join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }

    fn git(&self, inside: &str, args: &[&str]) -> String {
        let at = self.folder.path().join(inside);
        fs::create_dir_all(&at).unwrap();
        let output = Command::new("git").args(args).current_dir(at).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn run(&self, words: &str) -> Ran {
        let bare = self.folder.path().join("bare.git");
        promote(self.folder.path(), bare.to_str().unwrap(), words)
    }

    /// Runs it, and returns the report if nothing was written.
    fn refused(&self, words: &str, outcome: &str, code: i32) -> Value {
        let before = self.git("bare.git", &["rev-parse", "main"]);
        let report = self.run(words).ends(outcome, code);
        assert_eq!(self.git("bare.git", &["rev-parse", "main"]), before, "{report:#}");
        report
    }
}

fn promote(home: &Path, infra_repo: &str, words: &str) -> Ran {
    let env = [("HOME", home.to_str().unwrap())];
    let words = words.split(' ').chain(["--output", "json", "--infra-repo", infra_repo]);
    start(home, &env, &words.collect::<Vec<_>>()).wait()
}

fn reason(report: &Value) -> &str {
    report["reason"].as_str().unwrap()
}

/// Each way to write that production includes the pin, and ways that cannot be followed.
#[test]
fn gates_of_an_environment_that_includes_the_pin_are_asked_or_it_is_refused() {
    let words = "--app api --environment dev --tag v2";
    let resources = |first: &str, count: usize| {
        let mut text = format!("resources:\n- {first}\n");
        for n in 0..count {
            writeln!(text, "- ../../r{n}").unwrap();
        }
        text
    };
    let middle = ("apps/api/mid/kustomization.yaml", "components:\n- ../image\n");
    for (overlay, more, links, part) in [
        ("components:\n- ../../image\n".to_owned(), None, &[][..], "freeze"),
        (resources("../../mid", 0), Some(middle), &[], "freeze"),
        (resources("../../mid", 40), Some(middle), &[], "freeze"),
        (resources("../../mid", 400), Some(middle), &[], "more than 200"),
        (
            "components:\n- img\n".to_owned(),
            None,
            &[("apps/api/overlays/production/img", "../../image")],
            "freeze",
        ),
        (
            "components:\n- ../../image\n\tx: 1\n".to_owned(),
            None,
            &[],
            "cannot be read",
        ),
    ] {
        let mut files = vec![
            ("promote.yaml", FREEZE),
            (IMAGE, COMPONENT),
            (OVERLAY, overlay.as_str()),
        ];
        files.extend(more);
        let report = Repository::new(&files, links).refused(words, "refused", 3);
        assert!(reason(&report).contains(part), "{overlay}: {report:#}");
    }
    // The overlay's folder is itself a link.
    let files = [
        ("promote.yaml", FREEZE),
        (IMAGE, COMPONENT),
        (
            "apps/api/overlays/p2/kustomization.yaml",
            "components:\n- ../../image\n",
        ),
    ];
    let link = [("apps/api/overlays/production", "p2")];
    let report = Repository::new(&files, &link).refused(words, "refused", 3);
    assert!(reason(&report).contains("freeze"), "{report:#}");
    // It includes something else.
    let other = [
        ("promote.yaml", FREEZE),
        (IMAGE, COMPONENT),
        (OVERLAY, "resources: [../../base, x.yaml]\n"),
    ];
    Repository::new(&other, &[]).run(words).ends("landed", 0);
}

/// A link in a folder of one team leads to the production of another.
#[test]
fn a_link_passes_no_gate_and_no_hold() {
    let freeze = FREEZE
        .replace("  path: apps/{app}/image\n", "")
        .replace("  path: apps/{app}/overlays/{environment}\n", "");
    let web = "apps/web/overlays/production/kustomization.yaml";
    let links = [
        ("apps/foo/overlays/dev", "../../api/overlays/production"),
        ("apps/web/overlays/dev", "production"),
    ];
    let repository = Repository::new(&[("promote.yaml", &freeze), (OVERLAY, PIN), (web, PIN)], &links);
    let report = repository.refused("--app foo --environment dev --tag v2", "invalid", 2);
    assert!(
        reason(&report).contains("apps/foo/overlays/dev is a symbolic link to apps/api/overlays/production"),
        "{report:#}"
    );
    let report = repository.refused("--app web --environment dev --tag v2", "refused", 3);
    assert!(reason(&report).contains("freeze"), "{report:#}");
    // Without promote.yaml there are holds alone.
    let holds = "- app: web\n  environment: production\n  reason: incident\n";
    let repository = Repository::new(&[("promote-holds.yaml", holds), (OVERLAY, PIN), (web, PIN)], &links);
    repository.refused("--app foo --environment dev --tag v2", "invalid", 2);
    let report = repository.refused("--app web --environment dev --tag v2", "refused", 3);
    assert!(reason(&report).contains("incident"), "{report:#}");
}

/// A server that fails for a moment opens nothing.
#[test]
fn an_overlay_that_a_server_does_not_give_opens_no_gate() {
    for first in 2..6 {
        let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
        let files = [
            ("promote.yaml", FREEZE),
            (IMAGE, COMPONENT),
            (OVERLAY, "components:\n- ../../image\n"),
        ];
        host.create("infra", &files).unwrap();
        let faults: Vec<(usize, Fault)> = (first..first + 4).map(|at| (at, Fault::Status(500))).collect();
        let proxy = FaultyProxy::start(host.address(), &faults).unwrap();
        let home = tempfile::tempdir().unwrap();
        let ran = promote(home.path(), &proxy.url("infra"), "--app api --environment dev --tag v2");
        let report = ran.report();
        let outcome = report["outcome"].as_str().unwrap();
        assert!(["refused", "unreachable"].contains(&outcome), "{first}: {report:#}");
        assert_eq!(
            host.git("infra", &["rev-list", "--count", "main"]).unwrap(),
            "1\n",
            "{first}"
        );
    }
}
