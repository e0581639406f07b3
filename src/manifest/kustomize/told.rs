//! Tells what an edit did: each entry before and after, with its line in the new text.

use std::collections::HashMap;

use super::{Before, EntryEdit};
use crate::yaml::{Splice, Text};
use crate::{ChangedPin, Field};

/// Tells what each edit did, with the line in the new text.
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

/// Returns, for each edit, the first line of the new text that it wrote; where it only removed, the line before.
fn lines(new: &str, splices: &[Splice]) -> HashMap<usize, usize> {
    let mut lines = HashMap::new();
    let text = Text(new);
    let (mut counted_to, mut line, mut old_end, mut new_end) = (0, 1, 0, 0);
    for splice in splices {
        let start = new_end + (splice.range.start - old_end);
        (old_end, new_end) = (splice.range.end, start + splice.text.len());
        let written = splice.text.len() - splice.text.trim_start_matches(['\r', '\n']).len();
        let at = start + written;
        line += text.breaks(counted_to, at);
        counted_to = at;
        lines.entry(splice.owner).or_insert(line);
    }
    lines
}
