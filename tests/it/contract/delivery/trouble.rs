//! What goes wrong while we wait. What lies between the server and us is over the stand-in alone, which can be told to make it happen.

use std::time::{Duration, Instant};

use promote_action::model::Outcome;
use promote_action::plan::ResolvedPolicy;
use promote_action::promote::testing::Followed;
use sandbox::argocd::{ArgoCd, Asked, Canned};

use super::stage::{Stage, block_on, id};
use super::world::{World, until};

fn argocd(world: &dyn World) -> &ArgoCd {
    &world.stand_in().unwrap().argocd
}

/// A stage whose own clock runs so many times as fast.
fn stage(pace: u32) -> Stage {
    let mut stage = Stage::with_stand_in("what it is told to do cannot be asked of a server");
    stage.pace = pace;
    stage
}

/// The same where nothing but the applications is in trouble.
fn anywhere(pace: u32) -> Stage {
    let mut stage = Stage::new();
    stage.pace = pace.div_ceil(stage.world.slowness());
    stage
}

/// Waits with much time for `tag` of api in dev, while something happens.
fn wait(stage: &Stage, tag: &str, meanwhile: impl FnOnce(&ArgoCd) + Send) -> Followed {
    let patient = ResolvedPolicy {
        timeout: Duration::from_secs(900),
        ..stage.policy()
    };
    stage.promote_while("api", "dev", tag, patient, |world, _| {
        std::thread::sleep(Duration::from_millis(300));
        meanwhile(argocd(world));
    })
}

#[track_caller]
fn is_live(followed: &Followed) {
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
}

/// Counts the requests that were answered.
fn asked(stage: &Stage, fits: impl Fn(&str, u16) -> bool) -> usize {
    let asked = argocd(stage.world.as_ref()).asked();
    asked.iter().filter(|asked| fits(&asked.path, asked.status)).count()
}

fn is_plain(path: &str) -> bool {
    path == "/api/v1/applications/api-dev"
}

#[test]
fn where_no_stream_opens_looks_take_its_place() {
    let stage = stage(4);
    argocd(stage.world.as_ref()).hang("/stream/");
    is_live(&wait(&stage, "slow1", |_| {}));
    assert!(asked(&stage, |path, _| is_plain(path)) >= 3);
}

#[test]
fn s75_a_stream_that_falls_silent_is_given_up_and_opened_again() {
    let stage = stage(20);
    argocd(stage.world.as_ref()).stop_controller(true);
    is_live(&wait(&stage, "new1", |argocd| {
        let opened = || argocd.asked().iter().filter(|asked| is_stream(asked)).count();
        until("a stream is open", Duration::from_secs(30), || opened() > 0);
        let before = opened();
        argocd.mute_streams(true);
        until("the stream is given up", Duration::from_secs(30), || opened() > before);
        argocd.mute_streams(false);
        argocd.stop_controller(false);
    }));
}

#[test]
fn a_quiet_wait_is_looked_at_once_a_minute() {
    let stage = stage(60);
    let policy = ResolvedPolicy {
        timeout: Duration::from_secs(200),
        ..stage.policy()
    };
    let followed = stage.promote("api", "dev", "never1", policy);
    assert_eq!(followed.outcome, Outcome::TimedOut, "{}", followed.reason);
    // One before landing, one soon after, and three more.
    let looks = asked(&stage, |path, _| is_plain(path));
    assert!((4..=7).contains(&looks), "{looks}");
}

/// Breaks every stream until one more was answered for.
fn cut(argocd: &ArgoCd, answer: impl Fn(&Asked) -> bool) {
    let answered = || argocd.asked().iter().filter(|asked| answer(asked)).count();
    let before = answered();
    until("the stream is asked for again", Duration::from_secs(60), || {
        argocd.cut_streams();
        answered() > before
    });
}

fn is_stream(asked: &Asked) -> bool {
    asked.path.contains("/stream/")
}

