//! Whether the head of a pull request's branch is what this promotion would write. The tree decides: everybody who can push can copy a message.

use std::collections::BTreeSet;

use crate::infrarepo::{Containment, Entry, FileEdit, Land};
use crate::model::{CommitSha, Fault, RepoPath};

/// Whether `head` is one commit on top of `base` or an ancestor of it, with exactly these edits.
///
/// # Errors
/// The objects cannot be read.
pub(super) async fn is_exactly(
    repo: &dyn Land,
    head: &CommitSha,
    base: &CommitSha,
    edits: &[FileEdit],
) -> Result<bool, Fault> {
    let commits = repo.history(head, 2).await?;
    let Some(parent) = commits.first().and_then(|commit| commit.parent.clone()) else {
        return Ok(false);
    };
    Ok(repo.contains(base, &parent).await == Containment::Contains
        && has(repo, head, edits).await?
        && changes_nothing_else(repo, head, &parent, edits).await?)
}

/// Whether `head` is `base` with exactly these edits, whoever made it of which commits: a merge of it brings nothing else.
///
/// # Errors
/// The objects cannot be read.
pub(super) async fn brings_only(
    repo: &dyn Land,
    head: &CommitSha,
    base: &CommitSha,
    edits: &[FileEdit],
) -> Result<bool, Fault> {
    Ok(has(repo, head, edits).await? && changes_nothing_else(repo, head, base, edits).await?)
}

/// Whether a commit has all files as the edits leave them.
async fn has(repo: &dyn Land, commit: &CommitSha, edits: &[FileEdit]) -> Result<bool, Fault> {
    let paths: Vec<_> = edits.iter().map(|edit| edit.path().clone()).collect();
    let texts = repo.read(commit, &paths).await?;
    Ok(edits.iter().zip(texts).all(|(edit, text)| match edit {
        FileEdit::Write { content, .. } | FileEdit::Create { content, .. } => text.as_ref() == Some(content),
        FileEdit::Delete { .. } => text.is_none(),
    }))
}

/// Whether everything beside the edited files is the same in both commits. Only folders on the way to an edited file are looked into.
async fn changes_nothing_else(
    repo: &dyn Land,
    head: &CommitSha,
    parent: &CommitSha,
    edits: &[FileEdit],
) -> Result<bool, Fault> {
    let mut folders = BTreeSet::from([String::new()]);
    let mut edited = BTreeSet::new();
    for edit in edits {
        let text = edit.path().as_str();
        edited.insert(text.to_owned());
        folders.extend(
            text.match_indices('/')
                .filter_map(|(at, _)| text.get(..at))
                .map(str::to_owned),
        );
    }
    for folder in &folders {
        let here = RepoPath::parse(folder).map_err(|why| Fault::bug(format!("the path {folder:?} {why}")))?;
        let beside = |entries: Option<Vec<Entry>>| -> Vec<(String, String)> {
            let whole = |entry: Entry| match folder.as_str() {
                "" => (entry.name, entry.stands),
                folder => (format!("{folder}/{}", entry.name), entry.stands),
            };
            let all = entries.unwrap_or_default().into_iter().map(whole);
            all.filter(|(name, _)| !folders.contains(name) && !edited.contains(name))
                .collect()
        };
        if beside(repo.list(head, &here).await?) != beside(repo.list(parent, &here).await?) {
            return Ok(false);
        }
    }
    Ok(true)
}
