//! `preflight`: one line for every check, whatever is wrong, and nothing is written.

use std::time::{SystemTime, UNIX_EPOCH};

use sandbox::argocd::Canned;
use serde_json::{Value, json};

use crate::support::{Ran, World, run};

/// Returns the rows of a check, as `state object: reason`.
#[track_caller]
fn rows(report: &Value, check: &str) -> Vec<String> {
    let rows = report["checks"].as_array().unwrap_or_else(|| panic!("{report:#}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .filter(|row| row["check"] == check)
        .map(|row| {
            format!(
                "{} {}: {}",
                text(&row["state"]),
                text(&row["object"]),
                text(&row["reason"])
            )
        })
        .collect()
}

/// Checks that a check has one row that begins so and has these words.
#[track_caller]
fn has(report: &Value, check: &str, state: &str, words: &str) {
    let rows = rows(report, check);
    let right = |row: &String| row.starts_with(&format!("{state} ")) && row.contains(words);
    assert!(
        rows.iter().any(right),
        "{check} {state} {words:?} in {rows:#?}\n{report:#}"
    );
}

/// Returns how many rows have a state.
fn count(report: &Value, state: &str) -> usize {
    let rows = report["checks"].as_array().unwrap();
    rows.iter().filter(|row| row["state"] == state).count()
}

/// Runs it with another token for the infra-repo.
fn with_git_token(world: &World, token: &str, more: &[(&str, &str)]) -> Ran {
    let argocd = world.sandbox.argocd.token("ci");
    let mut env = vec![
        ("PROMOTE_TOKEN", token),
        ("ARGOCD_SERVER", world.sandbox.argocd.url()),
        ("ARGOCD_AUTH_TOKEN", &argocd),
    ];
    env.extend(more);
    let repo = world.sandbox.infra_repo();
    let args = ["preflight", "--output", "json", "--infra-repo", &repo];
    run(world.folder.path(), &env, &args)
}

/// Whether a request is an action on a Rollout that cannot exist: it only shows whether the action is permitted.
fn asks_for_a_right(asked: &sandbox::argocd::Asked) -> bool {
    asked.method == "POST" && asked.path.contains("resource/actions") && asked.path.contains("is%20this%20permitted")
        || asked.body.to_string().contains("(is this permitted?)")
}

#[test]
fn all_is_good_and_nothing_was_written() {
    let world = World::new();
    let before = world.sandbox.tip().unwrap();
    let report = world.live("preflight").ends("ok", 0);
    for (check, words) in [
        ("read", "main is at "),
        ("write", "has write permission"),
        ("token", "expiry unknown"),
        ("promote.yaml", "not found"),
        (
            "overlay",
            "api in dev: apps/api/overlays/dev/kustomization.yaml has myorg/api",
        ),
        ("Argo CD", "v3.5.1"),
        ("Argo CD token", "token of ci"),
        (
            "application",
            "api-production: deploys apps/api/overlays/production of main",
        ),
        ("sync", "api-production: the token has sync permission"),
        ("logs", "api-production: the token can read the logs of containers"),
    ] {
        has(&report, check, "ok", words);
    }
    assert_eq!(
        count(&report, "failed") + count(&report, "warning") + count(&report, "skipped"),
        0,
        "{report:#}"
    );
    assert_eq!(rows(&report, "overlay").len(), rows(&report, "application").len());
    assert_eq!(world.sandbox.tip().unwrap(), before);
    assert!(
        world
            .sandbox
            .git
            .requests()
            .iter()
            .all(|asked| !asked.path.ends_with("/git-receive-pack"))
    );
    assert!(
        world
            .sandbox
            .argocd
            .asked()
            .iter()
            .filter(|asked| !asks_for_a_right(asked))
            .all(|asked| asked.method == "GET" && !asked.path.contains("refresh"))
    );
    let one = world.live("preflight --app api --environment dev").ends("ok", 0);
    assert_eq!(
        (rows(&one, "overlay").len(), rows(&one, "sync").len()),
        (1, 1),
        "{one:#}"
    );
}

#[test]
fn a_token_that_can_do_more_than_it_needs_is_a_warning() {
    let world = World::new();
    let step = world
        .step()
        .with("command", "preflight")
        .with("argocd-token", &world.sandbox.argocd.token("admin"));
    let done = step.run();
    assert_eq!(done.ran.code, 0, "{}", done.ran.stdout);
    let said = "can do more than promote needs: applications, delete, update, override";
    assert!(done.ran.stdout.contains(said), "{}", done.ran.stdout);
}

#[test]
fn people_get_one_table_in_text_and_in_the_summary() {
    let world = World::new();
    let step = world
        .step()
        .with("command", "preflight")
        .with("argocd-token", &world.sandbox.argocd.token("viewer"));
    let done = step.run();
    assert_eq!(done.ran.code, 4, "{}", done.ran.stdout);
    assert!(
        done.ran.stdout.contains("✗ sync           api-production  "),
        "{}",
        done.ran.stdout
    );
    for line in [
        "→ add to policy.csv: p, viewer, applications, sync, default/api-production, allow",
        "add to policy.csv: p, viewer, logs, get, default/api-dev, allow",
    ] {
        assert!(done.ran.stdout.contains(line), "{line} in {}", done.ran.stdout);
    }
    assert!(
        done.ran.stdout.contains("→ grant `applications, sync`"),
        "{}",
        done.ran.stdout
    );
    assert!(done.summary.starts_with("## ❌ 2 of "), "{}", done.summary);
    for row in [
        "| ✅ | write | ",
        "| ❌ | sync | api-production | the token has no permission to sync application api-production, which has no automated sync | add to policy.csv: p, viewer, applications, sync, default/api-production, allow",
    ] {
        assert!(done.summary.contains(row), "{row} in\n{}", done.summary);
    }
    assert_eq!(done.outputs["outcome"], "denied");
}

#[test]
fn a_viewer_may_watch_what_syncs_by_itself_and_not_start_what_does_not() {
    let world = World::new();
    let viewer = world.sandbox.argocd.token("viewer");
    let report = world.start_as(&viewer, "preflight").wait().ends("denied", 4);
    has(&report, "Argo CD token", "ok", "token of viewer");
    has(
        &report,
        "sync",
        "ok",
        "api-dev: no sync permission, and none needed: the application has automated sync",
    );
    has(
        &report,
        "sync",
        "failed",
        "api-production: the token has no permission to sync application api-production",
    );
    has(&report, "application", "ok", "api-production");
    let report = world.start_as(&viewer, "preflight --sync never").wait().ends("ok", 0);
    has(
        &report,
        "sync",
        "ok",
        "api-production: no sync permission, and none needed: `sync` is `never`",
    );
}

#[test]
fn a_wrong_source_and_a_missing_application_are_told_beside_what_is_right() {
    let world = World::new();
    world.sandbox.argocd.edit("api-staging", |spec| {
        spec["source"]["targetRevision"] = json!("release");
    });
    world.sandbox.argocd.edit("api-production", |spec| {
        spec["source"]["path"] = json!("apps/api/overlays/dev");
    });
    let report = world.live("preflight --app api").ends("refused", 3);
    has(
        &report,
        "application",
        "failed",
        "api-staging: api-staging follows release, not the branch main",
    );
    has(
        &report,
        "application",
        "failed",
        "api-production: api-production deploys apps/api/overlays/dev, not apps/api/overlays/production",
    );
    has(&report, "application", "ok", "api-dev");
    assert!(report["reason"].as_str().unwrap().contains("2 of "), "{report:#}");

    world.sandbox.argocd.delete("api-dev");
    for project in ["", " --argocd-project default"] {
        let report = world.live(&format!("preflight --app api{project}")).ends("refused", 3);
        // Known to be missing, and deployed by nothing else: it may still be created.
        has(&report, "application", "warning", "api-dev: does not exist");
        has(&report, "application", "failed", "api-staging");
    }
    let nobody = world.sandbox.argocd.token("nobody");
    let report = with_git_token(
        &world,
        world.sandbox.git_token(),
        &[("ARGOCD_AUTH_TOKEN", nobody.as_str()), ("PROMOTE_APP", "api")],
    )
    .ends("denied", 4);
    has(
        &report,
        "application",
        "failed",
        "api-dev: application api-dev does not exist, is in another namespace",
    );
    let report = world
        .live("preflight --app api --environment staging --application by-source")
        .ends("refused", 3);
    has(
        &report,
        "application",
        "failed",
        "api in staging: no application that the token can read has apps/api/overlays/staging",
    );
}

#[test]
fn a_token_that_only_reads_is_found_without_writing() {
    let world = World::new();
    world.sandbox.git.let_read("reader-token");
    let report = with_git_token(&world, "reader-token", &[]).ends("denied", 4);
    has(&report, "read", "ok", "main is at");
    has(&report, "write", "failed", "the token cannot write to");
    has(&report, "write", "failed", "Write access to repository not granted.");
    has(&report, "sync", "ok", "api-dev");
    assert_eq!(count(&report, "failed"), 1, "{report:#}");
    assert_eq!(report["hints"][0], "let the token push to the infra-repo on its host");
}

#[test]
fn without_the_infra_repo_the_rest_is_still_checked() {
    let world = World::new();
    let report = with_git_token(&world, "wrong-token", &[]).ends("denied", 4);
    has(&report, "read", "failed", "rejected the token (401)");
    has(&report, "overlay", "skipped", "could not read");
    has(&report, "Argo CD token", "ok", "token of ci");
    let checkout = tempfile::tempdir().unwrap();
    std::fs::create_dir(checkout.path().join(".git")).unwrap();
    let args = [
        "preflight",
        "--output",
        "json",
        "--infra-repo",
        checkout.path().to_str().unwrap(),
    ];
    let report = run(world.folder.path(), &[], &args).ends("invalid", 2);
    has(&report, "read", "failed", "is a checkout");
    has(&report, "Argo CD", "skipped", "`argocd-server` is not set");
}

#[test]
fn an_expired_token_is_named_and_its_applications_are_not_asked_for() {
    let world = World::new();
    let token = world.sandbox.argocd.token_until("ci", 1_000_000_000).unwrap();
    world.sandbox.argocd.expire("ci");
    let report = world.start_as(&token, "preflight").wait().ends("denied", 4);
    has(
        &report,
        "Argo CD token",
        "failed",
        "the token is valid until 2001-09-09T01:46:40Z",
    );
    has(&report, "application", "skipped", "rejected the token");
    has(&report, "write", "ok", "");
}

#[test]
fn a_token_that_ends_soon_is_a_warning() {
    let world = World::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let until = |days: u64| {
        world
            .sandbox
            .argocd
            .token_until("ci", now + days * 86_400 + 60)
            .unwrap()
    };
    let report = world.start_as(&until(3), "preflight --app api").wait().ends("ok", 0);
    has(&report, "Argo CD token", "warning", "in 3 days");
    assert!(
        report["reason"].as_str().unwrap().ends_with("1 with a warning"),
        "{report:#}"
    );
    let report = world.start_as(&until(90), "preflight --app api").wait().ends("ok", 0);
    has(&report, "Argo CD token", "ok", "in 90 days");
}

#[test]
fn a_login_page_instead_of_argo_cd_is_told_as_one() {
    let world = World::new();
    world.sandbox.argocd.answer(Canned {
        part: "/api/".to_owned(),
        times: 99,
        status: 200,
        content_type: "text/html".to_owned(),
        body: "<!doctype html><title>Sign in</title>".to_owned(),
    });
    let report = world.live("preflight").ends("unreachable", 4);
    has(
        &report,
        "Argo CD",
        "failed",
        "is a web page, such as a login page, not Argo CD's API",
    );
    has(&report, "application", "skipped", "");
    has(&report, "overlay", "ok", "api in dev");
    let argocd = ("ARGOCD_AUTH_TOKEN", "a.b.c");
    let closed = with_git_token(
        &world,
        world.sandbox.git_token(),
        &[("ARGOCD_SERVER", "http://127.0.0.1:9"), argocd],
    );
    has(&closed.ends("unreachable", 4), "Argo CD", "failed", "");
}

#[test]
fn without_a_server_that_is_said_and_no_failure() {
    let world = World::new();
    let report = world.land("preflight --output json").ends("ok", 0);
    has(&report, "Argo CD", "skipped", "`argocd-server` is not set");
    has(&report, "overlay", "ok", "api in staging");
    assert!(rows(&report, "application").is_empty());
    let ran = world.land("preflight").exits(0);
    assert!(
        ran.stdout.contains("\n\nok: ") && ran.stdout.contains(" checks passed, 1 skipped"),
        "{}",
        ran.stdout
    );
}

#[test]
fn every_overlay_is_a_row_whatever_the_others_are() {
    let world = World::new();
    let pin = |text: &str| {
        world
            .sandbox
            .commit("apps/api/overlays/dev/kustomization.yaml", text, "x")
            .unwrap()
    };
    pin("images: [a: b");
    let report = world.live("preflight --app api").ends("invalid", 2);
    has(
        &report,
        "overlay",
        "failed",
        "api in dev: apps/api/overlays/dev/kustomization.yaml: ",
    );
    has(&report, "overlay", "ok", "api in production");
    has(&report, "sync", "ok", "api-dev");
    pin("resources: [../../base]\n");
    let report = world.live("preflight --app api").ends("ok", 0);
    has(&report, "overlay", "warning", "names no image");
    let report = world
        .live("preflight --app api,web2 --environment dev,qa")
        .ends("invalid", 2);
    has(
        &report,
        "overlay",
        "failed",
        "web2 in qa: apps/web2 does not exist at main",
    );
    has(&report, "application", "warning", "web2-dev: does not exist");
    has(&report, "application", "ok", "api-dev");
    world
        .sandbox
        .commit("promote.yaml", "version: 1\nlayuot: {}\n", "x")
        .unwrap();
    let report = world.live("preflight").ends("invalid", 2);
    has(&report, "promote.yaml", "failed", "did you mean");
    has(&report, "Argo CD token", "ok", "");
    world
        .sandbox
        .commit(
            "promote.yaml",
            "version: 1\nenvironments: [{name: dev}, {name: staging}]\n",
            "x",
        )
        .unwrap();
    let report = world
        .live("preflight --app api --environment dev,prod")
        .ends("invalid", 2);
    has(&report, "overlay", "failed", "unknown environment prod");
    has(&report, "application", "ok", "api-dev");
}

/// A host that is a GitHub: `GITHUB_SERVER_URL` says so, and its API is below `/api/v3`.
#[test]
fn github_tells_of_rules_and_of_the_end_of_a_personal_token() {
    let world = World::new();
    let git = &world.sandbox.git;
    let text = world.sandbox.overlay("api", "dev").unwrap();
    git.create("myorg/infra", &[("apps/api/overlays/dev/kustomization.yaml", &text)])
        .unwrap();
    let server = format!("http://{}", git.address());
    let preflight = |rules: &str, status: u16, ends: &str| {
        git.forget_answers();
        git.answer(sandbox::git::Canned {
            path: "/api/v3/repos/myorg/infra/rules/branches/main".to_owned(),
            times: 1,
            status,
            headers: vec![("github-authentication-token-expiration".to_owned(), ends.to_owned())],
            body: rules.as_bytes().to_vec(),
        });
        let step = crate::support::Step::new()
            .env("GITHUB_SERVER_URL", &server)
            .env("GITHUB_API_URL", &format!("{server}/api/v3"))
            .env("GITHUB_GRAPHQL_URL", &format!("{server}/api/graphql"))
            .with("command", "preflight")
            .with("output", "json")
            .with("infra-repo", "myorg/infra")
            .with("token", world.sandbox.git_token());
        step.run().ran
    };
    let report = preflight("[]", 200, "2126-12-31 23:59:59 UTC").ends("ok", 0);
    has(&report, "rules", "ok", "no ruleset blocks a push");
    has(&report, "token", "ok", "2126-12-31T23:59:59Z");
    let rules = r#"[{"type": "pull_request", "parameters": {}}, {"type": "deletion"}]"#;
    let report = preflight(rules, 200, "2001-12-31 23:59:59 UTC").ends("denied", 4);
    has(
        &report,
        "rules",
        "warning",
        "unless the token is on the bypass list, which GitHub does not report: pull_request",
    );
    has(&report, "token", "failed", "expired 2001-12-31T23:59:59Z");
    for (body, status) in [("{}", 200), ("no", 404), ("<html>", 200)] {
        let report = preflight(body, status, "").ends("ok", 0);
        has(&report, "rules", "warning", "127.0.0.1");
    }
}

#[test]
fn a_folder_that_this_user_may_not_write_to_is_told() {
    let world = World::new();
    let folder = world.sandbox.git.path("infra-repo");
    let args = [
        "preflight",
        "--output",
        "json",
        "--infra-repo",
        folder.to_str().unwrap(),
    ];
    let report = run(world.folder.path(), &[], &args).ends("ok", 0);
    has(&report, "write", "ok", "has write permission");
    assert!(rows(&report, "token").is_empty());
    // Root may write to every folder, so that a test as root needs something that is none.
    world.sandbox.git(&["pack-refs", "--all"]).unwrap();
    std::fs::remove_dir_all(folder.join("refs/heads")).unwrap();
    std::fs::write(folder.join("refs/heads"), "").unwrap();
    let report = run(world.folder.path(), &[], &args).ends("denied", 4);
    has(&report, "write", "failed", "this user has no write permission");
    has(&report, "overlay", "ok", "api in dev");
}
