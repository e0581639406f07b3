//! The list of a file and where its entries are.

use std::ops::Range;

use crate::ManifestFault;
use crate::yaml::{Kind, Style, Tree, What, kind};

/// An entry: its keys and values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The line that it begins on, from 1.
    pub line: usize,
    /// Key, value and line of each; `None` for a value that YAML takes for nothing.
    pub fields: Vec<(String, Option<String>, usize)>,
}

/// What the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// Nothing at all, or comments only.
    Absent,
    /// A document without a value: the node that stands for nothing.
    Nothing(usize),
    /// Lines with dashes: the node of the list.
    Block(usize),
    /// A list in brackets: its node.
    Flow(usize),
}

impl List {
    /// Finds the list.
    pub(super) fn of(tree: &Tree<'_>) -> Result<Self, ManifestFault> {
        let (root, more) = match tree.documents() {
            [] => return Ok(Self::Absent),
            [root] => (*root, None),
            [root, second, ..] => (*root, Some(*second)),
        };
        if let Some(second) = more {
            return Err(ManifestFault::new("a second document begins")
                .at(tree.line(second))
                .hint("keep only one"));
        }
        match tree.what(root) {
            What::Sequence if tree.is_flow(root) => Ok(Self::Flow(root)),
            What::Sequence => Ok(Self::Block(root)),
            What::Scalar(Style::Plain) if is_nothing(tree, root) => Ok(Self::Nothing(root)),
            _ => Err(ManifestFault::new("the file must be a list")
                .at(tree.line(root))
                .hint("begin each entry with `- `")),
        }
    }

    /// Returns the nodes of its entries.
    pub(super) fn entries(self, tree: &Tree<'_>) -> Vec<usize> {
        match self {
            Self::Absent | Self::Nothing(_) => Vec::new(),
            Self::Block(node) | Self::Flow(node) => tree.items(node),
        }
    }

    /// Reads its entries.
    pub(super) fn records(self, tree: &Tree<'_>) -> Result<Vec<Record>, ManifestFault> {
        let entries = self.entries(tree);
        entries.into_iter().map(|entry| record(tree, entry)).collect()
    }
}

fn is_nothing(tree: &Tree<'_>, node: usize) -> bool {
    let text = tree.scalar(node).unwrap_or_default();
    tree.what(node) == What::Scalar(Style::Plain) && !tree.is_tagged_text(node) && kind(&text) == Kind::Null
}

fn record(tree: &Tree<'_>, entry: usize) -> Result<Record, ManifestFault> {
    let line = tree.line(entry);
    if tree.what(tree.real(entry)) != What::Mapping {
        return Err(ManifestFault::new("an entry must be a mapping")
            .at(line)
            .hint("write it as `- key: value`"));
    }
    let mut fields: Vec<(String, Option<String>, usize)> = Vec::new();
    for (key, value) in tree.pairs(entry) {
        let (line, name) = (tree.line(key), tree.scalar(key).unwrap_or_default().into_owned());
        if let Some((_, _, first)) = fields.iter().find(|(other, ..)| *other == name) {
            return Err(ManifestFault::new(format!("the key `{name}` is already on line {first}")).at(line));
        }
        let real = tree.real(value);
        let Some(text) = tree.scalar(real) else {
            return Err(ManifestFault::new(format!("the value of `{name}` must be a text")).at(line));
        };
        fields.push((name, (!is_nothing(tree, real)).then(|| text.into_owned()), line));
    }
    Ok(Record { line, fields })
}

/// Returns where an entry begins: behind its dash or comma, with its anchor and tag.
pub(super) fn start(tree: &Tree<'_>, entry: usize) -> usize {
    let text = tree.text;
    let mut at = tree.span(entry).start;
    loop {
        let before = text.slice(0, at).trim_end_matches([' ', '\t', '\n', '\r']);
        let word = before
            .rfind([' ', '\t', '\n', '\r', '-', ',', '['])
            .map_or(0, |end| end + 1);
        if !text.slice(word, before.len()).starts_with(['&', '!']) {
            return at;
        }
        at = word;
    }
}

/// Returns where the content of a node ends, comments and line break excluded.
pub(super) fn end(tree: &Tree<'_>, node: usize) -> usize {
    let ends = (node..tree.next(node)).map(|inner| {
        let span = tree.span(inner);
        match tree.what(inner) {
            What::Scalar(Style::Block) => span.start + tree.text.slice(span.start, span.end).trim_end().len(),
            What::Scalar(_) | What::Alias if span.is_empty() => 0,
            What::Scalar(_) | What::Alias => span.end,
            What::Sequence | What::Mapping if tree.is_flow(inner) => span.end,
            _ => 0,
        }
    });
    ends.max().unwrap_or_default()
}

/// Returns the lines of an entry of a block list: from the line of its dash to where the next line begins that is not its own. Comments
/// that are indented deeper than the dash are its own.
pub(super) fn lines(tree: &Tree<'_>, list: usize, entry: usize) -> Range<usize> {
    let text = tree.text;
    let dash = column(tree, list);
    let mut from = text.line_start(tree.span(entry).start);
    while !is_dash(tree, from, dash) {
        let Some(before) = text.previous_line_end(from) else {
            break;
        };
        from = text.line_start(before);
    }
    let mut to = text.next_line(end(tree, entry).max(from));
    while to < text.0.len() {
        let first = text.skip_blanks(to);
        if text.byte(first) != Some(b'#') || first - to <= dash {
            break;
        }
        to = text.next_line(to);
    }
    from..to
}

/// Returns the column of the dashes of a block list, from 0.
pub(super) fn column(tree: &Tree<'_>, list: usize) -> usize {
    let start = tree.span(list).start;
    start - tree.text.line_start(start)
}

fn is_dash(tree: &Tree<'_>, line: usize, dash: usize) -> bool {
    let first = tree.text.skip_blanks(line);
    first - line == dash && tree.text.byte(first) == Some(b'-')
}
