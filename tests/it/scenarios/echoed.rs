//! A secret that a server answers with gets into nothing that a run writes: no commit, file, pull request, deployment, comment or operation.

use sandbox::argocd::SyncWindow;
use sandbox::github::GitHub;
use sandbox::prometheus::Prometheus;

use super::github_api::{ends, github, step};
use super::source_repository::{COMMIT, shows};
use super::verify::template;
use crate::support::{Step, World};

/// With letters that Markdown escapes.
const METRICS: &str = "canary|metrics`9f3a-66b1";

/// A world with a metrics server that answers with its token, and with the GitHub of the infra-repo and of the source.
struct Echoing {
    world: World,
    github: GitHub,
    prometheus: Prometheus,
}

impl Echoing {
    fn new(environment: &str) -> Self {
        let world = World::at_speed(200.0);
        let github = github(&world);
        github.know("myorg/api");
        github.came_from(COMMIT, 7);
        let prometheus = Prometheus::start().unwrap();
        prometheus.echo();
        let analysis = template(
            prometheus.url(),
            "    interval: 1s\n    count: 1\n    consecutiveErrorLimit: 0",
        );
        let text = format!(
            "version: 1\nenvironments:\n- name: dev\n{environment}- name: staging\n- name: production\nanalyses:\n  success-rate:\n    \
             template: apps/api/success-rate.yaml\n    args: {{service: \"{{app}}\"}}\n"
        );
        world
            .sandbox
            .commit("apps/api/success-rate.yaml", &analysis, "Add")
            .unwrap();
        world.sandbox.commit("promote.yaml", &text, "Configure").unwrap();
        Self {
            world,
            github,
            prometheus,
        }
    }

    fn step(&self) -> Step {
        shows(&self.world, step(&self.world, &self.github))
            .with("argocd-server", self.world.sandbox.argocd.url())
            .with("argocd-token", &self.world.sandbox.argocd.token("ci"))
            .with("aliases", &self.world.sandbox.infra_repo())
            .with("settle", "300ms")
            .with("prometheus-url", self.prometheus.url())
            .with("prometheus-token", METRICS)
    }

    /// Returns everything that was written, by where it is.
    fn written(&self) -> Vec<(&'static str, String)> {
        let git = self.world.sandbox.git(&["log", "-p", "--all", "--format=raw"]).unwrap();
        let argocd = self.world.sandbox.argocd.asked();
        vec![
            ("git", git),
            ("pull requests", format!("{:?}", self.github.pulls())),
            ("deployments", format!("{:?}", self.github.deployments())),
            ("comments", format!("{:?}", self.github.comments())),
            ("Argo CD", format!("{argocd:?}")),
        ]
    }

    /// Checks that the places have what hides the secret, and no place has the secret or half of it.
    #[track_caller]
    fn hides(&self, secret: &str, places: &[&str]) {
        let escaped = secret.replace('`', "'").replace('|', "\\|");
        let half = |text: &str| text.get(text.len() / 2 - 1..).unwrap().to_owned();
        for (place, text) in self.written() {
            for form in [secret.to_owned(), escaped.clone(), half(secret), half(&escaped)] {
                assert!(
                    !text.contains(&form) && !text.contains(&form.escape_debug().to_string()),
                    "{form} is in {place}:\n{text}"
                );
            }
            assert!(text.contains("***") || !places.contains(&place), "{place}:\n{text}");
        }
    }
}

const GATE: &str = "  analysis: [success-rate]\n  allow: [skip-analysis, skip-sync-window]\n";

#[test]
fn a_pull_request_does_not_show_what_a_gate_was_answered() {
    let echoing = Echoing::new(GATE);
    let step = echoing
        .step()
        .with("via", "pull-request")
        .with("allow", "skip-analysis")
        .with("reason", "an emergency");
    ends(&step.run(), "proposed", 0);
    echoing.hides(METRICS, &["pull requests"]);
    // The second run finds that it says the same.
    let edits = || {
        let asked = echoing.github.asked();
        asked
            .iter()
            .filter(|asked| asked.method == "PATCH" && asked.path.contains("/pulls/"))
            .count()
    };
    let before = edits();
    ends(&step.run(), "proposed", 0);
    assert_eq!(edits(), before);
}

