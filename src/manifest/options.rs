//! What a format has to know beyond the text: where images stand, and which of them are meant.

use super::{Edited, Format, ManifestFault, Named, Pin, PinEdit, kustomize};

/// What a format knows about the files of one app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where images stand in Helm values; empty = `image.repository`, `image.tag` and `image.digest`.
    pub keys: Vec<ImageKeys>,
    /// The repositories of the app's images, for keys that have no repository in the file.
    pub images: Vec<String>,
    /// The Argo CD applications that are meant, where a file holds several; empty = all.
    pub applications: Vec<String>,
}

/// The keys of one image in Helm values, as dotted paths such as `api.containers[name=web].image.tag`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageKeys {
    /// The key of the registry, where it stands apart.
    pub registry: Option<String>,
    /// The key of the repository.
    pub repository: Option<String>,
    /// The key of the tag.
    pub tag: Option<String>,
    /// The key of the digest.
    pub digest: Option<String>,
    /// The key of the whole reference; excludes repository, tag and digest.
    pub reference: Option<String>,
}

/// A format with its options: how the files of one app are found, read and edited.
#[derive(Clone)]
pub struct Syntax {
    /// The format.
    pub format: &'static dyn Format,
    /// Its options.
    pub options: Options,
}

impl Syntax {
    /// Returns the names of the files that hold the pins of what `path` names.
    ///
    /// # Errors
    /// As [`Format::claims`].
    pub fn claims(&self, place: Named<'_>) -> Result<Vec<String>, String> {
        self.format.claims(place)
    }

    /// Returns the pins that `text` holds.
    ///
    /// # Errors
    /// As [`Format::pins`].
    pub fn pins(&self, text: &[u8]) -> Result<Vec<Pin>, ManifestFault> {
        self.format.pins(text, &self.options)
    }

    /// Makes the edits, all or none.
    ///
    /// # Errors
    /// As [`Format::edit`].
    pub fn edit(&self, text: &[u8], edits: &[PinEdit]) -> Result<Edited, ManifestFault> {
        self.format.edit(text, edits, &self.options)
    }
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            format: &kustomize::Kustomize,
            options: Options::default(),
        }
    }
}

impl PartialEq for Syntax {
    fn eq(&self, other: &Self) -> bool {
        self.format.name() == other.format.name() && self.options == other.options
    }
}

impl Eq for Syntax {}

impl std::fmt::Debug for Syntax {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Syntax")
            .field("format", &self.format.name())
            .field("options", &self.options)
            .finish()
    }
}
