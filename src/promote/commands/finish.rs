//! What commands that follow a commit have in common: the request to follow, and how its end stands in the report.

use crate::delivery::{Drive, Reader};
use crate::infrarepo::InfraRepo;
use crate::inputs::about;
use crate::model::{CommitSha, Event, Fault, Outcome, PinChange};
use crate::plan::Select;
use crate::report::{End, Report};

use crate::promote::analyses::{Measuring, Rows, Verification};
use crate::promote::follow::{self, FollowPorts, Followed, Judge};
use crate::promote::followee::{FollowRequest, Followee};
use crate::promote::land::bring::Unbrought;
use crate::promote::ports::{Ports, Reading};
use crate::promote::prepare::applications;
use crate::promote::prepare::plan::Planned;
use crate::promote::timeline::FOLLOWING;

/// Follows the applications of a plan until they run its pins, or cannot. `drive` starts syncs; `judges` is what judges pauses where
/// `on-pause` is `verify`, and acts on them.
pub(in crate::promote) async fn follow(
    reading: Reading<'_>,
    (observe, drive): (&dyn Reader, Option<&dyn Drive>),
    planned: &Planned,
    followees: Vec<Followee>,
    commit: &CommitSha,
    (judges, verifications): (Option<&dyn Drive>, &[Verification]),
) -> Followed {
    let Ports { clock, journal, cancel } = reading.ports;
    journal.tell(Event::Stage(FOLLOWING.to_owned()));
    let request = FollowRequest {
        targets: followees,
        origin: applications::origin(reading.repo, planned),
        commit,
        pins: &planned.plan.pins,
        nonce: reading.common.identity.run.clone(),
    };
    let rows = Rows::default();
    let measuring = Measuring {
        measure: reading.measure,
        clock,
        journal,
        rows: &rows,
    };
    let judge = judges.filter(|_| !verifications.is_empty()).map(|drive| Judge {
        measuring,
        verifications,
        drive,
    });
    let ports = FollowPorts {
        observe,
        drive,
        repo: reading.repo,
        journal,
        clock,
        judge,
    };
    let mut followed = follow::follow_waves(ports, cancel, request).await;
    followed.measurements = rows.take();
    followed
}

/// Puts the commit that is followed into the report; `landed` says whether this run made it.
pub(in crate::promote) fn landed(
    report: &mut Report,
    repo: &dyn InfraRepo,
    commit: &CommitSha,
    landed: bool,
    attempts: u32,
) {
    report.commit_url = repo.commit_url(commit);
    if let Some(row) = &mut report.infra_repo {
        row.commit = Some(commit.clone());
        row.landed = landed;
        row.attempts = attempts;
    }
}

/// Puts what is known of a commit that did not come to the branch into the report, and returns why.
pub(in crate::promote) fn unbrought((unlanded, pull_request): Unbrought, report: &mut Report) -> Fault {
    report.pull_request = pull_request;
    if let Some(row) = &mut report.infra_repo {
        row.attempts = unlanded.attempts;
        row.in_doubt = unlanded.in_doubt;
    }
    unlanded.fault
}

/// Puts the end of following into the report, under the name that the command has for it.
pub(in crate::promote) fn finish(
    report: &mut Report,
    followed: Followed,
    planned: &Planned,
    name: impl FnOnce(Outcome) -> Outcome,
) -> End {
    let outcome = name(followed.outcome);
    let reason = match outcome {
        Outcome::NoChange => format!(
            "{} already, and it is live: {}",
            pinned(&planned.plan.pins),
            followed.reason
        ),
        _ => followed.reason,
    };
    report.measurements.extend(followed.measurements);
    report.applications = followed.applications;
    let mut end = End::new(outcome, reason);
    end.hints = followed.hints;
    end.superseded_by = followed.superseded_by;
    accepted(end, planned)
}

/// Makes the end a success where `on-superseded` is `succeed`.
pub(in crate::promote) fn accepted(end: End, planned: &Planned) -> End {
    if end.outcome == Outcome::Superseded && planned.accepts_superseded() {
        end.exits(0)
    } else {
        end
    }
}

/// Says what is pinned where, in a few words.
pub(in crate::promote) fn pinned(pins: &[PinChange]) -> String {
    let each: Vec<String> = pins
        .iter()
        .map(|pin| format!("{} is pinned in {}", pin.after.reference(), pin.environment))
        .collect();
    each.join(", ")
}

/// Says what changes where, in a few words.
pub(in crate::promote) fn changed(changes: &[PinChange]) -> String {
    let each: Vec<String> = changes
        .iter()
        .map(|pin| {
            let (before, after) = (pin.before.reference(), pin.after.reference());
            format!("{before} → {after} in {}", pin.environment)
        })
        .collect();
    each.join(", ")
}

/// Adds the command that goes back to the end of a run that failed and left its change in place. It is not left out: there are three hints at
/// most.
pub(in crate::promote) fn with_way_back(mut end: End, select: &Select) -> End {
    if leaves_change(end.outcome) {
        end.hints.truncate(2);
        end = end.hint(go_back(select, None));
    }
    end
}

/// Whether a run that ended so left a change in place that does not work.
pub(in crate::promote) const fn leaves_change(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::RolloutFailed | Outcome::Breached | Outcome::TimedOut | Outcome::RollbackFailed
    )
}

/// Returns the command that goes back as the text of a hint, to the newest version that is known to be good or to `to`. The report completes
/// it with the flags of the run.
pub(in crate::promote) fn go_back(select: &Select, to: Option<&str>) -> String {
    let to = to.map(|to| format!(" --to {to}")).unwrap_or_default();
    format!(
        "go back: `promote rollback {}{to}`",
        about(&select.apps, &select.environments)
    )
}
