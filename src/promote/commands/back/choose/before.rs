//! What was pinned before a commit: the version that `commit` names.

use crate::assess::history::RecordedPin;
use crate::infrarepo::InfraRepo;
use crate::model::{CommitName, CommitSha, Fault};
use crate::plan::{Overlay, Place};

use super::{Chosen, Here, No, no};
use crate::promote::commands::back::past::{Known, recorded};
use crate::promote::prepare::pins::placed_at;
use crate::promote::prepare::snapshot::Snapshot;

impl Here<'_> {
    /// What was pinned before a commit, where it is still what the commit set.
    pub(super) fn before(&self, name: &CommitName, around: &[(RecordedPin, RecordedPin)]) -> Result<Chosen, No> {
        if around.is_empty() {
            return Err(no(format!("commit {name} changed no pin here")));
        }
        let mut pins = Vec::new();
        for (before, after) in around {
            let now = self
                .past
                .pinned
                .iter()
                .find(|pin| pin.file == after.file && pin.name == after.name);
            match now {
                Some(now) if now.image == after.image || now.image == before.image => pins.push(before.clone()),
                now => {
                    let now = now.map_or("nothing", |pin| &pin.image);
                    return Err(No {
                        why: format!(
                            "commit {name} set {}, but {now} is pinned now: somebody has changed it since",
                            after.image
                        ),
                        hint: Some("name the version to go back to with `--to`".to_owned()),
                    });
                }
            }
        }
        self.free(Chosen::new(pins, format!("it was pinned before commit {name}")))
    }
}

/// Returns what a commit changed, by the files before and after it: for each target its entries that had another image before.
pub(super) async fn around(
    repo: &dyn InfraRepo,
    name: &CommitName,
    snapshot: &Snapshot,
    known: &Known,
) -> Result<Vec<Vec<(RecordedPin, RecordedPin)>>, Fault> {
    let mut named = known.commits.iter().filter(|commit| name.names(&commit.commit));
    let commit = match (named.next(), named.next()) {
        (Some(commit), None) => commit,
        (Some(one), Some(other)) => {
            let why = format!("`commit` {name} is ambiguous: {} and {}", one.commit, other.commit);
            return Err(Fault::invalid(why).hint("use the full SHA"));
        }
        (None, _) => {
            return Err(Fault::invalid(format!(
                "`commit` {name}: none of the last {} commits of {} is it",
                known.commits.len(),
                snapshot.tip.branch
            ))
            .hint("use the SHA of a commit of the infra-repo"));
        }
    };
    let Some(parent) = &commit.parent else {
        return Err(Fault::refused(format!(
            "commit {name} is the first one: nothing was pinned before it"
        )));
    };
    let mut all = Vec::new();
    for (place, overlay) in &snapshot.places {
        let before = pins_at(repo, parent, place, overlay).await?;
        let after = pins_at(repo, &commit.commit, place, overlay).await?;
        let changed = after.into_iter().filter_map(|after| {
            let before = before
                .iter()
                .find(|pin| pin.file == after.file && pin.name == after.name)?;
            (before.image != after.image).then(|| (before.clone(), after))
        });
        all.push(changed.collect());
    }
    Ok(all)
}

/// Returns what a place pinned at a commit.
pub(super) async fn pins_at(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    place: &Place,
    overlay: &Overlay,
) -> Result<Vec<RecordedPin>, Fault> {
    Ok(recorded(placed_at(repo, at, place, overlay).await?))
}
