//! What a run knows, as rows of the report and as outputs that later steps get as soon as they are known.

use crate::assess::rollout::CREATE_GRACE;
use crate::delivery::Observe;
use crate::infrarepo::InfraRepo;
use crate::journal::Journal;
use crate::model::{CommitSha, Event, Health, PinChange, SyncState};
use crate::plan::OnSuperseded;
use crate::report::{self, ApplicationRow, ChangeRow, InfraRepoRow, Known, Report};

use crate::promote::followee::Followee;
use crate::promote::prepare::plan::Planned;

/// Puts a plan, and the tip it stands on, into the report.
pub(super) fn plan(report: &mut Report, planned: &Planned, repo: &dyn InfraRepo) {
    let tip = &planned.snapshot.tip;
    report.changes = planned.plan.changes.iter().map(change).collect();
    report.pins = planned.plan.pins.iter().map(change).collect();
    report.diff.clone_from(&planned.plan.diff);
    report.infra_repo = Some(InfraRepoRow {
        url: repo.url(),
        branch: tip.branch.to_string(),
        base: tip.commit.clone(),
        commit: None,
        landed: false,
        attempts: 0,
    });
}

fn change(change: &PinChange) -> ChangeRow {
    ChangeRow {
        app: change.app.to_string(),
        environment: change.environment.to_string(),
        file: change.file.to_string(),
        name: change.name.clone(),
        line: change.line,
        before: change.before.clone(),
        after: change.after.clone(),
    }
}

/// Tells what is planned.
pub(super) fn announce(planned: &Planned, journal: &dyn Journal) {
    let tip = &planned.snapshot.tip;
    journal.progress(format!("{} is at {}", tip.branch, tip.commit.short()));
    for notice in &planned.plan.notices {
        journal.tell(Event::Notice(notice.clone()));
    }
    for pin in &planned.plan.pins {
        let (app, environment) = (&pin.app, &pin.environment);
        journal.progress(if pin.before == pin.after {
            format!(
                "{app} in {environment}: {} is pinned already ({}:{})",
                pin.after, pin.file, pin.line
            )
        } else {
            format!(
                "{app} in {environment}: {} → {} ({}:{})",
                pin.before, pin.after, pin.file, pin.line
            )
        });
    }
}

/// Puts the commit that is followed into the report; `landed` says whether this run made it.
pub(super) fn landed(report: &mut Report, repo: &dyn InfraRepo, commit: &CommitSha, landed: bool, attempts: u32) {
    report.commit_url = repo.commit_url(commit);
    if let Some(row) = &mut report.infra_repo {
        row.commit = Some(commit.clone());
        row.landed = landed;
        row.attempts = attempts;
    }
}

/// Tells that it is committed, or was already, with the outputs that are known from here on.
pub(super) fn tell_landed(
    report: &Report,
    journal: &dyn Journal,
    changed: bool,
    commit: &CommitSha,
    planned: &Planned,
) {
    let pins = &planned.plan.pins;
    outputs(journal, report, Known::AtLanding);
    if changed {
        journal.tell(Event::Milestone(format!(
            "landed {} on {}",
            commit.short(),
            planned.snapshot.tip.branch
        )));
    } else {
        journal.progress(format!("nothing to write: {} already", pinned(pins)));
    }
}

/// Gives later steps what is known at this point.
fn outputs(journal: &dyn Journal, report: &Report, known: Known) {
    for (name, value) in report::outputs_at(report, known) {
        journal.tell(Event::Output { name, value });
    }
}

/// Says what is pinned where, in a few words.
pub(super) fn pinned(pins: &[PinChange]) -> String {
    let each: Vec<String> = pins
        .iter()
        .map(|pin| format!("{} is pinned in {}", pin.after, pin.environment))
        .collect();
    each.join(", ")
}

/// Says what changes where, in a few words.
pub(super) fn changed(changes: &[PinChange]) -> String {
    let each: Vec<String> = changes
        .iter()
        .map(|pin| format!("{} → {} in {}", pin.before, pin.after, pin.environment))
        .collect();
    each.join(", ")
}

/// Tells which applications will be followed, and which of them do not exist yet.
pub(super) fn tell_applications(report: &Report, targets: &[Followee], journal: &dyn Journal) {
    let names = |of: &dyn Fn(&&Followee) -> bool| -> Vec<String> {
        (targets.iter().filter(of))
            .map(|target| target.id.to_string())
            .collect()
    };
    let there = names(&|target| target.baseline.is_some());
    if !there.is_empty() {
        journal.progress(format!("Argo CD knows {}", there.join(", ")));
    }
    for name in names(&|target| target.baseline.is_none()) {
        journal.tell(Event::Notice(format!(
            "application {name} does not exist yet: it has {} s from landing to be created",
            CREATE_GRACE.as_secs()
        )));
    }
    outputs(journal, report, Known::BeforeLanding);
}

/// An application as it was before anything was written.
pub(super) fn baseline(target: &Followee, observe: &dyn Observe) -> ApplicationRow {
    let app = target.baseline.as_ref();
    ApplicationRow {
        name: target.id.to_string(),
        app: target.app.to_string(),
        environment: target.environment.to_string(),
        url: observe.page(&target.id),
        sync: app.map_or(SyncState::Unknown, |app| app.sync),
        health: app.map_or(Health::Missing, |app| app.health),
        revision: app.and_then(|app| app.revisions.first().cloned()),
        live: false,
        reason: "as it was before anything was written".to_owned(),
        rollout: None,
    }
}

/// Tells whether `on-superseded` is `succeed` wherever this is promoted to.
pub(super) fn accepts_superseded(planned: &Planned) -> bool {
    let mut policies = planned
        .snapshot
        .targets
        .iter()
        .map(|(target, _)| target.policy.on_superseded);
    policies.all(|policy| policy == OnSuperseded::Succeed)
}