#[test]
fn a_pull_request_does_not_show_what_argo_cd_calls_a_window() {
    let echoing = Echoing::new("  allow: [skip-sync-window]\n");
    let token = echoing.world.sandbox.argocd.token("ci");
    let deny = SyncWindow {
        kind: "deny",
        schedule: token.clone(),
        duration: "1h".to_owned(),
        manual: false,
        active: true,
    };
    echoing.world.sandbox.argocd.sync_windows("api-dev", vec![deny]);
    let step = echoing
        .step()
        .with("argocd-token", &token)
        .with("via", "pull-request")
        .with("allow", "skip-sync-window")
        .with("reason", format!("an emergency of {token}").as_str());
    ends(&step.run(), "proposed", 0);
    let pulls = format!("{:?}", echoing.github.pulls());
    assert!(pulls.contains("sync-window") && !pulls.contains(&token), "{pulls}");
    let git = echoing.world.sandbox.git(&["log", "--all", "--format=%B"]).unwrap();
    assert!(
        git.contains("Promote-Reason: an emergency of ***") && !git.contains(&token),
        "{git}"
    );
}

#[test]
fn going_back_shows_the_failure_without_the_secret_in_it() {
    let echoing = Echoing::new("  verify: {analysis: [success-rate]}\n  on-failure: rollback\n");
    let stepped = echoing.step().run();
    ends(&stepped, "rolled-back", 7);
    let written = echoing.written();
    let holds = echoing.world.sandbox.git(&["show", "main:promote-holds.yaml"]).unwrap();
    assert!(holds.contains("debug: got Bearer ***"), "{holds}");
    for part in ["Promote-Reason: breached", "\"event\":\"rolled-back\""] {
        assert!(
            written.iter().any(|(_, text)| text.contains(part)),
            "{part}: {written:?}"
        );
    }
    echoing.hides(METRICS, &["git", "comments"]);
}

#[test]
fn a_hold_hides_what_its_reason_repeats() {
    for via in ["push", "pull-request", "api"] {
        let echoing = Echoing::new("");
        let token = echoing.world.sandbox.git_token();
        let step = step(&echoing.world, &echoing.github)
            .with("tag", "")
            .with("command", "hold")
            .with("image", "myorg/api:v2")
            .with("via", via)
            .with("reason", &format!("{token} leaked"));
        let outcome = if via == "pull-request" { "proposed" } else { "landed" };
        ends(&step.run(), outcome, 0);
        let git = echoing
            .world
            .sandbox
            .git(&["log", "-p", "--all", "--format=%B"])
            .unwrap();
        assert!(git.contains("*** leaked") && !git.contains(token), "{git}");
        let pulls = format!("{:?}", echoing.github.pulls());
        assert!(!pulls.contains(token), "{pulls}");
    }
}

/// A tag is what was asked for, also where a secret is the same word.
#[test]
fn a_pin_stays_as_it_is() {
    let echoing = Echoing::new("");
    let step = echoing
        .step()
        .with("tag", "abc1234")
        .with("prometheus-token", "abc1234");
    ends(&step.run(), "promoted", 0);
    let pinned = echoing.world.sandbox.overlay("api", "dev").unwrap();
    assert!(pinned.contains("abc1234"), "{pinned}");
    let message = echoing
        .world
        .sandbox
        .git(&["log", "-1", "--format=%B", "main"])
        .unwrap();
    assert!(message.contains("-> myorg/api:abc1234\n"), "{message}");
    let record = echoing
        .world
        .sandbox
        .git(&["cat-file", "blob", "refs/promote/record:dev/api.jsonl"])
        .unwrap();
    assert!(record.contains("myorg/api:abc1234"), "{record}");
}
