//! What the suite of the seam `delivery` runs over: an Argo CD that deploys the example infra-repo, whoever plays it.

use std::path::PathBuf;
use std::time::Duration;

use sandbox::argocd::{ArgoCdOptions, SyncWindow};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// An Argo CD and the infra-repo that it deploys, every application of it synced and healthy.
pub(super) trait World: Sync {
    /// Returns the server's address.
    fn server(&self) -> String;

    /// Returns a token of `ci` (get, sync, actions, logs), `viewer` (get), `nobody` or `deployer`, a role of the project.
    fn token(&self, account: &str) -> String;

    /// Takes the token of `ci` back.
    fn revoke(&self);

    /// Returns the infra-repo's address, as its applications have it.
    fn infra_repo(&self) -> String;

    /// Returns the bare infra-repo.
    fn folder(&self) -> PathBuf;

    /// Returns a file at the tip of `main`.
    fn file(&self, path: &str) -> String;

    /// Commits a file to `main`, and returns the commit.
    fn commit(&self, path: &str, text: &str, message: &str) -> String;

    /// Returns an application, as it is in the cluster; `namespace/name` where it is not in the server's own.
    fn application(&self, name: &str) -> Value;

    /// Lets an application follow another branch.
    fn follow(&self, name: &str, branch: &str);

    /// Makes an application, or replaces what one is.
    fn make(&self, name: &str, spec: &Value);

    /// Deletes an application; what it deployed goes on running.
    fn remove(&self, name: &str);

    /// Stops the controller, or starts it again.
    fn controller(&self, runs: bool);

    /// Forbids syncs of an application by a window with this schedule and length, or allows them again.
    fn window(&self, name: &str, closed: Option<(&str, &str)>);

    /// Makes every analysis of now find what is bad.
    fn breach(&self);

    /// Gives `web` in production a hook that runs its image before each sync.
    fn hook(&self);

    /// Makes the readiness probe of every pod with a tag fail, once there are some.
    fn probe_fails(&self, environment: &str, tag: &str);

    /// Returns how many streams of applications have been opened.
    fn streams(&self) -> usize;

    /// How much slower it is than the stand-in at its usual speed.
    fn slowness(&self) -> u32;

    /// Returns the stand-in, for what cannot be made happen elsewhere.
    fn stand_in(&self) -> Option<&Sandbox> {
        None
    }
}

/// Waits until something is so.
#[track_caller]
pub(super) fn until(what: &str, longest: Duration, mut so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed() < longest, "not within {longest:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The stand-in, at twenty times the speed. It compares with git only when asked.
pub(super) struct StandIn(Sandbox);

impl StandIn {
    pub(super) fn start() -> Self {
        let options = Options {
            argocd: ArgoCdOptions {
                speed: 20.0,
                reconcile: None,
                exchanges: std::env::var_os("SANDBOX_EXCHANGES").map(PathBuf::from),
                ..ArgoCdOptions::default()
            },
            ..Options::default()
        };
        Self(Sandbox::start_blocking(options).unwrap())
    }
}

impl World for StandIn {
    fn server(&self) -> String {
        self.0.argocd.url().to_owned()
    }

    fn token(&self, account: &str) -> String {
        let role = account == "deployer";
        self.0
            .argocd
            .token(if role { "proj:default:deployer" } else { account })
    }

    fn revoke(&self) {
        self.0.argocd.revoke("ci");
    }

    fn infra_repo(&self) -> String {
        self.0.infra_repo()
    }

    fn folder(&self) -> PathBuf {
        self.0.git.path("infra-repo")
    }

    fn file(&self, path: &str) -> String {
        self.0.git.read("infra-repo", path).unwrap()
    }

    fn commit(&self, path: &str, text: &str, message: &str) -> String {
        self.0.commit(path, text, message).unwrap()
    }

    fn application(&self, name: &str) -> Value {
        self.0.argocd.application(name).unwrap_or_default()
    }

    fn follow(&self, name: &str, branch: &str) {
        self.0
            .argocd
            .edit(name, |spec| spec["source"]["targetRevision"] = json!(branch));
    }

    fn make(&self, name: &str, spec: &Value) {
        let (namespace, name) = name.split_once('/').unwrap_or(("argocd", name));
        let manifest = json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec});
        self.0.argocd.apply(&manifest, false).unwrap();
    }

    fn remove(&self, name: &str) {
        self.0.argocd.delete(name);
    }

    fn controller(&self, runs: bool) {
        self.0.argocd.stop_controller(!runs);
    }

    fn window(&self, name: &str, closed: Option<(&str, &str)>) {
        let deny = |(schedule, duration): (&str, &str)| SyncWindow {
            kind: "deny",
            schedule: schedule.to_owned(),
            duration: duration.to_owned(),
            manual: false,
            active: true,
        };
        self.0.argocd.sync_windows(name, closed.map(deny).into_iter().collect());
    }

    // All are in its tags: `breach…`, `fail…` and `never…`.
    fn breach(&self) {}
    fn hook(&self) {}
    fn probe_fails(&self, _environment: &str, _tag: &str) {}

    fn streams(&self) -> usize {
        let asked = self.0.argocd.asked();
        asked.iter().filter(|asked| asked.path.contains("/stream/")).count()
    }

    fn slowness(&self) -> u32 {
        1
    }

    fn stand_in(&self) -> Option<&Sandbox> {
        Some(&self.0)
    }
}
