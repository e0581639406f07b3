//! Since when what has been so, and when to ask for what again. Fed with time; reads none.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Health, Phase, SyncState, Timestamp};

use super::PROGRESSING_GRACE;
use super::baseline::Baseline;
use super::facts::Facts;
use super::verdict::{Ask, State};

/// Something that matters by how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Timer {
    SpecError,
    CompareError,
    LostOurs,
    /// An operation is over, and has no end.
    Unfinished,
    Terminating,
    /// An operation is asked for, and nobody picks it up.
    Requested,
    /// Synced, and out of sync all the same.
    OutOfSync,
    /// An automated application is out of sync, and nothing happens.
    Pending,
    Degraded,
    Progressing,
    UnknownHealth,
    StuckPod,
    Aborted,
    /// Our operation has begun.
    OurOperation,
    /// Our commit is what is shown.
    AboutOurs,
    /// All terms of success but the trust hold.
    Green,
    /// Green, and a refresh is still pending.
    GreenPending,
}

/// Since when what has been so.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    since: BTreeMap<Timer, Duration>,
    /// Since when the application was healthy, by the server's clock, when it became green.
    healthy: Option<Timestamp>,
}

impl Timers {
    /// Returns for how long it has been so; `None` if it is not.
    pub(super) fn held(&self, timer: Timer, now: Duration) -> Option<Duration> {
        self.since.get(&timer).map(|since| now.saturating_sub(*since))
    }

    /// Whether it has been so for at least that many seconds.
    pub(super) fn over(&self, timer: Timer, now: Duration, seconds: u64) -> bool {
        self.held(timer, now)
            .is_some_and(|held| held >= Duration::from_secs(seconds))
    }

    /// Returns since when it has been so.
    pub(super) fn since(&self, timer: Timer) -> Option<Duration> {
        self.since.get(&timer).copied()
    }

    pub(super) fn update(&mut self, now: Duration, facts: &Facts<'_>, baseline: &Baseline) {
        let app = facts.app;
        let condition = |kinds: &[&str]| {
            app.conditions
                .iter()
                .any(|condition| kinds.contains(&condition.kind.as_str()))
        };
        let operation = app.operation.as_ref();
        let ours = facts.compared.has_ours();
        let out = app.sync == SyncState::OutOfSync;
        let moving = app.health == Health::Progressing;
        let all = [
            (Timer::SpecError, condition(&["InvalidSpecError", "UnknownError"])),
            (
                Timer::CompareError,
                condition(&["ComparisonError"]) || app.sync == SyncState::Unknown,
            ),
            (Timer::LostOurs, facts.compared == super::Standing::Lacks),
            (
                Timer::Unfinished,
                operation.is_some_and(|operation| operation.phase.is_over() && operation.finished_at.is_none()),
            ),
            (
                Timer::Terminating,
                operation.is_some_and(|operation| operation.phase == Phase::Terminating),
            ),
            (Timer::Requested, app.operation_requested && operation.is_none()),
            (
                Timer::OutOfSync,
                out && ours
                    && facts.idle()
                    && (facts.our_success() && facts.trusted || facts.only_prunes() || facts.synced_what_is_compared()),
            ),
            (Timer::Pending, out && ours && app.automated && facts.idle()),
            (Timer::Degraded, app.health == Health::Degraded && facts.about_ours()),
            (Timer::Progressing, moving && facts.about_ours()),
            (Timer::OurOperation, facts.our_operation().is_some()),
            (Timer::AboutOurs, facts.about_ours()),
            (Timer::UnknownHealth, app.health == Health::Unknown),
            (Timer::StuckPod, !facts.seen.stuck_pods.is_empty()),
        ];
        for (timer, holds) in all {
            self.set(timer, holds, now);
        }
        let aborted = facts
            .seen
            .canaries
            .iter()
            .any(|canary| canary.aborted && canary.observed);
        self.set(Timer::Aborted, aborted && self.read_since_ours(facts), now);
        let synced =
            app.sync == SyncState::Synced || facts.deployed_before_tip() || self.over(Timer::OutOfSync, now, 30);
        let green = synced && facts.idle() && self.is_healthy(facts, baseline, now);
        // Between two looks it can have fallen and risen again: the server tells since when it is healthy.
        let fell = matches!((self.healthy, app.health_since), (Some(before), Some(since)) if since > before);
        if fell {
            self.since.remove(&Timer::Green);
        }
        self.set(Timer::Green, green && (ours || facts.deployed_before_tip()), now);
        self.healthy = app.health_since.filter(|_| self.since.contains_key(&Timer::Green));
        self.set(Timer::GreenPending, green && app.refresh_pending, now);
    }

