//! An edit of scalars in a [`Tree`]: collects replacements, makes them together, and proves that nothing else changed.

use std::ops::Range;

use super::node::Style;
use super::prove::{Change, Wanted, prove};
use super::splice::{Splice, Splices};
use super::text::Text;
use super::tree::{Tree, What};
use super::types::{is_ambiguous, looks_like_time};
use super::write::{Place, scalar};
use crate::ManifestFault;

/// An edit in the making.
pub(crate) struct Session<'a, 't> {
    tree: &'a Tree<'t>,
    splices: Splices,
    changes: Vec<Change>,
}

impl<'a, 't> Session<'a, 't> {
    /// Begins an edit that changes nothing yet.
    pub(crate) fn new(tree: &'a Tree<'t>) -> Self {
        Self {
            tree,
            splices: Splices::default(),
            changes: Vec::new(),
        }
    }

    /// Sets the number of the edit that the next replacements belong to.
    pub(crate) fn own(&mut self, owner: usize) {
        self.splices.owner = owner;
    }

    /// Makes a scalar that text; returns whether anything had to be done.
    ///
    /// # Errors
    /// The value is none that can be replaced.
    pub(crate) fn set(&mut self, node: usize, key: Option<usize>, value: &str) -> Result<bool, ManifestFault> {
        let tree = self.tree;
        let line = tree.line(node);
        let What::Scalar(style) = tree.what(node) else {
            return Err(
                ManifestFault::new("the pin must be a text, and this is a list or mapping")
                    .at(line)
                    .hint("set the key of the text itself"),
            );
        };
        let old = tree.scalar(node).unwrap_or_default();
        let is_settled = style != Style::Plain || tree.is_tagged_text(node);
        if old == value && (is_settled || !value.is_empty() && !is_no_text(value)) {
            return Ok(false);
        }
        if let Some(tag) = tree.tag(node).filter(|_| !tree.is_tagged_text(node)) {
            let tag = tag.replace("tag:yaml.org,2002:", "!!");
            return Err(ManifestFault::new(format!("the pin has the YAML tag `{tag}`"))
                .at(line)
                .hint("remove the YAML tag"));
        }
        let written = self.written(node, key, style, value);
        self.splice(node, key, style, &written)?;
        self.changes.push(Change {
            at: node,
            take: 1,
            put: vec![Wanted::Text(value.to_owned())],
        });
        Ok(true)
    }

    /// Notes that a scalar reads otherwise, whose bytes are replaced by [`Session::splice_inside`].
    pub(crate) fn rewrite(&mut self, node: usize, value: String) {
        self.changes.push(Change {
            at: node,
            take: 1,
            put: vec![Wanted::Text(value)],
        });
    }

    /// Replaces bytes; what they mean is noted apart.
    pub(crate) fn splice_inside(&mut self, range: Range<usize>, text: String) {
        self.splices.replace(range, text);
    }

    /// Notes that `put` stands where `take` nodes from `at` on stood, with bytes that are replaced by [`Session::splice_inside`].
    pub(crate) fn change(&mut self, at: usize, take: usize, put: Vec<Wanted>) {
        self.changes.push(Change { at, take, put });
    }

    /// Adds a key to a mapping, behind `sibling`, a key of it whose value is a scalar.
    ///
    /// # Errors
    /// The place is none where a line can be added.
    pub(crate) fn add(
        &mut self,
        mapping: usize,
        sibling: (usize, usize),
        name: &str,
        value: &str,
    ) -> Result<(), ManifestFault> {
        let tree = self.tree;
        let (key, node) = sibling;
        let text = tree.text;
        let end = self.end(node, Some(key));
        let key_style = match tree.what(key) {
            What::Scalar(style) => style,
            _ => Style::Plain,
        };
        let flow = tree.is_flow(mapping);
        let is_json = flow && key_style == Style::Double;
        let place = if flow { Place::Flow } else { Place::Block };
        let style = if is_json { Style::Double } else { Style::Plain };
        let (name_written, value_written) = (scalar(name, key_style, place), written(value, style, place));
        let start = tree.span(key).start;
        let is_on_own_line = text.is_first_on_line(start);
        if flow {
            let between = if is_on_own_line {
                format!(",{}{}", text.break_beside(text.line_end(end)), text.indentation(start))
            } else {
                ", ".to_owned()
            };
            self.splices
                .insert(end, format!("{between}{name_written}: {value_written}"));
        } else {
            if text.last_before(start) == Some('?') || !text.rest_is_comment(end) {
                return Err(
                    ManifestFault::new(format!("the key `{name}` is missing, and cannot be added here"))
                        .at(tree.line(key))
                        .hint(format!("add `{name}` to the file")),
                );
            }
            let indent = " ".repeat(text.indentation(start).chars().count());
            let at = text.line_end(end);
            let line = format!("{}{indent}{name_written}: {value_written}", text.break_beside(at));
            self.splices.insert(at, line);
        }
        self.changes.push(Change {
            at: tree.next(node),
            take: 0,
            put: vec![Wanted::Text(name.to_owned()), Wanted::Text(value.to_owned())],
        });
        Ok(())
    }

