//! The seam to the engine: everything that a promotion asks of it, and the waits that are made of the answers. One suite, over the
//! stand-in; over a real Argo CD where `tests/e2e/run` starts it.

mod real;
mod shapes;
mod stage;
mod trouble;
mod world;

use std::time::Duration;

use promote_action::delivery::{Action, Change, Engine, Problem, Refresh, Scope};
use promote_action::model::{Canary, Health, Node, Outcome, Phase, RepoPath, Resource, ResourceId, SyncState};
use promote_action::plan::{ResolvedPolicy, SyncMode};
use promote_action::promote::testing::{Candidate, Which};
use sandbox::argocd::Canned;
use sandbox::overlay;
use serde_json::{Value, json};

use stage::{Stage, block_on, id, reference};
use world::until;

/// Returns how many syncs of an application have succeeded.
fn syncs(app: &Value) -> usize {
    app["status"]["history"].as_array().map_or(0, Vec::len)
}

#[test]
fn an_automated_application_is_refreshed_and_never_synced() {
    let stage = Stage::new();
    let followed = stage.promote("api", "dev", "abc1001", stage.policy());
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert!(followed.applications[0].live);
    let app = stage.world.application("api-dev");
    let operation = &app["status"]["operationState"]["operation"];
    assert_eq!(operation["initiatedBy"]["automated"], true, "{operation}");
}

#[test]
fn a_manual_application_is_synced_once() {
    let stage = Stage::new();
    let before = syncs(&stage.world.application("web-production"));
    let followed = stage.promote("web", "production", "abc1002", stage.policy());
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    let app = stage.world.application("web-production");
    assert_eq!(syncs(&app), before + 1);
    let notes = &app["status"]["operationState"]["operation"]["info"];
    assert_eq!(notes[0]["value"], "nonce-1", "{notes}");
}

#[test]
fn a_manual_application_that_nobody_syncs_times_out_and_says_what_was_missing() {
    let stage = Stage::new();
    let before = syncs(&stage.world.application("web-production"));
    let never = ResolvedPolicy {
        sync: SyncMode::Never,
        timeout: stage.time(3000),
        ..stage.policy()
    };
    let followed = stage.promote("web", "production", "never-synced", never);
    assert_eq!(followed.outcome, Outcome::TimedOut);
    assert!(
        followed.reason.contains("waits for somebody to sync it"),
        "{}",
        followed.reason
    );
    assert_eq!(syncs(&stage.world.application("web-production")), before);
}

#[test]
fn a_failed_sync_is_told_with_what_failed() {
    let stage = Stage::new();
    stage.world.hook();
    let followed = stage.promote("web", "production", "fail1", stage.policy());
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    assert!(followed.reason.contains("hook"), "{}", followed.reason);
    assert!(followed.reason.contains("web-migrate"), "{}", followed.reason);
}

#[test]
fn a_later_commit_that_changed_our_pin_supersedes_it() {
    let stage = Stage::new();
    let other = stage.with_tag("api", "dev", "other1");
    let moment = stage.time(500);
    let followed = stage.promote_while("api", "dev", "slow1", stage.policy(), |world, _| {
        std::thread::sleep(moment);
        world.commit(&overlay("api", "dev"), &other, "promote something else");
    });
    assert_eq!(followed.outcome, Outcome::Superseded, "{}", followed.reason);
    let by = followed.superseded_by.unwrap();
    assert_eq!(by.subject, "promote something else");
}

#[test]
fn a_later_commit_that_left_our_pin_alone_is_live_with_it() {
    let stage = Stage::new();
    let other = stage.with_tag("web", "dev", "other2");
    let moment = stage.time(500);
    let followed = stage.promote_while("api", "dev", "slow2", stage.policy(), |world, _| {
        std::thread::sleep(moment);
        world.commit(&overlay("web", "dev"), &other, "promote another app");
    });
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert!(
        followed.reason.contains("still has the same pin"),
        "{}",
        followed.reason
    );
}

#[test]
fn a_canary_is_followed_through_its_steps() {
    let stage = Stage::new();
    let followed = stage.promote("api", "production", "abc1003", stage.policy());
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert!(stage.said("weight"), "the canary's steps are told");
}

