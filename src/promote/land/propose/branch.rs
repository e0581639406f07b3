//! The branch of a pull request, and the pull request itself: found or made, and never over somebody else's commits.

use crate::githost::{New, Pull};
use crate::infrarepo::{Attempt, CommitInfo, Containment, FileEdit, Land, Update};
use crate::model::{CommitSha, Event, Fault};
use crate::plan::{Description, Trailers, is_marked};

use super::bounds::Bound;
use super::{Way, exact};
use crate::promote::cancel::or_cancel;
use crate::promote::land::{attempt, random};
use crate::promote::proposal::Proposal;

/// How far the commits of a pull request's branch are looked through.
const MOST_COMMITS: usize = 30;
/// The longest pause before the branch is looked at again after a lost race.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

/// An open pull request, with what its head was made of.
pub(super) struct Open {
    pub(super) pull: Pull,
    /// The head that this run wrote, or found to be what it would write. Nothing else is merged.
    pub(super) head: CommitSha,
    /// What it changes.
    pub(super) edits: Vec<FileEdit>,
    /// Its message.
    pub(super) message: String,
}

/// Makes sure that the pull request is there, and that its branch has exactly what is proposed. The last part of `commit` says
/// whether the commit is made anew in any case.
///
/// # Errors
/// The host refuses, the branch has somebody else's commits, the bound is over, or the run was cancelled.
pub(super) async fn opened<T>(
    way: Way<'_>,
    bound: Bound<'_>,
    commit: (&Description, &Proposal<T>, bool),
    attempts: &mut u32,
    known: &dyn Fn(&Pull),
) -> Result<Open, Fault> {
    let head = written(way, bound, commit, attempts).await?;
    let (described, proposal, _) = commit;
    let Way { pulls, ports, .. } = way;
    let base = &proposal.tip.branch;
    let looking = format!("look for a pull request from {}", described.branch);
    let found = bound.read(&looking, pulls.find(&described.branch, base)).await?;
    let pull = match found {
        Some(pull) if !is_marked(&pull.body) => {
            return Err(Fault::refused(format!(
                "pull request #{} has the branch {}, and promote did not open it",
                pull.number, described.branch
            ))
            .hint(format!("close pull request #{}, or rename its branch", pull.number)));
        }
        Some(mut pull) => {
            known(&pull);
            described_as(way, bound, &mut pull, described).await?;
            ports
                .journal
                .progress(format!("found pull request #{}: {}", pull.number, pull.url));
            pull
        }
        None => {
            let new = New {
                head: described.branch.clone(),
                base: base.clone(),
                title: described.title.clone(),
                body: described.body.clone(),
            };
            let what = format!("the request to open a pull request from {}", described.branch);
            let pull = bound.write(&what, "it is open", pulls.open(&new)).await?;
            known(&pull);
            ports.journal.tell(Event::Progress(format!(
                "opened pull request #{}: {}",
                pull.number, pull.url
            )));
            pull
        }
    };
    Ok(Open {
        pull,
        head,
        edits: proposal.edits.clone(),
        message: proposal.message.clone(),
    })
}

/// Gives the pull request this title and text, unless it has them.
///
/// # Errors
/// As [`opened`].
pub(super) async fn described_as(
    way: Way<'_>,
    bound: Bound<'_>,
    pull: &mut Pull,
    described: &Description,
) -> Result<(), Fault> {
    let Description { title, body, .. } = described;
    rewritten(way, bound, pull, title, body).await
}

/// The same for any title and text.
pub(super) async fn rewritten(
    way: Way<'_>,
    bound: Bound<'_>,
    pull: &mut Pull,
    title: &str,
    body: &str,
) -> Result<(), Fault> {
    if pull.title == title && pull.body == body {
        return Ok(());
    }
    let what = format!("the edit of pull request #{}", pull.number);
    let editing = way.pulls.edit(pull, title, body);
    bound.write(&what, "it has its new text", editing).await?;
    title.clone_into(&mut pull.title);
    body.clone_into(&mut pull.body);
    Ok(())
}

/// Makes sure that the branch has exactly what is proposed, and returns its head.
async fn written<T>(
    way: Way<'_>,
    bound: Bound<'_>,
    (described, proposal, force): (&Description, &Proposal<T>, bool),
    attempts: &mut u32,
) -> Result<CommitSha, Fault> {
    let Way { repo, ports, .. } = way;
    let reference = described.branch.reference();
    let tip = &proposal.tip.commit;
    let looking = format!("read {}", described.branch);
    loop {
        let look = async {
            let Some(old) = repo.reference(&reference).await? else {
                return Ok((None, false));
            };
            let edits = &proposal.edits;
            let stays = match own(repo, &old, tip, described).await {
                Ok(()) => !force && exact::is_exactly(repo, &old, tip, edits).await?,
                Err(fault) if force || !exact::brings_only(repo, &old, tip, edits).await? => return Err(fault),
                Err(_) => true,
            };
            Ok((Some(old), stays))
        };
        let old = match bound.read(&looking, look).await? {
            (Some(old), true) => return Ok(old),
            (old, _) => old,
        };
        *attempts += 1;
        let update = Update {
            reference: reference.clone(),
            expected: old,
            parents: vec![tip.clone()],
            edits: proposal.edits.clone(),
            message: proposal.message.clone(),
            author: way.landing.author.clone(),
            at: ports.clock.wall(),
        };
        match attempt(repo, &update, bound.end, ports.clock, ports.cancel).await? {
            Attempt::Landed(commit) => {
                let moved = if update.expected.is_some() {
                    "updated"
                } else {
                    "created"
                };
                ports
                    .journal
                    .progress(format!("{moved} {} at {}", described.branch, commit.short()));
                return Ok(commit);
            }
            Attempt::LostRace { why } => {
                if ports.clock.now() >= bound.end {
                    return Err(Fault::unreachable(format!(
                        "{} was moved each time by another run ({why})",
                        described.branch
                    ))
                    .hint("run the step again"));
                }
                ports
                    .journal
                    .debug(format!("{}: {why}; looking again", described.branch));
                or_cancel(ports.cancel, ports.clock.sleep(PAUSE.mul_f64(random()))).await?;
            }
        }
    }
}

/// Checks that every commit of the branch that is not on its base says that a promotion made it: any other is never written over.
async fn own(repo: &dyn Land, head: &CommitSha, base: &CommitSha, described: &Description) -> Result<(), Fault> {
    let mut seen = 0;
    let commits = repo.history(head, MOST_COMMITS).await?;
    // Of commits that weigh much, fewer are read.
    let goes_on = commits.last().is_some_and(|last| last.parent.is_some());
    for commit in commits {
        if repo.contains(base, &commit.commit).await == Containment::Contains {
            return Ok(());
        }
        if Trailers::read(&commit.message).is_none() {
            return Err(somebody_else(&commit, described.branch.as_str()));
        }
        seen += 1;
    }
    if goes_on {
        return Err(Fault::refused(format!(
            "{} has {seen} commits and more that are not on its base",
            described.branch
        ))
        .hint(format!("delete the branch {}", described.branch)));
    }
    Ok(())
}

/// The fault for a branch with a commit that is not of a promotion.
pub(super) fn somebody_else(commit: &CommitInfo, branch: &str) -> Fault {
    let author = commit.author.split(" <").next().unwrap_or_default();
    Fault::refused(format!(
        "{branch} has commit {} by {author}, and promote does not write over commits of other authors",
        commit.commit.short()
    ))
    .hint(format!(
        "merge or close the pull request of {branch}, or delete the branch"
    ))
}
