//! The landing loop: a compare-and-swap on the branch's tip, with the whole preparation repeated on every new tip.
//! Knows neither what is landed nor how that was prepared.

use std::time::Duration;

pub(super) mod bring;
pub(super) mod propose;
pub(super) mod record;

use crate::infrarepo::{Attempt, Land, Update};
use crate::model::{Clock, CommitSha, Event, Fault, Outcome, in_words};

use crate::promote::cancel::{cancelled, or_cancel};
use crate::promote::job::Landing;
use crate::promote::ports::{Cancel, Ports};
use crate::promote::proposal::Proposal;

/// The longest first pause after a lost race, in pushes, and how it grows with each further one. With both, a hundred writers on one branch land
/// with three retries each in the median.
const PUSHES: f64 = 10.0;
const GROWTH: f64 = 1.5;
/// Where a push takes no time, as into a folder, the longest pause is this.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long a push that is under way may go on after the signal.
const PUSH_GRACE: Duration = Duration::from_millis(1500);

/// Where landing ended.
pub(in crate::promote) struct Landed<T> {
    /// What was prepared last.
    pub(in crate::promote) of: T,
    /// The commit; `None` when the last preparation left nothing to change.
    pub(in crate::promote) commit: Option<CommitSha>,
    /// How many times it was tried.
    pub(in crate::promote) attempts: u32,
}

/// Landing that came to nothing.
#[derive(Debug)]
pub(in crate::promote) struct Unlanded {
    /// Why.
    pub(in crate::promote) fault: Fault,
    /// How many times it was tried.
    pub(in crate::promote) attempts: u32,
    /// The commit that can be on the branch all the same, in words, where what became of it is not known.
    pub(in crate::promote) in_doubt: Option<String>,
}

/// Lands `first`, and on newer tips what `again` makes of it, until it is on the branch or the bound of `how` is over.
///
/// Everything that was judged for `first` is for `again` to judge again: nothing else stands between a new tip and the push.
///
/// # Errors
/// The server refuses for good, the deadline came first, `again` fails, or the run was cancelled.
async fn land<T>(
    repo: &dyn Land,
    how: &Landing,
    ports: &Ports<'_>,
    first: Proposal<T>,
    again: impl AsyncFnMut() -> Result<Proposal<T>, Fault>,
) -> Result<Landed<T>, Unlanded> {
    let mut attempts = 0;
    match until_landed(repo, how, ports, first, again, &mut attempts).await {
        Ok((of, commit)) => Ok(Landed { of, commit, attempts }),
        Err(fault) => Err(Unlanded {
            fault,
            attempts,
            in_doubt: repo.in_doubt(),
        }),
    }
}

async fn until_landed<T>(
    repo: &dyn Land,
    how: &Landing,
    ports: &Ports<'_>,
    first: Proposal<T>,
    mut again: impl AsyncFnMut() -> Result<Proposal<T>, Fault>,
    attempts: &mut u32,
) -> Result<(T, Option<CommitSha>), Fault> {
    let clock = ports.clock;
    let end = clock.now() + how.within;
    let mut stuck = false;
    let mut proposal = first;
    loop {
        if proposal.edits.is_empty() {
            return Ok((proposal.of, None));
        }
        *attempts += 1;
        let Proposal {
            tip,
            edits,
            message,
            of,
        } = proposal;
        let base = tip.commit.clone();
        let update = Update {
            reference: tip.branch.reference(),
            expected: Some(tip.commit.clone()),
            parents: vec![tip.commit],
            edits,
            message,
            author: how.author.clone(),
            at: clock.wall(),
        };
        let begun = clock.now();
        let why = match attempt(repo, &update, end, clock, ports.cancel).await? {
            Attempt::Landed(commit) => return Ok((of, Some(commit))),
            Attempt::LostRace { why } => why,
        };
        let lost = Lost {
            why,
            push: clock.now().saturating_sub(begun),
            attempts: *attempts,
            end,
            stuck,
        };
        pause_after(&lost, how, ports).await?;
        proposal = tokio::select! {
            biased;
            proposal = again() => proposal?,
            () = clock.sleep(lost.end.saturating_sub(clock.now())) => return Err(too_late(how.within, &lost)),
        };
        stuck = base == proposal.tip.commit;
        tell(ports, &base, &proposal, &lost);
    }
}

/// A race that was lost.
struct Lost {
    /// What the server said.
    why: String,
    /// How long the push took.
    push: Duration,
    /// Which attempt it was.
    attempts: u32,
    /// When landing must be over.
    end: Duration,
    /// Whether nobody had moved the branch when it was read last: then a lock is in the way, and no other writer.
    stuck: bool,
}

/// Waits before the next attempt.
async fn pause_after(lost: &Lost, how: &Landing, ports: &Ports<'_>) -> Result<(), Fault> {
    let Ports { clock, journal, cancel } = *ports;
    // Towards the end the pauses become short: while there is time for another push, it is no reason to give up.
    let room = (lost.end.saturating_sub(clock.now())).saturating_sub(lost.push);
    if room.is_zero() {
        return Err(too_late(how.within, lost));
    }
    let pause = pause(lost.attempts, lost.push, random()).min(room / 2);
    journal.debug(format!(
        "attempt {} lost the race ({}); again in {} ms",
        lost.attempts,
        lost.why,
        pause.as_millis()
    ));
    or_cancel(cancel, clock.sleep(pause)).await
}

