//! What one look at an application shows about our commit, worked out once for all rules.

use std::collections::BTreeSet;

use crate::model::{AppSnapshot, Health, Operation, Phase, ResourceId, SyncState, Timestamp};

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
            trusted: trusted(app),
        }
    }

    /// Returns the operation that syncs our commit, dry and partial ones excepted.
    pub(super) fn our_operation(&self) -> Option<&'a Operation> {
        self.app.operation.as_ref().filter(|_| self.operated.has_ours())
    }

    /// Tells whether what is shown of its health is about our commit: compared with it, synced if that was needed, assessed since.
    pub(super) fn about_ours(&self) -> bool {
        let synced = self
            .our_operation()
            .is_none_or(|operation| operation.phase == Phase::Succeeded);
        self.compared.has_ours() && self.idle() && synced && self.trusted
    }

    /// Tells whether our commit's operation has succeeded.
    pub(super) fn our_success(&self) -> bool {
        self.our_operation()
            .is_some_and(|operation| operation.phase == Phase::Succeeded)
    }

    /// Tells whether nothing is at work.
    pub(super) fn idle(&self) -> bool {
        !self.app.operation_requested && (self.app.operation.as_ref()).is_none_or(|operation| operation.phase.is_over())
    }

    /// Tells whether a manual application has our change deployed although its branch has moved on.
    pub(super) fn deployed_before_tip(&self) -> bool {
        !self.app.automated && self.app.sync == SyncState::OutOfSync && self.last.brings_ours()
    }

    /// Tells whether all that is out of sync would have to be deleted.
    pub(super) fn only_prunes(&self) -> bool {
        let mut out = (self.app.resources.iter())
            .filter(|resource| resource.sync == SyncState::OutOfSync)
            .peekable();
        out.peek().is_some() && out.all(|resource| resource.requires_pruning)
    }

    /// Returns the health without what was broken before us and was not touched by us.
    pub(super) fn health(&self, baseline: &Baseline) -> Health {
        if self.app.health != Health::Degraded && self.app.health != Health::Suspended {
            return self.app.health;
        }
        let culprits = |health| (self.app.resources.iter()).filter(move |resource| resource.health == Some(health));
        let all_old = culprits(Health::Degraded).all(|resource| self.is_old(&resource.id, &baseline.degraded))
            && culprits(Health::Suspended).all(|resource| self.is_old(&resource.id, &baseline.suspended));
        let any = culprits(Health::Degraded)
            .chain(culprits(Health::Suspended))
            .next()
            .is_some();
        if !any || !all_old {
            return self.app.health;
        }
        (self.app.resources.iter())
            .filter(|resource| !baseline.degraded.contains(&resource.id) && !baseline.suspended.contains(&resource.id))
            .filter_map(|resource| resource.health)
            .max()
            .unwrap_or(Health::Healthy)
    }

    fn is_old(&self, id: &ResourceId, before: &BTreeSet<ResourceId>) -> bool {
        let touched = self
            .our_operation()
            .is_some_and(|operation| (operation.results.iter()).any(|result| result.changed && result.resource == *id));
        before.contains(id) && !touched
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
