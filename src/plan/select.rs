//! Which entry of which overlay gets which tag and digest: the rules of `image`, `tag`, `digest` and `from`.

use crate::manifest::{Field, PinEdit};
use crate::model::{Digest, ImageRef, Pin, Repository, Tag};

use super::{Read, Request};

mod from;

pub(super) use from::contradiction;

/// What one entry of one overlay is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The entry's name.
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
    let lines = one_line_each(&request.images, notices, &mut mistakes);
    let wanted = if request.from.is_some() {
        from::copies(&lines, targets, sources, &mut mistakes)
    } else if lines.is_empty() {
        only(request, targets, &mut mistakes)
    } else {
        by_lines(&lines, targets, &mut mistakes)
    };
    for (target, wanted) in targets.iter().zip(&wanted) {
        for one in wanted {
            check(one, target, &mut mistakes);
        }
    }
    if mistakes.is_empty() { Ok(wanted) } else { Err(mistakes) }
}

/// Several lines for one repository, as docker/metadata-action makes them: moving ones are dropped, exactly one must remain.
fn one_line_each(images: &[ImageRef], notices: &mut Vec<String>, mistakes: &mut Vec<String>) -> Vec<ImageRef> {
    let mut kept: Vec<ImageRef> = Vec::new();
    let mut groups: Vec<Vec<&ImageRef>> = Vec::new();
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
        let (moving, fixed): (Vec<&ImageRef>, Vec<&ImageRef>) =
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

fn listed(images: &[&ImageRef]) -> String {
    images.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn is_moving(image: &ImageRef) -> bool {
    image.digest.is_none() && image.tag.as_ref().is_some_and(Tag::looks_mutable)
}

/// Each line goes to every overlay that has such an entry.
fn by_lines(lines: &[ImageRef], targets: &[Read<'_>], mistakes: &mut Vec<String>) -> Vec<Vec<Wanted>> {
    let mut wanted: Vec<Vec<Wanted>> = vec![Vec::new(); targets.len()];
    for line in lines {
        let mut homes = Vec::new();
        for (read, wanted) in targets.iter().zip(&mut wanted) {
            match find(read, line.repository.as_str()) {
                Ok(Some(pin)) => {
                    homes.push(read.target);
                    wanted.push(given(&pin.name, line.tag.as_ref(), line.digest.as_ref(), false));
                }
                Ok(None) => {}
                Err(why) => mistakes.push(why),
            }
        }
        // An app that has the image in one environment must have it in each: else it would be left behind in silence.
        for (read, wanted) in targets.iter().zip(&mut wanted) {
            let elsewhere = homes.iter().any(|home| home.app == read.target.app);
            let here = homes.contains(&read.target);
            if here || (!elsewhere && !homes.is_empty()) {
                continue;
            }
            if read.target.allow.new_entry {
                let name = line.repository.as_str();
                wanted.push(given(name, line.tag.as_ref(), line.digest.as_ref(), true));
            } else {
                mistakes.push(lacks(read, line.repository.as_str()));
            }
        }
    }
    for (read, wanted) in targets.iter().zip(&wanted) {
        if wanted.is_empty() && mistakes.is_empty() {
            mistakes.push(format!(
                "no line of `image` ({}) fits the app {}: {} has {}",
                lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                read.target.app,
                read.file,
                columns(&read.pins)
            ));
        }
    }
    wanted
}

/// `tag` and `digest` go to the configured images, or to the overlay's only one.
fn only(request: &Request, targets: &[Read<'_>], mistakes: &mut Vec<String>) -> Vec<Vec<Wanted>> {
    let wanted = |name: &str, create| given(name, request.tag.as_ref(), request.digest.as_ref(), create);
    let mut all = Vec::new();
    for read in targets {
        let mut here = Vec::new();
        for image in &read.target.images {
            match find(read, image.as_str()) {
                Ok(Some(pin)) => here.push(wanted(&pin.name, false)),
                Ok(None) if read.target.allow.new_entry => here.push(wanted(image.as_str(), true)),
                Ok(None) => mistakes.push(lacks(read, image.as_str())),
                Err(why) => mistakes.push(why),
            }
        }
        if read.target.images.is_empty() {
            match read.pins.as_slice() {
                [one] => here.push(wanted(&one.name, false)),
                [] => mistakes.push(format!(
                    "{} has no entry under `images`, so `tag` and `digest` fit nothing: give `image: NAME:TAG` and `allow: new-entry` to add one",
                    read.file
                )),
                more => mistakes.push(format!(
                    "{} has {} images to choose from, {}: say which with `image: NAME:TAG`",
                    read.file,
                    more.len(),
                    columns(more)
                )),
            }
        }
        all.push(here);
    }
    all
}

/// The entry whose resulting repository this is, else the one of that name.
fn find<'a>(read: &'a Read<'_>, repository: &str) -> Result<Option<&'a Pin>, String> {
    let same = |text: &str| Repository::parse(repository).is_ok_and(|one| one.same_as(text));
    let runs: Vec<&Pin> = read.pins.iter().filter(|pin| same(pin.repository())).collect();
    let found = if runs.is_empty() {
        read.pins.iter().filter(|pin| same(&pin.name)).collect()
    } else {
        runs
    };
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        more => Err(format!(
            "{} has {} entries for {repository}: {}; remove all but one",
            read.file,
            more.len(),
            columns(&read.pins)
        )),
    }
}

/// What is given is what is written: a tag alone keeps what is said of the digest (which [`check`] refuses to be anything), a digest
/// alone leaves no tag.
fn given(name: &str, tag: Option<&Tag>, digest: Option<&Digest>, create: bool) -> Wanted {
    Wanted {
        name: name.to_owned(),
        tag: tag.map_or(Field::Remove, |tag| Field::Set(tag.as_str().to_owned())),
        digest: digest.map_or(Field::Keep, |digest| Field::Set(digest.as_str().to_owned())),
        create,
    }
}

fn lacks(read: &Read<'_>, repository: &str) -> String {
    format!(
        "{} has no entry for {repository}: {}; to add one, give `allow: new-entry`",
        read.file,
        columns(&read.pins)
    )
}

/// The entries as two columns in one line: what they are named, and what runs.
fn columns(pins: &[Pin]) -> String {
    if pins.is_empty() {
        return "there is no entry under `images`".to_owned();
    }
    let rows: Vec<String> = pins
        .iter()
        .map(|pin| format!("{} (runs {})", pin.name, pin.reference()))
        .collect();
    format!("its entries are {}", rows.join(", "))
}

/// What must hold of every pin that is written, wherever it comes from.
fn check(wanted: &Wanted, read: &Read<'_>, mistakes: &mut Vec<String>) {
    let name = &wanted.name;
    let (Field::Set(tag), Field::Keep | Field::Remove) = (&wanted.tag, &wanted.digest) else {
        return;
    };
    if Tag::parse(tag).is_ok_and(|tag| tag.looks_mutable()) && !read.target.allow.mutable_tag {
        mistakes.push(format!(
            "the tag {tag:?} for {name} looks mutable, so what runs would change without a commit: pin the build instead, \
             `image: {name}:{tag}@${{{{ steps.build.outputs.digest }}}}`, or give `allow: mutable-tag`"
        ));
    }
    let old = read.pins.iter().find(|pin| pin.name == *name);
    if let (Some(digest), Field::Keep) = (old.and_then(|pin| pin.digest.as_deref()), &wanted.digest) {
        mistakes.push(format!(
            "the entry {name} of {} has the digest {digest}, which would still decide what runs: \
             give the new digest with the tag (`image: {name}:{tag}@sha256:…`), or `digest` alone",
            read.file
        ));
    }
}
