//! Reads values of any kind out of the stream: follows anchors, counts what aliases would unfold to, and, when asked, holds every
//! value against kustomize's types.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::entry::{FieldName, Fields, Form, Slot, Value};
use super::merge::is_merge;
use super::schema::Shape;
use super::strict::{check_mapping, check_scalar, check_tabs, kind_of, shape_of_field, shape_of_items};
use crate::ManifestFault;
use crate::yaml::{Events, Kind, Located, Node, OddBreaks, Prints, Style, Text};

/// What an anchor stands for.
#[derive(Clone, Debug)]
struct Anchored<'t> {
    text: Cow<'t, str>,
    mistyped: Option<&'static str>,
    fields: Option<Rc<Fields>>,
    weight: u64,
}

/// A value, and what a merge or an alias would take from it.
#[derive(Clone, Debug)]
pub(super) struct Item<'t> {
    pub(super) value: Value<'t>,
    pub(super) fields: Option<Rc<Fields>>,
    /// How many nodes it unfolds to.
    pub(super) weight: u64,
}

/// A mapping with its keys.
#[derive(Clone, Debug)]
pub(super) struct Mapping<'t> {
    pub(super) slots: Vec<Slot<'t>>,
    pub(super) inherited: Option<Rc<Fields>>,
    /// Where its last content ends; behind the brace in flow style.
    pub(super) end: usize,
    /// How many nodes it unfolds to.
    pub(super) weight: u64,
}

impl Mapping<'_> {
    /// Returns the fields in the end: own ones before merged ones.
    pub(super) fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        // Of two equal keys the later one counts.
        for slot in self.slots.iter().rev() {
            if let Some(name) = slot.name {
                fields.supply(name, &slot.value.text);
            }
        }
        if let Some(inherited) = &self.inherited {
            fields.inherit(inherited);
        }
        fields
    }
}

/// Which mapping is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    /// An entry of a list of images.
    Entry,
    /// One of this shape.
    Shaped(Shape),
}

/// The stream of values.
pub(super) struct Nodes<'t> {
    pub(super) text: Text<'t>,
    /// Whether what kustomize refuses is refused.
    pub(super) strict: bool,
    /// The anchors that something refers to.
    pub(super) aliased: HashSet<usize>,
    /// What the proof will compare with.
    pub(super) prints: Prints,
    events: Events<'t>,
    anchors: HashMap<usize, Anchored<'t>>,
    odd_breaks: OddBreaks<'t>,
}

impl<'t> Nodes<'t> {
    pub(super) fn new(text: &'t str, strict: bool) -> Self {
        Self {
            text: Text(text),
            strict,
            aliased: HashSet::new(),
            prints: Prints::default(),
            events: Events::new(text),
            anchors: HashMap::new(),
            odd_breaks: OddBreaks::new(text),
        }
    }

    /// Returns the index of the next node.
    pub(super) const fn index(&self) -> usize {
        self.prints.len()
    }

