//! An entry of an `images` list, field by field, with the places of its keys and values.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use crate::Pin;
use crate::yaml::Style;

/// The fields that kustomize knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    Name,
    NewName,
    NewTag,
    Digest,
    TagSuffix,
}

impl FieldName {
    /// All but the name, in the order in which new fields are written.
    pub(super) const EDITABLE: [Self; 4] = [Self::NewName, Self::NewTag, Self::Digest, Self::TagSuffix];

    /// Returns the key as kustomize writes it.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NewName => "newName",
            Self::NewTag => "newTag",
            Self::Digest => "digest",
            Self::TagSuffix => "tagSuffix",
        }
    }

    /// Returns the field that a key means. kustomize does not look at the case of letters.
    pub(super) fn of(key: &str) -> Option<Self> {
        [Self::Name, Self::NewName, Self::NewTag, Self::Digest, Self::TagSuffix]
            .into_iter()
            .find(|name| name.key().eq_ignore_ascii_case(key))
    }
}

/// What kind of node a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Scalar,
    Alias,
    Collection,
}

/// The value of a field.
#[derive(Clone, Debug)]
pub(super) struct Value<'t> {
    pub(super) form: Form,
    /// What kustomize reads; empty when absent or null. An alias is followed.
    pub(super) text: Cow<'t, str>,
    pub(super) style: Style,
    /// The anchor it defines; 0 for none.
    pub(super) anchor: usize,
    pub(super) tag: Option<Box<str>>,
    /// Its bytes, without anchor and tag; the body only of a block scalar.
    pub(super) span: Range<usize>,
    /// Where its last content ends.
    pub(super) end: usize,
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// The indexes of its nodes.
    pub(super) nodes: Range<usize>,
    /// What it is when kustomize refuses it as a text: `a number`.
    pub(super) mistyped: Option<&'static str>,
}

impl Value<'_> {
    /// A plain scalar without text.
    pub(super) const fn empty(span: Range<usize>, line: usize, nodes: Range<usize>) -> Self {
        Self {
            form: Form::Scalar,
            text: Cow::Borrowed(""),
            style: Style::Plain,
            anchor: 0,
            tag: None,
            end: span.end,
            span,
            line,
            nodes,
            mistyped: None,
        }
    }

    /// Whether an explicit tag makes it a text.
    pub(super) fn is_tagged_text(&self) -> bool {
        matches!(self.tag.as_deref(), Some("!" | "tag:yaml.org,2002:str"))
    }

    /// Whether nothing is written where the value would stand.
    pub(super) fn is_unwritten(&self) -> bool {
        self.form == Form::Scalar && self.span.is_empty() && self.style == Style::Plain
    }
}

/// A key of an entry and its value.
#[derive(Clone, Debug)]
pub(super) struct Slot<'t> {
    /// The field, if kustomize knows it.
    pub(super) name: Option<FieldName>,
    pub(super) key: Range<usize>,
    pub(super) key_style: Style,
    pub(super) key_node: usize,
    /// Whether the key stands alone, without anchor or tag.
    pub(super) key_is_bare: bool,
    pub(super) value: Value<'t>,
}

impl<'t> Slot<'t> {
    /// A merge key and what stands behind it.
    pub(super) const fn of_merge(key: Range<usize>, key_node: usize, value: Value<'t>) -> Self {
        Self {
            name: None,
            key,
            key_style: Style::Plain,
            key_node,
            key_is_bare: true,
            value,
        }
    }
}

/// The fields that a mapping has in the end, merges included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields([Option<Box<str>>; 5]);

impl Fields {
    /// Returns the value; an empty one is absent.
    pub(super) fn get(&self, name: FieldName) -> Option<&str> {
        let value = self.0.get(name as usize)?.as_deref();
        value.filter(|value| !value.is_empty())
    }

    /// Sets a value that is not set yet.
    pub(super) fn supply(&mut self, name: FieldName, value: &str) {
        if let Some(place @ None) = self.0.get_mut(name as usize) {
            *place = Some(value.into());
        }
    }

    /// Sets everything that is not set yet and that `other` has.
    pub(super) fn inherit(&mut self, other: &Self) {
        for (place, value) in self.0.iter_mut().zip(&other.0) {
            if place.is_none() {
                place.clone_from(value);
            }
        }
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    /// Whether it stands between braces.
    pub(super) flow: bool,
    /// Whether it is an alias of a mapping elsewhere.
    pub(super) is_alias: bool,
    /// The anchor it defines; 0 for none.
    pub(super) anchor: usize,
    /// From its first key or brace to the end of its last content.
    pub(super) span: Range<usize>,
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// The indexes of its nodes.
    pub(super) nodes: Range<usize>,
    pub(super) slots: Vec<Slot<'t>>,
    /// What merge keys (or the alias) supply.
    pub(super) inherited: Option<Rc<Fields>>,
}

impl<'t> Entry<'t> {
    /// An entry whose first node is number `node`, without fields yet.
    pub(super) const fn new(span: Range<usize>, line: usize, node: usize, flow: bool) -> Self {
        Self {
            flow,
            is_alias: false,
            anchor: 0,
            span,
            line,
            nodes: node..node + 1,
            slots: Vec::new(),
            inherited: None,
        }
    }

    /// Returns the slot of a field, if the entry has one of its own.
    pub(super) fn slot(&self, name: FieldName) -> Option<&Slot<'t>> {
        self.slots.iter().find(|slot| slot.name == Some(name))
    }

    /// Returns what a merge supplies for a field that the entry has not itself.
    pub(super) fn inherited(&self, name: FieldName) -> Option<&str> {
        self.inherited.as_ref().and_then(|fields| fields.get(name))
    }

    /// Returns the value of a field, merges included; `None` when absent or empty.
    pub(super) fn get(&self, name: FieldName) -> Option<&str> {
        match self.slot(name) {
            Some(slot) => Some(slot.value.text.as_ref()).filter(|text| !text.is_empty()),
            None => self.inherited(name),
        }
    }

    /// Returns the first slot whose field stands in the entry twice.
    pub(super) fn doubled(&self) -> Option<&Slot<'t>> {
        self.slots.iter().enumerate().find_map(|(index, slot)| {
            let before = self.slots.iter().take(index);
            let again = slot.name.is_some() && before.into_iter().any(|other| other.name == slot.name);
            again.then_some(slot)
        })
    }

    /// Returns every name that the entry may be found by: those of its `name` keys, else the inherited one.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.slots.iter().filter(|slot| slot.name == Some(FieldName::Name));
        let inherited = self
            .inherited(FieldName::Name)
            .filter(|_| self.slot(FieldName::Name).is_none());
        own.map(|slot| slot.value.text.as_ref()).chain(inherited)
    }

    /// Returns the entry as the rest of the program knows it; `None` for one without a name.
    pub(super) fn pin(&self) -> Option<Pin> {
        Some(Pin {
            name: self.get(FieldName::Name)?.to_owned(),
            new_name: self.get(FieldName::NewName).map(str::to_owned),
            new_tag: self.get(FieldName::NewTag).map(str::to_owned),
            digest: self.get(FieldName::Digest).map(str::to_owned),
            line: self.line,
        })
    }
}
