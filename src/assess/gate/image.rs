//! `image`: what the registry says of each promoted image.

use super::{Evidence, Gate, Place, Reading, Seen, Settings};
use crate::model::EnvironmentName;

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "image",
    skip: Some("skip-image"),
    is_set: |settings, _| settings.image.as_ref().is_some_and(|image| *image != Image::default()),
    judge,
};

/// What an environment asks of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `exists`: it is in the registry.
    pub exists: bool,
    /// `platforms`: it is built for each of these.
    pub platforms: Vec<String>,
    /// `digest: required`: a digest is written.
    pub digest: bool,
    /// `same-as-after`: its digest is that of the environments of `after`.
    pub same_as_after: bool,
}

/// What was seen of one promoted image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The reference.
    pub image: String,
    /// Whether it names a digest.
    pub is_pinned: bool,
    /// What the registry has; `None` = nothing of that name.
    pub found: Seen<Option<Found>>,
    /// The digest in each environment of `after`.
    pub earlier: Vec<(EnvironmentName, Seen<String>)>,
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its digest.
    pub digest: String,
    /// What it is built for.
    pub platforms: Vec<String>,
}

fn judge(evidence: &Evidence, settings: &Settings) -> Reading {
    let Some(wanted) = &settings.image else {
        return Reading::Open(String::new());
    };
    evidence.each(|place| {
        let readings = place.pulled.iter().map(|pulled| of(pulled, wanted));
        let readings: Vec<Reading> = readings.collect();
        if readings.is_empty() {
            return unseen(place);
        }
        Reading::all(&readings)
    })
}

fn unseen(place: &Place) -> Reading {
    Reading::Unknown(format!("no image of {} was looked for", place.app))
}

fn of(pulled: &Pulled, wanted: &Image) -> Reading {
    let image = &pulled.image;
    let found = match &pulled.found {
        Err(why) => return Reading::Unknown(why.clone()),
        Ok(None) => return Reading::closed(format!("{image} is not in the registry"), format!("push {image} first")),
        Ok(Some(found)) => found,
    };
    if wanted.digest && !pulled.is_pinned {
        return Reading::closed(
            format!("{image} has no digest"),
            format!("promote it with its digest: {image}@{}", found.digest),
        );
    }
    let missing: Vec<&str> = (wanted.platforms.iter())
        .filter(|platform| !found.platforms.iter().any(|known| fits(known, platform)))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return Reading::closed(
            format!(
                "{image} is not built for {} (it is for {})",
                missing.join(", "),
                found.platforms.join(", ")
            ),
            "build the image for every platform",
        );
    }
    if wanted.same_as_after {
        for (environment, there) in &pulled.earlier {
            match there {
                Err(why) => return Reading::Unknown(format!("the image of {environment} could not be read: {why}")),
                Ok(digest) if *digest != found.digest => {
                    return Reading::closed(
                        format!("{image} is {}, but {environment} has {digest}", found.digest),
                        format!("promote the same build to {environment} first"),
                    );
                }
                Ok(_) => {}
            }
        }
    }
    Reading::Open(format!("{image} is in the registry ({})", found.platforms.join(", ")))
}

/// Whether an image for one platform runs on another: a variant that is not asked for does not matter.
fn fits(known: &str, wanted: &str) -> bool {
    known == wanted || known.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    fn pulled() -> Pulled {
        Pulled {
            image: "myorg/api:v2".to_owned(),
            is_pinned: false,
            found: Ok(Some(Found {
                digest: "sha256:aa".to_owned(),
                platforms: vec!["linux/amd64".to_owned(), "linux/arm64/v8".to_owned()],
            })),
            earlier: vec![(EnvironmentName::parse("staging").unwrap(), Ok("sha256:aa".to_owned()))],
        }
    }

    fn reading(change: impl FnOnce(&mut Pulled, &mut Image)) -> Reading {
        let (mut one, mut wanted) = (pulled(), Image::default());
        change(&mut one, &mut wanted);
        let mut seen = evidence("2026-01-01T00:00:00Z");
        seen.places[0].pulled = vec![one];
        let settings = Settings {
            image: Some(wanted),
            ..Settings::default()
        };
        judge(&seen, &settings)
    }

    #[test]
    fn each_wish_is_judged_by_what_the_registry_has() {
        let platforms = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(reading(|_, wanted| wanted.exists = true).is_open());
        assert!(reading(|_, wanted| wanted.platforms = platforms(&["linux/amd64", "linux/arm64"])).is_open());
        assert!(reading(|_, wanted| wanted.same_as_after = true).is_open());
        for (closed, part) in [
            (reading(|one, _| one.found = Ok(None)), "is not in the registry"),
            (
                reading(|_, wanted| wanted.platforms = platforms(&["linux/arm"])),
                "is not built for linux/arm (it is for linux/amd64",
            ),
            (reading(|_, wanted| wanted.digest = true), "has no digest"),
            (
                reading(|one, wanted| {
                    wanted.same_as_after = true;
                    one.earlier[0].1 = Ok("sha256:bb".to_owned());
                }),
                "but staging has sha256:bb",
            ),
        ] {
            assert!(
                matches!(closed, Reading::Closed(_)) && closed.why().contains(part),
                "{closed:?}"
            );
        }
        let unread = reading(|one, _| one.found = Err("no answer".to_owned()));
        assert_eq!(unread, Reading::Unknown("no answer".to_owned()));
    }
}
