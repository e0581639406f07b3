//! The pin: the entry of an overlay's `images` list that says which image runs.

/// An entry of an `images` list as it stands in a file. Empty fields count as absent, as kustomize reads them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Pin {
    /// Which image of the rendered manifests the entry is about.
    pub name: String,
    /// The repository it is replaced by.
    pub new_name: Option<String>,
    /// The tag it gets.
    pub new_tag: Option<String>,
    /// The digest it gets; with a tag, both are rendered and the digest decides.
    pub digest: Option<String>,
    /// The line of the entry, from 1.
    pub line: usize,
}

impl Pin {
    /// Returns the repository that runs: `newName`, else `name`.
    #[must_use]
    pub fn repository(&self) -> &str {
        self.new_name.as_deref().unwrap_or(&self.name)
    }

    /// Tells whether it says which build runs: by a tag, a digest or both.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.new_tag.is_some() || self.digest.is_some()
    }

    /// Returns the reference that runs: repository, tag and digest.
    #[must_use]
    pub fn reference(&self) -> String {
        let tag = self.new_tag.as_ref().map(|tag| format!(":{tag}"));
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}"));
        format!(
            "{}{}{}",
            self.repository(),
            tag.unwrap_or_default(),
            digest.unwrap_or_default()
        )
    }
}
