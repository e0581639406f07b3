//! What became of a pin.

use super::{AppName, ClusterName, EnvironmentName, Pin, RepoPath, Syntax};

/// One pin before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinChange {
    /// The app whose overlay it is in.
    pub app: AppName,
    /// The environment of that overlay.
    pub environment: EnvironmentName,
    /// The cluster that the overlay is for, where each has its own.
    pub cluster: Option<ClusterName>,
    /// The file.
    pub file: RepoPath,
    /// How the file is read.
    pub syntax: Syntax,
    /// As it was; only the name if there was no entry.
    pub before: Pin,
    /// As it is in the commit; its line is the first that changed.
    pub after: Pin,
}

impl PinChange {
    /// Returns the entry's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.after.name
    }

    /// Whether another image runs because of it.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.before.reference() != self.after.reference()
    }
}
