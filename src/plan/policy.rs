//! How applications are followed: as the inputs and promote.yaml say it, and as it is once both and the defaults are joined.

use std::time::Duration;

/// How an application is followed. `None` = not said here: the next source decides (inputs, then promote.yaml, then the default).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Who starts the sync.
    pub sync: Option<SyncMode>,
    /// For sync and wait together, from landing.
    pub timeout: Option<Duration>,
    /// For a canary that pauses for a person.
    pub pause_timeout: Option<Duration>,
    /// How long it must stay healthy.
    pub settle: Option<Duration>,
    /// What a pause for a person means.
    pub on_pause: Option<OnPause>,
    /// What a later commit that changed our pin means.
    pub on_superseded: Option<OnSuperseded>,
}

/// `sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// Refresh an auto-syncing application, trigger a manual one.
    Auto,
    /// Trigger it, whatever its policy.
    Trigger,
    /// Refresh only.
    Never,
}

/// `on-pause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPause {
    /// Wait for the person, up to `pause-timeout`.
    Wait,
    /// End the step with the outcome `paused`.
    Succeed,
    /// End the step as failed.
    Fail,
}

/// `on-superseded`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSuperseded {
    /// Exit code 9.
    Fail,
    /// Exit code 0.
    Succeed,
}

/// A policy with every question answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedPolicy {
    /// Who starts the sync.
    pub sync: SyncMode,
    /// For sync and wait together, from landing.
    pub timeout: Duration,
    /// For a canary that pauses for a person.
    pub pause_timeout: Duration,
    /// How long it must stay healthy.
    pub settle: Duration,
    /// What a pause for a person means.
    pub on_pause: OnPause,
    /// What a later commit that changed our pin means.
    pub on_superseded: OnSuperseded,
}

impl Policy {
    /// Fills what is not said here from `next`.
    #[must_use]
    pub fn or(self, next: Self) -> Self {
        Self {
            sync: self.sync.or(next.sync),
            timeout: self.timeout.or(next.timeout),
            pause_timeout: self.pause_timeout.or(next.pause_timeout),
            settle: self.settle.or(next.settle),
            on_pause: self.on_pause.or(next.on_pause),
            on_superseded: self.on_superseded.or(next.on_superseded),
        }
    }

    /// Fills what is still open with the contract's defaults.
    #[must_use]
    pub fn resolve(self) -> ResolvedPolicy {
        ResolvedPolicy {
            sync: self.sync.unwrap_or(SyncMode::Auto),
            timeout: self.timeout.unwrap_or(Duration::from_secs(15 * 60)),
            pause_timeout: self.pause_timeout.unwrap_or(Duration::from_secs(6 * 60 * 60)),
            settle: self.settle.unwrap_or(Duration::from_secs(10)),
            on_pause: self.on_pause.unwrap_or(OnPause::Wait),
            on_superseded: self.on_superseded.unwrap_or(OnSuperseded::Fail),
        }
    }
}

impl SyncMode {
    /// The words of the input `sync`.
    pub const WORDS: [&str; 3] = ["auto", "trigger", "never"];

    /// Reads one of the words.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Self::Auto),
            "trigger" => Some(Self::Trigger),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

impl OnPause {
    /// The words of the input `on-pause`.
    pub const WORDS: [&str; 3] = ["wait", "succeed", "fail"];

    /// Reads one of the words.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "wait" => Some(Self::Wait),
            "succeed" => Some(Self::Succeed),
            "fail" => Some(Self::Fail),
            _ => None,
        }
    }
}

impl OnSuperseded {
    /// The words of the input `on-superseded`.
    pub const WORDS: [&str; 2] = ["fail", "succeed"];

    /// Reads one of the words.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "fail" => Some(Self::Fail),
            "succeed" => Some(Self::Succeed),
            _ => None,
        }
    }
}
