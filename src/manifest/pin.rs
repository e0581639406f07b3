//! The pin: the entry of an overlay's `images` list that says which image runs.

use super::site::split;

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
    /// Returns the repository that runs: `newName`, else `name` without the tag or digest that kustomize matches by it.
    #[must_use]
    pub fn repository(&self) -> &str {
        self.new_name.as_deref().unwrap_or_else(|| split(&self.name).0)
    }

    /// Whether the name is a regular expression that fits several images, and no `newName` says which one runs.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.new_name.is_none() && self.name.contains(|c: char| r"*+?()[]{}|^$\".contains(c))
    }

    /// Whether it says which build runs: by a tag, a digest or both.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.new_tag.is_some() || self.digest.is_some()
    }

    /// Returns the tag and the digest, also where the tag holds both (`v1@sha256:…`).
    #[must_use]
    pub fn version(&self) -> (Option<&str>, Option<&str>) {
        let (tag, held) = match self.new_tag.as_deref() {
            Some(text) => text
                .split_once('@')
                .map_or((Some(text), None), |(tag, held)| (Some(tag), Some(held))),
            None => (None, None),
        };
        (tag.filter(|tag| !tag.is_empty()), self.digest.as_deref().or(held))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(name: &str, new_name: Option<&str>) -> Pin {
        Pin {
            name: name.to_owned(),
            new_name: new_name.map(str::to_owned),
            new_tag: Some("v2".to_owned()),
            ..Pin::default()
        }
    }

    #[test]
    fn a_tag_may_hold_the_digest() {
        for (tag, version) in [
            ("v1", (Some("v1"), None)),
            ("v1@sha256:0a", (Some("v1"), Some("sha256:0a"))),
            ("@sha256:0a", (None, Some("sha256:0a"))),
        ] {
            let pin = Pin {
                new_tag: Some(tag.to_owned()),
                ..Pin::default()
            };
            assert_eq!(pin.version(), version);
        }
    }

    #[test]
    fn what_runs_is_what_kustomize_renders() {
        for (name, new_name, reference) in [
            ("alpine", None, "alpine:v2"),
            ("alpine:latest", None, "alpine:v2"),
            ("alpine@sha256:0a", None, "alpine:v2"),
            ("localhost:5000/a:v1", None, "localhost:5000/a:v2"),
            ("WEB_IMAGE", Some("ghcr.io/acme/shop"), "ghcr.io/acme/shop:v2"),
            ("(.*)/api", Some("myorg/api"), "myorg/api:v2"),
        ] {
            assert_eq!(pin(name, new_name).reference(), reference, "{name}");
            assert!(!pin(name, new_name).is_pattern(), "{name}");
        }
        assert!(pin("(.*)/api", None).is_pattern());
    }
}