#[test]
fn s74_a_server_that_restarts_five_times_is_found_again() {
    let stage = stage(4);
    argocd(stage.world.as_ref()).stop_controller(true);
    is_live(&wait(&stage, "abc1008", |argocd| {
        for _ in 0..5 {
            cut(argocd, is_stream);
        }
        argocd.stop_controller(false);
    }));
}

#[test]
fn s77_a_token_that_was_revoked_is_the_end_when_the_stream_is_opened_again() {
    let stage = stage(1);
    let followed = wait(&stage, "never1", |argocd| {
        argocd.revoke("ci");
        cut(argocd, |asked| asked.status == 401);
    });
    assert_eq!(followed.outcome, Outcome::Denied, "{}", followed.reason);
    assert!((1..=3).contains(&asked(&stage, |_, status| status == 401)));
}

#[test]
fn s83_a_refresh_that_never_returns_holds_up_nothing() {
    let stage = stage(4);
    argocd(stage.world.as_ref()).hang("refresh=");
    is_live(&wait(&stage, "abc1009", |argocd| argocd.refresh("api-dev")));
}

fn refusing(times: u32, status: u16, content_type: &str, body: &str) -> Canned {
    Canned {
        part: "/applications/api-dev".to_owned(),
        times,
        status,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    }
}

const DENIED: &str = r#"{"error": "permission denied", "code": 7, "message": "permission denied"}"#;

#[test]
fn one_refusal_is_no_end_and_three_in_a_row_are() {
    let stage = stage(4);
    let once = refusing(1, 403, "application/json", DENIED);
    is_live(&wait(&stage, "slow1", |argocd| argocd.answer(once)));
    let stage = self::stage(30);
    let always = refusing(10_000, 403, "application/json", DENIED);
    let followed = wait(&stage, "never1", |argocd| argocd.answer(always));
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    assert!(
        followed
            .reason
            .contains("was deleted, or the token can no longer read it"),
        "{}",
        followed.reason
    );
}

#[test]
fn one_login_page_is_no_end_and_three_in_a_row_are() {
    let page = |times| refusing(times, 200, "text/html", "<title>Sign in</title>");
    let stage = stage(4);
    is_live(&wait(&stage, "slow1", |argocd| argocd.answer(page(1))));
    let stage = self::stage(30);
    let followed = wait(&stage, "never1", |argocd| argocd.answer(page(10_000)));
    assert_eq!(followed.outcome, Outcome::Unreachable, "{}", followed.reason);
    assert!(followed.reason.contains("Sign in"), "{}", followed.reason);
}

#[test]
fn s82_a_server_that_wants_to_be_left_alone_is() {
    for status in [429, 503] {
        let stage = stage(1);
        argocd(stage.world.as_ref()).hang("/stream/");
        let begun = Instant::now();
        is_live(&wait(&stage, "slow1", |argocd| {
            argocd.busy("/applications/api-dev", 1, status, 4);
        }));
        assert!(begun.elapsed() > Duration::from_secs(4));
        assert_eq!(asked(&stage, |_, answered| answered == status), 1);
    }
}

#[test]
fn a_sync_that_is_left_lying_is_woken() {
    let stage = stage(4);
    argocd(stage.world.as_ref()).leave_lying("web-production");
    let followed = stage.promote("web", "production", "abc1010", stage.policy());
    is_live(&followed);
    assert!(stage.said("sync requested, not started yet"), "{:?}", stage.told());
    assert_eq!(asked(&stage, |path, _| path.ends_with("/sync")), 1);
}

/// Closes api-dev to syncs, and waits until the server says so.
fn close(stage: &Stage, schedule: &str, duration: &str) {
    stage.world.window("api-dev", Some((schedule, duration)));
    let (argocd, app) = (stage.argocd(), id("api-dev"));
    until("the window is closed", Duration::from_secs(30), || {
        !block_on(argocd.windows(&app)).unwrap().active.is_empty()
    });
}

