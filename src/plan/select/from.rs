//! `from`: what another environment pins is copied, and held against what the run says it is.

use crate::manifest::Field;
use crate::model::{Digest, Reference, RepoPath, Repository, Tag};

use super::{Meant, Wanted, find, lacking};
use crate::plan::{Placed, Read, Request};

/// What is pinned in another environment is copied, tag and digest.
pub(super) fn copies(
    lines: &[Reference],
    targets: &[Read<'_>],
    sources: &[Read<'_>],
    mistakes: &mut Vec<String>,
) -> Vec<Vec<Wanted>> {
    let mut all = Vec::new();
    for read in targets {
        let mut here: Vec<Wanted> = Vec::new();
        let source = match source_of(read, sources) {
            Ok(source) => source,
            Err(why) => {
                mistakes.push(why);
                None
            }
        };
        for pin in source.map(|source| chosen(source, lines, mistakes)).unwrap_or_default() {
            match copy(pin, source, read) {
                Ok(wanted) => {
                    for one in wanted {
                        if !here.contains(&one) {
                            here.push(one);
                        }
                    }
                }
                Err(why) => mistakes.push(why),
            }
        }
        if here.is_empty() && mistakes.is_empty() {
            let place = source.map_or("", |source| source.place().as_str());
            mistakes.push(format!(
                "{place} pins no image that could be promoted to {}",
                read.place()
            ));
        }
        all.push(here);
    }
    all
}

/// Returns the overlay that is copied: that of the same cluster, else the only one, or the first of several that pin the same.
fn source_of<'a>(read: &Read<'_>, sources: &'a [Read<'a>]) -> Result<Option<&'a Read<'a>>, String> {
    let mut own = sources.iter().filter(|source| source.target.app == read.target.app);
    let same = |source: &&Read<'_>| source.target.cluster == read.target.cluster;
    if let Some(source) = own.clone().find(same) {
        return Ok(Some(source));
    }
    let Some(first) = own.next() else { return Ok(None) };
    let pins = |source: &Read<'_>| -> Vec<String> { source.pins.iter().map(|pin| pin.reference()).collect() };
    match own.find(|other| pins(other) != pins(first)) {
        Some(other) => Err(format!(
            "{} pins {} and {} pins {}: promote one of them with `image`, or list the same `clusters` for {}",
            first.place(),
            pins(first).join(", "),
            other.place(),
            pins(other).join(", "),
            read.target.environment
        )),
        None => Ok(Some(first)),
    }
}

/// The pins of a source overlay that are promoted: those of the lines, the configured ones, or all that say a tag or a digest.
fn chosen<'a>(source: &'a Read<'a>, lines: &[Reference], mistakes: &mut Vec<String>) -> Vec<&'a Placed<'a>> {
    let named: Vec<&str> = if lines.is_empty() {
        source.target.images.iter().map(Repository::as_str).collect()
    } else {
        lines.iter().map(|line| line.repository.as_str()).collect()
    };
    if named.is_empty() {
        return source.pins.iter().filter(|pin| pin.is_pinned()).collect();
    }
    let mut pins = Vec::new();
    for name in named {
        match find(source, name, Meant::Line(lines)) {
            Ok(found) if found.is_empty() => mistakes.push(lacking::of(source, name)),
            Ok(found) => pins.extend(found),
            Err(why) => mistakes.push(why),
        }
    }
    pins
}

/// Copies one pin to every place that runs its image.
fn copy(pin: &Placed<'_>, source: Option<&Read<'_>>, read: &Read<'_>) -> Result<Vec<Wanted>, String> {
    let file = &pin.file.path;
    let wrong = |what: &str, why: String| format!("{file} pins {} with the {what} that {why}", pin.name);
    let (tag, digest) = pin.version();
    let (tag, digest) = (tag.map(Tag::parse).transpose(), digest.map(Digest::parse).transpose());
    let (tag, digest) = (
        tag.map_err(|why| wrong("tag", why))?,
        digest.map_err(|why| wrong("digest", why))?,
    );
    if tag.is_none() && digest.is_none() {
        return Err(format!(
            "{file} names {} without tag or digest: there is nothing to promote",
            pin.name
        ));
    }
    let wanted = |file: &RepoPath, name: &str, create| Wanted {
        file: file.clone(),
        name: name.to_owned(),
        tag: tag
            .as_ref()
            .map_or(Field::Remove, |tag| Field::Set(tag.as_str().to_owned())),
        digest: digest
            .as_ref()
            .map_or(Field::Remove, |digest| Field::Set(digest.as_str().to_owned())),
        create,
    };
    let same_name = read.pins.iter().find(|other| other.name == pin.name);
    let homes = match same_name {
        Some(home) if !read.target.syntax.format.sets_every_pin() => vec![home],
        Some(home) => find(read, home.repository(), Meant::Line(&[]))?,
        None => find(read, pin.repository(), Meant::Line(&[]))?,
    };
    if !homes.is_empty() {
        return Ok(homes
            .into_iter()
            .map(|home| wanted(&home.file.path, &home.name, false))
            .collect());
    }
    let is_same_format = source.is_some_and(|source| source.target.syntax == read.target.syntax);
    let name = if is_same_format { &pin.name } else { pin.repository() };
    match read.files {
        [only] if read.target.allow.new_entry => Ok(vec![wanted(&only.path, name, true)]),
        _ => Err(lacking::of(read, name)),
    }
}

/// Says what of an asserted image another environment does not pin; `None` when all of it is pinned there.
pub(in crate::plan) fn contradiction(
    request: &Request,
    wanted: &[Vec<Wanted>],
    targets: &[Read<'_>],
) -> Option<String> {
    let from = request.from.as_ref()?;
    let differs = |wanted: &Wanted, read: &Read<'_>, what: &str, asked: Option<&str>, pinned: &Field| {
        let asked = asked?;
        let pinned = match pinned {
            Field::Set(pinned) if pinned == asked => return None,
            Field::Set(pinned) => pinned.as_str(),
            Field::Keep | Field::Remove => "(none)",
        };
        Some(format!(
            "{from} pins {} of {} with the {what} {pinned}, not {asked}: a newer image was promoted there",
            wanted.name, read.target.app
        ))
    };
    let all = targets
        .iter()
        .zip(wanted)
        .flat_map(|(read, wanted)| wanted.iter().map(move |one| (read, one)));
    for (read, wanted) in all {
        let pin = read.pins.iter().find(|pin| pin.name == wanted.name);
        let line = request.images.iter().find(|line| {
            line.repository.same_as(&wanted.name) || pin.is_some_and(|pin| line.repository.same_as(pin.repository()))
        });
        let tag = line.map_or(request.tag.as_ref(), |line| line.tag.as_ref());
        let digest = line.map_or(request.digest.as_ref(), |line| line.digest.as_ref());
        let contradiction = differs(wanted, read, "tag", tag.map(Tag::as_str), &wanted.tag)
            .or_else(|| differs(wanted, read, "digest", digest.map(Digest::as_str), &wanted.digest));
        if contradiction.is_some() {
            return contradiction;
        }
    }
    None
}
