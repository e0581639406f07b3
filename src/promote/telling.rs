//! Tells the journal what is waited for: of a few applications each change, of many how many are where.
//! Decides nothing and waits for nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::assess::rollout::{State, Verdict};
use crate::model::Event;

use super::follow::FollowPorts;
use super::track::Track;

/// Up to so many applications each tell what they do; of more, only how many are where.
pub(super) const FEW: usize = 10;
/// How often something is told although nothing changed.
const OFTEN: Duration = Duration::from_secs(30);

/// Tells what is waited for when that changed, and else every 30 s. Of many applications only what is an end is told one by one.
pub(super) fn tell(ports: FollowPorts<'_>, track: &mut Track<'_>, many: bool, now: Duration) {
    if track.verdict.is_none() && track.silent_since.is_none() {
        return;
    }
    let why = track.why();
    if why == track.said {
        if now.saturating_sub(track.said_at) >= OFTEN && !track.is_final() && !many {
            track.said_at = now;
            ports.journal.tell(Event::Waiting(format!(
                "{why} (for {}, {} left)",
                length(now.saturating_sub(track.state_since)),
                length(track.deadline.saturating_sub(now))
            )));
        }
        return;
    }
    if !many || (track.is_final() && !track.is_live()) {
        ports.journal.tell(Event::Progress(why.clone()));
    }
    track.said = why;
    track.said_at = now;
    if let Some(Verdict::Live { warnings, .. }) = &track.verdict {
        if !many {
            ports
                .journal
                .tell(Event::Milestone(format!("{} is live", track.name())));
        }
        for warning in warnings {
            ports.journal.warn(warning.clone());
        }
    }
    if !track.extended && !track.own_pauses().is_zero() {
        track.extended = true;
        track.deadline = track.deadline.saturating_add(track.own_pauses());
        ports.journal.tell(Event::Notice(format!(
            "{}: its canary pauses {} by itself: waiting {} in all",
            track.name(),
            length(track.own_pauses()),
            length(track.target.policy.timeout.saturating_add(track.own_pauses()))
        )));
    }
}

/// Tells how many of many applications are where, when that changed, every few seconds at most.
pub(super) fn tell_all(ports: FollowPorts<'_>, tracks: &[Track<'_>], said: &mut (Duration, String), now: Duration) {
    let since = now.saturating_sub(said.0);
    if since < Duration::from_secs(3) {
        return;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for track in tracks {
        let state = track
            .verdict
            .as_ref()
            .map_or("not read yet", |verdict| verdict.state().map_or("live", State::people));
        *counts.entry(state).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let text = format!("{} applications: {}", tracks.len(), counts.join(", "));
    if text == said.1 && since < OFTEN {
        return;
    }
    let event = if text == said.1 {
        Event::Waiting
    } else {
        Event::Progress
    };
    ports.journal.tell(event(text.clone()));
    *said = (now, text);
}

/// Returns a length of time as people read it, in whole seconds.
pub(super) fn length(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}
