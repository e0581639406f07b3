//! How an application was before our commit: what was not healthy then, and what the commit before made of each resource.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AppSnapshot, Health, Managed, ResourceId, SyncState, Timestamp};

/// How an application was before our commit landed, as far as it matters later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Baseline {
    /// What was not healthy already.
    ill: BTreeMap<ResourceId, Health>,
    /// The images that ran.
    pub(super) images: Vec<String>,
    /// When the last operation had begun.
    pub(super) operation: Option<Timestamp>,
    /// What the commit before made of each resource; empty when nobody asked.
    targets: BTreeMap<ResourceId, u64>,
    /// What our commit differed in before it was synced.
    stirred: BTreeSet<ResourceId>,
}

impl Baseline {
    pub(super) fn of(app: &AppSnapshot) -> Self {
        let ill = (app.resources.iter())
            .filter_map(|resource| Some((resource.id.clone(), resource.health?)))
            .filter(|(_, health)| *health != Health::Healthy);
        Self {
            ill: ill.collect(),
            images: app.images.clone(),
            operation: app.operation.as_ref().and_then(|operation| operation.started_at),
            targets: BTreeMap::new(),
            stirred: BTreeSet::new(),
        }
    }

    pub(super) fn manage(&mut self, managed: &[Managed]) {
        self.targets = (managed.iter())
            .map(|resource| (resource.id.clone(), resource.target))
            .collect();
    }

    /// Keeps what our commit is about to change: what differs from it before it is synced.
    pub(super) fn stir(&mut self, app: &AppSnapshot) {
        let out = (app.resources.iter()).filter(|resource| resource.sync == SyncState::OutOfSync);
        self.stirred.extend(out.map(|resource| resource.id.clone()));
    }

    /// Whether something was not healthy before our commit.
    pub(super) fn was_ill(&self) -> bool {
        !self.ill.is_empty()
    }

    /// Whether a resource was in this health before our commit.
    pub(super) fn was(&self, id: &ResourceId, health: Health) -> bool {
        self.ill.get(id) == Some(&health)
    }

    /// Whether our commit touched a resource: it makes something else of it than the commit before. Where that is not known, whether
    /// the resource differed from our commit before the sync.
    pub(super) fn touched(&self, id: &ResourceId, managed: Option<&[Managed]>) -> bool {
        let after = managed.and_then(|all| all.iter().find(|resource| resource.id == *id));
        match (self.targets.get(id), after) {
            (Some(before), Some(after)) => *before != after.target,
            _ => self.stirred.contains(id),
        }
    }
}
