//! The text of promote.yaml as a tree: every value with its line, aliases written out, and bounded in size and depth.

use std::collections::BTreeMap;

use yaml_rust2::Event;
use yaml_rust2::parser::{Parser, Tag};
use yaml_rust2::scanner::{Marker, TScalarStyle};

/// A value with its line.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it begins, from 1.
    pub(super) line: usize,
    pub(super) content: Content,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// A text.
    Text(String),
    /// What YAML takes for a number or a boolean, as it is written.
    Other(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with their lines, and their values, in the order of the file. A key may stand twice.
    Map(Vec<(String, usize, Node)>),
}

/// How many values a file may stand for, aliases written out.
const MOST_VALUES: usize = 100_000;
/// How deep it may be nested.
const DEEPEST: usize = 32;

/// A collection that is being read.
enum Open {
    List(Vec<Node>),
    Map(Vec<(String, usize, Node)>, Option<(String, usize)>),
}

/// Reads a document.
///
/// # Errors
/// It is not YAML, holds several documents, a key that is no text, or stands for more values than anybody writes.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let mut parser = Parser::new_from_str(text);
    let mut tree = Tree::default();
    let mut documents = 0;
    loop {
        let (event, mark) = parser.next_token().map_err(|error| error.to_string())?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart => documents += 1,
            event => tree
                .take(event, mark)
                .map_err(|why| format!("line {}: {why}", mark.line()))?,
        }
        if documents > 1 {
            return Err(format!("line {}: a second document begins: keep only one", mark.line()));
        }
    }
    Ok(tree.root.unwrap_or(Node {
        line: 1,
        content: Content::Null,
    }))
}

#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<(Open, usize, usize)>,
    /// What each anchor stands for, with the number of values in it. The number 0 is no anchor.
    anchors: BTreeMap<usize, (Node, usize)>,
    values: usize,
}

impl Tree {
    fn take(&mut self, event: Event, mark: Marker) -> Result<(), &'static str> {
        const ALIASES: &str = "the aliases expand to too much text, or to themselves: replace them with their values";
        let line = mark.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.values += 1;
                let plain = style == TScalarStyle::Plain && tag.as_ref().is_none_or(|tag| !is_text(tag));
                self.put(scalar(text, plain), line, anchor, 1)?;
            }
            Event::SequenceStart(anchor, _) => self.open(Open::List(Vec::new()), line, anchor)?,
            Event::MappingStart(anchor, _) => self.open(Open::Map(Vec::new(), None), line, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((open, line, anchor)) = self.open.pop() else {
                    return Ok(());
                };
                let content = match open {
                    Open::List(items) => Content::List(items),
                    Open::Map(entries, _) => Content::Map(entries),
                };
                let weight = if anchor == 0 { 0 } else { weight(&content) };
                self.put(content, line, anchor, weight)?;
            }
            Event::Alias(anchor) => {
                let (node, weight) = self.anchors.get(&anchor).ok_or(ALIASES)?;
                self.values = self.values.saturating_add(*weight);
                if self.values > MOST_VALUES {
                    return Err(ALIASES);
                }
                let (content, weight) = (node.content.clone(), *weight);
                self.put(content, line, 0, weight)?;
            }
            _ => {}
        }
        if self.values > MOST_VALUES {
            Err(ALIASES)
        } else {
            Ok(())
        }
    }

    fn open(&mut self, open: Open, line: usize, anchor: usize) -> Result<(), &'static str> {
        self.values += 1;
        self.open.push((open, line, anchor));
        if self.open.len() > DEEPEST {
            return Err("it is nested too deeply");
        }
        Ok(())
    }

    /// Puts a complete value where it belongs.
    fn put(&mut self, content: Content, line: usize, anchor: usize, weight: usize) -> Result<(), &'static str> {
        let node = Node { line, content };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((Open::List(items), ..)) => items.push(node),
            Some((Open::Map(entries, key), ..)) => {
                if let Some((name, line)) = key.take() {
                    entries.push((name, line, node));
                } else {
                    let (Content::Text(name) | Content::Other(name)) = node.content else {
                        return Err("a key must be a text");
                    };
                    *key = Some((name, line));
                }
            }
        }
        Ok(())
    }
}

fn weight(content: &Content) -> usize {
    1 + match content {
        Content::List(items) => items.iter().map(|item| weight(&item.content)).sum(),
        Content::Map(entries) => entries.iter().map(|(_, _, value)| weight(&value.content)).sum(),
        Content::Null | Content::Text(_) | Content::Other(_) => 0,
    }
}

fn is_text(tag: &Tag) -> bool {
    tag.suffix == "str"
}

/// Distinguishes a text from what YAML 1.2 takes for nothing, a number or a boolean.
fn scalar(text: String, plain: bool) -> Content {
    if !plain {
        return Content::Text(text);
    }
    let is_hex = |text: &str| text.starts_with("0x") || text.starts_with("0o");
    let begins_as_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Content::Other(text),
        number if begins_as_number && (number.parse::<f64>().is_ok() || is_hex(number)) => Content::Other(text),
        _ => Content::Text(text),
    }
}
