//! A run that is run again: was its commit landed by an earlier attempt, and is the pin another one since?

use crate::infrarepo::{InfraRepo, MOST_COMMITS};
use crate::journal::Journal;
use crate::model::{Event, Fault};
use crate::plan::{Identity, Trailers};
use crate::report::SupersededBy;

use crate::promote::lineage::Lineage;
use crate::promote::prepare::plan::Planned;

/// Returns who changed the pin after an earlier attempt of this run had landed it; `None` when that is not so, or lies too far back.
///
/// A trailer proves nothing, and nothing is written because of one: the worst that a forged one does is to end this run.
///
/// # Errors
/// The history cannot be read.
pub(in crate::promote) async fn superseded(
    repo: &dyn InfraRepo,
    identity: &Identity,
    planned: &Planned,
    journal: &dyn Journal,
) -> Result<Option<SupersededBy>, Fault> {
    let Some(run) = earlier_attempts(&identity.run) else {
        return Ok(None);
    };
    if planned.plan.changes.is_empty() {
        return Ok(None);
    }
    let tip = &planned.snapshot.tip.commit;
    let commits = repo.history(tip, MOST_COMMITS).await?;
    let ours = commits.iter().find(|commit| {
        Trailers::read(&commit.message).is_some_and(|trailers| {
            is_of(&trailers.run, run) && planned.plan.changes.iter().all(|change| trailers.set(change))
        })
    });
    let Some(ours) = ours else {
        if commits.len() == MOST_COMMITS {
            journal.tell(Event::Notice(format!(
                "no commit of an earlier attempt of this run is among the last {MOST_COMMITS} before {}; further back was not looked",
                tip.short()
            )));
        }
        return Ok(None);
    };
    let lineage = Lineage::new(repo, &ours.commit, planned.plan.changes.iter().collect());
    Ok(Some(lineage.replaced_by(tip).await))
}

/// Tells whether an attempt belongs to a run.
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
