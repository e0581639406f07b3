//! What was said of an application, and when it is worth saying again.

use std::time::Duration;

use crate::model::Event;

/// How often something is said although nothing changed.
const OFTEN: Duration = Duration::from_secs(30);
/// When something is said in a pause for a person, counted from its begin; after the last every so often. A person may need a night.
const IN_A_PAUSE: [Duration; 4] = [
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
];

/// What was said last, and when.
#[derive(Default)]
pub(in crate::promote) struct Said {
    text: String,
    at: Duration,
    /// How long its Rollouts take by themselves, as it was said.
    pub(in crate::promote) alone: Duration,
    /// Whether it was said that it is live.
    pub(in crate::promote) live: bool,
}

impl Said {
    /// Returns the event for `text`, if it is worth one now: it is another text, or it has not been said for a while. `paused` is since when
    /// it has paused for a person.
    pub(in crate::promote) fn again(
        &mut self,
        text: &str,
        paused: Option<Duration>,
        now: Duration,
    ) -> Option<fn(String) -> Event> {
        let changed = text != self.text;
        let due = match paused {
            Some(since) => now >= since.saturating_add(next_in_a_pause(self.at.saturating_sub(since))),
            None => now.saturating_sub(self.at) >= OFTEN,
        };
        if !changed && !due {
            return None;
        }
        text.clone_into(&mut self.text);
        self.at = now;
        Some(if changed { Event::Progress } else { Event::Waiting })
    }

    /// Returns when something was said last.
    pub(in crate::promote) const fn at(&self) -> Duration {
        self.at
    }
}

/// Returns how long after the begin of a pause something is said next, when the last time was `said` after it.
fn next_in_a_pause(said: Duration) -> Duration {
    let [.., last] = IN_A_PAUSE;
    (IN_A_PAUSE.into_iter()).find(|at| *at > said).unwrap_or_else(|| {
        let times = said.as_secs() / last.as_secs() + 1;
        Duration::from_secs(times * last.as_secs())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the seconds at which something that stays the same is said, after it was said at second `begin`.
    fn said(begin: u64, paused: bool, until: u64) -> Vec<u64> {
        let mut said = Said::default();
        (begin..=until)
            .filter(|second| {
                let since = Duration::from_secs(begin);
                let now = Duration::from_secs(*second);
                said.again("the same", paused.then_some(since), now).is_some()
            })
            .map(|second| second - begin)
            .collect()
    }

    #[test]
    fn a_wait_is_said_every_half_minute() {
        assert_eq!(said(100, false, 200), [0, 30, 60, 90]);
    }

    #[test]
    fn a_long_pause_is_said_less_and_less() {
        assert_eq!(said(100, true, 3000), [0, 30, 60, 300, 900, 1800, 2700]);
    }

    #[test]
    fn another_text_is_said_at_once() {
        let mut said = Said::default();
        assert!(said.again("one", None, Duration::from_secs(1)).is_some());
        assert!(said.again("one", None, Duration::from_secs(2)).is_none());
        assert!(
            said.again("two", Some(Duration::ZERO), Duration::from_secs(3))
                .is_some()
        );
    }
}
