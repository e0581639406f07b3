//! What one look at an application shows about our commit, worked out once for all rules.

use std::collections::BTreeSet;

use crate::assess::finished::is_finished;
use crate::model::{AppSnapshot, Health, Operation, Phase, Resource, ResourceId, SyncState};

use super::baseline::Baseline;
use super::revision::Standing;
use super::{Seen, Wanted, images};

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
    /// Whether it is known which images were promoted.
    names_images: bool,
    /// The resources that are to run one of them, as far as that is known.
    carriers: BTreeSet<&'a ResourceId>,
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
            names_images: !wanted.images.is_empty(),
            carriers: (seen.managed.into_iter().flatten())
                .filter(|one| one.images.iter().any(|image| images::named(&wanted.images, image)))
                .map(|one| &one.id)
                .collect(),
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

    /// Returns the health without what says nothing about our commit: what was so before us and was not touched by us, and what no time
    /// can change.
    pub(super) fn health(&self, baseline: &Baseline) -> Health {
        let all = || self.app.resources.iter();
        let explained = all().any(|resource| resource.health == Some(self.app.health));
        if !explained || self.app.health == Health::Healthy {
            return self.app.health;
        }
        // Argo CD itself leaves some out that are worse.
        all()
            .filter(|resource| !self.excused(resource, baseline))
            .filter_map(|resource| resource.health)
            .max()
            .unwrap_or(Health::Healthy)
            .min(self.app.health)
    }

    /// Whether a resource that is not healthy says nothing about our commit.
    pub(super) fn excused(&self, resource: &Resource, baseline: &Baseline) -> bool {
        let (id, kind) = (&resource.id, resource.id.kind.as_str());
        let changed = || baseline.touched(id, self.seen.managed);
        let touched = || changed() || self.runs_ours(id);
        match resource.health {
            // A CronJob is as its last run was: one of the version before, unless an earlier run of promote brought ours.
            Some(Health::Degraded) if kind == "CronJob" => {
                baseline.was(id, Health::Degraded) && (changed() || !self.runs_ours(id))
            }
            Some(health @ (Health::Degraded | Health::Progressing | Health::Unknown)) => {
                baseline.was(id, health) && !touched()
            }
            // A Job or CronJob that is suspended is so because its own specification says so.
            Some(Health::Suspended) if matches!(kind, "Job" | "CronJob") => true,
            // What rolls pods out keeps the old ones while it is paused. Everything else can only be resumed by a person.
            Some(Health::Suspended) => baseline.was(id, Health::Suspended) && !(rolls_out(kind) && touched()),
            Some(Health::Missing) => self.our_success() && is_finished(self.app, resource),
            _ => false,
        }
    }

    /// Whether a resource is to run what was promoted: then its health is that of our commit, also when an earlier run brought it. Where
    /// that is not known, whatever rolls pods out may.
    pub(super) fn runs_ours(&self, id: &ResourceId) -> bool {
        let known = self.seen.managed.filter(|_| self.names_images);
        known.map_or_else(|| rolls_out(&id.kind), |_| self.carriers.contains(id))
    }

    /// Whether what was ill before may be excused once it is known what our commit makes of it.
    pub(super) fn lacks_managed(&self, baseline: &Baseline) -> bool {
        self.seen.managed.is_none() && baseline.was_ill()
    }
}

fn rolls_out(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Rollout")
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
