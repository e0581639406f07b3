//! Looks at every application before anything is written: may we, is it there, and does it deploy what we are about to change?
//! Reports all problems of all applications together.

use std::collections::BTreeMap;

use crate::assess::rollout::Origin;
use crate::delivery::{Observe, Problem};
use crate::model::{AppSnapshot, ApplicationId, Canary, Clock, Fault, Health, Managed, Outcome, RepoPath, Resource};
use crate::plan::SyncMode;

use crate::promote::followee::{Candidate, Followee, Which};
use crate::promote::prepare::shared::Tree;
use crate::promote::prepare::source::{deploys, mistaken, unfit};
use crate::promote::underway::all;

/// How many times a server that does not answer is asked before that is the end.
const TRIES: u32 = 3;

/// What may be an application that has to become live, looked at.
pub(in crate::promote) struct Looked {
    /// Which; `None` when none has the candidate's source.
    pub(in crate::promote) id: Option<ApplicationId>,
    /// What was looked for.
    pub(in crate::promote) candidate: Candidate,
    /// The folder that it deploys, where that is another one that includes the candidate's.
    pub(in crate::promote) through: Option<RepoPath>,
    /// How it is now; `None` when it could not be read, or when nothing stands against it: then it is still to be created.
    pub(in crate::promote) app: Option<AppSnapshot>,
    /// All that stands against promoting to it, but for the right to sync.
    pub(in crate::promote) against: Vec<Fault>,
}

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
    synced_by: Option<String>,
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
    // What is broken or suspended already is excused later if this promotion does not touch it.
    let ill = |resource: &Resource| matches!(resource.health, Some(Health::Degraded | Health::Suspended));
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
async fn synced_by(observe: &dyn Observe, clock: &dyn Clock, app: &AppSnapshot) -> Option<String> {
    let set = app.set.as_ref()?;
    let rolls = patiently(clock, || observe.rolls_out(set, app)).await;
    rolls.unwrap_or(true).then(|| set.clone())
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
    let mut looked = looked(observe, clock, origin, tree, found, &mut list).await;
    // What one application gets by including the folder, the others get as well.
    let included = looked.iter().filter(|one| one.through.is_some());
    let mut folders: Vec<Candidate> = included.map(|one| one.candidate.clone()).collect();
    folders.dedup_by(|one, other| one.folder == other.folder);
    let mut others = Vec::new();
    for candidate in folders {
        let Ok(all) = listed(observe, clock, &mut list).await else {
            break;
        };
        let found = including(all, origin, tree, &candidate).await.into_iter();
        let new = found.filter(|(id, _)| {
            let known = looked.iter().filter_map(|one| one.id.as_ref());
            id.as_ref().is_ok_and(|id| known.clone().all(|known| !same(known, id)))
        });
        others.extend(new);
    }
    looked.extend(self::looked(observe, clock, origin, tree, others, &mut list).await);
    looked
}

/// Whether two names are of one application.
fn same(one: &ApplicationId, other: &ApplicationId) -> bool {
    one.name() == other.name() && one.namespace() == other.namespace() && one.environment() == other.environment()
}

