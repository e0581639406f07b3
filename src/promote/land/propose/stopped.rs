//! The end of a pull request that must not be merged any more: GitHub does not merge it by itself, it stays open, and it says why.

use crate::model::{CommitSha, Fault, Outcome};
use crate::plan::unmerged;

use super::bounds::Bounds;
use super::branch::Open;
use super::{Way, branch};

/// Returns the commit that its merge made, if it is merged by now.
///
/// # Errors
/// As the host.
pub(super) async fn merged(way: Way<'_>, bounds: Bounds<'_>, at: &Open) -> Result<Option<CommitSha>, Fault> {
    let what = format!("read pull request #{}", at.pull.number);
    let state = bounds.waiting().read(&what, way.pulls.state(&at.pull)).await?;
    Ok(state.merged)
}

/// Ends it because of `fault`. If it was merged before that, this returns the commit: then the fault came too late.
///
/// # Errors
/// The fault, with what became of the pull request.
pub(super) async fn stopped(way: Way<'_>, bounds: Bounds<'_>, at: &Open, mut fault: Fault) -> Result<CommitSha, Fault> {
    if matches!(fault.outcome, Outcome::Cancelled { .. }) {
        return Err(fault);
    }
    let number = at.pull.number;
    let what = format!("the request to stop the merge of pull request #{number}");
    let stopping = way.pulls.stop(&at.pull);
    match bounds.waiting().write(&what, "GitHub still merges it", stopping).await {
        Ok(state) if state.closed => return Err(fault),
        Ok(state) => {
            if let Some(commit) = state.merged {
                return Ok(commit);
            }
        }
        Err(why) if matches!(why.outcome, Outcome::Cancelled { .. }) => return Err(why),
        Err(why) => {
            fault.message = format!("{}; pull request #{number} is still open: {why}", fault.message);
            fault.hints.insert(0, format!("close pull request #{number}"));
            return Err(fault);
        }
    }
    let body = unmerged(&at.pull.body, &fault.message);
    let mut pull = at.pull.clone();
    let title = pull.title.clone();
    if let Err(why) = branch::rewritten(way, bounds.waiting(), &mut pull, &title, &body).await {
        let text = format!("pull request #{number} does not say why it is not merged: {why}");
        way.ports.journal.warn(text);
    }
    fault.message = format!("{}; pull request #{number} stays open and is not merged", fault.message);
    Err(fault)
}
