//! The rows about what is compared, what is younger than what, and what can be seen at all.

use super::*;
use Health::{Degraded, Healthy, Progressing};
use SyncState::{OutOfSync, Synced};

#[test]
fn what_is_green_without_our_commit_is_old() {
    let play = auto().until(600).is("S01", "waiting NOT_SEEN");
    // At 0, 5, 15, 35, 65, 95 … s.
    assert!(
        (20..=24).contains(&play.asked(Ask::Refresh)),
        "{}",
        play.asked(Ask::Refresh)
    );
    auto()
        .change(|app| app.operation_requested = true)
        .until(60)
        .is("S07", "waiting NOT_SEEN");
}

#[test]
fn a_synced_and_healthy_commit_is_live_after_it_has_settled() {
    auto()
        .until(2)
        .synced()
        .health(Progressing)
        .until(9)
        .health(Healthy)
        .until(18)
        .is("S02", "waiting SETTLING")
        .until(21)
        .is("S02", "live");
    auto()
        .change(|app| app.uid = "1".to_owned())
        .synced()
        .until(20)
        .is("S03", "live");
    // The revision moved without an operation: X touched nothing that renders differently.
    let play = auto().until(1).compared(Synced, 'X').until(20).is("S04", "live");
    assert_eq!(play.asked(Ask::HardRefresh), 0);
    auto()
        .synced()
        .until(6)
        .health(Progressing)
        .until(8)
        .health(Healthy)
        .until(17)
        .is("S08", "waiting SETTLING")
        .until(19)
        .is("S08", "live");
    auto()
        .synced()
        .until(6)
        .health(Degraded)
        .until(20)
        .is("S09", "waiting DEGRADED")
        .until(66)
        .is("S09", "failed DEGRADED");
}

#[test]
fn health_that_is_not_younger_than_the_sync_does_not_count() {
    let stale = |seconds: u64| {
        auto()
            .until(5)
            .compared(Synced, 'X')
            .running('X')
            .ended(Phase::Succeeded)
            .change(move |app| app.reconciled_at = Some(server_time(5 - seconds)))
            .until(60)
    };
    stale(1).is("S05", "waiting UNTRUSTED");
    let play = stale(0).is("S06", "waiting UNTRUSTED");
    assert!(play.asked(Ask::Refresh) > 2);
    play.change(|app| app.reconciled_at = Some(server_time(61)))
        .until(61)
        .is("S06", "live");
    // Health that changed after the end is younger than it, even if nothing was compared since.
    stale(0)
        .change(|app| app.health_since = Some(server_time(40)))
        .until(61)
        .is("S05", "live");
}

#[test]
fn ours_or_a_descendant_that_carries_our_pin() {
    auto().compared(Synced, 'Y').until(20).is("S10", "live");
    auto().compared(OutOfSync, 'R').is("S11", "superseded");
    auto().synced().compared(OutOfSync, 'R').is("S11", "superseded");
    auto()
        .synced()
        .compared(Synced, 'Z')
        .until(10)
        .is("S12", "failed REGRESSED");
    let back = auto()
        .synced()
        .until(5)
        .compared(Synced, 'Z')
        .is("S13", "waiting REGRESSED");
    back.compared(Synced, 'X').until(30).is("S13", "live");
    auto()
        .change(|app| app.revisions = vec!["main".to_owned()])
        .until(30)
        .is("S44", "waiting NOT_SEEN");
}

