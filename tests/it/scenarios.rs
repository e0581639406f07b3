//! Whole promotions against the sandbox.

mod afterwards;
mod before_writing;
mod bounds;
mod branches;
mod canary_control;
mod connections;
mod contention;
mod faults;
mod following;
mod gates;
mod history;
mod holds;
mod ineffective;
mod landing;
mod mistakes;
mod on_failure;
mod over_ssh;
mod page;
mod record;
mod riding_along;
mod rollback;
mod tokens;
mod verify;
