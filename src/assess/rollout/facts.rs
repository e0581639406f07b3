//! What one look at an application shows about our commit, worked out once for all rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AppSnapshot, Health, Managed, Operation, Phase, Resource, ResourceId, SyncState, Timestamp};

use super::revision::Standing;
use super::{Seen, Wanted};

/// How an application was before our commit landed, as far as it matters later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Baseline {
    /// What was broken already.
    pub(super) degraded: BTreeSet<ResourceId>,
    /// What was suspended already.
    pub(super) suspended: BTreeSet<ResourceId>,
    /// When the last operation had begun.
    pub(super) operation: Option<Timestamp>,
    /// What the commit before made of each resource; empty when nobody asked.
    targets: BTreeMap<ResourceId, u64>,
    /// What our commit differed in before it was synced.
    stirred: BTreeSet<ResourceId>,
}

impl Baseline {
    pub(super) fn of(app: &AppSnapshot) -> Self {
        let with = |health| {
            (app.resources.iter())
                .filter(|resource| resource.health == Some(health))
                .map(|resource| resource.id.clone())
                .collect()
        };
        Self {
            degraded: with(Health::Degraded),
            suspended: with(Health::Suspended),
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

    /// Keeps what our commit is about to change.
    pub(super) fn stir(&mut self, facts: &Facts<'_>) {
        if facts.compared.has_ours() && !facts.our_success() {
            let out = facts
                .app
                .resources
                .iter()
                .filter(|resource| resource.sync == SyncState::OutOfSync);
            self.stirred.extend(out.map(|resource| resource.id.clone()));
        }
    }

    /// Whether something was broken or suspended before our commit.
    pub(super) fn was_ill(&self) -> bool {
        !self.degraded.is_empty() || !self.suspended.is_empty()
    }

    /// Whether our commit touched a resource: it makes something else of it than the commit before. Where that is not known, whether
    /// the resource differed from our commit before the sync.
    fn touched(&self, id: &ResourceId, managed: Option<&[Managed]>) -> bool {
        let after = managed.and_then(|all| all.iter().find(|resource| resource.id == *id));
        match (self.targets.get(id), after) {
            (Some(before), Some(after)) => *before != after.target,
            _ => self.stirred.contains(id),
        }
    }
}

/// What one look shows.
pub(super) struct Facts<'a> {
    pub(super) app: &'a AppSnapshot,
    pub(super) seen: Seen<'a>,
    /// What it is compared with.
    pub(super) compared: Standing,
    /// What the last operation syncs; dry and partial ones do not count.
    pub(super) operated: Standing,
    /// What was last synced with success.
    pub(super) last: Standing,
    /// Whether a sync would delete what has to be deleted.
    prunes: bool,
    /// Whether health is younger than the end of the last operation. Both are the server's times, in whole seconds.
    pub(super) trusted: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn of(wanted: &Wanted, seen: Seen<'a>) -> Self {
        let app = seen.app;
        let standing = |revisions: &[String]| wanted.origin.standing(app, revisions, seen.standings);
        let operated = (app.operation.as_ref())
            .filter(|operation| !operation.dry_run && !operation.partial)
            .map_or_else(
                || Standing::Unknown("there is no operation".to_owned()),
                |operation| standing(&operation.revisions),
            );
        Self {
            app,
            seen,
            compared: standing(&app.revisions),
            operated,
            last: standing(&app.last_synced),
            prunes: wanted.prune && wanted.trigger && !app.automated,
            trusted: trusted(app),
        }
    }

    /// Returns the operation that syncs our commit, dry and partial ones excepted.
    pub(super) fn our_operation(&self) -> Option<&'a Operation> {
        self.app.operation.as_ref().filter(|_| self.operated.has_ours())
    }

    /// Whether what is shown of its health is about our commit: compared with it, synced if that was needed, assessed since.
    pub(super) fn about_ours(&self) -> bool {
        let synced = self
            .our_operation()
            .is_none_or(|operation| operation.phase == Phase::Succeeded);
        self.compared.has_ours() && self.idle() && synced && self.trusted
    }

    /// Whether our commit's operation has succeeded.
    pub(super) fn our_success(&self) -> bool {
        self.our_operation()
            .is_some_and(|operation| operation.phase == Phase::Succeeded)
    }

    /// Whether nothing is at work.
    pub(super) fn idle(&self) -> bool {
        !self.app.operation_requested && (self.app.operation.as_ref()).is_none_or(|operation| operation.phase.is_over())
    }

    /// Whether a manual application has our change deployed although its branch has moved on.
    pub(super) fn deployed_before_tip(&self) -> bool {
        !self.app.automated
            && self.app.sync == SyncState::OutOfSync
            && self.last.brings_ours()
            && !self.synced_what_is_compared()
    }

    /// Whether the last sync was of just the revisions that are compared: what differs then is no commit.
    pub(super) fn synced_what_is_compared(&self) -> bool {
        !self.app.revisions.is_empty() && self.app.last_synced == self.app.revisions
    }

    /// Whether all that is out of sync would have to be deleted.
    pub(super) fn only_prunes(&self) -> bool {
        let mut out = (self.app.resources.iter())
            .filter(|resource| resource.sync == SyncState::OutOfSync)
            .peekable();
        out.peek().is_some() && !self.prunes && out.all(|resource| resource.requires_pruning)
    }

    /// Returns the health without what was broken before us and was not touched by us, and what no time can change.
    pub(super) fn health(&self, baseline: &Baseline) -> Health {
        let ill = |resource: &&Resource| matches!(resource.health, Some(Health::Degraded | Health::Suspended));
        let mut culprits = self.app.resources.iter().filter(ill).peekable();
        let judged = matches!(self.app.health, Health::Degraded | Health::Suspended);
        if !judged || culprits.peek().is_none() || !culprits.all(|resource| self.excused(resource, baseline)) {
            return self.app.health;
        }
        (self.app.resources.iter())
            .filter(|resource| !ill(resource))
            .filter_map(|resource| resource.health)
            .max()
            .unwrap_or(Health::Healthy)
    }

    /// Whether a resource that is broken or suspended says nothing about our commit.
    pub(super) fn excused(&self, resource: &Resource, baseline: &Baseline) -> bool {
        let (id, kind) = (&resource.id, resource.id.kind.as_str());
        let touched = baseline.touched(id, self.seen.managed);
        match resource.health {
            Some(Health::Degraded) => baseline.degraded.contains(id) && !touched,
            // A Job or CronJob that is suspended is so because its own specification says so.
            Some(Health::Suspended) if matches!(kind, "Job" | "CronJob") => true,
            // What rolls pods out keeps the old ones while it is paused. Everything else can only be resumed by a person.
            Some(Health::Suspended) => {
                let keeps_old = matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Rollout");
                baseline.suspended.contains(id) && !(touched && keeps_old)
            }
            _ => false,
        }
    }

    /// Whether what was ill before may be excused once it is known what our commit makes of it.
    pub(super) fn lacks_managed(&self, baseline: &Baseline) -> bool {
        self.seen.managed.is_none() && baseline.was_ill() && !baseline.targets.is_empty()
    }
}

fn trusted(app: &AppSnapshot) -> bool {
    let ended = app.operation.as_ref().and_then(|operation| operation.finished_at);
    let Some(ended) = ended else {
        return app.reconciled_at.is_some();
    };
    // Health that changed after the end was assessed after it, even if nothing was compared since.
    [app.reconciled_at, app.health_since]
        .into_iter()
        .flatten()
        .any(|at| at > ended)
}
