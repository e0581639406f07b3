//! Looks at every application before anything is written: may we, is it there, and does it deploy what we are about to change?
//! Reports all problems of all applications together.

use crate::assess::rollout::Origin;
use crate::delivery::{Observe, Problem};
use crate::model::{AppSnapshot, ApplicationId, Canary, Clock, Fault, Health, Managed, Outcome, Resource};
use crate::plan::SyncMode;

use crate::promote::followee::{Candidate, Followee, SyncedBy};
use crate::promote::prepare::looked::{Looked, once, same};
use crate::promote::prepare::meant::{including, listed, which};
use crate::promote::prepare::patience::patiently;
use crate::promote::prepare::shared::Tree;
use crate::promote::prepare::source::{deploys, mistaken, refused, unfit};
use crate::promote::underway::all;

/// Looks at the applications of `candidates`, and returns them with how they are now: the baseline of the wait.
///
/// An application that is missing has no baseline. It is let through only where it may still be created: Argo CD says for certain that it is
/// not there, and nothing else deploys the folder. With a tree, an application whose folder includes the candidate's deploys it, too; then
/// every other such application is looked at as well.
///
/// # Errors
/// `denied` when the token is not known or does not permit something, `unreachable` when the server gives no usable answer,
/// `refused` when an application would never show our commit. Nothing was written.
pub async fn precheck(
    observe: &dyn Observe,
    clock: &dyn Clock,
    origin: &Origin,
    tree: Option<&Tree<'_>>,
    candidates: Vec<Candidate>,
) -> Result<Vec<Followee>, Fault> {
    whoami(observe, clock).await?;
    let looked = look_at(observe, clock, origin, tree, candidates).await;
    let more = looked.iter().map(|looked| async move {
        match (&looked.id, &looked.app) {
            (Some(id), Some(app)) => more(observe, clock, id, app, looked.candidate.policy.sync).await,
            _ => More::default(),
        }
    });
    let more = all(more).await;
    let mut against = Vec::new();
    let mut targets = Vec::new();
    for (one, more) in looked.into_iter().zip(more) {
        against.extend(more.against);
        against.extend(one.against);
        let Some(id) = one.id else { continue };
        targets.push(Followee {
            id,
            app: one.candidate.app,
            environment: one.candidate.environment,
            cluster: one.candidate.cluster,
            wave: one.candidate.wave,
            policy: one.candidate.policy,
            images: one.candidate.images,
            through: one.through,
            baseline: one.app,
            managed: more.managed,
            canaries: more.canaries,
            synced_by: more.synced_by,
        });
    }
    end(&observe.server(), against)?;
    Ok(targets)
}

/// What is asked about an application beside how it is.
#[derive(Default)]
struct More {
    against: Option<Fault>,
    managed: Vec<Managed>,
    canaries: Vec<Canary>,
    synced_by: Option<SyncedBy>,
}

async fn more(observe: &dyn Observe, clock: &dyn Clock, id: &ApplicationId, app: &AppSnapshot, sync: SyncMode) -> More {
    let mut more = More::default();
    if triggers(app, sync) {
        if sync == SyncMode::Auto {
            more.synced_by = synced_by(observe, clock, app).await;
        }
        if more.synced_by.is_none() {
            more.against = may_sync(observe, clock, id, app).await.err();
        }
    }
    // What is not healthy already is excused later if this promotion does not touch it.
    let ill = |resource: &Resource| resource.health.is_some_and(|health| health != Health::Healthy);
    if app.resources.iter().any(ill) {
        more.managed = patiently(clock, || observe.managed(id)).await.unwrap_or_default();
    }
    for rollout in app.resources.iter().filter(|resource| resource.is_rollout()) {
        let canary = patiently(clock, || observe.rollout(id, rollout)).await;
        more.canaries.extend(canary.ok().filter(Canary::is_underway));
    }
    more
}

