//! A text as a tree of nodes with their places, small enough to keep for a whole file: a node takes 24 bytes, and texts stay where
//! they stand. Aliases are followed, never written out.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::node::{Events, Located, Node, Style};
use super::odd::OddBreaks;
use super::prints::Prints;
use super::text::Text;
use crate::ManifestFault;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A document begins.
    Document,
    /// A scalar.
    Scalar(Style),
    /// A sequence; in brackets or not.
    Sequence,
    /// A mapping; in braces or not.
    Mapping,
    /// The end of a sequence or mapping.
    End,
    /// A reference to an anchor.
    Alias,
}

/// A node and its place. Offsets fit, since no admitted text is longer than 10 MB.
#[derive(Clone, Copy, Debug)]
struct Item {
    what: What,
    flow: bool,
    start: u32,
    end: u32,
    line: u32,
    /// The index behind the node and everything in it.
    next: u32,
}

/// The nodes of a text; a node is named by its index, which is also that of its fingerprint.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    /// The text.
    pub(crate) text: Text<'t>,
    /// What the proof will compare with.
    pub(crate) prints: Prints,
    items: Vec<Item>,
    /// The values of scalars that are written otherwise than they read.
    unescaped: HashMap<usize, Box<str>>,
    tags: HashMap<usize, Box<str>>,
    /// The node that defines each anchor.
    anchors: HashMap<usize, usize>,
    /// The lines on which aliases refer to each anchor.
    aliases: HashMap<usize, Vec<usize>>,
    documents: Vec<usize>,
}

/// A collection that is being read.
struct Open {
    node: usize,
    /// Whether the next node is a key; `None` in a sequence.
    key: Option<bool>,
}

fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

const fn wide(at: u32) -> usize {
    at as usize
}

impl<'t> Tree<'t> {
    /// Reads a text.
    ///
    /// # Errors
    /// It is no YAML, or has a list or mapping as a key, as an unfilled template in double braces has.
    pub(crate) fn read(text: &'t str) -> Result<Self, ManifestFault> {
        let mut tree = Self {
            text: Text(text),
            prints: Prints::default(),
            items: Vec::new(),
            unescaped: HashMap::new(),
            tags: HashMap::new(),
            anchors: HashMap::new(),
            aliases: HashMap::new(),
            documents: Vec::new(),
        };
        let mut odd = OddBreaks::new(text);
        let mut open: Vec<Open> = Vec::new();
        let mut defined: HashSet<usize> = HashSet::new();
        for located in Events::new(text) {
            let located = located?;
            odd.check(Some(&located))?;
            tree.take(&located, &mut open, &mut defined)?;
        }
        odd.check(None)?;
        Ok(tree)
    }

    fn take(
        &mut self,
        located: &Located<'t>,
        open: &mut Vec<Open>,
        defined: &mut HashSet<usize>,
    ) -> Result<(), ManifestFault> {
        let index = self.items.len();
        self.prints.push(&located.node);
        let what = match &located.node {
            Node::Document => What::Document,
            Node::Scalar { style, .. } => What::Scalar(*style),
            Node::Sequence { .. } => What::Sequence,
            Node::Mapping { .. } => What::Mapping,
            Node::End => What::End,
            Node::Alias(_) => What::Alias,
        };
        self.items.push(Item {
            what,
            flow: match what {
                What::Sequence | What::Mapping => located.flow,
                _ => (open.last()).is_some_and(|open| self.is_flow(open.node)),
            },
            start: narrow(located.span.start),
            end: narrow(located.span.end),
            line: narrow(located.line),
            next: narrow(index + 1),
        });
        self.note(index, &located.node, defined, located.line)?;
        match what {
            What::Document => return Ok(()),
            What::End => {
                if let Some(ended) = open.pop() {
                    let end = narrow(located.span.end);
                    if let Some(item) = self.items.get_mut(ended.node) {
                        item.next = narrow(index + 1);
                        item.end = if item.flow { end } else { item.end.max(item.start) };
                    }
                }
            }
            _ => {}
        }
        if what != What::End {
            if open.is_empty() {
                self.documents.push(index);
            }
            let is_collection = matches!(what, What::Sequence | What::Mapping);
            if let Some(Open { key: Some(is_key), .. }) = open.last_mut() {
                if *is_key && is_collection {
                    return Err(self.collection_as_key(located));
                }
                *is_key = !*is_key;
            }
            if is_collection {
                let key = (what == What::Mapping).then_some(true);
                open.push(Open { node: index, key });
            }
        }
        Ok(())
    }

