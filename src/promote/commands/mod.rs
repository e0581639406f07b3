//! The verbs: one file each.

pub(super) mod checks;
pub(super) mod preflight;
mod running;
pub(super) mod status;
