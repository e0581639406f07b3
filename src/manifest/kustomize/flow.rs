//! Removes fields from, and adds fields to, an entry in braces, and writes whole entries that way.

use super::change::Step;
use super::draft::Draft;
use super::entry::{Entry, FieldName, Slot};
use super::overlay::List;
use crate::ManifestFault;
use crate::yaml::{Place, Style, Text, Wanted, scalar};

/// Makes the steps in an entry in braces. Fields that go and fields that come are paired before, so that only one kind is left.
pub(super) fn apply<'t>(
    draft: &mut Draft<'t>,
    list: &List<'t>,
    entry: &Entry<'t>,
    steps: &[Step<'_, 't>],
) -> Result<(), ManifestFault> {
    let mut leaving = Vec::new();
    for step in steps {
        match step {
            Step::Replace(slot, value) => draft.replace(slot, value, true),
            Step::Swap(slot, name, value) => draft.swap(slot, *name, value, true)?,
            Step::Remove(slot) => leaving.push(slot.key_node),
            Step::Add(name, value) => add(draft, list, entry, *name, value),
        }
    }
    remove(draft, entry, &leaving)
}

/// Returns where the comma behind `end` is, if there is one.
fn comma(text: Text<'_>, end: usize) -> Option<usize> {
    let at = text.skip_to_token(end);
    (text.byte(at) == Some(b',')).then_some(at)
}

/// Removes the fields whose keys are the nodes `leaving`, each with one comma.
fn remove<'t>(draft: &mut Draft<'t>, entry: &Entry<'t>, leaving: &[usize]) -> Result<(), ManifestFault> {
    let goes = |slot: &&Slot<'t>| leaving.contains(&slot.key_node);
    for slot in entry.slots.iter().filter(goes) {
        draft.refuse_dressed_key(slot)?;
        draft.forget(slot);
    }
    let kept = entry.slots.iter().rposition(|slot| !goes(&slot));
    let (front, tail) = entry.slots.split_at(kept.map_or(0, |kept| kept + 1));
    for slot in front.iter().filter(goes) {
        remove_before_another(draft, slot);
    }
    if let (Some(kept), Some(last)) = (front.last(), tail.last()) {
        remove_tail(draft, kept, tail, last);
    }
    Ok(())
}

/// Removes a field that another one follows, and its comma.
fn remove_before_another<'t>(draft: &mut Draft<'t>, slot: &Slot<'t>) {
    let text = draft.text;
    let end = comma(text, slot.value.end).map_or(slot.value.end, |at| at + 1);
    let (first, last) = (text.is_first_on_line(slot.key.start), text.rest_is_comment(end));
    let range = match (first, last) {
        (true, true) => text.line_start(slot.key.start)..text.next_line(end),
        (false, true) => blanks_before(text, slot.key.start)..end,
        (_, false) => slot.key.start..text.skip_blanks(end),
    };
    draft.splices.remove(range);
}

/// Removes the fields behind the last one that stays; the brace is preceded by a comma afterwards if it was before.
fn remove_tail<'t>(draft: &mut Draft<'t>, kept: &Slot<'t>, tail: &[Slot<'t>], last: &Slot<'t>) {
    let text = draft.text;
    if !text.slice(kept.value.end, last.value.end).contains(['\n', '\r']) {
        draft.splices.remove(kept.value.end..last.value.end);
        return;
    }
    let final_comma = comma(text, last.value.end);
    if let Some(at) = comma(text, kept.value.end).filter(|_| final_comma.is_none()) {
        draft.splices.remove(at..at + 1);
    }
    for slot in tail {
        let end = comma(text, slot.value.end).map_or(slot.value.end, |at| at + 1);
        let alone = text.is_first_on_line(slot.key.start) && text.rest_is_comment(end);
        draft.splices.remove(if alone {
            text.line_start(slot.key.start)..text.next_line(end)
        } else {
            blanks_before(text, slot.key.start)..end
        });
    }
}

/// Returns where the blanks before `at` on its line begin.
fn blanks_before(text: Text<'_>, at: usize) -> usize {
    at - text.blanks_before(at).len()
}

