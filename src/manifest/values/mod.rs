//! Helm values files: finds images by the keys that promote.yaml names, and edits their tags and digests in place.

use std::borrow::Cow;

use super::site::{self, Form, Part, Room, Site, is_template, split, value};
use super::yaml::{Path, Spot, Tree, What, admit};
use super::{Edited, Format, ImageKeys, ManifestFault, Named, Options, Pin, PinEdit};

/// The format of Helm values files.
#[derive(Clone, Copy, Debug)]
pub struct Values;

impl Format for Values {
    fn name(&self) -> &'static str {
        "values"
    }

    fn claims(&self, place: Named<'_>) -> Result<Vec<String>, String> {
        match place {
            Named::File(name) => Ok(vec![name.to_owned()]),
            Named::Folder(names) => Err(format!(
                "is a folder, and `format: values` needs a file (in the folder: {})",
                super::listed(names)
            )),
        }
    }

    fn pins(&self, text: &[u8], options: &Options) -> Result<Vec<Pin>, ManifestFault> {
        let tree = Tree::read(admit(text)?)?;
        Ok(read(&tree, options)?.into_iter().map(|site| site.pin).collect())
    }

    fn edit(&self, text: &[u8], edits: &[PinEdit], options: &Options) -> Result<Edited, ManifestFault> {
        let tree = Tree::read(admit(text)?)?;
        let sites = read(&tree, options)?;
        site::edit(text, &tree, &sites, edits)
    }

    fn advice(&self) -> &'static str {
        "check `keys` in promote.yaml, and `images` of the app for a repository that is not in the file"
    }
}

/// Reads the images of a values file.
fn read(tree: &Tree<'_>, options: &Options) -> Result<Vec<Site>, ManifestFault> {
    let root = match tree.documents() {
        [] => return Err(ManifestFault::new("the file is empty")),
        [root] => *root,
        // A separator at the end begins a document with nothing in it.
        [root, others @ ..] if others.iter().all(|other| is_nothing(tree, *other)) => *root,
        [_, second, ..] => {
            return Err(
                ManifestFault::new("the file has several documents (Helm reads only the first)")
                    .at(tree.line(*second))
                    .hint("move the other documents into files of their own"),
            );
        }
    };
    if tree.what(root) != What::Mapping {
        return Err(ManifestFault::new("the file must be a mapping with keys such as `image`").at(tree.line(root)));
    }
    let found = Found::read(tree, root, options, "")?;
    if found.sites.is_empty() {
        return Err(found.fault(tree.line(root)));
    }
    Ok(found.sites)
}

/// Whether a document holds nothing.
fn is_nothing(tree: &Tree<'_>, root: usize) -> bool {
    matches!(tree.what(root), What::Scalar(_)) && value(tree, root).is_none()
}

/// The images of one set of values.
#[derive(Default)]
pub(super) struct Found {
    /// Those that are there.
    pub(super) sites: Vec<Site>,
    /// Why others are not.
    pub(super) missing: Vec<String>,
}

/// Finds the value of a key.
type Lookup<'l> = dyn Fn(&str) -> Result<Option<Spot>, ManifestFault> + 'l;

/// An image whose keys were looked up.
struct Looked<'k> {
    keys: &'k ImageKeys,
    registry: Option<String>,
    repository: Option<String>,
    /// The reference, or else the tag and the digest.
    reference: Option<Spot>,
    tag: Option<Spot>,
    digest: Option<Spot>,
}

impl Found {
    /// Reads the images of the values below `root`; `prefix` stands before their names.
    ///
    /// # Errors
    /// A key is no path.
    pub(super) fn read(tree: &Tree<'_>, root: usize, options: &Options, prefix: &str) -> Result<Self, ManifestFault> {
        let lookup = |key: &str| parse(key).map(|path| path.find(tree, root));
        Self::look(tree, Some(root), options, prefix, &lookup)
    }

