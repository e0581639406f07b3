//! A run that is run again: was its commit landed by an earlier attempt, and is the pin another one since?

use crate::infrarepo::{InfraRepo, MOST_COMMITS};
use crate::journal::Journal;
use crate::model::{CommitSha, Event, Fault, Pin, PinChange, RepoPath};
use crate::plan::{Identity, Trailers};
use crate::report::SupersededBy;

use crate::promote::lineage::Lineage;
use crate::promote::prepare::pins::placed_at;
use crate::promote::prepare::plan::Planned;

/// Looks whether an earlier attempt of this run landed what is planned. Returns who changed the pin since; `None` when nobody did, no attempt
/// landed it, or it lies too far back. Where it stands still, the pins of the plan get what was there before that commit.
///
/// A trailer proves nothing, and nothing is written because of one: what was pinned is read from the files, and the worst that a forged
/// one does is to end this run.
///
/// # Errors
/// The history cannot be read.
pub(in crate::promote) async fn look(
    repo: &dyn InfraRepo,
    identity: &Identity,
    planned: &mut Planned,
    journal: &dyn Journal,
) -> Result<Option<SupersededBy>, Fault> {
    let Some(run) = earlier_attempts(&identity.run) else {
        return Ok(None);
    };
    let tip = planned.snapshot.tip.commit.clone();
    let commits = repo.history(&tip, MOST_COMMITS).await?;
    let standing = planned.plan.changes.is_empty();
    let pins = if standing {
        &planned.plan.pins
    } else {
        &planned.plan.changes
    };
    let ours = commits.iter().find_map(|commit| {
        let trailers = Trailers::read(&commit.message)?;
        let made = |change: &PinChange| trailers.set(change);
        let all = if standing {
            pins.iter().any(made)
        } else {
            pins.iter().all(made)
        };
        (is_of(&trailers.run, run) && all).then_some(commit)
    });
    let Some(ours) = ours else {
        if commits.len() == MOST_COMMITS {
            journal.tell(Event::Notice(format!(
                "no commit of an earlier attempt of this run is among the last {MOST_COMMITS} before {}; promote searched no further",
                tip.short()
            )));
        }
        return Ok(None);
    };
    if standing {
        if let Some(parent) = &ours.parent {
            look_before(repo, planned, &ours.commit, parent).await?;
        }
        return Ok(None);
    }
    let lineage = Lineage::new(repo, &ours.commit, planned.plan.changes.iter().collect());
    Ok(Some(lineage.replaced_by(&tip).await))
}

/// Gives the pins of a plan what the files had before a commit, where they show that the commit set them.
async fn look_before(
    repo: &dyn InfraRepo,
    planned: &mut Planned,
    commit: &CommitSha,
    parent: &CommitSha,
) -> Result<(), Fault> {
    for (place, overlay) in &planned.snapshot.places {
        let before = placed_at(repo, parent, place, overlay).await?;
        let after = placed_at(repo, commit, place, overlay).await?;
        for pin in planned.plan.pins.iter_mut().filter(|pin| place.has(pin)) {
            let find = |pins: &[(RepoPath, Pin)]| {
                let mut pins = pins.iter();
                let found = pins.find(|(file, there)| *file == pin.file && there.name == pin.after.name);
                found.map(|(_, there)| there.clone())
            };
            let Some((old, new)) = find(&before).zip(find(&after)) else {
                continue;
            };
            if new.reference() == pin.after.reference() && old.reference() != new.reference() {
                pin.before = old;
            }
        }
    }
    Ok(())
}

/// Whether an attempt belongs to a run.
fn is_of(attempt: &str, run: &str) -> bool {
    attempt
        .strip_prefix(run)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("/attempts/"))
}

/// Returns a run's address without its attempt, if this is not the first.
fn earlier_attempts(run: &str) -> Option<&str> {
    let (run, attempt) = run.rsplit_once("/attempts/")?;
    attempt.parse::<u32>().is_ok_and(|attempt| attempt > 1).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_later_attempts_look_back() {
        assert_eq!(
            earlier_attempts("https://h/o/r/actions/runs/7/attempts/2"),
            Some("https://h/o/r/actions/runs/7")
        );
        assert_eq!(earlier_attempts("https://h/o/r/actions/runs/7/attempts/1"), None);
        assert_eq!(earlier_attempts("4f2c"), None);
    }
}
