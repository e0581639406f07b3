//! Reads a kustomization file into an [`Overlay`]: the top level, and the lists of images through [`super::images`].

use std::collections::HashSet;

use super::nodes::Nodes;
use super::overlay::{Overlay, Root};
use super::schema::Shape;
use super::strict::shape_of_top;
use super::unfold::check_unfolded;
use crate::ManifestFault;
use crate::yaml::{Located, Node, Prints, Style};

/// Reads `text`; keeps the entries whose name is `wanted`. With `strict`, what kustomize refuses is refused.
pub(super) fn read<'t>(
    text: &'t str,
    strict: bool,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Overlay<'t>, ManifestFault> {
    let mut reader = Reader {
        nodes: Nodes::new(text, strict),
        wanted,
        overlay: Overlay {
            root: Root::Absent { is_document: false },
            lists: Vec::new(),
            content_end: 0,
            list_indent: 0,
            last_node: 0,
            prints: Prints::default(),
            aliased: HashSet::new(),
        },
        indents: Vec::new(),
        weight: 1,
    };
    reader.stream()?;
    let overlay = reader.finish();
    if let (true, Root::Absent { is_document: false }) = (strict, &overlay.root)
        && let Some(above) = text.lines().position(|line| line.starts_with("..."))
    {
        let message = "`...` ends a document that never began (kustomize cannot read the file)";
        return Err(ManifestFault::new(message).at(above + 1).hint("delete that line"));
    }
    Ok(overlay)
}

/// A file being read.
pub(super) struct Reader<'t, 'w> {
    pub(super) nodes: Nodes<'t>,
    pub(super) wanted: &'w dyn Fn(&str) -> bool,
    pub(super) overlay: Overlay<'t>,
    /// How many nodes the file unfolds to, so far.
    pub(super) weight: u64,
    /// How often lists at the top are indented by how much.
    indents: Vec<(usize, usize)>,
}

impl<'t> Reader<'t, '_> {
    fn stream(&mut self) -> Result<(), ManifestFault> {
        if self.nodes.next()?.is_none() {
            return Ok(());
        }
        let first = self.nodes.inner()?;
        self.overlay.last_node = self.nodes.index().saturating_sub(1);
        self.overlay.root = Root::Absent { is_document: true };
        self.overlay.content_end = first.span.start;
        match &first.node {
            Node::Mapping { .. } => self.top(&first)?,
            _ if is_nothing(&first) => {}
            _ => return Err(no_mapping(&first)),
        }
        check_unfolded(self.nodes.index(), self.weight)?;
        while let Some(next) = self.nodes.next()? {
            if !is_nothing(&next) && next.node != Node::Document {
                let message = "the file has several documents (kustomize reads the first and deletes the others)";
                return Err(ManifestFault::new(message)
                    .at(next.line)
                    .hint("move the other documents into files of their own"));
            }
        }
        Ok(())
    }

    /// Reads the keys of the top level.
    fn top(&mut self, start: &Located<'t>) -> Result<(), ManifestFault> {
        let (mut last, mut last_key) = (start.span.end, start.span.start);
        let (mut is_empty, mut key_style, mut indent) = (true, Style::Plain, None);
        loop {
            let key = self.nodes.inner()?;
            if key.node == Node::End {
                self.overlay.last_node = self.nodes.index().saturating_sub(1);
                self.overlay.content_end = if start.flow { key.span.end } else { last };
                self.overlay.root = if start.flow {
                    Root::Flow {
                        last,
                        is_empty,
                        key_style,
                        last_key,
                    }
                } else {
                    Root::Block {
                        indent: indent.unwrap_or_default(),
                    }
                };
                return Ok(());
            }
            let Node::Scalar { text, style, .. } = &key.node else {
                return Err(ManifestFault::new("a top-level key is not plain text").at(key.line));
            };
            // `? key` is indented by its indicator.
            let starts_line = self.nodes.text.is_first_on_line(key.span.start);
            let indent = *indent.get_or_insert_with(|| {
                let column = self.nodes.text.indentation(key.span.start).len();
                if starts_line { column } else { 0 }
            });
            (is_empty, key_style, last_key) = (false, *style, key.span.start);
            let name = text.to_string();
            last = self.field(&name, &key, indent)?;
        }
    }

    /// Reads the value of one key of the top level; returns where it ends.
    fn field(&mut self, name: &str, key: &Located<'t>, indent: usize) -> Result<usize, ManifestFault> {
        if name == "<<" {
            let message = "a top-level merge key (`<<`) can supply the images";
            return Err(ManifestFault::new(message)
                .at(key.line)
                .hint("replace the merge with its fields"));
        }
        if let Node::Scalar { anchor: 1.., .. } = &key.node {
            self.nodes.item_from(key.clone(), Shape::Any)?;
        }
        if name.eq_ignore_ascii_case("images") || name.eq_ignore_ascii_case("imageTags") {
            return self.images(name, key);
        }
        let shape = if self.nodes.strict {
            shape_of_top(name, key.line)?
        } else {
            Shape::Any
        };
        let first = self.nodes.inner()?;
        if let (Node::Sequence { .. }, false) = (&first.node, first.flow) {
            self.note_indent(self.nodes.text.value_start(key.span.end), indent);
        }
        let item = self.nodes.item_from(first, shape)?;
        self.weight = self.weight.saturating_add(item.weight).saturating_add(1);
        let is_bare = item.value.is_unwritten() && item.value.anchor == 0 && item.value.tag.is_none();
        let colon = self.nodes.text.after_colon(key.span.end).filter(|_| is_bare);
        Ok(colon.unwrap_or(item.value.end))
    }

    fn note_indent(&mut self, dash: usize, indent: usize) {
        if !self.nodes.text.is_first_on_line(dash) {
            return;
        }
        let by = self.nodes.text.indentation(dash).len().saturating_sub(indent);
        match self.indents.iter_mut().find(|(known, _)| *known == by) {
            Some((_, count)) => *count += 1,
            None => self.indents.push((by, 1)),
        }
    }

    fn finish(self) -> Overlay<'t> {
        let most = self
            .indents
            .iter()
            .max_by_key(|(by, count)| (*count, std::cmp::Reverse(*by)));
        Overlay {
            list_indent: most.map_or(0, |(by, _)| *by),
            aliased: self.nodes.aliased,
            prints: self.nodes.prints,
            ..self.overlay
        }
    }
}

fn is_nothing(first: &Located<'_>) -> bool {
    matches!(&first.node, Node::Scalar { text, .. } if text.is_empty() && first.span.is_empty())
}

fn no_mapping(first: &Located<'_>) -> ManifestFault {
    let found = match first.node {
        Node::Sequence { .. } => "a list",
        Node::Alias(_) => "an alias",
        _ => "a text",
    };
    ManifestFault::new(format!(
        "the file must be a mapping with fields such as `images`, and it is {found}"
    ))
    .at(first.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_without_a_document_is_refused_as_kustomize_does() {
        let fault = read("# c\n...\n", true, &|_| true).unwrap_err();
        assert_eq!(fault.line, Some(2));
        for text in ["", "# c\n", "---\n...\n", "images: []\n...\n"] {
            assert!(read(text, true, &|_| true).is_ok(), "{text:?}");
        }
    }
}
