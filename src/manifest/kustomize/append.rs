//! Adds entries to a list, and a list to a file that has none.

use super::block::key_indent;
use super::draft::Draft;
use super::entry::{Entry, FieldName};
use super::flow::Layout;
use super::overlay::{List, ListForm, Overlay, Root};
use crate::ManifestFault;
use crate::yaml::{Place, Style, Wanted, scalar};

/// The fields of a new entry, in the order in which they are written.
pub(super) type NewEntry = Vec<(FieldName, String)>;

/// Adds the entries behind the last one of the file's list.
pub(super) fn apply<'t>(
    draft: &mut Draft<'t>,
    overlay: &Overlay<'t>,
    owner_and_entry: &[(usize, NewEntry)],
) -> Result<(), ManifestFault> {
    let Some((owner, _)) = owner_and_entry.first() else {
        return Ok(());
    };
    draft.splices.owner = *owner;
    let entries: Vec<&NewEntry> = owner_and_entry.iter().map(|(_, entry)| entry).collect();
    let Some(list) = overlay.lists.first() else {
        add_list(draft, overlay, &entries);
        return Ok(());
    };
    if overlay.aliased.contains(&list.anchor) {
        return Err(ManifestFault::new(
            "the list of images has an anchor, and an alias elsewhere in the file would change with it",
        )
        .at(draft.text.line(list.key.start))
        .hint("replace the alias with a copy of the list"));
    }
    match (list.form, &overlay.root) {
        (ListForm::Block { dash }, _) => add_lines(draft, list, dash, &entries),
        (ListForm::Flow, _) if list.length > 0 => add_between_brackets(draft, list, &entries),
        (ListForm::Flow | ListForm::Nothing, Root::Flow { key_style, .. }) => {
            fill_in_braces(draft, list, *key_style, &entries);
        }
        (ListForm::Flow | ListForm::Nothing, Root::Block { indent }) => {
            fill_lines(draft, list, indent + overlay.list_indent, &entries);
        }
        (ListForm::Flow | ListForm::Nothing, Root::Absent { .. }) => {}
    }
    Ok(())
}

/// Returns the nodes of the entries.
fn nodes(entries: &[&NewEntry]) -> Vec<Wanted> {
    let mut nodes = Vec::new();
    for entry in entries {
        nodes.push(Wanted::Mapping);
        for (name, value) in *entry {
            nodes.push(Wanted::Text(name.key().to_owned()));
            nodes.push(Wanted::Text(value.clone()));
        }
        nodes.push(Wanted::End);
    }
    nodes
}

/// Returns the nodes of a whole list.
fn list_nodes(entries: &[&NewEntry]) -> Vec<Wanted> {
    let mut list = vec![Wanted::Sequence];
    list.extend(nodes(entries));
    list.push(Wanted::End);
    list
}

/// Writes entries on lines of their own, each line preceded by `line_break`.
fn lines(
    entries: &[&NewEntry],
    line_break: &str,
    first: &str,
    other: &str,
    style_of: impl Fn(FieldName) -> Style,
) -> String {
    let mut out = Vec::new();
    for entry in entries {
        for (index, (name, value)) in entry.iter().enumerate() {
            let prefix = if index == 0 { first } else { other };
            let written = scalar(value, style_of(*name), Place::Block);
            out.push(format!("{line_break}{prefix}{}: {written}", name.key()));
        }
    }
    out.concat()
}

/// Adds to a list of dashes, as its last entry is laid out.
fn add_lines<'t>(draft: &mut Draft<'t>, list: &List<'t>, dash: usize, entries: &[&NewEntry]) {
    let text = draft.text;
    let at = text.line_end(list.last_end);
    let line_break = text.break_beside(at);
    let indent = " ".repeat(dash);
    let added = match list.last() {
        Some(neighbour) if neighbour.flow && !neighbour.slots.is_empty() => {
            let layout = Layout::of(text, neighbour);
            let written = entries.iter().map(|entry| flow_entry(&layout, entry, list));
            let lines: Vec<String> = written.map(|entry| format!("{line_break}{indent}- {entry}")).collect();
            lines.concat()
        }
        neighbour => {
            let (first, other) = prefixes(draft, neighbour, &indent, line_break);
            lines(entries, line_break, &first, &other, |name| list.style_of(name))
        }
    };
    // The last line of the list may be one that goes.
    match draft.splices.removed_over(at) {
        Some(end) => {
            let lines = added.strip_prefix(line_break).unwrap_or(&added);
            draft.splices.insert(end, format!("{lines}{line_break}"));
        }
        None => draft.splices.insert(at, added),
    }
    draft.change(list.nodes.end.saturating_sub(1), 0, nodes(entries));
}

