//! One suite for each seam, run over every implementation.

mod delivery;
mod infrarepo;
mod metrics;
mod registry;
