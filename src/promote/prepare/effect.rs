//! Whether what is written will run: an entry that no workload of the application names changes nothing, and neither does one that a patch
//! sets again. Argo CD's manifests of the commit before show it.

use crate::assess::effect::{Effect, effect};
use crate::assess::rollout::Origin;
use crate::delivery::{Observe, Refresh};
use crate::infrarepo::InfraRepo;
use crate::manifest::{Format as _, argocd, kustomize};
use crate::model::{AppSnapshot, Clock, Fault, Managed, PinChange};

use crate::promote::followee::Followee;
use crate::promote::prepare::applications::origin;
use crate::promote::prepare::hooks::Hooks;
use crate::promote::prepare::patience::patiently;
use crate::promote::prepare::plan::Planned;
use crate::promote::underway::all;

/// Returns what forbids to write: each change that no application would show. An application that is not there yet, or cannot be compared
/// with the tip, shows nothing.
pub(super) async fn look(
    observe: &dyn Observe,
    repo: &dyn InfraRepo,
    clock: &dyn Clock,
    planned: &Planned,
    followees: &[Followee],
) -> Option<Fault> {
    let looking = Looking {
        observe,
        clock,
        origin: origin(repo, planned),
        repo,
        planned,
    };
    let found = all(followees.iter().map(|followee| looking.one(followee))).await;
    let found: Vec<(String, &str)> = found.into_iter().flatten().collect();
    let why: Vec<&str> = found.iter().map(|(why, _)| why.as_str()).collect();
    let mut hints: Vec<&str> = found.iter().map(|(_, hint)| *hint).collect();
    hints.sort_unstable();
    hints.dedup();
    let fault = Fault::refused(why.join("; "));
    (!why.is_empty()).then(|| hints.into_iter().fold(fault, Fault::hint))
}

/// What the looks at all applications have in common.
struct Looking<'a> {
    observe: &'a dyn Observe,
    clock: &'a dyn Clock,
    origin: Origin,
    repo: &'a dyn InfraRepo,
    planned: &'a Planned,
}

const OVERRIDDEN: &str =
    "remove what sets the image after this entry: a patch, a later entry, or a parameter of the application";
const UNUSED: &str =
    "give the entry the `name` of an image in the overlay's resources, or name the application that runs it";

impl Looking<'_> {
    /// Returns each change that an application would not show, with what to do.
    #[expect(
        clippy::too_many_lines,
        reason = "one way after the other in which a change has no effect"
    )]
    async fn one(&self, followee: &Followee) -> Vec<(String, &'static str)> {
        let Some(app) = &followee.baseline else {
            return Vec::new();
        };
        let changes = self.planned.plan.changes.iter();
        let changes: Vec<&PinChange> = changes
            .filter(|change| followee.carries(change) && is_shown(change))
            .collect();
        let in_doubt = |app: &AppSnapshot, managed: &[Managed]| {
            let doubt = |change: &&PinChange| {
                let shown = effect(app, managed, &change.before);
                !matches!(shown, Effect::Seen)
            };
            changes.iter().any(doubt)
        };
        if !in_doubt(app, &[]) {
            return Vec::new();
        }
        let Some(mut managed) = self.managed(followee).await else {
            return Vec::new();
        };
        if !in_doubt(app, &managed) {
            return Vec::new();
        }
        let tip = &self.planned.snapshot.tip.commit;
        let mut app = app.clone();
        if !self.origin.is_compared_with(&app, tip) {
            // The tip may have brought the workload, or the pin.
            app = match self.observe.refresh(&followee.id, Refresh::Normal).await {
                Ok(app) if self.origin.is_compared_with(&app, tip) => app,
                _ => return Vec::new(),
            };
            managed = match self.managed(followee).await {
                Some(managed) => managed,
                None => return Vec::new(),
            };
        }
        let mut found = Vec::new();
        let another = changes
            .iter()
            .any(|change| effect(&app, &managed, &change.before) == Effect::Seen);
        for change in changes {
            let (what, hint) = match effect(&app, &managed, &change.before) {
                Effect::Seen | Effect::Hidden => continue,
                Effect::Overridden(other) => (
                    format!("its workloads are to run {other}, not {}", change.before.reference()),
                    OVERRIDDEN,
                ),
                Effect::Unused { others, silent } => {
                    // Beside an image that is seen, one that is not can be a hook's on a server that names none.
                    if (another && silent) || self.is_of_hook(followee, change, silent).await {
                        continue;
                    }
                    let others = others.into_iter().take(5).collect::<Vec<_>>().join(", ");
                    let image = change.before.repository();
                    (format!("no workload of it uses {image} (they use {others})"), UNUSED)
                }
            };
            let (file, line) = (&change.file, change.after.line);
            found.push((
                format!("{file}:{line} would have no effect on {}: {what}", followee.id),
                hint,
            ));
        }
        found
    }

    async fn managed(&self, followee: &Followee) -> Option<Vec<Managed>> {
        let managed = patiently(self.clock, || self.observe.managed(&followee.id))
            .await
            .ok()?;
        (!managed.is_empty()).then_some(managed)
    }

    /// Whether an image can be that of a hook, which Argo CD does not list: a hook of the repository names it, or not everything that the
    /// application renders can be read here and its server names no image of a hook.
    async fn is_of_hook(&self, followee: &Followee, change: &PinChange, silent: bool) -> bool {
        if change.syntax.format.name() != kustomize::Kustomize.name() {
            return silent;
        }
        let (inner, _) = change.file.split();
        let folder = followee.through.clone().unwrap_or(inner);
        let hooks = Hooks::of(self.repo, &self.planned.snapshot.tip.commit, &folder).await;
        hooks.names(&change.before) || (silent && !hooks.complete)
    }
}

/// Whether the application shows what a pin says: the file of an Application is rendered by another one.
fn is_shown(change: &PinChange) -> bool {
    let format = change.syntax.format.name();
    let is_known = change.before.is_pinned() || format == kustomize::Kustomize.name();
    format != argocd::ArgoCd.name() && is_known
}
