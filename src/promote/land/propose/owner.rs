//! Whose a pull request is by now: merged, closed, or moved to another head by this run's own kind or by a person.

use crate::githost::State;
use crate::infrarepo::Tip;
use crate::model::{CommitSha, Fault};
use crate::plan::Trailers;
use crate::report::SupersededBy;

use super::branch::somebody_else;
use super::merge::{End, Merging};
use super::{Ended, exact};

impl Merging<'_> {
    /// Whether it is merged, closed, or somebody else's by now.
    pub(super) async fn over(&self, state: &State) -> Result<Option<End>, Fault> {
        let number = self.at.pull.number;
        if let Some(commit) = &state.merged {
            // What is on the branch then has the last word, and not who pushed what before.
            if state.head != self.at.head {
                self.way.ports.journal.warn(format!(
                    "pull request #{number} was merged at {}, and this run wrote {}",
                    state.head.short(),
                    self.at.head.short()
                ));
            }
            return Ok(Some(End::Ended(Ended::Merged(commit.clone()))));
        }
        if state.closed {
            return Err(
                Fault::refused(format!("pull request #{number} was closed without a merge"))
                    .hint("reopen the pull request, or run the step again for a new one"),
            );
        }
        if state.head == self.at.head {
            return Ok(None);
        }
        self.taken_over(state).await
    }

    /// Finds out who moved the branch.
    async fn taken_over(&self, state: &State) -> Result<Option<End>, Fault> {
        let repo = self.way.repo;
        let place = format!("pull request #{}", self.at.pull.number);
        let commits = repo.history(&state.head, 1).await?;
        let Some(commit) = commits.into_iter().next() else {
            return Ok(None);
        };
        if Trailers::read(&commit.message).is_none() {
            return self
                .foreign(&state.head, somebody_else(&commit, &place))
                .await
                .map(Some);
        }
        // The same change by another run is the same pull request.
        let own = repo.history(&self.at.head, 1).await?;
        let pins = |message: &str| Trailers::read(message).map(|trailers| trailers.pins);
        if own
            .first()
            .is_some_and(|own| pins(&own.message) == pins(&commit.message))
        {
            // What it says is the same: what it changes has to be, too. Its approvals are its own.
            for edits in [self.edits, &self.at.edits] {
                if exact::is_exactly(repo, &state.head, &self.base.commit, edits).await? {
                    return Ok(Some(End::Judge {
                        stays: false,
                        afresh: false,
                    }));
                }
            }
            return Err(somebody_else(&commit, &place));
        }
        Ok(Some(End::Ended(Ended::Superseded(SupersededBy {
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            author: commit.author,
            commit: commit.commit,
        }))))
    }

    /// Lets a head of somebody else pass only if it brings nothing to the base but what this run proposes, as GitHub's button "Update branch"
    /// makes one.
    async fn foreign(&self, head: &CommitSha, fault: Fault) -> Result<End, Fault> {
        let (repo, Tip { branch, commit, .. }) = (self.way.repo, self.base);
        let judge = End::Judge {
            stays: false,
            afresh: false,
        };
        if exact::brings_only(repo, head, commit, self.edits).await? {
            return Ok(judge);
        }
        // It can have been made on a newer head of the base.
        let tip = repo.reference(&branch.reference()).await?;
        if tip.as_ref() == Some(commit) {
            Err(fault)
        } else {
            Ok(judge)
        }
    }
}
