//! A place in a file where an image is written, for all formats but kustomize: how it is read, and how it is written again.

use crate::yaml::{Session, Spot, Tree, lines};
use crate::{ChangedPin, Edited, Field, ManifestFault, Pin, PinEdit};

/// A place where an image is written.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// What stands there.
    pub(crate) pin: Pin,
    /// How.
    pub(crate) form: Form,
}

/// How an image is written.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// As one reference; `repository` is all of it before tag and digest, as written.
    Reference { spot: Spot, repository: String },
    /// With tag and digest apart.
    Parts { tag: Part, digest: Part },
}

/// A tag or a digest that stands apart.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// It has no key.
    Unknown,
    /// Its key is not in the file.
    Missing {
        /// The key, as a dotted path.
        path: String,
        /// The mapping, the key and the pair behind which it can be added.
        room: Option<Room>,
    },
    /// It is there, perhaps empty.
    There(Spot),
}

/// Where a key can be added.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// The mapping.
    pub(crate) mapping: usize,
    /// The key.
    pub(crate) name: String,
    /// Key and value behind which it is added.
    pub(crate) sibling: (usize, usize),
}

/// Splits a reference into repository, tag and digest.
pub(crate) fn split(reference: &str) -> (&str, Option<&str>, Option<&str>) {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest).filter(|digest| !digest.is_empty())),
        None => (reference, None),
    };
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    let tag = name.get(base..).and_then(|base| base.split_once(':'));
    match tag {
        Some((_, tag)) => {
            let end = name.len() - tag.len() - 1;
            let repository = name.get(..end).unwrap_or(name);
            (repository, Some(tag).filter(|tag| !tag.is_empty()), digest)
        }
        None => (name, None, digest),
    }
}

/// Whether something else fills a text in before it is used.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("${") || text.contains("$(")
}

impl Site {
    /// Makes the image what the edit wants; returns the pin afterwards, or `None` if it was that already.
    ///
    /// # Errors
    /// The place cannot be written without touching something else, or has no room for what is wanted.
    pub(crate) fn write(
        &self,
        tree: &Tree<'_>,
        session: &mut Session<'_, '_>,
        edit: &PinEdit,
    ) -> Result<Option<Pin>, ManifestFault> {
        let after = Pin {
            new_tag: wanted(&edit.new_tag, self.pin.new_tag.as_deref()),
            digest: wanted(&edit.digest, self.pin.digest.as_deref()),
            ..self.pin.clone()
        };
        let (tag, digest) = (after.new_tag.as_deref(), after.digest.as_deref());
        let changed = match &self.form {
            Form::Reference { spot, repository } => {
                let reference = joined(repository, tag, digest);
                set(tree, session, spot, &reference)?
            }
            Form::Parts {
                tag: Part::There(spot),
                digest: digest_part,
            } if has_inline_digest(tree, spot) || matches!(digest_part, Part::Unknown) && digest.is_some() => {
                self.write_inline(tree, session, spot, tag, digest)?
            }
            Form::Parts {
                tag: tag_part,
                digest: digest_part,
            } => {
                let by_tag = self.write_part(tree, session, tag_part, "tag", tag, edit.create)?;
                let by_digest = self.write_part(tree, session, digest_part, "digest", digest, edit.create)?;
                by_tag || by_digest
            }
        };
        Ok(changed.then_some(after))
    }

    /// Writes `TAG@DIGEST` where the digest stands in the tag.
    fn write_inline(
        &self,
        tree: &Tree<'_>,
        session: &mut Session<'_, '_>,
        spot: &Spot,
        tag: Option<&str>,
        digest: Option<&str>,
    ) -> Result<bool, ManifestFault> {
        let (name, line) = (&self.pin.name, tree.line(spot.node));
        if !has_inline_digest(tree, spot) {
            return Err(ManifestFault::new(format!("`{name}` has no key for the given digest"))
                .at(line)
                .hint("set the key of the digest in `keys` (`digest: …`), or promote a tag alone"));
        }
        let Some(tag) = tag else {
            return Err(ManifestFault::new(format!(
                "`{name}` holds a tag with its digest, and cannot hold a digest alone"
            ))
            .at(line)
            .hint("give the tag with the digest, as in `image: NAME:TAG@DIGEST`"));
        };
        let text = match digest {
            Some(digest) => format!("{tag}@{digest}"),
            None => tag.to_owned(),
        };
        set(tree, session, spot, &text)
    }

    fn write_part(
        &self,
        tree: &Tree<'_>,
        session: &mut Session<'_, '_>,
        part: &Part,
        what: &str,
        value: Option<&str>,
        create: bool,
    ) -> Result<bool, ManifestFault> {
        match (part, value) {
            (Part::There(spot), Some(value)) => set(tree, session, spot, value),
            (Part::There(spot), None) if is_absent(tree, spot.node) => Ok(false),
            (Part::There(spot), None) => set(tree, session, spot, ""),
            (Part::Unknown | Part::Missing { .. }, None) => Ok(false),
            (Part::Unknown, Some(_)) => Err(ManifestFault::new(format!(
                "{} has no key for the given {what}",
                self.pin.repository()
            ))
            .at(self.pin.line)
            .hint(format!("set the key of the {what} in `keys` (`{what}: …`)"))),
            (Part::Missing { room: Some(room), .. }, Some(value)) if create => {
                session.add(room.mapping, room.sibling, &room.name, value)?;
                Ok(true)
            }
            (Part::Missing { path, .. }, Some(_)) => Err(ManifestFault::new(format!(
                "the file has no key `{path}` for the given {what}"
            ))
            .at(self.pin.line)
            .hint(format!("add `{path}` to the file, or set `allow: new-entry`"))),
        }
    }
}

