//! What is known before the first write: as rows of the report, and as lines and outputs for those who watch.

use crate::assess::rollout::CREATE_GRACE;
use crate::delivery::Observe;
use crate::infrarepo::InfraRepo;
use crate::journal::Journal;
use crate::model::{CommitSha, Event, Health, SyncState};
use crate::report::{self, ApplicationRow, ChangeRow, InfraRepoRow, Known, Report};

use crate::infrarepo::Tip;
use crate::promote::followee::Followee;
use crate::promote::prepare::plan::Planned;

/// Puts a plan, and the tip it stands on, into the report.
pub(in crate::promote) fn fill(report: &mut Report, planned: &Planned, repo: &dyn InfraRepo) {
    report.changes = planned.plan.changes.iter().map(ChangeRow::from).collect();
    report.pins = planned.plan.pins.iter().map(ChangeRow::from).collect();
    report.diff.clone_from(&planned.plan.diff);
    report.infra_repo = Some(at(repo, &planned.snapshot.tip, None));
}

/// The row of the infra-repo as it was found.
pub(in crate::promote) fn at(repo: &dyn InfraRepo, tip: &Tip, commit: Option<&CommitSha>) -> InfraRepoRow {
    InfraRepoRow {
        url: repo.url(),
        branch: tip.branch.to_string(),
        base: tip.commit.clone(),
        commit: commit.cloned(),
        landed: false,
        attempts: 0,
        in_doubt: None,
    }
}

/// Says what is planned.
pub(in crate::promote) fn plan(planned: &Planned, journal: &dyn Journal) {
    let tip = &planned.snapshot.tip;
    journal.progress(format!("{} is at {}", tip.branch, tip.commit.short()));
    for warning in planned.snapshot.warnings.iter().chain(&planned.plan.warnings) {
        journal.warn(warning.clone());
    }
    for notice in &planned.plan.notices {
        journal.tell(Event::Notice(notice.clone()));
    }
    for pin in &planned.plan.pins {
        let (app, environment, place) = (&pin.app, &pin.environment, format!("{}:{}", pin.file, pin.after.line));
        let (before, after) = (pin.before.reference(), pin.after.reference());
        journal.progress(if pin.is_change() {
            format!("{app} in {environment}: {before} → {after} ({place})")
        } else {
            format!("{app} in {environment}: {after} is pinned already ({place})")
        });
    }
}

/// Says which applications will be followed, and which of them do not exist yet.
pub(in crate::promote) fn applications(report: &Report, followees: &[Followee], journal: &dyn Journal) {
    let names = |of: &dyn Fn(&&Followee) -> bool| -> Vec<String> {
        (followees.iter().filter(of))
            .map(|followee| followee.id.to_string())
            .collect()
    };
    let there = names(&|followee| followee.baseline.is_some());
    if !there.is_empty() {
        journal.progress(format!("Argo CD has {}", there.join(", ")));
    }
    for name in names(&|followee| followee.baseline.is_none()) {
        journal.tell(Event::Notice(format!(
            "application {name} does not exist yet: it has {}s from landing to be created",
            CREATE_GRACE.as_secs()
        )));
    }
    for followee in followees {
        for canary in &followee.canaries {
            journal.warn(format!("{}: {canary}", followee.id));
        }
        match &followee.synced_by {
            Some(set) if set.known => journal.tell(Event::Notice(format!("{}: {set}", followee.id))),
            Some(set) => journal.warn(format!("{}: {set}", followee.id)),
            None => {}
        }
    }
    outputs(journal, report, Known::BeforeLanding);
}

/// Gives later steps what is known at this point.
pub(in crate::promote) fn outputs(journal: &dyn Journal, report: &Report, known: Known) {
    for (name, value) in report::outputs_at(report, known) {
        journal.tell(Event::Output { name, value });
    }
}

/// An application as it was before anything was written.
pub(in crate::promote) fn baseline(followee: &Followee, observe: &dyn Observe) -> ApplicationRow {
    let app = followee.baseline.as_ref();
    ApplicationRow {
        name: followee.id.to_string(),
        app: followee.app.to_string(),
        environment: followee.environment.to_string(),
        url: observe.page(&followee.id),
        sync: app.map_or(SyncState::Unknown, |app| app.sync),
        health: app.map_or(Health::Missing, |app| app.health),
        revision: app.and_then(|app| app.revisions.first().cloned()),
        live: false,
        reason: "its state before any change".to_owned(),
        rollout: None,
        pods: Vec::new(),
    }
}
