//! Looks at every application before anything is written: may we, is it there, and does it deploy what we are about to change?
//! Tells all problems of all applications together.

use crate::assess::rollout::Origin;
use crate::delivery::{Observe, Problem};
use crate::model::{AppSnapshot, AppSource, ApplicationId, Fault, Outcome, RepoPath};
use crate::plan::SyncMode;

use super::target::{Candidate, Target, Which};

/// How many times a server that does not answer is asked before that is the end.
const TRIES: u32 = 3;

/// Looks at the applications of `candidates`, and returns them with how they are now: the baseline of the wait.
///
/// # Errors
/// `denied` when the token is not known or does not permit something, `unreachable` when the server gives no usable answer,
/// `refused` when an application would never show our commit. Nothing was written.
pub async fn precheck(
    observe: &dyn Observe,
    clock: &dyn crate::model::Clock,
    origin: &Origin,
    candidates: Vec<Candidate>,
) -> Result<Vec<Target>, Fault> {
    let server = observe.server();
    patiently(clock, || observe.whoami())
        .await
        .map_err(|problem| problem.fault(&format!("ask {server} who we are")))?;
    let mut found = Vec::new();
    let mut problems = Problems::default();
    let mut list = None;
    for candidate in candidates {
        match &candidate.which {
            Which::Named(id) => found.push((id.clone(), candidate)),
            Which::BySource => {
                if list.is_none() {
                    let all = patiently(clock, || observe.applications()).await;
                    list = Some(all.map_err(|problem| problem.fault(&format!("list the applications of {server}")))?);
                }
                by_source(
                    list.as_deref().unwrap_or_default(),
                    origin,
                    &candidate,
                    &mut found,
                    &mut problems,
                );
            }
        }
    }
    let mut targets = Vec::new();
    for (id, candidate) in found {
        match patiently(clock, || observe.application(&id)).await {
            Ok(app) => {
                problems.refused.extend(unfit(&id, &app, origin, &candidate.folder));
                if triggers(&app, candidate.policy.sync) {
                    problems.rights(&id, patiently(clock, || observe.may_sync(&app)).await);
                }
                targets.push(target(id, candidate, Some(app)));
            }
            Err(problem) => problems.unread(&id, &problem),
        }
    }
    problems.end(&server)?;
    Ok(targets)
}

/// Asks again after a moment while the problem may go away.
async fn patiently<T, F: Future<Output = Result<T, Problem>>>(
    clock: &dyn crate::model::Clock,
    ask: impl Fn() -> F,
) -> Result<T, Problem> {
    let mut tries = 0;
    loop {
        tries += 1;
        match ask().await {
            Err(Problem::Passing { after, .. }) if tries < TRIES => {
                clock.sleep(super::poll::backoff(tries, after)).await;
            }
            answer => return answer,
        }
    }
}

fn target(id: ApplicationId, candidate: Candidate, baseline: Option<AppSnapshot>) -> Target {
    Target {
        id,
        app: candidate.app,
        environment: candidate.environment,
        policy: candidate.policy,
        images: candidate.images,
        baseline,
    }
}

/// Tells whether we would start its sync.
const fn triggers(app: &AppSnapshot, sync: SyncMode) -> bool {
    !app.automated && matches!(sync, SyncMode::Auto | SyncMode::Trigger)
}

fn by_source(
    all: &[AppSnapshot],
    origin: &Origin,
    candidate: &Candidate,
    found: &mut Vec<(ApplicationId, Candidate)>,
    problems: &mut Problems,
) {
    let before = found.len();
    let own = all.iter().map(|app| app.namespace.as_str()).min_by_key(|namespace| {
        // The server's own namespace is the one most applications are in; there its name needs no prefix.
        std::cmp::Reverse(all.iter().filter(|app| app.namespace == *namespace).count())
    });
    for app in all.iter().filter(|app| deploys(app, origin, &candidate.folder)) {
        let name = match own {
            Some(own) if own != app.namespace => format!("{}/{}", app.namespace, app.name),
            _ => app.name.clone(),
        };
        if let Ok(id) = ApplicationId::parse(&name) {
            found.push((id, candidate.clone()));
        }
    }
    if found.len() == before {
        problems.refused.push(format!(
            "no application that the token may see has {} of {} at {} as its source",
            candidate.folder, origin.repository, origin.branch
        ));
    }
}

