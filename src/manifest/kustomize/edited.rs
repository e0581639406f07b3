//! Says what an edit did: each entry before and after, with its line in the new text.

use super::{Before, EntryEdit};
use crate::yaml::{Splice, lines};
use crate::{ChangedPin, Field};

/// Says what each edit did, with the line in the new text.
pub(super) fn changed(new: &str, splices: &[Splice], before: Vec<Before>, edits: &[&EntryEdit]) -> Vec<ChangedPin> {
    let lines = lines(new, splices);
    let first_new = lines.keys().copied().min();
    let mut changed = Vec::with_capacity(before.len());
    for Before { owner, pin: before, .. } in before {
        let Some(edit) = edits.get(owner) else {
            continue;
        };
        let mut after = before.clone();
        let apply = |field: &Field, value: &mut Option<String>| match field {
            Field::Keep => {}
            Field::Set(text) => *value = Some(text.clone()).filter(|text| !text.is_empty()),
            Field::Remove => *value = None,
        };
        apply(&edit.new_name, &mut after.new_name);
        apply(&edit.new_tag, &mut after.new_tag);
        apply(&edit.digest, &mut after.digest);
        let line = lines
            .get(&owner)
            .or_else(|| first_new.and_then(|owner| lines.get(&owner)));
        after.line = line.copied().unwrap_or(before.line);
        changed.push(ChangedPin { before, after });
    }
    changed
}