fn flow_entry(layout: &Layout, entry: &NewEntry, list: &List<'_>) -> String {
    let fields: Vec<(FieldName, &str)> = entry.iter().map(|(name, value)| (*name, value.as_str())).collect();
    layout.entry(&fields, |name| list.style_of(name))
}

/// Returns what stands before the first key of an entry and before the others: the dash and the gap of the neighbour.
fn prefixes(draft: &Draft<'_>, last: Option<&Entry<'_>>, indent: &str, line_break: &str) -> (String, String) {
    let plain = (format!("{indent}- "), format!("{indent}  "));
    let Some(last) = last.filter(|last| !last.is_alias) else {
        return plain;
    };
    let text = draft.text;
    let Some(first) = last.slots.first() else {
        return plain;
    };
    let before = text.indentation(first.key.start);
    let keys = key_indent(draft, last);
    if text.is_first_on_line(first.key.start) {
        // The dash stands on the line before, alone or with an anchor or a comment.
        let dash_line = text.previous_line_end(first.key.start);
        let is_alone = dash_line.is_some_and(|end| text.indentation(end).trim() == "-");
        return if is_alone {
            (format!("{indent}-{line_break}{before}"), keys)
        } else {
            plain
        };
    }
    match before.trim_end().strip_suffix('-') {
        Some(front) => {
            let gap = before.get(front.len() + 1..).unwrap_or(" ");
            (format!("{indent}-{gap}"), format!("{indent} {}", " ".repeat(gap.len())))
        }
        None => plain,
    }
}

/// Adds to a list in brackets that has entries.
fn add_between_brackets<'t>(draft: &mut Draft<'t>, list: &List<'t>, entries: &[&NewEntry]) {
    let text = draft.text;
    let neighbour = list.last().filter(|last| last.flow && !last.is_alias);
    let layout = neighbour.map_or_else(|| Layout::plain(Style::Plain), |last| Layout::of(text, last));
    let written: Vec<String> = entries.iter().map(|entry| flow_entry(&layout, entry, list)).collect();
    let end = list.last_end;
    let own_line = neighbour.filter(|last| text.is_first_on_line(last.span.start));
    let comma = Some(text.skip_to_token(end)).filter(|at| text.byte(*at) == Some(b','));
    match (own_line, comma) {
        (Some(neighbour), Some(at)) if text.rest_is_comment(at + 1) => {
            let start = format!("{}{}", text.break_beside(at), text.indentation(neighbour.span.start));
            let added: Vec<String> = written.iter().map(|entry| format!("{start}{entry},")).collect();
            draft.splices.insert(text.line_end(at), added.concat());
        }
        (Some(neighbour), None) if text.rest_is_comment(end) => {
            let start = format!("{}{}", text.break_beside(end), text.indentation(neighbour.span.start));
            draft.splices.insert(end, ",");
            draft.splices.insert(
                text.line_end(end),
                format!("{start}{}", written.join(&format!(",{start}"))),
            );
        }
        _ => {
            let comma = layout.entry_comma();
            let added: Vec<String> = written.iter().map(|entry| format!("{comma}{entry}")).collect();
            draft.splices.insert(end, added.concat());
        }
    }
    draft.change(list.nodes.end.saturating_sub(1), 0, nodes(entries));
}

/// Writes the entries in brackets.
fn brackets(key_style: Style, entries: &[&NewEntry]) -> String {
    let layout = Layout::plain(key_style);
    let written: Vec<String> = entries
        .iter()
        .map(|entry| {
            let fields: Vec<(FieldName, &str)> = entry.iter().map(|(name, value)| (*name, value.as_str())).collect();
            layout.entry(&fields, |_| Style::Plain)
        })
        .collect();
    format!("[{}]", written.join(", "))
}

