//! Identities that are made in the run: tokens of a GitHub App, and logins at Argo CD by the job's OIDC token.

use std::rc::Rc;

use promote_action::clock::SystemClock;
use promote_action::github::{App, AppKey, AppTokens, Minted, Place, revoke};
use promote_action::http::{Connections, Tokens as _};
use promote_action::journal::Journal;
use promote_action::model::{Clock, Event};
use sandbox::github::GitHub;

use super::github_api::{ends, started, step_at};
use crate::support::{Step, World};

pub(super) const CLIENT: &str = "Iv23liPromote";

struct Quiet;

impl Journal for Quiet {
    fn tell(&self, _: Event) {}
}

/// Makes a private key as GitHub generates them.
pub(super) fn key() -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    std::fs::read_to_string(file).unwrap()
}

fn step(world: &World, github: &GitHub) -> Step {
    step_at(world, github, &github.api_url(), &github.graphql_url())
        .with("token", "")
        .with("via", "api")
        .with("github-app-client-id", CLIENT)
        .with("github-app-private-key", &key())
}

#[test]
fn a_token_is_minted_for_one_repository_masked_and_revoked() {
    let (world, github) = started();
    github.install(CLIENT, 3600, 2);
    let stepped = step(&world, &github).run();
    ends(&stepped, "landed", 0);
    let minted = github.minted();
    let [(asked, token)] = minted.as_slice() else {
        panic!("{minted:?}")
    };
    assert_eq!(asked["repositories"], serde_json::json!(["infra-repo"]));
    assert_eq!(asked["permissions"], serde_json::json!({"contents": "write"}));
    assert_eq!(github.revoked(), std::slice::from_ref(token));
    // The runner hides it from here on; the text itself is never shown before.
    let masked = stepped.ran.stdout.find(&format!("::add-mask::{token}")).unwrap();
    assert_eq!(
        stepped.ran.stdout.find(token.as_str()).unwrap(),
        masked + "::add-mask::".len()
    );
    assert!(!stepped.summary.contains(token.as_str()));
}

#[test]
fn a_pull_request_needs_one_permission_more_and_a_short_life_is_renewed() {
    let (world, github) = started();
    github.install(CLIENT, 3, 0);
    let stepped = step(&world, &github)
        .with("via", "pull-request")
        .with("merge-timeout", "6s")
        .run();
    ends(&stepped, "timed-out", 10);
    let minted = github.minted();
    assert!(minted.len() >= 2, "{minted:?}");
    assert_eq!(
        minted[0].0["permissions"],
        serde_json::json!({"contents": "write", "pull_requests": "write"})
    );
    assert_eq!(github.revoked().len(), minted.len());
}

#[test]
fn a_cancelled_run_revokes_its_token() {
    let (world, github) = started();
    github.install(CLIENT, 3600, 0);
    github.require_reviews(1);
    let step = step(&world, &github)
        .with("via", "pull-request")
        .with("merge", "auto")
        .with("merge-timeout", "60s");
    let running = step.start();
    world.until("a pull request", |_| !github.pulls().is_empty());
    running.signal(15);
    assert_eq!(running.wait().code, 143);
    let minted: Vec<String> = github.minted().into_iter().map(|(_, token)| token).collect();
    assert!(!minted.is_empty());
    assert_eq!(github.revoked(), minted);
}

#[test]
fn what_a_process_minted_that_breaks_is_revoked() {
    let (_world, github) = started();
    github.install(CLIENT, 3600, 0);
    let address = github.repository_url().parse().unwrap();
    let (rest, graphql) = (github.api_url().parse().unwrap(), github.graphql_url().parse().unwrap());
    let place = Place::at(&address, rest, graphql).unwrap();
    let app = App {
        client_id: CLIENT.to_owned(),
        key: AppKey::parse(&key()).unwrap(),
        permissions: vec![("contents", "write")],
        minted: Minted::default(),
    };
    let connections = Connections::default();
    let http = promote_action::http::client(&connections).unwrap();
    let clock: Rc<dyn Clock> = Rc::new(SystemClock::start());
    let tokens = AppTokens::new(
        place.clone(),
        app.clone(),
        http.clone(),
        Rc::clone(&clock),
        Rc::new(Quiet),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        tokens.token().await.unwrap();
        revoke(app.minted.take(), &place, &http, &clock).await;
        // The end of a run that did not break after all has nothing left to revoke.
        tokens.end().await;
    });
    let minted: Vec<String> = github.minted().into_iter().map(|(_, token)| token).collect();
    assert_eq!((minted.len(), github.revoked()), (1, minted.clone()));
}

#[test]
fn what_is_wrong_with_an_app_is_told() {
    let (world, github) = started();
    let stranger = step(&world, &github).run();
    ends(&stranger, "denied", 4);
    assert!(
        stranger.ran.stdout.contains("of the same App"),
        "{}",
        stranger.ran.stdout
    );
    let half = step(&world, &github).with("github-app-private-key", "").run();
    ends(&half, "invalid", 2);
    let both = step(&world, &github).with("token", "t0ken-of-a-person").run();
    ends(&both, "invalid", 2);
    let no_key = step(&world, &github)
        .with("github-app-private-key", "hunter2hunter2")
        .run();
    ends(&no_key, "invalid", 2);
    assert!(!no_key.ran.stdout.contains("`token`"), "{}", no_key.ran.stdout);
    assert!(
        !no_key
            .ran
            .stdout
            .replace("::add-mask::hunter2hunter2", "")
            .contains("hunter2")
    );
}

#[test]
fn a_job_without_the_permission_is_told_to_ask_for_it() {
    let (world, github) = started();
    let stepped = step_at(&world, &github, &github.api_url(), &github.graphql_url())
        .with("argocd-server", world.sandbox.argocd.url())
        .with("argocd-auth", "github-oidc")
        .run();
    ends(&stepped, "invalid", 2);
    assert!(stepped.ran.stdout.contains("id-token: write"), "{}", stepped.ran.stdout);
}

#[test]
fn the_token_of_the_job_is_exchanged_for_a_login() {
    let (world, github) = started();
    let stepped = step_at(&world, &github, &github.api_url(), &github.graphql_url())
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", &github.oidc_url())
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")
        .with("aliases", &world.sandbox.infra_repo())
        .with("argocd-server", world.sandbox.argocd.url())
        .with("argocd-auth", "github-oidc")
        .run();
    ends(&stepped, "promoted", 0);
    assert_eq!(github.audiences(), [world.sandbox.argocd.url()]);
}