/// Says what the next attempt stands on.
fn tell<T>(ports: &Ports<'_>, base: &CommitSha, proposal: &Proposal<T>, lost: &Lost) {
    let tip = &proposal.tip;
    let text = if tip.commit == *base {
        format!(
            "{} is still at {}, and was not moved ({})",
            tip.branch,
            base.short(),
            lost.why
        )
    } else {
        let (from, to) = (base.short(), tip.commit.short());
        format!(
            "{} moved from {from} to {to} meanwhile; planned again on it",
            tip.branch
        )
    };
    ports.journal.tell(Event::Progress(text));
}

fn too_late(bound: Duration, lost: &Lost) -> Fault {
    let Lost { why, attempts, .. } = lost;
    let (who, hint) = if lost.stuck {
        (
            "nobody else moved the branch, and it could not be moved",
            "look at the repository on its server: something holds the branch's lock, or left it behind",
        )
    } else {
        ("somebody else was faster each time", "give a longer `landing-timeout`")
    };
    let bound = in_words(bound);
    Fault::unreachable(format!(
        "{attempts} attempts did not land within `landing-timeout` ({bound}): {who} ({why}); nothing was written"
    ))
    .hint(hint)
}

/// One push. A signal before it prevents it; one during it lets it end, for a moment.
async fn attempt(
    repo: &dyn Land,
    update: &Update,
    end: Duration,
    clock: &dyn Clock,
    cancel: &Cancel,
) -> Result<Attempt, Fault> {
    let mut watched = cancel.clone();
    if let Some(signal) = *watched.borrow_and_update() {
        return Err(cancelled(signal));
    }
    let unknown = |outcome, when: &str| {
        let branch = update.reference.short();
        let Some(commit) = repo.in_doubt() else {
            return Fault::new(
                outcome,
                format!("the push to {branch} had not begun {when}; nothing was written"),
            );
        };
        Fault::new(
            outcome,
            format!("the push to {branch} was still under way {when}: it is not known whether {commit} is there"),
        )
        .hint("run the step again: it finds the commit, or lands it")
    };
    let left = end.saturating_sub(clock.now());
    let attempt = tokio::select! {
        biased;
        attempt = repo.land(update) => attempt,
        signal = async {
            let signal = crate::promote::cancel::signal(watched).await;
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

/// Decides how long to wait after a lost race: a random time, up to ten pushes as long as the one that lost, and half as much again with
/// each loss.
///
/// How long a push takes shows how many writers a server has beside us: where it is busy, fewer come back at once. Each race has a winner, so
/// it is not the waiting that costs time but the attempts that are in vain. `random` is from 0 to 1.
fn pause(losses: u32, push: Duration, random: f64) -> Duration {
    let grown = GROWTH.powf(f64::from(losses.saturating_sub(1).min(30)));
    let most = (PUSHES * grown * push.as_secs_f64()).clamp(SHORTEST_PAUSE.as_secs_f64(), LONGEST_PAUSE.as_secs_f64());
    Duration::from_secs_f64(most * random)
}

/// Anything from 0 to 1. Writers that lost one race together do not meet again.
fn random() -> f64 {
    // Without randomness the pause is the longest: slower, and still right.
    getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_time_of_a_push_grow_and_stay_bounded() {
        let push = Duration::from_millis(100);
        assert_eq!(pause(1, push, 1.0), Duration::from_secs(1));
        assert_eq!(pause(1, 3 * push, 0.5), Duration::from_millis(1500));
        assert_eq!(pause(3, push, 1.0), Duration::from_millis(2250));
        assert_eq!(pause(1, Duration::ZERO, 1.0), SHORTEST_PAUSE);
        for losses in [1, 2, 50, u32::MAX] {
            for push in [Duration::ZERO, push, Duration::from_secs(60), Duration::MAX] {
                assert!(pause(losses, push, 1.0) <= LONGEST_PAUSE);
                assert_eq!(pause(losses, push, 0.0), Duration::ZERO);
            }
        }
    }

    #[test]
    fn a_lock_in_the_way_is_not_told_as_a_faster_writer() {
        let mut lost = Lost {
            why: "failed to update ref".to_owned(),
            push: Duration::ZERO,
            attempts: 7,
            end: Duration::ZERO,
            stuck: false,
        };
        let fault = too_late(Duration::from_secs(300), &lost);
        assert!(
            fault
                .to_string()
                .contains("7 attempts did not land within `landing-timeout` (5m): somebody else")
        );
        lost.stuck = true;
        let fault = too_late(Duration::from_secs(300), &lost);
        assert!(fault.to_string().contains("nobody else moved the branch"), "{fault}");
        assert!(fault.hints[0].contains("lock"), "{:?}", fault.hints);
    }
}
