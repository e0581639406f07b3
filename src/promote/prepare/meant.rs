//! Which applications of the server a candidate means: the named one, or those whose source is its folder, or includes it.

use std::collections::BTreeMap;

use crate::assess::rollout::Origin;
use crate::delivery::Observe;
use crate::model::{AppSnapshot, ApplicationId, Clock, Fault, RepoPath};

use crate::promote::followee::{Candidate, Which};
use crate::promote::prepare::patience::patiently;
use crate::promote::prepare::shared::Tree;
use crate::promote::prepare::source::{deploys, refused};

/// Returns the applications whose folder includes that of a candidate.
pub(super) async fn including(
    all: &[AppSnapshot],
    origin: &Origin,
    tree: Option<&Tree<'_>>,
    candidate: &Candidate,
) -> Vec<(Result<ApplicationId, Fault>, Candidate)> {
    let Some(tree) = tree else { return Vec::new() };
    let names = Names::of(all);
    let mut found = Vec::new();
    let here = candidate.environment.as_str();
    let near = |app: &&AppSnapshot| app.environment.as_deref().is_none_or(|environment| environment == here);
    for app in all.iter().filter(near) {
        if tree.through(app, origin, &candidate.folder).await.is_some()
            && let Some(id) = names.id(app)
        {
            found.push((Ok(id.within(here)), candidate.clone()));
        }
    }
    found
}

/// Returns which application is meant by each candidate, or why none is.
pub(super) async fn which(
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
                    let direct = if candidate.is_file {
                        reading(all, origin, observe.project(), &candidate)
                    } else {
                        fed.deploying(&candidate)
                    };
                    let includes = direct.is_empty() && candidate.reached.is_none();
                    let more = including(all, origin, tree.filter(|_| includes), &candidate).await;
                    if includes && more.is_empty() {
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

/// Returns the applications that read the file of a candidate, or have it as their folder.
fn reading(
    all: &[AppSnapshot],
    origin: &Origin,
    project: Option<&str>,
    candidate: &Candidate,
) -> Vec<(Result<ApplicationId, Fault>, Candidate)> {
    let names = Names::of(all);
    let here = candidate.environment.as_str();
    (all.iter())
        .filter(|app| project.is_none_or(|project| project == app.project))
        .filter(|app| app.environment.as_deref().is_none_or(|environment| environment == here))
        .filter(|app| deploys(app, origin, candidate))
        .filter_map(|app| Some((Ok(names.id(app)?.within(here)), candidate.clone())))
        .collect()
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
        let folder = candidate.reached.as_ref().unwrap_or(&candidate.folder);
        let ids = self.0.get(folder).into_iter().flatten();
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
pub(super) async fn listed<'l>(
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
