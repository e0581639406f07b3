//! What became of a pin.

use super::{AppName, EnvironmentName, RepoPath, Syntax};

/// One pin before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinChange {
    /// The app whose overlay it is in.
    pub app: AppName,
    /// The environment of that overlay.
    pub environment: EnvironmentName,
    /// The file that holds it.
    pub file: RepoPath,
    /// How that file is read.
    pub syntax: Syntax,
    /// The pin's name: in a kustomization the entry's `name`.
    pub name: String,
    /// The line that changed, from 1, in the new file.
    pub line: usize,
    /// The reference before; only the name if it was not pinned.
    pub before: String,
    /// The reference after.
    pub after: String,
}
