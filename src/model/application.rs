//! What an engine that deploys says about an application, in words that belong to no one engine's JSON.
//! Knows neither how it was read nor what it means for a promotion.

use super::{CommitSha, Health, Operation, RepoIdentity, Resource, SyncState, Timestamp};

/// Where an application's manifests come from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AppSource {
    /// The repository, as written in the application.
    pub repo_url: String,
    /// Which repository that is.
    pub repository: RepoIdentity,
    /// The folder in it; empty when there is none.
    pub path: String,
    /// The branch, tag or commit it follows; empty and `HEAD` mean the default branch.
    pub target_revision: String,
    /// Whether it is a chart of a chart repository, whose revisions are versions.
    pub chart: bool,
    /// What it sets for kustomize and Helm, over what the repository says: an object in JSON, empty when it sets nothing.
    pub overrides: String,
}

/// Something that the engine complains about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its type: `ComparisonError`, `SyncError`, …
    pub kind: String,
    /// What it says.
    pub message: String,
}

/// What a hydrator did last: it renders the dry commit into a branch that is synced.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Hydration {
    /// `Hydrating`, `Hydrated`, `Failed`; empty before the first.
    pub phase: String,
    /// What it says.
    pub message: String,
    /// The dry commit it is at.
    pub dry: Option<CommitSha>,
    /// The commit that it wrote; `None` when nothing had to be written.
    pub hydrated: Option<CommitSha>,
    /// The dry commit that was compared last, changes or not.
    pub compared: Option<CommitSha>,
}

/// All that one look at an application shows. Every field is what it is when the engine is silent about it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the engine shows"
)]
pub struct AppSnapshot {
    /// Its name.
    pub name: String,
    /// The namespace of its object.
    pub namespace: String,
    /// The environment whose server showed it, where there are several servers.
    pub environment: Option<String>,
    /// The identity of its object: another one after it was created again.
    pub uid: String,
    /// Counts its changes; only to be compared between looks at the same object. `None` when it is no number.
    pub version: Option<u64>,
    /// Its project.
    pub project: String,
    /// Whether a refresh has been asked for and not been done.
    pub refresh_pending: bool,
    /// Whether the engine is to leave it alone.
    pub skips_reconcile: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether the engine may take a commit that touches none of certain paths for rendered.
    pub path_filtered: bool,
    /// The set of applications that it was made by, if one made it.
    pub set: Option<String>,
    /// Where its manifests come from.
    pub sources: Vec<AppSource>,
    /// Whether the engine syncs it by itself.
    pub automated: bool,
    /// What it is compared with, one a source; may be a branch's name when that could not be resolved.
    pub revisions: Vec<String>,
    /// Whether it is in sync with that.
    pub sync: SyncState,
    /// Its health.
    pub health: Health,
    /// What its health says of itself.
    pub health_message: String,
    /// Since when its health is what it is, by the server's clock; not every version says so.
    pub health_since: Option<Timestamp>,
    /// When it was last compared, by the server's clock.
    pub reconciled_at: Option<Timestamp>,
    /// Whether an operation has been asked for and is not over.
    pub operation_requested: bool,
    /// The last operation that has begun.
    pub operation: Option<Operation>,
    /// What the engine complains about.
    pub conditions: Vec<Condition>,
    /// What it manages.
    pub resources: Vec<Resource>,
    /// The images that run.
    pub images: Vec<String>,
    /// What was last synced with success, one a source.
    pub last_synced: Vec<String>,
    /// The hydrator, if there is one.
    pub hydration: Option<Hydration>,
}
