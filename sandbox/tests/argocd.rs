//! The Argo CD stand-in, asked over HTTP as a client asks it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sandbox::argocd::ArgoCdOptions;
use sandbox::{Options, Sandbox, overlay};
use serde_json::{Value, json};

/// Starts a sandbox that runs `speed` times as fast and compares nothing without being asked.
fn start(speed: f64) -> Sandbox {
    Sandbox::start_blocking(Options {
        argocd: ArgoCdOptions {
            speed,
            reconcile: None,
            ..ArgoCdOptions::default()
        },
        ..Options::default()
    })
    .unwrap()
}

/// Sends one request with exactly these headers and returns status and body.
fn send(sandbox: &Sandbox, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let address = sandbox.argocd.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

fn ask(sandbox: &Sandbox, account: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let bearer = format!("Bearer {}", sandbox.argocd.token(account));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let (status, text) = send(sandbox, method, path, &headers, body);
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn pin(sandbox: &Sandbox, environment: &str, tag: &str) -> String {
    let old = sandbox.overlay("api", environment).unwrap();
    let line = old.lines().find(|line| line.contains("newTag:")).unwrap();
    let new = old.replace(line, &format!("    newTag: {tag}"));
    sandbox
        .commit(&overlay("api", environment), &new, "Change the pin")
        .unwrap()
}

/// What a frame looks like to somebody who waits.
fn look(application: &Value) -> String {
    let text = |pointer: &str| {
        application
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("-")
            .to_owned()
    };
    let revision = text("/status/sync/revision");
    let op = text("/status/operationState/operation/sync/revision");
    format!(
        "op {} {}, {} {}, {}",
        text("/status/operationState/phase"),
        &op[..op.len().min(4)],
        text("/status/sync/status"),
        &revision[..revision.len().min(4)],
        text("/status/health/status"),
    )
}

fn until(sandbox: &Sandbox, name: &str, what: impl Fn(&Value) -> bool) -> Vec<String> {
    let begun = Instant::now();
    let mut seen: Vec<String> = Vec::new();
    loop {
        let application = sandbox.argocd.application(name).unwrap();
        let now = look(&application);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        if what(&application) {
            return seen;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{name}: {seen:#?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn healthy_at(commit: &str) -> impl Fn(&Value) -> bool {
    let commit = commit.to_owned();
    move |application| {
        let status = &application["status"];
        status["sync"]["revision"] == json!(commit)
            && status["sync"]["status"] == "Synced"
            && status["operationState"]["phase"] == "Succeeded"
            && status["health"]["status"] == "Healthy"
            && status["operationState"]["operation"]["sync"]["revision"] == json!(commit)
    }
}

#[test]
fn an_old_green_is_held_until_somebody_asks_and_then_the_patches_come_in_the_real_order() {
    let sandbox = start(8.0);
    let old = sandbox.tip().unwrap();
    let new = pin(&sandbox, "dev", "abc1234");
    let (old, short) = (&old[..4], &new[..4]);
    let before = ask(&sandbox, "ci", "GET", "/api/v1/applications/api-dev", "");
    assert_eq!(look(&before.1), format!("op Succeeded {old}, Synced {old}, Healthy"));
    let (status, refreshed) = ask(&sandbox, "ci", "GET", "/api/v1/applications/api-dev?refresh=normal", "");
    assert_eq!(status, 200);
    assert_eq!(refreshed["status"]["sync"]["revision"], json!(new));
    let seen = until(&sandbox, "api-dev", healthy_at(&new));
    let in_order = [
        format!("op Running {short}, OutOfSync {short}, Healthy"),
        format!("op Succeeded {short}, OutOfSync {short}, Healthy"),
        format!("op Succeeded {short}, Synced {short}, Progressing"),
        format!("op Succeeded {short}, Synced {short}, Healthy"),
    ];
    let at: Vec<_> = in_order
        .iter()
        .map(|line| seen.iter().position(|seen| seen == line))
        .collect();
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{seen:#?}");
}

#[test]
fn a_manual_application_waits_for_a_sync_and_walks_its_canary() {
    let sandbox = start(100.0);
    let new = pin(&sandbox, "production", "abc1234");
    ask(
        &sandbox,
        "ci",
        "GET",
        "/api/v1/applications/api-production?refresh=normal",
        "",
    );
    std::thread::sleep(Duration::from_millis(100));
    let waiting = sandbox.argocd.application("api-production").unwrap();
    assert!(look(&waiting).contains("OutOfSync"), "{}", look(&waiting));
    let body = r#"{"infos":[{"name":"run","value":"nonce"}]}"#;
    let (status, answer) = ask(&sandbox, "ci", "POST", "/api/v1/applications/api-production/sync", body);
    assert_eq!(status, 200);
    assert_eq!(answer["operation"]["sync"]["revision"], json!(new));
    assert_eq!(answer["operation"]["info"][0]["value"], "nonce");
    let path = "/api/v1/applications/api-production/resource?namespace=production&resourceName=api&version=v1alpha1&group=argoproj.io&kind=Rollout";
    let mut steps = Vec::new();
    while !healthy_at(&new)(&sandbox.argocd.application("api-production").unwrap()) {
        let (_, answer) = ask(&sandbox, "ci", "GET", path, "");
        let rollout: Value = serde_json::from_str(answer["manifest"].as_str().unwrap()).unwrap();
        steps.push(rollout["status"]["currentStepIndex"].as_u64().unwrap());
        assert!(steps.len() < 20_000, "{rollout:#}");
    }
    steps.dedup();
    assert!(steps.len() >= 5, "{steps:?}");
}

#[test]
fn refusals_have_the_real_statuses_and_bodies() {
    let sandbox = start(50.0);
    let sync = "/api/v1/applications/api-dev/sync";
    let ci = format!("Bearer {}", sandbox.argocd.token("ci"));
    for kind in ["application/json; charset=utf-8", "text/plain"] {
        let headers = [("Authorization", ci.as_str()), ("Content-Type", kind)];
        let said = send(&sandbox, "POST", sync, &headers, "{}");
        assert_eq!(said, (415, "Invalid content type\n".to_owned()));
    }
    let refusal = |text: &str, code: u8| json!({"error": text, "code": code, "message": text});
    let get = |headers: &[(&str, &str)], path: &str| {
        let (status, body) = send(&sandbox, "GET", path, headers, "");
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let app = "/api/v1/applications/api-dev";
    assert_eq!(get(&[], app), (401, refusal("no session information", 16)));
    assert_eq!(get(&[], "/api/v1/session/userinfo"), (200, json!({})));
    let forged = [("Authorization", "Bearer a.b.c")];
    assert_eq!(get(&forged, app).0, 401);
    for (account, path) in [("ci", "/api/v1/applications/nothing"), ("nobody", app)] {
        assert_eq!(
            ask(&sandbox, account, "GET", path, ""),
            (403, refusal("permission denied", 7))
        );
    }
    let missing = refusal("applications.argoproj.io \"nothing\" not found", 5);
    assert_eq!(
        ask(
            &sandbox,
            "ci",
            "GET",
            "/api/v1/applications/nothing?project=default",
            ""
        ),
        (404, missing)
    );
    let (status, said) = ask(&sandbox, "viewer", "POST", sync, "{}");
    assert_eq!(status, 403);
    assert!(
        said["message"]
            .as_str()
            .unwrap()
            .starts_with("permission denied: applications, sync, default/api-dev, sub: viewer")
    );
    let head = sandbox.tip().unwrap();
    let (status, said) = ask(&sandbox, "ci", "POST", sync, &json!({"revision": head}).to_string());
    assert_eq!(status, 400);
    assert_eq!(
        said["message"],
        json!(format!("Cannot sync to {head}: auto-sync currently set to main"))
    );
    sandbox.argocd.stop_controller(true);
    assert_eq!(ask(&sandbox, "ci", "POST", sync, "{}").0, 200);
    let busy = refusal("another operation is already in progress", 9);
    assert_eq!(ask(&sandbox, "ci", "POST", sync, "{}"), (400, busy));
    sandbox.argocd.revoke("ci");
    assert_eq!(get(&[("Authorization", ci.as_str())], app).0, 401);
}

#[test]
fn tags_decide_what_becomes_of_a_version() {
    let sandbox = start(400.0);
    let refresh = || ask(&sandbox, "ci", "GET", "/api/v1/applications/api-dev?refresh=normal", "");
    pin(&sandbox, "dev", "bad1");
    refresh();
    until(&sandbox, "api-dev", |app| {
        app["status"]["health"]["status"] == "Degraded"
    });
    pin(&sandbox, "dev", "fail1");
    refresh();
    until(&sandbox, "api-dev", |app| {
        app["status"]["operationState"]["phase"] == "Failed"
    });
    let failed = sandbox.argocd.application("api-dev").unwrap();
    assert_eq!(failed["status"]["operationState"]["retryCount"], 5);
    until(&sandbox, "api-dev", |app| {
        app["status"]["conditions"][0]["type"] == "SyncError"
    });
    pin(&sandbox, "production", "breach1");
    ask(&sandbox, "ci", "POST", "/api/v1/applications/api-production/sync", "{}");
    until(&sandbox, "api-production", |app| {
        let rows = app["status"]["resources"].as_array().unwrap();
        rows.iter().any(|row| {
            row["health"]["message"]
                .as_str()
                .is_some_and(|why| why.starts_with("RolloutAborted"))
        })
    });
}

#[test]
fn what_does_not_render_and_what_is_no_change_are_told_apart() {
    let sandbox = start(100.0);
    let refresh = || ask(&sandbox, "ci", "GET", "/api/v1/applications/api-dev?refresh=normal", "").1;
    let old = sandbox.overlay("api", "dev").unwrap();
    let comment = sandbox
        .commit(&overlay("api", "dev"), &format!("{old}# A comment.\n"), "Comment")
        .unwrap();
    let seen = refresh();
    assert_eq!(seen["status"]["sync"]["revision"], json!(comment));
    assert_eq!(seen["status"]["sync"]["status"], "Synced");
    assert_ne!(
        seen["status"]["operationState"]["operation"]["sync"]["revision"],
        json!(comment)
    );
    sandbox
        .commit(&overlay("api", "dev"), "images: {\n", "Break it")
        .unwrap();
    let seen = refresh();
    assert_eq!(seen["status"]["sync"]["status"], "Unknown");
    assert_eq!(seen["status"]["sync"]["revision"], "main");
    assert_eq!(seen["status"]["conditions"][0]["type"], "ComparisonError");
    assert_eq!(seen["status"]["health"]["status"], "Healthy");
}

/// Makes an application of another form, as it is when all is well.
fn apply(sandbox: &Sandbox, namespace: &str, name: &str, more: &Value) {
    let mut spec = json!({"project": "default", "syncPolicy": {"automated": {}},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "dev"}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let manifest = json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec});
    sandbox.argocd.apply(&manifest, true).unwrap();
}

#[test]
fn several_sources_have_a_revision_each() {
    let sandbox = start(100.0);
    let ours = json!({"repoURL": sandbox.infra_repo(), "path": "apps/api/overlays/dev", "targetRevision": "main"});
    let chart = json!({"repoURL": "https://charts.example.com", "chart": "base", "targetRevision": "1.2.3"});
    apply(&sandbox, "team-a", "multi", &json!({"sources": [chart, ours]}));
    let new = pin(&sandbox, "dev", "abc1234");
    assert_eq!(ask(&sandbox, "ci", "GET", "/api/v1/applications/multi", "").0, 403);
    let path = "/api/v1/applications/multi?refresh=normal&appNamespace=team-a";
    assert_eq!(ask(&sandbox, "ci", "GET", path, "").0, 200);
    until(&sandbox, "team-a/multi", |app| {
        app["status"]["operationState"]["phase"] == "Succeeded" && app["status"]["sync"]["status"] == "Synced"
    });
    let app = sandbox.argocd.application("team-a/multi").unwrap();
    let revisions = json!(["1.2.3", new]);
    assert_eq!(app["status"]["sync"]["revisions"], revisions);
    assert_eq!(
        app["status"]["operationState"]["operation"]["sync"]["revisions"],
        revisions
    );
    assert!(app["status"]["sync"]["revision"].is_null());
}

#[test]
fn a_hydrator_writes_the_branch_that_is_synced() {
    let sandbox = start(100.0);
    let hydrator = json!({"drySource": {"repoURL": sandbox.infra_repo(), "path": "apps/api/overlays/dev", "targetRevision": "main"},
        "syncSource": {"targetBranch": "hydrated", "path": "api"}});
    apply(&sandbox, "argocd", "dry", &json!({"sourceHydrator": hydrator}));
    let hydrated_from = |dry: &str| {
        let dry = json!(dry);
        move |app: &Value| {
            let operation = &app["status"]["sourceHydrator"]["currentOperation"];
            let synced = &app["status"]["operationState"]["operation"]["sync"]["revision"];
            operation["drySHA"] == dry && operation["phase"] == "Hydrated" && operation["hydratedSHA"] == *synced
        }
    };
    let refresh = || sandbox.argocd.refresh("dry");
    refresh();
    until(&sandbox, "dry", hydrated_from(&sandbox.tip().unwrap()));
    let new = pin(&sandbox, "dev", "abc1234");
    refresh();
    until(&sandbox, "dry", hydrated_from(&new));
    let manifest = sandbox
        .git(&["cat-file", "blob", "hydrated:api/manifest.yaml"])
        .unwrap();
    assert!(manifest.contains("myorg/api:abc1234"), "{manifest}");
}

#[test]
fn a_rollback_goes_back_to_a_row_of_the_history() {
    let sandbox = start(100.0);
    let old = sandbox.tip().unwrap();
    let new = pin(&sandbox, "dev", "abc1234");
    sandbox.argocd.edit("api-dev", |spec| spec["syncPolicy"] = json!({}));
    sandbox.argocd.sync("api-dev").unwrap();
    until(&sandbox, "api-dev", healthy_at(&new));
    let rollback = "/api/v1/applications/api-dev/rollback";
    assert_eq!(ask(&sandbox, "ci", "POST", rollback, r#"{"id": 7}"#).0, 400);
    assert_eq!(ask(&sandbox, "ci", "POST", rollback, r#"{"id": 0}"#).0, 200);
    until(&sandbox, "api-dev", |app| {
        let status = &app["status"];
        status["operationState"]["operation"]["sync"]["revision"] == json!(old)
            && status["operationState"]["phase"] == "Succeeded"
            && status["sync"]["status"] == "OutOfSync"
            && status["sync"]["revision"] == json!(new)
    });
}

#[test]
fn a_controller_that_is_slower_than_its_clock_misses_nothing() {
    let sandbox = start(4000.0);
    let path = "apps/api/base-rollout/rollout.yaml";
    let rollout = sandbox.git(&["cat-file", "blob", &format!("main:{path}")]).unwrap();
    let paused = rollout.replace("pause:\n            duration: 1m", "pause: {}");
    sandbox.commit(path, &paused, "Wait for a person").unwrap();
    for tag in ["abc1234", "abc1235", "abc1236", "abc1237", "abc1238"] {
        let new = pin(&sandbox, "production", tag);
        sandbox.argocd.sync("api-production").unwrap();
        until(&sandbox, "api-production", |app| {
            app["status"]["health"]["status"] == "Suspended"
        });
        // The deadline of the update is over, after which it would be looked at again anyway.
        std::thread::sleep(Duration::from_millis(200));
        sandbox.argocd.act("api-production", "resume");
        until(&sandbox, "api-production", healthy_at(&new));
    }
}

#[test]
fn the_run_of_an_analysis_that_failed_stays() {
    let sandbox = start(400.0);
    pin(&sandbox, "production", "breach1");
    sandbox.argocd.sync("api-production").unwrap();
    until(&sandbox, "api-production", |app| {
        app["status"]["health"]["status"] == "Degraded"
    });
    let tree = ask(
        &sandbox,
        "ci",
        "GET",
        "/api/v1/applications/api-production/resource-tree",
        "",
    )
    .1;
    let nodes = tree["nodes"].as_array().unwrap();
    let run = nodes.iter().find(|node| node["kind"] == "AnalysisRun").unwrap();
    assert_eq!(run["health"]["status"], "Degraded", "{run}");
    let path = format!(
        "/api/v1/applications/api-production/resource?namespace=production&resourceName={}&version=v1alpha1&group=argoproj.io&kind=AnalysisRun",
        run["name"].as_str().unwrap()
    );
    let object = ask(&sandbox, "ci", "GET", &path, "").1;
    assert!(object["manifest"].as_str().unwrap().contains("[0.62]"), "{object}");
}
