//! Folders and commits in an object database, whatever it is kept in: find a path, list a folder, make a commit of edits.

use std::collections::BTreeSet;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{ErrorCode, FileMode, ObjectType, Oid, Repository, Signature, Time};

use crate::infrarepo::{CommitDraft, CommitInfo, Entry, EntryKind};
use crate::model::{CommitSha, Fault, RepoPath, Timestamp};

/// Where a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A folder.
    Folder(Oid),
    /// A regular file.
    File(Oid, FileMode),
    /// A link or a submodule, or nothing.
    Nothing,
    /// This folder on the way is not in the database.
    Missing(Oid),
}

/// Follows a path from the root of a commit. Links are never followed.
pub(super) fn find(repo: &Repository, commit: Oid, path: &RepoPath) -> Result<Found, git2::Error> {
    let mut here = repo.find_commit(commit)?.tree_id();
    let mut parts = path.parts().peekable();
    while let Some(part) = parts.next() {
        let tree = match repo.find_tree(here) {
            Ok(tree) => tree,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(Found::Missing(here)),
            Err(error) => return Err(error),
        };
        let Some(entry) = tree.get_name(part) else {
            return Ok(Found::Nothing);
        };
        match (kind(entry.filemode()), parts.peek()) {
            (EntryKind::Folder, _) => here = entry.id(),
            (EntryKind::File, None) => return Ok(Found::File(entry.id(), mode(entry.filemode()))),
            _ => return Ok(Found::Nothing),
        }
    }
    Ok(Found::Folder(here))
}

/// Returns what is in a folder; `None` when the folder is not in the database.
pub(super) fn list(repo: &Repository, folder: Oid) -> Result<Option<Vec<Entry>>, git2::Error> {
    match repo.find_tree(folder) {
        Ok(tree) => {
            let entry = |entry: git2::TreeEntry<'_>| Entry {
                name: String::from_utf8_lossy(entry.name_bytes()).into_owned(),
                kind: kind(entry.filemode()),
            };
            Ok(Some(tree.iter().map(entry).collect()))
        }
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn kind(mode: i32) -> EntryKind {
    if mode == i32::from(FileMode::Tree) {
        EntryKind::Folder
    } else if [FileMode::Blob, FileMode::BlobGroupWritable, FileMode::BlobExecutable]
        .iter()
        .any(|file| mode == i32::from(*file))
    {
        EntryKind::File
    } else {
        EntryKind::Other
    }
}

fn mode(mode: i32) -> FileMode {
    if mode == i32::from(FileMode::BlobExecutable) {
        FileMode::BlobExecutable
    } else {
        FileMode::Blob
    }
}

/// A commit that was made, and every object that it needs beyond its parent's.
pub(super) struct Made {
    pub(super) commit: Oid,
    pub(super) objects: Vec<Oid>,
}

/// Makes the commit of a draft in the database. No branch moves.
pub(super) fn commit(repo: &Repository, draft: &CommitDraft) -> Result<Made, Fault> {
    let broken = |error: git2::Error| Fault::bug("make the commit").because(error);
    let author = Signature::new(
        &draft.author.name,
        &draft.author.mail,
        &Time::new(i64::try_from(draft.at.unix_seconds()).unwrap_or(i64::MAX), 0),
    )
    .map_err(|error| Fault::invalid("`author` cannot stand in a commit").because(error))?;
    let base = oid(&draft.base)?;
    let parent = repo.find_commit(base).map_err(broken)?;
    let mut update = TreeUpdateBuilder::new();
    let mut objects = BTreeSet::new();
    for edit in &draft.edits {
        let Found::File(_, mode) = find(repo, base, &edit.path).map_err(broken)? else {
            return Err(Fault::bug(format!("{} is no file at {base}", edit.path)));
        };
        let blob = repo.blob(&edit.content).map_err(broken)?;
        update.upsert(edit.path.as_str(), blob, mode);
        objects.insert(blob);
    }
    let tree = update
        .create_updated(repo, &parent.tree().map_err(broken)?)
        .map_err(broken)?;
    objects.insert(tree);
    let tree = repo.find_tree(tree).map_err(broken)?;
    let commit = repo
        .commit(None, &author, &author, &draft.message, &tree, &[&parent])
        .map_err(broken)?;
    objects.insert(commit);
    for edit in &draft.edits {
        // Every folder from the root down to the file has a new name.
        for (end, _) in edit.path.as_str().match_indices('/') {
            let folder = edit.path.as_str().get(..end).unwrap_or_default();
            objects.insert(tree.get_path(Path::new(folder)).map_err(broken)?.id());
        }
    }
    Ok(Made {
        commit,
        objects: objects.into_iter().collect(),
    })
}

/// Returns what a commit says of itself.
pub(super) fn info(repo: &Repository, id: Oid) -> Result<CommitInfo, git2::Error> {
    let commit = repo.find_commit(id)?;
    let author = commit.author();
    Ok(CommitInfo {
        commit: sha(id),
        parent: commit.parent_ids().next().map(sha),
        author: format!(
            "{} <{}>",
            String::from_utf8_lossy(author.name_bytes()),
            String::from_utf8_lossy(author.email_bytes())
        ),
        at: Timestamp::at_unix(u64::try_from(commit.time().seconds()).unwrap_or_default()),
        message: String::from_utf8_lossy(commit.message_raw_bytes()).into_owned(),
    })
}

/// Returns the content of a file.
pub(super) fn content(repo: &Repository, blob: Oid) -> Result<Vec<u8>, git2::Error> {
    let odb = repo.odb()?;
    let object = odb.read(blob)?;
    if object.kind() == ObjectType::Blob {
        Ok(object.data().to_vec())
    } else {
        Err(git2::Error::from_str("the object is no file"))
    }
}

/// Returns libgit2's name of a commit.
pub(super) fn oid(commit: &CommitSha) -> Result<Oid, Fault> {
    let text = commit.as_str();
    if text.len() != 40 {
        return Err(sha256(text));
    }
    Oid::from_str(text).map_err(|error| Fault::bug(format!("read the commit {text}")).because(error))
}

/// The fault for repositories that name objects by SHA-256.
pub(super) fn sha256(place: &str) -> Fault {
    Fault::invalid(format!("{place} names its objects by SHA-256, which is not supported"))
        .hint("use an infra-repo that names its objects by SHA-1, git's default")
}

/// Returns our name of a commit.
pub(super) fn sha(id: Oid) -> CommitSha {
    // An object's name is always 40 digits; the zero name stands in so that nothing can panic.
    let text = id.to_string();
    CommitSha::parse(&text).unwrap_or_else(zero)
}

#[expect(clippy::expect_used, reason = "40 zeros are a commit's name, whatever happens")]
fn zero() -> CommitSha {
    CommitSha::parse(&"0".repeat(40)).expect("40 hexadecimal digits")
}
