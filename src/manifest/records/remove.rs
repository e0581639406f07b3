//! Removes entries from a list.

use super::place::{self, List};
use crate::yaml::{Session, Tree, Wanted};

/// Removes the entries with these numbers.
pub(super) fn apply(session: &mut Session<'_, '_>, tree: &Tree<'_>, list: &List, numbers: &[usize]) {
    let entries = list.entries(tree);
    let goes = |number: usize| numbers.contains(&number);
    let leaving: Vec<usize> = (entries.iter().enumerate())
        .filter(|(number, _)| goes(*number))
        .map(|(_, entry)| *entry)
        .collect();
    if leaving.is_empty() {
        return;
    }
    let is_all = leaving.len() == entries.len();
    match *list {
        List::Block(root) => {
            let mut first = None;
            for entry in &leaving {
                let own = place::lines(tree, root, *entry);
                first.get_or_insert(own.start);
                session.splice_inside(own, String::new());
            }
            if !is_all {
                gone(session, tree, &leaving);
            } else if is_explicit(tree) {
                // A document that says where it begins or ends keeps a list: empty, and written so.
                let at = first.unwrap_or_default();
                let line_break = tree.text.break_beside(at);
                session.splice_inside(at..at, format!("[]{line_break}"));
                gone(session, tree, &leaving);
            } else {
                let document = root.saturating_sub(1);
                session.change(document, tree.next(root) - document, Vec::new());
            }
        }
        List::Flow(_) => {
            gone(session, tree, &leaving);
            brackets(session, tree, &entries, &goes);
        }
        List::Absent | List::Nothing(_) => {}
    }
}

fn gone(session: &mut Session<'_, '_>, tree: &Tree<'_>, entries: &[usize]) {
    for entry in entries {
        session.change(*entry, tree.next(*entry) - entry, Vec::<Wanted>::new());
    }
}

/// Whether a line of the text is a marker of a document.
fn is_explicit(tree: &Tree<'_>) -> bool {
    let marks = |line: &str| line.starts_with("---") || line.starts_with("...") || line.starts_with('%');
    tree.text
        .0
        .trim_start_matches('\u{feff}')
        .split(['\n', '\r'])
        .any(marks)
}

/// Removes entries between brackets, each with one comma.
fn brackets(session: &mut Session<'_, '_>, tree: &Tree<'_>, entries: &[usize], goes: &impl Fn(usize) -> bool) {
    let text = tree.text;
    let comma = |end: usize| Some(text.skip_to_token(end)).filter(|at| text.byte(*at) == Some(b','));
    let own = |entry: usize| (place::start(tree, entry), place::end(tree, entry));
    let last_kept = (0..entries.len()).rev().find(|number| !goes(*number));
    let mut ranges = Vec::new();
    for (number, entry) in entries.iter().enumerate().filter(|(number, _)| goes(*number)) {
        let (start, end) = own(*entry);
        let behind = comma(end).map_or(end, |at| at + 1);
        let is_tail = last_kept.is_none_or(|kept| number > kept);
        if text.is_first_on_line(start) && text.rest_is_comment(behind) {
            ranges.push(text.line_start(start)..text.next_line(behind));
        } else if is_tail {
            ranges.push(start - text.blanks_before(start).len()..behind);
        } else {
            ranges.push(start..text.skip_blanks(behind));
        }
    }
    // The bracket is preceded by a comma afterwards if it was before.
    if let (Some(kept), Some(last)) = (last_kept.and_then(|kept| entries.get(kept)), entries.last())
        && kept != last
        && comma(own(*last).1).is_none()
        && let Some(at) = comma(own(*kept).1)
    {
        ranges.push(at..at + 1);
    }
    for range in ranges {
        session.splice_inside(range, String::new());
    }
}
