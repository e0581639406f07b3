//! Reads the lists of images: every entry is looked at, and those that are asked for are kept.

use std::rc::Rc;

use super::entry::{Entry, Form, Value};
use super::nodes::{Item, Reading};
use super::overlay::{List, ListForm};
use super::read::Reader;
use super::schema::Shape;
use super::strict::mistyped;
use crate::ManifestFault;
use crate::yaml::{Kind, Located, Node, Style, kind};

impl<'t> Reader<'t, '_> {
    /// Reads the value of `images` or `imageTags`; returns where it ends.
    pub(super) fn images(&mut self, name: &str, key: &Located<'t>) -> Result<usize, ManifestFault> {
        if self
            .overlay
            .lists
            .iter()
            .any(|known| known.name.eq_ignore_ascii_case(name))
        {
            return Err(ManifestFault::new(format!("the file has the key `{name}` twice"))
                .at(key.line)
                .hint("merge the two lists into one"));
        }
        let first = self.nodes.inner()?;
        let node = self.nodes.index().saturating_sub(1);
        let mut list = List::new(name, key.span.clone(), first.span.clone(), node);
        match &first.node {
            Node::Sequence { anchor, .. } => {
                list.anchor = *anchor;
                self.entries(&first, &mut list)?;
                if *anchor != 0 {
                    let mut value = Value::empty(list.span.clone(), first.line, node..node);
                    (value.form, value.mistyped) = (Form::Collection, Some("a list"));
                    self.note_anchor(*anchor, value, None, self.weight);
                }
            }
            Node::Scalar {
                text,
                style: Style::Plain,
                anchor,
                tag: None,
            } if kind(text) == Kind::Null => {
                list.anchor = *anchor;
                if first.span.is_empty() && *anchor == 0 {
                    list.last_end = self.nodes.text.after_colon(key.span.end).unwrap_or(key.span.end);
                }
            }
            other => {
                let found = match other {
                    Node::Alias(_) => "an alias of a list elsewhere",
                    Node::Mapping { .. } => "a mapping",
                    _ => "a text",
                };
                return Err(
                    ManifestFault::new(format!("`{name}` must be a list, and it is {found}"))
                        .at(first.line)
                        .hint("write it as a list of entries, each with a `name`"),
                );
            }
        }
        list.nodes.end = self.nodes.index();
        let end = list.last_end;
        let deprecated = name.eq_ignore_ascii_case("imageTags");
        let at = if deprecated { self.overlay.lists.len() } else { 0 };
        self.overlay.lists.insert(at, list);
        Ok(end)
    }

    /// Reads the entries of a list whose start has been read.
    fn entries(&mut self, start: &Located<'t>, list: &mut List<'t>) -> Result<(), ManifestFault> {
        let text = self.nodes.text;
        list.form = ListForm::Block {
            // The parser places a list that is not indented behind its first dash.
            dash: text.indentation(text.value_start(list.key.end)).len(),
        };
        loop {
            let first = self.nodes.inner()?;
            if first.node == Node::End {
                if start.flow {
                    list.form = ListForm::Flow;
                    list.span.end = first.span.end;
                }
                return Ok(());
            }
            list.length += 1;
            let (entry, end) = self.entry(first)?;
            list.last_end = end;
            list.other_last = None;
            let Some(entry) = entry else {
                continue;
            };
            list.count_styles(&entry);
            if entry.names().any(self.wanted) {
                list.kept.push(entry);
            } else {
                self.refuse_mistyped(&entry)?;
                list.other_last = Some(entry);
            }
        }
    }

    /// Reads one entry; `None` for one that is no mapping. Returns where it ends.
    fn entry(&mut self, first: Located<'t>) -> Result<(Option<Entry<'t>>, usize), ManifestFault> {
        let start = self.nodes.index().saturating_sub(1);
        let (span, line, flow) = (first.span.clone(), first.line, first.flow);
        let mut entry = Entry::new(span.clone(), line, start, flow);
        let Node::Mapping { anchor, .. } = first.node else {
            let item = self.nodes.item_from(first, Shape::Any)?;
            self.weight = self.weight.saturating_add(item.weight);
            let is_nothing = item.value.form == Form::Scalar && item.value.text.is_empty();
            if self.nodes.strict && item.fields.is_none() && !is_nothing {
                let message = "an entry of `images` is not a mapping (kustomize rejects the file)";
                return Err(ManifestFault::new(message).at(line).hint("write it as `- name: …`"));
            }
            entry.is_alias = true;
            entry.inherited.clone_from(&item.fields);
            return Ok((item.fields.is_some().then_some(entry), item.value.end));
        };
        let mapping = self.nodes.mapping(flow, span.start, line, Reading::Entry, true)?;
        self.weight = self.weight.saturating_add(mapping.weight).saturating_add(1);
        entry.anchor = anchor;
        entry.span.end = mapping.end;
        entry.nodes.end = self.nodes.index();
        if anchor != 0 {
            let mut value = Value::empty(span, line, start..start);
            (value.form, value.mistyped) = (Form::Collection, Some("a mapping"));
            self.note_anchor(anchor, value, Some(Rc::new(mapping.fields())), mapping.weight);
        }
        let end = mapping.end;
        (entry.slots, entry.inherited) = (mapping.slots, mapping.inherited);
        Ok((Some(entry), end))
    }

    fn note_anchor(&mut self, id: usize, value: Value<'t>, fields: Option<Rc<super::entry::Fields>>, weight: u64) {
        self.nodes.anchor(id, &Item { value, fields, weight });
    }

    /// In another entry than the wanted one, a value that is no text is in kustomize's way.
    fn refuse_mistyped(&self, entry: &Entry<'t>) -> Result<(), ManifestFault> {
        for slot in entry.slots.iter().filter(|_| self.nodes.strict) {
            if let (Some(name), Some(found)) = (slot.name, slot.value.mistyped) {
                return Err(mistyped(name, &slot.value, found));
            }
        }
        Ok(())
    }
}
