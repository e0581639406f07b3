//! How the end of a run is shown in the repository of the source.

use crate::githost::DeploymentState;
use crate::model::Outcome;
use crate::report::ChangeRow;

/// Names the environments of pins.
pub(super) fn names(pins: &[&ChangeRow]) -> String {
    let mut names: Vec<&str> = pins.iter().map(|pin| pin.environment.as_str()).collect();
    names.dedup();
    names.join(", ")
}

/// Returns how a deployment stands after a run that ended so. Success is said only of what was seen live.
pub(super) const fn state(outcome: Outcome) -> DeploymentState {
    match outcome {
        Outcome::Promoted | Outcome::NoChange | Outcome::Live | Outcome::Verified | Outcome::Reverted | Outcome::Ok => {
            DeploymentState::Success
        }
        Outcome::Landed | Outcome::Paused | Outcome::Proposed | Outcome::Planned => DeploymentState::InProgress,
        Outcome::Superseded => DeploymentState::Inactive,
        Outcome::RolloutFailed
        | Outcome::Breached
        | Outcome::RolledBack
        | Outcome::RollbackFailed
        | Outcome::TimedOut => DeploymentState::Failure,
        Outcome::Bug
        | Outcome::Invalid
        | Outcome::Refused
        | Outcome::Denied
        | Outcome::Unreachable
        | Outcome::Cancelled { .. } => DeploymentState::Error,
    }
}

pub(super) const fn mark(outcome: Outcome) -> &'static str {
    match state(outcome) {
        DeploymentState::Success => "✅",
        DeploymentState::InProgress => "⏳",
        DeploymentState::Inactive => "⏭️",
        DeploymentState::Failure | DeploymentState::Error => "❌",
    }
}
