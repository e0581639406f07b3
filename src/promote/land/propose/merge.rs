//! The merge of a pull request: asked for as `merge` says, looked at until it is done, is known not to come, or the time is over.

use std::time::Duration;

use crate::githost::{Blocked, Merge, Merged, Pull, State};
use crate::infrarepo::FileEdit;
use crate::model::{CommitSha, Event, Fault, in_words};
use crate::plan::Trailers;
use crate::report::SupersededBy;

use super::{Ended, Way, exact, somebody_else};
use crate::promote::cancel::{cancelled, or_cancel};

/// The first pause between two looks, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// How long GitHub gets to work out whether it can be merged, even where the run does not wait for the merge.
const WORKING_OUT: Duration = Duration::from_secs(20);
/// How often the queue may eject it before that is the end.
const EJECTIONS: u32 = 2;

/// One pull request on its way to a merge.
pub(super) struct Merging<'a> {
    pub(super) way: Way<'a>,
    pub(super) pull: &'a Pull,
    /// The head that this run wrote, or found to be what it would write. Nothing else is merged.
    pub(super) head: &'a CommitSha,
    /// The tip of the base that it was planned on.
    pub(super) base: &'a CommitSha,
    /// What the head changes.
    pub(super) edits: &'a [FileEdit],
    /// The message of the commit that a merge makes.
    pub(super) message: &'a str,
    /// Until when the merge is waited for.
    pub(super) until: Duration,
    /// Whether the branch was made anew often enough.
    pub(super) last: bool,
    /// Why it must not be merged yet.
    pub(super) held: Option<&'a str>,
}

/// What is to happen next.
pub(super) enum End {
    /// Nothing.
    Ended(Ended),
    /// The branch is to be made anew on the tip of its base, for this reason.
    Rebuild(String),
    /// Everything is to be judged again: what must not be merged may be by now.
    Judge,
}

/// What the run knows of the merge beyond what GitHub says.
#[derive(Default)]
struct Progress {
    /// Whether it was put into the queue, so that an entry must be there.
    queued: bool,
    ejections: u32,
    /// What GitHub said to the last wish to merge.
    said: Option<String>,
    /// Whether that was nothing, so that the wish is to be repeated.
    lost: bool,
    /// What was reported last.
    told: String,
}

