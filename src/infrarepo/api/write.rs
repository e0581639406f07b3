//! What every write by the API has in common: how often it is sent, what it holds, and what a refusal means.

use crate::github::Refusal;
use crate::infrarepo::git::rejection;
use crate::infrarepo::{Attempt, FileEdit, Update};
use crate::model::Fault;

/// How often a write is sent while its answers are lost and the branch has not moved.
pub(super) const SENDS: u32 = 4;

/// Adds that nothing was written, where the fault does not say it.
pub(super) fn not_written(mut fault: Fault) -> Fault {
    if !fault.message.contains("nothing was written") {
        fault.message.push_str("; nothing was written");
    }
    fault
}

/// Returns the new bytes of an edit; `None` for a file that goes.
pub(super) fn content(edit: &FileEdit) -> Option<&[u8]> {
    match edit {
        FileEdit::Write { content, .. } | FileEdit::Create { content, .. } => Some(content),
        FileEdit::Delete { .. } => None,
    }
}

/// Sorts a refusal: somebody else was faster, or a rule that is said with a way out.
pub(super) fn refused(said: Refusal, update: &Update, what: &str) -> Result<Attempt, Fault> {
    if said.kind.as_deref() == Some("STALE_DATA") || said.says("expected branch to point to") {
        return Ok(Attempt::LostRace { why: said.message });
    }
    let place = said.place.clone();
    match rejection::classify(&said.message, "", &update.reference, &place) {
        rejection::Refusal::LostRace => Ok(Attempt::LostRace { why: said.message }),
        _ if matches!(said.status, 401 | 404) || said.kind.as_deref() == Some("NOT_FOUND") => {
            Err(not_written(said.fault(what)))
        }
        rejection::Refusal::Rule(fault) | rejection::Refusal::Passing(fault) => Err(not_written(fault)),
    }
}
