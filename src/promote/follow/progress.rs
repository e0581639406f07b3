//! Reports to the journal what the wait waits for: of a few applications each change, of many how many are where; and all the time one line for
//! those who watch. Decides nothing and waits for nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::assess::rollout::{State, Verdict};
use crate::journal::Journal;
use crate::model::{Event, Milestone, in_words};

use crate::promote::follow::said::Said;
use crate::promote::follow::track::Track;

/// Up to so many applications each report what they do; of more, only how many are where.
const FEW: usize = 10;
/// How often the counts of many applications are reported at most.
const SELDOM: Duration = Duration::from_secs(3);
/// How often many applications are counted at most.
const COUNTED: Duration = Duration::from_millis(250);

/// What is reported of a wait.
pub(in crate::promote) struct Telling<'a> {
    journal: &'a dyn Journal,
    few: bool,
    counts: Said,
    line: String,
    /// When many applications are counted again.
    next: Duration,
}

impl<'a> Telling<'a> {
    pub(in crate::promote) fn new(journal: &'a dyn Journal, applications: usize) -> Self {
        Self {
            journal,
            few: applications <= FEW,
            counts: Said::default(),
            line: String::new(),
            next: Duration::ZERO,
        }
    }

    /// Says what an application does when that changed, and else every 30 s. Of many, only what is a bad end is reported one by one.
    pub(in crate::promote) fn one(&self, track: &mut Track<'_>, now: Duration) {
        if track.verdict.is_none() && track.requests.silent_since.is_none() {
            return;
        }
        let why = track.why();
        let bad_end = track.is_final() && !track.is_live();
        if (self.few || bad_end)
            && let Some(event) = track.said.again(&why, track.pauses.since, now)
        {
            match event(why) {
                Event::Waiting(_) if track.is_final() => {}
                Event::Waiting(_) => self.journal.tell(Event::Waiting(timed(track, now))),
                Event::Progress(text) => self.journal.tell(match milestone(track) {
                    Some(reached) => Event::Reached(reached, text),
                    None => Event::Progress(text),
                }),
                event => self.journal.tell(event),
            }
        }
        self.canary(track);
        if track.is_live() && !track.said.live {
            track.said.live = true;
            self.live(track);
        }
    }

    /// Says that an application is live, with what is not as it should be.
    fn live(&self, track: &Track<'_>) {
        let Some(Verdict::Live { warnings, .. }) = &track.verdict else {
            return;
        };
        if self.few {
            let live = format!("{} is live", track.name());
            self.journal.tell(Event::Reached(Milestone::Live, live));
        }
        for warning in warnings {
            self.journal.warn(warning.clone());
        }
    }

    /// Reports by how much a canary makes the wait longer.
    fn canary(&self, track: &mut Track<'_>) {
        let alone = track.known.canaries.alone();
        if alone > track.said.alone {
            track.said.alone = alone;
            self.journal.tell(Event::Notice(format!(
                "{}: the timed pauses and analyses of its canary take {}: the timeout is now {} + {} = {}",
                track.name(),
                in_words(alone),
                in_words(track.target.policy.timeout),
                in_words(alone),
                in_words(track.limit())
            )));
        }
    }

    /// Reports of many how many are where, every few seconds at most, and of all the line for those who watch.
    pub(in crate::promote) fn all(&mut self, tracks: &[Track<'_>], now: Duration) {
        if !self.few {
            if now < self.next {
                return;
            }
            self.next = now.saturating_add(COUNTED);
        }
        let line = if self.few {
            let open = tracks.iter().find(|track| !track.is_final());
            let live = tracks.iter().filter(|track| track.is_live()).count();
            let of = match tracks {
                [_] => String::new(),
                many => format!("{live} of {} live; ", many.len()),
            };
            open.map(|track| format!("{of}{}", timed(track, now)))
        } else {
            let counts = counts(tracks);
            if now.saturating_sub(self.counts.at()) >= SELDOM
                && let Some(event) = self.counts.again(&counts, None, now)
            {
                self.journal.tell(event(counts.clone()));
            }
            let left = tracks.iter().map(|track| track.left(now)).min();
            Some(format!("{counts} ({} left)", in_words(left.unwrap_or_default())))
        };
        if let Some(line) = line.filter(|line| *line != self.line) {
            self.line.clone_from(&line);
            self.journal.tell(Event::Now(line));
        }
    }
}

/// Returns the milestone that an application has come to, if it is one that everybody wants to see.
fn milestone(track: &Track<'_>) -> Option<Milestone> {
    match track.verdict.as_ref().and_then(Verdict::state)? {
        State::OpRunning => Some(Milestone::SyncStarted),
        State::Untrusted => Some(Milestone::Synced),
        State::Settling => Some(Milestone::Healthy),
        _ => None,
    }
}

/// Returns what an application does, with its times.
fn timed(track: &Track<'_>, now: Duration) -> String {
    format!(
        "{} (for {}, {} left)",
        track.why(),
        in_words(now.saturating_sub(track.state_since)),
        in_words(track.left(now))
    )
}

fn counts(tracks: &[Track<'_>]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for track in tracks {
        let state = track
            .verdict
            .as_ref()
            .map_or("not read yet", |verdict| verdict.state().map_or("live", State::people));
        *counts.entry(state).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    format!("{} applications: {}", tracks.len(), counts.join(", "))
}
