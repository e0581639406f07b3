//! Landing by a pull request: its branch is written by compare-and-swap and never over somebody else's commits, it is opened or found again,
//! and the run waits for its merge as long as `merge-timeout` says.

mod exact;
mod merge;

use std::time::Duration;

use crate::githost::{Pull, Pulls};
use crate::infrarepo::{Attempt, CommitInfo, Containment, Land, Update};
use crate::model::{CommitSha, Event, Fault};
use crate::plan::{Description, Trailers, is_marked};
use crate::report::SupersededBy;

use crate::promote::cancel::or_cancel;
use crate::promote::job::{Landing, Proposing};
use crate::promote::land::{attempt, random};
use crate::promote::ports::Ports;
use crate::promote::proposal::Proposal;

/// How far the commits of a pull request's branch are looked through.
const MOST_COMMITS: usize = 30;
/// The longest pause before the branch is looked at again after a lost race.
const PAUSE: Duration = Duration::from_secs(2);
/// The pause before the approvals of a head that was just written are read.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the branch is made anew because it cannot be merged, or is behind.
const REBUILDS: u32 = 3;

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

/// What a proposal needs, and what is reported of it.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Told<'a, T> {
    /// Describes the pull request.
    pub(in crate::promote) describe: &'a dyn Fn(&Proposal<T>) -> Option<Description>,
    /// Says why it must not be merged yet.
    pub(in crate::promote) held: &'a dyn Fn(&T) -> Option<String>,
    /// Returns the head whose reviews were counted as approvals, where they were.
    pub(in crate::promote) reviewed: &'a dyn Fn(&T) -> Option<CommitSha>,
    /// Gets the pull request as soon as it is there.
    pub(in crate::promote) opened: &'a dyn Fn(&Pull),
}