fn deploys(app: &AppSnapshot, origin: &Origin, folder: &RepoPath) -> bool {
    app.sources
        .iter()
        .any(|source| origin.feeds(source) && same_folder(source, folder))
}

fn same_folder(source: &AppSource, folder: &RepoPath) -> bool {
    RepoPath::parse(&source.path).is_ok_and(|path| path == *folder)
}

/// Returns why an application would never show our commit.
fn unfit(id: &ApplicationId, app: &AppSnapshot, origin: &Origin, folder: &RepoPath) -> Vec<String> {
    let mut why = Vec::new();
    if app.skips_reconcile {
        why.push(format!(
            "{id} has the annotation argocd.argoproj.io/skip-reconcile: Argo CD leaves it alone"
        ));
    }
    if app.deleting {
        why.push(format!("{id} is being deleted"));
    }
    if deploys(app, origin, folder) {
        return why;
    }
    let elsewhere = |source: &&AppSource| source.repository == origin.repository && !source.chart;
    let here: Vec<&AppSource> = app.sources.iter().filter(elsewhere).collect();
    let has = |of: &dyn Fn(&AppSource) -> String| {
        let mut all: Vec<String> = app.sources.iter().map(of).collect();
        all.dedup();
        if all.is_empty() {
            "nothing".to_owned()
        } else {
            all.join(", ")
        }
    };
    why.push(if here.is_empty() {
        format!(
            "{id} deploys from {}, not from {}",
            has(&|source| source.repo_url.clone()),
            origin.repository
        )
    } else if !here.iter().any(|source| origin.feeds(source)) {
        format!(
            "{id} follows {}, not the branch {} that would be pushed to",
            has(&|source| source.target_revision.clone()),
            origin.branch
        )
    } else {
        format!("{id} deploys {}, not {folder}", has(&|source| source.path.clone()))
    });
    why
}

/// What was found, by the end that it means.
#[derive(Debug, Default)]
struct Problems {
    denied: Vec<String>,
    unreachable: Vec<String>,
    refused: Vec<String>,
    hints: Vec<String>,
}

impl Problems {
    fn unread(&mut self, id: &ApplicationId, problem: &Problem) {
        let fault = problem.fault(&format!("read application {id}"));
        match problem {
            Problem::Forbidden(said) => {
                self.denied.push(format!(
                    "application {id} is missing, is in another namespace, or the token may not get it ({said})"
                ));
                self.hints.push(
                    "give `argocd-project`, and Argo CD tells \"missing\" from \"not allowed\"; for another namespace write `application: namespace/name`"
                        .to_owned(),
                );
            }
            Problem::Missing(said) => {
                self.denied.push(format!(
                    "application {id} is not in that project, or does not exist ({said})"
                ));
                self.hints.push("check `application` and `argocd-project`".to_owned());
            }
            _ if fault.outcome == Outcome::Unreachable => {
                self.unreachable.push(fault.to_string());
                self.hints.extend(fault.hints);
            }
            _ => {
                self.denied.push(fault.to_string());
                self.hints.extend(fault.hints);
            }
        }
    }

    fn rights(&mut self, id: &ApplicationId, may: Result<bool, Problem>) {
        match may {
            Ok(true) => {}
            Ok(false) => {
                self.denied.push(format!(
                    "the token may not sync application {id}, which is synced by hand"
                ));
                self.hints.push(
                    "grant `applications, sync` on it to the token's role, or set `sync: never` and let a person sync it"
                        .to_owned(),
                );
            }
            Err(problem) => self.unread(id, &problem),
        }
    }

    fn end(mut self, server: &str) -> Result<(), Fault> {
        let outcome = if !self.denied.is_empty() {
            Outcome::Denied
        } else if !self.unreachable.is_empty() {
            Outcome::Unreachable
        } else if !self.refused.is_empty() {
            Outcome::Refused
        } else {
            return Ok(());
        };
        if outcome == Outcome::Refused {
            self.hints.push(
                "correct the application's source, or give the right `application`, `path` or `branch`".to_owned(),
            );
        }
        let all: Vec<String> = [self.denied, self.unreachable, self.refused].concat();
        let message = match all.as_slice() {
            [one] => format!("{server}: {one}"),
            many => format!("{server}: {} problems:\n- {}", many.len(), many.join("\n- ")),
        };
        self.hints.dedup();
        let fault = Fault::new(outcome, message);
        Err(self.hints.into_iter().take(3).fold(fault, Fault::hint))
    }
}
