//! What happens during a run, as the journal gets it. The receiver decides how it looks.

use super::Secret;

/// One thing worth telling. Texts may hold foreign words: the receiver makes them harmless.
#[derive(Clone, Debug)]
pub enum Event {
    /// A room of the run begins: `plan`, `land`, `wait`. Shown as a group in a step.
    Stage(String),
    /// Something moved. Shown always.
    Progress(String),
    /// What is waited for now, when nothing moved for a while. A terminal may overwrite it.
    Waiting(String),
    /// What is so at this moment. Shown only where it can be overwritten, by whatever comes next.
    Now(String),
    /// Worth knowing, not wrong.
    Notice(String),
    /// Wrong, but not enough to end the run; also a line of the report.
    Warning(String),
    /// For those who look for a fault: shown with `RUNNER_DEBUG=1` or `--verbose`.
    Debug(String),
    /// A promotion, or one of its applications, has come to a milestone. Always a point of the report's timeline.
    Reached(Milestone, String),
    /// An output that is known now.
    Output {
        /// Its name in the contract.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A secret made during the run, to be masked from now on.
    Mask(Secret),
}

/// The milestones that every promotion goes through, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Milestone {
    /// The commit is on the branch.
    Landed,
    /// The sync of the commit has started.
    SyncStarted,
    /// The sync is done.
    Synced,
    /// Healthy, and watched for a while.
    Healthy,
    /// Live.
    Live,
    /// Every analysis succeeded.
    Verified,
}

impl Milestone {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Landed,
        Self::SyncStarted,
        Self::Synced,
        Self::Healthy,
        Self::Live,
        Self::Verified,
    ];

    /// Returns it as people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::SyncStarted => "sync started",
            Self::Synced => "synced",
            Self::Healthy => "healthy",
            Self::Live => "live",
            Self::Verified => "verified",
        }
    }

    /// Whether it is something that is done, and not only a step on the way.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Landed | Self::Live | Self::Verified)
    }
}