    /// Reads the images whose keys `lookup` finds; missing keys can be added below `root`.
    ///
    /// # Errors
    /// A key is no path.
    pub(super) fn look(
        tree: &Tree<'_>,
        root: Option<usize>,
        options: &Options,
        prefix: &str,
        lookup: &Lookup<'_>,
    ) -> Result<Self, ManifestFault> {
        let keys = keys_of(options);
        let looked: Result<Vec<Looked<'_>>, ManifestFault> =
            keys.iter().map(|keys| Looked::read(tree, keys, lookup)).collect();
        let looked = looked?;
        let in_file: Vec<String> = looked.iter().filter_map(Looked::own_repository).collect();
        let mut found = Self::default();
        for image in &looked {
            match image.site(tree, root, options, &in_file, prefix) {
                Ok(site) if found.sites.iter().any(|known| known.pin.name == site.pin.name) => {}
                Ok(site) => found.sites.push(site),
                Err(why) => found.missing.push(why),
            }
        }
        Ok(found)
    }

    /// Says why there is no image at all.
    pub(super) fn fault(&self, line: usize) -> ManifestFault {
        ManifestFault::new(format!("no image is found: {}", self.missing.join("; ")))
            .at(line)
            .hint("set `keys` in promote.yaml to the keys of the image")
    }
}

/// Returns the keys of the options, or the default ones.
fn keys_of(options: &Options) -> Cow<'_, [ImageKeys]> {
    if options.keys.is_empty() {
        Cow::Owned(vec![default_keys()])
    } else {
        Cow::Borrowed(&options.keys)
    }
}

fn default_keys() -> ImageKeys {
    let key = |name: &str| Some(format!("image.{name}"));
    ImageKeys {
        registry: key("registry"),
        repository: key("repository"),
        tag: key("tag"),
        digest: key("digest"),
        reference: None,
    }
}

impl<'k> Looked<'k> {
    fn read(tree: &Tree<'_>, keys: &'k ImageKeys, lookup: &Lookup<'_>) -> Result<Self, ManifestFault> {
        let find = |key: &Option<String>| match key {
            None => Ok(None),
            Some(key) => lookup(key),
        };
        let text = |key: &Option<String>| -> Result<Option<String>, ManifestFault> {
            Ok(find(key)?.and_then(|spot| value(tree, spot.node)))
        };
        Ok(Self {
            keys,
            registry: text(&keys.registry)?.map(|registry| registry.trim_end_matches('/').to_owned()),
            repository: text(&keys.repository)?,
            reference: find(&keys.reference)?,
            tag: find(&keys.tag)?,
            digest: find(&keys.digest)?,
        })
    }

    /// The repository, as far as the file has it.
    fn own_repository(&self) -> Option<String> {
        let repository = self.repository.as_deref()?;
        Some(match &self.registry {
            Some(registry) => format!("{registry}/{repository}"),
            None => repository.to_owned(),
        })
    }

    fn site(
        &self,
        tree: &Tree<'_>,
        root: Option<usize>,
        options: &Options,
        in_file: &[String],
        prefix: &str,
    ) -> Result<Site, String> {
        if let Some(key) = &self.keys.reference {
            return self.by_reference(tree, key, prefix);
        }
        let key = self.keys.tag.as_ref().or(self.keys.digest.as_ref());
        let key = key.ok_or("an entry of `keys` names neither tag, digest nor reference")?;
        if self.repository.is_none() && self.tag.is_none() && self.digest.is_none() {
            return Err(format!("the file has no key `{key}`"));
        }
        let repository = self.repository(options, in_file).ok_or_else(|| {
            format!("the repository of `{key}` is not in the file, and `images` of the app does not name it")
        })?;
        let text = |spot: &Option<Spot>| spot.as_ref().and_then(|spot| value(tree, spot.node));
        let (tag, mut digest) = (text(&self.tag), text(&self.digest));
        let tag = tag.map(|tag| match tag.split_once('@') {
            Some((tag, inline)) if !is_template(inline) => {
                digest = Some(inline.to_owned());
                tag.to_owned()
            }
            _ => tag,
        });
        let spots = self.tag.iter().chain(&self.digest);
        let line = spots.map(|spot| tree.line(spot.node)).next();
        let part = |key: &Option<String>, spot: &Option<Spot>| match (key, spot) {
            (None, _) => Part::Unknown,
            (Some(_), Some(spot)) => Part::There(spot.clone()),
            (Some(key), None) => Part::Missing {
                path: key.clone(),
                room: root.and_then(|root| self.room(tree, root, key)),
            },
        };
        Ok(Site {
            pin: Pin {
                name: format!("{prefix}{key}"),
                new_name: Some(repository),
                new_tag: tag.filter(|tag| !tag.is_empty()),
                digest,
                line: line.unwrap_or_else(|| root.map_or(1, |root| tree.line(root))),
            },
            form: Form::Parts {
                tag: part(&self.keys.tag, &self.tag),
                digest: part(&self.keys.digest, &self.digest),
            },
        })
    }