/// Adds a field: `newName` behind the name, any other behind the last.
fn add<'t>(draft: &mut Draft<'t>, list: &List<'t>, entry: &Entry<'t>, name: FieldName, value: &str) {
    let text = draft.text;
    let own_name = entry.slot(FieldName::Name).filter(|_| name == FieldName::NewName);
    let Some(before) = own_name.or_else(|| entry.slots.last()) else {
        return;
    };
    let layout = Layout::of(text, entry);
    let field = layout.field(name, value, list.style_of(name));
    let end = before.value.end;
    let comma = comma(text, end);
    let own_line = text.is_first_on_line(before.key.start);
    match comma {
        Some(at) if own_line && text.rest_is_comment(at + 1) => {
            let line = format!(
                "{}{}{field},",
                text.break_beside(at),
                text.indentation(before.key.start)
            );
            draft.splices.insert(text.line_end(at), line);
        }
        None if own_line && text.rest_is_comment(end) => {
            draft.splices.insert(end, ",");
            let line = format!(
                "{}{}{field}",
                text.break_beside(end),
                text.indentation(before.key.start)
            );
            draft.splices.insert(text.line_end(end), line);
        }
        _ => draft.splices.insert(end, format!("{}{field}", layout.inline_comma())),
    }
    let put = vec![Wanted::Text(name.key().to_owned()), Wanted::Text(value.to_owned())];
    draft.change(before.value.nodes.end, 0, put);
}

/// How entries in braces are laid out.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    key_style: Style,
    open: String,
    comma: String,
    colon: String,
    close: String,
}

impl Layout {
    /// The layout of a file that has no such entry; with `key_style` in double quotes it is JSON.
    pub(super) fn plain(key_style: Style) -> Self {
        Self {
            key_style,
            open: String::new(),
            comma: ", ".to_owned(),
            colon: ": ".to_owned(),
            close: String::new(),
        }
    }

    /// Copies the layout of an entry, where it is made of blanks only.
    pub(super) fn of(text: Text<'_>, entry: &Entry<'_>) -> Self {
        let (Some(first), Some(last)) = (entry.slots.first(), entry.slots.last()) else {
            return Self::plain(Style::Plain);
        };
        let mut layout = Self::plain(first.key_style);
        let is_blank = |gap: &str| gap.trim().is_empty();
        let gap = |from: usize, to: usize| text.slice(from, to);
        let (open, close) = (
            gap(entry.span.start + 1, first.key.start),
            gap(last.value.end, entry.span.end.saturating_sub(1)),
        );
        if is_blank(open) && is_blank(close) {
            (layout.open, layout.close) = (open.to_owned(), close.to_owned());
        }
        let colon = gap(first.key.end, first.value.span.start);
        if colon.trim() == ":" && !colon.contains(['\n', '\r']) && (colon != ":" || first.key_style != Style::Plain) {
            colon.clone_into(&mut layout.colon);
        }
        if let Some(second) = entry.slots.get(1) {
            let comma = gap(first.value.end, second.key.start);
            if comma.starts_with(',') && comma.trim() == "," {
                comma.clone_into(&mut layout.comma);
            }
        } else if layout.open.contains(['\n', '\r']) {
            layout.comma = format!(",{}", layout.open);
        }
        layout
    }

    /// Returns the comma between two fields on one line.
    fn inline_comma(&self) -> &str {
        if self.comma.contains(['\n', '\r']) {
            ", "
        } else {
            &self.comma
        }
    }

    /// Returns the comma between two entries on one line.
    pub(super) fn entry_comma(&self) -> &'static str {
        if self.comma == "," { "," } else { ", " }
    }

    /// Writes a key; in JSON it is quoted.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}{}", scalar(key, self.key_style, Place::Block), self.colon)
    }

    fn field(&self, name: FieldName, value: &str, style: Style) -> String {
        let style = match style {
            _ if self.key_style == Style::Double => Style::Double,
            // Old readers end a plain value at a colon between braces.
            Style::Plain if value.contains(':') => Style::Double,
            style => style,
        };
        format!("{}{}", self.key(name.key()), scalar(value, style, Place::Flow))
    }

    /// Writes a whole entry.
    pub(super) fn entry(&self, fields: &[(FieldName, &str)], style_of: impl Fn(FieldName) -> Style) -> String {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| self.field(*name, value, style_of(*name)))
            .collect();
        format!("{{{}{}{}}}", self.open, fields.join(&self.comma), self.close)
    }
}
