//! Landing by a pull request: its branch is written by compare-and-swap and never over somebody else's commits, it is opened or found again,
//! and the run waits for its merge as long as `merge-timeout` says. While it waits, everything is judged again on every new head of the base,
//! and right before a merge.

mod bounds;
mod branch;
mod exact;
mod merge;
mod owner;
mod standing;
mod stopped;

use std::time::Duration;

use crate::githost::{Pull, Pulls};
use crate::infrarepo::Land;
use crate::model::{CommitSha, Fault, Outcome, in_words};
use crate::plan::Description;
use crate::report::SupersededBy;

use crate::promote::cancel::or_cancel;
use crate::promote::job::{Landing, Proposing};
use crate::promote::ports::Ports;
use crate::promote::proposal::Proposal;

use bounds::{Bound, Bounds};
use branch::Open;
use merge::{End, Merging, Progress};

/// The pause before the approvals of a head that was just written are read.
const AGAIN: Duration = Duration::from_secs(1);
/// The pause before a server that did not answer is asked again while the pull request waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a pull request is opened and merged with.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Way<'a> {
    /// The infra-repo.
    pub(in crate::promote) repo: &'a dyn Land,
    /// Its pull requests.
    pub(in crate::promote) pulls: &'a dyn Pulls,
    /// Who merges it, and how long that may take.
    pub(in crate::promote) how: &'a Proposing,
    /// The bounds of landing.
    pub(in crate::promote) landing: &'a Landing,
    /// Time, journal, signal.
    pub(in crate::promote) ports: Ports<'a>,
}

/// Where a proposal ended.
pub(in crate::promote) struct Proposed<T> {
    /// What was prepared last.
    pub(in crate::promote) of: T,
    /// How.
    pub(in crate::promote) end: Ended,
    /// How many times the branch was written.
    pub(in crate::promote) attempts: u32,
}

/// How a proposal ended.
#[derive(Debug)]
pub(in crate::promote) enum Ended {
    /// Nothing was to be changed.
    Nothing,
    /// It is on the branch, by this commit.
    Merged(CommitSha),
    /// The pull request is open, and the run does not wait: with what is next.
    Open(String),
    /// A newer promotion took the pull request over.
    Superseded(SupersededBy),
    /// It was not merged in time: with its state.
    TimedOut(String),
}

/// How long what was judged can be relied on without a new head of the base.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::promote) struct Validity {
    /// After this time a gate can close by the calendar.
    pub(in crate::promote) closes_in: Option<Duration>,
    /// Whether servers were asked, whose answers can change at any time.
    pub(in crate::promote) asks_servers: bool,
}

/// What a proposal needs, and what is reported of it.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Told<'a, T> {
    /// Describes the pull request.
    pub(in crate::promote) describe: &'a dyn Fn(&Proposal<T>) -> Option<Description>,
    /// Says why it must not be merged yet.
    pub(in crate::promote) held: &'a dyn Fn(&T) -> Option<String>,
    /// Returns the head whose reviews were counted as approvals, where they were.
    pub(in crate::promote) reviewed: &'a dyn Fn(&T) -> Option<CommitSha>,
    /// Says how long what was judged can be relied on.
    pub(in crate::promote) validity: &'a dyn Fn(&T) -> Validity,
    /// Has servers asked again at the next judgment.
    pub(in crate::promote) afresh: &'a dyn Fn(),
    /// Gets the pull request as soon as it is there.
    pub(in crate::promote) opened: &'a dyn Fn(&Pull),
}

