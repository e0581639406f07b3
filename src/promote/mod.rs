//! The story of a promotion: snapshot, plan, look before writing, land, sync, wait, report.
//! Decides nothing itself: `plan` and `assess` do; it asks the ports and tells the journal.

mod carries;
mod follow;
pub mod inputs;
mod poll;
mod precheck;
mod target;
mod track;

use std::time::Duration;

use crate::delivery;
use crate::infrarepo::{Author, Target};
use crate::model::Command;
use crate::plan::{Policy, Request};

pub use follow::{FollowPorts, Followed, follow};
pub use precheck::precheck;
pub use target::{Candidate, FollowRequest, Target as FollowTarget, Which};

/// Everything a run needs to know, all inputs parsed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `promote`, or `plan` (also `dry-run`).
    pub command: Command,
    /// What is to be promoted.
    pub request: Request,
    /// The infra-repo.
    pub infra_repo: Target,
    /// The Argo CD server, if there is one.
    pub argocd: Option<delivery::Settings>,
    /// PEM text added to the built-in roots.
    pub ca_bundle: Option<String>,
    /// Whether to wait until it is live. Never true without `argocd`.
    pub wait: bool,
    /// How the inputs say applications are followed.
    pub policy: Policy,
    /// The bound of landing, retries included.
    pub landing_timeout: Duration,
    /// Author and committer.
    pub author: Author,
    /// Who runs it, and where.
    pub identity: Identity,
}

/// The trailers that do not come from the plan.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `Promote-By`: who triggered the run, or the user on a laptop.
    pub by: String,
    /// `Promote-Run`: the run's address with its attempt, or a random id.
    pub run: String,
    /// `Promote-Action`: name and version.
    pub action: String,
}

/// The signal that cancels the run, once there is one: 2 (SIGINT) or 15 (SIGTERM). No write begins after it.
pub type Cancel = tokio::sync::watch::Receiver<Option<u8>>;
