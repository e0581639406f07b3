//! What counts as running our images, and what does not.

use super::*;
use SyncState::{OutOfSync, Synced};

#[test]
fn green_without_our_image_is_no_success() {
    let other = |app: &mut AppSnapshot| app.images = vec!["myorg/api:v1".to_owned()];
    let play = auto().change(other).synced().until(60).is("S88", "failed NOOP_CHECK");
    assert_eq!(play.asked(Ask::HardRefresh), 1);
    let none = |app: &mut AppSnapshot| app.images = vec!["myorg/web:v1".to_owned()];
    let play = auto().change(none).synced().until(60).is("S88", "failed NOOP_CHECK");
    assert!(
        play.verdict
            .unwrap()
            .why()
            .contains("no workload of api-dev uses myorg/api")
    );
    // The hard refresh shows the difference that an old rendering hid.
    let play = auto()
        .change(other)
        .change(|app| app.path_filtered = true)
        .compared(Synced, 'X')
        .until(4);
    assert_eq!(play.asked(Ask::HardRefresh), 1, "S89");
    play.compared(OutOfSync, 'X')
        .until(6)
        .is("S89", "waiting AUTO_PENDING")
        .synced()
        .change(|app| app.images = vec![IMAGE.to_owned()])
        .until(40)
        .is("S89", "live");
    let mut play = auto().change(|app| app.path_filtered = true);
    let wanted = Wanted {
        images: Vec::new(),
        ..play.watch.wanted.clone()
    };
    play.watch = Watch::new(wanted, Some(&play.app));
    let play = play.compared(Synced, 'X').until(30).is("S90", "live");
    assert_eq!(play.asked(Ask::HardRefresh), 1, "S90");
}

#[test]
fn what_differs_after_the_sync_of_just_this_commit_is_no_later_commit() {
    let play = manual().synced().resource("Service", OutOfSync, None, "");
    let prune = |app: &mut AppSnapshot| app.resources[0].requires_pruning = true;
    let play = play
        .change(prune)
        .compared(OutOfSync, 'X')
        .until(60)
        .is("R12", "live with a warning");
    assert_eq!(play.asked(Ask::Sync), 1);
    let Some(Verdict::Live { warnings, .. }) = &play.verdict else {
        panic!()
    };
    let expected = "api-dev: OutOfSync although synced: Service api (would have to be deleted); `prune: true` deletes what the commit no longer has";
    assert_eq!(warnings, &[expected]);
    // Where pruning is asked for, what is only to be deleted is a reason to sync.
    let mut play = manual().change(|app| app.last_synced = vec![sha('P').to_string()]);
    play.watch.wanted.prune = true;
    let play = play
        .resource("Service", OutOfSync, None, "")
        .change(prune)
        .compared(OutOfSync, 'X');
    assert_eq!(play.asked(Ask::Sync), 1);
}

#[test]
fn an_image_that_only_a_hook_runs_is_no_failure_where_results_name_none() {
    let result = |images: &[&str]| {
        vec![SyncResult {
            resource: named("Service"),
            images: images.iter().map(ToString::to_string).collect(),
            ..SyncResult::default()
        }]
    };
    let with = |results: Vec<SyncResult>, runs: &[&str]| {
        let mut play = auto().synced();
        play.made = Some(vec![made("Service", 1, runs)]);
        let change = |app: &mut AppSnapshot| {
            app.images = vec!["myorg/api:serving-1".to_owned()];
            app.operation.as_mut().unwrap().results = results;
        };
        play.change(change).until(60)
    };
    with(result(&[]), &[]).is("R7", "live with a warning");
    with(result(&["myorg/web:v1"]), &[]).is("a server that names images", "failed NOOP_CHECK");
    with(result(&[]), &["myorg/api:v1"]).is("a workload with another tag", "failed NOOP_CHECK");
    with(result(&[IMAGE]), &[]).is("a hook that is named", "live");
}

/// Is synced to X, where the workload is this, and these images run.
fn with(workload: Managed, running: &[&str]) -> Play {
    let mut play = auto().synced();
    play.made = Some(vec![workload]);
    let running = running.iter().map(ToString::to_string).collect();
    play.change(|app| app.images = running)
}