/// Brings `first`, and on newer tips what `again` makes of it, to the branch by a pull request.
///
/// # Errors
/// The host refuses, the branch has somebody else's commits, the pull request is closed or cannot be merged, what was judged does not hold any
/// more, or the run was cancelled.
#[expect(clippy::too_many_lines, reason = "the loop from a proposal to its end")]
pub(in crate::promote) async fn propose<T>(
    way: Way<'_>,
    story: Told<'_, T>,
    first: Proposal<T>,
    mut again: impl AsyncFnMut() -> Result<Proposal<T>, Fault>,
) -> Result<Proposed<T>, Fault> {
    let Ports { clock, cancel, .. } = way.ports;
    let bounds = Bounds::new(way.ports, way.pulls, way.landing.within, way.how.within);
    let begun = clock.now();
    let (mut proposal, mut judged, mut asked_at) = (first, begun, begun);
    let mut open: Option<Open> = None;
    let mut progress = Progress::new(begun);
    let (mut attempts, mut asked) = (0, false);
    loop {
        if proposal.edits.is_empty() {
            let (of, end) = (proposal.of, Ended::Nothing);
            return Ok(Proposed { of, end, attempts });
        }
        let described = (story.describe)(&proposal).ok_or_else(|| Fault::bug("name the branch of the pull request"))?;
        let bound = bounds.landing();
        let same = |open: &Open| open.message == proposal.message;
        let at = if let Some(mut at) = open.take().filter(same) {
            branch::described_as(way, bound, &mut at.pull, &described).await?;
            at
        } else {
            let force = progress.begin(clock.now());
            let commit = (&described, &proposal, force);
            branch::opened(way, bound, commit, &mut attempts, story.opened).await?
        };
        if !std::mem::replace(&mut asked, true) {
            ask(way, bound, &at.pull).await?;
        }
        let outdated = outdated(&story, &proposal.of, &at.head);
        let end = if outdated.is_some() && clock.now() < begun + way.landing.within {
            or_cancel(cancel, clock.sleep(AGAIN)).await?;
            End::Judge {
                stays: true,
                afresh: false,
            }
        } else {
            let waits = outdated.or_else(|| (story.held)(&proposal.of));
            let merging = Merging {
                way,
                bounds,
                at: &at,
                base: &proposal.tip,
                edits: &proposal.edits,
                judged,
                asked_at,
                validity: (story.validity)(&proposal.of),
                until: begun + way.how.within,
                held: waits.as_deref(),
            };
            merging.run(&mut progress).await?
        };
        let mut anew = false;
        let stays = match end {
            End::Ended(end) => {
                let of = proposal.of;
                return Ok(Proposed { of, end, attempts });
            }
            End::Rebuild(why) => {
                progress.rebuild();
                let text = format!("pull request #{}: {why}; planning again", at.pull.number);
                way.ports.journal.progress(text);
                false
            }
            End::Judge { stays, afresh } => {
                anew = afresh;
                stays
            }
        };
        judged = clock.now();
        if anew {
            (story.afresh)();
            asked_at = judged;
        }
        let (of, end) = match judged_again(way, bounds, !progress.is_armed, &mut again).await {
            Ok(next) if next.edits.is_empty() => match stopped::merged(way, bounds, &at).await? {
                // Its own merge left nothing to change.
                Some(commit) => (proposal.of, Ended::Merged(commit)),
                None => (next.of, Ended::Nothing),
            },
            Ok(next) => {
                tell(way, &proposal, &next);
                proposal = next;
                open = stays.then_some(at);
                continue;
            }
            Err(fault) => {
                let commit = stopped::stopped(way, bounds, &at, fault).await?;
                (proposal.of, Ended::Merged(commit))
            }
        };
        return Ok(Proposed { of, end, attempts });
    }
}

/// Has people look at the pull request. What cannot be set is a warning.
async fn ask(way: Way<'_>, bound: Bound<'_>, pull: &Pull) -> Result<(), Fault> {
    let asking = async { Ok(way.pulls.ask(pull, &way.how.people).await) };
    let what = format!("the request for labels and people of pull request #{}", pull.number);
    let warnings = match bound.write(&what, "they are set", asking).await {
        Ok(warnings) => warnings,
        Err(fault) if matches!(fault.outcome, Outcome::Cancelled { .. }) => return Err(fault),
        Err(fault) => vec![fault.to_string()],
    };
    for warning in warnings {
        way.ports.journal.warn(warning);
    }
    Ok(())
}

/// Reads and judges everything again, within `landing-timeout`. A server that does not answer gets more time where `patient`.
async fn judged_again<T>(
    way: Way<'_>,
    bounds: Bounds<'_>,
    patient: bool,
    again: &mut impl AsyncFnMut() -> Result<Proposal<T>, Fault>,
) -> Result<Proposal<T>, Fault> {
    let Ports { clock, cancel, journal } = way.ports;
    let bound = bounds.landing();
    loop {
        let fault = match bound.read("read the infra-repo and Argo CD again", again()).await {
            Err(fault) if patient && fault.outcome == Outcome::Unreachable && clock.now() + PATIENCE < bound.end => {
                fault
            }
            other => return other,
        };
        journal.debug(format!("{fault}; again in {}", in_words(PATIENCE)));
        or_cancel(cancel, clock.sleep(PATIENCE)).await?;
    }
}

/// Says that the base has a new head.
fn tell<T>(way: Way<'_>, before: &Proposal<T>, now: &Proposal<T>) {
    let (from, to) = (&before.tip.commit, &now.tip.commit);
    if from != to {
        let (branch, from, to) = (&now.tip.branch, from.short(), to.short());
        let text = format!("{branch} moved from {from} to {to} meanwhile; judged again on it");
        way.ports.journal.progress(text);
    }
}

/// Says that the approvals are of another head: who approved that one did not approve this one.
fn outdated<T>(story: &Told<'_, T>, of: &T, head: &CommitSha) -> Option<String> {
    let reviewed = (story.reviewed)(of).filter(|reviewed| reviewed != head)?;
    Some(format!(
        "its reviews are of {}, and its head is {}",
        reviewed.short(),
        head.short()
    ))
}
