//! Analyses after a promotion and by themselves, over the stand-ins of git, Argo CD and Prometheus.

use sandbox::prometheus::{Prometheus, Series};
use serde_json::Value;

use crate::support::{Ran, World};

const STAGING: &str = "--app api --environment staging";
pub(super) const QUERY: &str = "success-rate of api";

/// A template whose service is an argument; `more` are lines of its metric.
pub(super) fn template(address: &str, more: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: success-rate
spec:
  args:
  - name: service
  metrics:
  - name: success-rate
{more}
    successCondition: result[0] >= 0.95
    failureCondition: result[0] < 0.90
    provider:
      prometheus:
        address: {address}
        query: success-rate of {{{{args.service}}}}
"
    )
}

const THREE: &str = "    interval: 1s\n    count: 3";

/// A sandbox with a Prometheus, and an analysis of staging.
struct Watched {
    world: World,
    prometheus: Prometheus,
}

impl Watched {
    fn new(verify: &str, more: &str) -> Self {
        let watched = Self {
            world: World::new(),
            prometheus: Prometheus::start().unwrap(),
        };
        watched.prometheus.set(QUERY, Series::Vector(vec!["0.97"]));
        watched.template(&template(watched.prometheus.url(), more));
        watched.configure(&format!("- name: dev\n- name: staging\n{verify}- name: production\n"));
        watched
    }

    fn template(&self, text: &str) {
        let path = "apps/api/success-rate.yaml";
        self.world.sandbox.commit(path, text, "Add an analysis").unwrap();
    }

    fn configure(&self, environments: &str) {
        let text = format!(
            "version: 1\nenvironments:\n{environments}analyses:\n  success-rate:\n    template: apps/api/success-rate.yaml\n    args: {{service: \"{{app}}\"}}\n"
        );
        self.world.sandbox.commit("promote.yaml", &text, "Configure").unwrap();
    }

