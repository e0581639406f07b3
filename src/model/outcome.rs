//! How a run can end, and the exit code that each end has. A closed list: workflows depend on it.

use serde::{Serialize, Serializer};

/// The end of a run, as it stands in the report and in the output `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed, and seen live and healthy.
    Promoted,
    /// The pin was there already; seen live where there is a server to ask.
    NoChange,
    /// Committed; nothing was watched.
    Landed,
    /// A canary waits for a person, and `on-pause: succeed` says that this is the end of the step.
    Paused,
    /// What would be written was shown.
    Planned,
    /// `wait`: the commit is live and healthy.
    Live,
    /// A command that only reads, or edits a local file, did its work.
    Ok,
    /// `rollback`: the earlier version is live and healthy again.
    Reverted,
    /// `verify`: it stayed live and healthy, and every analysis succeeded.
    Verified,
    /// A pull request is open, and the run does not wait for its merge.
    Proposed,
    /// A later commit changed our pin.
    Superseded,
    /// A mistake of ours.
    Bug,
    /// An input, the configuration or a file is wrong.
    Invalid,
    /// A gate is closed, or something seen before writing speaks against it.
    Refused,
    /// A server rejects the token, or the token lacks a permission.
    Denied,
    /// A server does not answer, or answers with something else than what it is asked.
    Unreachable,
    /// Argo CD could not make the change live; it is left in place.
    RolloutFailed,
    /// A verification failed; the change is left in place.
    Breached,
    /// It failed, and what it replaced is live and healthy again.
    RolledBack,
    /// Going back failed as well: a person is needed now.
    RollbackFailed,
    /// The deadline came first.
    TimedOut,
    /// SIGHUP, SIGINT or SIGTERM.
    Cancelled {
        /// The number of the signal: 1, 2 or 15.
        signal: u8,
    },
}

impl Outcome {
    /// Every outcome, in the order of the exit codes: the source of the generated reference page.
    pub const ALL: [Self; 24] = [
        Self::Promoted,
        Self::NoChange,
        Self::Landed,
        Self::Paused,
        Self::Planned,
        Self::Live,
        Self::Ok,
        Self::Reverted,
        Self::Verified,
        Self::Proposed,
        Self::Bug,
        Self::Invalid,
        Self::Refused,
        Self::Denied,
        Self::Unreachable,
        Self::RolloutFailed,
        Self::Breached,
        Self::RolledBack,
        Self::RollbackFailed,
        Self::Superseded,
        Self::TimedOut,
        Self::Cancelled { signal: 1 },
        Self::Cancelled { signal: 2 },
        Self::Cancelled { signal: 15 },
    ];

    /// Returns the name in reports and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::NoChange => "no-change",
            Self::Landed => "landed",
            Self::Paused => "paused",
            Self::Planned => "planned",
            Self::Live => "live",
            Self::Ok => "ok",
            Self::Reverted => "reverted",
            Self::Verified => "verified",
            Self::Proposed => "proposed",
            Self::Superseded => "superseded",
            Self::Bug => "bug",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::RolloutFailed => "rollout-failed",
            Self::Breached => "breached",
            Self::RolledBack => "rolled-back",
            Self::RollbackFailed => "rollback-failed",
            Self::TimedOut => "timed-out",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Returns the process's exit code. `superseded` is 9 here; `on-superseded: succeed` makes it 0 in the report.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Promoted
            | Self::NoChange
            | Self::Landed
            | Self::Paused
            | Self::Planned
            | Self::Live
            | Self::Ok
            | Self::Reverted
            | Self::Verified
            | Self::Proposed => 0,
            Self::Bug => 1,
            Self::Invalid => 2,
            Self::Refused => 3,
            Self::Denied | Self::Unreachable => 4,
            Self::RolloutFailed => 5,
            Self::Breached => 6,
            Self::RolledBack => 7,
            Self::RollbackFailed => 8,
            Self::Superseded => 9,
            Self::TimedOut => 10,
            Self::Cancelled { signal } => 128 + signal,
        }
    }

    /// Returns what it means, and what the infra-repo looks like afterwards, in one sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Promoted => "committed, and seen live and healthy",
            Self::NoChange => "the pin was already there (and live, if `argocd-server` is set); nothing was written",
            Self::Landed => "committed; nothing was watched",
            Self::Paused => "committed; a canary is paused for a person and `on-pause` is `succeed`",
            Self::Planned => "what would be written was shown; nothing was written",
            Self::Live => "the commit is live and healthy",
            Self::Ok => "done",
            Self::Reverted => "the earlier version is live and healthy again",
            Self::Verified => "it stayed live and healthy, and every analysis succeeded",
            Self::Proposed => "a pull request is open; nothing is on the branch yet",
            Self::Superseded => "a later commit changed the pin (exit code 0 with `on-superseded: succeed`)",
            Self::Bug => "an internal error; the report says what was written",
            Self::Invalid => "an input, the configuration or a file is wrong; nothing was written",
            Self::Refused => "a gate is closed, or a check before writing failed; nothing was written",
            Self::Denied => "a server rejected the token or the request; the report says what was written",
            Self::Unreachable => "a server gives no usable answer; the report says what was written",
            Self::RolloutFailed => "Argo CD could not make the change live; the commit is left in place",
            Self::Breached => "a verification failed; the commit is left in place",
            Self::RolledBack => "the promotion failed, and the previous version is live and healthy again",
            Self::RollbackFailed => {
                "going back failed as well; a person is needed now, and the report says what was written"
            }
            Self::TimedOut => "the timeout came first; the report says what promote was waiting for",
            Self::Cancelled { .. } => "the run was cancelled by a signal; nothing was written after it",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}
