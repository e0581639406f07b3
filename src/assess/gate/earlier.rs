//! What was seen of the environments that a promotion must have passed: the evidence of `after`, `soak` and `verified`.

use crate::model::{EnvironmentName, Pin, Timestamp};

use super::{Place, Reading, Seen};

/// One app in one of the environments of `after`.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// The environment.
    pub environment: EnvironmentName,
    /// Whether it pins exactly what is promoted, or how it differs.
    pub pinned: Seen<Result<(), String>>,
    /// What the record says of these images there.
    pub record: Seen<Standing>,
    /// Whether the applications run these images, synced and healthy, or what is missing.
    pub live: Seen<Result<(), String>>,
}

/// What the record says of images in an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether they are known to be good.
    pub known_good: bool,
    /// Since when they are live without another version or a failure in between.
    pub live_since: Option<Timestamp>,
    /// Whether the newest line is `verified`, and about them.
    pub verified: bool,
}

/// Says how the pins of an environment differ from those that are promoted, and returns the references there if they do not.
///
/// An entry is the same if it has the same reference, or the same tag and digest under the same name: environments can have mirrors.
///
/// # Errors
/// The first difference, as the end of a sentence about the environment.
pub fn same(promoted: &[Pin], there: &[Pin]) -> Result<Vec<String>, String> {
    let mut references = Vec::new();
    for pin in promoted {
        let named = |other: &&Pin| other.name == pin.name || other.repository() == pin.repository();
        let Some(other) = there.iter().find(named) else {
            return Err(format!("pins no {}", pin.repository()));
        };
        let alike = other.new_tag == pin.new_tag && other.digest == pin.digest;
        let mirrored = other.name == pin.name && pin.digest.is_some();
        if !alike || (other.repository() != pin.repository() && !mirrored) {
            return Err(format!("pins {}, not {}", other.reference(), pin.reference()));
        }
        references.push(other.reference());
    }
    Ok(references)
}

impl Earlier {
    /// Whether the images are pinned, known to be good, and live in the environment: what `after` asks for.
    pub(super) fn passed(&self, place: &Place) -> Reading {
        let (app, environment) = (&place.app, &self.environment);
        let images = place.images.join(", ");
        match &self.pinned {
            Err(why) => return Reading::Unknown(format!("{environment} could not be read: {why}")),
            Ok(Err(how)) => {
                return Reading::closed(
                    format!("{environment} {how}"),
                    format!("promote {images} to {environment} first"),
                );
            }
            Ok(Ok(())) => {}
        }
        match &self.record {
            Err(why) => {
                return Reading::Unknown(format!("the record of {app} in {environment} could not be read: {why}"));
            }
            Ok(standing) if !standing.known_good => {
                return Reading::closed(
                    format!(
                        "the record does not show that {images} was live in {environment} and has not failed since"
                    ),
                    format!("`promote wait --app {app} --environment {environment}` records that it is live"),
                );
            }
            Ok(_) => {}
        }
        match &self.live {
            Err(why) => Reading::Unknown(format!(
                "the applications of {app} in {environment} could not be read: {why}"
            )),
            Ok(Err(why)) => Reading::closed(
                why.clone(),
                format!("repair {app} in {environment}, or wait until it is live"),
            ),
            Ok(Ok(())) => Reading::Open(format!("{images} is known good and live in {environment}")),
        }
    }
}

/// Judges each environment of `after` of each app. What `after` itself does not let pass is closed without a repetition of why; `next` says
/// what comes once the images are live in that environment.
pub(super) fn each(place: &Place, next: &str, judge: impl Fn(&Earlier, &Standing) -> Reading) -> Reading {
    let images = place.images.join(", ");
    let readings: Vec<Reading> = (place.earlier.iter())
        .map(|earlier| match (earlier.passed(place), &earlier.record) {
            (Reading::Open(_), Ok(standing)) => judge(earlier, standing),
            (Reading::Unknown(_), _) => {
                Reading::Unknown(format!("the state of {} is unknown, see `after`", earlier.environment))
            }
            _ => Reading::closed(
                format!("{} does not meet `after`", earlier.environment),
                format!("{next} when {images} is live in {}", earlier.environment),
            ),
        })
        .collect();
    Reading::all(&readings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(name: &str, new_name: Option<&str>, tag: &str, digest: Option<&str>) -> Pin {
        Pin {
            name: name.to_owned(),
            new_name: new_name.map(str::to_owned),
            new_tag: Some(tag.to_owned()),
            digest: digest.map(str::to_owned),
            ..Pin::default()
        }
    }

    #[test]
    fn exactly_these_images_are_the_same_tag_and_digest() {
        let promoted = [pin("api", Some("myorg/api"), "v2", None)];
        assert_eq!(
            same(
                &promoted,
                &[pin("api", Some("myorg/api"), "v2", None), pin("web", None, "v9", None)]
            ),
            Ok(vec!["myorg/api:v2".to_owned()])
        );
        assert_eq!(
            same(&promoted, &[pin("myorg/api", None, "v2", None)]).map(|found| found.len()),
            Ok(1)
        );
        for there in [
            vec![pin("api", Some("myorg/api"), "v1", None)],
            vec![pin("api", Some("myorg/api"), "v2", Some("sha256:a"))],
            vec![pin("api", Some("mirror/api"), "v2", None)],
            vec![pin("web", None, "v2", None)],
            Vec::new(),
        ] {
            assert!(same(&promoted, &there).is_err(), "{there:?}");
        }
        // The same content under another name.
        let promoted = [pin("api", Some("myorg/api"), "v2", Some("sha256:a"))];
        assert!(same(&promoted, &[pin("api", Some("mirror/api"), "v2", Some("sha256:a"))]).is_ok());
    }
}
