//! `abort`: stops the canaries of the apps now. Changes the cluster, not git.

use crate::assess::history::EventKind;
use crate::delivery::Drive;
use crate::infrarepo::Land;
use crate::model::{Fault, Outcome, in_words};
use crate::report::{End, Report};

use crate::promote::acting::{Acted, Deed};
use crate::promote::commands::finish;
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::commands::rollouts;
use crate::promote::job::Abort;
use crate::promote::ports::Reading;

/// Aborts every canary that is under way, and waits until no traffic goes to it.
///
/// # Errors
/// There is no server, a canary is not of what is pinned (`refused`), the right is missing (`denied`), or nothing came of it.
pub(in crate::promote) async fn run(
    job: &Abort,
    reading: Reading<'_>,
    repo: &dyn Land,
    drive: Option<&dyn Drive>,
    report: &mut Report,
) -> Result<End, Fault> {
    let select = &job.select;
    let (servers, found) = rollouts::look(select, reading, (repo, drive), Deed::Abort, report).await?;
    let since = reading.ports.clock.now();
    let acted = match rollouts::acted(&found, servers.drive, Deed::Abort, reading, report).await? {
        Ok(acted) => acted,
        Err(end) => return Ok(end),
    };
    let took = acted.iter().filter_map(Acted::took).max().unwrap_or_default();
    let reason = format!(
        "no traffic goes to the canary of {} any more ({}). The infra-repo still pins {}, so Argo CD shows the application as Degraded",
        pinned(&found),
        in_words(took),
        pinned(&found)
    );
    let mut end = End::new(Outcome::Ok, reason);
    end.hints.push(finish::go_back(select, None));
    let verdict = Verdict {
        planned: &found.planned,
        commit: &found.commit,
        reason: job.reason.as_deref().unwrap_or(&end.reason),
        since,
        of: None,
    };
    recording::event(reading, repo, &EventKind::Aborted, verdict).await;
    Ok(end)
}

fn pinned(found: &rollouts::Found) -> String {
    let mut all: Vec<String> = Vec::new();
    for pin in &found.planned.plan.pins {
        let reference = pin.after.reference();
        if !all.contains(&reference) {
            all.push(reference);
        }
    }
    all.join(", ")
}
