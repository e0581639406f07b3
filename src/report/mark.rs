//! The mark beside a verdict: one for each way in which a run, or an application in it, can stand.

use super::{ApplicationRow, GateRow, GateState};
use crate::model::{Health, Outcome};

/// How something stands, as people see it at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// As it was to be.
    Good,
    /// Shown, and nothing was done.
    Shown,
    /// Done, and not seen to be good.
    Unwatched,
    /// Waits for a person.
    Paused,
    /// Replaced by something later.
    Replaced,
    /// Stopped from outside.
    Stopped,
    /// Not as it was to be.
    Bad,
}

impl Mark {
    /// Returns the mark of an application in a run that ended so.
    pub(super) fn of_application(row: &ApplicationRow, outcome: Outcome) -> Self {
        match outcome {
            _ if row.live => Self::Good,
            // Nothing was to become live.
            Outcome::Planned | Outcome::Landed | Outcome::Proposed | Outcome::NoChange => Self::Shown,
            Outcome::Refused if row.health == Health::Healthy => Self::Shown,
            Outcome::Paused => Self::Paused,
            Outcome::Superseded => Self::Replaced,
            Outcome::Cancelled { .. } => Self::Stopped,
            // A canary was stopped, as it was to be.
            Outcome::Ok => Self::Unwatched,
            _ => Self::Bad,
        }
    }

    /// Returns the mark of a gate.
    pub(super) const fn of_gate(row: &GateRow) -> Self {
        match (row.state, &row.skipped) {
            (GateState::Open, _) => Self::Good,
            (_, Some(_)) => Self::Unwatched,
            _ => Self::Bad,
        }
    }

    /// Returns it for a terminal or a log.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Shown => "·",
            Self::Unwatched => "!",
            Self::Paused => "⏸",
            Self::Replaced => "↷",
            Self::Stopped => "■",
            Self::Bad => "✗",
        }
    }

    /// Returns it for a summary.
    pub(super) const fn emoji(self) -> &'static str {
        match self {
            Self::Good => "✅",
            Self::Shown => "📝",
            Self::Unwatched => "⚠️",
            Self::Paused => "⏸️",
            Self::Replaced => "↷",
            Self::Stopped => "🛑",
            Self::Bad => "❌",
        }
    }
}
