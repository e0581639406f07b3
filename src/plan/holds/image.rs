//! Which images a hold is about.

use std::fmt;

use crate::model::{AppName, Digest, EnvironmentName, Parts, Reference, Repository, Tag};

/// An image that may be held, as an entry pins it.
#[derive(Clone, Copy, Debug)]
pub struct Pinned<'a> {
    /// Whose it is.
    pub app: &'a AppName,
    /// Where.
    pub environment: &'a EnvironmentName,
    /// The name of its entry: `image` finds it by that as well as by what is rendered.
    pub name: &'a str,
    /// The reference as it is rendered.
    pub image: &'a str,
}

impl Pinned<'_> {
    /// Whether a repository is that of the image, as it is rendered or by the name of its entry.
    pub(super) fn is_of(&self, repository: &Repository) -> bool {
        let names = [Parts::of(self.image).repository, Parts::of(self.name).repository];
        names.iter().any(|name| repository.same_as(name))
    }
}

/// A tag, a digest, a repository, or a reference. What it leaves out may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldImage {
    text: String,
    repository: Option<Repository>,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl HeldImage {
    /// Reads `v1.2.3`, `sha256:…`, `v1.2.3@sha256:…`, `myorg/api`, `myorg/api:v1.2.3` or `myorg/api:v1.2.3@sha256:…`. A word alone is a tag.
    ///
    /// # Errors
    /// Says what an image of a hold looks like, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        const RIGHT: &str =
            "is not a tag, digest or image reference such as `v1.2.3`, `sha256:…` or `myorg/api:v1.2.3`";
        let wrong = |_| RIGHT.to_owned();
        let (mut repository, mut tag, mut digest) = (None, None, None);
        match text.split_once('@') {
            _ if Digest::parse(text).is_ok() => digest = Some(Digest::parse(text)?),
            None if Tag::parse(text).is_ok() => tag = Some(Tag::parse(text)?),
            Some((before, after)) if Tag::parse(before).is_ok() => {
                (tag, digest) = (Some(Tag::parse(before)?), Some(Digest::parse(after).map_err(wrong)?));
            }
            _ => {
                let reference = Reference::parse(text).map_err(wrong)?;
                (repository, tag, digest) = (Some(reference.repository), reference.tag, reference.digest);
            }
        }
        Ok(Self {
            text: text.to_owned(),
            repository,
            tag,
            digest,
        })
    }

    /// Whether what is pinned is one of these images. Where both have a digest, it decides: the same digest is the same content,
    /// whatever its tag.
    #[must_use]
    pub fn is(&self, of: Pinned<'_>) -> bool {
        if self.repository.as_ref().is_some_and(|own| !of.is_of(own)) {
            return false;
        }
        let reference = Parts::of(of.image);
        let (tag, digest) = (
            self.tag.as_ref().map(Tag::as_str),
            self.digest.as_ref().map(Digest::as_str),
        );
        match (digest, reference.digest, tag) {
            (Some(own), Some(other), _) => own == other,
            (_, _, Some(own)) => reference.tag == Some(own),
            (Some(_), None, None) => false,
            (None, _, None) => true,
        }
    }

    /// Whether a hold on `other` is one on this or on part of it: what a release of this removes.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let repositories = match (&self.repository, &other.repository) {
            (Some(own), Some(other)) => own.same_as(other.as_str()),
            _ => true,
        };
        let is_named = |image: &Self| image.tag.is_some() || image.digest.is_some();
        let versions = match ((&self.digest, &other.digest), (&self.tag, &other.tag)) {
            ((Some(own), Some(other)), _) => own == other,
            (_, (Some(own), Some(other))) => own == other,
            _ => !is_named(self) && (is_named(other) || self.repository == other.repository),
        };
        repositories && versions
    }
}

impl HeldImage {
    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for HeldImage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