/// Fills an empty list of a file in braces.
fn fill_in_braces<'t>(draft: &mut Draft<'t>, list: &List<'t>, key_style: Style, entries: &[&NewEntry]) {
    let written = brackets(key_style, entries);
    let text = draft.text;
    if list.span.is_empty() {
        let dressed = list.anchor != 0;
        match text.after_colon(list.key.end) {
            _ if dressed => draft.splices.insert(list.span.start, format!(" {written}")),
            Some(at) => draft.splices.insert(at, format!(" {written}")),
            None => draft.splices.insert(list.key.end, format!(": {written}")),
        }
    } else {
        draft.splices.replace(list.span.clone(), written);
    }
    draft.change(list.nodes.start, list.nodes.len(), list_nodes(entries));
}

/// Gives an empty list of a file with lines its entries, on lines below the key.
fn fill_lines<'t>(draft: &mut Draft<'t>, list: &List<'t>, indent: usize, entries: &[&NewEntry]) {
    let text = draft.text;
    let mut end = list.last_end;
    if !list.span.is_empty() {
        let start = text.slice(0, list.span.start).trim_end().len();
        draft.splices.remove(start..list.span.end);
        end = list.span.end;
    }
    let at = text.line_end(end);
    let (first, other) = (format!("{}- ", " ".repeat(indent)), " ".repeat(indent + 2));
    draft.splices.insert(
        at,
        lines(entries, text.break_beside(at), &first, &other, |_| Style::Plain),
    );
    draft.change(list.nodes.start, list.nodes.len(), list_nodes(entries));
}

/// Adds a list to a file that has none.
fn add_list<'t>(draft: &mut Draft<'t>, overlay: &Overlay<'t>, entries: &[&NewEntry]) {
    let mut put = vec![Wanted::Text("images".to_owned())];
    put.extend(list_nodes(entries));
    let is_document = match overlay.root {
        Root::Flow { .. } | Root::Block { .. } => {
            draft.change(overlay.last_node, 0, put);
            true
        }
        Root::Absent { is_document } => {
            put.insert(0, Wanted::Mapping);
            put.push(Wanted::End);
            if !is_document {
                put.insert(0, Wanted::Document);
            }
            draft.change(overlay.last_node, usize::from(is_document), put);
            is_document
        }
    };
    match &overlay.root {
        Root::Flow {
            last,
            is_empty,
            key_style,
            last_key,
        } => {
            let text = draft.text;
            let layout = Layout::plain(*key_style);
            let written = format!("{}{}", layout.key("images"), brackets(*key_style, entries));
            let added = match is_empty {
                true => written,
                false if text.is_first_on_line(*last_key) => {
                    format!(",{}{}{written}", text.break_beside(*last), text.indentation(*last_key))
                }
                false => format!(", {written}"),
            };
            draft.splices.insert(*last, added);
        }
        Root::Block { indent } => add_at_end(draft, overlay, *indent, true, entries),
        Root::Absent { .. } => add_at_end(draft, overlay, 0, is_document, entries),
    }
}

/// Writes the list behind everything else of the document.
fn add_at_end<'t>(
    draft: &mut Draft<'t>,
    overlay: &Overlay<'t>,
    indent: usize,
    is_document: bool,
    entries: &[&NewEntry],
) {
    let text = draft.text;
    let margin = " ".repeat(indent);
    let dash = " ".repeat(indent + overlay.list_indent);
    let at = if is_document {
        document_end(draft, overlay.content_end)
    } else {
        text.0.len()
    };
    let is_fresh_line = at == text.line_start(at);
    let line_break = match text.previous_line_end(at) {
        Some(end) if is_fresh_line => text.line_break(end),
        _ if is_fresh_line => "\n",
        _ => text.break_beside(at),
    };
    let (first, other) = (format!("{dash}- "), format!("{dash}  "));
    let below = lines(entries, line_break, &first, &other, |_| Style::Plain);
    let added = if is_fresh_line {
        format!("{margin}images:{below}{line_break}")
    } else {
        format!("{line_break}{margin}images:{below}")
    };
    draft.splices.insert(at, added);
}

/// Returns where the document ends whose content ends at `content`: before a `...` or `---`, or at the end of the text.
fn document_end(draft: &Draft<'_>, content: usize) -> usize {
    let text = draft.text;
    let mut at = text.next_line(content);
    while at < text.0.len() {
        let line = text.slice(at, text.line_end(at));
        let marker = line.strip_prefix("...").or_else(|| line.strip_prefix("---"));
        if at == text.line_start(at) && marker.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])) {
            return at;
        }
        at = text.next_line(at);
    }
    text.0.len()
}