    /// Returns since when our sync is at work, or what is shown is about our commit.
    pub(super) fn began_ours(&self) -> Option<Duration> {
        self.since(Timer::OurOperation).or(self.since(Timer::AboutOurs))
    }

    /// Whether the Rollouts were read since our sync began: before, they show what the version before came to.
    pub(super) fn read_since_ours(&self, facts: &Facts<'_>) -> bool {
        matches!((facts.seen.canaries_read, self.began_ours()), (Some(read), Some(begun)) if read > begun)
    }

    /// Whether a suspended Rollout was not read since our sync began. It may be a canary of our own version that pauses, which was suspended
    /// before we looked: no excuse for what was suspended before is good for that.
    pub(super) fn hides_canary(&self, facts: &Facts<'_>) -> bool {
        let mut resources = facts.app.resources.iter();
        !self.read_since_ours(facts)
            && resources.any(|resource| resource.is_rollout() && resource.health == Some(Health::Suspended))
    }

    fn is_healthy(&self, facts: &Facts<'_>, baseline: &Baseline, now: Duration) -> bool {
        let healthy = facts.health(baseline) == Health::Healthy;
        healthy && !self.hides_canary(facts) && !self.may_still_move(facts, now)
    }

    /// Whether an application that is only held up by what was on its way before is so for too short a time to say that it stays so.
    pub(super) fn may_still_move(&self, facts: &Facts<'_>, now: Duration) -> bool {
        let held = self.held(Timer::Progressing, now);
        facts.app.health == Health::Progressing && held.is_none_or(|held| held < PROGRESSING_GRACE)
    }

    /// Whether what the commit makes of each resource was read since what is shown is about our commit.
    pub(super) fn managed_since_ours(&self, facts: &Facts<'_>) -> bool {
        matches!((facts.seen.managed_read, self.since(Timer::AboutOurs)), (Some(read), Some(since)) if read > since)
    }

    fn set(&mut self, timer: Timer, holds: bool, now: Duration) {
        if holds {
            self.since.entry(timer).or_insert(now);
        } else {
            self.since.remove(&timer);
        }
    }
}

/// What was asked for, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Asks {
    /// Whether a refresh is under way: none is asked for then.
    pub(super) refreshing: bool,
    asked: BTreeMap<u8, Asked>,
}

#[derive(Clone, Debug)]
struct Asked {
    state: State,
    since: Duration,
    last: Option<Duration>,
    times: usize,
}

/// Between two of a kind, whatever the reason.
const BREATH: Duration = Duration::from_secs(2);

impl Asks {
    pub(super) fn due(&mut self, ask: Ask, state: State, gaps: &[u64], now: Duration) -> Option<Ask> {
        let refresh = matches!(ask, Ask::Refresh | Ask::HardRefresh);
        if refresh && self.refreshing {
            return None;
        }
        let asked = self.asked.entry(ask as u8).or_insert(Asked {
            state,
            since: now,
            last: None,
            times: 0,
        });
        if asked.state != state {
            asked.state = state;
            asked.since = now;
            asked.times = 0;
        }
        let gap = gaps.get(asked.times).or(gaps.last()).copied().unwrap_or(30);
        let from = asked.last.filter(|_| asked.times > 0).unwrap_or(asked.since);
        let breathed = asked.last.is_none_or(|last| now >= last + BREATH);
        if !breathed || now < from + Duration::from_secs(gap) {
            return None;
        }
        asked.times += 1;
        asked.last = Some(now);
        Some(ask)
    }

    /// Returns when it was asked for last.
    pub(super) fn last(&self, ask: Ask) -> Option<Duration> {
        self.asked.get(&(ask as u8)).and_then(|asked| asked.last)
    }
}
