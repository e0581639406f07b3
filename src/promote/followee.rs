//! An application that has to become live, and what belongs to it.

use crate::assess::rollout::Origin;
use crate::model::{
    AppName, AppSnapshot, ApplicationId, Canary, ClusterName, CommitSha, EnvironmentName, Managed, PinChange, RepoPath,
};
use crate::plan::{Place, ResolvedPolicy};

/// Which application is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one of that name.
    Named(ApplicationId),
    /// Every one whose source is this repository, branch and folder.
    BySource,
}

/// Something that has to become live, before the applications were looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which application.
    pub which: Which,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The cluster that the overlay is for, where each has its own.
    pub cluster: Option<ClusterName>,
    /// The overlay's folder, or where `is_file` the file that holds the pins.
    pub folder: RepoPath,
    /// Whether the pins are in files that are no kustomization, so that the path may be a file.
    pub is_file: bool,
    /// The environment's own folder, where the environment was not asked for: it is `folder`, or includes it.
    pub reached: Option<RepoPath>,
    /// In which of the environment's waves it is synced, from 0.
    pub wave: usize,
    /// How it is followed.
    pub policy: ResolvedPolicy,
    /// The references that must be deployed, as kustomize renders them; empty = any.
    pub images: Vec<String>,
}

/// An application that has to become live.
#[derive(Clone, Debug)]
pub struct Followee {
    /// Which.
    pub id: ApplicationId,
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The cluster that its overlay is for, where each has its own.
    pub cluster: Option<ClusterName>,
    /// In which of the environment's waves it is synced, from 0.
    pub wave: usize,
    /// How it is followed.
    pub policy: ResolvedPolicy,
    /// The references that must be deployed; empty = any.
    pub images: Vec<String>,
    /// How it was before our commit landed; `None` when it is not there yet.
    pub baseline: Option<AppSnapshot>,
    /// What the commit before made of each of its resources, asked for where something was not healthy; else empty.
    pub managed: Vec<Managed>,
    /// Its Rollouts that are on their way to another version, before anything is written.
    pub canaries: Vec<Canary>,
    /// The folder that it deploys, where that is another one that includes the pins' folder: a Component or a base.
    pub through: Option<RepoPath>,
    /// The `ApplicationSet` that syncs it in its turn, so that `sync: auto` starts no sync.
    pub synced_by: Option<SyncedBy>,
}

/// An `ApplicationSet` that syncs its applications one after the other, or may do so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncedBy {
    /// Its name.
    pub set: String,
    /// Whether it is known to do so; else the server did not show it.
    pub known: bool,
}

impl std::fmt::Display for SyncedBy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set = &self.set;
        if self.known {
            write!(
                out,
                "ApplicationSet {set} syncs it in its turn (RollingSync): promote starts no sync (`sync: trigger` would)"
            )
        } else {
            write!(
                out,
                "the token cannot read ApplicationSet {set}, so whether that set syncs it in its turn is unknown: promote starts no sync; \
                 grant `applicationsets, get` on it, or set `sync: trigger`"
            )
        }
    }
}

impl Followee {
    /// Whether it deploys a place.
    #[must_use]
    pub fn deploys(&self, place: &Place) -> bool {
        self.app == place.app && self.environment == place.environment && self.cluster == place.cluster
    }

    /// Whether it deploys the file of a pin.
    #[must_use]
    pub fn carries(&self, pin: &PinChange) -> bool {
        self.app == pin.app && self.environment == pin.environment && self.cluster == pin.cluster
    }
}

/// What is followed, and until when.
#[derive(Clone, Debug)]
pub struct FollowRequest<'a> {
    /// The applications: all must become live.
    pub targets: Vec<Followee>,
    /// Where our commit was pushed to.
    pub origin: Origin,
    /// Our commit; on no change the tip of the branch.
    pub commit: &'a CommitSha,
    /// Every pin of the promotion, unchanged ones included.
    pub pins: &'a [PinChange],
    /// Marks our operations among others: unique to this run.
    pub nonce: String,
}
