//! Merge keys: a mapping takes the fields of others that it has not itself.

use std::rc::Rc;

use super::entry::Fields;
use super::nodes::{Nodes, Reading};
use super::schema::Shape;
use crate::ManifestFault;
use crate::yaml::{Located, Node, Style};

/// Whether a key is a merge key.
pub(super) fn is_merge(node: &Node<'_>) -> bool {
    matches!(node, Node::Scalar { text, style: Style::Plain, tag: None, .. } if text == "<<")
}

/// The fields that a merge brings, where its text ends, and how many nodes it unfolds to.
pub(super) type Merged = (Rc<Fields>, usize, u64);

impl<'t> Nodes<'t> {
    /// Reads what stands behind `<<`: its fields, where it ends, and what it unfolds to.
    pub(super) fn merge(&mut self) -> Result<Merged, ManifestFault> {
        let first = self.inner()?;
        let line = first.line;
        let unmergeable = || ManifestFault::new("a merge key (`<<`) needs a mapping or a list of mappings").at(line);
        if !matches!(first.node, Node::Sequence { .. }) {
            return self.merge_one(first)?.ok_or_else(unmergeable);
        }
        let (mut fields, mut weight) = (Fields::default(), 1_u64);
        loop {
            let next = self.inner()?;
            if next.node == Node::End {
                return Ok((Rc::new(fields), next.span.end, weight));
            }
            let (one, _, inner) = self.merge_one(next)?.ok_or_else(unmergeable)?;
            fields.inherit(&one);
            weight = weight.saturating_add(inner);
        }
    }

    fn merge_one(&mut self, first: Located<'t>) -> Result<Option<Merged>, ManifestFault> {
        if let Node::Mapping { .. } = first.node {
            let any = Reading::Shaped(Shape::Any);
            let mapping = self.mapping(first.flow, first.span.start, first.line, any, true)?;
            return Ok(Some((Rc::new(mapping.fields()), mapping.end, mapping.weight)));
        }
        let item = self.item_from(first, Shape::Any)?;
        Ok(item.fields.map(|fields| (fields, item.value.end, item.weight)))
    }
}