/// Returns the applications whose folder includes that of a candidate.
async fn including(
    all: &[AppSnapshot],
    origin: &Origin,
    tree: Option<&Tree<'_>>,
    candidate: &Candidate,
) -> Vec<(Result<ApplicationId, Fault>, Candidate)> {
    let Some(tree) = tree else { return Vec::new() };
    let names = Names::of(all);
    let mut found = Vec::new();
    for app in all {
        if tree.through(app, origin, &candidate.folder).await.is_some()
            && let Some(id) = names.id(app)
        {
            found.push((Ok(id.within(candidate.environment.as_str())), candidate.clone()));
        }
    }
    found
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
                if let Some(tree) = tree.filter(|_| !deploys(&app, origin, &candidate.folder)) {
                    through = tree.through(&app, origin, &candidate.folder).await;
                }
                let folder = through.as_ref().unwrap_or(&candidate.folder);
                let unfit = unfit(id, &app, origin, folder);
                (Some(app), unfit.into_iter().map(refused).collect())
            }
            (Ok(id), Some(Err(problem))) => {
                let wrong = if is_missing(observe, clock, id, &problem).await {
                    let others = listed(observe, clock, list).await;
                    let project = observe.project();
                    let wrong = others.map(|others| mistaken(id, others, &named, origin, &candidate.folder, project));
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

/// Returns which application is meant by each candidate, or why none is.
async fn which(
    observe: &dyn Observe,
    clock: &dyn Clock,
    origin: &Origin,
    tree: Option<&Tree<'_>>,
    candidates: Vec<Candidate>,
    list: &mut Option<Vec<AppSnapshot>>,
) -> Vec<(Result<ApplicationId, Fault>, Candidate)> {
    let mut found = Vec::new();
    let mut fed = None;
    for candidate in candidates {
        match &candidate.which {
            Which::Named(id) => found.push((Ok(id.clone()), candidate)),
            Which::BySource => match listed(observe, clock, list).await {
                Ok(all) => {
                    let fed = fed.get_or_insert_with(|| Fed::by(all, origin, observe.project()));
                    let direct = fed.deploying(&candidate);
                    let more = including(all, origin, tree.filter(|_| direct.is_empty()), &candidate).await;
                    if direct.is_empty() && more.is_empty() {
                        found.push(nobody(origin, &candidate));
                    }
                    found.extend(direct.into_iter().chain(more));
                }
                Err(fault) => found.push((Err(fault), candidate)),
            },
        }
        // There can be thousands of applications: a signal is heard between two candidates.
        tokio::task::yield_now().await;
    }
    found
}

/// The applications that deploy something of the branch that is pushed to, by the folders they deploy.
struct Fed(BTreeMap<RepoPath, Vec<ApplicationId>>);

impl Fed {
    /// Finds them in one pass over all.
    fn by(all: &[AppSnapshot], origin: &Origin, project: Option<&str>) -> Self {
        let names = Names::of(all);
        let mut fed: BTreeMap<RepoPath, Vec<ApplicationId>> = BTreeMap::new();
        for app in all
            .iter()
            .filter(|app| project.is_none_or(|project| project == app.project))
        {
            let Some(id) = names.id(app) else { continue };
            for source in app.sources.iter().filter(|source| origin.feeds(source)) {
                let Ok(folder) = RepoPath::parse(&source.path) else {
                    continue;
                };
                let ids = fed.entry(folder).or_default();
                if ids.last() != Some(&id) {
                    ids.push(id.clone());
                }
            }
        }
        Self(fed)
    }

    /// Returns those that deploy the folder of a candidate.
    fn deploying(&self, candidate: &Candidate) -> Vec<(Result<ApplicationId, Fault>, Candidate)> {
        let here = candidate.environment.as_str();
        let ids = self.0.get(&candidate.folder).into_iter().flatten();
        let ids = ids.filter(|id| id.environment().is_none_or(|environment| environment == here));
        ids.map(|id| (Ok(id.clone().within(here)), candidate.clone())).collect()
    }
}

fn nobody(origin: &Origin, candidate: &Candidate) -> (Result<ApplicationId, Fault>, Candidate) {
    let none = refused(format!(
        "no application that the token can read has {} of {} at {} as its source",
        candidate.folder, origin.repository, origin.branch
    ))
    .hint("one that is still to be created has to be named: `application: NAME`");
    (Err(none), candidate.clone())
}

/// How the applications of a server are named.
struct Names<'a> {
    /// The server's own namespace, the one most applications are in; there a name needs no prefix.
    own: Option<&'a str>,
}

impl<'a> Names<'a> {
    fn of(all: &'a [AppSnapshot]) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for app in all {
            *counts.entry(&app.namespace).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        Self {
            own: most.map(|(namespace, _)| namespace),
        }
    }

    /// Returns the name of an application; `None` if it is none that promote could ask for.
    fn id(&self, app: &AppSnapshot) -> Option<ApplicationId> {
        let name = match self.own {
            Some(own) if own != app.namespace => format!("{}/{}", app.namespace, app.name),
            _ => app.name.clone(),
        };
        let id = ApplicationId::parse(&name).ok()?;
        Some(match &app.environment {
            Some(environment) => id.within(environment),
            None => id,
        })
    }
}

/// Returns every application that the token may see, asked for once.
async fn listed<'l>(
    observe: &dyn Observe,
    clock: &dyn Clock,
    list: &'l mut Option<Vec<AppSnapshot>>,
) -> Result<&'l [AppSnapshot], Fault> {
    if list.is_none() {
        let found = patiently(clock, || observe.applications()).await;
        let doing = || format!("list the applications of {}", observe.server());
        *list = Some(found.map_err(|problem| problem.fault(&doing()))?);
    }
    Ok(list.as_deref().unwrap_or_default())
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

/// Asks again after a moment while the problem may go away.
pub(in crate::promote) async fn patiently<T, F: Future<Output = Result<T, Problem>>>(
    clock: &dyn Clock,
    ask: impl Fn() -> F,
) -> Result<T, Problem> {
    let mut tries = 0;
    loop {
        tries += 1;
        match ask().await {
            Err(Problem::Passing { after, .. }) if tries < TRIES => {
                clock.sleep(crate::promote::underway::backoff(tries, after)).await;
            }
            answer => return answer,
        }
    }
}

/// Whether we would start its sync.
pub(in crate::promote) const fn triggers(app: &AppSnapshot, sync: SyncMode) -> bool {
    !app.automated && matches!(sync, SyncMode::Auto | SyncMode::Trigger)
}

fn refused(why: String) -> Fault {
    Fault::refused(why).hint("correct the application's source, or give the right `application`, `path` or `branch`")
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
