//! YAML inside of a text: `helm.values` as a literal block. What changes in it is carried to the lines of the file.

use std::ops::Range;

use super::application::Application;
use crate::site::Site;
use crate::values::Found;
use crate::yaml::{Session, Splice, Style, Tree, What, admit};
use crate::{ManifestFault, Options, Pin, PinEdit};

/// A text that is YAML itself.
pub(super) struct Text {
    /// The node of the text.
    node: usize,
    /// What it reads as.
    content: String,
    /// What stands before the names of its pins.
    prefix: String,
    /// Where its lines stand in the file, if it can be edited.
    lines: Result<Vec<Line>, ManifestFault>,
    /// The line of the file above its first one.
    above: usize,
}

/// A line of the text: where it begins there and in the file, behind the indentation, and how long it is.
struct Line {
    inner: usize,
    outer: usize,
    length: usize,
}

/// Returns the texts of `helm.values` of some Applications.
pub(super) fn texts(tree: &Tree<'_>, applications: &[Application]) -> Vec<Text> {
    let sources = applications.iter().flat_map(|application| &application.sources);
    sources
        .filter_map(|(source, prefix)| {
            let helm = tree.get(*source, "helm")?;
            let (key, values) = tree.pairs(helm).filter(|(key, _)| tree.is_key(*key, "values")).last()?;
            let content = tree.scalar(values)?.into_owned();
            // The body begins below the header, perhaps with empty lines.
            let header = tree.text.value_start(tree.span(key).end);
            let start = match tree.what(values) {
                What::Scalar(Style::Block) => tree.text.next_line(header),
                _ => header,
            };
            Some(Text {
                node: values,
                prefix: format!("{prefix}helm.values."),
                lines: lines(tree, values, start, &content),
                above: tree.text.line(start).saturating_sub(1),
                content,
            })
        })
        .collect()
}

/// Finds the lines of a literal block in the file.
fn lines(tree: &Tree<'_>, node: usize, start: usize, text: &str) -> Result<Vec<Line>, ManifestFault> {
    let fault = |why: &str| {
        ManifestFault::new(format!("`helm.values` cannot be edited in place: it {why}"))
            .at(tree.line(node))
            .hint("write `helm.values` as a literal block (`values: |`), or as `valuesObject`")
    };
    if tree.what(node) == What::Alias {
        return Err(fault("is an alias"));
    }
    if let [line, ..] = tree.aliases_of(node) {
        return Err(fault(&format!("is shared by an alias (line {line})")));
    }
    if tree.what(node) != What::Scalar(Style::Block) {
        return Err(fault("is not a literal block"));
    }
    let body = tree.text.slice(start, tree.span(node).end);
    let indent = body
        .split('\n')
        .zip(text.split('\n'))
        .find(|(_, inner)| !inner.trim().is_empty())
        .map(|(outer, inner)| outer.trim_end_matches('\r').len().saturating_sub(inner.len()));
    let Some(indent) = indent else {
        return Err(fault("is empty"));
    };
    let (mut lines, mut inner_at, mut outer_at) = (Vec::new(), 0, start);
    let mut outer = body.split('\n');
    for inner in text.split('\n') {
        let Some(line) = outer.next() else {
            break;
        };
        let bare = line.trim_end_matches('\r');
        let is_blank = inner.is_empty() && bare.trim().is_empty();
        let content = bare.get(indent..);
        let before = bare.get(..indent).unwrap_or(bare);
        if !is_blank && (content != Some(inner) || !before.bytes().all(|byte| byte == b' ')) {
            return Err(fault("is folded"));
        }
        lines.push(Line {
            inner: inner_at,
            outer: outer_at + indent.min(bare.len()),
            length: inner.len(),
        });
        inner_at += inner.len() + 1;
        outer_at += line.len() + 1;
    }
    Ok(lines)
}

/// A text with the images in it.
pub(super) struct Inner<'a> {
    text: &'a Text,
    tree: Tree<'a>,
    pub(super) sites: Vec<Site>,
}

impl<'a> Inner<'a> {
    /// Reads the images of a text.
    ///
    /// # Errors
    /// It is no YAML.
    pub(super) fn read(text: &'a Text, options: &Options, missing: &mut Vec<String>) -> Result<Self, ManifestFault> {
        let fault = |mut fault: ManifestFault| {
            fault.line = fault.line.map(|line| line + text.above);
            fault.message = format!("in `helm.values`: {}", fault.message);
            fault
        };
        let tree = admit(text.content.as_bytes()).and_then(Tree::read).map_err(fault)?;
        let mut sites = Vec::new();
        if let [root] = tree.documents()
            && tree.what(*root) == What::Mapping
        {
            let found = Found::read(&tree, *root, options, &text.prefix).map_err(fault)?;
            missing.extend(found.missing);
            sites = found.sites;
            for site in &mut sites {
                site.pin.line += text.above;
            }
        }
        Ok(Self { text, tree, sites })
    }

    /// Makes the edits that are about this text, in it and in the file.
    ///
    /// # Errors
    /// An edit cannot be made.
    pub(super) fn edit(
        &self,
        outer: &Tree<'_>,
        edits: &[PinEdit],
        session: &mut Session<'_, '_>,
        pins: &mut Vec<(usize, Pin, Pin)>,
    ) -> Result<(), ManifestFault> {
        let shift = |mut fault: ManifestFault| {
            fault.line = fault.line.map(|line| line + self.text.above);
            fault
        };
        let mut inside = Session::new(&self.tree);
        for (owner, edit) in edits.iter().enumerate() {
            let Some(site) = self.sites.iter().find(|site| site.pin.name == edit.name) else {
                continue;
            };
            inside.own(owner);
            if let Some(after) = site.write(&self.tree, &mut inside, edit).map_err(shift)? {
                pins.push((owner, site.pin.clone(), after));
            }
        }
        let Some((new, splices)) = inside.finish().map_err(shift)? else {
            return Ok(());
        };
        let lines = self.text.lines.as_ref().map_err(Clone::clone)?;
        for splice in splices {
            let Some((range, text)) = carried(outer, lines, &splice) else {
                return Err(ManifestFault::new(
                    "the pin in `helm.values` cannot be edited in place: it takes several lines",
                )
                .at(outer.line(self.text.node))
                .hint("write the pin on one line"));
            };
            session.own(splice.owner);
            session.splice_inside(range, text);
        }
        session.rewrite(self.text.node, new);
        Ok(())
    }
}

/// Carries a replacement in the text to the file.
fn carried(outer: &Tree<'_>, lines: &[Line], splice: &Splice) -> Option<(Range<usize>, String)> {
    let number = lines
        .partition_point(|line| line.inner <= splice.range.start)
        .checked_sub(1)?;
    let line = lines.get(number)?;
    let (start, end) = (splice.range.start - line.inner, splice.range.end - line.inner);
    if end > line.length {
        return None;
    }
    let line_start = outer.text.line_start(line.outer);
    let indent = outer.text.slice(line_start, line.outer);
    let ending = outer.text.break_beside(outer.text.line_end(line.outer));
    let text = splice.text.replace('\n', &format!("{ending}{indent}"));
    Some((line.outer + start..line.outer + end, text))
}
