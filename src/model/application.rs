//! What an engine that deploys says about an application, in words that belong to no one engine's JSON.
//! Knows neither how it was read nor what it means for a promotion.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{CommitSha, RepoIdentity, Timestamp};

/// Which application: its name, and the namespace of its object where that is not the server's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApplicationId {
    namespace: Option<String>,
    name: String,
    environment: Option<String>,
}

impl ApplicationId {
    /// Reads `name` or `namespace/name`, each a Kubernetes name.
    ///
    /// # Errors
    /// Says what an application's name looks like, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if !is_kubernetes_name(name) || namespace.is_some_and(|namespace| !is_kubernetes_name(namespace)) {
            return Err(
                "is no application: it must be `name` or `namespace/name`, each of lower-case letters, digits, `-` and `.`"
                    .to_owned(),
            );
        }
        Ok(Self {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            environment: None,
        })
    }

    /// Says in which environment it is looked for, which tells servers apart where there are several.
    #[must_use]
    pub fn within(self, environment: &str) -> Self {
        Self {
            environment: Some(environment.to_owned()),
            ..self
        }
    }

    /// Returns the environment that it is looked for in.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Returns the namespace, if one was given.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn is_kubernetes_name(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 253
        && edge(text.bytes().next())
        && edge(text.bytes().next_back())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(out, "{namespace}/")?;
        }
        out.write_str(&self.name)
    }
}

/// Whether what runs is what the revision renders to, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum SyncState {
    /// It is.
    Synced,
    /// It is not.
    OutOfSync,
    /// It could not be compared, or the word is one we do not know.
    #[default]
    Unknown,
}

impl SyncState {
    /// All of them, from best to worst.
    pub const ALL: [Self; 3] = [Self::Synced, Self::OutOfSync, Self::Unknown];
}

impl fmt::Display for SyncState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Synced => "Synced",
            Self::OutOfSync => "OutOfSync",
            Self::Unknown => "Unknown",
        })
    }
}

impl Serialize for SyncState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Health, from best to worst, in Argo CD's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Health {
    /// All is well.
    Healthy,
    /// Something waits to be resumed.
    Suspended,
    /// On its way.
    Progressing,
    /// Nothing is there.
    Missing,
    /// Broken.
    Degraded,
    /// It could not be assessed, or the word is one we do not know.
    #[default]
    Unknown,
}

impl Health {
    /// All of them, from best to worst.
    pub const ALL: [Self; 6] = [
        Self::Healthy,
        Self::Suspended,
        Self::Progressing,
        Self::Missing,
        Self::Degraded,
        Self::Unknown,
    ];
}

impl fmt::Display for Health {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        })
    }
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

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

/// The phase of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// At work, or waiting to try again.
    #[default]
    Running,
    /// Being stopped.
    Terminating,
    /// Done.
    Succeeded,
    /// Ended: something could not be applied, or a hook failed.
    Failed,
    /// Ended: it could not even begin.
    Error,
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Running => "Running",
            Self::Terminating => "Terminating",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Error => "Error",
        })
    }
}

impl Phase {
    /// Tells whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
}

/// The last sync operation that the engine has begun.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Operation {
    /// Where it stands.
    pub phase: Phase,
    /// What it says of itself.
    pub message: String,
    /// The revisions it syncs, as they stand there: one a source.
    pub revisions: Vec<String>,
    /// The server's time of its begin.
    pub started_at: Option<Timestamp>,
    /// The server's time of its end; also set while it waits to try again.
    pub finished_at: Option<Timestamp>,
    /// How often it has been tried again.
    pub retries: u32,
    /// Whether nothing is applied.
    pub dry_run: bool,
    /// Whether only some resources are synced.
    pub partial: bool,
    /// Names and values that the one who started it left there.
    pub notes: Vec<(String, String)>,
    /// What became of each resource.
    pub results: Vec<SyncResult>,
}

/// What became of one resource in an operation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncResult {
    /// Which.
    pub resource: ResourceId,
    /// Whether it is a hook.
    pub hook: bool,
    /// Whether it failed.
    pub failed: bool,
    /// What was said.
    pub message: String,
    /// The images of its containers.
    pub images: Vec<String>,
}

/// Which resource of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct ResourceId {
    /// The API group; empty for the core.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for cluster-wide ones.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.name)
    }
}

/// A resource that an application manages.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Resource {
    /// Which.
    pub id: ResourceId,
    /// The API version, without the group.
    pub version: String,
    /// Whether it is as it should be.
    pub sync: SyncState,
    /// Its health; `None` for a kind that has none.
    pub health: Option<Health>,
    /// What its health says of itself.
    pub health_message: String,
    /// Whether it would have to be deleted to be in sync.
    pub requires_pruning: bool,
}

impl Resource {
    /// Tells whether it is an Argo Rollouts Rollout.
    #[must_use]
    pub fn is_rollout(&self) -> bool {
        self.id.group == "argoproj.io" && self.id.kind == "Rollout"
    }
}

/// What the commit that is compared makes of a resource, beside the resource as it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Managed {
    /// Which.
    pub id: ResourceId,
    /// Whether it is a hook.
    pub hook: bool,
    /// Whether the commit wants it; one that it does not want is to be pruned.
    pub wanted: bool,
    /// Tells two targets of the resource apart: equal for equal specifications.
    pub target: u64,
    /// The images that it is to run.
    pub images: Vec<String>,
    /// The images that its object names now: of the commit before while the sync is outstanding, or changed by a webhook.
    pub live_images: Vec<String>,
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
    /// The identity of its object: another one after it was created anew.
    pub uid: String,
    /// Counts its changes; only to be compared between looks at the same object. `None` when it is no number.
    pub version: Option<u64>,
    /// Its project.
    pub project: String,
    /// Whether a refresh has been asked for and not been done.
    pub refresh_pending: bool,
    /// Whether the engine is told to leave it alone.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_may_have_a_namespace() {
        let id = ApplicationId::parse("team-a/api-dev").unwrap();
        assert_eq!((id.namespace(), id.name()), (Some("team-a"), "api-dev"));
        assert_eq!(id.to_string(), "team-a/api-dev");
        assert_eq!(ApplicationId::parse("api-dev").unwrap().namespace(), None);
        for wrong in ["", "/api", "a/b/c", "Api", "a b", "-a", "a?x=1"] {
            assert!(ApplicationId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
