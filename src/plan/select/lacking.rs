//! What to do about an image that an overlay has no entry for.

use crate::manifest::kustomize::FILE_NAMES;
use crate::model::{Parts, Repository, Syntax};

use super::{Placed, Read, columns};

/// Returns the mistake, with the place where the image is pinned, if there is one.
pub(super) fn of(read: &Read<'_>, repository: &str) -> String {
    let advice = tag_in_new_name(read, repository).or_else(|| pinned_elsewhere(read, repository));
    format!(
        "{} has no entry for {repository}: {}; {}",
        read.place(),
        columns(&read.pins),
        advice.unwrap_or_else(|| read.target.syntax.format.advice().to_owned())
    )
}

/// Says which entry has the image's tag or digest in its `newName`: another entry for it would change nothing that runs.
fn tag_in_new_name(read: &Read<'_>, repository: &str) -> Option<String> {
    let asked = Parts::of(repository);
    let in_name = |pin: &&Placed<'_>| {
        let parts = Parts::of(pin.new_name.as_deref().unwrap_or_default());
        (parts.tag.is_some() || parts.digest.is_some()) && parts.same_repository(&asked)
    };
    let pin = read.pins.iter().find(in_name)?;
    Some(format!(
        "the entry {} has the tag or digest in `newName`: move it to `newTag` or `digest`",
        pin.name
    ))
}

/// Says where an image is pinned that a kustomization includes: another entry for it would be a second pin.
fn pinned_elsewhere(read: &Read<'_>, repository: &str) -> Option<String> {
    let repository = Repository::parse(repository).ok()?;
    let kustomize = Syntax::default();
    read.included.iter().find_map(|file| {
        let (path, name) = (&file.path, file.path.parts().last().unwrap_or_default());
        let is_kustomization = FILE_NAMES.contains(&name);
        let pins = is_kustomization.then(|| kustomize.pins(&file.text).unwrap_or_default());
        let pin = pins.into_iter().flatten().find(|pin| {
            (pin.new_tag.is_some() || pin.digest.is_some())
                && (repository.same_as(pin.repository()) || repository.same_as(&pin.name))
        });
        if let Some(pin) = pin {
            let (folder, _) = path.split();
            return Some(format!(
                "{path} pins it as {} (line {}), and this overlay includes that file: move the entry into the overlay, \
                 or name {folder} with `path` to promote every environment that includes it",
                pin.reference(),
                pin.line
            ));
        }
        let short = repository.as_str().rsplit('/').next().unwrap_or_default();
        let text = String::from_utf8_lossy(&file.text);
        if text.contains(short) && text.contains("kind: ImageTagTransformer") {
            return Some(format!(
                "{path}, which this overlay names in `transformers`, sets its tag after `images`: remove the transformer and \
                 add the image to `images`"
            ));
        }
        (!is_kustomization && text.contains(short)).then(|| {
            format!(
                "{path}, the values file of a chart that this overlay renders with `helmCharts`, names it: \
                 promote that file with `format: values`"
            )
        })
    })
}
