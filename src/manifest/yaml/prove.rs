//! Proves that a new text differs from the old one by the wanted nodes and nothing else.
//!
//! The new text is read by a reader that has no part in finding the places, and compared with what granit-parser saw when it found
//! them in the old one: a mistake of one reader is not repeated by the other. That reader is [`Plain`] for a text that it can read,
//! else yaml-rust2. Where granit-parser and yaml-rust2 disagree about the old text already, yaml-rust2 judges by its own reading of
//! both; where it cannot read the old text, granit-parser judges alone.

use std::borrow::Cow;

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

use super::node::{Events, Node, Style, Unreadable};
use super::plain::Plain;
use super::prints::{Prints, anchor};
use super::types::{Kind, kind};
use crate::ManifestFault;

/// A node that is wanted in the new text. Anchors and tags that stay beside it are not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A document begins.
    Document,
    /// A scalar that is read as this text.
    Text(String),
    /// A sequence begins.
    Sequence,
    /// A mapping begins.
    Mapping,
    /// The innermost sequence or mapping ends.
    End,
}

/// A wanted difference: `take` nodes of the old text from index `at` on give way to `put`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The index of the first node.
    pub(crate) at: usize,
    /// How many nodes go.
    pub(crate) take: usize,
    /// The nodes that come.
    pub(crate) put: Vec<Wanted>,
}

/// Reads the new text and compares it with the old one, whose nodes left `prints`, with the wanted changes made.
///
/// # Errors
/// The new text is no YAML any more, or says something else than wanted.
pub(crate) fn prove(prints: &Prints, old: &str, new: &str, mut changes: Vec<Change>) -> Result<(), ManifestFault> {
    changes.sort_by_key(|change| (change.at, change.take));
    let (old, new) = (bare(old), bare(new));
    if holds(prints, Plain::new(new), &changes) == Ok(true) {
        return Ok(());
    }
    // A block scalar at the end of a file without a line break: libyaml, and with it kustomize, reads it without a line feed, and
    // so does granit-parser here. yaml-rust2 adds one and would not see that an appended line changes the value.
    let is_cut_off = !old.ends_with(['\n', '\r']);
    if is_cut_off && holds(prints, first_reading(new), &changes) == Ok(false) {
        return Err(ManifestFault::new(
            "the file ends in a block scalar without a line break, and the edit would change its value",
        )
        .hint("end the file with a line break"));
    }
    if holds(prints, second_reading(new), &changes) == Ok(true) {
        return Ok(());
    }
    let proven = match kept(prints, second_reading(old)) {
        // yaml-rust2 reads the old text, and reads it as granit-parser does: its word counts.
        Ok(second) if holds(prints, second_reading(old), &[]) == Ok(true) => {
            holds(&second, second_reading(new), &changes)
        }
        Ok(second) if holds(&second, second_reading(new), &changes) == Ok(true) => Ok(true),
        _ => holds(prints, first_reading(new), &changes),
    };
    if proven == Ok(true) {
        return Ok(());
    }
    Err(
        ManifestFault::new("the edit would change more than the pin; nothing was written")
            .hint("write the entry as plain `name:` and `newTag:` lines, and report this file"),
    )
}

/// Returns the prints of a reading.
fn kept<'t>(like: &Prints, reading: impl Iterator<Item = Result<Node<'t>, Unreadable>>) -> Result<Prints, Unreadable> {
    let mut prints = like.another();
    for node in reading {
        prints.push(&node?);
    }
    Ok(prints)
}

/// Both readers count from after the byte order mark.
fn bare(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn first_reading(text: &str) -> impl Iterator<Item = Result<Node<'_>, Unreadable>> {
    Events::new(text).map(|event| event.map(|located| located.node).map_err(|_| Unreadable))
}

pub(super) fn second_reading(text: &str) -> impl Iterator<Item = Result<Node<'_>, Unreadable>> {
    let mut parser = Parser::new_from_str(text).keep_tags(true);
    let mut ended = false;
    std::iter::from_fn(move || {
        while !ended {
            // Never `load`: it recurses and overflows the stack on deep nesting.
            let Ok((event, _)) = parser.next_token() else {
                ended = true;
                return Some(Err(Unreadable));
            };
            ended = event == Event::StreamEnd;
            if let Some(node) = node(event) {
                return Some(Ok(node));
            }
        }
        None
    })
}

