//! An Argo CD server for each environment.

use sandbox::argocd::{ArgoCd, ArgoCdOptions};
use serde_json::{Value, json};

use crate::support::{Ran, World, run};

/// A world whose staging is on a server of its own, under the name that dev has on the first.
struct Split {
    world: World,
    staging: ArgoCd,
}

impl Split {
    fn new() -> Self {
        let world = World::new();
        let options = ArgoCdOptions {
            speed: 20.0,
            reconcile: None,
            ..ArgoCdOptions::default()
        };
        let staging = ArgoCd::start_blocking(&world.sandbox.git, options).unwrap();
        let app = world.sandbox.argocd.application("api-staging").unwrap();
        let manifest = json!({"metadata": {"name": "api"}, "spec": app["spec"]});
        staging.apply(&manifest, true).unwrap();
        let app = world.sandbox.argocd.application("api-dev").unwrap();
        let manifest = json!({"metadata": {"name": "api"}, "spec": app["spec"]});
        world.sandbox.argocd.apply(&manifest, true).unwrap();
        for name in ["api-dev", "api-staging", "api-production"] {
            world.sandbox.argocd.delete(name);
        }
        Self { world, staging }
    }

    fn run(&self, words: &str) -> Ran {
        self.run_at(self.staging.url(), words)
    }

    fn tokens(&self) -> String {
        let first = &self.world.sandbox.argocd;
        format!("dev={}\nstaging={}", first.token("ci"), self.staging.token("ci"))
    }

    fn run_at(&self, staging: &str, words: &str) -> Ran {
        let first = &self.world.sandbox.argocd;
        let (servers, tokens) = (format!("dev={}\nstaging={staging}", first.url()), self.tokens());
        let env = [("ARGOCD_SERVER", servers.as_str()), ("ARGOCD_AUTH_TOKEN", &tokens)];
        let words = format!("{words} --app api --output json");
        self.world.land_with(&env, &words)
    }
}

fn revisions(report: &Value) -> Vec<(&str, bool)> {
    let rows = report["applications"].as_array().unwrap().iter();
    rows.map(|row| (row["environment"].as_str().unwrap(), row["live"].as_bool().unwrap()))
        .collect()
}

#[test]
fn each_environment_is_asked_of_its_own_server() {
    let split = Split::new();
    let promote = "--application {app} --settle 0s";
    let report = split
        .run(&format!("{promote} --environment dev,staging --tag v7"))
        .ends("promoted", 0);
    assert_eq!(revisions(&report), [("dev", true), ("staging", true)]);
    let pages = report["applications"].to_string();
    assert!(
        pages.contains(split.staging.url()) && pages.contains(split.world.sandbox.argocd.url()),
        "{pages}"
    );

    split
        .run(&format!("{promote} --environment dev --tag v8"))
        .ends("promoted", 0);
    let report = split
        .run(&format!("{promote} --environment staging --from dev"))
        .ends("promoted", 0);
    assert_eq!(revisions(&report), [("staging", true)]);
    // A token went to no server but its own: a stranger's would have been rejected there.
    for (server, token) in [(&split.staging, "ci"), (&split.world.sandbox.argocd, "ci")] {
        assert!(!server.token(token).is_empty());
        assert!(
            server.asked().iter().all(|asked| asked.status != 401),
            "a token went astray"
        );
    }
}

#[test]
fn a_server_that_is_away_hides_no_other_in_the_status() {
    let split = Split::new();
    let words = "status --application {app} --environment dev,staging";
    let report = split.run_at("http://127.0.0.1:1", words).ends("ok", 0);
    let rows = report["status"].as_array().unwrap();
    let of = |name: &str| rows.iter().find(|row| row["environment"] == name).unwrap();
    assert_eq!(of("dev")["health"], "Healthy");
    assert_eq!(of("staging")["health"], Value::Null);
    assert!(
        report["warnings"].to_string().contains("api in staging: "),
        "{report:#}"
    );
}

