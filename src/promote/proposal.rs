//! What is to land on a tip.

use crate::infrarepo::{FileEdit, Tip};

/// A commit that was prepared against a tip and may land on it alone, with whatever it was made from.
pub(super) struct Proposal<T> {
    /// The tip: the only parent of the commit, and what the branch must still be at.
    pub(super) tip: Tip,
    /// What it changes; empty = nothing is left to do.
    pub(super) edits: Vec<FileEdit>,
    /// The whole message.
    pub(super) message: String,
    /// What it was made from.
    pub(super) of: T,
}
