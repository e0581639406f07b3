//! Reads the nodes of a YAML stream with their places, through granit-parser.
//! Keeps nothing: the caller sees one event at a time, so that memory does not grow with the text.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, StructureStyle};

use crate::ManifestFault;

/// How deep lists and mappings may stand in each other, in each of the two styles. Far more than any real file, and little enough
/// for readers that call themselves.
const DEPTH: usize = 100;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`.
    Single,
    /// `"…"`.
    Double,
    /// `|` or `>`.
    Block,
}

/// One event of a stream, the same for both readers.
///
/// Anchors are numbered from 1 in the order of their definitions; 0 is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node<'t> {
    /// A document begins.
    Document,
    /// A scalar; an absent one is plain and empty.
    Scalar {
        /// Its value.
        text: Cow<'t, str>,
        /// How it is written.
        style: Style,
        /// The anchor it defines.
        anchor: usize,
        /// Its tag, written out.
        tag: Option<Box<str>>,
    },
    /// A sequence begins.
    Sequence {
        /// The anchor it defines.
        anchor: usize,
        /// Its tag, written out.
        tag: Option<Box<str>>,
    },
    /// A mapping begins.
    Mapping {
        /// The anchor it defines.
        anchor: usize,
        /// Its tag, written out.
        tag: Option<Box<str>>,
    },
    /// The innermost sequence or mapping ends.
    End,
    /// A reference to an anchor.
    Alias(usize),
}

/// A node and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Located<'t> {
    /// The node.
    pub(crate) node: Node<'t>,
    /// Its bytes, without anchor and tag. Block collections begin at their first child and have no end;
    /// a block scalar is its body without the header.
    pub(crate) span: Range<usize>,
    /// The line it begins on, from 1.
    pub(crate) line: usize,
    /// Whether it is a collection in brackets.
    pub(crate) flow: bool,
}

/// A text that a reader cannot read; no more is said of a text that is proven.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The nodes of a text, in order.
pub(crate) struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
}

impl<'t> Events<'t> {
    /// Begins at the start of `text`.
    pub(crate) fn new(text: &'t str) -> Self {
        // libyaml, which kustomize reads with, adds no line feed to a block scalar that the end of the file cuts off.
        let options = granit_parser::options! {
            block_scalar_eof_without_line_feed: true,
            flow_nesting_limit: DEPTH,
            block_nesting_limit: DEPTH,
        };
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            text,
        }
    }

    fn step(&mut self) -> Option<Result<Located<'t>, ManifestFault>> {
        loop {
            let located = match self.parser.next_event()? {
                Ok((event, span)) => {
                    let start = span.start.byte_offset().unwrap_or_default();
                    let end = span.end.byte_offset().unwrap_or_default();
                    let Some((node, flow)) = node(event, start == end) else {
                        continue;
                    };
                    Ok(Located {
                        node,
                        span: start..end,
                        line: span.start.line(),
                        flow,
                    })
                }
                Err(error) => Err(unreadable(&error, self.text)),
            };
            return Some(located);
        }
    }
}

impl<'t> Iterator for Events<'t> {
    type Item = Result<Located<'t>, ManifestFault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step()
    }
}

/// Says where and why the text is no YAML. What ends too early is found behind the last line.
fn unreadable(error: &ScanError, text: &str) -> ManifestFault {
    let line = error.marker().line().min(text.lines().count().max(1));
    ManifestFault::new(format!("the file is not valid YAML ({})", error.info()))
        .at(line)
        .hint("look on this line and those before it for a bracket or quote that is not closed, or a wrong indentation")
}

fn node(event: Event<'_>, empty: bool) -> Option<(Node<'_>, bool)> {
    let tag_text = |tag: Option<Cow<'_, granit_parser::Tag>>| {
        tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()).into_boxed_str())
    };
    Some(match event {
        Event::DocumentStart(..) => (Node::Document, false),
        Event::Scalar(text, style, anchor, tag) => {
            let absent = empty && style == ScalarStyle::Plain;
            let text = if absent { Cow::Borrowed("") } else { text };
            let style = match style {
                ScalarStyle::Plain => Style::Plain,
                ScalarStyle::SingleQuoted => Style::Single,
                ScalarStyle::DoubleQuoted => Style::Double,
                ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
            };
            let tag = tag_text(tag);
            (
                Node::Scalar {
                    text,
                    style,
                    anchor,
                    tag,
                },
                false,
            )
        }
        Event::SequenceStart(style, anchor, tag) => {
            let tag = tag_text(tag);
            (Node::Sequence { anchor, tag }, style == StructureStyle::Flow)
        }
        Event::MappingStart(style, anchor, tag) => {
            let tag = tag_text(tag);
            (Node::Mapping { anchor, tag }, style == StructureStyle::Flow)
        }
        Event::SequenceEnd | Event::MappingEnd => (Node::End, false),
        Event::Alias(anchor) => (Node::Alias(anchor), false),
        _ => return None,
    })
}
