//! Argo CD Applications and `ApplicationSets`: finds images in `kustomize.images`, `helm.parameters`, `helm.valuesObject` and in the
//! YAML inside `helm.values`, of every source, and edits them in place.

mod application;
mod inner;

use application::{Application, applications};
use inner::Inner;

use super::site::{self, Site};
use super::yaml::{Session, Tree, admit};
use super::{Edited, Format, ManifestFault, Named, Options, Pin, PinEdit};

/// The format of Argo CD Applications.
#[derive(Clone, Copy, Debug)]
pub struct ArgoCd;

impl Format for ArgoCd {
    fn name(&self) -> &'static str {
        "argocd"
    }

    fn claims(&self, place: Named<'_>) -> Result<Vec<String>, String> {
        match place {
            Named::File(name) => Ok(vec![name.to_owned()]),
            Named::Folder(names) => Err(format!(
                "is a folder, and `format: argocd` needs a file (in the folder: {})",
                super::listed(names)
            )),
        }
    }

    fn pins(&self, text: &[u8], options: &Options) -> Result<Vec<Pin>, ManifestFault> {
        let tree = Tree::read(admit(text)?)?;
        let texts = inner::texts(&tree, &chosen(&tree, options)?);
        let places = Places::read(&tree, &texts, options)?;
        Ok(places.sites().map(|site| site.pin.clone()).collect())
    }

    fn edit(&self, text: &[u8], edits: &[PinEdit], options: &Options) -> Result<Edited, ManifestFault> {
        let tree = Tree::read(admit(text)?)?;
        let texts = inner::texts(&tree, &chosen(&tree, options)?);
        let places = Places::read(&tree, &texts, options)?;
        edit(text, &tree, &places, edits)
    }

    fn advice(&self) -> &'static str {
        "check `keys` in promote.yaml, which are relative to the values of each source, and `images` of the app"
    }
}

/// Returns the Applications that are meant.
fn chosen(tree: &Tree<'_>, options: &Options) -> Result<Vec<Application>, ManifestFault> {
    let all = applications(tree);
    let Some(first) = all.first() else {
        return Err(ManifestFault::new("the file has no Application and no ApplicationSet")
            .hint("set `path` to the file of the Application"));
    };
    let line = first.line;
    if all.len() == 1 {
        return Ok(all);
    }
    let is_meant = |application: &Application| {
        let mut wanted = options.applications.iter();
        wanted.any(|name| name.rsplit('/').next() == Some(application.name.as_str()))
    };
    let (meant, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
    if !meant.is_empty() {
        return Ok(meant);
    }
    let names: Vec<&str> = others.iter().map(|application| application.name.as_str()).collect();
    Err(ManifestFault::new(format!(
        "the file has several Applications ({}), and `application` names none of them",
        names.join(", ")
    ))
    .at(line)
    .hint("set `application` to one of them"))
}

/// Every place of a file where an image is written.
struct Places<'a> {
    /// Those in the file itself.
    outer: Vec<Site>,
    /// Those in the texts of `helm.values`.
    inner: Vec<Inner<'a>>,
}

impl<'a> Places<'a> {
    fn read(tree: &Tree<'_>, texts: &'a [inner::Text], options: &Options) -> Result<Self, ManifestFault> {
        let applications = chosen(tree, options)?;
        let (mut outer, mut missing, mut broken) = (Vec::new(), Vec::new(), None);
        for application in &applications {
            application.read(tree, options, &mut outer, &mut missing)?;
        }
        let mut inner = Vec::new();
        for text in texts {
            match Inner::read(text, options, &mut missing) {
                Ok(read) => inner.push(read),
                Err(fault) => broken = broken.or(Some(fault)),
            }
        }
        let mut places = Self { outer, inner };
        for application in &applications {
            let beside = |source: &str| places.repositories(source);
            let parameters = application.parameters(tree, options, &beside)?;
            places.outer.extend(parameters);
        }
        places.outer.sort_by_key(|site| site.pin.line);
        if places.sites().next().is_some() {
            return Ok(places);
        }
        missing.sort();
        missing.dedup();
        let line = applications.first().map_or(1, |application| application.line);
        Err(broken.unwrap_or_else(|| {
            let why = if missing.is_empty() {
                "its sources set no image".to_owned()
            } else {
                missing.join("; ")
            };
            ManifestFault::new(format!("no image is found: {why}"))
                .at(line)
                .hint("set `keys` in promote.yaml to the keys of the image")
        }))
    }

    /// Returns the repositories that the values of a source name, whose sites begin with `source`.
    fn repositories(&self, source: &str) -> Vec<String> {
        let here = |site: &&Site| {
            let rest = site.pin.name.strip_prefix(source);
            rest.is_some_and(|rest| rest.starts_with("helm.values"))
        };
        let mut found: Vec<String> = self
            .sites()
            .filter(here)
            .filter_map(|site| site.pin.new_name.clone())
            .collect();
        found.sort();
        found.dedup();
        found
    }

    fn sites(&self) -> impl Iterator<Item = &Site> {
        self.outer
            .iter()
            .chain(self.inner.iter().flat_map(|inner| &inner.sites))
    }
}

/// Makes the edits, those inside of texts in a session of their own.
fn edit(bytes: &[u8], tree: &Tree<'_>, places: &Places<'_>, edits: &[PinEdit]) -> Result<Edited, ManifestFault> {
    let mut session = Session::new(tree);
    let mut pins = Vec::new();
    for (owner, edit) in edits.iter().enumerate() {
        let Some(site) = places.outer.iter().find(|site| site.pin.name == edit.name) else {
            site::find(places.sites(), edit)?;
            continue;
        };
        session.own(owner);
        if let Some(after) = site.write(tree, &mut session, edit)? {
            pins.push((owner, site.pin.clone(), after));
        }
    }
    for inner in &places.inner {
        inner.edit(tree, edits, &mut session, &mut pins)?;
    }
    pins.sort_by_key(|(owner, ..)| *owner);
    site::finish(bytes, session, pins)
}

#[cfg(test)]
mod tests;