#[test]
fn a_failed_analysis_ends_the_wait_with_what_it_measured_and_what_git_must_do() {
    let stage = Stage::new();
    stage.world.breach();
    let followed = stage.promote("api", "production", "breach1", stage.policy());
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    assert!(followed.reason.contains("abort"), "{}", followed.reason);
    assert!(
        followed
            .hints
            .iter()
            .any(|hint| hint.contains("roll back") && hint.contains("infra-repo pins")),
        "{:?}",
        followed.hints
    );
    let why = &followed.applications[0].reason;
    assert!(why.contains("Metric \"success-rate\" assessed Failed"), "{why}");
}

#[test]
fn a_revoked_token_ends_the_wait_at_the_next_request() {
    let mut stage = Stage::new();
    stage.pace = if stage.world.stand_in().is_some() { 10 } else { 1 };
    // The stream stays open, and the plain look comes once a minute: less than that is left.
    let policy = ResolvedPolicy {
        timeout: Duration::from_secs(50),
        ..stage.policy()
    };
    let moment = stage.time(500);
    let followed = stage.promote_while("api", "dev", "never-1", policy, |world, _| {
        std::thread::sleep(moment);
        world.revoke();
    });
    assert_eq!(followed.outcome, Outcome::Denied, "{}", followed.reason);
    assert!(
        followed.reason.contains("account ci does not have token"),
        "{}",
        followed.reason
    );
}

#[test]
fn s87_a_signal_ends_the_wait_and_nothing_is_sent_after_it() {
    let stage = Stage::new();
    stage.world.controller(false);
    let followed = stage.promote_while("web", "production", "slow1", stage.policy(), |_, cancel| {
        std::thread::sleep(Duration::from_millis(500));
        cancel.send_replace(Some(15));
    });
    assert_eq!(followed.outcome, Outcome::Cancelled { signal: 15 });
    let after = stage.world.application("web-production");
    let asked = |stage: &Stage| stage.world.stand_in().map(|sandbox| sandbox.argocd.asked().len());
    let before = asked(&stage);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stage.world.application("web-production"), after);
    assert_eq!(asked(&stage), before);
    assert_eq!(followed.applications.len(), 1);
}

#[test]
fn what_stands_against_it_is_told_before_anything_is_written() {
    let stage = Stage::new();
    let ci = stage.argocd();
    assert_eq!(stage.precheck(ci.as_ref(), stage.candidate("api", "dev")).unwrap(), 1);
    let outcome = |token: &str, candidate: Candidate, part: &str| {
        let fault = stage.precheck(stage.argocd_as(token).as_ref(), candidate).unwrap_err();
        assert!(fault.to_string().contains(part), "{fault}");
        fault.outcome
    };
    let (own, viewer, nobody) = (
        stage.world.token("ci"),
        stage.world.token("viewer"),
        stage.world.token("nobody"),
    );
    let dev = || stage.candidate("api", "dev");
    assert_eq!(outcome("a.b.c", dev(), "rejected the token (401)"), Outcome::Denied);
    assert_eq!(
        outcome(&nobody, dev(), "does not exist, is in another namespace"),
        Outcome::Denied
    );
    assert_eq!(stage.precheck(stage.argocd_as(&viewer).as_ref(), dev()).unwrap(), 1);
    assert_eq!(
        outcome(&viewer, stage.candidate("api", "production"), "no permission to sync"),
        Outcome::Denied
    );
    let other_folder = Candidate {
        folder: RepoPath::parse("apps/api/overlays/staging").unwrap(),
        ..dev()
    };
    assert_eq!(
        outcome(&own, other_folder, "deploys apps/api/overlays/dev, not"),
        Outcome::Refused
    );
    stage.world.follow("api-dev", "release");
    assert_eq!(outcome(&own, dev(), "follows release"), Outcome::Refused);
}

#[test]
fn s84_a_login_page_is_no_argo_cd() {
    let stage = Stage::with_stand_in("a proxy that asks people to sign in");
    let sandbox = stage.world.stand_in().unwrap();
    sandbox.argocd.answer(Canned {
        part: "userinfo".to_owned(),
        times: 1,
        status: 200,
        content_type: "text/html".to_owned(),
        body: "<title>Sign in</title>".to_owned(),
    });
    let fault = stage
        .precheck(stage.argocd().as_ref(), stage.candidate("api", "staging"))
        .unwrap_err();
    assert!(fault.to_string().contains("Sign in"), "{fault}");
    assert_eq!(fault.outcome, Outcome::Unreachable);
}

