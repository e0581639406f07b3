//! What must hold of every pin that is written, wherever it comes from.

use crate::manifest::Field;
use crate::manifest::Format as _;
use crate::manifest::kustomize::Kustomize;
use crate::model::{Parts, Tag};

use super::Wanted;
use crate::plan::{Placed, Read};

/// Adds what is wrong with a pin as it is to become.
pub(super) fn of(wanted: &Wanted, read: &Read<'_>, mistakes: &mut Vec<String>) {
    let name = &wanted.name;
    let old = read
        .pins
        .iter()
        .find(|pin| pin.name == *name && pin.file.path == wanted.file);
    if old.is_some_and(|pin| pin.is_pattern()) {
        mistakes.push(format!(
            "the entry {name} of {} is a regular expression, so which image will run is not known before the commit: give the entry a `newName`",
            wanted.file
        ));
    }
    if let Some(why) = old.and_then(|pin| version_in_name(pin, read)) {
        mistakes.push(why);
    }
    let (Field::Set(tag), Field::Keep | Field::Remove) = (&wanted.tag, &wanted.digest) else {
        return;
    };
    // What is pinned already needs no leave.
    let is_pinned = old.is_some_and(|pin| pin.new_tag.as_deref() == Some(tag));
    if !is_pinned && Tag::parse(tag).is_ok_and(|tag| tag.looks_mutable()) && !read.target.allow.mutable_tag {
        mistakes.push(format!(
            "the tag {tag:?} for {name} looks mutable, so what runs would change without a commit: pin the build instead, \
             `image: {name}:{tag}@${{{{ steps.build.outputs.digest }}}}`, or give `allow: mutable-tag`"
        ));
    }
    let (Some(old), Field::Keep) = (old, &wanted.digest) else {
        return;
    };
    let (_, in_tag) = old.version();
    let kept = match (old.digest.as_deref(), in_tag) {
        (Some(digest), _) => format!("has the digest {digest}, which would still decide what runs"),
        (None, Some(digest)) => format!("has the digest {digest} in its tag, which would go"),
        (None, None) => return,
    };
    mistakes.push(format!(
        "the entry {name} of {} {kept}: give the new digest with the tag (`image: {}:{tag}@sha256:…`), or `digest` alone",
        wanted.file,
        old.repository()
    ));
}

/// Says that a repository holds a tag or a digest itself: a reference with two of them runs nowhere.
fn version_in_name(pin: &Placed<'_>, read: &Read<'_>) -> Option<String> {
    let repository = pin.new_name.as_deref()?;
    let parts = Parts::of(repository);
    let what = match (parts.tag, parts.digest) {
        (_, Some(_)) => "a digest",
        (Some(_), None) => "a tag",
        (None, None) => return None,
    };
    let (field, home) = if read.target.syntax.format.name() == Kustomize.name() {
        ("`newName`", "`newTag` or `digest`")
    } else {
        ("its repository", "the key of the tag or digest")
    };
    Some(format!(
        "the entry {} of {} has {what} in {field} ({repository}), and the promotion would add a second one: move it to {home}",
        pin.name, pin.file.path
    ))
}
