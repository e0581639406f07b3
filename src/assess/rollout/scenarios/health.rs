//! The rows about health, pods and canaries.

use super::*;
use Health::{Degraded, Healthy, Missing, Progressing, Suspended, Unknown};
use SyncState::{OutOfSync, Synced};

#[test]
fn degraded_has_a_grace_and_a_past() {
    let mut before = auto()
        .resource("CronJob", Synced, Some(Degraded), "failed")
        .health(Degraded);
    before.watch = Watch::new(before.watch.wanted.clone(), Some(&before.app));
    before
        .resource("Deployment", Synced, Some(Healthy), "")
        .synced()
        .until(60)
        .is("S47", "live with a warning");
    auto()
        .synced()
        .health(Degraded)
        .until(11)
        .health(Progressing)
        .until(15)
        .health(Healthy)
        .until(30)
        .is("S48", "live");
    auto()
        .synced()
        .resource("Deployment", Synced, Some(Degraded), "exceeded its progress deadline")
        .health(Degraded)
        .until(40)
        .is("S49", "failed DEGRADED");
    auto()
        .synced()
        .health(Unknown)
        .until(50)
        .is("S52", "waiting UNKNOWN_H")
        .until(70)
        .is("S52", "failed UNKNOWN_H");
    auto()
        .synced()
        .health(Suspended)
        .until(600)
        .is("S53", "waiting SUSPENDED");
    auto()
        .health(Missing)
        .synced()
        .until(100)
        .is("S51", "waiting MISSING")
        .health(Progressing)
        .until(105)
        .health(Healthy)
        .until(120)
        .is("S51", "live");
}

#[test]
fn what_was_broken_before_and_is_broken_by_us_again_is_no_excuse() {
    let mut before = auto()
        .resource("Deployment", Synced, Some(Degraded), "x")
        .health(Degraded);
    before.watch = Watch::new(before.watch.wanted.clone(), Some(&before.app));
    let out = |app: &mut AppSnapshot| app.resources[0].sync = OutOfSync;
    (before.compared(OutOfSync, 'X'))
        .change(out)
        .synced()
        .until(60)
        .is("pain 10", "failed DEGRADED");
}

#[test]
fn what_a_commit_makes_the_same_of_was_not_touched_whatever_the_sync_says() {
    let ill = |kind: &str, health| {
        let mut before = auto().resource(kind, Synced, Some(health), "x").health(health);
        let managed = [made(kind, 7, &["myorg/other:v1"]), made("StatefulSet", 1, &[IMAGE])];
        before.watch = Watch::new(before.watch.wanted.clone(), Some(&before.app)).with_managed(&managed);
        before
    };
    // Everything is out of sync for a moment, and is named in the result: `serverside-applied`, `replaced`, in whatever language.
    let touched = |app: &mut AppSnapshot| app.resources[0].sync = OutOfSync;
    for (kind, health) in [
        ("Certificate", Degraded),
        ("ScaledObject", Suspended),
        ("Deployment", Suspended),
    ] {
        let after = |target| {
            let mut play = ill(kind, health).compared(OutOfSync, 'X').change(touched);
            play.made = Some(vec![
                made(kind, target, &["myorg/other:v1"]),
                made("StatefulSet", 2, &[IMAGE]),
            ]);
            play.synced().change(|app| app.resources[0].sync = Synced).until(70)
        };
        after(7).is(kind, "live with a warning");
        let told = if health == Degraded {
            "failed DEGRADED"
        } else if kind == "Deployment" {
            "waiting SUSPENDED"
        } else {
            "live with a warning"
        };
        after(8).is(kind, told);
    }
}

#[test]
fn what_an_earlier_run_brought_is_judged_again() {
    for (health, verdict) in [
        (Degraded, "failed DEGRADED"),
        (Suspended, "waiting SUSPENDED"),
        (Progressing, "waiting PROGRESSING"),
    ] {
        let again = |runs: &str| {
            let mut play = auto()
                .compared(Synced, 'X')
                .resource("Deployment", Synced, Some(health), "")
                .health(health);
            let managed = vec![made("Deployment", 7, &[runs]), made("StatefulSet", 1, &[IMAGE])];
            play.watch = Watch::new(play.watch.wanted.clone(), Some(&play.app)).with_managed(&managed);
            play.verdict = None;
            play.made = Some(managed);
            play.until(90)
        };
        let play = again(IMAGE).is(&health.to_string(), verdict);
        assert!(!play.verdict.unwrap().why().contains("before"), "{health}");
        again("myorg/other:v1").is(&health.to_string(), "live with a warning");
    }
}