/// Whether a digest stands in the tag, as `TAG@DIGEST`.
fn has_inline_digest(tree: &Tree<'_>, tag: &Spot) -> bool {
    tree.scalar(tag.node).is_some_and(|text| text.contains('@'))
}

fn wanted(field: &Field, old: Option<&str>) -> Option<String> {
    match field {
        Field::Keep => old.map(str::to_owned),
        Field::Set(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Field::Remove => None,
    }
}

fn joined(repository: &str, tag: Option<&str>, digest: Option<&str>) -> String {
    let mut text = repository.to_owned();
    for (mark, part) in [(':', tag), ('@', digest)] {
        if let Some(part) = part {
            text.push(mark);
            text.push_str(part);
        }
    }
    text
}

/// Whether a value is empty or null, which counts as not there.
pub(crate) fn is_absent(tree: &Tree<'_>, node: usize) -> bool {
    value(tree, node).is_none()
}

/// Returns the text of a scalar, without blanks around it; `None` for one that is empty or null, and for anything else.
pub(crate) fn value(tree: &Tree<'_>, node: usize) -> Option<String> {
    use crate::yaml::{Kind, Style, What, kind};
    let text = tree.scalar(node)?;
    let is_plain = tree.what(tree.real(node)) == What::Scalar(Style::Plain);
    if text.trim().is_empty() || is_plain && kind(&text) == Kind::Null {
        return None;
    }
    Some(text.trim().to_owned())
}

fn set(tree: &Tree<'_>, session: &mut Session<'_, '_>, spot: &Spot, value: &str) -> Result<bool, ManifestFault> {
    let old = tree.scalar(spot.node).unwrap_or_default();
    if is_template(&old) {
        let what = old.trim();
        return Err(
            ManifestFault::new(format!("this value is a template that another tool fills: {what}"))
                .at(tree.line(spot.node))
                .hint("promote in the file that the value comes from"),
        );
    }
    if let Some(obstacle) = &spot.obstacle {
        // What is right already needs no edit.
        return if old == value { Ok(false) } else { Err(obstacle.clone()) };
    }
    session.set(spot.node, spot.key, value)
}

/// Finds the place of an edit.
///
/// # Errors
/// No pin has that name.
pub(crate) fn find<'s>(sites: impl Iterator<Item = &'s Site>, edit: &PinEdit) -> Result<&'s Site, ManifestFault> {
    let mut sites = sites;
    sites
        .find(|site| site.pin.name == edit.name)
        .ok_or_else(|| ManifestFault::new(format!("the file has no pin `{}`", edit.name)))
}

/// Makes the edits in one tree, all or none.
///
/// # Errors
/// As [`Site::write`], or the new text would say something else than wanted.
pub(crate) fn edit(bytes: &[u8], tree: &Tree<'_>, sites: &[Site], edits: &[PinEdit]) -> Result<Edited, ManifestFault> {
    let mut session = Session::new(tree);
    let mut pins = Vec::new();
    for (owner, edit) in edits.iter().enumerate() {
        session.own(owner);
        let site = find(sites.iter(), edit)?;
        if let Some(after) = site.write(tree, &mut session, edit)? {
            pins.push((owner, site.pin.clone(), after));
        }
    }
    finish(bytes, session, pins)
}

/// Ends an edit; `pins` are what changed, with the number of the edit.
///
/// # Errors
/// The new text would say something else than wanted.
pub(crate) fn finish(
    bytes: &[u8],
    session: Session<'_, '_>,
    pins: Vec<(usize, Pin, Pin)>,
) -> Result<Edited, ManifestFault> {
    let Some((new, splices)) = session.finish()? else {
        return Ok(Edited::unchanged(bytes));
    };
    let lines = lines(&new, &splices);
    let changed = pins.into_iter().map(|(owner, before, mut after)| {
        after.line = lines.get(&owner).copied().unwrap_or(after.line);
        ChangedPin { before, after }
    });
    Ok(Edited {
        changed: changed.collect(),
        bytes: new.into_bytes(),
        spans: splices.into_iter().map(|splice| splice.range).collect(),
        warnings: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split_where_they_are_read() {
        for (text, parts) in [
            ("nginx", ("nginx", None, None)),
            ("nginx:1", ("nginx", Some("1"), None)),
            ("localhost:5000/a", ("localhost:5000/a", None, None)),
            ("localhost:5000/a:1", ("localhost:5000/a", Some("1"), None)),
            ("a:1@sha256:0", ("a", Some("1"), Some("sha256:0"))),
            ("a@sha256:0", ("a", None, Some("sha256:0"))),
        ] {
            assert_eq!(split(text), parts, "{text}");
        }
    }
}
