//! The replacements of bytes and the wanted differences of nodes that the parts of an edit collect.

use super::entry::{FieldName, Form, Slot};
use crate::ManifestFault;
use crate::yaml::{Change, Place, Splices, Style, Text, Wanted, scalar};

/// An edit in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft<'t> {
    pub(super) text: Text<'t>,
    pub(super) splices: Splices,
    pub(super) changes: Vec<Change>,
    /// The comments that go.
    pub(super) warnings: Vec<String>,
}

impl<'t> Draft<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text: Text(text),
            splices: Splices::default(),
            changes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Notes that `put` stands where `take` nodes from `at` on stood.
    pub(super) fn change(&mut self, at: usize, take: usize, put: Vec<Wanted>) {
        self.changes.push(Change { at, take, put });
    }

    /// Writes the value of a field again, and nothing around it.
    pub(super) fn replace(&mut self, slot: &Slot<'t>, value: &str, flow: bool) {
        self.write_value(slot, value, flow);
        let nodes = &slot.value.nodes;
        self.change(nodes.start, nodes.len(), vec![Wanted::Text(value.to_owned())]);
    }

    /// Turns a field into another one with another value. A comment beside it was about the old value and goes.
    pub(super) fn swap(
        &mut self,
        slot: &Slot<'t>,
        name: FieldName,
        value: &str,
        flow: bool,
    ) -> Result<(), ManifestFault> {
        if !slot.key_is_bare {
            self.refuse_dressed_key(slot)?;
        }
        let key = scalar(name.key(), slot.key_style, Place::Block);
        self.splices.replace(slot.key.clone(), key);
        self.write_value(slot, value, flow);
        let end = slot.value.end;
        if !flow && self.text.rest_is_comment(end) && self.text.byte(self.text.skip_blanks(end)) == Some(b'#') {
            let line = self.text.line_end(end);
            self.lose(slot, self.text.slice(end, line));
            self.splices.remove(end..line);
        }
        let take = slot.value.nodes.end - slot.key_node;
        let put = vec![Wanted::Text(name.key().to_owned()), Wanted::Text(value.to_owned())];
        self.change(slot.key_node, take, put);
        Ok(())
    }

    /// Notes that a comment beside a field goes with it.
    pub(super) fn lose(&mut self, slot: &Slot<'t>, comment: &str) {
        let key = self.text.slice(slot.key.start, slot.key.end);
        self.warnings.push(format!(
            "line {}: removing `{key}` also removes its comment: {}",
            slot.value.line,
            comment.trim()
        ));
    }

    /// Notes that the nodes of a field go.
    pub(super) fn forget(&mut self, slot: &Slot<'t>) {
        self.change(slot.key_node, slot.value.nodes.end - slot.key_node, Vec::new());
    }

    /// A key with an anchor, a tag or a question mark is more than its text.
    pub(super) fn refuse_dressed_key(&self, slot: &Slot<'t>) -> Result<(), ManifestFault> {
        let is_explicit = self.text.last_before(slot.key.start) == Some('?');
        if slot.key_is_bare && !is_explicit {
            return Ok(());
        }
        let key = self.text.slice(slot.key.start, slot.key.end);
        Err(ManifestFault::new(format!(
            "`{key}` cannot be removed: its key has an anchor, a YAML tag or a `?`"
        ))
        .at(slot.value.line)
        .hint(format!("write it as `{key}: …`")))
    }

    fn write_value(&mut self, slot: &Slot<'t>, value: &str, flow: bool) {
        let old = &slot.value;
        let place = match (old.is_tagged_text(), flow) {
            (true, _) => Place::Tagged,
            (false, true) => Place::Flow,
            (false, false) => Place::Block,
        };
        let has_colon = self.text.slice(old.span.start, old.span.end).contains(':');
        let style = match old.style {
            // Old readers end a plain value at a colon between braces.
            Style::Plain if flow && value.contains(':') && !has_colon => Style::Double,
            style => style,
        };
        let written = scalar(value, style, place);
        if old.is_unwritten() {
            let dressed = old.anchor != 0 || old.tag.is_some();
            match self.text.after_colon(slot.key.end) {
                _ if dressed => self.splices.insert(old.span.start, format!(" {written}")),
                Some(at) => self.splices.insert(at, format!(" {written}")),
                None => self.splices.insert(slot.key.end, format!(": {written}")),
            }
            return;
        }
        let start = match (old.form, old.style) {
            (Form::Scalar, Style::Block) => self.text.value_start(slot.key.end),
            _ => old.span.start,
        };
        self.splices.replace(start..old.end, written);
    }
}
