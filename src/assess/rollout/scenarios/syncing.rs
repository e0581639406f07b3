//! The rows about operations, windows and what is deployed.

use super::*;
use Health::Healthy;
use SyncState::{OutOfSync, Synced};

#[test]
fn a_manual_application_is_synced_once_and_only_forward() {
    let play = play(false, false)
        .compared(OutOfSync, 'X')
        .until(300)
        .is("S14", "waiting NEED_SYNC");
    assert_eq!(play.asked(Ask::Sync), 0);
    let play = manual().compared(OutOfSync, 'X').is("S15", "waiting NEED_SYNC");
    assert_eq!(play.asked(Ask::Sync), 1);
    let play = play
        .running('X')
        .until(3)
        .ended(Phase::Succeeded)
        .until(4)
        .compared(Synced, 'X')
        .until(20)
        .is("S15", "live");
    assert_eq!(play.asked(Ask::Sync), 1);
    // Another operation is at work, for P: waited out, and judged again.
    let play = manual()
        .running('P')
        .compared(OutOfSync, 'X')
        .until(20)
        .is("S16", "waiting FOREIGN_OP");
    assert_eq!(play.asked(Ask::Sync), 0);
    let play = play.ended(Phase::Succeeded).until(21).is("S16", "waiting NEED_SYNC");
    assert_eq!(play.asked(Ask::Sync), 1);
    // It syncs what has ours: nothing to do but to wait for it.
    let play = manual()
        .running('Y')
        .compared(OutOfSync, 'Y')
        .until(20)
        .is("S17", "waiting OP_RUNNING");
    assert_eq!(play.asked(Ask::Sync), 0);
    for (row, last) in [("S18", 'Y'), ("S19", 'X')] {
        let play = manual()
            .change(|app| app.last_synced = vec![sha(last).to_string()])
            .compared(OutOfSync, 'Y')
            .until(60)
            .is(row, "live with a warning");
        assert_eq!(play.asked(Ask::Sync), 0, "{row}");
    }
    manual()
        .change(|app| app.automated = false)
        .compared(OutOfSync, 'X')
        .is("S86", "waiting NEED_SYNC");
}

#[test]
fn what_somebody_took_back_is_not_synced_again() {
    let play = manual()
        .synced()
        .until(6)
        .running('P')
        .until(8)
        .ended(Phase::Succeeded)
        .until(9)
        .compared(OutOfSync, 'X');
    assert_eq!(play.is("S12", "failed REGRESSED").asked(Ask::Sync), 1);
}

#[test]
fn the_revision_of_an_operation_matters_not_who_began_it() {
    let play = manual().compared(OutOfSync, 'X').running('X').change(|app| {
        app.operation.as_mut().unwrap().notes = vec![("ci-run".to_owned(), "foreign".to_owned())];
    });
    play.until(2)
        .ended(Phase::Succeeded)
        .until(3)
        .compared(Synced, 'X')
        .until(20)
        .is("S20", "live");
}

#[test]
fn a_failed_sync_of_ours_fails_the_wait() {
    let failing = |phase| auto().compared(OutOfSync, 'X').running('X').until(5).ended(phase);
    let play = failing(Phase::Failed).is("S21", "failed SYNC_ERR");
    drop(play);
    failing(Phase::Error).is("S21", "failed SYNC_ERR");
    let retrying = auto().compared(OutOfSync, 'X').running('X').change(|app| {
        let operation = app.operation.as_mut().unwrap();
        operation.retries = 2;
        operation.finished_at = Some(server_time(3));
    });
    retrying
        .until(60)
        .is("S22", "waiting OP_RUNNING")
        .ended(Phase::Succeeded)
        .until(61)
        .compared(Synced, 'X')
        .until(80)
        .is("S22", "live");
    failing(Phase::Failed)
        .change(|app| app.operation.as_mut().unwrap().retries = 5)
        .is("S23", "failed SYNC_ERR");
    let old = format!("Failed last sync attempt to [{}]: x", sha('P'));
    auto().condition("SyncError", &old).synced().until(20).is("S24", "live");
    let ours = format!("Failed last sync attempt to [{}]: x", sha('X'));
    auto()
        .compared(OutOfSync, 'X')
        .condition("SyncError", &ours)
        .is("S25", "failed SYNC_ERR");
    // A hook is named first.
    let hook = auto().compared(Synced, 'X').running('X').change(|app| {
        let result = |hook, kind: &str| SyncResult {
            hook,
            failed: true,
            resource: ResourceId {
                kind: kind.to_owned(),
                name: "migrate".to_owned(),
                ..ResourceId::default()
            },
            message: "backoff limit".to_owned(),
            ..SyncResult::default()
        };
        app.operation.as_mut().unwrap().results = vec![result(false, "Deployment"), result(true, "Job")];
    });
    let play = hook
        .until(5)
        .is("S27", "waiting OP_RUNNING")
        .ended(Phase::Failed)
        .is("S26 S28", "failed SYNC_ERR");
    let why = play.verdict.unwrap().why().to_owned();
    assert!(
        why.find("hook Job migrate").unwrap() < why.find("Deployment").unwrap(),
        "{why}"
    );
    failing(Phase::Failed)
        .change(|app| app.operation.as_mut().unwrap().message = "Operation terminated".to_owned())
        .is("S30", "failed SYNC_ERR");
}

