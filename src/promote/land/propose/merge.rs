//! The merge of a pull request: asked for as `merge` says, looked at until it is done, is known not to come, or the time is over. What was
//! judged is judged again on every new head of the base, and before each request to merge.

use std::time::Duration;

use crate::githost::{Blocked, Merge, Merged, State};
use crate::infrarepo::{FileEdit, Tip};
use crate::model::{CommitSha, Event, Fault};

use super::bounds::Bounds;
use super::branch::Open;
use super::{Ended, Validity, Way};
use crate::promote::cancel::or_cancel;

/// The first pause between two looks, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// How long GitHub gets to work out whether it can be merged, even where the run does not wait for the merge.
const WORKING_OUT: Duration = Duration::from_secs(20);
/// How often the queue may eject it before that is the end.
const EJECTIONS: u32 = 2;
/// How often the branch is made anew because it cannot be merged, or is behind.
const REBUILDS: u32 = 3;
/// How old what was judged can be when a merge is asked for.
const FRESH: Duration = Duration::from_secs(10);
/// How old it can be while GitHub merges by itself.
const FRESH_WHILE_ARMED: Duration = Duration::from_secs(60);
/// How long after a gate closes by the calendar it is judged again: clocks are not read at the same instant.
const MARGIN: Duration = Duration::from_millis(200);

/// One pull request on its way to a merge.
pub(super) struct Merging<'a> {
    pub(super) way: Way<'a>,
    pub(super) bounds: Bounds<'a>,
    pub(super) at: &'a Open,
    /// The head of the base that it was judged on last, and what it would change there.
    pub(super) base: &'a Tip,
    pub(super) edits: &'a [FileEdit],
    /// The reading of the clock when it was judged, and how long that can be relied on.
    pub(super) judged: Duration,
    /// When servers were asked for that, as far as their answers are not kept from before.
    pub(super) asked_at: Duration,
    pub(super) validity: Validity,
    /// Until when the merge is waited for.
    pub(super) until: Duration,
    /// Why it must not be merged yet.
    pub(super) held: Option<&'a str>,
}

/// What is to happen next.
pub(super) enum End {
    /// Nothing.
    Ended(Ended),
    /// The branch is to be made again on the tip of its base, for this reason.
    Rebuild(String),
    /// Everything is to be judged again.
    Judge {
        /// Whether the head is still the one that this run wrote or found.
        stays: bool,
        /// Whether servers are asked again.
        afresh: bool,
    },
}

/// A request to merge.
#[derive(Clone, Copy)]
enum Wish {
    Merge,
    Enqueue,
    Arm,
}

/// What the run knows of the merge beyond what GitHub says.
#[expect(clippy::struct_excessive_bools, reason = "what is known, each for itself")]
pub(super) struct Progress {
    /// When the head was written or found.
    begun: Duration,
    /// The pause before the next look.
    pause: Duration,
    /// Whether it was put into the queue, so that an entry must be there.
    pub(super) queued: bool,
    ejections: u32,
    rebuilds: u32,
    /// Whether the branch is to be made anew.
    rebuild: bool,
    /// What GitHub said to the last wish to merge.
    pub(super) said: Option<String>,
    /// Whether that was nothing, so that the wish is to be repeated.
    lost: bool,
    /// Whether GitHub merges it by itself.
    pub(super) is_armed: bool,
    /// Whether everything was judged again because a merge is to be asked for.
    to_ask: bool,
    /// What was reported last.
    told: String,
}

impl Progress {
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            begun: now,
            pause: FIRST,
            queued: false,
            ejections: 0,
            rebuilds: 0,
            rebuild: false,
            said: None,
            lost: false,
            is_armed: false,
            to_ask: false,
            told: String::new(),
        }
    }

    /// Begins with a head that is about to be written or found. Returns whether it is to be made anew.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        let kept = Self {
            ejections: self.ejections,
            rebuilds: self.rebuilds,
            told: std::mem::take(&mut self.told),
            ..Self::new(now)
        };
        std::mem::replace(self, kept).rebuild
    }

    /// Has the branch made anew.
    pub(super) const fn rebuild(&mut self) {
        self.rebuilds += 1;
        self.rebuild = true;
    }

    /// Looks whether the queue removed it.
    fn look_at_queue(&mut self, state: &State, number: u64, way: Way<'_>) -> Result<(), Fault> {
        if state.queued.is_some() {
            self.queued = true;
            return Ok(());
        }
        if !std::mem::take(&mut self.queued) {
            return Ok(());
        }
        self.ejections += 1;
        if self.ejections >= EJECTIONS {
            let times = self.ejections;
            return Err(Fault::refused(format!(
                "the merge queue removed pull request #{number} {times} times without a merge"
            ))
            .hint("look at the checks of the merge group, and run the step again"));
        }
        way.ports.journal.warn(format!(
            "the merge queue removed pull request #{number}; adding it once more"
        ));
        Ok(())
    }
}

