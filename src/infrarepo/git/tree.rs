//! Folders and commits in an object database, whatever it is kept in: find a path, list a folder, make a commit of edits.

use std::collections::BTreeSet;

use git2::{ErrorCode, FileMode, ObjectType, Oid, Repository, Signature, Time};

use crate::infrarepo::{CommitInfo, Entry, EntryKind, FileEdit, FileMode as Mode, Update};
use crate::model::{CommitSha, Event, Fault, RepoPath, Timestamp};

/// Where a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A folder.
    Folder(Oid),
    /// A regular file.
    File(Oid, FileMode),
    /// A symbolic link.
    Link(Oid),
    /// A submodule, or nothing.
    Nothing,
    /// This folder on the way is not in the database.
    Missing(Oid),
}

impl Found {
    /// Returns the name of the object that was found.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::File(id, _) | Self::Folder(id) | Self::Link(id) => Some(id.to_string()),
            Self::Nothing | Self::Missing(_) => None,
        }
    }
}

/// Follows a path from the root of a commit. Links are never followed.
pub(super) fn find(repo: &Repository, commit: Oid, path: &RepoPath) -> Result<Found, git2::Error> {
    let mut here = repo.find_commit(commit)?.tree_id();
    let mut parts = path.parts().peekable();
    while let Some(part) = parts.next() {
        let tree = match repo.find_tree(here) {
            Ok(tree) => tree,
            Err(error) if is_absent(repo, here, &error) => return Ok(Found::Missing(here)),
            Err(error) => return Err(error),
        };
        let Some(entry) = tree.get_name(part) else {
            return Ok(Found::Nothing);
        };
        match (kind(entry.filemode()), parts.peek()) {
            (EntryKind::Folder, _) => here = entry.id(),
            (EntryKind::File, None) => return Ok(Found::File(entry.id(), mode(entry.filemode()))),
            (EntryKind::Other, None) if entry.filemode() == i32::from(FileMode::Link) => {
                return Ok(Found::Link(entry.id()));
            }
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
                stands: format!("{:o} {}", entry.filemode(), entry.id()),
            };
            Ok(Some(tree.iter().map(entry).collect()))
        }
        Err(error) if is_absent(repo, folder, &error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an object is not in the database. libgit2 gives the same code for one that is there and of another kind than was asked for: to
/// fetch that again would bring it no nearer.
fn is_absent(repo: &Repository, id: Oid, error: &git2::Error) -> bool {
    error.code() == ErrorCode::NotFound && repo.odb().is_ok_and(|odb| !odb.exists(id))
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

/// A commit that was made, and every object that it needs beyond those of its parents.
pub(super) struct Made {
    pub(super) commit: Oid,
    pub(super) objects: Vec<Oid>,
}

/// Makes the commit of an update in the database. No reference moves. Its parents, and the folders on the way to its files, are there.
pub(super) fn commit(repo: &Repository, update: &Update) -> Result<Made, Fault> {
    let author = Signature::new(
        &update.author.name,
        &update.author.mail,
        &Time::new(i64::try_from(update.at.unix_seconds()).unwrap_or(i64::MAX), 0),
    )
    .map_err(|error| Fault::invalid("`author` cannot stand in a commit").because(error))?;
    let mut parents = Vec::new();
    for parent in &update.parents {
        parents.push(repo.find_commit(oid(parent)?).map_err(broken)?);
    }
    let edits = update.edits.iter();
    let mut edits: Vec<(Vec<&str>, &FileEdit)> = edits.map(|edit| (edit.path().parts().collect(), edit)).collect();
    edits.sort_by(|one, other| one.0.cmp(&other.0));
    let mut objects = BTreeSet::new();
    let before = parents.first().map(git2::Commit::tree_id);
    let tree = match folder(repo, before, &edits, 0, &mut objects)? {
        Some(tree) => tree,
        None => repo.treebuilder(None).and_then(|empty| empty.write()).map_err(broken)?,
    };
    objects.insert(tree);
    let tree = repo.find_tree(tree).map_err(broken)?;
    let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
    let commit = repo
        .commit(None, &author, &author, &update.message, &tree, &parents)
        .map_err(broken)?;
    objects.insert(commit);
    Ok(Made {
        commit,
        objects: objects.into_iter().collect(),
    })
}

fn broken(error: git2::Error) -> Fault {
    match error.class() {
        // The database is in memory, but where the infra-repo is a folder.
        git2::ErrorClass::Os | git2::ErrorClass::Filesystem => {
            Fault::denied("this user cannot write to the folder of the infra-repo; nothing was written").because(error)
        }
        _ => Fault::bug("make the commit").because(error),
    }
}

/// Makes a folder of what it was (`None`: there was none) and of edits, sorted by path, whose paths agree in the first `depth` parts. Notes
/// every new object. `None`: nothing is left in it.
fn folder(
    repo: &Repository,
    before: Option<Oid>,
    edits: &[(Vec<&str>, &FileEdit)],
    depth: usize,
    objects: &mut BTreeSet<Oid>,
) -> Result<Option<Oid>, Fault> {
    let before = before
        .map(|before| repo.find_tree(before))
        .transpose()
        .map_err(broken)?;
    let mut builder = repo.treebuilder(before.as_ref()).map_err(broken)?;
    for same in edits.chunk_by(|one, other| one.0.get(depth) == other.0.get(depth)) {
        let Some((parts, edit)) = same.first() else { continue };
        let Some(name) = parts.get(depth) else {
            return Err(Fault::bug(format!("the folder {} is edited as a file", edit.path())));
        };
        let known = before.as_ref().and_then(|before| before.get_name(name));
        let known = known.map(|entry| (kind(entry.filemode()), entry.id(), mode(entry.filemode())));
        let inside = parts.len() > depth + 1;
        let new = if inside {
            let known = match known {
                Some((EntryKind::Folder, id, _)) => Some(id),
                None => None,
                Some(_) => {
                    let on_the_way = parts.get(..=depth).unwrap_or_default().join("/");
                    return Err(Fault::invalid(format!(
                        "{} cannot be written: {on_the_way} is not a folder",
                        edit.path()
                    )));
                }
            };
            folder(repo, known, same, depth + 1, objects)?.map(|id| (id, FileMode::Tree))
        } else if same.len() > 1 {
            return Err(Fault::bug(format!(
                "{} is edited twice, or as a folder and a file",
                edit.path()
            )));
        } else {
            file(repo, known, edit)?
        };
        match new {
            Some((id, mode)) => {
                objects.insert(id);
                builder.insert(name, id, mode.into()).map_err(broken)?;
            }
            None => builder.remove(name).map_err(broken)?,
        }
    }
    if builder.is_empty() {
        return Ok(None);
    }
    builder.write().map(Some).map_err(broken)
}

/// Checks an edit of a file against what is there under its name, and returns what takes its place.
fn file(
    repo: &Repository,
    known: Option<(EntryKind, Oid, FileMode)>,
    edit: &FileEdit,
) -> Result<Option<(Oid, FileMode)>, Fault> {
    let (content, mode) = match (edit, known) {
        (FileEdit::Write { content, .. }, Some((EntryKind::File, _, mode))) => (content, mode),
        (FileEdit::Create { content, mode, .. }, None) => match mode {
            Mode::Plain => (content, FileMode::Blob),
            Mode::Executable => (content, FileMode::BlobExecutable),
        },
        (FileEdit::Delete { .. }, Some((EntryKind::File, ..))) => return Ok(None),
        (FileEdit::Create { path, .. }, Some((EntryKind::File, ..))) => {
            return Err(Fault::bug(format!("{path} exists already")));
        }
        (FileEdit::Create { path, .. }, Some(_)) => {
            return Err(Fault::invalid(format!(
                "{path} cannot be written: it is a folder or a link"
            )));
        }
        (FileEdit::Write { path, .. } | FileEdit::Delete { path }, _) => {
            return Err(Fault::bug(format!("{path} is not a file where it is changed")));
        }
    };
    let blob = repo.blob(content).map_err(broken)?;
    Ok(Some((blob, mode)))
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
        message: kept(commit.message_raw_bytes()),
    })
}

/// How much is kept of the first line and of the last paragraph of a message, in bytes: the trailers of a thousand pins.
const MOST_KEPT: usize = 256 << 10;

/// Returns the first line and the last paragraph of a message: nobody reads what is between them, and it can be long.
fn kept(message: &[u8]) -> String {
    let message = message.trim_ascii_end();
    let first = message.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let last = message.windows(2).rposition(|pair| pair == b"\n\n");
    let last = last
        .and_then(|at| message.get(at + 2..))
        .filter(|last| last.len() <= MOST_KEPT);
    let first = String::from_utf8_lossy(first.get(..first.len().min(MOST_KEPT)).unwrap_or_default());
    match last {
        Some(last) => format!("{first}\n\n{}\n", String::from_utf8_lossy(last)),
        None => format!("{first}\n"),
    }
}

/// Says that a search ended before its bound, because the commits weigh too much.
pub(super) fn too_long(commits: usize, from: &CommitSha) -> Event {
    Event::Notice(format!(
        "the commit messages before {} are too long to read: promote looked back {commits} {}",
        from.short(),
        if commits == 1 { "commit" } else { "commits" }
    ))
}

/// Returns the content of a file.
pub(super) fn content(repo: &Repository, blob: Oid) -> Result<Vec<u8>, git2::Error> {
    let odb = repo.odb()?;
    let object = odb.read(blob)?;
    if object.kind() == ObjectType::Blob {
        Ok(object.data().to_vec())
    } else {
        Err(git2::Error::from_str("the object is not a file"))
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

#[cfg(test)]
mod tests {
    use super::super::pack::Objects as _;
    use super::super::store::Store;
    use super::*;

    /// A server can send anything under the name of a folder. Asked for again, it would be the same: only an object that is not here is missing.
    #[test]
    fn a_file_in_the_place_of_a_folder_is_not_missing() {
        let mut store = Store::new().unwrap();
        let blob = store.put(ObjectType::Blob, b"images: []\n").unwrap();
        let absent = Oid::from_bytes(&[7; 20]).unwrap();
        for (id, is_missing) in [(blob, false), (absent, true)] {
            let entry = [b"40000 apps\0".as_slice(), id.as_bytes()].concat();
            let tree = store.put(ObjectType::Tree, &entry).unwrap();
            let text = format!("tree {tree}\nauthor M <m@m> 1 +0000\ncommitter M <m@m> 1 +0000\n\nOdd\n");
            let commit = store.put(ObjectType::Commit, text.as_bytes()).unwrap();
            let path = RepoPath::parse("apps/api").unwrap();
            let found = find(store.repo(), commit, &path);
            assert_eq!(found.is_ok_and(|found| found == Found::Missing(id)), is_missing);
            assert_eq!(list(store.repo(), id).is_ok(), is_missing);
        }
    }
}
