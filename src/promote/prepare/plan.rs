//! Snapshot and plan together: what is done at the start, and again on every new tip.

use crate::infrarepo::InfraRepo;
use crate::model::{CommitSha, Fault, Outcome, PinChange, RepoPath};
use crate::plan::{self, DEFAULT_MESSAGE, NoPlan, Plan};

use crate::promote::Settings;
use crate::promote::prepare::snapshot::{Snapshot, snapshot};

/// A plan with the snapshot it was made from.
pub(in crate::promote) struct Planned {
    /// What was read.
    pub(in crate::promote) snapshot: Snapshot,
    /// What follows from it.
    pub(in crate::promote) plan: Plan,
}

/// Reads the tip and plans against it.
///
/// # Errors
/// As [`snapshot`]; or the request and the files do not fit (`invalid`), or what the run asserts is not so (`refused`).
pub(in crate::promote) async fn planned(repo: &dyn InfraRepo, settings: &Settings) -> Result<Planned, Fault> {
    let snapshot = snapshot(repo, settings).await?;
    let configured = snapshot.config.as_ref().and_then(|config| config.message.as_deref());
    let template = settings
        .request
        .message
        .as_deref()
        .or(configured)
        .unwrap_or(DEFAULT_MESSAGE);
    let plan = plan::plan(
        &settings.request,
        template,
        &snapshot.targets,
        &snapshot.sources,
        &settings.identity,
    )
    .map_err(|no| match no {
        NoPlan::Mistakes(mistakes) => Fault::mistakes(&mistakes),
        NoPlan::Contradicted(why) => {
            Fault::refused(why).hint("run the pipeline of the newer build, or drop what was asserted")
        }
    })?;
    Ok(Planned { snapshot, plan })
}

/// Reads what a commit pins, as a plan that changes nothing: what `wait` waits for. `commit` is `None` for the tip.
///
/// # Errors
/// As [`snapshot`]; or an overlay's file is not there at `commit`, or cannot be read.
pub(in crate::promote) async fn pinned(
    repo: &dyn InfraRepo,
    settings: &Settings,
) -> Result<(Planned, CommitSha), Fault> {
    let mut snapshot = snapshot(repo, settings).await?;
    let commit = settings.commit.clone().unwrap_or_else(|| snapshot.tip.commit.clone());
    let files: Vec<RepoPath> = (snapshot.targets.iter())
        .flat_map(|(_, overlay)| overlay.files.iter().map(|file| file.path.clone()))
        .collect();
    let texts = repo
        .read(&commit, &files)
        .await
        .map_err(|fault| match &settings.commit {
            // The tip was read a moment ago with the same token: what cannot be had is the commit.
            Some(commit) if fault.outcome == Outcome::Denied => {
                Fault::invalid(format!("`commit` {commit} cannot be had from {}: {fault}", repo.url()))
                    .hint("give a commit of the infra-repo, not of the application's repository")
            }
            _ => fault,
        })?;
    let mut pins = Vec::new();
    let overlays = snapshot.targets.iter_mut();
    let overlays = overlays.flat_map(|(target, overlay)| {
        let target = &*target;
        overlay.files.iter_mut().map(move |file| (target, file))
    });
    for ((target, overlay), text) in overlays.zip(texts) {
        let file = &overlay.path;
        let text = text.ok_or_else(|| Fault::invalid(format!("{file} is not there at {commit}")))?;
        let found = (target.syntax)
            .pins(&text)
            .map_err(|fault| Fault::invalid(format!("{file} at {commit}: {fault}")))?;
        let says_something = |pin: &&crate::model::Pin| pin.new_tag.is_some() || pin.digest.is_some();
        pins.extend(found.iter().filter(says_something).map(|pin| PinChange {
            app: target.app.clone(),
            environment: target.environment.clone(),
            file: file.clone(),
            syntax: target.syntax.clone(),
            name: pin.name.clone(),
            line: pin.line,
            before: pin.reference(),
            after: pin.reference(),
        }));
        overlay.text = text;
    }
    let plan = Plan {
        pins,
        ..Plan::default()
    };
    Ok((Planned { snapshot, plan }, commit))
}