#[test]
fn applications_are_found_by_their_source() {
    let stage = Stage::new();
    let candidate = Candidate {
        which: Which::BySource,
        ..stage.candidate("api", "dev")
    };
    assert_eq!(stage.precheck(stage.argocd().as_ref(), candidate).unwrap(), 1);
}

#[test]
fn what_is_missing_is_told_from_what_is_hidden_when_the_project_is_given() {
    let stage = Stage::new();
    let ask = |account: &str, project: Option<&str>, name: &str| {
        let argocd = stage.argocd_in(&stage.world.token(account), project);
        block_on(argocd.application(&id(name))).map(|app| app.name)
    };
    assert_eq!(ask("ci", Some("default"), "api-dev").unwrap(), "api-dev");
    assert!(matches!(ask("ci", None, "nothing"), Err(Problem::Forbidden(_))));
    assert!(matches!(
        ask("ci", Some("default"), "nothing"),
        Err(Problem::Missing(_))
    ));
    assert!(matches!(
        ask("nobody", Some("default"), "api-dev"),
        Err(Problem::Forbidden(_))
    ));
    assert!(matches!(ask("ci", Some("other"), "api-dev"), Err(Problem::Missing(_))));
}

#[test]
fn who_may_see_every_application_knows_that_a_hidden_one_is_missing() {
    let stage = Stage::new();
    let may_see = |account: &str, name: &str| {
        let argocd = stage.argocd_as(&stage.world.token(account));
        block_on(argocd.may_see(&id(name))).unwrap()
    };
    for account in ["ci", "viewer", "deployer"] {
        assert!(may_see(account, "nothing"), "{account}");
        assert!(may_see(account, "team-a/nothing"), "{account}");
    }
    assert!(!may_see("nobody", "nothing"));
    // The role of a project sees what is in it, and nothing of the others.
    let deployer = stage.argocd_as(&stage.world.token("deployer"));
    assert_eq!(block_on(deployer.whoami()).unwrap(), "proj:default:deployer");
    assert_eq!(block_on(deployer.application(&id("api-dev"))).unwrap().name, "api-dev");
    let hidden = block_on(deployer.application(&id("nothing")));
    assert!(matches!(hidden, Err(Problem::Forbidden(_))), "{hidden:?}");
}

#[test]
fn a_second_sync_is_refused_while_one_is_at_work() {
    let stage = Stage::new();
    let argocd = stage.argocd();
    stage.push("web", "production", "slow1");
    let app = id("web-production");
    let (first, second) = block_on(async {
        let first = argocd.sync(&app, "one", false).await;
        (first, argocd.sync(&app, "two", false).await)
    });
    assert!(first.unwrap().operation_requested);
    assert!(matches!(second, Err(Problem::Busy(_))), "{second:?}");
    let whoami = block_on(argocd.whoami()).unwrap();
    assert_eq!(whoami, "ci");
}

#[test]
fn a_closed_window_is_told_from_a_missing_right() {
    let stage = Stage::new();
    let argocd = stage.argocd();
    let app = id("web-production");
    let open = block_on(argocd.windows(&app)).unwrap();
    assert!(open.manual_possible && open.active.is_empty(), "{open:?}");
    stage.world.window("web-production", Some(("* * * * *", "1h")));
    let closed = || block_on(argocd.windows(&app)).unwrap();
    until("the window is closed", Duration::from_secs(30), || {
        !closed().manual_possible
    });
    assert_eq!((closed().active.len(), closed().assigned.len()), (1, 1));
    // The window is looked at before the rights are.
    let viewer = stage.argocd_as(&stage.world.token("viewer"));
    for argocd in [&argocd, &viewer] {
        let refused = block_on(argocd.sync(&app, "one", false));
        assert!(matches!(refused, Err(Problem::Window(_))), "{refused:?}");
    }
    stage.world.window("web-production", None);
    until("the window is open", Duration::from_secs(30), || {
        closed().manual_possible
    });
    let refused = block_on(viewer.sync(&app, "one", false));
    assert!(matches!(refused, Err(Problem::Forbidden(_))), "{refused:?}");
}

