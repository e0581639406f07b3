//! How a pull request stands: whether waiting for its merge can help, and how the run ends when the time is over.

use crate::githost::{Blocked, Merge, State};
use crate::model::{Fault, in_words};

use super::Ended;
use super::merge::{End, Merging, Progress};

impl Merging<'_> {
    /// Whether waiting can help.
    pub(super) fn hopeless(&self, state: &State, last: bool) -> Result<Option<End>, Fault> {
        let number = self.at.pull.number;
        let refused = |why: String, hint: &str| Err(Fault::refused(format!("pull request #{number} {why}")).hint(hint));
        let merges = self.way.how.merge != Merge::None;
        match &state.blocked {
            Some(Blocked::Conflict) if !last => Ok(Some(End::Rebuild("it conflicts with its base branch".to_owned()))),
            Some(Blocked::Conflict) => refused(
                "conflicts with its base branch".to_owned(),
                "close the pull request, and run the step again",
            ),
            Some(Blocked::Behind) if merges && !last => {
                Ok(Some(End::Rebuild("it is behind its base branch".to_owned())))
            }
            Some(Blocked::ChecksFailed(names)) => {
                let names = if names.is_empty() {
                    "a required check failed".to_owned()
                } else {
                    format!("these checks failed: {}", names.join(", "))
                };
                refused(
                    format!("cannot be merged: {names}"),
                    "look at the checks of the pull request, and run the step again",
                )
            }
            Some(Blocked::ChangesRequested) => refused(
                "cannot be merged: a reviewer requested changes".to_owned(),
                "answer the review, and run the step again",
            ),
            Some(Blocked::Draft) if merges => refused(
                "is a draft".to_owned(),
                "mark the pull request as ready for review, and run the step again",
            ),
            _ => Ok(None),
        }
    }

    /// The end when the time is over.
    pub(super) fn late(&self, state: &State, progress: &Progress, waits: bool) -> Result<End, Fault> {
        let number = self.at.pull.number;
        let what = self.held.map_or_else(|| Self::words(state, progress), str::to_owned);
        let how = self.way.how;
        if let Some(held) = self.held.filter(|_| how.merge != Merge::None && waits) {
            return Err(Fault::refused(format!("pull request #{number} is not merged: {held}"))
                .hint(format!("have pull request #{number} approved, and run the step again")));
        }
        if self.held.is_some() && !waits {
            return Ok(End::Ended(Ended::Open(format!(
                "pull request #{number} is open, and waits for its approvals: {}",
                self.at.pull.url
            ))));
        }
        if !waits && how.merge == Merge::Auto && (state.armed || state.queued.is_some() || progress.said.is_none()) {
            return Ok(End::Ended(Ended::Open(format!(
                "GitHub merges pull request #{number} as soon as the rules of the branch allow it: {}",
                self.at.pull.url
            ))));
        }
        let time = if waits {
            format!("within `merge-timeout` ({})", in_words(how.within))
        } else {
            "at once".to_owned()
        };
        let said = progress
            .said
            .as_ref()
            .map(|said| format!(" ({said})"))
            .unwrap_or_default();
        if state.blocked == Some(Blocked::ReviewsMissing) || !waits {
            return Err(
                Fault::refused(format!("pull request #{number} was not merged {time}: {what}{said}")).hint(format!(
                    "have pull request #{number} reviewed, and run the step again: it finds the pull request"
                )),
            );
        }
        Ok(End::Ended(Ended::TimedOut(format!(
            "pull request #{number} was not merged {time}: {what}{said}"
        ))))
    }

    /// Says how a pull request stands.
    pub(super) fn words(state: &State, progress: &Progress) -> String {
        if let Some(entry) = &state.queued {
            return format!("it is in the merge queue ({entry})");
        }
        let what = match &state.blocked {
            None if progress.queued => "it is on its way into the merge queue",
            None => "it can be merged",
            Some(Blocked::Unknown) => "GitHub has not worked out yet whether it can be merged",
            Some(Blocked::Conflict) => "it conflicts with its base branch",
            Some(Blocked::ChecksFailed(_)) => "a required check failed",
            Some(Blocked::ChecksPending) => "required checks are not done",
            Some(Blocked::ReviewsMissing) => "required reviews are missing",
            Some(Blocked::ChangesRequested) => "a reviewer requested changes",
            Some(Blocked::Draft) => "it is a draft",
            Some(Blocked::Behind) => "it is behind its base branch",
            Some(Blocked::Rule) => "a rule of the branch blocks it",
        };
        what.to_owned()
    }
}