#[test]
fn a_cron_job_is_as_its_last_run_was() {
    let runs = |target, image: &str| vec![made("CronJob", target, &[image]), made("Deployment", target, &[image])];
    let failed = |compared, before: Vec<Managed>| {
        let mut play = auto()
            .compared(Synced, compared)
            .resource("CronJob", Synced, Some(Degraded), "the last run failed")
            .health(Degraded);
        play.watch = Watch::new(play.watch.wanted.clone(), Some(&play.app)).with_managed(&before);
        play.verdict = None;
        play.made = Some(runs(2, IMAGE));
        play
    };
    failed('P', runs(1, "myorg/api:v1"))
        .synced()
        .until(60)
        .is("25551", "live with a warning");
    failed('X', runs(2, IMAGE))
        .until(60)
        .is("a run of this version failed", "failed DEGRADED");
}

#[test]
fn a_health_check_that_failed_before_says_nothing_of_this_commit() {
    let check = |kind: &str| {
        let mut play = auto()
            .resource(kind, Synced, Some(Unknown), "attempt to index a nil value")
            .health(Unknown);
        play.watch = Watch::new(play.watch.wanted.clone(), Some(&play.app));
        play.made = Some(vec![made("Deployment", 2, &[IMAGE])]);
        play.synced().until(90)
    };
    check("Certificate").is("6967", "live with a warning");
    check("Deployment").is("a workload of ours", "failed UNKNOWN_H");
}

#[test]
fn what_stood_still_before_says_nothing_of_this_commit() {
    let after = |target| {
        let ingress = |target| made::<&str>("Ingress", target, &[]);
        let mut play = auto()
            .resource("Ingress", Synced, Some(Progressing), "")
            .health(Progressing);
        let managed = [ingress(1), made("Deployment", 1, &["myorg/api:v1"])];
        play.watch = Watch::new(play.watch.wanted.clone(), Some(&play.app)).with_managed(&managed);
        play.made = Some(vec![ingress(target), made("Deployment", 2, &[IMAGE])]);
        play.synced()
    };
    let play = after(1).until(25).is("1704", "waiting PROGRESSING");
    let play = play.until(60).is("1704", "live with a warning");
    let Some(Verdict::Live { warnings, .. }) = &play.verdict else {
        panic!()
    };
    assert_eq!(
        warnings,
        &["api-dev: Ingress api was Progressing before this commit and still is"]
    );
    after(2)
        .until(600)
        .is("an Ingress that we changed", "waiting PROGRESSING");
}

#[test]
fn a_job_that_was_deleted_after_its_end_is_no_loss() {
    let gone = |kind: &str, results: Vec<SyncResult>| {
        auto()
            .synced()
            .change(|app| app.operation.as_mut().unwrap().results = results)
            .resource(kind, OutOfSync, Some(Missing), "")
            .health(Missing)
            .compared(OutOfSync, 'X')
            .until(90)
    };
    let applied = |kind: &str| {
        vec![SyncResult {
            resource: named(kind),
            ..SyncResult::default()
        }]
    };
    gone("Job", applied("Job")).is("8586", "live with a warning");
    gone("Job", Vec::new()).is("a Job that nobody applied", "waiting MISSING");
    gone("Deployment", applied("Deployment")).is("another kind", "waiting MISSING");
}

#[test]
fn what_is_suspended_by_its_own_specification_ends_no_wait() {
    for kind in ["Job", "CronJob"] {
        let play = auto()
            .synced()
            .resource(kind, Synced, Some(Suspended), "Job is suspended");
        play.health(Suspended).until(30).is(kind, "live with a warning");
    }
    // What rolls out pods keeps the old ones.
    let play = auto()
        .synced()
        .resource("Deployment", Synced, Some(Suspended), "is paused");
    play.health(Suspended).until(30).is("S53", "waiting SUSPENDED");
}

#[test]
fn a_fall_between_two_looks_begins_the_watch_anew() {
    let since = |at| move |app: &mut AppSnapshot| app.health_since = Some(server_time(at));
    let play = auto().synced().change(since(1)).until(11).is("F20", "waiting SETTLING");
    // It was Degraded for a moment that nobody saw.
    let play = play.change(since(10)).until(18).is("F20", "waiting SETTLING");
    play.until(24).is("F20", "live");
}

