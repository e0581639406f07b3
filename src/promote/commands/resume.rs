//! `resume`: lets paused canaries of the apps go on, and follows them as `wait` does.

use crate::assess::history::EventKind;
use crate::delivery::{Drive, Reader};
use crate::infrarepo::Land;
use crate::model::{Event, Fault, Outcome, limits};
use crate::report::{End, Report};

use crate::plan::SyncMode;
use crate::promote::acting::{Acted, Deed};
use crate::promote::cancel::{or_cancel, or_late};
use crate::promote::commands::finish::{self, finish};
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::commands::rollouts::{self, Found, act, found, must_be_pinned};
use crate::promote::job::Resume;
use crate::promote::ports::Reading;

/// Passes the pause of every canary that has one, or with `full` all that is left, and follows the applications.
///
/// # Errors
/// There is no server, a canary is not of what is pinned (`refused`), the right is missing (`denied`), or nothing came of it.
pub(in crate::promote) async fn run(
    job: &Resume,
    reading: Reading<'_>,
    repo: &dyn Land,
    drive: Option<&dyn Drive>,
    report: &mut Report,
) -> Result<End, Fault> {
    let ports = reading.ports;
    let nobody = || Fault::invalid("`resume` needs `argocd-server`: there is nobody else to ask");
    let (observe, drive) = reading.observe.zip(drive).ok_or_else(nobody)?;
    let deed = if job.full { Deed::Full } else { Deed::Resume };
    ports.journal.tell(Event::Stage("Look".to_owned()));
    let looked = or_cancel(ports.cancel, found(&job.select, reading, observe, repo, report));
    let found = or_late(ports.clock, limits::BEFORE_WRITING.time(), None, looked).await???;
    let acted = {
        let seen = or_cancel(ports.cancel, rollouts::seen(&found, drive, reading)).await??;
        let named = rollouts::named(&seen, deed);
        if named.is_empty() {
            return Ok(End::new(Outcome::NoChange, rollouts::idle(&seen, &found)));
        }
        must_be_pinned(&seen, &found.planned.plan.pins, deed)?;
        ports.journal.tell(Event::Stage("Resume".to_owned()));
        for one in &named {
            ports.journal.progress(format!("resuming {one}"));
        }
        let acted = or_cancel(ports.cancel, act(&seen, deed, drive, reading, report)).await??;
        if acted.iter().all(|acted| matches!(acted, Acted::Idle(_))) {
            return Ok(End::new(Outcome::NoChange, rollouts::idle(&seen, &found)));
        }
        acted
    };
    for acted in &acted {
        let canary = acted.canary();
        ports
            .journal
            .progress(format!("rollout {} goes on: {}", canary.name, canary.phase));
    }
    follow(job, reading, (observe, drive), repo, found, report).await
}

/// Follows the applications to where `wait` would, and records it.
async fn follow(
    job: &Resume,
    reading: Reading<'_>,
    (observe, drive): (&dyn Reader, &dyn Drive),
    repo: &dyn Land,
    found: Found,
    report: &mut Report,
) -> Result<End, Fault> {
    let ports = reading.ports;
    let Found {
        planned,
        commit,
        followees,
    } = found;
    let since = ports.clock.now();
    let may_sync = matches!(job.select.policy.sync, Some(SyncMode::Trigger | SyncMode::Auto));
    let followed = finish::follow(
        reading,
        observe,
        Some(drive).filter(|_| may_sync),
        &planned,
        followees,
        &commit,
    )
    .await;
    let end = finish(report, followed, &planned, |outcome| outcome);
    let verdict = |reason| Verdict {
        planned: &planned,
        commit: &commit,
        reason,
        since,
        of: None,
    };
    if end.outcome == Outcome::Paused {
        recording::event(reading, repo, &EventKind::Resumed, verdict(&end.reason)).await;
    } else {
        recording::outcome(reading, repo, end.outcome, &report.applications, verdict(&end.reason)).await;
    }
    Ok(end)
}
