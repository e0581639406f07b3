//! The pin: the entry of an overlay's `images` list that says which image runs, and what became of it.

use super::{AppName, EnvironmentName, RepoPath};

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

/// One pin before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinChange {
    /// The app whose overlay it is in.
    pub app: AppName,
    /// The environment of that overlay.
    pub environment: EnvironmentName,
    /// The kustomization file.
    pub file: RepoPath,
    /// The entry's `name`.
    pub name: String,
    /// The line that changed, from 1, in the new file.
    pub line: usize,
    /// The reference before; only the name if it was not pinned.
    pub before: String,
    /// The reference after.
    pub after: String,
}