#[test]
fn an_object_that_still_names_another_version_is_no_success() {
    let v1 = "myorg/api:v1";
    let digest = "myorg/api@sha256:aa";
    let named = |live: &[&str], hook| Managed {
        live_images: live.iter().map(ToString::to_string).collect(),
        hook,
        ..made("Deployment", 1, &[IMAGE])
    };
    let play = with(named(&[v1], false), &[v1]).until(60);
    let play = play.is("what `ignoreDifferences` hides", "failed NOOP_CHECK");
    let why = play.verdict.as_ref().unwrap().why();
    assert_eq!(
        why,
        "api-dev is green, but Deployment api still names myorg/api:v1, not myorg/api:v2"
    );
    assert_eq!(play.asked(Ask::HardRefresh), 1);
    with(named(&[v1], false), &[v1])
        .resource("Deployment", OutOfSync, None, "")
        .compared(OutOfSync, 'X')
        .until(90)
        .is("what a sync left out", "failed NOOP_CHECK");
    with(named(&[IMAGE, v1], false), &[IMAGE, v1])
        .until(60)
        .is("one container of two", "failed NOOP_CHECK");
    for (live, running) in [
        (&[IMAGE][..], v1),
        (&[digest], digest),
        (&["mirror.corp/myorg/api:v2"], v1),
        (&[], v1),
    ] {
        with(named(live, false), &[running]).until(60).is(running, "live");
    }
    with(named(&[v1], true), &[IMAGE, v1])
        .until(60)
        .is("a hook of before", "live");
    let both = Managed {
        images: vec![IMAGE.to_owned(), v1.to_owned()],
        ..named(&[IMAGE, v1], false)
    };
    with(both, &[IMAGE, v1])
        .until(60)
        .is("two versions that are to run", "live");
}

#[test]
fn what_objects_named_before_the_sync_is_read_again() {
    let named = |live: &str| Managed {
        live_images: vec![live.to_owned()],
        ..made("Deployment", 1, &[IMAGE])
    };
    let mut play = auto();
    play.hard = Some(Duration::ZERO);
    play.managed = Some(vec![named("myorg/api:v1")]);
    play.managed_read = Some(Duration::ZERO);
    play.made = Some(vec![named(IMAGE)]);
    let play = play.change(|app| app.images = vec!["myorg/api:v1".to_owned()]);
    play.synced().until(60).is("read before", "live");
}

#[test]
fn pods_that_nobody_replaces_are_waited_for() {
    for kind in ["StatefulSet", "Rollout"] {
        let late = Managed {
            may_keep_pods: true,
            ..made(kind, 1, &[IMAGE])
        };
        with(late.clone(), &["myorg/api:v1"])
            .until(600)
            .is(kind, "waiting PROGRESSING")
            .change(|app| app.images = vec![IMAGE.to_owned()])
            .until(620)
            .is(kind, "live");
        with(late, &[]).until(60).is("an Argo CD that lists no images", "live");
    }
}

#[test]
fn a_digest_that_stays_is_named() {
    let (old, new) = ("myorg/api@sha256:aa", "myorg/api@sha256:bb");
    for (running, verdict) in [(old, "live with a warning"), (new, "live")] {
        let mut play = auto().change(|app| app.images = vec![old.to_owned()]);
        play.watch = Watch::new(play.watch.wanted.clone(), Some(&play.app));
        play.made = Some(vec![made("Deployment", 1, &[IMAGE])]);
        let play = play.synced().change(|app| app.images = vec![running.to_owned()]);
        play.until(60).is(running, verdict);
    }
}

#[test]
fn what_is_to_run_counts_whether_it_runs_or_not() {
    for target in [IMAGE, "mirror.corp/myorg/api:v2", "myorg/api:v2@sha256:aa"] {
        let mut play = auto().synced();
        play.made = Some(vec![made("CronJob", 1, &[target])]);
        let play = play.change(|app| app.images = vec!["myorg/api:old".to_owned()]);
        play.until(30).is(target, "live");
    }
}
