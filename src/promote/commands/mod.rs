//! The commands: one file each, which tells the command's story from top to bottom.

pub(super) mod abort;
mod back;
mod changed;
mod checks;
mod drift;
mod finish;
mod gate_wait;
pub(super) mod history;
pub(super) mod hold;
mod on_failure;
pub(super) mod plan;
pub(super) mod preflight;
pub(super) mod promote;
pub(super) mod recording;
pub(super) mod resume;
pub(super) mod rollback;
mod rollouts;
mod running;
pub(super) mod source_repository;
pub(super) mod status;
pub(super) mod verify;
pub(super) mod wait;
mod watching;
