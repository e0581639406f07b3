//! What a wait asks and reports.

use crate::delivery::{Drive, Reader};
use crate::infrarepo::InfraRepo;
use crate::journal::Journal;
use crate::model::Clock;

use crate::promote::follow::judging::Judge;

/// The ports of a wait.
#[derive(Clone, Copy)]
pub struct FollowPorts<'a> {
    /// Reads applications.
    pub observe: &'a dyn Reader,
    /// Starts syncs; `None` = nothing may be started.
    pub drive: Option<&'a dyn Drive>,
    /// Says what later revisions are to ours.
    pub repo: &'a dyn InfraRepo,
    /// Gets what the wait waits for.
    pub journal: &'a dyn Journal,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Judges the pauses of canaries, where that is asked for; `None` = they wait for a person.
    pub judge: Option<Judge<'a>>,
}
