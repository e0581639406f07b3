//! The story of a promotion: snapshot, plan, look before writing, land, sync, wait, report.
//! Decides nothing itself: `plan` and `assess` do; it asks the ports and tells the journal.

use std::time::Duration;

use crate::delivery;
use crate::infrarepo::{Author, RepoAccess};
use crate::journal::Journal;
use crate::model::{Clock, Command, CommitSha};
use crate::plan::{Policy, Request};

mod cancel;
mod commands;
mod follow;
mod followee;
pub mod inputs;
mod land;
mod prepare;
mod rows;
mod run;
mod timeline;
mod underway;

pub use crate::plan::Identity;
pub use follow::{FollowPorts, Followed, follow};
pub use followee::{Candidate, FollowRequest, Followee, Which};
pub use prepare::precheck::precheck;
pub use run::run;

/// Everything a run needs to know, all inputs parsed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `promote`, `plan` (also `dry-run`), `wait`, `status` or `preflight`.
    pub command: Command,
    /// What is to be promoted.
    pub request: Request,
    /// `wait`: the commit to wait for; `None` = the tip of the branch.
    pub commit: Option<CommitSha>,
    /// The infra-repo.
    pub infra_repo: RepoAccess,
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

/// The signal that cancels the run, once there is one: 2 (SIGINT) or 15 (SIGTERM). No write begins after it.
pub type Cancel = tokio::sync::watch::Receiver<Option<u8>>;

/// What the story asks and tells besides the seams.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// Where it is told what happens.
    pub journal: &'a dyn Journal,
    /// The signal.
    pub cancel: &'a Cancel,
}
