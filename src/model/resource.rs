//! The resources of an application, as they are and as the compared commit makes them.

use std::fmt;

use super::{Health, SyncState};

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
    /// Whether it is an Argo Rollouts Rollout.
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
    /// Distinguishes two targets of the resource: equal for equal specifications.
    pub target: u64,
    /// The images that it is to run.
    pub images: Vec<String>,
    /// The images that its object names now: of the commit before while the sync is outstanding, or changed by a webhook.
    pub live_images: Vec<String>,
    /// Whether pods of the version before may stay although its object is up to date: nobody replaces them (`OnDelete`), or a Rollout's
    /// controller has missed the change. Never of one that is scaled to zero.
    pub may_keep_pods: bool,
}