#[test]
fn a_pod_that_cannot_start_ends_the_wait_early() {
    let mut play = auto()
        .synced()
        .health(Progressing)
        .until(20)
        .is("S50", "waiting PROGRESSING");
    assert!(play.asked(Ask::Tree) > 0);
    play.stuck = vec![StuckPod {
        name: "api-1".to_owned(),
        reason: "ImagePullBackOff".to_owned(),
        message: "Back-off pulling image".to_owned(),
        images: vec![IMAGE.to_owned()],
    }];
    let play = play
        .until(75)
        .is("S50", "waiting POD_FAIL")
        .until(82)
        .is("S50", "failed POD_FAIL");
    assert!(play.verdict.unwrap().why().contains("ImagePullBackOff"));
}

#[test]
fn a_canary_that_was_paused_before_is_not_healthy_until_it_is_read() {
    let mut play = auto()
        .resource("Rollout", Synced, Some(Suspended), "InconclusiveAnalysisRun")
        .health(Suspended);
    play.watch = Watch::new(play.watch.wanted.clone(), Some(&play.app));
    play.unread = true;
    let mut play = play.synced().until(60).is("unread", "waiting SUSPENDED");
    play.unread = false;
    play.canary(paused("CanaryPauseStep", None))
        .until(70)
        .is("read", "paused");
}

#[test]
fn the_canary_of_the_version_before_says_nothing_of_this_one() {
    let of = |image: &str, canary: Canary| Canary {
        images: vec![image.to_owned()],
        current: "before".to_owned(),
        ..canary
    };
    for reason in ["CanaryPauseStep", "InconclusiveAnalysisRun"] {
        let play = auto().compared(OutOfSync, 'X').running('X').until(5);
        // The sync has not come to the Rollout yet; then its status is a moment behind, also once the sync has ended.
        let play = play.canary(of("myorg/api:before", paused(reason, None)));
        let play = play
            .is(reason, "waiting OP_RUNNING")
            .canary(of(IMAGE, paused(reason, None)));
        let play = play.is(reason, "waiting OP_RUNNING").synced().health(Healthy).until(60);
        let healthy = Canary {
            phase: "Healthy".to_owned(),
            stable: "before".to_owned(),
            ..of(IMAGE, paused("", None))
        };
        let play = play.is(reason, "waiting ROLLOUT").canary(healthy).until(120);
        play.is(reason, "waiting ROLLOUT")
            .canary(paused(reason, None))
            .until(125)
            .is(
                reason,
                if reason == "CanaryPauseStep" {
                    "paused"
                } else {
                    "failed ROLLOUT"
                },
            );
    }
}

#[test]
fn a_canary_is_followed_through_its_steps() {
    let synced = || auto().synced().health(Suspended).until(5);
    let done = || Canary {
        phase: "Healthy".to_owned(),
        observed: true,
        current: "new".to_owned(),
        stable: "new".to_owned(),
        ..Canary::default()
    };
    let timed = synced()
        .canary(paused("CanaryPauseStep", Some(60)))
        .until(60)
        .is("S54", "waiting ROLLOUT");
    assert!(timed.verdict.as_ref().unwrap().why().contains("10%"));
    timed.canary(done()).health(Healthy).until(80).is("S54", "live");
    synced()
        .canary(paused("CanaryPauseStep", None))
        .until(60)
        .is("S55 S56", "paused");
    let unpausing = Canary {
        pause: None,
        ..paused("", None)
    };
    synced().canary(unpausing).until(60).is("S57", "waiting ROLLOUT");
    auto()
        .compared(OutOfSync, 'X')
        .running('X')
        .until(5)
        .canary(paused("CanaryPauseStep", None))
        .is("S58", "paused");
    let aborted = Canary {
        aborted: true,
        phase: "Degraded".to_owned(),
        message: "RolloutAborted: Rollout aborted update to revision 2".to_owned(),
        ..paused("", None)
    };
    synced()
        .canary(aborted)
        .health(Degraded)
        .until(8)
        .is("S59", "failed ROLLOUT");
    synced()
        .canary(paused("InconclusiveAnalysisRun", None))
        .is("S60", "failed ROLLOUT");
    let unobserved = Canary {
        observed: false,
        ..done()
    };
    synced()
        .health(Healthy)
        .canary(unobserved)
        .until(60)
        .is("S64", "waiting ROLLOUT");
    // The health of a Rollout with workloadRef is a moment behind.
    auto()
        .synced()
        .until(4)
        .health(Suspended)
        .until(30)
        .is("S65", "waiting SUSPENDED");
    synced().canary(done()).health(Healthy).until(20).is("S66", "live");
}