#[test]
fn what_the_cluster_refuses_is_told_in_its_words() {
    for words in [
        "Deployment.apps \"api\" is invalid: spec.selector: Invalid value: field is immutable",
        "admission webhook \"policy.example\" denied the request: privileged containers are forbidden",
        "pods \"migrate\" is forbidden: exceeded quota: compute, requested: cpu=2, used: cpu=8, limited: cpu=8",
    ] {
        let refused = auto().compared(OutOfSync, 'X').running('X').change(|app| {
            app.operation.as_mut().unwrap().results = vec![SyncResult {
                failed: true,
                resource: ResourceId {
                    kind: "Deployment".to_owned(),
                    name: "api".to_owned(),
                    ..ResourceId::default()
                },
                message: words.to_owned(),
                ..SyncResult::default()
            }];
        });
        let play = refused.until(5).ended(Phase::Failed).is("S21", "failed SYNC_ERR");
        let why = play.verdict.unwrap().why().to_owned();
        assert!(why.contains("Deployment api") && why.contains(words), "{why}");
    }
}

#[test]
fn a_failure_from_before_our_run_is_tried_once_more_by_hand() {
    let before = AppSnapshot {
        operation: Some(Operation {
            phase: Phase::Failed,
            revisions: vec![sha('X').to_string()],
            started_at: Some(server_time(1)),
            finished_at: Some(server_time(2)),
            ..Operation::default()
        }),
        ..manual().app
    };
    let mut again = manual();
    again.watch = Watch::new(again.watch.wanted.clone(), Some(&before));
    again.app = before;
    let again = again.compared(OutOfSync, 'X').is("re-run", "waiting NEED_SYNC");
    assert_eq!(again.asked(Ask::Sync), 1);
    again
        .until(5)
        .running('X')
        .until(6)
        .ended(Phase::Failed)
        .is("re-run", "failed SYNC_ERR");
}

#[test]
fn operations_that_wait_or_do_not_end() {
    auto()
        .compared(OutOfSync, 'X')
        .running('X')
        .change(|app| {
            app.operation.as_mut().unwrap().message = "waiting for healthy state of apps/Deployment/db".to_owned();
        })
        .until(30)
        .is("S29", "waiting OP_RUNNING");
    auto()
        .compared(OutOfSync, 'X')
        .running('X')
        .change(|app| app.operation.as_mut().unwrap().phase = Phase::Terminating)
        .until(100)
        .is("S31", "waiting OP_RUNNING")
        .until(125)
        .is("S31", "failed OP_STUCK");
    auto()
        .compared(OutOfSync, 'X')
        .running('X')
        .ended(Phase::Succeeded)
        .change(|app| app.operation.as_mut().unwrap().finished_at = None)
        .until(20)
        .is("S32", "waiting OP_STUCK")
        .until(40)
        .is("S32", "failed OP_STUCK");
    let dry = manual()
        .compared(OutOfSync, 'X')
        .running('X')
        .change(|app| app.operation.as_mut().unwrap().dry_run = true);
    dry.until(2)
        .ended(Phase::Succeeded)
        .until(5)
        .is("S33", "waiting NEED_SYNC");
    let partial = auto()
        .compared(OutOfSync, 'X')
        .running('X')
        .change(|app| app.operation.as_mut().unwrap().partial = true);
    partial
        .until(2)
        .ended(Phase::Succeeded)
        .until(20)
        .is("S34", "waiting AUTO_PENDING");
    // A sync that was asked for and is left lying is woken by a refresh.
    let lying = manual()
        .compared(OutOfSync, 'X')
        .change(|app| app.operation_requested = true);
    let before = lying.asked(Ask::Refresh);
    let lying = lying.until(7).is("left lying", "waiting FOREIGN_OP");
    assert!(lying.asked(Ask::Refresh) > before);
}

#[test]
fn drift_is_named_and_health_decides() {
    auto()
        .synced()
        .resource("Deployment", OutOfSync, Some(Healthy), "")
        .compared(OutOfSync, 'X')
        .until(20)
        .is("S36", "waiting STUCK_OOS")
        .until(60)
        .is("S36", "live with a warning");
    auto()
        .synced()
        .resource("ConfigMap", OutOfSync, None, "")
        .change(|app| app.resources.last_mut().unwrap().requires_pruning = true)
        .compared(OutOfSync, 'X')
        .until(60)
        .is("S35", "live with a warning");
}

#[test]
fn a_closed_window_is_waited_for() {
    let window = |active: bool| {
        let deny = SyncWindow {
            kind: WindowKind::Deny,
            schedule: "0 22 * * *".to_owned(),
            time_zone: String::new(),
            duration: "1h".to_owned(),
            manual: false,
        };
        SyncWindows {
            manual_possible: !active,
            active: if active { vec![deny.clone()] } else { Vec::new() },
            assigned: vec![deny],
        }
    };
    let mut play = auto().compared(OutOfSync, 'X').until(7);
    assert!(play.asked(Ask::Windows) > 0);
    play.windows = Some(window(true));
    let mut play = play.until(60).is("S38", "waiting WINDOW");
    assert!(play.verdict.as_ref().unwrap().why().contains("22 * * *"));
    play.windows = Some(window(false));
    play.look()
        .is("S38", "waiting AUTO_PENDING")
        .synced()
        .until(80)
        .is("S38", "live");
    auto()
        .compared(OutOfSync, 'X')
        .running('X')
        .change(|app| app.operation.as_mut().unwrap().message = "operation blocked by sync window".to_owned())
        .is("S39", "waiting WINDOW");
    let mut late = auto().compared(OutOfSync, 'X').until(7);
    late.windows = Some(window(true));
    late.opening = Some(Opening {
        at: server_time(9999),
        in_time: false,
    });
    late.look().is("S37", "failed WINDOW");
    let mut play = manual().compared(OutOfSync, 'X');
    play.windows = Some(window(true));
    let play = play.until(30).is("S40", "waiting WINDOW");
    assert_eq!(play.asked(Ask::Sync), 1);
}