#[test]
fn a_closed_window_is_shown_with_its_opening_and_is_an_end_when_that_is_too_late() {
    let stage = anywhere(4);
    close(&stage, "0 0 * * *", "23h59m");
    let followed = stage.promote("api", "dev", "closed1", stage.policy());
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    for part in [
        "a sync window is closed until 20",
        "T23:59:00Z",
        "deny \"0 0 * * *\" for 23h59m",
        "after the timeout of this run",
    ] {
        assert!(followed.reason.contains(part), "{}", followed.reason);
    }
}

#[test]
fn a_window_that_opens_in_time_is_waited_for() {
    let stage = anywhere(4);
    close(&stage, "* * * * *", "1h");
    let patient = ResolvedPolicy {
        timeout: Duration::from_secs(900),
        ..stage.policy()
    };
    is_live(&stage.promote_while("api", "dev", "opened1", patient, |world, _| {
        until("the window is told", Duration::from_secs(120), || {
            stage.said("a sync window is closed")
        });
        world.window("api-dev", None);
    }));
}

#[test]
fn a_container_that_crashes_is_shown_with_what_it_wrote_last() {
    // What is asked at the end has ten seconds, at that pace one.
    let stage = anywhere(10);
    let patient = ResolvedPolicy {
        timeout: Duration::from_secs(900),
        ..stage.policy()
    };
    let followed = stage.promote("api", "dev", "crash1", patient);
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    // It runs again now and then: the first line says how it is at the end, the reason why that was the end.
    assert!(followed.reason.contains("CrashLoopBackOff"), "{}", followed.reason);
    let lines: Vec<&str> = followed.applications[0].reason.lines().skip(1).collect();
    assert!(lines[0].starts_with("Pod "), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("log: ")), "{lines:#?}");
    assert!(lines.len() <= 10, "{lines:#?}");
}

#[test]
fn a_second_operation_for_the_same_commit_is_waited_out() {
    let stage = stage(1);
    argocd(stage.world.as_ref()).sync_twice("api-dev");
    is_live(&stage.promote("api", "dev", "abc1011", stage.policy()));
    let app = stage.world.application("api-dev");
    let history = app["status"]["history"].as_array().unwrap();
    let ours = history.iter().filter(|row| row["revision"] == stage.tip());
    assert_eq!(ours.count(), 2, "{history:#?}");
}

#[test]
fn a_git_host_that_hangs_holds_up_neither_the_wait_nor_its_end() {
    let mut stage = stage(1);
    stage.git_hangs = true;
    // Exactly the commit of the promotion counts without a word of git.
    is_live(&stage.promote("api", "dev", "abc1031", stage.policy()));
    // What else is shown is unknown, and the deadline comes all the same.
    let short = ResolvedPolicy {
        timeout: Duration::from_secs(4),
        ..stage.policy()
    };
    let begun = Instant::now();
    let other = stage.with_tag("web", "dev", "other31");
    let followed = stage.promote_while("api", "dev", "slow31", short, |world, _| {
        std::thread::sleep(Duration::from_millis(100));
        world.commit(&sandbox::overlay("web", "dev"), &other, "promote another app");
    });
    assert!(begun.elapsed() < Duration::from_secs(4 + 15), "{:?}", begun.elapsed());
    assert_eq!(followed.outcome, Outcome::TimedOut, "{}", followed.reason);
    let hint = followed.hints.join("\n");
    assert!(
        hint.contains("promote wait --app api --environment dev --commit "),
        "{hint}"
    );
}

#[test]
fn a_failure_is_told_while_git_hangs() {
    let mut stage = stage(10);
    stage.git_hangs = true;
    let patient = ResolvedPolicy {
        timeout: Duration::from_secs(900),
        ..stage.policy()
    };
    let followed = stage.promote("api", "dev", "bad31", patient);
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
}
