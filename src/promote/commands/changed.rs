//! Which commit last changed the pins of an app in an environment, whoever made it. Trailers only add who and why: the tree decides.

use crate::infrarepo::{CommitInfo, InfraRepo};
use crate::model::{Clock, CommitSha, Fault, Pin, RepoPath};
use crate::plan::{Place, Trailers};
use crate::report::StatusRow;

/// A pin and the file it is in.
pub(super) type Placed = (RepoPath, Pin);

/// The commit that last changed one of the pins.
pub(super) struct Changed<'a> {
    pub(super) commit: &'a CommitInfo,
    /// What it replaced, as references; empty where nothing was pinned before.
    before: Vec<String>,
}

/// So many commits are compared at once: nearly always the newest few are enough.
const AT_ONCE: usize = 32;

/// Returns the newest commit of `history` (the newest first, each with its first parent next) after which the pins are as they are now, and
/// before which one of them was not. `None` when that lies further back.
///
/// # Errors
/// The objects cannot be read.
pub(super) async fn by<'a>(
    repo: &dyn InfraRepo,
    history: &'a [CommitInfo],
    place: &Place,
    pins: &[Placed],
) -> Result<Option<Changed<'a>>, Fault> {
    let mut files: Vec<RepoPath> = pins.iter().map(|(file, _)| file.clone()).collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Ok(None);
    }
    let commits: Vec<CommitSha> = history.iter().map(|commit| commit.commit.clone()).collect();
    let mut from = 0;
    while from < commits.len() {
        // The last commit of a part is the first of the next: each is compared with its parent.
        let part = commits
            .get(from..commits.len().min(from + AT_ONCE + 1))
            .unwrap_or_default();
        let stands = repo.stands(part, &files).await?;
        for (at, pair) in stands.windows(2).enumerate() {
            let [newer, older] = pair else { continue };
            let (Some(commit), Some(parent)) = (history.get(from + at), commits.get(from + at + 1)) else {
                continue;
            };
            if newer == older {
                continue;
            }
            if let Some(before) = replaced(repo, parent, place, &files, pins).await? {
                return Ok(Some(Changed { commit, before }));
            }
        }
        if part.len() <= AT_ONCE {
            break;
        }
        from += AT_ONCE;
    }
    // The root of the history made everything that is there.
    let root = history.last().filter(|commit| commit.parent.is_none());
    Ok(root.map(|commit| Changed {
        commit,
        before: Vec::new(),
    }))
}

/// Returns what those of `pins` said at a commit that say something else now; `None` if each says the same.
async fn replaced(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    place: &Place,
    files: &[RepoPath],
    pins: &[Placed],
) -> Result<Option<Vec<String>>, Fault> {
    let texts = repo.read(at, files).await?;
    let mut before = Vec::new();
    let mut same = true;
    for (file, text) in files.iter().zip(texts) {
        let then = text.and_then(|text| place.syntax.pins(&text).ok()).unwrap_or_default();
        for (_, pin) in pins.iter().filter(|(of, pin)| of == file && pin.is_pinned()) {
            let said = then.iter().filter(|other| other.name == pin.name);
            let said: Vec<String> = said.filter(|other| other.is_pinned()).map(Pin::reference).collect();
            if said.contains(&pin.reference()) {
                continue;
            }
            same = false;
            before.extend(
                said.into_iter()
                    .filter(|said| !before.contains(said))
                    .collect::<Vec<_>>(),
            );
        }
    }
    Ok((!same).then_some(before))
}

impl Changed<'_> {
    /// Puts the commit into a row, with who made it: by its trailers if they are about one of these pins, else its author.
    pub(super) fn fill(self, row: &mut StatusRow, pins: &[Placed], clock: &dyn Clock) {
        let Self { commit, before } = self;
        let trailers = Trailers::read(&commit.message).filter(|trailers| {
            let made = |(file, pin): &Placed| trailers.pins.iter().any(|one| one.made(file.as_str(), pin));
            pins.iter().any(made)
        });
        let by = trailers.map(|trailers| trailers.by).filter(|by| !by.is_empty());
        let author = || commit.author.split(" <").next().unwrap_or_default().to_owned();
        row.previous = before;
        row.commit = Some(commit.commit.clone());
        row.at = Some(commit.at);
        row.age_seconds = Some(clock.wall().since(commit.at).as_secs());
        row.by = Some(by.unwrap_or_else(author));
    }
}
