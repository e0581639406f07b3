//! The seam to the host of the infra-repo, for what git's own protocol does not say before a push. Changes nothing.

use std::rc::Rc;

use async_trait::async_trait;

use crate::github::{GitHub, Place};
use crate::http::{Client, Tokens};
use crate::model::{BranchName, Clock, Fault, Timestamp};

mod approvers;
mod environments;
mod github;
mod hiding;
pub mod inputs;
mod pulls;
mod source;
mod sources;

pub use approvers::{Approvers, Reviewed, Run, open as open_approvers};
pub use environments::{DeployBranches, DeployEnvironment, Environments, open as open_environments};
pub use pulls::{Blocked, Merge, Merged, Method, New, People, Pull, Pulls, State, open as open_pulls};
pub use source::{
    Deployment, DeploymentState, DeploymentStatus, NewDeployment, Source, SourcePull, open as open_source,
};
pub use sources::{Comparison, SourceCommit, SourceCommits, open as open_sources};

/// What a host says of a branch and of the token that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BranchRules {
    /// When the token expires, if the host says so.
    pub token_until: Option<Timestamp>,
    /// The kinds of rules of the branch that can stop a push, in the host's words. The host does not say whether the token is exempt.
    pub rules: Vec<String>,
    /// How many approving reviews a pull request needs.
    pub reviews: Option<u64>,
    /// The checks that a pull request needs.
    pub checks: Vec<String>,
}

/// What the settings of a branch protect it from, besides rulesets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    None,
    /// Something that the token does not see.
    Hidden,
    /// This, in the words of rulesets.
    Seen(BranchRules),
}

/// How a repository lets pull requests be merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeSettings {
    /// Whether GitHub merges by itself when it can; `None` where the token does not see it.
    pub auto_merge: Option<bool>,
    /// The methods: `squash`, `merge`, `rebase`.
    pub methods: Vec<&'static str>,
}

/// Reads the rules of branches.
#[async_trait(?Send)]
pub trait Rules {
    /// Returns what the host says of a branch.
    ///
    /// # Errors
    /// It gives no usable answer.
    async fn rules(&self, branch: &BranchName) -> Result<BranchRules, Fault>;

    /// Returns what the settings of a branch protect it from.
    ///
    /// # Errors
    /// As [`Rules::rules`].
    async fn protection(&self, branch: &BranchName) -> Result<Protection, Fault>;

    /// Returns how pull requests are merged.
    ///
    /// # Errors
    /// As [`Rules::rules`].
    async fn settings(&self) -> Result<MergeSettings, Fault>;

    /// Checks that the token can read pull requests.
    ///
    /// # Errors
    /// It cannot, or as [`Rules::rules`].
    async fn pull_requests(&self) -> Result<(), Fault>;
}

/// Opens the host of an infra-repo. `place` is its API where its host is GitHub; `None` for every other, which nothing is asked of.
#[must_use]
pub fn open(
    place: Option<&Place>,
    http: Client,
    token: Option<Rc<dyn Tokens>>,
    clock: Rc<dyn Clock>,
) -> Option<Box<dyn Rules>> {
    let api = GitHub::new(place?.clone(), http, token, clock);
    Some(Box::new(github::Host::new(api)))
}
