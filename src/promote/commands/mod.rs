//! The commands: one file each, which tells the command's story from top to bottom.

pub(super) mod abort;
mod changed;
mod checks;
mod finish;
pub(super) mod hold;
pub(super) mod plan;
pub(super) mod preflight;
pub(super) mod promote;
pub(super) mod recording;
pub(super) mod resume;
mod rollouts;
mod running;
pub(super) mod status;
pub(super) mod verify;
pub(super) mod wait;
mod watching;
