//! The version that `to` names, and which ones there are to name.

use crate::model::{Parts, nearest};
use crate::plan::undo::{MOST_CANDIDATES, Version};

use super::{Chosen, Here, No, good, no};

impl Here<'_> {
    /// The version that a tag, digest or reference names, or several of them together.
    pub(super) fn version(&self, to: &str, unknown: bool) -> Result<Chosen, No> {
        let mut names = Vec::new();
        for name in to.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            names.push(self.past.completed(name).map_err(|names| No {
                why: format!("`to` {name} is ambiguous: {}", names.join(", ")),
                hint: Some("give more of its digits".to_owned()),
            })?);
        }
        let to = &names.join(",");
        let is_it = |version: &Version| names.iter().all(|name| version.is(name));
        let current = Version::pinned(self.past.pinned.to_vec());
        if is_it(&current) {
            let reason = format!("{} is pinned already", current.images().join(", "));
            return Ok(Chosen::new(current.pins, reason));
        }
        let versions: Vec<Version> = self.past.versions().into_iter().filter(is_it).collect();
        let references = |name: &str| {
            let mut found: Vec<&str> = Vec::new();
            for pin in versions.iter().flat_map(|version| &version.pins) {
                let one = Version::pinned(vec![pin.clone()]);
                if one.is(name) && !found.contains(&pin.image.as_str()) {
                    found.push(&pin.image);
                }
            }
            found
        };
        let ambiguous = names.iter().map(|name| references(name)).find(|found| found.len() > 1);
        if let Some(references) = ambiguous {
            return Err(No {
                why: format!("`to` {to} is ambiguous: {}", references.join(", ")),
                hint: Some("set `to` to the whole reference".to_owned()),
            });
        }
        match versions.into_iter().next() {
            Some(version) => {
                let reason = if version.good { good(&version) } else { ended(&version) };
                self.free(Chosen {
                    claimed: version.claimed,
                    ..Chosen::new(version.pins, reason)
                })
            }
            None if unknown => {
                let pins = self.past.unknown(to).map_err(no)?;
                self.free(Chosen {
                    unknown: true,
                    ..Chosen::new(pins, format!("`to` names {to}, which is not known to have been here"))
                })
            }
            None => Err(self.not_known(to)),
        }
    }

    /// Says that the app is not known to have had a version, with the nearest name of one that it had.
    fn not_known(&self, to: &str) -> No {
        let mut no = self.candidates(&format!("{to} is not known to have been here"));
        let versions = self.past.versions();
        let names: Vec<String> = (versions.iter())
            .map(|version| flag(version, &versions, &self.past.images()))
            .collect();
        no.hint = Some(match nearest(to, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `to: {near}`? To go to {to} anyway, set `allow: unknown-version`"),
            None => {
                "set `allow: unknown-version` to go there anyway: promote cannot check that the image exists".to_owned()
            }
        });
        no
    }

    /// Says which versions there are, with how each ended and what chooses it.
    pub(super) fn candidates(&self, why: &str) -> No {
        let versions = self.past.versions();
        if versions.is_empty() {
            return No {
                why: format!("{why}, and neither the record nor a commit names one"),
                hint: Some("name one with `--to` and `--allow unknown-version`".to_owned()),
            };
        }
        let rows = versions.iter().take(MOST_CANDIDATES).map(|version| {
            let at = version.at.map(|at| format!(" {at}")).unwrap_or_default();
            let images = version.images();
            let way = match version.pins.iter().find_map(|pin| self.held(pin)) {
                Some(held) => held.to_string(),
                None => format!("`--to {}`", flag(version, &versions, &self.past.images())),
            };
            format!("\n- {} ({}{at}): {way}", images.join(", "), version.ended)
        });
        let free = |version: &Version| version.pins.iter().all(|pin| self.held(pin).is_none());
        let hint = if versions.iter().take(MOST_CANDIDATES).any(free) {
            "choose one with `--to`"
        } else {
            "all of them are held: release one first with `promote release`"
        };
        No {
            why: format!("{why}. Versions that were here:{}", rows.collect::<String>()),
            hint: Some(hint.to_owned()),
        }
    }
}

/// Returns the shortest name of a version that neither another one nor what is pinned has: a tag, a reference, or all of its references.
fn flag(version: &Version, all: &[Version], pinned: &[String]) -> String {
    let images = version.images();
    let is_pinned = |name: &str| {
        let own = |image: &&String| Parts::of(image).tag == Some(name) || *image == name;
        pinned.iter().any(|image| own(&image))
    };
    let is_unique = |name: &&str| !is_pinned(name) && all.iter().filter(|other| other.is(name)).count() == 1;
    let mut tags = images.iter().filter_map(|image| Parts::of(image).tag);
    let mut references = images.iter().map(String::as_str);
    let single = tags.find(is_unique).or_else(|| references.find(is_unique));
    single.map_or_else(|| images.join(","), str::to_owned)
}

fn ended(version: &Version) -> String {
    let at = version.at.map(|at| format!(" {at}")).unwrap_or_default();
    format!("{} was here ({}{at})", version.images().join(", "), version.ended)
}