    /// Keeps what is beside a node.
    fn note(
        &mut self,
        index: usize,
        node: &Node<'t>,
        defined: &mut HashSet<usize>,
        line: usize,
    ) -> Result<(), ManifestFault> {
        match node {
            Node::Scalar {
                text,
                style,
                anchor,
                tag,
            } => {
                if self.written(index, *style) != text.as_ref() {
                    self.unescaped.insert(index, text.as_ref().into());
                }
                self.anchored(index, *anchor, tag.as_deref(), defined);
            }
            Node::Sequence { anchor, tag } | Node::Mapping { anchor, tag } => {
                self.anchored(index, *anchor, tag.as_deref(), defined);
            }
            Node::Alias(anchor) if !defined.contains(anchor) => {
                return Err(ManifestFault::new("an alias refers to an anchor that does not exist").at(line));
            }
            Node::Alias(anchor) => self.aliases.entry(*anchor).or_default().push(line),
            Node::Document | Node::End => {}
        }
        Ok(())
    }

    fn anchored(&mut self, index: usize, anchor: usize, tag: Option<&str>, defined: &mut HashSet<usize>) {
        if anchor != 0 {
            self.anchors.insert(anchor, index);
            defined.insert(anchor);
        }
        if let Some(tag) = tag {
            self.tags.insert(index, tag.into());
        }
    }

    fn collection_as_key(&self, located: &Located<'t>) -> ManifestFault {
        let before = located.span.start.saturating_sub(1);
        if self.text.from(before).starts_with("{{") {
            return ManifestFault::new("this is an unfilled template (`{{ … }}`), and YAML reads it as a mapping")
                .at(located.line)
                .hint("fill the template, or put the value in quotes");
        }
        ManifestFault::new("a list or mapping is used as a key, which Kubernetes and Helm cannot read")
            .at(located.line)
            .hint("put the key in quotes")
    }

    fn item(&self, node: usize) -> Option<&Item> {
        self.items.get(node)
    }