    /// Makes the replacements and proves them. `None` if there was nothing to do.
    ///
    /// # Errors
    /// The replacements touch each other, or the new text would say something else than wanted.
    pub(crate) fn finish(self) -> Result<Option<(String, Vec<Splice>)>, ManifestFault> {
        let old = self.tree.text.0;
        let (new, splices) = self
            .splices
            .apply(old)
            .ok_or_else(|| ManifestFault::new("two of the changes overlap").hint("make one change at a time"))?;
        if splices.is_empty() {
            return Ok(None);
        }
        prove(&self.tree.prints, old, &new, self.changes)?;
        Ok(Some((new, splices)))
    }

    fn written(&self, node: usize, key: Option<usize>, style: Style, value: &str) -> String {
        let tree = self.tree;
        let flow = tree.is_flow(node);
        let place = match (tree.is_tagged_text(node), flow) {
            (true, _) => Place::Tagged,
            (false, true) => Place::Flow,
            (false, false) => Place::Block,
        };
        let old = tree.text.slice(tree.span(node).start, tree.span(node).end);
        let is_json = flow && key.is_some_and(|key| tree.what(key) == What::Scalar(Style::Double));
        let style = match style {
            Style::Plain if is_json => Style::Double,
            // Old readers end a plain value at a colon between braces.
            Style::Plain if flow && value.contains(':') && !old.contains(':') => Style::Double,
            style => style,
        };
        written(value, style, place)
    }

    fn splice(&mut self, node: usize, key: Option<usize>, style: Style, text: &str) -> Result<(), ManifestFault> {
        let tree = self.tree;
        let span = tree.span(node);
        if style == Style::Plain && span.is_empty() {
            let is_dressed = tree.prints.anchor(node) != 0 || tree.tag(node).is_some();
            let colon = key.and_then(|key| tree.text.after_colon(tree.span(key).end));
            match colon {
                _ if is_dressed => self.splices.insert(span.start, format!(" {text}")),
                Some(at) => self.splices.insert(at, format!(" {text}")),
                None => {
                    return Err(ManifestFault::new("the key of the pin has no value")
                        .at(tree.line(node))
                        .hint("write `key: \"\"`"));
                }
            }
            return Ok(());
        }
        let start = match style {
            Style::Block => self.header(node, key),
            _ => span.start,
        };
        self.splices.replace(start..self.end(node, key), text);
        Ok(())
    }

    /// Returns where the header of a block scalar begins.
    fn header(&self, node: usize, key: Option<usize>) -> usize {
        let text = self.tree.text;
        let start = self.tree.span(node).start;
        match key {
            Some(key) => text.value_start(self.tree.span(key).end),
            None => text.slice(0, start).rfind(['|', '>']).unwrap_or(start),
        }
    }

    /// Returns where the content of a scalar ends.
    fn end(&self, node: usize, key: Option<usize>) -> usize {
        let (tree, span) = (self.tree, self.tree.span(node));
        match tree.what(node) {
            What::Scalar(Style::Block) => {
                let body = tree.text.slice(span.start, span.end).trim_end();
                if body.is_empty() {
                    let header = self.header(node, key);
                    let line = tree.text.slice(header, tree.text.line_end(header));
                    return header + line.trim_end().len();
                }
                span.start + body.len()
            }
            What::Scalar(Style::Plain) if span.is_empty() => {
                let colon = key.and_then(|key| tree.text.after_colon(tree.span(key).end));
                colon.unwrap_or(span.end)
            }
            _ => span.end,
        }
    }
}

/// Returns, for each edit, the first line of the new text that it wrote; where it only removed, the line before.
pub(crate) fn lines(new: &str, splices: &[Splice]) -> std::collections::HashMap<usize, usize> {
    let mut lines = std::collections::HashMap::new();
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

/// Whether some reader, Helm's included, takes an unquoted text for something else.
fn is_no_text(text: &str) -> bool {
    is_ambiguous(text) || looks_like_time(text)
}

/// Writes a value as every reader takes it for a text.
pub(crate) fn written(value: &str, style: Style, place: Place) -> String {
    let is_plain = matches!(style, Style::Plain | Style::Block) && place != Place::Tagged;
    let style = if is_plain && is_no_text(value) {
        Style::Double
    } else {
        style
    };
    scalar(value, style, place)
}
