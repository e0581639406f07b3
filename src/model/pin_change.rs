//! What became of a pin.

use super::{AppName, EnvironmentName, RepoPath};

/// One pin before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinChange {
    /// The app whose overlay it is in.
    pub app: AppName,
    /// The environment of that overlay.
    pub environment: EnvironmentName,
    /// The kustomization file.
    pub file: RepoPath,
    /// The entry's `name`.
    pub name: String,
    /// The line that changed, from 1, in the new file.
    pub line: usize,
    /// The reference before; only the name if it was not pinned.
    pub before: String,
    /// The reference after.
    pub after: String,
}
