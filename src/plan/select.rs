//! Which entry of which overlay gets which tag and digest: the rules of `image`, `tag`, `digest` and `from`.

use crate::manifest::{Field, PinEdit};
use crate::model::{Digest, EnvironmentName, Reference, RepoPath, Repository, Tag};

use super::{Placed, Read, Request};

mod check;
mod from;
mod lacking;
#[cfg(test)]
mod tests;

pub(super) use from::contradiction;

/// What one entry of one overlay is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The file it is in.
    pub(super) file: RepoPath,
    /// The pin's name.
    pub(super) name: String,
    /// What becomes of the tag.
    pub(super) tag: Field,
    /// What becomes of the digest.
    pub(super) digest: Field,
    /// Whether the entry is to be added.
    pub(super) create: bool,
}

impl Wanted {
    /// Returns the edit that makes it so.
    pub(super) fn edit(&self) -> PinEdit {
        PinEdit {
            name: self.name.clone(),
            new_tag: self.tag.clone(),
            digest: self.digest.clone(),
            create: self.create,
        }
    }
}

/// What is wanted of each overlay, in their order.
///
/// # Errors
/// Every mistake, each a sentence that lists what there is to choose from.
pub(super) fn select(
    request: &Request,
    targets: &[Read<'_>],
    sources: &[Read<'_>],
    notices: &mut Vec<String>,
) -> Result<Vec<Vec<Wanted>>, Vec<String>> {
    let mut mistakes = Vec::new();
    let mut wanted = unchecked(request, targets, sources, notices, &mut mistakes);
    for (target, wanted) in targets.iter().zip(&mut wanted) {
        for one in wanted {
            let known = reference(one, target).and_then(|image| {
                let found = request.resolved.iter().find(|(known, _)| *known == image);
                found.map(|(_, digest)| digest.as_ref())
            });
            if let Some(digest) = known {
                one.digest = digest.map_or(Field::Remove, |digest| Field::Set(digest.as_str().to_owned()));
            }
        }
    }
    for (target, wanted) in targets.iter().zip(&wanted) {
        for one in wanted {
            check::of(one, target, &mut mistakes);
        }
    }
    if mistakes.is_empty() { Ok(wanted) } else { Err(mistakes) }
}

/// Returns the references of tags alone that are wanted, with their environments.
pub(super) fn without_digest(
    request: &Request,
    targets: &[Read<'_>],
    sources: &[Read<'_>],
) -> Vec<(EnvironmentName, Reference)> {
    let wanted = unchecked(request, targets, sources, &mut Vec::new(), &mut Vec::new());
    let each = targets.iter().zip(&wanted);
    each.flat_map(|(target, wanted)| {
        let images = wanted.iter().filter_map(|one| reference(one, target));
        images.map(|image| (target.target.environment.clone(), image))
    })
    .collect()
}

/// Returns the reference that an entry gets, if it gets a tag alone.
fn reference(wanted: &Wanted, target: &Read<'_>) -> Option<Reference> {
    let (Field::Set(tag), Field::Keep | Field::Remove) = (&wanted.tag, &wanted.digest) else {
        return None;
    };
    let pin = target
        .pins
        .iter()
        .find(|pin| pin.name == wanted.name && pin.file.path == wanted.file);
    let repository = pin.map_or(wanted.name.as_str(), |pin| pin.repository());
    Reference::parse(&format!("{repository}:{tag}")).ok()
}

/// What is wanted of each overlay, before it is held against what is there.
fn unchecked(
    request: &Request,
    targets: &[Read<'_>],
    sources: &[Read<'_>],
    notices: &mut Vec<String>,
    mistakes: &mut Vec<String>,
) -> Vec<Vec<Wanted>> {
    let lines = one_line_each(&request.images, notices, mistakes);
    if request.from.is_some() {
        from::copies(&lines, targets, sources, mistakes)
    } else if lines.is_empty() {
        only(request, targets, mistakes)
    } else {
        by_lines(&lines, targets, mistakes)
    }
}

/// Several lines for one repository, as docker/metadata-action makes them: moving ones are dropped, exactly one must remain.
fn one_line_each(images: &[Reference], notices: &mut Vec<String>, mistakes: &mut Vec<String>) -> Vec<Reference> {
    let mut kept: Vec<Reference> = Vec::new();
    let mut groups: Vec<Vec<&Reference>> = Vec::new();
    for image in images {
        let group = groups.iter_mut().find(|group| {
            group
                .first()
                .is_some_and(|first| first.repository.same_as(image.repository.as_str()))
        });
        match group {
            Some(group) if group.contains(&image) => {}
            Some(group) => group.push(image),
            None => groups.push(vec![image]),
        }
    }
    for group in groups {
        let (moving, fixed): (Vec<&Reference>, Vec<&Reference>) =
            group.iter().partition(|image| group.len() > 1 && is_moving(image));
        for image in &moving {
            notices.push(format!(
                "`image`: {image} is left out, its tag moves from build to build"
            ));
        }
        match fixed.as_slice() {
            [one] => kept.push((*one).clone()),
            [] => mistakes.push(format!(
                "`image` has only moving tags for one repository ({}): add one that names the build, such as the commit",
                listed(&moving)
            )),
            more => mistakes.push(format!(
                "`image` has {} lines for one repository ({}): exactly one must remain",
                more.len(),
                listed(more)
            )),
        }
    }
    kept
}

fn listed(images: &[&Reference]) -> String {
    images.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn is_moving(image: &Reference) -> bool {
    image.digest.is_none() && image.tag.as_ref().is_some_and(Tag::looks_mutable)
}

/// Each line goes to every overlay that has such an entry.
fn by_lines(lines: &[Reference], targets: &[Read<'_>], mistakes: &mut Vec<String>) -> Vec<Vec<Wanted>> {
    let mut wanted: Vec<Vec<Wanted>> = vec![Vec::new(); targets.len()];
    for line in lines {
        let mut homes = Vec::new();
        for (read, wanted) in targets.iter().zip(&mut wanted) {
            match find(read, line.repository.as_str(), Meant::Line(lines)) {
                Ok(pins) => {
                    homes.extend((!pins.is_empty()).then_some(read.target));
                    let pins = pins.into_iter();
                    wanted.extend(pins.map(|pin| given(read, pin, line.tag.as_ref(), line.digest.as_ref())));
                }
                Err(why) => {
                    homes.push(read.target);
                    mistakes.push(why);
                }
            }
        }
        // An app that has the image in one environment must have it in each: else it would be left behind in silence.
        for (read, wanted) in targets.iter().zip(&mut wanted) {
            let elsewhere = homes.iter().any(|home| home.app == read.target.app);
            let here = homes.contains(&read.target);
            if here || (!elsewhere && !homes.is_empty()) {
                continue;
            }
            let repository = line.repository.as_str();
            match new(read, repository, line.tag.as_ref(), line.digest.as_ref()) {
                Ok(new) => wanted.push(new),
                Err(why) => mistakes.push(why),
            }
        }
    }
    for (read, wanted) in targets.iter().zip(&wanted) {
        if wanted.is_empty() && mistakes.is_empty() {
            mistakes.push(format!(
                "no line of `image` ({}) fits the app {}: {} has {}",
                lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                read.target.app,
                read.place(),
                columns(&read.pins)
            ));
        }
    }
    wanted
}

/// `tag` and `digest` go to the configured images, or to the overlay's only one.
fn only(request: &Request, targets: &[Read<'_>], mistakes: &mut Vec<String>) -> Vec<Vec<Wanted>> {
    let (tag, digest) = (request.tag.as_ref(), request.digest.as_ref());
    let mut all = Vec::new();
    for read in targets {
        let mut here = Vec::new();
        for image in &read.target.images {
            match find(read, image.as_str(), Meant::Listed) {
                Ok(pins) if pins.is_empty() => match new(read, image.as_str(), tag, digest) {
                    Ok(new) => here.push(new),
                    Err(why) => mistakes.push(why),
                },
                Ok(pins) => {
                    for one in pins.into_iter().map(|pin| given(read, pin, tag, digest)) {
                        if !here.contains(&one) {
                            here.push(one);
                        }
                    }
                }
                Err(why) => mistakes.push(why),
            }
        }
        if read.target.images.is_empty() {
            match read.pins.as_slice() {
                [] => mistakes.push(lacking::any(read, &version(tag, digest))),
                pins if is_one_image(read, pins) => here.extend(pins.iter().map(|pin| given(read, pin, tag, digest))),
                more => mistakes.push(format!(
                    "{} has {} images, {}: {}",
                    read.place(),
                    more.len(),
                    columns(more),
                    choices(read, more, tag, digest)
                )),
            }
        }
        all.push(here);
    }
    all
}

/// Returns tag and digest as they stand in a reference.
fn version(tag: Option<&Tag>, digest: Option<&Digest>) -> String {
    let tag = tag.map(|tag| format!(":{tag}"));
    tag.into_iter()
        .chain(digest.map(|digest| format!("@{digest}")))
        .collect()
}

/// Returns what sets each of several images: the input for one, and promote.yaml's key where all are of one repository.
fn choices(read: &Read<'_>, pins: &[Placed<'_>], tag: Option<&Tag>, digest: Option<&Digest>) -> String {
    let version = version(tag, digest);
    let shared = |pin: &Placed<'_>| {
        let same = pins
            .iter()
            .filter(|other| Repository::is_same(other.repository(), pin.repository()));
        same.count() > 1
    };
    let each = pins.iter().map(|pin| {
        let name = if shared(pin) || pin.is_pattern() {
            &pin.name
        } else {
            pin.repository()
        };
        format!("{name}{version}")
    });
    let each: Vec<String> = each.collect();
    match pins.first() {
        Some(first)
            if pins
                .iter()
                .all(|pin| Repository::is_same(pin.repository(), first.repository())) =>
        {
            // The repository's own name means all of them.
            let own = pins.iter().zip(&each);
            let own = own.filter(|(pin, _)| !Repository::is_same(&pin.name, first.repository()));
            let own: Vec<&str> = own.map(|(_, image)| image.as_str()).collect();
            let way = if own.is_empty() {
                "remove all but one".to_owned()
            } else {
                format!("name one entry in `image` ({})", own.join(" or "))
            };
            format!("{way}, or set all of them with {}", together(read, first.repository()))
        }
        _ => {
            let each: Vec<String> = each.iter().map(|image| format!("`image: {image}`")).collect();
            format!("choose with {}", each.join(" or "))
        }
    }
}

/// Returns the key of promote.yaml that makes one line set every entry of a repository.
fn together(read: &Read<'_>, repository: &str) -> String {
    format!(
        "`apps: {{{}: {{images: [{repository}]}}}}` in promote.yaml",
        read.target.app
    )
}

/// Whether all pins are set together: one pin, or several of one repository in a format that sets all of them.
fn is_one_image(read: &Read<'_>, pins: &[Placed<'_>]) -> bool {
    let [first, others @ ..] = pins else {
        return false;
    };
    let is_same = |pin: &Placed<'_>| {
        Repository::parse(first.repository()).is_ok_and(|repository| repository.same_as(pin.repository()))
    };
    others.is_empty() || read.target.syntax.format.sets_every_pin() && others.iter().all(is_same)
}

/// Who names the repository whose entries are looked for.
#[derive(Clone, Copy)]
enum Meant<'a> {
    /// One of these lines of `image`.
    Line(&'a [Reference]),
    /// promote.yaml, which means every entry of it.
    Listed,
}

/// The pins whose resulting repository this is, else those of that name. Several in a format that sets all of them, and where promote.yaml
/// lists the repository or each of the names; else without those that other lines name.
fn find<'a>(read: &'a Read<'a>, repository: &str, meant: Meant<'_>) -> Result<Vec<&'a Placed<'a>>, String> {
    let same = |text: &str| Repository::is_same(repository, text);
    let runs: Vec<&Placed<'_>> = read.pins.iter().filter(|pin| same(pin.repository())).collect();
    let mut found = if runs.is_empty() {
        read.pins.iter().filter(|pin| same(&pin.name)).collect()
    } else {
        runs
    };
    let listed = |name: &str| read.target.images.iter().any(|image| image.same_as(name));
    let all = match meant {
        Meant::Listed => true,
        Meant::Line(_) => listed(repository) || found.iter().all(|pin| listed(&pin.name)),
    };
    if all || read.target.syntax.format.sets_every_pin() {
        return Ok(found);
    }
    if let Meant::Line(lines) = meant {
        let others = lines.iter().filter(|line| !same(line.repository.as_str()));
        found.retain(|pin| !others.clone().any(|line| line.repository.as_str() == pin.name));
    }
    match found.as_slice() {
        [_, _, ..] => {
            // A line with the repository's own name means all of them.
            let names = found.iter().filter(|pin| !same(&pin.name));
            let names: Vec<String> = names.map(|pin| format!("{}:TAG", pin.name)).collect();
            let way = if names.is_empty() {
                "remove all but one".to_owned()
            } else {
                format!("name one entry in `image` ({})", names.join(" or "))
            };
            Err(format!(
                "{} has {} entries for {repository}: {}; {way}, or set all of them with {}",
                read.place(),
                found.len(),
                columns(&read.pins),
                together(read, repository)
            ))
        }
        _ => Ok(found),
    }
}

/// What is given is what is written: a tag alone keeps what is said of the digest (which [`check::of`] refuses to be anything), a digest
/// alone leaves no tag.
fn given(read: &Read<'_>, pin: &Placed<'_>, tag: Option<&Tag>, digest: Option<&Digest>) -> Wanted {
    Wanted {
        file: pin.file.path.clone(),
        name: pin.name.clone(),
        tag: tag.map_or(Field::Remove, |tag| Field::Set(tag.as_str().to_owned())),
        digest: digest.map_or(Field::Keep, |digest| Field::Set(digest.as_str().to_owned())),
        // A key of a pin that is there may be missing.
        create: read.target.allow.new_entry,
    }
}

/// The same for an entry that is added, where that is allowed.
fn new(read: &Read<'_>, repository: &str, tag: Option<&Tag>, digest: Option<&Digest>) -> Result<Wanted, String> {
    let [only] = read.files else {
        return Err(lacking::of(read, repository));
    };
    if !read.target.allow.new_entry || !Repository::is_image(repository) {
        return Err(lacking::of(read, repository));
    }
    Ok(Wanted {
        file: only.path.clone(),
        name: repository.to_owned(),
        tag: tag.map_or(Field::Remove, |tag| Field::Set(tag.as_str().to_owned())),
        digest: digest.map_or(Field::Keep, |digest| Field::Set(digest.as_str().to_owned())),
        create: true,
    })
}

/// The entries as two columns in one line: what they are named, and what runs.
fn columns(pins: &[Placed<'_>]) -> String {
    if pins.is_empty() {
        return "it pins no image".to_owned();
    }
    let rows: Vec<String> = pins
        .iter()
        .map(|pin| {
            if pin.is_pattern() {
                format!("{} (a regular expression)", pin.name)
            } else {
                format!("{} (runs {})", pin.name, pin.reference())
            }
        })
        .collect();
    format!("its entries are {}", rows.join(", "))
}