#[test]
fn every_environment_of_the_run_has_a_line() {
    let split = Split::new();
    let report = split.run("--environment production --tag v7").ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("`argocd-server`") && reason.contains("environment production"),
        "{reason}"
    );
}

#[test]
fn the_way_back_that_a_failure_names_runs_as_it_is() {
    let split = Split::new();
    let promote = "--application {app} --environment dev,staging --settle 0s";
    split.run(&format!("{promote} --tag v7")).ends("promoted", 0);
    let failed = split.run(&format!("{promote} --tag fail8")).ends("rollout-failed", 5);
    let hint = failed["hints"].as_array().unwrap().last().unwrap().as_str().unwrap();
    let command = hint.split('`').nth(1).unwrap();
    let first = split.world.sandbox.argocd.url();
    let servers = format!("--argocd-server dev={first},staging={}", split.staging.url());
    assert!(command.contains(&servers), "{command}");
    let words = command.replace('\'', "");
    let args: Vec<&str> = words.split_whitespace().skip(1).chain(["--output", "json"]).collect();
    // Only secrets are not in it.
    let tokens = split.tokens();
    let env = [
        ("PROMOTE_TOKEN", split.world.sandbox.git_token()),
        ("ARGOCD_AUTH_TOKEN", tokens.as_str()),
    ];
    let report = run(split.world.folder.path(), &env, &args).ends("reverted", 0);
    assert_eq!(revisions(&report), [("dev", true), ("staging", true)]);
}

#[test]
fn what_comes_after_another_environment_is_asked_of_the_server_of_that_one() {
    let split = Split::new();
    let config =
        "version: 1\nlayout: {application: \"{app}\"}\nenvironments:\n- name: dev\n- {name: staging, after: [dev]}\n";
    split.world.sandbox.commit("promote.yaml", config, "configure").unwrap();
    let staging = "--environment staging --settle 0s";
    let report = split.run(&format!("{staging} --tag v7")).ends("refused", 3);
    assert!(
        report["reason"].as_str().unwrap().contains("gate `after`"),
        "{report:#}"
    );
    split.run("--environment dev --settle 0s --tag v7").ends("promoted", 0);
    split.run(&format!("{staging} --tag v7")).ends("promoted", 0);
    // Where it is not live any more on its own server, the gate is closed again.
    split.run("--environment dev --settle 0s --tag v8").ends("promoted", 0);
    split.world.sandbox.argocd.delete("api");
    split.run(&format!("{staging} --tag v8")).ends("refused", 3);
}

/// A header for a proxy is a secret of one server, as a token is.
#[test]
fn a_header_goes_to_the_server_of_its_environment_only() {
    let split = Split::new();
    let first = &split.world.sandbox.argocd;
    let servers = format!("dev={}\nstaging={}", first.url(), split.staging.url());
    let tokens = format!("dev={}\nstaging={}", first.token("ci"), split.staging.token("ci"));
    let status = |headers: &str| {
        let env = [
            ("ARGOCD_SERVER", servers.as_str()),
            ("ARGOCD_AUTH_TOKEN", &tokens),
            ("PROMOTE_ARGOCD_HEADERS", headers),
        ];
        let words = "status --app api --application {app} --environment dev,staging --output json";
        split.world.land_with(&env, words)
    };
    status("staging=X-Canary: one\ndev = X-Other: two").ends("ok", 0);
    let with = |server: &ArgoCd, name: &str| {
        server
            .asked()
            .iter()
            .any(|asked| asked.extra.contains(&name.to_owned()))
    };
    assert!(with(&split.staging, "x-canary") && !with(&split.staging, "x-other"));
    assert!(with(first, "x-other") && !with(first, "x-canary"));
    let report = status("X-Canary: hunter2-secret").ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("`argocd-headers`") || reason.contains("PROMOTE_ARGOCD_HEADERS"),
        "{reason}"
    );
    assert!(
        reason.contains("`ENVIRONMENT=Name: value`") && !reason.contains("hunter2"),
        "{reason}"
    );
}
