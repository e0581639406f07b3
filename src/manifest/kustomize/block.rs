//! Removes fields from, and adds fields to, an entry whose keys stand on lines of their own.

use std::ops::Range;

use super::change::Step;
use super::draft::Draft;
use super::entry::{Entry, FieldName, Slot};
use super::overlay::List;
use crate::ManifestFault;
use crate::yaml::{Place, Wanted, scalar};

/// Makes the steps in a block entry.
pub(super) fn apply<'t>(
    draft: &mut Draft<'t>,
    list: &List<'t>,
    entry: &Entry<'t>,
    steps: &[Step<'_, 't>],
) -> Result<(), ManifestFault> {
    let mut leaving = Vec::new();
    for step in steps {
        match step {
            Step::Replace(slot, value) => draft.replace(slot, value, false),
            Step::Swap(slot, name, value) => draft.swap(slot, *name, value, false)?,
            Step::Remove(slot) => leaving.push(slot.key_node),
            Step::Add(..) => {}
        }
    }
    remove(draft, entry, &leaving)?;
    for step in steps {
        if let Step::Add(name, value) = step {
            add(draft, list, entry, &leaving, *name, value);
        }
    }
    Ok(())
}

/// Removes the fields whose keys are the nodes `leaving`, with their lines and the comments beside them.
fn remove<'t>(draft: &mut Draft<'t>, entry: &Entry<'t>, leaving: &[usize]) -> Result<(), ManifestFault> {
    let text = draft.text;
    let mut lines: Vec<Range<usize>> = Vec::new();
    let first_key = entry.slots.first().map_or(0, |first| first.key.start);
    let mut behind_dash = !text.is_first_on_line(first_key);
    for slot in &entry.slots {
        if !leaving.contains(&slot.key_node) {
            behind_dash = false;
            continue;
        }
        draft.refuse_dressed_key(slot)?;
        draft.forget(slot);
        let beside = text.slice(slot.value.end, text.line_end(slot.value.end));
        if beside.trim_start().starts_with('#') {
            draft.lose(slot, beside);
        }
        if behind_dash {
            // The dash stays, and what comes next moves up behind it.
            let mut next = text.next_line(slot.value.end);
            while text.rest_is_comment(next) && text.byte(text.skip_blanks(next)) != Some(b'#') && next < text.0.len() {
                next = text.next_line(next);
            }
            let next = text.skip_blanks(next);
            draft.splices.remove(slot.key.start..next);
            behind_dash = text.byte(next) != Some(b'#');
        } else {
            let line = text.line_start(slot.key.start)..text.next_line(slot.value.end);
            match lines.last_mut() {
                Some(last) if last.end == line.start => last.end = line.end,
                _ => lines.push(line),
            }
        }
    }
    for line in lines {
        let unended = line.end == text.0.len() && !text.0.ends_with(['\n', '\r']);
        // The last line of a file that ends without a line break takes the break before it along.
        let start = text.previous_line_end(line.start).filter(|_| unended);
        draft.splices.remove(start.unwrap_or(line.start)..line.end);
    }
    Ok(())
}

/// Adds a field: `newName` behind the name, any other behind the last field that stays.
fn add<'t>(draft: &mut Draft<'t>, list: &List<'t>, entry: &Entry<'t>, leaving: &[usize], name: FieldName, value: &str) {
    let text = draft.text;
    let stays = |slot: &&Slot<'t>| !leaving.contains(&slot.key_node);
    let own_name = entry.slot(FieldName::Name).filter(|_| name == FieldName::NewName);
    let before = own_name.or_else(|| entry.slots.iter().rev().find(stays));
    let (end, node) = match before {
        Some(slot) => (slot.value.end, slot.value.nodes.end),
        None => (entry.span.end, entry.nodes.end.saturating_sub(1)),
    };
    let written = scalar(value, list.style_of(name), Place::Block);
    let at = text.line_end(end);
    let line = format!(
        "{}{}{}: {written}",
        text.break_beside(at),
        key_indent(draft, entry),
        name.key()
    );
    draft.splices.insert(at, line);
    draft.change(
        node,
        0,
        vec![Wanted::Text(name.key().to_owned()), Wanted::Text(value.to_owned())],
    );
}

/// Returns what stands before a key on a line of its own.
pub(super) fn key_indent(draft: &Draft<'_>, entry: &Entry<'_>) -> String {
    let text = draft.text;
    let own_line = entry.slots.iter().find(|slot| text.is_first_on_line(slot.key.start));
    match own_line.or_else(|| entry.slots.first()) {
        Some(slot) if text.is_first_on_line(slot.key.start) => text.indentation(slot.key.start).to_owned(),
        Some(slot) => " ".repeat(text.indentation(slot.key.start).chars().count()),
        None => " ".repeat(text.indentation(entry.span.start).chars().count()),
    }
}
