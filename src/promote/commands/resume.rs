//! `resume`: lets paused canaries of the apps go on, and follows them as `wait` does.

use crate::assess::history::EventKind;
use crate::delivery::Drive;
use crate::infrarepo::Land;
use crate::model::Fault;
use crate::report::{End, Report};

use crate::plan::SyncMode;
use crate::promote::acting::Deed;
use crate::promote::analyses::Verification;
use crate::promote::cancel::or_cancel;
use crate::promote::commands::finish::{self, finish};
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::commands::rollouts::{self, Found, Servers};
use crate::promote::job::Resume;
use crate::promote::ports::Reading;
use crate::promote::prepare::verification::of_pauses;

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
    let deed = if job.full { Deed::Full } else { Deed::Resume };
    let (servers, found) = rollouts::look(&job.select, reading, (repo, drive), deed, report).await?;
    let verifications = or_cancel(reading.ports.cancel, of_pauses(reading, &found.planned)).await??;
    let acted = match rollouts::acted(&found, servers.drive, deed, reading, report).await? {
        Ok(acted) => acted,
        Err(end) => return Ok(end),
    };
    for acted in &acted {
        let canary = acted.canary();
        reading
            .ports
            .journal
            .progress(format!("rollout {} goes on: {}", canary.name, canary.phase));
    }
    follow(job, reading, servers, repo, (found, &verifications), report).await
}

/// The reason in the record where nobody gave one.
const RESUMED: &str = "the canary passed a pause";

/// Follows the applications to where `wait` would, and records it.
async fn follow(
    job: &Resume,
    reading: Reading<'_>,
    Servers { observe, drive }: Servers<'_>,
    repo: &dyn Land,
    (found, verifications): (Found, &[Verification]),
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
        (observe, Some(drive).filter(|_| may_sync)),
        &planned,
        followees,
        &commit,
        (Some(drive), verifications),
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
    let why = job.reason.as_deref().unwrap_or(RESUMED);
    let mut lines = recording::lines(reading, |_| EventKind::Resumed, false, &verdict(why));
    lines.extend(recording::lines_of(
        reading,
        end.outcome,
        &report.applications,
        &verdict(&end.reason),
    ));
    recording::save(reading, repo, &planned, &lines).await;
    Ok(finish::with_way_back(end, &job.select))
}