    /// Returns the events of the record of api in staging.
    fn recorded(&self) -> Vec<String> {
        let file = "refs/promote/record:staging/api.jsonl";
        let lines = self.world.sandbox.git(&["cat-file", "blob", file]).unwrap();
        let event = |line: &str| {
            serde_json::from_str::<Value>(line).unwrap()["event"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        lines.lines().map(event).collect()
    }

    #[track_caller]
    fn verify(&self, words: &str) -> Ran {
        self.world.live(&format!("verify {STAGING} {words}"))
    }
}

fn measured(report: &Value) -> Vec<(String, String)> {
    let rows = report["measurements"].as_array().unwrap().iter();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.map(|row| (text(row, "value"), text(row, "phase"))).collect()
}

fn reason(report: &Value) -> &str {
    report["reason"].as_str().unwrap()
}

const VERIFY: &str = "  verify: {analysis: [success-rate]}\n";

#[test]
fn good_metrics_and_healthy_applications_are_verified() {
    let watched = Watched::new(VERIFY, THREE);
    let ran = watched.verify("");
    assert!(
        ran.stderr.contains("api in staging: success-rate [0.97] Successful"),
        "{}",
        ran.stderr
    );
    let report = ran.ends("verified", 0);
    assert_eq!(
        measured(&report),
        vec![("[0.97]".to_owned(), "Successful".to_owned()); 3]
    );
    let row = &report["measurements"][0];
    assert_eq!(
        (row["analysis"].as_str(), row["metric"].as_str()),
        (Some("success-rate"), Some("success-rate"))
    );
    assert_eq!(report["applications"][0]["live"], true);
    assert_eq!(watched.prometheus.asked(), 3);
    assert_eq!(watched.recorded(), ["verified"]);
}

#[test]
fn a_bad_value_is_a_breach_and_ends_the_watch() {
    let watched = Watched::new(VERIFY, "    interval: 1s\n    count: 30");
    watched.prometheus.set(QUERY, Series::Vector(vec!["0.5"]));
    let report = watched.verify("").ends("breached", 6);
    assert_eq!(measured(&report), [("[0.5]".to_owned(), "Failed".to_owned())]);
    for part in ["success-rate", "[0.5]", "result[0] < 0.90"] {
        assert!(reason(&report).contains(part), "{report:#}");
    }
    assert_eq!(report["applications"][0]["live"], true);
}

#[test]
fn neither_good_nor_bad_no_data_and_nan_are_told_apart() {
    let watched = Watched::new(VERIFY, THREE);
    for (values, phase, part) in [
        (
            vec!["0.92"],
            "Inconclusive",
            "neither `successCondition` nor `failureCondition` holds",
        ),
        (vec!["NaN"], "Inconclusive", "the query returned NaN"),
    ] {
        watched.prometheus.set(QUERY, Series::Vector(values));
        let report = watched.verify("").ends("breached", 6);
        assert_eq!(measured(&report)[0].1, phase);
        assert!(reason(&report).contains(part), "{report:#}");
    }
    // Conditions that ask first whether there is anything.
    let guarded = template(watched.prometheus.url(), THREE)
        .replace("Condition: result[0]", "Condition: len(result) > 0 && result[0]");
    watched.template(&guarded);
    watched.prometheus.set(QUERY, Series::Vector(vec![]));
    let report = watched.verify("").ends("breached", 6);
    assert!(reason(&report).contains("the query returned no data"), "{report:#}");
}

#[test]
fn a_watch_lasts_as_long_as_it_is_asked_to() {
    let watched = Watched::new("", "");
    // One measurement, and nothing that ends it but the time.
    let report = watched.verify("--analysis success-rate --for 3s").ends("verified", 0);
    assert!(report["duration_seconds"].as_f64().unwrap() >= 3.0, "{report:#}");
    watched.template(&template(watched.prometheus.url(), "    interval: 1s"));
    let report = watched.verify("--analysis success-rate --for 3s").ends("verified", 0);
    assert!((3..=4).contains(&measured(&report).len()), "{report:#}");
    watched.verify("--analysis success-rate").ends("invalid", 2)["reason"]
        .as_str()
        .filter(|reason| reason.contains("does not end by itself") && reason.contains("`for`"))
        .unwrap();
}

#[test]
fn an_analysis_that_ends_sooner_begins_again() {
    let watched = Watched::new(VERIFY, "    interval: 1s\n    count: 1");
    let running = watched.world.start_live(&format!("verify {STAGING} --for 20s"));
    watched.world.until("three rounds", |_| watched.prometheus.asked() >= 3);
    watched.prometheus.set(QUERY, Series::Vector(vec!["0.1"]));
    let report = running.wait().ends("breached", 6);
    assert!(measured(&report).len() >= 4, "{report:#}");
}

#[test]
fn a_server_that_gives_no_answer_is_no_breach() {
    let watched = Watched::new("", "    interval: 1s\n    count: 2\n    consecutiveErrorLimit: 0");
    watched.prometheus.fail(Some(503));
    let report = watched.verify("--analysis success-rate").ends("unreachable", 4);
    assert_eq!(measured(&report)[0].1, "Error");
    assert!(reason(&report).contains("503"), "{report:#}");
    watched.prometheus.fail(Some(403));
    watched.verify("--analysis success-rate").ends("denied", 4);
    watched.prometheus.fail(None);
    watched.prometheus.set(QUERY, Series::Vector(vec![]));
    let report = watched.verify("--analysis success-rate").ends("breached", 6);
    assert!(reason(&report).contains("no data"), "{report:#}");
    // Cut short by the time before the limit of errors: nothing was seen, so nothing is verified.
    watched.template(&template(watched.prometheus.url(), "    interval: 1s"));
    watched.prometheus.fail(Some(503));
    watched
        .verify("--analysis success-rate --for 2s")
        .ends("unreachable", 4);
}

#[test]
fn an_application_that_is_not_healthy_any_more_is_a_breach() {
    let watched = Watched::new("", THREE);
    let running = watched.world.start_live(&format!("verify {STAGING} --for 60s"));
    watched.world.until("the watch begins", |sandbox| {
        let asked = sandbox.argocd.asked();
        asked.iter().filter(|asked| asked.path.contains("api-staging")).count() > 3
    });
    watched.world.sandbox.argocd.delete("api-staging");
    let report = running.wait().ends("breached", 6);
    assert!(reason(&report).contains("api-staging"), "{report:#}");
}

#[test]
fn a_newer_promotion_ends_the_watch_as_superseded() {
    let watched = Watched::new("", THREE);
    let running = watched.world.start_live(&format!("verify {STAGING} --for 60s"));
    watched.world.until("the watch begins", |sandbox| {
        let asked = sandbox.argocd.asked();
        asked.iter().filter(|asked| asked.path.contains("api-staging")).count() > 3
    });
    watched
        .world
        .live(&format!("{STAGING} --tag newer77 --settle 200ms"))
        .exits(0);
    let report = running.wait().ends("superseded", 9);
    assert!(report["superseded_by"]["commit"].is_string(), "{report:#}");
}

#[test]
fn a_promotion_is_verified_at_its_end() {
    let watched = Watched::new(VERIFY, THREE);
    let report = watched
        .world
        .live(&format!("{STAGING} --tag abc1234 --settle 200ms"))
        .ends("promoted", 0);
    assert_eq!(measured(&report).len(), 3);
    assert!(reason(&report).contains("success-rate"), "{report:#}");
    watched.prometheus.set(QUERY, Series::Vector(vec!["0.5"]));
    let report = watched
        .world
        .live(&format!("{STAGING} --tag def5678 --settle 200ms"))
        .ends("breached", 6);
    assert_eq!(measured(&report).len(), 1);
    assert_eq!(report["changes"][0]["after"], "myorg/api:def5678");
    assert_eq!(watched.recorded(), ["verified", "breached"]);
}

#[test]
fn what_is_wrong_with_an_analysis_is_said_before_anything_is_written() {
    let watched = Watched::new(VERIFY, THREE);
    let good = template(watched.prometheus.url(), THREE);
    let url = watched.prometheus.url();
    for (from, to, part) in [
        ("      prometheus:\n", "      datadog:\n", "not with `datadog`"),
        (
            "result[0] >= 0.95",
            "'len(groupBy(result, # > 1)) > 0'",
            "promote does not evaluate the function `groupBy`",
        ),
        (
            url,
            "http://prometheus.example.com",
            "promote uses http only for loopback",
        ),
        (url, "prometheus:9090", "is not a URL"),
        ("- name: service", "- name: sevice", "the argument sevice has no value"),
        ("kind: AnalysisTemplate", "kind: Rollout", "has no AnalysisTemplate"),
        ("count: 3", "count: 3\n    failureLimit: -2", "failureLimit"),
    ] {
        assert!(good.contains(from), "{from}");
        watched.template(&good.replace(from, to));
        let tip = watched.world.sandbox.tip().unwrap();
        for words in [
            format!("{STAGING} --tag abc1234"),
            format!("plan {STAGING} --tag abc1234"),
            format!("verify {STAGING}"),
        ] {
            let report = watched.world.live(&words).ends("invalid", 2);
            assert!(reason(&report).contains(part), "{part} in {report:#}");
            assert!(reason(&report).contains("success-rate"), "{report:#}");
        }
        assert_eq!(watched.world.sandbox.tip().unwrap(), tip);
    }
    assert_eq!(watched.prometheus.asked(), 0);
    let report = watched.verify("--analysis sucess-rate").ends("invalid", 2);
    assert!(
        reason(&report).contains("`sucess-rate` is not in promote.yaml: it has success-rate"),
        "{report:#}"
    );
    watched.configure("- name: dev\n- name: staging\n- name: production\n");
    let report = watched.verify("").ends("invalid", 2);
    assert!(
        reason(&report).contains("nothing says what to verify in staging"),
        "{report:#}"
    );
}

#[test]
fn a_template_that_lets_nothing_pass_is_warned_of_before_the_wait() {
    let watched = Watched::new(VERIFY, THREE);
    let text = template(watched.prometheus.url(), THREE).replace("    successCondition: result[0] >= 0.95\n", "");
    watched.template(&text.replace("result[0] < 0.90", "len(result) > 0 && result[0] < 0.90"));
    let report = watched.verify("").ends("verified", 0);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("metric success-rate: no data and NaN count as success"),
        "{warnings}"
    );
}

#[test]
fn the_address_of_the_run_replaces_the_templates_own_and_alone_gets_the_token() {
    let watched = Watched::new(VERIFY, THREE);
    let other = Prometheus::start().unwrap();
    other.set(QUERY, Series::Vector(vec!["0.99"]));
    other.want_token("prometheus-token-1");
    let world = &watched.world;
    let step = || {
        world
            .step()
            .with("command", "verify")
            .with("app", "api")
            .with("environment", "staging")
    };
    let stepped = step()
        .with("prometheus-url", other.url())
        .with("prometheus-token", "prometheus-token-1")
        .run();
    assert_eq!(stepped.ran.code, 0, "{:?}", stepped.ran);
    assert_eq!(stepped.outputs["outcome"], "verified");
    assert_eq!((watched.prometheus.asked(), other.asked()), (0, 3));
    assert!(stepped.summary.contains("### Measurements"), "{}", stepped.summary);
    assert!(stepped.summary.contains("▅▅▅"), "{}", stepped.summary);
    assert!(
        !stepped
            .ran
            .stdout
            .replace("::add-mask::prometheus-token-1", "")
            .contains("prometheus-token-1")
    );
    // The token without its address, and an address that would show it to everybody.
    let stepped = step().with("prometheus-token", "prometheus-token-1").run();
    assert_eq!(stepped.ran.code, 2, "{:?}", stepped.ran);
    let stepped = step().with("prometheus-url", "http://prometheus.example.com").run();
    assert_eq!(stepped.ran.code, 2, "{:?}", stepped.ran);
}

#[test]
fn a_signal_ends_the_watch_and_keeps_what_was_measured() {
    let watched = Watched::new(VERIFY, "    interval: 1s\n    count: 60");
    let running = watched.world.start_live(&format!("verify {STAGING}"));
    watched
        .world
        .until("two measurements", |_| watched.prometheus.asked() >= 2);
    running.signal(15);
    let report = running.wait().ends("cancelled", 143);
    assert!(!measured(&report).is_empty(), "{report:#}");
}

/// A canary of production that pauses for a person at 60%, judged by the analysis.
fn paused(more: &str, values: Vec<&'static str>) -> Watched {
    let watched = Watched {
        world: World::at_speed(200.0),
        prometheus: Prometheus::start().unwrap(),
    };
    let path = "apps/api/base-rollout/rollout.yaml";
    let rollout = (watched.world.sandbox)
        .git(&["cat-file", "blob", &format!("main:{path}")])
        .unwrap();
    let forever = rollout.replace("pause:\n            duration: 1m", "pause: {}");
    assert_ne!(rollout, forever);
    watched
        .world
        .sandbox
        .commit(path, &forever, "Wait for a person")
        .unwrap();
    watched.prometheus.set(QUERY, Series::Vector(values));
    watched.template(&template(watched.prometheus.url(), more));
    watched.configure(
        "- name: dev\n- name: staging\n- name: production\n  on-pause: verify\n  verify: {analysis: [success-rate]}\n",
    );
    watched
}

const PRODUCTION: &str = "--app api --environment production --settle 200ms";
const ONE: &str = "    interval: 1s\n    count: 2";

#[test]
fn a_pause_with_good_metrics_is_resumed() {
    let watched = paused(ONE, vec!["0.99"]);
    let ran = watched.world.live(&format!("{PRODUCTION} --tag abc1234"));
    assert!(ran.stderr.contains("the canary goes on"), "{}", ran.stderr);
    let report = ran.ends("promoted", 0);
    // Twice in the pause, and twice at the end.
    assert_eq!(measured(&report).len(), 4, "{report:#}");
    let acted = |name: &str| {
        let asked = watched.world.sandbox.argocd.asked();
        asked
            .iter()
            .filter(|asked| asked.method == "POST" && asked.body.to_string().contains(name))
            .count()
    };
    assert_eq!((acted("resume"), acted("abort")), (1, 0));
}

#[test]
fn resume_and_rollback_judge_pauses_too() {
    let watched = paused(ONE, vec!["0.99"]);
    let world = &watched.world;
    let path = "apps/api/base-rollout/rollout.yaml";
    let rollout = world
        .sandbox
        .git(&["cat-file", "blob", &format!("main:{path}")])
        .unwrap();
    let pause = rollout.lines().find(|line| line.ends_with("- pause: {}")).unwrap();
    let twice = rollout.replace(pause, &format!("{pause}\n{pause}"));
    world.sandbox.commit(path, &twice, "Pause twice").unwrap();
    let report = world
        .live(&format!("{PRODUCTION} --tag abc1234 --on-pause succeed"))
        .ends("paused", 0);
    let commit = report["infra_repo"]["commit"].as_str().unwrap();
    let ran = world.live(&format!("resume {PRODUCTION}"));
    assert!(ran.stderr.contains("the analyses succeeded"), "{}", ran.stderr);
    assert_eq!(measured(&ran.ends("live", 0)).len(), 2);
    let ran = world.live(&format!("rollback {PRODUCTION} --commit {commit}"));
    assert!(ran.stderr.contains("the analyses succeeded"), "{}", ran.stderr);
    assert_eq!(measured(&ran.ends("reverted", 0)).len(), 4);
}

#[test]
fn a_pause_with_bad_metrics_is_aborted() {
    let watched = paused(ONE, vec!["0.5"]);
    let report = watched
        .world
        .live(&format!("{PRODUCTION} --tag abc1234"))
        .ends("breached", 6);
    assert_eq!(measured(&report).len(), 1, "{report:#}");
    assert!(
        reason(&report).contains("aborted the canary of api-production"),
        "{report:#}"
    );
    let file = "refs/promote/record:production/api.jsonl";
    let lines = watched.world.sandbox.git(&["cat-file", "blob", file]).unwrap();
    assert!(lines.contains("\"event\":\"breached\""), "{lines}");
}

#[test]
fn a_pause_that_nobody_can_judge_stays() {
    let watched = paused(
        "    interval: 1s\n    count: 2\n    consecutiveErrorLimit: 0",
        vec!["0.99"],
    );
    watched.prometheus.fail(Some(503));
    let report = watched
        .world
        .live(&format!("{PRODUCTION} --tag abc1234"))
        .ends("unreachable", 4);
    assert!(reason(&report).contains("stays paused"), "{report:#}");
    let posts = watched.world.sandbox.argocd.asked();
    assert!(!posts.iter().any(|asked| asked.body.to_string().contains("abort")));
    // Once they can be read, `wait` goes on from there.
    watched.prometheus.fail(None);
    watched.world.live(&format!("wait {PRODUCTION}")).ends("live", 0);
}

#[test]
fn on_pause_verify_needs_analyses() {
    let watched = Watched::new("  on-pause: verify\n", THREE);
    let report = watched
        .world
        .live(&format!("{STAGING} --tag abc1234"))
        .ends("invalid", 2);
    assert!(
        reason(&report).contains("has no analyses that could judge a pause"),
        "{report:#}"
    );
}

#[test]
fn a_gate_measures_once_before_anything_is_written() {
    let watched = Watched::new("  analysis: [success-rate]\n", "    interval: 1h");
    let plan = |outcome: &str| {
        let report = watched
            .world
            .live(&format!("plan {STAGING} --tag abc1234"))
            .ends("planned", 0);
        let gate = report["gates"]
            .as_array()
            .unwrap()
            .iter()
            .find(|gate| gate["name"] == "analysis")
            .unwrap()
            .clone();
        assert_eq!(gate["state"], outcome, "{gate:#}");
        (gate["reason"].as_str().unwrap().to_owned(), report)
    };
    let (why, report) = plan("open");
    assert!(why.contains("success-rate is [0.97]"), "{why}");
    assert_eq!(measured(&report).len(), 1);
    watched.prometheus.set(QUERY, Series::Vector(vec!["0.5"]));
    let (why, _) = plan("closed");
    assert!(why.contains("[0.5]"), "{why}");
    let tip = watched.world.sandbox.tip().unwrap();
    let report = watched
        .world
        .live(&format!("{STAGING} --tag abc1234"))
        .ends("refused", 3);
    assert!(
        reason(&report).contains("gate `analysis` of staging is closed"),
        "{report:#}"
    );
    // A server that is busy for a moment is asked again.
    watched.prometheus.fail_next(2, 503);
    let (why, report) = plan("closed");
    assert!(why.contains("[0.5]"), "{why}");
    assert_eq!(measured(&report).len(), 1);
    watched.prometheus.fail(Some(503));
    let (why, _) = plan("unknown");
    assert!(why.contains("503"), "{why}");
    watched
        .world
        .live(&format!("{STAGING} --tag abc1234"))
        .ends("refused", 3);
    assert_eq!(watched.world.sandbox.tip().unwrap(), tip);
    watched.prometheus.fail(None);
    watched.prometheus.set(QUERY, Series::Vector(vec!["0.99"]));
    watched
        .world
        .live(&format!("{STAGING} --tag abc1234 --settle 200ms"))
        .ends("promoted", 0);
}
