//! The landing loop: a compare-and-swap on the branch's tip, with the plan made again on every new tip.

use std::time::Duration;

use crate::infrarepo::{Attempt, CommitDraft, FileEdit, Land};
use crate::model::{Clock, CommitSha, Event, Fault, Outcome};
use crate::plan::Plan;

use super::cancel::{cancelled, or_cancel};
use super::planning::Planned;
use super::{Cancel, Ports, Settings, planning};

/// The first pause after a lost race is at most this, and doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause is longer. With both, 100 writers on one branch land with six retries each in the median.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a push that is under way may go on after the signal.
const PUSH_GRACE: Duration = Duration::from_millis(1500);

/// Where landing ended.
pub(super) struct Landing {
    /// What was planned last, with the tip it was planned against.
    pub(super) planned: Planned,
    /// Our commit; `None` when the last plan had nothing left to change.
    pub(super) commit: Option<CommitSha>,
    /// How many times it was tried.
    pub(super) attempts: u32,
}

/// Lands `planned`, and what becomes of it on newer tips, until it is on the branch or `landing-timeout` is over.
///
/// `attempts` counts also when it fails.
///
/// # Errors
/// The server refuses for good, the deadline came first, the new tip does not fit the request, or the run was cancelled.
pub(super) async fn land(
    repo: &dyn Land,
    settings: &Settings,
    ports: &Ports<'_>,
    mut planned: Planned,
    attempts: &mut u32,
) -> Result<Landing, Fault> {
    let Ports { clock, journal, cancel } = *ports;
    let end = clock.now() + settings.landing_timeout;
    loop {
        if planned.plan.files.is_empty() {
            return Ok(Landing {
                planned,
                commit: None,
                attempts: *attempts,
            });
        }
        *attempts += 1;
        let draft = draft(&planned, settings, clock);
        let lost = match attempt(repo, &draft, end, clock, cancel).await? {
            Attempt::Landed(commit) => {
                return Ok(Landing {
                    planned,
                    commit: Some(commit),
                    attempts: *attempts,
                });
            }
            Attempt::LostRace { why } => why,
        };
        let pause = jitter(*attempts);
        journal.debug(format!(
            "attempt {attempts} lost the race ({lost}); again in {} ms",
            pause.as_millis()
        ));
        if clock.now() + pause >= end {
            return Err(too_late(settings, &lost, *attempts));
        }
        or_cancel(cancel, clock.sleep(pause)).await?;
        let base = planned.snapshot.tip.commit.clone();
        planned = or_cancel(cancel, planning::planned(repo, settings)).await??;
        journal.tell(Event::Progress(format!(
            "{} moved from {} to {} meanwhile; planned again on it",
            planned.snapshot.tip.branch,
            base.short(),
            planned.snapshot.tip.commit.short()
        )));
    }
}

fn too_late(settings: &Settings, lost: &str, attempts: u32) -> Fault {
    Fault::unreachable(format!(
        "{attempts} attempts did not land within `landing-timeout` ({}): somebody else was faster each time ({lost}); nothing was written",
        humantime::format_duration(settings.landing_timeout)
    ))
    .hint("give a longer `landing-timeout`")
}

fn draft(planned: &Planned, settings: &Settings, clock: &dyn Clock) -> CommitDraft {
    let Plan { files, message, .. } = &planned.plan;
    CommitDraft {
        branch: planned.snapshot.tip.branch.clone(),
        base: planned.snapshot.tip.commit.clone(),
        edits: files
            .iter()
            .map(|file| FileEdit {
                path: file.path.clone(),
                content: file.after.clone(),
            })
            .collect(),
        message: message.clone(),
        author: settings.author.clone(),
        at: clock.wall(),
    }
}

/// One push. A signal before it prevents it; one during it lets it end, for a moment.
async fn attempt(
    repo: &dyn Land,
    draft: &CommitDraft,
    end: Duration,
    clock: &dyn Clock,
    cancel: &Cancel,
) -> Result<Attempt, Fault> {
    let mut watched = cancel.clone();
    if let Some(signal) = *watched.borrow_and_update() {
        return Err(cancelled(signal));
    }
    let unknown = |outcome, when: &str| {
        Fault::new(
            outcome,
            format!(
                "the push to {} was still under way {when}: look whether the commit is there",
                draft.branch
            ),
        )
        .hint("run the step again: it finds the commit, or lands it")
    };
    let left = end.saturating_sub(clock.now());
    let attempt = tokio::select! {
        biased;
        attempt = repo.land(draft) => attempt,
        signal = async {
            let signal = super::cancel::signal(watched).await;
            repo.halt();
            clock.sleep(PUSH_GRACE).await;
            signal
        } => Err(unknown(Outcome::Cancelled { signal }, "when the run was cancelled")),
        () = clock.sleep(left) => Err(unknown(Outcome::Unreachable, "when `landing-timeout` was over")),
    };
    match (attempt, *cancel.borrow()) {
        (Err(fault), Some(signal)) => Err(Fault::new(
            Outcome::Cancelled { signal },
            format!("the run was cancelled while landing: {fault}"),
        )),
        (attempt, _) => attempt,
    }
}

/// Full jitter: anything from nothing to the doubled pause. Writers that lost one race together do not meet again.
fn jitter(attempt: u32) -> Duration {
    let most = FIRST_PAUSE
        .saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1).min(20)).unwrap_or(u32::MAX))
        .min(LONGEST_PAUSE);
    let mut random = [0; 4];
    // Without randomness the pause is the longest: slower, and still right.
    let share = match getrandom::fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    };
    most.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempt in 1..200 {
            let pause = jitter(attempt);
            assert!(pause <= LONGEST_PAUSE);
            assert!(attempt > 1 || pause <= FIRST_PAUSE);
        }
    }
}