#[test]
fn everything_that_is_read_of_a_settled_application_agrees() {
    let stage = Stage::new();
    let argocd = stage.argocd();
    let app = id("api-production");
    let image = reference(&stage.world.file(&overlay("api", "production")), "api");
    let seen = block_on(argocd.application(&app)).unwrap();
    assert_eq!((seen.sync, seen.health), (SyncState::Synced, Health::Healthy));
    assert_eq!(seen.images, std::slice::from_ref(&image));
    assert_eq!(seen.revisions.len(), 1);
    assert!(!seen.automated && !seen.refresh_pending && !seen.operation_requested);
    assert!(seen.reconciled_at.is_some() && seen.version.is_some());
    let managed = block_on(argocd.managed(&app)).unwrap();
    let rollout = managed.iter().find(|managed| managed.id.kind == "Rollout").unwrap();
    assert_eq!(rollout.images, std::slice::from_ref(&image));
    assert_eq!(rollout.live_images, rollout.images);
    assert!(rollout.wanted && !rollout.hook);
    let rollout = seen.resources.iter().find(|resource| resource.is_rollout()).unwrap();
    let canary = block_on(argocd.rollout(&app, rollout)).unwrap();
    assert_eq!((canary.phase.as_str(), canary.observed), ("Healthy", true));
    assert_eq!((canary.steps, canary.step, canary.weight), (8, Some(8), 100));
    assert_eq!(canary.current, canary.stable);
    let kinds = |resources: &[Resource]| {
        let mut kinds: Vec<String> = resources.iter().map(|resource| resource.id.kind.clone()).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(
        kinds(&seen.resources),
        ["AnalysisTemplate", "ConfigMap", "Rollout", "Service"]
    );
    let tree = block_on(argocd.tree(&app)).unwrap();
    let pods: Vec<_> = tree.iter().filter(|node| node.id.kind == "Pod").collect();
    assert_eq!(pods.len(), 10);
    for pod in &pods {
        assert_eq!(pod.health, Some(Health::Healthy));
        assert_eq!(pod.images, std::slice::from_ref(&image));
        assert_eq!(pod.detail("Containers"), Some("1/1"), "{pod:?}");
    }
    let lines = block_on(argocd.logs(&app, pods[0], false)).unwrap();
    assert!(!lines.is_empty());
    block_on(argocd.events(&app, pods[0])).unwrap();
    let names: Vec<String> = (block_on(argocd.applications()).unwrap().into_iter())
        .map(|app| app.name)
        .collect();
    for name in ["api-dev", "api-staging", "web-dev", "web-staging", "web-production"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
}

#[test]
fn a_commit_that_changes_nothing_rendered_moves_the_revision_alone() {
    let stage = Stage::new();
    let (argocd, app) = (stage.argocd(), id("web-dev"));
    let before = block_on(argocd.application(&app)).unwrap();
    let text = stage.world.file(&overlay("web", "dev"));
    let comment = (stage.world).commit(&overlay("web", "dev"), &format!("{text}# A comment.\n"), "Comment");
    let after = block_on(argocd.refresh(&app, Refresh::Normal)).unwrap();
    assert_eq!(after.revisions, [comment]);
    assert_eq!((after.sync, after.health), (SyncState::Synced, Health::Healthy));
    assert_eq!(after.operation, before.operation);
    assert_eq!(after.last_synced, before.last_synced);
}

#[test]
fn what_does_not_render_is_shown_with_its_error_and_the_old_health() {
    let stage = Stage::new();
    let (argocd, app) = (stage.argocd(), id("web-dev"));
    (stage.world).commit(&overlay("web", "dev"), "resources: [nothing.yaml]\n", "Break it");
    let seen = block_on(argocd.refresh(&app, Refresh::Normal)).unwrap();
    assert_eq!((seen.sync, seen.health), (SyncState::Unknown, Health::Healthy));
    assert_eq!(seen.revisions, ["main"]);
    let kinds: Vec<&str> = seen
        .conditions
        .iter()
        .map(|condition| condition.kind.as_str())
        .collect();
    assert_eq!(kinds, ["ComparisonError"]);
    let said = &seen.conditions[0].message;
    assert!(
        said.contains("kustomize build") && said.contains("nothing.yaml"),
        "{said}"
    );
}

#[test]
fn a_stream_begins_with_what_is_there_and_tells_what_changes() {
    let stage = Stage::new();
    let argocd = stage.argocd();
    let app = id("web-dev");
    let (first, changed) = block_on(async {
        let mut stream = argocd.stream(&Scope::One(app.clone())).await.unwrap();
        let Change::Seen(first) = stream.next().await else {
            panic!("the stream begins with the application");
        };
        let (commit, _) = stage.push("web", "dev", "streamed1");
        let told = async {
            loop {
                match stream.next().await {
                    Change::Seen(app) if app.revisions == [commit.to_string()] => break app,
                    Change::Broken(problem) => panic!("{problem:?}"),
                    _ => {}
                }
            }
        };
        let refresh = argocd.refresh(&app, Refresh::Normal);
        let (changed, refreshed) = tokio::join!(told, refresh);
        assert_eq!(refreshed.unwrap().name, "web-dev");
        (first, changed)
    });
    assert_eq!((first.name.as_str(), first.sync), ("web-dev", SyncState::Synced));
    assert_eq!(first.uid, changed.uid);
    assert!(changed.version > first.version);
}

#[test]
fn a_failure_says_which_resource_and_why() {
    let stage = Stage::new();
    let soon = ResolvedPolicy {
        timeout: stage.time(6000),
        ..stage.policy()
    };
    let followed = stage.promote("api", "dev", "bad1", soon);
    assert_eq!(followed.outcome, Outcome::TimedOut, "{}", followed.reason);
    let why = &followed.applications[0].reason;
    assert!(
        why.contains("ImagePullBackOff") && why.contains("myorg/api:bad1"),
        "{why}"
    );
}

#[test]
fn a_probe_that_fails_is_told_in_the_words_of_the_node() {
    let stage = Stage::new();
    let soon = ResolvedPolicy {
        timeout: stage.time(4000),
        ..stage.policy()
    };
    let followed = stage.promote_while("api", "dev", "never-probed", soon, |world, _| {
        world.probe_fails("dev", "never-probed");
    });
    assert_eq!(followed.outcome, Outcome::TimedOut, "{}", followed.reason);
    let why = &followed.applications[0].reason;
    assert!(
        why.contains("Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503"),
        "{why}"
    );
}

#[test]
fn a_wait_says_at_least_every_half_minute_what_it_waits_for() {
    let mut stage = Stage::new();
    stage.pace = if stage.world.stand_in().is_some() { 40 } else { 8 };
    let policy = ResolvedPolicy {
        timeout: Duration::from_secs(150),
        settle: Duration::from_secs(10),
        ..stage.policy()
    };
    let followed = stage.promote("api", "dev", "never-abc1234", policy);
    assert_eq!(followed.outcome, Outcome::TimedOut, "{}", followed.reason);
    let told = stage.told();
    let repeated = told
        .iter()
        .filter(|line| line.contains("api-dev") && line.contains(" left)"))
        .count();
    assert!((3..=5).contains(&repeated), "{told:#?}");
    let shown: Vec<&String> = told.iter().filter(|line| !line.starts_with("Debug(")).collect();
    assert!(shown.windows(2).all(|two| two[0] != two[1]), "{shown:#?}");
}

/// Waits until a Rollout of an application is as a test wants it, and returns it.
#[track_caller]
fn canary_that(
    stage: &Stage,
    engine: &dyn Engine,
    app: &str,
    what: &str,
    so: impl Fn(&Canary) -> bool,
) -> (Resource, Canary) {
    let mut found = None;
    until(what, Duration::from_secs(20) * stage.world.slowness(), || {
        let Ok(seen) = block_on(engine.application(&id(app))) else {
            return false;
        };
        let Some(rollout) = seen.resources.into_iter().find(Resource::is_rollout) else {
            return false;
        };
        let canary = block_on(engine.rollout(&id(app), &rollout)).unwrap();
        let fits = so(&canary);
        found = Some((rollout, canary));
        fits
    });
    found.unwrap()
}

/// Starts a canary of `api` in production, and returns its Rollout once traffic goes to it.
fn canary(stage: &Stage, engine: &dyn Engine, tag: &str) -> Resource {
    stage.push("api", "production", tag);
    let app = id("api-production");
    block_on(engine.refresh(&app, Refresh::Normal)).unwrap();
    block_on(engine.sync(&app, "nonce", false)).unwrap();
    canary_that(stage, engine, "api-production", "the canary begins", |canary| {
        canary.is_underway() && canary.weight > 0
    })
    .0
}

#[test]
fn a_canary_that_is_aborted_serves_the_stable_version_and_a_retry_starts_it_again() {
    let stage = Stage::new();
    let engine = stage.argocd();
    let rollout = canary(&stage, engine.as_ref(), "abc2001");
    let app = id("api-production");
    block_on(engine.act(&app, &rollout, Action::Abort)).unwrap();
    let is =
        |what: &str, so: &dyn Fn(&Canary) -> bool| canary_that(&stage, engine.as_ref(), "api-production", what, so).1;
    let aborted = is("it is aborted", &|canary| canary.aborted && canary.phase == "Degraded");
    assert_eq!(aborted.weight, 0);
    block_on(engine.act(&app, &rollout, Action::Retry)).unwrap();
    is("it goes on", &|canary| !canary.aborted && canary.weight > 0);
    block_on(engine.act(&app, &rollout, Action::PromoteFull)).unwrap();
    let done = is("it is through", &|canary| {
        canary.current == canary.stable && canary.phase == "Healthy"
    });
    assert_eq!(done.weight, 100);
    // Idle actions are accepted and change nothing.
    block_on(engine.act(&app, &rollout, Action::Abort)).unwrap();
    is("it stays through", &|canary| {
        canary.phase == "Healthy" && !canary.aborted
    });
}

#[test]
fn a_resume_ends_the_pause_that_is_on() {
    let stage = Stage::new();
    let engine = stage.argocd();
    let rollout = canary(&stage, engine.as_ref(), "abc2002");
    let app = id("api-production");
    let paused = |canary: &Canary| canary.pause.is_some();
    let (_, before) = canary_that(&stage, engine.as_ref(), "api-production", "it pauses", paused);
    block_on(engine.act(&app, &rollout, Action::Resume)).unwrap();
    let further = |canary: &Canary| canary.step > before.step;
    canary_that(&stage, engine.as_ref(), "api-production", "it goes on", further);
}

#[test]
fn an_action_needs_its_right() {
    let stage = Stage::new();
    let engine = stage.argocd();
    let rollout = canary(&stage, engine.as_ref(), "abc2003");
    for account in ["viewer", "deployer"] {
        let other = stage.argocd_as(&stage.world.token(account));
        let refused = block_on(other.act(&id("api-production"), &rollout, Action::Abort));
        assert!(matches!(refused, Err(Problem::Forbidden(_))), "{account}: {refused:?}");
    }
}

#[test]
fn an_operation_is_terminated_once() {
    let stage = Stage::new();
    let engine = stage.argocd();
    stage.world.hook();
    stage.push("web", "production", "fail2");
    let app = id("web-production");
    assert_eq!(block_on(engine.terminate(&app)), Ok(false));
    block_on(engine.sync(&app, "nonce", false)).unwrap();
    let phase = || {
        block_on(engine.application(&app))
            .unwrap()
            .operation
            .map(|operation| operation.phase)
    };
    until("the sync runs", Duration::from_secs(30), || {
        phase() == Some(Phase::Running)
    });
    assert_eq!(block_on(engine.terminate(&app)), Ok(true));
    until("the sync has ended", Duration::from_secs(60), || {
        phase() == Some(Phase::Failed)
    });
    let operation = block_on(engine.application(&app)).unwrap().operation.unwrap();
    assert!(
        operation.message.contains("Operation terminated"),
        "{}",
        operation.message
    );
    assert_eq!(block_on(engine.terminate(&app)), Ok(false));
    let viewer = stage.argocd_as(&stage.world.token("viewer"));
    assert!(matches!(block_on(viewer.terminate(&app)), Err(Problem::Forbidden(_))));
}

#[test]
fn servers_before_3_1_have_one_endpoint_for_actions() {
    let stage = Stage::with_stand_in("a server without the second endpoint of actions");
    let engine = stage.argocd();
    let rollout = canary(&stage, engine.as_ref(), "abc2004");
    for (status, body) in [
        (404, "404 page not found\n"),
        (405, "Method Not Allowed\n"),
        (501, "Not Implemented\n"),
    ] {
        let sandbox = stage.world.stand_in().unwrap();
        sandbox.argocd.answer(Canned {
            part: "actions/v2".to_owned(),
            times: 1,
            status,
            content_type: "text/plain".to_owned(),
            body: body.to_owned(),
        });
        block_on(engine.act(&id("api-production"), &rollout, Action::Abort)).unwrap();
        let asked = sandbox.argocd.asked();
        let last = asked.iter().rfind(|asked| asked.method == "POST").unwrap();
        assert!(last.path.contains("/resource/actions?"), "{}", last.path);
        assert_eq!((last.status, last.body.as_str()), (200, Some("abort")));
    }
}

#[test]
fn an_answer_about_another_application_counts_for_nothing() {
    let stage = Stage::with_stand_in("a proxy that answers with another page");
    let engine = stage.argocd();
    let sandbox = stage.world.stand_in().unwrap();
    let other = sandbox.argocd.application("api-staging").unwrap().to_string();
    let ask = |part: &str, question: &dyn Fn() -> Result<(), Problem>| {
        sandbox.argocd.answer(Canned {
            part: part.to_owned(),
            times: 1,
            status: 200,
            content_type: "application/json".to_owned(),
            body: other.clone(),
        });
        let answer = question();
        assert!(matches!(answer, Err(Problem::Foreign(_))), "{part}: {answer:?}");
    };
    let app = id("api-dev");
    ask("applications/api-dev", &|| block_on(engine.application(&app)).map(drop));
    ask("refresh=", &|| {
        block_on(engine.refresh(&app, Refresh::Normal)).map(drop)
    });
    ask("api-dev/sync", &|| {
        block_on(engine.sync(&app, "nonce", false)).map(drop)
    });
}

/// The right name is not enough: an object has a namespace and a group, an application a project, and lines and events are of one pod.
#[test]
fn an_answer_about_a_namesake_counts_for_nothing() {
    let stage = Stage::with_stand_in("a proxy that answers with a page of another namespace");
    let engine = stage.argocd();
    let sandbox = stage.world.stand_in().unwrap();
    let instead = |part: &str, body: Value| {
        sandbox.argocd.answer(Canned {
            part: part.to_owned(),
            times: 1,
            status: 200,
            content_type: "application/json".to_owned(),
            body: body.to_string(),
        });
    };
    let rollout = canary(&stage, engine.as_ref(), "abc2005");
    let (kind, name, namespace) = (&rollout.id.kind, &rollout.id.name, &rollout.id.namespace);
    for (version, namespace, right) in [
        ("argoproj.io/v1alpha1", namespace.as_str(), true),
        ("argoproj.io/v1alpha1", "another", false),
        ("example.com/v1alpha1", namespace.as_str(), false),
    ] {
        let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
        instead("resource?", json!({"manifest": object.to_string()}));
        let answer = block_on(engine.rollout(&id("api-production"), &rollout));
        assert_eq!(answer.is_ok(), right, "{version} {namespace}: {answer:?}");
        assert!(right || matches!(answer, Err(Problem::Foreign(_))), "{answer:?}");
    }
    let engine_in = |project| stage.argocd_in(&stage.world.token("ci"), Some(project));
    let mut moved = sandbox.argocd.application("api-dev").unwrap();
    moved["spec"]["project"] = json!("other");
    instead("applications/api-dev", moved);
    let answer = block_on(engine_in("default").application(&id("api-dev")));
    assert!(matches!(answer, Err(Problem::Foreign(_))), "{answer:?}");
    let pod = Node {
        id: ResourceId {
            kind: "Pod".to_owned(),
            namespace: "api".to_owned(),
            name: "api-1".to_owned(),
            ..ResourceId::default()
        },
        ..Node::default()
    };
    let event = |name: &str| json!({"reason": name, "message": "m", "involvedObject": {"name": name}});
    instead("/events?", json!({"items": [event("api-1"), event("api-2")]}));
    let events = block_on(engine.events(&id("api-dev"), &pod)).unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    let line = |pod: &str| json!({"result": {"content": format!("of {pod}"), "podName": pod}}).to_string();
    sandbox.argocd.answer(Canned {
        part: "/logs?".to_owned(),
        times: 1,
        status: 200,
        content_type: "application/json".to_owned(),
        body: format!("{}\n{}\n", line("api-2"), line("api-1")),
    });
    assert_eq!(
        block_on(engine.logs(&id("api-dev"), &pod, false)).unwrap(),
        ["of api-1"]
    );
}