impl Merging<'_> {
    pub(super) async fn run(&self) -> Result<End, Fault> {
        let Way { how, ports, pulls, .. } = self.way;
        let (clock, number) = (ports.clock, self.pull.number);
        let waits = !how.within.is_zero();
        if how.merge == Merge::None && !waits {
            let next = format!("pull request #{number} is open: {}", self.pull.url);
            return Ok(End::Ended(Ended::Open(next)));
        }
        let begun = clock.now();
        let mut progress = Progress::default();
        let mut pause = FIRST;
        loop {
            if let Some(signal) = *ports.cancel.borrow() {
                return Err(cancelled(signal));
            }
            let state = or_cancel(ports.cancel, pulls.state(self.pull)).await??;
            if let Some(end) = self.over(&state).await? {
                return Ok(end);
            }
            if how.merge != Merge::None
                && self.held.is_none()
                && let Some(commit) = self.ask(&state, &mut progress).await?
            {
                return Ok(End::Ended(Ended::Merged(commit)));
            }
            if let Some(end) = self.hopeless(&state)? {
                return Ok(end);
            }
            let now = clock.now();
            // What GitHub works out, and an answer that was lost, come soon.
            let soon = match state.blocked {
                Some(Blocked::Unknown) => true,
                Some(_) if progress.lost => true,
                None => how.merge != Merge::None && state.queued.is_none() && !progress.queued,
                Some(_) => false,
            };
            let unknown = soon && now < begun + WORKING_OUT;
            if now >= self.until && (!unknown || self.held.is_some()) {
                return self.late(&state, &progress, waits);
            }
            let what = self.held.map_or_else(|| words(&state, &progress), str::to_owned);
            if progress.told != what {
                ports
                    .journal
                    .tell(Event::Progress(format!("pull request #{number}: {what}")));
                progress.told = what;
            }
            let left = self
                .until
                .max(begun + FIRST)
                .saturating_sub(now)
                .max(Duration::from_millis(100));
            or_cancel(ports.cancel, clock.sleep(pause.min(left))).await?;
            if self.held.is_some() && how.merge != Merge::None && pause > FIRST {
                return Ok(End::Judge);
            }
            pause = (pause * 3 / 2).min(LONGEST);
        }
    }

    /// Whether it is merged, closed, or somebody else's by now.
    async fn over(&self, state: &State) -> Result<Option<End>, Fault> {
        let number = self.pull.number;
        if let Some(commit) = &state.merged {
            // Whoever took it over brought another change.
            if state.head != *self.head
                && let Some(end) = self.taken_over(state).await?
            {
                return Ok(Some(end));
            }
            return Ok(Some(End::Ended(Ended::Merged(commit.clone()))));
        }
        if state.closed {
            return Err(
                Fault::refused(format!("pull request #{number} was closed without a merge"))
                    .hint("reopen the pull request, or run the step again for a new one"),
            );
        }
        if state.head == *self.head {
            return Ok(None);
        }
        self.taken_over(state).await
    }

    /// Finds out who moved the branch.
    async fn taken_over(&self, state: &State) -> Result<Option<End>, Fault> {
        let commits = self.way.repo.history(&state.head, 1).await?;
        let Some(commit) = commits.into_iter().next() else {
            return Ok(None);
        };
        if Trailers::read(&commit.message).is_none() {
            return Err(somebody_else(&commit, &format!("pull request #{}", self.pull.number)));
        }
        // The same change by another run is the same pull request.
        let own = self.way.repo.history(self.head, 1).await?;
        let pins = |message: &str| Trailers::read(message).map(|trailers| trailers.pins);
        if own
            .first()
            .is_some_and(|own| pins(&own.message) == pins(&commit.message))
        {
            if state.merged.is_some() {
                return Ok(None);
            }
            // What it says is the same: what it changes has to be, too. Its approvals are its own.
            return if exact::is_exactly(self.way.repo, &state.head, self.base, self.edits).await? {
                Ok(Some(End::Judge))
            } else {
                Err(somebody_else(&commit, &format!("pull request #{}", self.pull.number)))
            };
        }
        Ok(Some(End::Ended(Ended::Superseded(SupersededBy {
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            author: commit.author,
            commit: commit.commit,
        }))))
    }

    /// Asks for the merge as far as the state lets it. Returns the commit if it is merged at once.
    async fn ask(&self, state: &State, progress: &mut Progress) -> Result<Option<CommitSha>, Fault> {
        let Way { how, pulls, ports, .. } = self.way;
        let number = self.pull.number;
        if state.queued.is_some() {
            progress.queued = true;
            return Ok(None);
        }
        if std::mem::take(&mut progress.queued) {
            progress.ejections += 1;
            if progress.ejections >= EJECTIONS {
                return Err(Fault::refused(format!(
                    "the merge queue removed pull request #{number} {} times without a merge",
                    progress.ejections
                ))
                .hint("look at the checks of the merge group, and run the step again"));
            }
            ports.journal.warn(format!(
                "the merge queue removed pull request #{number}; adding it once more"
            ));
        }
        let head = self.head;
        let wish = match &state.blocked {
            None if state.has_queue => pulls.enqueue(self.pull, head).await?,
            None => pulls.merge(self.pull, head, state.method, self.message).await?,
            Some(Blocked::ChecksPending | Blocked::ReviewsMissing | Blocked::Rule)
                if how.merge == Merge::Auto && !state.armed =>
            {
                let method = (!state.has_queue).then_some(state.method);
                pulls.arm(self.pull, head, method, self.message).await?
            }
            Some(_) => return Ok(None),
        };
        progress.said = None;
        progress.lost = matches!(wish, Merged::Lost(_));
        match wish {
            Merged::Done(Some(commit)) => return Ok(Some(commit)),
            Merged::Done(None) | Merged::Moved => {}
            Merged::Queued => {
                progress.queued = true;
                ports
                    .journal
                    .progress(format!("pull request #{number} is in the merge queue"));
            }
            Merged::Armed => ports.journal.progress(format!(
                "GitHub merges pull request #{number} as soon as the rules of the branch allow it"
            )),
            Merged::NotNow(why) | Merged::Lost(why) => {
                ports
                    .journal
                    .debug(format!("pull request #{number} is not merged yet: {why}"));
                progress.said = Some(why);
            }
        }
        Ok(None)
    }

    /// Whether waiting can help.
    fn hopeless(&self, state: &State) -> Result<Option<End>, Fault> {
        let number = self.pull.number;
        let refused = |why: String, hint: &str| Err(Fault::refused(format!("pull request #{number} {why}")).hint(hint));
        let merges = self.way.how.merge != Merge::None;
        match &state.blocked {
            Some(Blocked::Conflict) if !self.last => {
                Ok(Some(End::Rebuild("it conflicts with its base branch".to_owned())))
            }
            Some(Blocked::Conflict) => refused(
                "conflicts with its base branch".to_owned(),
                "close the pull request, and run the step again",
            ),
            Some(Blocked::Behind) if merges && !self.last => {
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
    fn late(&self, state: &State, progress: &Progress, waits: bool) -> Result<End, Fault> {
        let number = self.pull.number;
        let what = self.held.map_or_else(|| words(state, progress), str::to_owned);
        let how = self.way.how;
        if let Some(held) = self.held.filter(|_| how.merge != Merge::None && waits) {
            return Err(Fault::refused(format!("pull request #{number} is not merged: {held}"))
                .hint(format!("have pull request #{number} approved, and run the step again")));
        }
        if self.held.is_some() && !waits {
            return Ok(End::Ended(Ended::Open(format!(
                "pull request #{number} is open, and waits for its approvals: {}",
                self.pull.url
            ))));
        }
        if !waits && how.merge == Merge::Auto && (state.armed || state.queued.is_some() || progress.said.is_none()) {
            return Ok(End::Ended(Ended::Open(format!(
                "GitHub merges pull request #{number} as soon as the rules of the branch allow it: {}",
                self.pull.url
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
}

/// Says how a pull request stands.
fn words(state: &State, progress: &Progress) -> String {
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
