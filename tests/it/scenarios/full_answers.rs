//! Answers of GitHub, registries and metrics servers, filled with the smallest elements that their limits let through, in 512 MB of address
//! space: the run ends in words, with its report.

use std::sync::Arc;

use sandbox::front::{Front, Manner};
use sandbox::prometheus::{Prometheus, Series};
use serde_json::Value;

use super::bounds::limited;
use super::gates::{configure, gate};
use super::github_api::{github, step_at};
use super::image_gate::pinning;
use super::verify::{QUERY, template};
use crate::support::World;

const MIB: usize = 1 << 20;
/// Twelve times the largest of these answers, and what the program takes by itself; in KiB.
const SPACE: u32 = 256 << 10;
/// The smallest elements of JSON: a number, a text, and the maps with and without an entry.
const ELEMENTS: [&str; 4] = ["0", "\"\"", "{}", "{\"\":0}"];

/// Returns a list of so many bytes at least between head and tail.
fn full(head: &str, element: &str, size: usize, tail: &str) -> String {
    let times = size / (element.len() + 1);
    format!("{head}[{}{element}]{tail}", format!("{element},").repeat(times))
}

fn says(body: String) -> Manner {
    let headers = "content-type: application/json\r\n".to_owned();
    Manner::Says(200, headers, Arc::new(body.into_bytes()))
}

#[test]
fn answers_of_github_end_in_words() {
    let sizes = [("the smallest elements", 15 * MIB), ("more than the bound", 17 * MIB)];
    for (what, size) in sizes {
        // What takes most for each of its bytes: as a list, and as maps.
        for element in if size < 16 * MIB {
            &["0", "{\"\":0}"][..]
        } else {
            &["0"]
        } {
            let world = World::new();
            let github = github(&world);
            github.know("myorg/api");
            let front = Front::before(github.address()).unwrap();
            let at = |url: &str| url.replacen(&github.address().to_string(), &front.address().to_string(), 1);
            let step = step_at(&world, &github, &at(&github.api_url()), &at(&github.graphql_url()));
            let tip = world.sandbox.tip().unwrap();
            // The commit by GraphQL.
            front.on("/graphql", says(full("{\"data\":", element, size, "}")));
            let step = step.with("via", "api");
            let stepped = step.after(step.start_in(SPACE).wait());
            assert_eq!(stepped.ran.code, 4, "{what} {element}: {}", stepped.ran.stdout);
            assert!(!stepped.outputs["report"].is_empty() && !stepped.summary.is_empty());
            assert_eq!(world.sandbox.tip().unwrap(), tip);
            // A list by REST, which only a comment needs: the run lands all the same.
            let step = step_at(&world, &github, &at(&github.api_url()), &github.graphql_url());
            front.on("/pulls", says(full("", element, size, "")));
            let step = step
                .with("github-token", world.sandbox.git_token())
                .with("comment", "true");
            let stepped = step.after(step.start_in(SPACE).wait());
            assert_eq!(stepped.ran.code, 0, "{what} {element}: {}", stepped.ran.stdout);
            assert_eq!(stepped.outputs["outcome"], "landed", "{what} {element}");
        }
    }
}

#[test]
fn answers_of_a_registry_end_in_words() {
    // Nobody is asked behind the front.
    let front = || Front::before("127.0.0.1:9".parse().unwrap()).unwrap();
    let ends = |front: &Front, what: &str| {
        let world = pinning(&front.address().to_string());
        configure(
            &world,
            "image: {exists: true, platforms: [linux/amd64], digest: required}",
        );
        let tip = world.sandbox.tip().unwrap();
        let report = limited(&world, &[], "plan --app api --environment production --tag v2");
        assert_eq!(gate(&report, "image")["state"], "unknown", "{what}: {report:#}");
        let report = limited(&world, &[], "--app api --environment production --tag v2");
        assert_eq!(report["exit_code"], 3, "{what}: {report:#}");
        assert_eq!(world.sandbox.tip().unwrap(), tip);
        assert!(!front.met().is_empty());
    };
    for element in ELEMENTS {
        let manifests = front();
        manifests.on(
            "/v2/",
            says(full("{\"schemaVersion\":2,\"manifests\":", element, 4 * MIB - 99, "}")),
        );
        // Short elements are no manifests, and nothing of them is for linux/amd64.
        let world = pinning(&manifests.address().to_string());
        configure(&world, "image: {exists: true, platforms: [linux/amd64]}");
        let report = limited(&world, &[], "--app api --environment production --tag v2");
        assert_eq!(report["exit_code"], 3, "{element}: {report:#}");
    }
    let large = front();
    large.on(
        "/v2/",
        says(full("{\"schemaVersion\":2,\"manifests\":", "0", 4 * MIB + 99, "}")),
    );
    ends(&large, "a manifest above the bound");
    for size in [MIB - 99, MIB + 99] {
        let tokens = front();
        let wants = format!(
            "www-authenticate: Bearer realm=\"{}/token\",service=\"s\"\r\n",
            tokens.url()
        );
        tokens.on("/v2/", Manner::Says(401, wants, Arc::default()));
        tokens.on("/token", says(full("{\"tokens\":", "0", size, "}")));
        ends(&tokens, "a token service");
    }
    let round = front();
    let to = format!("location: {}/v2/again\r\n", round.url());
    round.on("/v2/", Manner::Says(307, to, Arc::default()));
    ends(&round, "redirects in a loop");
}

