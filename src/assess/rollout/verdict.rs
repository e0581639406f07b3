//! What a look at an application means for the wait, with its reason.

use std::time::Duration;

use crate::model::CommitSha;

/// Where a wait stands. The names are those of the state machine in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Deleted, being deleted, or not to be seen any more.
    Gone,
    /// It can never show our commit.
    ConfigFail,
    /// Its specification is wrong.
    SpecError,
    /// Its manifests cannot be compared.
    CompareError,
    /// Its hydrator could not render our commit.
    HydrateFail,
    /// Its hydrator has not rendered our commit yet.
    Hydrating,
    /// Our commit was there and has gone.
    Regressed,
    /// A later commit changed our pin.
    Superseded,
    /// Our commit has not been compared yet.
    NotSeen,
    /// An operation does not end.
    OpStuck,
    /// The sync of our commit failed.
    SyncError,
    /// A sync window is closed.
    Window,
    /// Somebody else's operation is at work.
    ForeignOp,
    /// The sync of our commit is at work.
    OpRunning,
    /// What is shown may be older than the sync.
    Untrusted,
    /// Synced, and still not what the commit renders to.
    StuckOutOfSync,
    /// A manual application that has to be synced.
    NeedSync,
    /// An automated application that will be synced.
    AutoPending,
    /// A canary is on its way.
    Rollout,
    /// A canary waits for a person.
    Paused,
    /// Broken.
    Degraded,
    /// A pod cannot start.
    PodFail,
    /// Something else waits to be resumed.
    Suspended,
    /// Nothing is there.
    Missing,
    /// Health cannot be assessed.
    UnknownHealth,
    /// On its way.
    Progressing,
    /// Green, but our image is not in it.
    NoopCheck,
    /// Green, and watched for a while.
    Settling,
}

impl State {
    /// Returns the name in logs and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gone => "GONE",
            Self::ConfigFail => "CONFIG_FAIL",
            Self::SpecError => "SPEC_ERR",
            Self::CompareError => "CMP_ERR",
            Self::HydrateFail => "HYDRATE_FAIL",
            Self::Hydrating => "HYDRATING",
            Self::Regressed => "REGRESSED",
            Self::Superseded => "SUPERSEDED",
            Self::NotSeen => "NOT_SEEN",
            Self::OpStuck => "OP_STUCK",
            Self::SyncError => "SYNC_ERR",
            Self::Window => "WINDOW",
            Self::ForeignOp => "FOREIGN_OP",
            Self::OpRunning => "OP_RUNNING",
            Self::Untrusted => "UNTRUSTED",
            Self::StuckOutOfSync => "STUCK_OOS",
            Self::NeedSync => "NEED_SYNC",
            Self::AutoPending => "AUTO_PENDING",
            Self::Rollout => "ROLLOUT",
            Self::Paused => "PAUSED",
            Self::Degraded => "DEGRADED",
            Self::PodFail => "POD_FAIL",
            Self::Suspended => "SUSPENDED",
            Self::Missing => "MISSING",
            Self::UnknownHealth => "UNKNOWN_H",
            Self::Progressing => "PROGRESSING",
            Self::NoopCheck => "NOOP_CHECK",
            Self::Settling => "SETTLING",
        }
    }

    /// Returns what an application does that stands there, as people count them.
    #[must_use]
    pub const fn people(self) -> &'static str {
        match self {
            Self::Gone | Self::ConfigFail => "not visible",
            Self::SpecError | Self::CompareError | Self::HydrateFail => "not compared",
            Self::Regressed | Self::Superseded => "at another commit",
            Self::NotSeen | Self::Hydrating => "not at this commit yet",
            Self::NeedSync | Self::AutoPending | Self::Window => "waiting for a sync",
            Self::OpStuck | Self::ForeignOp | Self::OpRunning | Self::Untrusted | Self::StuckOutOfSync => "syncing",
            Self::SyncError => "failed to sync",
            Self::Rollout | Self::Paused => "in a canary",
            Self::Degraded | Self::PodFail | Self::UnknownHealth => "broken",
            Self::Suspended | Self::Missing | Self::Progressing => "becoming healthy",
            Self::NoopCheck | Self::Settling => "healthy, watched",
        }
    }

    /// Returns what would come next, as the end of "next: …".
    #[must_use]
    pub const fn next(self) -> &'static str {
        match self {
            Self::Gone => "it is created, or the token can read it again",
            Self::NotSeen => "Argo CD compares this commit",
            Self::CompareError | Self::SpecError => "the error goes away and Argo CD compares this commit",
            Self::Hydrating | Self::HydrateFail => "the hydrator writes this commit to the branch that is synced",
            Self::NeedSync => "somebody syncs it",
            Self::AutoPending => "Argo CD begins the sync by itself",
            Self::Window => "the sync window opens and the sync begins",
            Self::ForeignOp | Self::OpStuck => "that operation ends and Argo CD syncs this commit",
            Self::OpRunning => "the sync ends and health is judged",
            Self::Rollout => "the canary goes through its steps",
            Self::Paused => "a person resumes the canary",
            Self::Settling => "it stays healthy long enough",
            Self::Untrusted => "health is assessed after the sync",
            Self::NoopCheck => "the image is found in the deployed resources",
            _ => "it becomes healthy",
        }
    }
}

/// What would help a wait on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Look at the branch again.
    Refresh,
    /// Also render the manifests again.
    HardRefresh,
    /// Sync it to the tip of its branch.
    Sync,
    /// Say which images are to run.
    Targets,
    /// Say what the sync windows are.
    Windows,
    /// Say what its pods do.
    Tree,
}

/// Not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Where it stands.
    pub state: State,
    /// What is waited for, as people read it.
    pub why: String,
    /// What would help now.
    pub ask: Option<Ask>,
    /// When the verdict may change by time alone; on the caller's monotonic clock.
    pub again: Option<Duration>,
}

/// What a look at an application means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not there yet.
    Waiting(Waiting),
    /// A canary waits for a person. Goes on by itself when resumed.
    Paused {
        /// Where it pauses.
        why: String,
    },
    /// It runs exactly our change, or a descendant that still carries it, and is healthy since.
    Live {
        /// The revision that is live.
        revision: CommitSha,
        /// What was seen.
        why: String,
        /// What is not as it should be, and is not about our change.
        warnings: Vec<String>,
    },
    /// It will not become live.
    Failed {
        /// Where it ended.
        state: State,
        /// Why.
        why: String,
        /// What can be done.
        hints: Vec<String>,
    },
    /// A later commit changed our pin.
    Superseded {
        /// The revision that was compared or synced instead.
        revision: CommitSha,
        /// Where that is seen.
        why: String,
    },
}

impl Verdict {
    /// Whether nothing can change it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting(_) | Self::Paused { .. })
    }

    /// Returns the reason.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Waiting(waiting) => &waiting.why,
            Self::Paused { why } | Self::Live { why, .. } | Self::Failed { why, .. } | Self::Superseded { why, .. } => {
                why
            }
        }
    }

    /// Returns where it stands; `None` when live.
    #[must_use]
    pub const fn state(&self) -> Option<State> {
        match self {
            Self::Waiting(waiting) => Some(waiting.state),
            Self::Paused { .. } => Some(State::Paused),
            Self::Live { .. } => None,
            Self::Failed { state, .. } => Some(*state),
            Self::Superseded { .. } => Some(State::Superseded),
        }
    }
}