impl Merging<'_> {
    pub(super) async fn run(&self, progress: &mut Progress) -> Result<End, Fault> {
        let Way { how, ports, pulls, .. } = self.way;
        let (clock, number) = (ports.clock, self.at.pull.number);
        let waits = !how.within.is_zero();
        if how.merge == Merge::None && !waits {
            let next = format!("pull request #{number} is open: {}", self.at.pull.url);
            return Ok(End::Ended(Ended::Open(next)));
        }
        let reading = format!("read pull request #{number}");
        let mut to_ask = std::mem::take(&mut progress.to_ask);
        loop {
            let bound = self.bounds.waiting();
            let state = bound.read(&reading, pulls.state(&self.at.pull)).await?;
            progress.is_armed = state.armed || state.queued.is_some();
            if let Some(end) = bound.read(&reading, self.over(&state)).await? {
                return Ok(end);
            }
            let outdated = bound.read(&reading, self.is_outdated(&state)).await?;
            if outdated && self.bounds.is_open() {
                return Ok(self.judge());
            }
            if how.merge != Merge::None && self.held.is_none() && !outdated {
                progress.look_at_queue(&state, number, self.way)?;
                if let Some(end) = self.asked(&state, progress, &mut to_ask).await? {
                    return Ok(end);
                }
            }
            if let Some(end) = self.hopeless(&state, progress.rebuilds >= REBUILDS)? {
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
            let unknown = soon && now < progress.begun + WORKING_OUT;
            if now >= self.until && (!unknown || self.held.is_some()) {
                return self.late(&state, progress, waits);
            }
            let what = self.held.map_or_else(|| Self::words(&state, progress), str::to_owned);
            if progress.told != what {
                let text = format!("pull request #{number}: {what}");
                ports.journal.tell(Event::Progress(text));
                progress.told = what;
            }
            let pause = progress.pause;
            or_cancel(ports.cancel, clock.sleep(pause.min(self.left(progress.begun)))).await?;
            progress.pause = (pause * 3 / 2).min(LONGEST);
            if self.held.is_some() && how.merge != Merge::None && pause > FIRST {
                // Whoever waits for approvals asks often.
                return Ok(End::Judge {
                    stays: true,
                    afresh: false,
                });
            }
        }
    }

    /// Asks for a merge where that can help. What was judged a while ago is judged again first; `to_ask` says that this was done.
    async fn asked(&self, state: &State, progress: &mut Progress, to_ask: &mut bool) -> Result<Option<End>, Fault> {
        let Some(wish) = self.wish(state) else {
            return Ok(None);
        };
        if !std::mem::take(to_ask) && self.since(self.asked_at) > FRESH && self.bounds.is_open() {
            progress.to_ask = true;
            return Ok(Some(self.judge()));
        }
        let commit = self.ask(wish, state, progress).await?;
        Ok(commit.map(|commit| End::Ended(Ended::Merged(commit))))
    }

    /// Everything is to be judged again: with new answers of the servers, unless they have just given some.
    fn judge(&self) -> End {
        End::Judge {
            stays: true,
            afresh: self.since(self.asked_at) > FRESH,
        }
    }

    /// How long ago that was.
    fn since(&self, at: Duration) -> Duration {
        self.way.ports.clock.now().saturating_sub(at)
    }

    /// Returns how long the next pause can be: until the end of the wait, or until a gate closes.
    fn left(&self, begun: Duration) -> Duration {
        let now = self.way.ports.clock.now();
        let closes = self.validity.closes_in.map(|pause| self.judged + pause + MARGIN);
        let end = self.until.max(begun + FIRST);
        let next = closes.filter(|at| *at > now).map_or(end, |at| at.min(end));
        next.saturating_sub(now).max(Duration::from_millis(100))
    }

    /// Whether everything is to be judged again, whatever it waits for: the base has another head, a gate has closed by the calendar, or GitHub
    /// merges by itself what was judged a while ago.
    async fn is_outdated(&self, state: &State) -> Result<bool, Fault> {
        let Validity {
            closes_in,
            asks_servers,
        } = self.validity;
        let by_itself = state.armed || state.queued.is_some();
        if closes_in.is_some_and(|pause| self.since(self.judged) >= pause + MARGIN)
            || by_itself && asks_servers && self.since(self.asked_at) > FRESH_WHILE_ARMED
        {
            return Ok(true);
        }
        let Tip { branch, commit, .. } = self.base;
        if state.base.as_ref().is_none_or(|base| base == commit) {
            return Ok(false);
        }
        // What this API says of the branch can be older than what git says.
        let tip = self.way.repo.reference(&branch.reference()).await?;
        Ok(tip.as_ref() != Some(commit))
    }

    /// Returns what GitHub can be asked for as it stands.
    fn wish(&self, state: &State) -> Option<Wish> {
        match &state.blocked {
            _ if state.queued.is_some() => None,
            None if state.has_queue => Some(Wish::Enqueue),
            None => Some(Wish::Merge),
            Some(Blocked::ChecksPending | Blocked::ReviewsMissing | Blocked::Rule)
                if self.way.how.merge == Merge::Auto && !state.armed =>
            {
                Some(Wish::Arm)
            }
            Some(_) => None,
        }
    }

    /// Asks for the merge. Returns the commit if it is merged at once.
    async fn ask(&self, wish: Wish, state: &State, progress: &mut Progress) -> Result<Option<CommitSha>, Fault> {
        let Way { pulls, ports, .. } = self.way;
        let bound = self.bounds.waiting();
        let Open {
            pull, head, message, ..
        } = self.at;
        let number = pull.number;
        let merged = match wish {
            Wish::Enqueue => {
                let what = format!("the request to add pull request #{number} to the merge queue");
                bound.write(&what, "it is there", pulls.enqueue(pull, head)).await?
            }
            Wish::Merge => {
                let (what, done) = (
                    format!("the merge of pull request #{number}"),
                    format!("pull request #{number} is merged"),
                );
                let merging = pulls.merge(pull, head, state.method, message);
                bound.write(&what, &done, merging).await?
            }
            Wish::Arm => {
                let method = (!state.has_queue).then_some(state.method);
                let what = format!("the request for auto-merge of pull request #{number}");
                let arming = pulls.arm(pull, head, method, message);
                bound.write(&what, "GitHub merges it", arming).await?
            }
        };
        progress.said = None;
        progress.lost = matches!(merged, Merged::Lost(_));
        match merged {
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
}