/// Brings `first`, and on newer tips what `again` makes of it, to the branch by a pull request.
///
/// # Errors
/// The host refuses, the branch has somebody else's commits, the pull request is closed or cannot be merged, or the run was cancelled.
pub(in crate::promote) async fn propose<T>(
    way: Way<'_>,
    story: Told<'_, T>,
    first: Proposal<T>,
    mut again: impl AsyncFnMut() -> Result<Proposal<T>, Fault>,
) -> Result<Proposed<T>, Fault> {
    let clock = way.ports.clock;
    let merged_by = clock.now() + way.how.within;
    let judged_by = clock.now() + way.landing.within;
    let mut proposal = first;
    let mut rebuilds = 0;
    let mut asked = false;
    let mut force = false;
    let mut attempts = 0;
    loop {
        if proposal.edits.is_empty() {
            let (of, end) = (proposal.of, Ended::Nothing);
            return Ok(Proposed { of, end, attempts });
        }
        let described = (story.describe)(&proposal).ok_or_else(|| Fault::bug("name the branch of the pull request"))?;
        let end = clock.now() + way.landing.within;
        let (pull, head) = branch(way, &described, &proposal, force, end, &mut attempts).await?;
        force = false;
        (story.opened)(&pull);
        if !std::mem::replace(&mut asked, true) {
            let warnings = way.pulls.ask(&pull, &way.how.people).await;
            for warning in warnings {
                way.ports.journal.warn(warning);
            }
        }
        let outdated = outdated(&story, &proposal.of, &head);
        if outdated.is_some() && clock.now() < judged_by {
            or_cancel(way.ports.cancel, clock.sleep(AGAIN)).await?;
            proposal = again().await?;
            continue;
        }
        let waits = outdated.or_else(|| (story.held)(&proposal.of));
        let merging = merge::Merging {
            way,
            pull: &pull,
            head: &head,
            base: &proposal.tip.commit,
            edits: &proposal.edits,
            message: &proposal.message,
            until: merged_by,
            last: rebuilds >= REBUILDS,
            held: waits.as_deref(),
        };
        match merging.run().await? {
            merge::End::Ended(end) => {
                let of = proposal.of;
                return Ok(Proposed { of, end, attempts });
            }
            merge::End::Rebuild(why) => {
                rebuilds += 1;
                force = true;
                way.ports
                    .journal
                    .progress(format!("pull request #{}: {why}; planning again", pull.number));
            }
            merge::End::Judge => {}
        }
        proposal = again().await?;
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

/// Makes sure that the pull request is there, and that its branch has exactly what is proposed. Returns it with the branch's head.
#[expect(
    clippy::too_many_lines,
    reason = "an arm for each state that the branch can be found in"
)]
async fn branch<T>(
    way: Way<'_>,
    described: &Description,
    proposal: &Proposal<T>,
    force: bool,
    end: Duration,
    attempts: &mut u32,
) -> Result<(Pull, CommitSha), Fault> {
    let Way { repo, pulls, ports, .. } = way;
    let base = &proposal.tip.branch;
    let reference = described.branch.reference();
    let head = loop {
        let old = repo.reference(&reference).await?;
        if let Some(old) = &old {
            own(repo, old, &proposal.tip.commit, described).await?;
            if !force && exact::is_exactly(repo, old, &proposal.tip.commit, &proposal.edits).await? {
                break old.clone();
            }
        }
        *attempts += 1;
        let update = Update {
            reference: reference.clone(),
            expected: old,
            parents: vec![proposal.tip.commit.clone()],
            edits: proposal.edits.clone(),
            message: proposal.message.clone(),
            author: way.landing.author.clone(),
            at: ports.clock.wall(),
        };
        match attempt(repo, &update, end, ports.clock, ports.cancel).await? {
            Attempt::Landed(commit) => {
                let moved = if update.expected.is_some() {
                    "updated"
                } else {
                    "created"
                };
                ports
                    .journal
                    .progress(format!("{moved} {} at {}", described.branch, commit.short()));
                break commit;
            }
            Attempt::LostRace { why } => {
                if ports.clock.now() >= end {
                    return Err(Fault::unreachable(format!(
                        "{} was moved each time by another run ({why})",
                        described.branch
                    ))
                    .hint("run the step again"));
                }
                ports
                    .journal
                    .debug(format!("{}: {why}; looking again", described.branch));
                ports.clock.sleep(PAUSE.mul_f64(random())).await;
            }
        }
    };
    let found = pulls.find(&described.branch, base).await?;
    if let Some(signal) = *ports.cancel.borrow() {
        return Err(crate::promote::cancel::cancelled(signal));
    }
    let pull = match found {
        Some(pull) if !is_marked(&pull.body) => {
            return Err(Fault::refused(format!(
                "pull request #{} has the branch {}, and promote did not open it",
                pull.number, described.branch
            ))
            .hint(format!("close pull request #{}, or rename its branch", pull.number)));
        }
        Some(pull) => {
            if pull.title != described.title || pull.body != described.body {
                pulls.edit(&pull, &described.title, &described.body).await?;
            }
            ports
                .journal
                .progress(format!("found pull request #{}: {}", pull.number, pull.url));
            Pull {
                title: described.title.clone(),
                body: described.body.clone(),
                ..pull
            }
        }
        None => {
            let new = crate::githost::New {
                head: described.branch.clone(),
                base: base.clone(),
                title: described.title.clone(),
                body: described.body.clone(),
            };
            let pull = pulls.open(&new).await?;
            ports.journal.tell(Event::Progress(format!(
                "opened pull request #{}: {}",
                pull.number, pull.url
            )));
            pull
        }
    };
    Ok((pull, head))
}

/// Checks that every commit of the branch that is not on its base says that a promotion made it: any other is never written over.
async fn own(repo: &dyn Land, head: &CommitSha, base: &CommitSha, described: &Description) -> Result<(), Fault> {
    let mut seen = 0;
    for commit in repo.history(head, MOST_COMMITS).await? {
        if repo.contains(base, &commit.commit).await == Containment::Contains {
            return Ok(());
        }
        if Trailers::read(&commit.message).is_none() {
            return Err(somebody_else(&commit, described.branch.as_str()));
        }
        seen += 1;
    }
    if seen == MOST_COMMITS {
        return Err(Fault::refused(format!(
            "{} has {MOST_COMMITS} commits and more that are not on its base",
            described.branch
        ))
        .hint(format!("delete the branch {}", described.branch)));
    }
    Ok(())
}

/// The fault for a branch with a commit that is not of a promotion.
fn somebody_else(commit: &CommitInfo, branch: &str) -> Fault {
    let author = commit.author.split(" <").next().unwrap_or_default();
    Fault::refused(format!(
        "{branch} has commit {} by {author}, and promote does not write over commits of other authors",
        commit.commit.short()
    ))
    .hint(format!(
        "merge or close the pull request of {branch}, or delete the branch"
    ))
}