/// Returns the `ApplicationSet` that syncs the application in its turn, as one with `RollingSync` does. A set that may not be read counts as
/// one: a sync that nobody asked for cannot be taken back, and `sync: trigger` starts it anyway.
pub(in crate::promote) async fn synced_by(
    observe: &dyn Observe,
    clock: &dyn Clock,
    app: &AppSnapshot,
) -> Option<SyncedBy> {
    let set = app.set.as_ref()?;
    let rolls = patiently(clock, || observe.rolls_out(set, app)).await;
    let known = rolls.is_ok();
    rolls.unwrap_or(true).then(|| SyncedBy {
        set: set.clone(),
        known,
    })
}

/// Returns the name that the server knows the token by.
pub(in crate::promote) async fn whoami(observe: &dyn Observe, clock: &dyn Clock) -> Result<String, Fault> {
    let name = patiently(clock, || observe.whoami()).await;
    name.map_err(|problem| problem.fault(&format!("Argo CD at {}", observe.server())))
}

/// Looks at the applications of `candidates`, each for itself.
pub(in crate::promote) async fn look_at(
    observe: &dyn Observe,
    clock: &dyn Clock,
    origin: &Origin,
    tree: Option<&Tree<'_>>,
    candidates: Vec<Candidate>,
) -> Vec<Looked> {
    let mut list = None;
    let found = which(observe, clock, origin, tree, candidates, &mut list).await;
    let mut looked = once(looked(observe, clock, origin, tree, found, &mut list).await);
    // What one application gets by including the folder, the others get as well.
    let included = looked.iter().filter(|one| one.through.is_some());
    let mut folders: Vec<Candidate> = included.map(|one| one.candidate.clone()).collect();
    folders.dedup_by(|one, other| one.folder == other.folder);
    let mut others = Vec::new();
    for candidate in folders {
        let Ok(all) = listed(observe, clock, &mut list).await else {
            break;
        };
        let several = all.iter().any(|app| app.environment.is_some());
        let found = including(all, origin, tree, &candidate).await.into_iter();
        let new = found.filter(|(id, _)| {
            let known = looked.iter().filter_map(|one| one.id.as_ref());
            id.as_ref()
                .is_ok_and(|id| known.clone().all(|known| !same(several, known, id)))
        });
        others.extend(new);
    }
    let mut others = self::looked(observe, clock, origin, tree, others, &mut list).await;
    for one in &mut others {
        let strange = one.id.as_ref().zip(one.app.as_ref());
        if let Some((id, _)) = strange.filter(|(_, app)| triggers(app, one.candidate.policy.sync)) {
            one.against.push(strange_sync(id, &one.candidate));
        }
    }
    looked.extend(others);
    looked
}

/// Why no sync of an application is started that includes the folder and that no environment names: it may be another environment's.
fn strange_sync(id: &ApplicationId, candidate: &Candidate) -> Fault {
    let (folder, environment) = (&candidate.folder, &candidate.environment);
    refused(format!(
        "{id} includes {folder} and has no automated sync, but is not an application of {environment}, nor of another environment in promote.yaml"
    ))
    .hint(format!("add its environment to promote.yaml, or set `application: by-source` if it belongs to {environment}"))
}

