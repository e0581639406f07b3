//! What is held at a tip.

use crate::infrarepo::{EntryKind, InfraRepo};
use crate::model::{AppName, CommitSha, EnvironmentName, Fault, RepoPath, Timestamp};
use crate::plan::holds::{FILE, Hold, Holds};
use crate::promote::prepare::branches::misnamed;
use crate::report::HoldRow;

/// Returns the path of the file.
///
/// # Errors
/// None but ours.
pub(in crate::promote) fn path() -> Result<RepoPath, Fault> {
    RepoPath::parse(FILE).map_err(|why| Fault::bug(format!("the path {FILE:?} {why}")))
}

/// Reads the text of the file at a commit; `None` = there is none. The inner error says why it cannot be read as a file.
///
/// # Errors
/// The infra-repo cannot be read.
pub(in crate::promote) async fn text(
    repo: &dyn InfraRepo,
    at: &CommitSha,
) -> Result<Result<Option<Vec<u8>>, String>, Fault> {
    let root = RepoPath::parse("").map_err(|why| Fault::bug(format!("the root {why}")))?;
    let entries = repo.list(at, &root).await?.unwrap_or_default();
    if let Some(other) = misnamed(FILE, &entries) {
        return Ok(Err(format!("the file is called {other}: rename it to {FILE}")));
    }
    match entries.iter().find(|entry| entry.name == FILE).map(|entry| entry.kind) {
        None => Ok(Ok(None)),
        Some(EntryKind::File) => {
            let texts = repo.read(at, &[path()?]).await?;
            Ok(Ok(texts.into_iter().next().flatten()))
        }
        Some(EntryKind::Folder | EntryKind::Other) => Ok(Err("it is not a regular file".to_owned())),
    }
}

/// Reads what is held at a commit. A file that is no list of holds holds everything.
///
/// # Errors
/// The infra-repo cannot be read.
pub(in crate::promote) async fn holds(repo: &dyn InfraRepo, at: &CommitSha) -> Result<Holds, Fault> {
    Ok(match text(repo, at).await? {
        Ok(None) => Holds::default(),
        Ok(Some(text)) => Holds::read(&text),
        Err(why) => Holds::Unreadable(why),
    })
}

/// Returns the rows of the holds that concern some apps in some environments now.
pub(in crate::promote) fn rows<'a>(
    holds: &Holds,
    pairs: impl Iterator<Item = (&'a AppName, &'a EnvironmentName)>,
    now: Timestamp,
) -> Vec<HoldRow> {
    let mut found: Vec<&Hold> = Vec::new();
    for (app, environment) in pairs {
        for hold in holds.here(app, environment, now) {
            if !found.contains(&hold) {
                found.push(hold);
            }
        }
    }
    found.sort_by_key(|hold| hold.line);
    found.into_iter().map(row).collect()
}

/// Returns the row of a hold.
pub(in crate::promote) fn row(hold: &Hold) -> HoldRow {
    HoldRow {
        app: hold.app.as_str().to_owned(),
        environment: hold.environment.as_str().to_owned(),
        image: hold.image.as_ref().map(ToString::to_string),
        reason: hold.reason.clone(),
        by: hold.by.clone(),
        since: hold.since.clone(),
        until: hold.until,
    }
}
