//! Adds entries to a list, and a list to a file that has none.

use super::place::{self, List};
use crate::ManifestFault;
use crate::yaml::{Place, Session, Style, Tree, Wanted, What, text_scalar};

/// Keys and values of new entries.
type Entries<'e> = [Vec<(&'e str, &'e str)>];

/// Adds the entries behind the last one.
pub(super) fn apply(
    session: &mut Session<'_, '_>,
    tree: &Tree<'_>,
    list: &List,
    entries: &Entries<'_>,
) -> Result<(), ManifestFault> {
    match *list {
        List::Absent => {
            let mut put = vec![Wanted::Document];
            put.extend(whole(entries));
            session.change(tree.prints.len(), 0, put);
            at_end(session, tree, tree.text.0.len(), entries);
        }
        List::Nothing(root) => {
            if !tree.span(root).is_empty() || tree.tag(root).is_some() || tree.prints.anchor(root) != 0 {
                return Err(ManifestFault::new("no entry can be added to this value")
                    .at(tree.line(root))
                    .hint("remove it: an empty file is an empty list"));
            }
            session.change(root, 1, whole(entries));
            at_end(session, tree, document_end(tree), entries);
        }
        List::Block(root) => {
            session.change(tree.next(root).saturating_sub(1), 0, nodes(entries));
            lines(session, tree, root, entries);
        }
        List::Flow(root) => {
            session.change(tree.next(root).saturating_sub(1), 0, nodes(entries));
            brackets(session, tree, root, entries);
        }
    }
    Ok(())
}

fn nodes(entries: &Entries<'_>) -> Vec<Wanted> {
    let mut nodes = Vec::new();
    for entry in entries {
        nodes.push(Wanted::Mapping);
        for (key, value) in entry {
            nodes.push(Wanted::Text((*key).to_owned()));
            nodes.push(Wanted::Text((*value).to_owned()));
        }
        nodes.push(Wanted::End);
    }
    nodes
}

fn whole(entries: &Entries<'_>) -> Vec<Wanted> {
    let mut all = vec![Wanted::Sequence];
    all.extend(nodes(entries));
    all.push(Wanted::End);
    all
}

/// Writes entries as lines with dashes, each line preceded by `line_break`.
fn dashes(entries: &Entries<'_>, indent: &str, line_break: &str) -> String {
    let mut out = String::new();
    for entry in entries {
        for (index, (key, value)) in entry.iter().enumerate() {
            let dash = if index == 0 { "- " } else { "  " };
            let value = text_scalar(value, Style::Plain, Place::Block);
            out.extend([line_break, indent, dash, key, ": ", &value]);
        }
    }
    out
}

/// Writes an entry in braces; as JSON if keys are quoted.
fn braces(entry: &[(&str, &str)], is_json: bool) -> String {
    let field = |(key, value): &(&str, &str)| {
        // Old readers end a plain value at a colon between braces.
        let style = if is_json || value.contains(':') {
            Style::Double
        } else {
            Style::Plain
        };
        let value = text_scalar(value, style, Place::Flow);
        if is_json {
            format!("\"{key}\": {value}")
        } else {
            format!("{key}: {value}")
        }
    };
    let fields: Vec<String> = entry.iter().map(field).collect();
    format!("{{{}}}", fields.join(", "))
}

/// Writes a list behind everything else, at a place where a line begins or the text ends.
fn at_end(session: &mut Session<'_, '_>, tree: &Tree<'_>, at: usize, entries: &Entries<'_>) {
    let text = tree.text;
    let is_fresh_line = at == text.line_start(at);
    let line_break = match text.previous_line_end(at) {
        Some(end) if is_fresh_line => text.line_break(end),
        _ if is_fresh_line => "\n",
        _ => text.break_beside(at),
    };
    let added = dashes(entries, "", line_break);
    session.splice_inside(
        at..at,
        if is_fresh_line {
            format!("{}{line_break}", added.strip_prefix(line_break).unwrap_or(&added))
        } else {
            added
        },
    );
}

/// Returns where a document without a value ends: before a `...`, or at the end of the text.
fn document_end(tree: &Tree<'_>) -> usize {
    let text = tree.text;
    let mut at = text.line_start(0);
    while at < text.0.len() {
        let line = text.slice(at, text.line_end(at));
        if line.strip_prefix("...").is_some_and(|rest| rest.trim().is_empty()) {
            return at;
        }
        at = text.next_line(at);
    }
    at
}

/// Adds to a list of dashes, as its last entry is written.
fn lines(session: &mut Session<'_, '_>, tree: &Tree<'_>, root: usize, entries: &Entries<'_>) {
    let text = tree.text;
    let Some(last) = tree.items(root).last().copied() else {
        return;
    };
    let own = place::lines(tree, root, last);
    // Before the line break of its last line, so that a text without one at its end stays so.
    let cut = text.slice(0, own.end);
    let at = cut
        .strip_suffix("\r\n")
        .or_else(|| cut.strip_suffix(['\n', '\r']))
        .unwrap_or(cut)
        .len();
    let line_break = text.break_beside(at);
    let indent = " ".repeat(place::column(tree, root));
    let in_braces = tree.what(last) == What::Mapping && tree.is_flow(last);
    let added = if in_braces {
        let is_json = has_quoted_keys(tree, last);
        let line = |entry: &Vec<(&str, &str)>| format!("{line_break}{indent}- {}", braces(entry, is_json));
        entries.iter().map(line).collect()
    } else {
        dashes(entries, &indent, line_break)
    };
    session.splice_inside(at..at, added);
}

fn has_quoted_keys(tree: &Tree<'_>, entry: usize) -> bool {
    let mut pairs = tree.pairs(entry);
    pairs
        .next()
        .is_some_and(|(key, _)| tree.what(key) == What::Scalar(Style::Double))
}

/// Adds to a list in brackets.
fn brackets(session: &mut Session<'_, '_>, tree: &Tree<'_>, root: usize, entries: &Entries<'_>) {
    let text = tree.text;
    let Some(last) = tree.items(root).last().copied() else {
        let written: Vec<String> = entries.iter().map(|entry| braces(entry, false)).collect();
        let at = tree.span(root).start + 1;
        session.splice_inside(at..at, written.join(", "));
        return;
    };
    let is_json = has_quoted_keys(tree, last);
    let written: Vec<String> = entries.iter().map(|entry| braces(entry, is_json)).collect();
    let (start, end) = (place::start(tree, last), place::end(tree, last));
    let own_line = text.is_first_on_line(start);
    let comma = Some(text.skip_to_token(end)).filter(|at| text.byte(*at) == Some(b','));
    let fresh = format!("{}{}", text.break_beside(end), text.indentation(start));
    match comma {
        Some(at) if own_line && text.rest_is_comment(at + 1) => {
            let added: Vec<String> = written.iter().map(|entry| format!("{fresh}{entry},")).collect();
            let at = text.line_end(at);
            session.splice_inside(at..at, added.concat());
        }
        None if own_line && text.rest_is_comment(end) => {
            session.splice_inside(end..end, ",".to_owned());
            let at = text.line_end(end);
            session.splice_inside(at..at, format!("{fresh}{}", written.join(&format!(",{fresh}"))));
        }
        _ => {
            let added: Vec<String> = written.iter().map(|entry| format!(", {entry}")).collect();
            session.splice_inside(end..end, added.concat());
        }
    }
}
