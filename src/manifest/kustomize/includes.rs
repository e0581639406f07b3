//! What a kustomization takes along: the folders and files that it names, and the charts that it renders. An image that it has no
//! entry for may be pinned there.

use std::borrow::Cow;

use crate::ManifestFault;
use crate::yaml::{Tree, admit};

/// The fields that name folders or files.
const FIELDS: [&str; 3] = ["components", "resources", "bases"];

/// What a kustomization includes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Includes {
    /// Folders and files of the same repository, relative to the kustomization's folder, in the order of the file.
    pub paths: Vec<String>,
    /// The addresses of repositories, in the order of the file.
    pub remotes: Vec<String>,
    /// The charts of `helmCharts`.
    pub charts: Vec<Chart>,
    /// Files and folders of `transformers`, which change what is rendered after `images` did.
    pub transformers: Vec<String>,
}

/// A chart of `helmCharts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// Its values file, relative to the kustomization's folder.
    pub values_file: Option<String>,
    /// The text of the values that stand in its entry.
    pub values_inline: Option<String>,
    /// The line of its entry, from 1.
    pub line: usize,
}

/// Reads what a kustomization includes.
///
/// # Errors
/// The text is no YAML.
pub fn includes(text: &[u8]) -> Result<Includes, ManifestFault> {
    let tree = Tree::read(admit(text)?)?;
    let mut includes = Includes::default();
    let Some(root) = tree.documents().first().copied() else {
        return Ok(includes);
    };
    for field in FIELDS {
        let items = tree.get(root, field).map(|list| tree.items(list)).unwrap_or_default();
        for text in items.into_iter().filter_map(|item| tree.scalar(item)) {
            let kind = if is_local(&text) {
                &mut includes.paths
            } else {
                &mut includes.remotes
            };
            kind.push(text.into_owned());
        }
    }
    let transformers = tree.get(root, "transformers").map(|list| tree.items(list));
    let texts = transformers.into_iter().flatten().filter_map(|item| tree.scalar(item));
    // One that is written in place has several lines.
    let named = texts.filter(|text| is_local(text) && !text.contains('\n'));
    includes.transformers = named.map(Cow::into_owned).collect();
    for item in tree
        .get(root, "helmCharts")
        .map(|list| tree.items(list))
        .unwrap_or_default()
    {
        includes.charts.push(Chart {
            name: tree.get_text(item, "name").unwrap_or_default().into_owned(),
            values_file: tree.get_text(item, "valuesFile").map(Cow::into_owned),
            values_inline: tree.get(item, "valuesInline").map(|inner| text_of(&tree, inner, text)),
            line: tree.line(item),
        });
    }
    Ok(includes)
}

/// Returns the text from the first value in a node to the last one.
fn text_of(tree: &Tree<'_>, node: usize, text: &[u8]) -> String {
    let spans = (node..tree.next(node)).filter(|inner| tree.scalar(*inner).is_some());
    let ends = spans
        .map(|inner| tree.span(inner))
        .reduce(|all, one| all.start..one.end);
    let inner = ends.and_then(|span| text.get(span)).unwrap_or_default();
    String::from_utf8_lossy(inner).into_owned()
}

/// Whether an entry is a path, not the address of another repository.
fn is_local(entry: &str) -> bool {
    let is_remote = entry.contains("://") || entry.contains("?ref=") || entry.starts_with("git@");
    let host = entry.split('/').next().unwrap_or_default();
    let is_host = host.contains('.') && !host.starts_with('.') && entry.contains("//");
    !entry.is_empty() && !entry.starts_with('/') && !is_remote && !is_host && !entry.starts_with("github.com/")
}

/// Joins a folder and an entry of it, without what leads back up; `None` for one that leaves the repository.
#[must_use]
pub fn join(folder: &str, entry: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in entry.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_files_and_charts_are_found() {
        let text =
            b"resources:\n- ../../base\n- deployment.yaml\n- https://example.com/x.yaml\n- github.com/o/r//k?ref=v1\n\
            components: [../../components/pins]\ntransformers: [tags.yaml, \"kind: X\\nx: y\"]\nhelmCharts:\n- name: redis\n  valuesFile: redis.yaml\n- name: web\n  valuesInline:\n    image: {tag: v1}\n";
        let includes = includes(text).unwrap();
        assert_eq!(
            includes.paths,
            ["../../components/pins", "../../base", "deployment.yaml"]
        );
        assert_eq!(
            includes.remotes,
            ["https://example.com/x.yaml", "github.com/o/r//k?ref=v1"]
        );
        let charts: Vec<(&str, Option<&str>, usize)> = (includes.charts.iter())
            .map(|chart| (chart.name.as_str(), chart.values_file.as_deref(), chart.line))
            .collect();
        assert_eq!(charts, [("redis", Some("redis.yaml"), 9), ("web", None, 11)]);
        assert_eq!(includes.transformers, ["tags.yaml"]);
        let inline = includes.charts[1].values_inline.as_deref().unwrap_or_default();
        assert!(inline.contains("tag: v1"), "{inline:?}");
    }

    #[test]
    fn paths_are_joined_inside_of_the_repository() {
        for (folder, entry, joined) in [
            ("apps/api/overlays/dev", "../../base", Some("apps/api/base")),
            ("a", "./b/../c/", Some("a/c")),
            ("a", "../..", None),
        ] {
            assert_eq!(join(folder, entry).as_deref(), joined);
        }
    }
}
