//! What to do about an image that an overlay has no entry for.

use crate::manifest::kustomize::{self, FILE_NAMES};
use crate::model::{Parts, Repository, Syntax};

use super::{Placed, Read, columns};
use crate::plan::OverlayFile;

/// Returns the mistake, with the place where the image is pinned, if there is one.
pub(super) fn of(read: &Read<'_>, repository: &str) -> String {
    let elsewhere = || pinned_elsewhere(read, Some(&Repository::parse(repository).ok()?));
    let advice = (tag_in_new_name(read, repository))
        .or_else(elsewhere)
        .or_else(|| a_pattern(read))
        .or_else(|| not_an_image(repository));
    format!(
        "{} has no entry for {repository}: {}; {}",
        read.place(),
        columns(&read.pins),
        advice.unwrap_or_else(|| read.target.syntax.format.advice().to_owned())
    )
}

/// Returns the mistake of a tag or digest for an overlay that pins no image, with the place where one is pinned, if there is one. No entry can be
/// added for a version alone: it needs a name.
pub(super) fn any(read: &Read<'_>, version: &str) -> String {
    let advice = pinned_elsewhere(read, None);
    let named = || {
        format!(
            "name the image, as in `image: NAME{version}`; {}",
            read.target.syntax.format.advice()
        )
    };
    format!(
        "{} pins no image, so `tag` and `digest` fit nothing; {}",
        read.place(),
        advice.unwrap_or_else(named)
    )
}

/// Says that an entry whose name is a regular expression can be the one.
fn a_pattern(read: &Read<'_>) -> Option<String> {
    let pin = read.pins.iter().find(|pin| pin.is_pattern())?;
    Some(format!(
        "the entry {} is a regular expression, so which image it sets is not known before the commit: give it a `newName`, or \
         add an entry for the image with `allow: new-entry`",
        pin.name
    ))
}

/// Says why a name that only an entry can have is no image that could be added.
fn not_an_image(name: &str) -> Option<String> {
    let why = Repository::parse(name)
        .err()
        .filter(|_| !Repository::holds_version(name))?;
    Some(format!("{name} {why}"))
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

/// Says where an image, or any image, is pinned that a kustomization includes: another entry for it would be a second pin.
fn pinned_elsewhere(read: &Read<'_>, repository: Option<&Repository>) -> Option<String> {
    let syntax = Syntax::default();
    let short = repository.map(|repository| repository.as_str().rsplit('/').next().unwrap_or_default());
    // What sets an image by its name, or any image.
    let names = |text: &str| {
        short.map_or_else(
            || text.contains("tag:") || text.contains("image:"),
            |short| text.contains(short),
        )
    };
    let is_it = |name: &str| repository.is_none_or(|repository| repository.same_as(name));
    let included = read.included.iter().find_map(|file| {
        let (path, name) = (&file.path, file.path.parts().last().unwrap_or_default());
        let is_kustomization = FILE_NAMES.contains(&name);
        let pins = is_kustomization.then(|| syntax.pins(&file.text).unwrap_or_default());
        let pin = pins.into_iter().flatten().find(|pin| {
            (pin.new_tag.is_some() || pin.digest.is_some()) && (is_it(pin.repository()) || is_it(&pin.name))
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
        let text = String::from_utf8_lossy(&file.text);
        let is_transformer = text.contains("kind: ImageTagTransformer");
        if is_transformer && short.is_none_or(|short| text.contains(short)) {
            return Some(format!(
                "{path}, which this overlay names in `transformers`, sets its tag after `images`: remove the transformer and \
                 add the image to `images`"
            ));
        }
        (!is_kustomization && names(&text)).then(|| {
            format!(
                "{path}, the values file of a chart that this overlay renders with `helmCharts`, names it: \
                 promote that file with `format: values`"
            )
        })
    });
    included.or_else(|| {
        let own = read.files.iter().chain(read.included);
        let inline = |file: &&OverlayFile| {
            let inner = kustomize::includes(&file.text).unwrap_or_default();
            inner.charts.iter().filter_map(|chart| chart.values_inline.as_deref()).any(&names)
        };
        own.filter(|file| file.path.parts().last().is_some_and(|name| FILE_NAMES.contains(&name)))
            .find(inline)
            .map(|file| {
                format!(
                    "{} sets it in `valuesInline` of a chart in `helmCharts`: move these values to a file that `valuesFile` names, \
                     and promote that file with `format: values`",
                    file.path
                )
            })
    })
}
