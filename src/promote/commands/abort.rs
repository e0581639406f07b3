//! `abort`: stops the canaries of the apps now. Changes the cluster, not git.

use crate::assess::history::EventKind;
use crate::delivery::Drive;
use crate::infrarepo::Land;
use crate::model::{Event, Fault, Outcome, in_words, limits};
use crate::plan::Select;
use crate::report::{End, Report};

use crate::promote::acting::{Acted, Deed};
use crate::promote::cancel::{or_cancel, or_late};
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::commands::rollouts::{self, act, found, must_be_pinned};
use crate::promote::ports::Reading;

/// Aborts every canary that is under way, and waits until no traffic goes to it.
///
/// # Errors
/// There is no server, a canary is not of what is pinned (`refused`), the right is missing (`denied`), or nothing came of it.
pub(in crate::promote) async fn run(
    select: &Select,
    reading: Reading<'_>,
    repo: &dyn Land,
    drive: Option<&dyn Drive>,
    report: &mut Report,
) -> Result<End, Fault> {
    let ports = reading.ports;
    let nobody = || Fault::invalid("`abort` needs `argocd-server`: there is nobody else to ask");
    let (observe, drive) = reading.observe.zip(drive).ok_or_else(nobody)?;
    ports.journal.tell(Event::Stage("Look".to_owned()));
    let since = ports.clock.now();
    let looked = or_cancel(ports.cancel, found(select, reading, observe, repo, report));
    let found = or_late(ports.clock, limits::BEFORE_WRITING.time(), None, looked).await???;
    let seen = or_cancel(ports.cancel, rollouts::seen(&found, drive, reading)).await??;
    let named = rollouts::named(&seen, Deed::Abort);
    if named.is_empty() {
        return Ok(End::new(Outcome::NoChange, rollouts::idle(&seen, &found)));
    }
    must_be_pinned(&seen, &found.planned.plan.pins, Deed::Abort)?;
    ports.journal.tell(Event::Stage("Abort".to_owned()));
    for one in &named {
        ports.journal.progress(format!("aborting {one}"));
    }
    let acted = or_cancel(ports.cancel, act(&seen, Deed::Abort, drive, reading, report)).await??;
    let took = acted.iter().filter_map(|acted| match acted {
        Acted::Done(_, took) => Some(*took),
        Acted::Idle(_) => None,
    });
    let Some(took) = took.max() else {
        return Ok(End::new(Outcome::NoChange, rollouts::idle(&seen, &found)));
    };
    let reason = format!(
        "no traffic goes to the canary any more ({}). The infra-repo still pins {}, so Argo CD shows the application as Degraded",
        in_words(took),
        pinned(&found)
    );
    let mut end = End::new(Outcome::Ok, reason);
    end.hints
        .push(format!("to take the version back in git as well: {}", rollback(report)));
    let verdict = Verdict {
        planned: &found.planned,
        commit: &found.commit,
        reason: &end.reason,
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

/// Returns the command that takes the version back.
fn rollback(report: &Report) -> String {
    format!(
        "promote rollback --app {} --environment {}",
        report.app.join(","),
        report.environment.join(",")
    )
}