fn node<'t>(event: Event) -> Option<Node<'t>> {
    let tag_text = |tag: Option<Tag>| tag.map(|tag| format!("{}{}", long(&tag.handle), tag.suffix).into_boxed_str());
    Some(match event {
        Event::DocumentStart => Node::Document,
        Event::Scalar(text, style, anchor, tag) => Node::Scalar {
            text: Cow::Owned(text),
            style: match style {
                TScalarStyle::Plain => Style::Plain,
                TScalarStyle::SingleQuoted => Style::Single,
                TScalarStyle::DoubleQuoted => Style::Double,
                TScalarStyle::Literal | TScalarStyle::Folded => Style::Block,
            },
            anchor,
            tag: tag_text(tag),
        },
        Event::SequenceStart(anchor, tag) => Node::Sequence {
            anchor,
            tag: tag_text(tag),
        },
        Event::MappingStart(anchor, tag) => Node::Mapping {
            anchor,
            tag: tag_text(tag),
        },
        Event::SequenceEnd | Event::MappingEnd => Node::End,
        Event::Alias(anchor) => Node::Alias(anchor),
        Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => return None,
    })
}

fn long(handle: &str) -> &str {
    if handle == "!!" { "tag:yaml.org,2002:" } else { handle }
}

/// Whether `new` is the text that left the prints `old`, with the changes made (which are sorted).
fn holds<'t>(
    old: &Prints,
    mut new: impl Iterator<Item = Result<Node<'t>, Unreadable>>,
    changes: &[Change],
) -> Result<bool, Unreadable> {
    let mut gone = Vec::new();
    let mut changes = changes.iter().peekable();
    let mut index = 0;
    loop {
        while let Some(change) = changes.next_if(|change| change.at == index) {
            if !replaced(old, &mut new, change, &mut gone)? {
                return Ok(false);
            }
            index += change.take;
        }
        match (old.get(index), new.next().transpose()?) {
            (None, None) => return Ok(changes.next().is_none() && index == old.len()),
            (Some(print), Some(new)) if print == old.print(&new) && same_anchor(old, index, &new, &gone) => index += 1,
            _ => return Ok(false),
        }
    }
}

/// Whether the wanted nodes stand where the taken ones stood. Notes the anchors that went with them.
fn replaced<'t>(
    old: &Prints,
    new: &mut impl Iterator<Item = Result<Node<'t>, Unreadable>>,
    change: &Change,
    gone: &mut Vec<usize>,
) -> Result<bool, Unreadable> {
    let mut kept = 0;
    for wanted in &change.put {
        let Some(node) = new.next().transpose()? else {
            return Ok(false);
        };
        kept += usize::from(anchor(&node) != 0);
        if !is_wanted(&node, wanted) {
            return Ok(false);
        }
    }
    let alias = old.print(&Node::Alias(0));
    for index in change.at..change.at + change.take {
        match (old.anchor(index), old.get(index)) {
            // What goes away by an alias is a reference only.
            (0, _) => {}
            (_, print) if print == Some(alias) => {}
            _ if kept > 0 => kept -= 1,
            (lost, _) => gone.push(lost),
        }
    }
    Ok(true)
}

/// Whether a node that shall not change has the anchor that it had; those behind a removed one are numbered one lower.
fn same_anchor(old: &Prints, index: usize, new: &Node<'_>, gone: &[usize]) -> bool {
    if anchor(new) == 0 {
        return true;
    }
    let was = old.anchor(index);
    !gone.contains(&was) && anchor(new) == was - gone.partition_point(|lost| *lost < was)
}

fn is_wanted(node: &Node<'_>, wanted: &Wanted) -> bool {
    match (node, wanted) {
        (Node::Document, Wanted::Document)
        | (Node::Sequence { .. }, Wanted::Sequence)
        | (Node::Mapping { .. }, Wanted::Mapping)
        | (Node::End, Wanted::End) => true,
        (Node::Scalar { text, style, tag, .. }, Wanted::Text(wanted)) => {
            let is_text = *style != Style::Plain || tag.is_some() || kind(text) == Kind::Text;
            text == wanted && is_text
        }
        _ => false,
    }
}