/// A world whose staging has a gate with this template.
fn analysed(text: &str) -> World {
    let world = World::new();
    let path = "apps/api/success-rate.yaml";
    world.sandbox.commit(path, text, "Add an analysis").unwrap();
    let text = format!(
        "version: 1\nenvironments:\n- name: dev\n- name: staging\n  analysis: [success-rate]\n- name: production\nanalyses:\n  success-rate:\n    template: {path}\n    args: {{service: \"{{app}}\"}}\n"
    );
    world.sandbox.commit("promote.yaml", &text, "Configure").unwrap();
    world
}

#[track_caller]
fn not_open(world: &World, what: &str) -> Value {
    let report = limited(world, &[], "plan --app api --environment staging --tag v2");
    assert_ne!(gate(&report, "analysis")["state"], "open", "{what}: {report:#}");
    let report = limited(world, &[], "--app api --environment staging --tag v2");
    assert_eq!(report["exit_code"], 3, "{what}: {report:#}");
    report
}

#[test]
fn answers_of_prometheus_end_in_words() {
    let prometheus = Prometheus::start().unwrap();
    prometheus.set(QUERY, Series::Vector(vec!["0.97"]));
    let address = prometheus
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let head = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":";
    for (element, size) in ELEMENTS
        .into_iter()
        .map(|element| (element, 15 * MIB))
        .chain([("0", 17 * MIB)])
    {
        let front = Front::before(address.parse().unwrap()).unwrap();
        front.on("/api/v1/query", says(full(head, element, size, "}}")));
        let world = analysed(&template(&front.url(), "    interval: 1s\n    count: 3"));
        not_open(&world, element);
        assert!(!front.met().is_empty());
    }
    let front = Front::before(address.parse().unwrap()).unwrap();
    let to = format!("location: {}/api/v1/query\r\n", front.url());
    front.on("/api/v1/query", Manner::Says(307, to, Arc::default()));
    not_open(
        &analysed(&template(&front.url(), "    interval: 1s\n    count: 3")),
        "redirects in a loop",
    );
}

#[test]
fn expressions_beyond_their_bounds_end_in_words() {
    let prometheus = Prometheus::start().unwrap();
    prometheus.set(QUERY, Series::Vector(vec!["0.97"]));
    for (condition, words) in [
        (
            "len(reduce(1..40, #acc + #acc, 'xxxxxxxx')) > 0",
            "a text of more than 4 MiB",
        ),
        ("len(map(1..450000, [#])) > 0", "texts and lists of more than 48 MiB"),
        (
            "toJSON(reduce(1..40, [#acc, #acc], 0)) != ''",
            "more than 5000000 steps",
        ),
        ("len(reduce(1..400000, [#acc], 0)) > 0", "more than 200 levels"),
    ] {
        let text = template(prometheus.url(), "    interval: 1s\n    count: 3");
        let quoted = condition.replace('\'', "''");
        let text = text.replace("result[0] >= 0.95", &format!("'{quoted}'"));
        let report = not_open(&analysed(&text), words);
        let reason = gate(&report, "analysis")["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{reason}");
    }
    // This one is a mistake before anything is measured.
    let text = template(prometheus.url(), "    interval: 1s\n    count: 3");
    let text = text.replace("result[0] >= 0.95", &format!("'\"{}\" == \"\"'", "x".repeat(300_000)));
    let report = limited(&analysed(&text), &[], "plan --app api --environment staging --tag v2");
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("longer than 256 KiB") && reason.len() < 2000,
        "{reason}"
    );
}

#[test]
fn answers_of_a_web_provider_end_in_words() {
    for (element, size) in ELEMENTS
        .into_iter()
        .map(|element| (element, 15 * MIB))
        .chain([("0", 17 * MIB)])
    {
        for path in ["{$}", "{$.all}"] {
            let front = Front::before("127.0.0.1:9".parse().unwrap()).unwrap();
            front.on("/value", says(full("{\"all\":", element, size, "}")));
            let text = format!(
                "apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: success-rate
spec:
  args:
  - name: service
  metrics:
  - name: success-rate
    successCondition: result == 'good'
    provider:
      web:
        url: {}/value?of={{{{args.service}}}}
        jsonPath: \"{path}\"
",
                front.url()
            );
            not_open(&analysed(&text), &format!("{element} {path}"));
            assert!(!front.met().is_empty());
        }
    }
}
