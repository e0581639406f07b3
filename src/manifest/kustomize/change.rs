//! Decides what must happen to the fields of one entry, and refuses what cannot be done without touching something else.

use std::collections::HashSet;

use super::EntryEdit;
use super::entry::{Entry, FieldName, Form, Slot};
use super::strict::mistyped;
use crate::{Field, ManifestFault};

/// One step of an edit.
#[derive(Clone, Debug)]
pub(super) enum Step<'o, 't> {
    /// The value is written again.
    Replace(&'o Slot<'t>, String),
    /// The field goes.
    Remove(&'o Slot<'t>),
    /// A field comes.
    Add(FieldName, String),
    /// The field makes room for another one, in its place.
    Swap(&'o Slot<'t>, FieldName, String),
}

/// Returns the steps that make the entry what the edit wants; none when it is that already.
pub(super) fn steps<'o, 't>(
    entry: &'o Entry<'t>,
    edit: &EntryEdit,
    aliased: &HashSet<usize>,
) -> Result<Vec<Step<'o, 't>>, ManifestFault> {
    let name = &edit.name;
    if let Some(slot) = entry.doubled() {
        let key = slot.name.map_or("", FieldName::key);
        return Err(ManifestFault::new(format!("the entry `{name}` has `{key}` twice"))
            .at(slot.value.line)
            .hint("remove one of the two"));
    }
    let mut steps = Vec::new();
    for field in FieldName::EDITABLE {
        steps.extend(step(entry, field, edit.field(field), name)?);
    }
    if steps.is_empty() {
        return Ok(steps);
    }
    if entry.is_alias {
        return Err(
            ManifestFault::new(format!("the entry `{name}` is an alias of text elsewhere in the file"))
                .at(entry.line)
                .hint("replace the alias with the entry itself"),
        );
    }
    if aliased.contains(&entry.anchor) {
        return Err(shared(&format!("the entry `{name}`"), entry.line));
    }
    for step in &steps {
        if let Step::Replace(slot, _) | Step::Remove(slot) = step {
            check_slot(slot, name, aliased, matches!(step, Step::Remove(_)))?;
        }
    }
    pair(&mut steps, entry.flow);
    Ok(steps)
}

fn step<'o, 't>(
    entry: &'o Entry<'t>,
    field: FieldName,
    wanted: &Field,
    name: &str,
) -> Result<Option<Step<'o, 't>>, ManifestFault> {
    let slot = entry.slot(field);
    let inherited = entry.inherited(field);
    let wanted = match wanted {
        Field::Keep => None,
        Field::Set(text) => Some(text.as_str()),
        Field::Remove => Some(""),
    };
    Ok(match (wanted, slot) {
        (None, Some(slot)) => match slot.value.mistyped {
            Some(found) => return Err(mistyped(field, &slot.value, found)),
            None => None,
        },
        (None, None) => None,
        (Some(""), Some(slot)) if slot.value.text.is_empty() && slot.value.mistyped.is_none() => None,
        (Some(""), slot) if inherited.is_some() => {
            let line = slot.map_or(entry.line, |slot| slot.value.line);
            let key = field.key();
            return Err(ManifestFault::new(format!(
                "`{key}` cannot be removed from the entry `{name}`: a merge (`<<`) supplies it"
            ))
            .at(line)
            .hint(format!("replace the merge with the fields of `{name}` that must stay")));
        }
        (Some(""), slot) => slot.map(Step::Remove),
        (Some(text), Some(slot)) if slot.value.text == text && slot.value.mistyped.is_none() => None,
        (Some(text), Some(slot)) => Some(Step::Replace(slot, text.to_owned())),
        (Some(text), None) if inherited == Some(text) => None,
        (Some(text), None) => Some(Step::Add(field, text.to_owned())),
    })
}

fn check_slot(slot: &Slot<'_>, name: &str, aliased: &HashSet<usize>, goes: bool) -> Result<(), ManifestFault> {
    let key = slot.name.map_or("", FieldName::key);
    let (value, line) = (&slot.value, slot.value.line);
    if aliased.contains(&value.anchor) {
        return Err(shared(&format!("`{key}` of the entry `{name}`"), line));
    }
    if goes {
        return Ok(());
    }
    if value.form == Form::Collection {
        let found = value.mistyped.unwrap_or("no text");
        return Err(ManifestFault::new(format!("`{key}` of the entry `{name}` is {found}"))
            .at(line)
            .hint(format!("write `{key}` as a text")));
    }
    match value.tag.as_deref() {
        Some(tag) if !value.is_tagged_text() => {
            let tag = tag.replace("tag:yaml.org,2002:", "!!");
            Err(
                ManifestFault::new(format!("`{key}` of the entry `{name}` has the YAML tag `{tag}`"))
                    .at(line)
                    .hint("remove the YAML tag"),
            )
        }
        _ => Ok(()),
    }
}

fn shared(what: &str, line: usize) -> ManifestFault {
    ManifestFault::new(format!(
        "{what} has an anchor, and an alias elsewhere in the file would change with it"
    ))
    .at(line)
    .hint("replace the alias with a copy of the value")
}

/// A field that goes makes room for one that comes: tag and digest for each other, and between braces any for any.
fn pair(steps: &mut Vec<Step<'_, '_>>, flow: bool) {
    let is_pin = |name| matches!(name, FieldName::NewTag | FieldName::Digest);
    while let Some((leaving, coming)) = steps.iter().enumerate().find_map(|(leaving, step)| {
        let Step::Remove(slot) = step else {
            return None;
        };
        let fits = |name| flow || (is_pin(name) && slot.name.is_some_and(is_pin));
        let coming = steps
            .iter()
            .position(|step| matches!(step, Step::Add(name, _) if fits(*name)))?;
        Some((leaving, coming))
    }) {
        if let (Some(Step::Remove(slot)), Some(Step::Add(name, text))) = (steps.get(leaving), steps.get(coming)) {
            let swap = Step::Swap(slot, *name, text.clone());
            if let Some(place) = steps.get_mut(leaving) {
                *place = swap;
            }
            steps.remove(coming);
        }
    }
}
