//! The Applications of a file, and the images that their sources set outside of `helm.values`.

use crate::site::{Form, Site, split, value};
use crate::values::Found;
use crate::yaml::{Spot, Tree, What};
use crate::{ManifestFault, Options, Pin};

/// How deep lists of objects may stand in each other.
const DEPTH: usize = 10;

/// An Application, or the template of an `ApplicationSet`.
pub(super) struct Application {
    /// Its name.
    pub(super) name: String,
    /// The line it begins on.
    pub(super) line: usize,
    /// Its sources, each with what stands before the names of its pins.
    pub(super) sources: Vec<(usize, String)>,
}

/// Returns the Applications of a file.
pub(super) fn applications(tree: &Tree<'_>) -> Vec<Application> {
    let mut found = Vec::new();
    for document in tree.documents() {
        object(tree, *document, 0, &mut found);
    }
    // Pins of several Applications need names of their own.
    if found.len() > 1 {
        for (number, application) in found.iter_mut().enumerate() {
            let name = application.name.split_whitespace().collect::<Vec<_>>().join("-");
            for (_, prefix) in &mut application.sources {
                *prefix = if name.is_empty() {
                    format!("{number}/{prefix}")
                } else {
                    format!("{name}/{prefix}")
                };
            }
        }
    }
    found
}

fn object(tree: &Tree<'_>, node: usize, depth: usize, found: &mut Vec<Application>) {
    if tree.what(tree.real(node)) != What::Mapping || depth > DEPTH {
        return;
    }
    let kind = tree.get_text(node, "kind").unwrap_or_default();
    let spec = match kind.as_ref() {
        "Application" => tree.get(node, "spec"),
        "ApplicationSet" => {
            let template = tree.get(node, "spec").and_then(|spec| tree.get(spec, "template"));
            template.and_then(|template| tree.get(template, "spec"))
        }
        "List" | "ApplicationList" | "ApplicationSetList" => {
            for item in tree
                .get(node, "items")
                .map(|items| tree.items(items))
                .unwrap_or_default()
            {
                object(tree, item, depth + 1, found);
            }
            return;
        }
        _ => return,
    };
    let is_argo = tree
        .get_text(node, "apiVersion")
        .is_some_and(|version| version.starts_with("argoproj.io/"));
    let Some(spec) = spec.filter(|_| is_argo) else {
        return;
    };
    let name = tree
        .get(node, "metadata")
        .and_then(|metadata| tree.get_text(metadata, "name"));
    let mut sources = Vec::new();
    sources.extend(tree.get(spec, "source").map(|source| (source, String::new())));
    let several = tree
        .get(spec, "sources")
        .map(|list| tree.items(list))
        .unwrap_or_default();
    sources.extend(
        several
            .into_iter()
            .enumerate()
            .map(|(number, source)| (source, format!("sources[{number}]."))),
    );
    found.push(Application {
        name: name.unwrap_or_default().into_owned(),
        line: tree.line(node),
        sources,
    });
}

impl Application {
    /// Reads the images that parameters of the sources set. In Helm a parameter wins over the values of its source, so one without a repository
    /// is a place of an image whose repository the values name: `beside` returns these for a source.
    pub(super) fn parameters(
        &self,
        tree: &Tree<'_>,
        options: &Options,
        beside: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Vec<Site>, ManifestFault> {
        let mut sites = Vec::new();
        for (source, prefix) in &self.sources {
            let parameters = tree.get(*source, "helm").and_then(|helm| tree.get(helm, "parameters"));
            let Some(parameters) = parameters else { continue };
            let mut options = options.clone();
            if options.images.is_empty() {
                options.images = beside(prefix);
            }
            sites.extend(by_parameters(
                tree,
                parameters,
                &options,
                &format!("{prefix}helm.parameters."),
            )?);
        }
        Ok(sites)
    }

    /// Reads the images that the sources set, other than in `helm.values` and by parameters.
    pub(super) fn read(
        &self,
        tree: &Tree<'_>,
        options: &Options,
        sites: &mut Vec<Site>,
        missing: &mut Vec<String>,
    ) -> Result<(), ManifestFault> {
        for (source, prefix) in &self.sources {
            if let Some(images) = tree
                .get(*source, "kustomize")
                .and_then(|kustomize| tree.get(kustomize, "images"))
            {
                for (index, image) in tree.items(images).into_iter().enumerate() {
                    sites.extend(kustomize_image(
                        tree,
                        image,
                        &format!("{prefix}kustomize.images[{index}]"),
                    ));
                }
            }
            let Some(helm) = tree.get(*source, "helm") else {
                continue;
            };
            if let Some(values) = tree.get(helm, "valuesObject") {
                let prefix = format!("{prefix}helm.valuesObject.");
                if tree.what(tree.real(values)) == What::Mapping {
                    let found = Found::read(tree, values, options, &prefix)?;
                    sites.extend(found.sites);
                    missing.extend(found.missing);
                }
            }
        }
        Ok(())
    }
}

/// Reads `[NAME=]REPOSITORY[:TAG][@DIGEST]`.
fn kustomize_image(tree: &Tree<'_>, node: usize, name: &str) -> Option<Site> {
    let text = value(tree, node)?;
    let (_, reference) = text.split_once('=').unwrap_or(("", &text));
    let (repository, tag, digest) = split(reference);
    let before = text.len() - reference.len() + repository.len();
    Some(Site {
        pin: Pin {
            name: name.to_owned(),
            new_name: Some(repository.to_owned()),
            new_tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
            line: tree.line(node),
        },
        form: Form::Reference {
            spot: Spot::at(tree, node, None),
            repository: text.get(..before).unwrap_or(&text).to_owned(),
        },
    })
}

/// Reads the images that parameters set, each of which has a dotted path as its `name`.
///
/// # Errors
/// A key is no path.
fn by_parameters(
    tree: &Tree<'_>,
    parameters: usize,
    options: &Options,
    prefix: &str,
) -> Result<Vec<Site>, ManifestFault> {
    let items = tree.items(parameters);
    let find = |path: &str| {
        // Of two parameters of one name the later one counts.
        let item = items
            .iter()
            .rev()
            .find(|item| tree.get_text(**item, "name").is_some_and(|name| name == path))?;
        let (key, node) = tree.pairs(*item).find(|(key, _)| tree.is_key(*key, "value"))?;
        Some(Spot::at(tree, node, Some(key)))
    };
    let mut found = Found::look(tree, None, options, prefix, &|path| Ok(find(path)))?;
    found
        .sites
        .retain(|site| site.pin.new_tag.is_some() || site.pin.digest.is_some());
    Ok(found.sites)
}
