//! Reads the tree of promote.yaml by its tables of keys, and keeps every mistake with its line.

use super::FILE;
use super::keys::{Key, Value};
use super::node::{Content, Node};
use crate::inputs::{InputKind, value, wrong};
use crate::model::nearest;

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Mistakes(pub(super) Vec<String>);

impl Mistakes {
    /// Notes what is wrong with the value of a key; `why` is the end of the sentence. The wording is that of inputs.
    pub(super) fn wrong(&mut self, key: &str, node: &Node, text: &str, why: &str) {
        let origin = format!("{FILE}, line {}", node.line);
        self.0.push(wrong(key, InputKind::Text, text, &origin, why));
    }

    fn must_be(&mut self, key: &str, node: &Node, what: &str) {
        self.0
            .push(format!("`{key}` ({FILE}, line {}) must be {what}", node.line));
    }

    /// Returns a scalar as it is written, whatever YAML takes it for.
    pub(super) fn written(&mut self, key: &str, node: &Node) -> Option<String> {
        match &node.content {
            Content::Text(text) | Content::Other(text) => Some(text.clone()),
            Content::Null => None,
            Content::List(_) | Content::Map(_) => {
                self.must_be(key, node, "a single value");
                None
            }
        }
    }

    /// Returns a text; what YAML takes for a number or a boolean is none.
    pub(super) fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        if let Content::Other(text) = &node.content {
            self.wrong(key, node, text, "is a number or a boolean to YAML: put it in quotes");
            return None;
        }
        self.written(key, node)
    }

    /// Reads a scalar with the reader that the input of that name has.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        node: &Node,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.written(key, node)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(key, node, &text, &why);
                None
            }
        }
    }

    /// Returns the items of a list.
    pub(super) fn list<'a>(&mut self, key: &str, node: &'a Node) -> &'a [Node] {
        match &node.content {
            Content::List(items) => items,
            Content::Null => &[],
            _ => {
                self.must_be(key, node, "a list");
                &[]
            }
        }
    }

    /// Reads every item of a list of texts.
    pub(super) fn each<T>(&mut self, key: &str, node: &Node, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let items = self.list(key, node);
        let mut values = Vec::new();
        for item in items {
            let Some(text) = self.text(key, item) else { continue };
            match parse(&text) {
                Ok(value) => values.push(value),
                Err(why) => self.wrong(key, item, &text, &why),
            }
        }
        values
    }

    /// Reads one text, or a list of them.
    pub(super) fn one_or_more(&mut self, key: &str, node: &Node) -> Option<Vec<String>> {
        match &node.content {
            Content::Null => None,
            Content::List(_) => Some(self.each(key, node, value::text)),
            _ => self.text(key, node).map(|text| vec![text]),
        }
    }

    /// Returns the entries of a mapping, each key once; a key that stands twice is a mistake.
    pub(super) fn entries<'a>(&mut self, what: &str, node: &'a Node) -> Vec<&'a (String, usize, Node)> {
        let entries = match &node.content {
            Content::Map(entries) => entries.as_slice(),
            Content::Null => &[],
            _ => {
                self.must_be(what, node, "a mapping");
                &[]
            }
        };
        let mut known: Vec<&(String, usize, Node)> = Vec::new();
        for entry in entries {
            match known.iter().find(|(name, ..)| *name == entry.0) {
                Some((name, first, _)) => self.0.push(format!(
                    "{FILE}: the key `{name}` on line {} is already on line {first}",
                    entry.1
                )),
                None => known.push(entry),
            }
        }
        known
    }

    /// Reads a mapping by the table of its keys into `target`.
    pub(super) fn mapping<T>(&mut self, what: &str, node: &Node, keys: &[Key<T>], target: &mut T) {
        let entries = self.entries(what, node);
        for (name, line, value) in &entries {
            if let Some(key) = keys.iter().find(|key| key.info.name == name) {
                (key.set)(target, value, self);
                continue;
            }
            let names = keys.iter().map(|key| key.info.name);
            let meant = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", names.collect::<Vec<_>>().join(", ")),
            };
            self.0
                .push(format!("{FILE}: unknown key `{name}` on line {line}; {meant}"));
        }
        for key in keys.iter().filter(|key| key.info.required) {
            let there = |(name, _, value): &&&(String, usize, Node)| {
                name == key.info.name && !matches!(value.content, Content::Null)
            };
            if entries.iter().find(there).is_none() {
                let place = if what.is_empty() {
                    String::new()
                } else {
                    format!(" in `{what}`")
                };
                self.0.push(format!(
                    "{FILE}: `{}` is missing{place} on line {}",
                    key.info.name, node.line
                ));
            }
        }
    }
}

impl Value {
    /// Returns the words that there are, if it is one of a few.
    pub(super) fn of(kind: InputKind) -> Self {
        match kind {
            InputKind::Choice(words) => Self::Choice(words),
            InputKind::Choices(words) => Self::Choices(words),
            InputKind::Duration => Self::Duration,
            InputKind::Bool => Self::Bool,
            InputKind::List | InputKind::Lines => Self::OneOrMore,
            InputKind::Text | InputKind::Address | InputKind::File | InputKind::Secret | InputKind::SecretLines => {
                Self::Text
            }
        }
    }
}
