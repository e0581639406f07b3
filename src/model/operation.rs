//! What a sync does, and what became of each resource.

use std::fmt;

use super::{ResourceId, Timestamp};

/// The phase of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// At work, or waiting to try again.
    #[default]
    Running,
    /// Being stopped.
    Terminating,
    /// Done.
    Succeeded,
    /// Ended: something could not be applied, or a hook failed.
    Failed,
    /// Ended: it could not even begin.
    Error,
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Running => "Running",
            Self::Terminating => "Terminating",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Error => "Error",
        })
    }
}

impl Phase {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
}

/// The last sync operation that the engine has begun.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Operation {
    /// Where it stands.
    pub phase: Phase,
    /// What it says of itself.
    pub message: String,
    /// The revisions it syncs, as they stand there: one a source.
    pub revisions: Vec<String>,
    /// The server's time of its begin.
    pub started_at: Option<Timestamp>,
    /// The server's time of its end; also set while it waits to try again.
    pub finished_at: Option<Timestamp>,
    /// How often it has been tried again.
    pub retries: u32,
    /// Whether nothing is applied.
    pub dry_run: bool,
    /// Whether only some resources are synced.
    pub partial: bool,
    /// Names and values that the one who started it left there.
    pub notes: Vec<(String, String)>,
    /// What became of each resource.
    pub results: Vec<SyncResult>,
}

/// What became of one resource in an operation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncResult {
    /// Which.
    pub resource: ResourceId,
    /// Whether it is a hook.
    pub hook: bool,
    /// Whether it failed.
    pub failed: bool,
    /// What was said.
    pub message: String,
    /// The images of its containers.
    pub images: Vec<String>,
}