    /// Returns the next node; `None` at the end of the stream.
    pub(super) fn next(&mut self) -> Result<Option<Located<'t>>, ManifestFault> {
        let located = self.events.next().transpose()?;
        if let Some(located) = &located {
            self.prints.push(&located.node);
        }
        self.odd_breaks.check(located.as_ref())?;
        Ok(located)
    }

    /// Returns the next node inside a collection.
    pub(super) fn inner(&mut self) -> Result<Located<'t>, ManifestFault> {
        self.next()?
            .ok_or_else(|| ManifestFault::new("the file ends inside a list or mapping"))
    }

    /// Reads the next value.
    fn item(&mut self, shape: Shape) -> Result<Item<'t>, ManifestFault> {
        let first = self.inner()?;
        self.item_from(first, shape)
    }

    /// Reads the value that begins with `first`.
    pub(super) fn item_from(&mut self, first: Located<'t>, shape: Shape) -> Result<Item<'t>, ManifestFault> {
        let start = self.index().saturating_sub(1);
        let Located { node, span, line, flow } = first;
        let mut item = Item {
            value: Value::empty(span, line, start..start + 1),
            fields: None,
            weight: 1,
        };
        match node {
            Node::Scalar {
                text,
                style,
                anchor,
                tag,
            } => {
                (item.value.style, item.value.anchor, item.value.tag) = (style, anchor, tag);
                self.scalar(&mut item.value, text, shape)?;
            }
            Node::Alias(id) => self.alias(&mut item, id)?,
            Node::Sequence { anchor, tag } => {
                (item.value.anchor, item.value.tag) = (anchor, tag);
                self.sequence(&mut item, flow, shape)?;
            }
            Node::Mapping { anchor, tag } => {
                let reading = Reading::Shaped(shape);
                let mapping = self.mapping(flow, item.value.span.start, line, reading, anchor != 0)?;
                (item.value.anchor, item.value.tag) = (anchor, tag);
                (item.value.form, item.value.mistyped) = (Form::Collection, Some("a mapping"));
                item.value.end = mapping.end;
                item.weight += mapping.weight;
                item.fields = (anchor != 0).then(|| Rc::new(mapping.fields()));
            }
            Node::Document | Node::End => return Err(ManifestFault::new("a value is missing").at(line)),
        }
        item.value.nodes.end = self.index();
        if item.value.anchor != 0 {
            self.anchor(item.value.anchor, &item);
        }
        Ok(item)
    }

    /// Notes what an anchor stands for.
    pub(super) fn anchor(&mut self, id: usize, item: &Item<'t>) {
        let anchored = Anchored {
            text: item.value.text.clone(),
            mistyped: item.value.mistyped,
            fields: item.fields.clone(),
            weight: item.weight,
        };
        self.anchors.insert(id, anchored);
    }

    fn scalar(&self, value: &mut Value<'t>, text: Cow<'t, str>, shape: Shape) -> Result<(), ManifestFault> {
        let kind = kind_of(&text, value.style, value.tag.as_deref());
        if self.strict {
            check_scalar(&text, kind, shape, value.line)?;
        }
        value.mistyped = match kind {
            Kind::Bool => Some("a boolean"),
            Kind::Number(_) => Some("a number"),
            Kind::Null | Kind::Text => None,
        };
        value.text = if kind == Kind::Null { Cow::Borrowed("") } else { text };
        if value.style == Style::Block {
            let body = self.text.slice(value.span.start, value.span.end);
            value.end = value.span.start + body.trim_end().len();
        }
        Ok(())
    }

    fn alias(&mut self, item: &mut Item<'t>, id: usize) -> Result<(), ManifestFault> {
        self.aliased.insert(id);
        let target = self.anchors.get(&id).ok_or_else(|| {
            ManifestFault::new("an alias refers to the list or mapping that it stands in").at(item.value.line)
        })?;
        item.value.form = Form::Alias;
        item.value.text = target.text.clone();
        item.value.mistyped = target.mistyped;
        (item.fields, item.weight) = (target.fields.clone(), target.weight);
        Ok(())
    }

    fn sequence(&mut self, item: &mut Item<'t>, flow: bool, shape: Shape) -> Result<(), ManifestFault> {
        let inner = if self.strict {
            shape_of_items(shape, item.value.line)?
        } else {
            Shape::Any
        };
        (item.value.form, item.value.mistyped) = (Form::Collection, Some("a list"));
        loop {
            let next = self.inner()?;
            if next.node == Node::End {
                if flow {
                    item.value.end = next.span.end;
                }
                return Ok(());
            }
            if self.strict && !flow {
                check_tabs(self.text, &next)?;
            }
            let one = self.item_from(next, inner)?;
            item.value.end = one.value.end;
            item.weight = item.weight.saturating_add(one.weight);
        }
    }

    /// Reads the keys of a mapping whose start has been read; keeps them if `keep`.
    pub(super) fn mapping(
        &mut self,
        flow: bool,
        start: usize,
        line: usize,
        reading: Reading,
        keep: bool,
    ) -> Result<Mapping<'t>, ManifestFault> {
        if self.strict {
            check_mapping(reading, line)?;
        }
        let mut mapping = Mapping {
            slots: Vec::new(),
            inherited: None,
            end: start,
            weight: 0,
        };
        let mut merged: Option<Fields> = None;
        loop {
            let key = self.inner()?;
            if key.node == Node::End {
                if flow {
                    mapping.end = key.span.end;
                }
                break;
            }
            if self.strict && !flow {
                check_tabs(self.text, &key)?;
            }
            let (slot, weight, fields) = self.slot(key, reading)?;
            mapping.end = slot.value.end;
            mapping.weight = mapping.weight.saturating_add(weight);
            if let Some(fields) = fields {
                merged.get_or_insert_default().inherit(&fields);
            }
            mapping.slots.extend(keep.then_some(slot));
        }
        mapping.inherited = merged.map(Rc::new);
        Ok(mapping)
    }

    /// Reads a key and its value; of a merge key also what it merges.
    fn slot(
        &mut self,
        key: Located<'t>,
        reading: Reading,
    ) -> Result<(Slot<'t>, u64, Option<Rc<Fields>>), ManifestFault> {
        let key_node = self.index().saturating_sub(1);
        let (span, line) = (key.span.clone(), key.line);
        if is_merge(&key.node) {
            let (fields, end, weight) = self.merge()?;
            let mut value = Value::empty(end..end, line, key_node + 1..self.index());
            value.form = Form::Collection;
            return Ok((Slot::of_merge(span, key_node, value), weight + 1, Some(fields)));
        }
        let read = self.item_from(key, Shape::Any)?;
        let inner = if self.strict {
            shape_of_field(&read.value, reading, line)?
        } else {
            Shape::Any
        };
        let mut item = self.item(inner)?;
        self.settle_end(&mut item.value, &span);
        let key = read.value;
        let is_scalar = key.form == Form::Scalar;
        let slot = Slot {
            name: FieldName::of(&key.text).filter(|_| is_scalar),
            key: span,
            key_style: key.style,
            key_node,
            key_is_bare: is_scalar && key.anchor == 0 && key.tag.is_none(),
            value: item.value,
        };
        Ok((slot, read.weight.saturating_add(item.weight), None))
    }

    /// Where nothing is written, the content ends with the colon; a block scalar ends with its header if it has no body.
    fn settle_end(&self, value: &mut Value<'t>, key: &Range<usize>) {
        if value.is_unwritten() && value.anchor == 0 && value.tag.is_none() {
            value.end = self.text.after_colon(key.end).unwrap_or(value.end);
        } else if value.style == Style::Block && value.end == value.span.start {
            let header = self.text.value_start(key.end);
            let line = self.text.slice(header, self.text.line_end(header));
            value.end = header + line.trim_end().len();
        }
    }
}
