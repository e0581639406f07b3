//! A version that an app had, and how people name one.

use crate::assess::history::RecordedPin;
use crate::model::{CommitSha, Digest, Parts, Reference, Timestamp};

/// A version that an app had in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The entries that pinned it.
    pub pins: Vec<RecordedPin>,
    /// When it ended as it did; `None` where only a later commit names it.
    pub at: Option<Timestamp>,
    /// How it ended: the event of the record, or, where only trailers name it, that nobody saw it live.
    pub ended: String,
    /// Whether the record knows it to be good.
    pub good: bool,
    /// The commit that pins it, where trailers alone say so: anybody can write those, so its files have the last word.
    pub claimed: Option<CommitSha>,
}

impl Version {
    /// Makes the version that is pinned now.
    #[must_use]
    pub fn pinned(pins: Vec<RecordedPin>) -> Self {
        Self {
            pins,
            at: None,
            ended: String::new(),
            good: false,
            claimed: None,
        }
    }

    /// Returns its references, each once.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        let mut images = Vec::new();
        for pin in &self.pins {
            if !images.contains(&pin.image) {
                images.push(pin.image.clone());
            }
        }
        images
    }

    /// Whether one of its images is the one that `to` names: by a tag, a digest or a reference.
    #[must_use]
    pub fn is(&self, to: &str) -> bool {
        self.pins.iter().any(|pin| names(to, &pin.image))
    }
}

/// Whether a tag, digest or reference names an image.
pub(super) fn names(to: &str, image: &str) -> bool {
    let has = Parts::of(image);
    if Digest::split(to).is_some() {
        return has.digest == Some(to);
    }
    if !to.contains(['/', ':', '@']) {
        return has.tag == Some(to);
    }
    Reference::parse(to).is_ok_and(|to| {
        to.repository.same_as(has.repository)
            && to.tag.as_ref().is_none_or(|tag| has.tag == Some(tag.as_str()))
            && to
                .digest
                .as_ref()
                .is_none_or(|digest| has.digest == Some(digest.as_str()))
    })
}

/// Returns the tag or digest of an image that begins with `to`: at least seven of the first digits of a commit's SHA, or of a digest.
pub(super) fn begun<'a>(to: &str, image: &'a str) -> Option<&'a str> {
    let parts = Parts::of(image);
    let is_hash = |digits: &str| digits.len() >= 7 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let (digits, name) = match Digest::split(to) {
        Some((_, digits)) => (digits, parts.digest),
        None => (to, parts.tag),
    };
    let of_hash = |name: &&str| is_hash(Digest::split(name).map_or(*name, |(_, digits)| digits));
    name.filter(|name| is_hash(digits) && name.starts_with(to))
        .filter(of_hash)
}