#[test]
fn an_error_of_comparison_gets_its_time() {
    let broken = |message: &str| {
        auto()
            .change(|app| app.sync = SyncState::Unknown)
            .condition("ComparisonError", message)
    };
    broken("connection refused")
        .until(20)
        .is("S41", "waiting CMP_ERR")
        .change(|app| app.conditions.clear())
        .synced()
        .until(40)
        .is("S41", "live");
    let play = broken("kustomize build failed")
        .until(80)
        .is("S42", "waiting CMP_ERR")
        .until(95)
        .is("S42", "failed CMP_ERR");
    assert!(play.verdict.unwrap().why().contains("kustomize build failed"));
    let play = broken("Manifest generation error (cached): x")
        .until(70)
        .is("S43", "waiting CMP_ERR");
    assert_eq!(play.asked(Ask::HardRefresh), 1);
    auto()
        .condition("InvalidSpecError", "cluster not found")
        .until(20)
        .is("S45", "waiting SPEC_ERR")
        .until(31)
        .is("S45", "failed SPEC_ERR");
    auto()
        .condition("OrphanedResourceWarning", "x")
        .condition("RepeatedResourceWarning", "x")
        .synced()
        .until(20)
        .is("S46", "live");
}

#[test]
fn an_application_that_can_never_show_our_commit_is_told_at_once() {
    let source = |change: fn(&mut AppSource)| auto().change(|app| change(&mut app.sources[0])).says();
    assert_eq!(
        source(|s| s.target_revision = "v1.2.3".to_owned()),
        "failed CONFIG_FAIL",
        "S69"
    );
    assert_eq!(
        source(|s| s.target_revision = "release".to_owned()),
        "failed CONFIG_FAIL",
        "S70"
    );
    assert_eq!(
        source(|s| s.repository = RepoIdentity::of("https://github.com/myorg/other")),
        "failed CONFIG_FAIL",
        "S70"
    );
    auto()
        .change(|app| app.skips_reconcile = true)
        .is("S85", "failed CONFIG_FAIL");
    auto().change(|app| app.deleting = true).is("S79", "failed GONE");
}

#[test]
fn a_hydrator_renders_our_commit_first() {
    let hydrate = |phase: &str, dry: char| {
        let hydration = Hydration {
            phase: phase.to_owned(),
            message: "no such helm chart".to_owned(),
            dry: Some(sha(dry)),
            hydrated: Some(sha('H')),
            compared: None,
        };
        auto().change(|app| app.hydration = Some(hydration))
    };
    hydrate("Hydrated", 'P').until(60).is("S73", "waiting HYDRATING");
    hydrate("Hydrating", 'X').until(60).is("S71", "waiting HYDRATING");
    hydrate("Failed", 'X').is("S72", "failed HYDRATE_FAIL");
    let live = hydrate("Hydrated", 'X').change(|app| {
        app.revisions = vec![sha('H').to_string()];
        app.reconciled_at = Some(server_time(1));
    });
    live.until(20).is("S71", "live");
}

#[test]
fn an_application_that_cannot_be_seen_gets_its_time() {
    let mut play = auto().until(1);
    assert!(
        !play
            .watch
            .absent(Duration::from_secs(2), "permission denied")
            .is_final()
    );
    play.synced().until(20).is("S78", "live");
    let mut play = auto().until(1);
    let verdicts = [2, 6, 13].map(|at| {
        play.watch
            .absent(Duration::from_secs(at), "permission denied")
            .is_final()
    });
    assert_eq!(verdicts, [false, false, true], "S79");
    // Not created yet: its parent may do so in a minute.
    let wanted = auto().watch.wanted.clone();
    let mut watch = Watch::new(wanted, None);
    let verdicts = [0, 20, 40].map(|at| watch.absent(Duration::from_secs(at), "permission denied").is_final());
    assert_eq!(verdicts, [false; 3], "S81");
    assert!(
        watch.absent(Duration::from_secs(61), "permission denied").is_final(),
        "S81"
    );
    // Created again: what the old one was says nothing.
    auto()
        .synced()
        .until(6)
        .change(|app| {
            app.uid = "2".to_owned();
            app.revisions = vec![sha('P').to_string()];
        })
        .until(8)
        .is("S80", "waiting NOT_SEEN")
        .compared(Synced, 'X')
        .until(20)
        .is("S80", "live");
}
