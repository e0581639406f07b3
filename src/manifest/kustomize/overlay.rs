//! A kustomization file as far as an edit of its images needs to know it.

use std::collections::HashSet;
use std::ops::Range;

use super::entry::{Entry, FieldName};
use crate::yaml::{Prints, Style};

/// The file's top level.
#[derive(Clone, Debug)]
pub(super) enum Root {
    /// The file says nothing; `is_document` says whether it has at least a `---`.
    Absent { is_document: bool },
    /// Keys on lines of their own, `indent` bytes from the left.
    Block { indent: usize },
    /// A mapping in braces.
    Flow {
        /// Where the last value ends; the opening brace's end if there is none.
        last: usize,
        /// Whether it has a value at all.
        is_empty: bool,
        /// How the last key is quoted.
        key_style: Style,
        /// Where the last key begins.
        last_key: usize,
    },
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListForm {
    /// Nothing, `~` or `null`.
    Nothing,
    /// Dashes, in this column.
    Block { dash: usize },
    /// Brackets.
    Flow,
}

/// An `images` or `imageTags` list.
#[derive(Clone, Debug)]
pub(super) struct List<'t> {
    /// The key as written.
    pub(super) name: Box<str>,
    pub(super) form: ListForm,
    /// The key's bytes.
    pub(super) key: Range<usize>,
    /// The value's bytes, as far as they are known.
    pub(super) span: Range<usize>,
    /// The indexes of its nodes.
    pub(super) nodes: Range<usize>,
    /// The anchor it defines; 0 for none.
    pub(super) anchor: usize,
    /// The entries that were asked for.
    pub(super) kept: Vec<Entry<'t>>,
    /// The last entry, unless it was asked for.
    pub(super) other_last: Option<Entry<'t>>,
    /// How many entries it has, of whatever kind.
    pub(super) length: usize,
    /// Where the content of the last entry ends, and the end of its nodes.
    pub(super) last_end: usize,
    /// How often each field is written without quotes, in single and in double ones.
    pub(super) styles: [[usize; 3]; 5],
}

impl<'t> List<'t> {
    /// A list of whose value the first node, number `node`, has been read.
    pub(super) fn new(name: &str, key: Range<usize>, span: Range<usize>, node: usize) -> Self {
        Self {
            name: name.into(),
            form: ListForm::Nothing,
            key,
            last_end: span.end,
            span,
            nodes: node..node + 1,
            anchor: 0,
            kept: Vec::new(),
            other_last: None,
            length: 0,
            styles: [[0; 3]; 5],
        }
    }

    /// Returns the last entry, if it is a mapping.
    pub(super) fn last(&self) -> Option<&Entry<'t>> {
        self.other_last.as_ref().or_else(|| self.kept.last())
    }

    /// Counts how the fields of an entry are quoted.
    pub(super) fn count_styles(&mut self, entry: &Entry<'t>) {
        for slot in &entry.slots {
            let column = match slot.value.style {
                Style::Plain if !slot.value.text.is_empty() => 0,
                Style::Single => 1,
                Style::Double => 2,
                Style::Plain | Style::Block => continue,
            };
            let counts = slot.name.and_then(|name| self.styles.get_mut(name as usize));
            if let Some(count) = counts.and_then(|counts| counts.get_mut(column)) {
                *count += 1;
            }
        }
    }

    /// Returns the quotes of a field, if all entries that have it agree on them.
    pub(super) fn style_of(&self, name: FieldName) -> Style {
        match self.styles.get(name as usize) {
            Some([0, 1..=usize::MAX, 0]) => Style::Single,
            Some([0, 0, 1..=usize::MAX]) => Style::Double,
            _ => Style::Plain,
        }
    }
}

/// What an edit needs to know of a file.
#[derive(Clone, Debug)]
pub(super) struct Overlay<'t> {
    pub(super) root: Root,
    /// The lists: `images` first, then the deprecated `imageTags`.
    pub(super) lists: Vec<List<'t>>,
    /// Where the content of the top level ends.
    pub(super) content_end: usize,
    /// How far lists at the top level are indented.
    pub(super) list_indent: usize,
    /// The index of the node that ends the top level (or stands for it, when the file says nothing).
    pub(super) last_node: usize,
    /// The fingerprints of all nodes.
    pub(super) prints: Prints,
    /// The anchors that something refers to.
    pub(super) aliased: HashSet<usize>,
}
