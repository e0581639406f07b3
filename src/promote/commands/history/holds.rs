//! Holds: who put which one into the file, and who took it out again.

use crate::infrarepo::{CommitInfo, InfraRepo};
use crate::model::{CommitSha, Fault, RepoPath};
use crate::plan::Trailers;
use crate::plan::holds::{FILE, Hold, Holds};
use crate::report::HistoryRow;

use crate::promote::prepare::record::Pair;

/// Returns the path of the file of holds.
///
/// # Errors
/// Its name is no path: a bug.
pub(super) fn file() -> Result<RepoPath, Fault> {
    RepoPath::parse(FILE).map_err(Fault::bug)
}

/// Returns a row for each hold about one of `pairs` that a commit added or removed. A way back holds what it takes back: that has its row
/// already.
///
/// # Errors
/// The file cannot be read.
pub(super) async fn rows(
    repo: &dyn InfraRepo,
    commit: &CommitInfo,
    parent: &CommitSha,
    pairs: &[Pair],
) -> Result<Vec<HistoryRow>, Fault> {
    let trailers = Trailers::read(&commit.message);
    if trailers.as_ref().is_some_and(|trailers| !trailers.pins.is_empty()) {
        return Ok(Vec::new());
    }
    let before = read(repo, parent).await?;
    let after = read(repo, &commit.commit).await?;
    let by = match &trailers {
        Some(trailers) if !trailers.by.is_empty() => trailers.by.clone(),
        _ => commit.author.split(" <").next().unwrap_or_default().to_owned(),
    };
    let row = |event: &str, hold: &Hold| HistoryRow {
        app: hold.app.as_str().to_owned(),
        environment: hold.environment.as_str().to_owned(),
        at: commit.at,
        event: event.to_owned(),
        commit: Some(commit.commit.clone()),
        from: Vec::new(),
        to: vec![
            hold.image
                .as_ref()
                .map_or_else(|| "everything".to_owned(), ToString::to_string),
        ],
        by: by.clone(),
        run: trailers
            .as_ref()
            .map(|trailers| trailers.run.clone())
            .unwrap_or_default(),
        reason: commit.message.lines().next().unwrap_or_default().to_owned(),
        seconds: None,
    };
    let is_asked_for = |hold: &&Hold| {
        let mut pairs = pairs.iter();
        pairs.any(|(app, environment)| hold.app.is(app.as_str()) && hold.environment.is(environment.as_str()))
    };
    let added = without(&after, &before).into_iter().filter(is_asked_for);
    let removed = without(&before, &after).into_iter().filter(is_asked_for);
    let rows = added
        .map(|hold| row("held", hold))
        .chain(removed.map(|hold| row("released", hold)));
    Ok(rows.collect())
}

async fn read(repo: &dyn InfraRepo, at: &CommitSha) -> Result<Vec<Hold>, Fault> {
    let text = repo.read(at, &[file()?]).await?.into_iter().flatten().next();
    Ok(match text.as_deref().map(Holds::read) {
        Some(Holds::Read(holds)) => holds,
        // What cannot be read names nothing.
        Some(Holds::Unreadable(_)) | None => Vec::new(),
    })
}

/// Returns the holds of one list that the other does not have, wherever they stand in the file.
fn without<'a>(holds: &'a [Hold], others: &[Hold]) -> Vec<&'a Hold> {
    let same = |one: &Hold, other: &Hold| {
        (&one.app, &one.environment, &one.image) == (&other.app, &other.environment, &other.image)
    };
    holds
        .iter()
        .filter(|hold| !others.iter().any(|other| same(hold, other)))
        .collect()
}
