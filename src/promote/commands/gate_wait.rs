//! `gate-wait`: waits for gates that open by themselves, with a look at most once a minute, and prepares the promotion again after it.

use std::time::Duration;

use crate::model::{Event, Fault, in_words};
use crate::report::Report;

use crate::promote::cancel::{or_cancel, or_late};
use crate::promote::job::Promote;
use crate::promote::ports::Reading;
use crate::promote::prepare::{Preparation, Prepared};
use crate::promote::proposal::Proposal;

/// From the second look on, the next one is at least this long after the last.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);

/// Prepares the promotion, waits for gates as long as `gate-wait` lets it, and lets only pass what is `permitted` then.
///
/// # Errors
/// As the preparation; `refused` when a gate is closed that does not open by itself, or not within `gate-wait`.
pub(in crate::promote) async fn prepared(
    job: &Promote,
    preparation: &mut Preparation<'_>,
    reading: Reading<'_>,
    report: &mut Report,
    permitted: &dyn Fn(Proposal<Prepared>) -> Result<Proposal<Prepared>, Fault>,
) -> Result<Proposal<Prepared>, Fault> {
    let ports = reading.ports;
    let end = ports.clock.now() + job.gate_wait;
    let mut waits = 0;
    loop {
        let preparing = preparation.prepare(report);
        let proposal = or_late(ports.clock, job.landing.within, Some("landing-timeout"), preparing).await??;
        let left = end.saturating_sub(ports.clock.now());
        let opens = proposal.of.gates.opens_at;
        let opens = opens.filter(|_| proposal.of.forbidden.is_none() && !proposal.edits.is_empty());
        let Some(opens) = opens.filter(|_| !left.is_zero()) else {
            return permitted(proposal).map_err(|fault| too_late(job, waits, fault));
        };
        let mut pause = opens.since(reading.now());
        if waits > 0 {
            pause = pause.max(BETWEEN_LOOKS);
        }
        let names = proposal.of.gates.shut().join(", ");
        let bound = if pause > left {
            format!(", which is later than `gate-wait` ({})", in_words(job.gate_wait))
        } else {
            String::new()
        };
        if waits == 0 {
            ports.journal.tell(Event::Stage("Wait for gates".to_owned()));
        }
        ports
            .journal
            .progress(format!("closed: {names}; they open at {opens}{bound}"));
        or_cancel(ports.cancel, ports.clock.sleep(pause.min(left))).await?;
        waits += 1;
        preparation.look_again();
    }
}

fn too_late(job: &Promote, waits: u32, mut fault: Fault) -> Fault {
    if waits > 0 {
        fault.message = format!("{} (`gate-wait` of {} is over)", fault.message, in_words(job.gate_wait));
    }
    fault
}