    /// Returns the scalar as it is written between its quotes.
    fn written(&self, node: usize, style: Style) -> &'t str {
        let Some(item) = self.item(node) else {
            return "";
        };
        let (start, end) = (wide(item.start), wide(item.end));
        match style {
            Style::Plain => self.text.slice(start, end),
            Style::Single | Style::Double => self.text.slice(start + 1, end.saturating_sub(1)),
            Style::Block => "",
        }
    }

    /// Returns the root of each document.
    pub(crate) fn documents(&self) -> &[usize] {
        &self.documents
    }

    /// Returns what a node is.
    pub(crate) fn what(&self, node: usize) -> What {
        self.item(node).map_or(What::End, |item| item.what)
    }

    /// Returns the line of a node, from 1.
    pub(crate) fn line(&self, node: usize) -> usize {
        self.item(node).map_or(0, |item| wide(item.line))
    }

    /// Whether a collection is in brackets or braces; of a scalar, whether it stands in such a one.
    pub(crate) fn is_flow(&self, node: usize) -> bool {
        self.item(node).is_some_and(|item| item.flow)
    }

    /// Returns the bytes of a node, without anchor and tag. Of a block scalar its body without the header.
    pub(crate) fn span(&self, node: usize) -> Range<usize> {
        self.item(node).map_or(0..0, |item| wide(item.start)..wide(item.end))
    }

    /// Returns the index behind a node and everything in it.
    pub(crate) fn next(&self, node: usize) -> usize {
        self.item(node).map_or(node + 1, |item| wide(item.next))
    }

    /// Returns the tag of a node, written out.
    pub(crate) fn tag(&self, node: usize) -> Option<&str> {
        self.tags.get(&node).map(AsRef::as_ref)
    }

    /// Whether an explicit tag makes a scalar a text.
    pub(crate) fn is_tagged_text(&self, node: usize) -> bool {
        matches!(self.tag(node), Some("!" | "tag:yaml.org,2002:str"))
    }

    /// Returns the node itself, or what an alias refers to.
    pub(crate) fn real(&self, node: usize) -> usize {
        match self.what(node) {
            What::Alias => self.anchors.get(&self.prints.anchor(node)).copied().unwrap_or(node),
            _ => node,
        }
    }

    /// Returns the lines on which aliases refer to a node.
    pub(crate) fn aliases_of(&self, node: usize) -> &[usize] {
        let anchor = match self.what(node) {
            What::Alias => 0,
            _ => self.prints.anchor(node),
        };
        self.aliases.get(&anchor).map_or(&[], Vec::as_slice)
    }

    /// Returns the line of a node, and of an alias that refers to it or to what it stands in; `None` for a node that is its own.
    pub(crate) fn shared(&self, node: usize) -> Option<(usize, usize)> {
        let mut shared = self.aliases.iter().filter_map(|(anchor, lines)| {
            let defined = *self.anchors.get(anchor)?;
            let is_inside = (defined..self.next(defined)).contains(&node);
            is_inside.then(|| lines.first().copied()).flatten()
        });
        shared.next().map(|line| (self.line(node), line))
    }

    /// Returns the value of a scalar, or of the scalar that an alias refers to.
    pub(crate) fn scalar(&self, node: usize) -> Option<Cow<'_, str>> {
        let node = self.real(node);
        let What::Scalar(style) = self.what(node) else {
            return None;
        };
        let unescaped = self.unescaped.get(&node);
        Some(unescaped.map_or_else(
            || Cow::Borrowed(self.written(node, style)),
            |text| Cow::Borrowed(&**text),
        ))
    }

    /// Returns what stands in a list, or in the list that an alias refers to.
    pub(crate) fn items(&self, node: usize) -> Vec<usize> {
        let node = self.real(node);
        if self.what(node) == What::Sequence {
            self.inside(node).collect()
        } else {
            Vec::new()
        }
    }

    /// Returns the keys of a mapping with their values.
    pub(crate) fn pairs(&self, node: usize) -> impl Iterator<Item = (usize, usize)> {
        let node = self.real(node);
        let is_mapping = self.what(node) == What::Mapping;
        let mut inside = self.inside(node);
        std::iter::from_fn(move || is_mapping.then(|| Some((inside.next()?, inside.next()?))).flatten())
    }

    fn inside(&self, node: usize) -> impl Iterator<Item = usize> {
        let end = self.next(node).saturating_sub(1);
        let mut at = node + 1;
        std::iter::from_fn(move || {
            let here = (at < end).then_some(at)?;
            at = self.next(here);
            Some(here)
        })
    }

    /// Returns the value of a key; the last one of a key that stands twice.
    pub(crate) fn get(&self, mapping: usize, key: &str) -> Option<usize> {
        let found = self.pairs(mapping).filter(|(name, _)| self.is_key(*name, key));
        found.last().map(|(_, value)| value)
    }

    /// Returns the text of a key's value, if it is a scalar.
    pub(crate) fn get_text(&self, mapping: usize, key: &str) -> Option<Cow<'_, str>> {
        self.get(mapping, key).and_then(|value| self.scalar(value))
    }

    /// Whether a node is the key of that text.
    pub(crate) fn is_key(&self, node: usize, key: &str) -> bool {
        self.scalar(node).is_some_and(|text| text == key)
    }
}