    fn by_reference(&self, tree: &Tree<'_>, key: &str, prefix: &str) -> Result<Site, String> {
        let spot = self
            .reference
            .clone()
            .ok_or_else(|| format!("the file has no key `{key}`"))?;
        let text = value(tree, spot.node).ok_or_else(|| format!("`{key}` names no image"))?;
        let (own, tag, digest) = split(&text);
        let repository = match &self.registry {
            Some(registry) => format!("{registry}/{own}"),
            None => own.to_owned(),
        };
        Ok(Site {
            pin: Pin {
                name: format!("{prefix}{key}"),
                new_name: Some(repository),
                new_tag: tag.map(str::to_owned),
                digest: digest.map(str::to_owned),
                line: tree.line(spot.node),
            },
            form: Form::Reference {
                spot,
                repository: own.to_owned(),
            },
        })
    }

    /// The repository of the file, completed by or taken from the images that are configured for the app.
    fn repository(&self, options: &Options, in_file: &[String]) -> Option<String> {
        let images = options.images.iter();
        if let Some(own) = self.own_repository() {
            let end = format!("/{own}");
            let mut longer = images.filter(|image| self.registry.is_none() && image.ends_with(&end));
            return match (longer.next(), longer.next()) {
                (Some(one), None) => Some(one.clone()),
                _ => Some(own),
            };
        }
        if let [only] = options.images.as_slice() {
            return Some(only.clone());
        }
        let mut free = images.filter(|image| {
            !in_file
                .iter()
                .any(|own| *own == **image || image.ends_with(&format!("/{own}")))
        });
        match (free.next(), free.next()) {
            (Some(one), None) => Some(one.clone()),
            _ => None,
        }
    }

    /// Where a missing key can be added: behind another key of the same image.
    fn room(&self, tree: &Tree<'_>, root: usize, key: &str) -> Option<Room> {
        let path = parse(key).ok()?;
        let (mapping, name) = path.parent(tree, root)?;
        let is_scalar = |node: usize| matches!(tree.what(node), What::Scalar(_));
        let others = [&self.keys.tag, &self.keys.repository, &self.keys.registry];
        let own = others.into_iter().flatten().find_map(|key| {
            let path = parse(key).ok()?;
            let (other, name) = path.parent(tree, root)?;
            let pair = || tree.pairs(mapping).find(|(key, _)| tree.is_key(*key, name));
            (other == mapping).then(pair).flatten()
        });
        let sibling = own.or_else(|| tree.pairs(mapping).last())?;
        (is_scalar(sibling.0) && is_scalar(sibling.1)).then(|| Room {
            mapping,
            name: name.to_owned(),
            sibling,
        })
    }
}

fn parse(key: &str) -> Result<Path, ManifestFault> {
    Path::parse(key).map_err(|why| ManifestFault::new(format!("the key {key:?} {why}")))
}

/// Checks the keys of an image, as promote.yaml gives them.
///
/// # Errors
/// Says what is wrong, as the end of a sentence.
pub fn check(keys: &ImageKeys) -> Result<(), String> {
    let all = [
        ("registry", &keys.registry),
        ("repository", &keys.repository),
        ("tag", &keys.tag),
        ("digest", &keys.digest),
        ("reference", &keys.reference),
    ];
    for (what, key) in all {
        if let Some(key) = key {
            Path::parse(key).map_err(|why| format!("has the {what} {key:?}, which {why}"))?;
        }
    }
    let has_parts = keys.repository.is_some() || keys.tag.is_some() || keys.digest.is_some();
    match (&keys.reference, has_parts) {
        (Some(_), true) => {
            Err("has `reference` together with repository, tag or digest: use one or the other".to_owned())
        }
        (None, _) if keys.tag.is_none() && keys.digest.is_none() => {
            Err("names neither tag, digest nor reference".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
