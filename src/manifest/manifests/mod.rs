//! Kubernetes manifests: finds every container of every pod template, and edits its image in place.

use super::site::{self, Form, Site, split, value};
use super::yaml::{Path, Spot, Tree, What, admit};
use super::{Edited, Format, ManifestFault, Named, Options, Pin, PinEdit};

/// The format of Kubernetes manifests.
#[derive(Clone, Copy, Debug)]
pub struct Manifests;

/// How files of manifests end.
const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];
/// Files that stand beside manifests and are none.
const OTHERS: [&str; 6] = [
    "kustomization.yaml",
    "kustomization.yml",
    "Chart.yaml",
    "values.yaml",
    "promote.yaml",
    "skaffold.yaml",
];
/// The keys whose value is a template of pods, in any kind.
const TEMPLATES: [&str; 2] = ["template", "podTemplate"];
/// How deep lists and mappings are looked through.
const DEPTH: usize = 60;

impl Format for Manifests {
    fn name(&self) -> &'static str {
        "manifests"
    }

    fn claims(&self, place: Named<'_>) -> Result<Vec<String>, String> {
        let names = match place {
            Named::File(name) => return Ok(vec![name.to_owned()]),
            Named::Folder(names) => names,
        };
        let is_manifest = |name: &&&str| {
            ENDINGS.iter().any(|ending| name.ends_with(ending)) && !OTHERS.contains(*name) && !name.starts_with('.')
        };
        let mut found: Vec<String> = names
            .iter()
            .filter(is_manifest)
            .map(|name| (*name).to_owned())
            .collect();
        found.sort();
        if found.is_empty() {
            return Err(format!(
                "has no manifest: *.yaml, *.yml or *.json (in the folder: {})",
                super::listed(names)
            ));
        }
        Ok(found)
    }

    fn pins(&self, text: &[u8], _: &Options) -> Result<Vec<Pin>, ManifestFault> {
        let tree = Tree::read(admit(text)?)?;
        Ok(read(&tree).into_iter().map(|site| site.pin).collect())
    }

    fn edit(&self, text: &[u8], edits: &[PinEdit], _: &Options) -> Result<Edited, ManifestFault> {
        let tree = Tree::read(admit(text)?)?;
        site::edit(text, &tree, &read(&tree), edits)
    }

    fn advice(&self) -> &'static str {
        "check the name of the image: promote reads only containers and init containers of pod templates"
    }
}

/// Reads the containers of a file.
fn read(tree: &Tree<'_>) -> Vec<Site> {
    let mut reader = Reader {
        tree,
        sites: Vec::new(),
        object: String::new(),
        seen: Vec::new(),
    };
    for document in tree.documents() {
        reader.object(*document, 0);
    }
    reader.number();
    reader.sites
}

struct Reader<'a, 't> {
    tree: &'a Tree<'t>,
    sites: Vec<Site>,
    /// Kind and name of the object that is being read.
    object: String,
    /// The values of `image` that were read.
    seen: Vec<usize>,
}

impl Reader<'_, '_> {
    /// Reads one object, or each of a list of objects.
    fn object(&mut self, node: usize, depth: usize) {
        let tree = self.tree;
        if tree.what(tree.real(node)) != What::Mapping || depth > DEPTH {
            return;
        }
        let kind = tree.get_text(node, "kind").unwrap_or_default().into_owned();
        if let Some(items) = tree.get(node, "items").filter(|_| kind.ends_with("List")) {
            for item in tree.items(items) {
                self.object(item, depth + 1);
            }
            return;
        }
        let name = tree.get(node, "metadata").and_then(|metadata| {
            let name = tree.get_text(metadata, "name");
            name.or_else(|| tree.get_text(metadata, "generateName"))
        });
        self.object = format!("{kind}/{}", word(&name.unwrap_or_default()));
        let is_pod = kind == "Pod" || kind == "Revision" && is_knative(tree, node);
        if let Some(spec) = tree.get(node, "spec").filter(|_| is_pod) {
            self.pod(spec);
        }
        self.templates(node, depth);
    }

    /// Looks for pod templates, wherever they stand in an object.
    fn templates(&mut self, node: usize, depth: usize) {
        let tree = self.tree;
        // What an alias refers to was read where it stands.
        if depth > DEPTH || tree.what(node) == What::Alias {
            return;
        }
        match tree.what(node) {
            What::Sequence => {
                for item in tree.items(node) {
                    self.templates(item, depth + 1);
                }
            }
            What::Mapping => {
                for (key, value) in tree.pairs(node) {
                    if TEMPLATES.iter().any(|name| tree.is_key(key, name))
                        && let Some(spec) = tree.get(value, "spec")
                    {
                        self.pod(spec);
                    }
                    self.templates(value, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Reads the containers of a pod's specification.
    fn pod(&mut self, spec: usize) {
        let tree = self.tree;
        for list in ["initContainers", "containers"] {
            let Some(path) = tree.get(spec, list) else {
                continue;
            };
            for index in 0..tree.items(path).len() {
                let place = format!("{list}[{index}]");
                let spot = |key: &str| {
                    let path = Path::parse(&format!("{place}.{key}")).ok()?;
                    path.find(tree, spec)
                };
                let name = spot("name").and_then(|spot| value(tree, spot.node));
                if let Some(image) = spot("image") {
                    self.image(image, name.as_deref());
                }
            }
        }
    }

    fn image(&mut self, spot: Spot, container: Option<&str>) {
        let tree = self.tree;
        let node = tree.real(spot.node);
        let Some(text) = value(tree, spot.node).filter(|_| !self.seen.contains(&node)) else {
            return;
        };
        self.seen.push(node);
        let (repository, tag, digest) = split(&text);
        self.sites.push(Site {
            pin: Pin {
                name: format!("{}/{}", self.object, word(container.unwrap_or_default())),
                new_name: Some(repository.to_owned()),
                new_tag: tag.map(str::to_owned),
                digest: digest.map(str::to_owned),
                line: tree.line(spot.node),
            },
            form: Form::Reference {
                repository: repository.to_owned(),
                spot,
            },
        });
    }

    /// Gives containers of one name a number, so that each pin has a name of its own.
    fn number(&mut self) {
        let names: Vec<String> = self.sites.iter().map(|site| site.pin.name.clone()).collect();
        let mut counts: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
        for (site, name) in self.sites.iter_mut().zip(&names) {
            let count = counts.entry(name).or_default();
            *count += 1;
            if *count > 1 {
                site.pin.name = format!("{name}#{count}");
            }
        }
    }
}

/// Makes one word of a name, as a line of a commit's message needs it.
fn word(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join("-")
}

fn is_knative(tree: &Tree<'_>, node: usize) -> bool {
    tree.get_text(node, "apiVersion")
        .is_some_and(|version| version.starts_with("serving.knative.dev/"))
}

#[cfg(test)]
mod tests;