/// Reads each application that was found, and what is against it.
async fn looked(
    observe: &dyn Observe,
    clock: &dyn Clock,
    origin: &Origin,
    tree: Option<&Tree<'_>>,
    found: Vec<(Result<ApplicationId, Fault>, Candidate)>,
    list: &mut Option<Vec<AppSnapshot>>,
) -> Vec<Looked> {
    let read = found.iter().map(|(id, _)| async move {
        let id = id.as_ref().ok()?;
        Some(patiently(clock, || observe.application(id)).await)
    });
    let read = all(read).await;
    let named: Vec<ApplicationId> = found.iter().filter_map(|(id, _)| id.as_ref().ok().cloned()).collect();
    let mut looked = Vec::new();
    for ((id, candidate), read) in found.into_iter().zip(read) {
        let mut through = None;
        let (app, against) = match (&id, read) {
            (Ok(id), Some(Ok(app))) => {
                if let Some(tree) = tree.filter(|_| !deploys(&app, origin, &candidate)) {
                    through = tree.through(&app, origin, &candidate.folder).await;
                }
                let unfit = unfit(id, &app, origin, (&candidate, through.as_ref()));
                (Some(app), unfit.into_iter().map(refused).collect())
            }
            (Ok(id), Some(Err(problem))) => {
                let wrong = if candidate.reached.is_some() && is_missing(observe, clock, id, &problem).await {
                    // The environment is not there on this server: nothing of it changes.
                    continue;
                } else if is_missing(observe, clock, id, &problem).await {
                    let others = listed(observe, clock, list).await;
                    let project = observe.project();
                    let wrong = others.map(|others| mistaken(id, others, &named, origin, &candidate, project));
                    wrong.unwrap_or_else(Some)
                } else {
                    Some(unread(id, &problem))
                };
                (None, wrong.into_iter().collect())
            }
            _ => (None, Vec::new()),
        };
        let (id, none) = match id {
            Ok(id) => (Some(id), None),
            Err(fault) => (None, Some(fault)),
        };
        looked.push(Looked {
            id,
            candidate,
            through,
            app,
            against: none.into_iter().chain(against).collect(),
        });
    }
    looked
}

/// Whether an application is certainly not there. To one who asks without its project Argo CD says that it is forbidden, there or not;
/// who may see it wherever it would be knows better.
async fn is_missing(observe: &dyn Observe, clock: &dyn Clock, id: &ApplicationId, problem: &Problem) -> bool {
    match problem {
        Problem::Missing(_) => true,
        // In other words than Argo CD's own, somebody else forbids it.
        Problem::Forbidden(said) if said.contains("permission denied") => {
            patiently(clock, || observe.may_see(id)).await == Ok(true)
        }
        _ => false,
    }
}

/// Asks whether we may sync an application.
///
/// # Errors
/// `denied` when we may not, and as everything that is asked.
pub(in crate::promote) async fn may_sync(
    observe: &dyn Observe,
    clock: &dyn Clock,
    id: &ApplicationId,
    app: &AppSnapshot,
) -> Result<(), Fault> {
    match patiently(clock, || observe.may_sync(app)).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::denied(format!(
            "the token has no permission to sync application {id}, which has no automated sync"
        ))
        .hint("grant `applications, sync` on it to the token's role, or set `sync: never` and let a person sync it")),
        Err(problem) => Err(unread(id, &problem)),
    }
}

/// Whether we would start its sync.
pub(in crate::promote) const fn triggers(app: &AppSnapshot, sync: SyncMode) -> bool {
    !app.automated && matches!(sync, SyncMode::Auto | SyncMode::Trigger)
}

fn unread(id: &ApplicationId, problem: &Problem) -> Fault {
    match problem {
        Problem::Forbidden(said) => Fault::denied(format!(
            "application {id} does not exist, is in another namespace, or the token cannot read it ({said})"
        ))
        .hint(
            "set `argocd-project` to tell a missing application from a hidden one (a missing one can still be created); for another namespace set `application: namespace/name`",
        ),
        problem => problem.fault(&format!("read application {id}")),
    }
}

/// Reports everything together, what no other look can change first; that is the end.
fn end(server: &str, mut against: Vec<Fault>) -> Result<(), Fault> {
    against.sort_by_key(|fault| match fault.outcome {
        Outcome::Denied => 0,
        Outcome::Unreachable => 1,
        _ => 2,
    });
    let Some(first) = against.first() else { return Ok(()) };
    let outcome = first.outcome;
    let told: Vec<String> = against.iter().map(ToString::to_string).collect();
    let message = match told.as_slice() {
        [one] => format!("{server}: {one}"),
        many => format!("{server}: {} problems:\n- {}", many.len(), many.join("\n- ")),
    };
    let mut hints: Vec<String> = against.into_iter().flat_map(|fault| fault.hints).collect();
    hints.dedup();
    Err(hints
        .into_iter()
        .take(3)
        .fold(Fault::new(outcome, message), Fault::hint))
}
