//! Whether an application would ever show our commit: does it deploy the folder or read the file, and is one that is missing still to come?
//! Of what was seen alone; asks nobody.

use crate::assess::rollout::Origin;
use crate::model::{AppSnapshot, AppSource, ApplicationId, Fault, RepoPath};

use crate::promote::followee::Candidate;
use crate::promote::prepare::value_files;

/// Whether an application deploys the place of a candidate in the branch that is pushed to: the folder, or a file that it reads.
pub(in crate::promote) fn deploys(app: &AppSnapshot, origin: &Origin, candidate: &Candidate) -> bool {
    let (place, is_file) = (&candidate.folder, candidate.is_file);
    let is_fed = app.sources.iter().any(|source| origin.feeds(source));
    is_fed
        && app.sources.iter().any(|source| {
            let feeds = origin.feeds(source);
            feeds && same_folder(source, place) || is_file && reads(source, feeds, place)
        })
}

/// Whether a source reads a file: one that it lists for Helm, or one in its folder where it does not say which.
fn reads(source: &AppSource, feeds: bool, file: &RepoPath) -> bool {
    let Some(listed) = value_files::listed(source, feeds) else {
        return feeds && holds(source, file);
    };
    let is_default = || feeds && holds(source, file) && file.split().1 == "values.yaml";
    listed.contains(file) || is_default()
}

fn holds(source: &AppSource, file: &RepoPath) -> bool {
    RepoPath::parse(&source.path).is_ok_and(|folder| {
        let rest = file.as_str().strip_prefix(folder.as_str());
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}

fn same_folder(source: &AppSource, folder: &RepoPath) -> bool {
    RepoPath::parse(&source.path).is_ok_and(|path| path == *folder)
}

/// Returns why an application would never show our commit. `through`: the folder that it deploys, if that includes the candidate's.
pub(in crate::promote) fn unfit(
    id: &ApplicationId,
    app: &AppSnapshot,
    origin: &Origin,
    (candidate, through): (&Candidate, Option<&RepoPath>),
) -> Vec<String> {
    let folder = through.unwrap_or(&candidate.folder);
    let mut why = Vec::new();
    if app.skips_reconcile {
        why.push(format!(
            "{id} has the annotation argocd.argoproj.io/skip-reconcile: Argo CD leaves it alone"
        ));
    }
    if app.deleting {
        why.push(format!("{id} is being deleted"));
    }
    if through.is_some() || deploys(app, origin, candidate) {
        return why;
    }
    let elsewhere = |source: &&AppSource| origin.repository.is(&source.repository) && !source.chart;
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
        let follows = |source: &AppSource| match (source.target_revision.as_str(), &origin.default) {
            ("" | "HEAD", Some(default)) => format!("HEAD, which is {default}"),
            (follows, _) => follows.to_owned(),
        };
        format!(
            "{id} follows {}, not the branch {} that would be pushed to",
            has(&follows),
            origin.branch
        )
    } else {
        let places = |source: &AppSource| match source.path.as_str() {
            "" => source.repo_url.clone(),
            path => path.to_owned(),
        };
        format!("{id} deploys {}, not {folder}", has(&places))
    });
    why
}

/// Returns why an application that is missing is not one that is still to be created, but a wrong name.
pub(in crate::promote) fn mistaken(
    id: &ApplicationId,
    others: &[AppSnapshot],
    named: &[ApplicationId],
    origin: &Origin,
    candidate: &Candidate,
    project: Option<&str>,
) -> Option<Fault> {
    let same = |id: &ApplicationId, app: &AppSnapshot| {
        app.name == id.name() && id.namespace().is_none_or(|namespace| namespace == app.namespace)
    };
    if let Some(app) = others.iter().find(|app| same(id, app)) {
        let (found, namespace) = (&app.project, &app.namespace);
        if project.is_some_and(|project| project != found) {
            let why = format!("application {id} is in project {found}, not in that of `argocd-project`");
            return Some(Fault::refused(why).hint(format!("give `argocd-project: {found}`")));
        }
        let why = format!("application {id} is in namespace {namespace}");
        return Some(Fault::refused(why).hint(format!("give `application: {namespace}/{}`", app.name)));
    }
    let deployer = (others.iter())
        .filter(|app| deploys(app, origin, candidate))
        .find(|app| !named.iter().any(|id| same(id, app)))?;
    let why = format!(
        "application {id} does not exist: {} is deployed by {}",
        candidate.folder, deployer.name
    );
    Some(Fault::refused(why).hint(format!("let `application` name {}", deployer.name)))
}

/// Refuses an application that would never show our commit.
pub(super) fn refused(why: String) -> Fault {
    Fault::refused(why).hint("correct the application's source, or give the right `application`, `path` or `branch`")
}
