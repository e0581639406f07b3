//! Which versions an app has had in an environment, by the record and by the trailers of commits, and which of them is meant.

use crate::assess::history::{Line, Record, RecordedPin};
use crate::model::{CommitSha, Digest, Parts, Timestamp};
use crate::plan::trailers::{PinTrailer, Trailers};

use super::version::{Version, begun, names};

/// How many versions are offered where none is known to be good.
pub const MOST_CANDIDATES: usize = 10;

/// A commit that says what it pinned.
#[derive(Clone, Debug)]
pub struct Promoted {
    /// Which.
    pub commit: CommitSha,
    /// Its first parent; `None` for a root commit.
    pub parent: Option<CommitSha>,
    /// When it was committed.
    pub at: Timestamp,
    /// What it says.
    pub trailers: Trailers,
}

/// What an app pins in an environment, with everything that is known of its past there.
#[derive(Debug)]
pub struct Past<'a> {
    /// The entries that are pinned now.
    pub pinned: &'a [RecordedPin],
    /// Its record.
    pub record: &'a Record,
    /// The commits of the branch that say what they pinned, the newest first.
    pub promoted: &'a [Promoted],
}

impl Past<'_> {
    /// Returns the references that are pinned now, each once.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        Version::pinned(self.pinned.to_vec()).images()
    }

    /// Returns every version but the one that is pinned now, those of the record first, each with the newest first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let mut versions: Vec<Version> = Vec::new();
        let recorded = self.record.versions().into_iter().map(|version| Version {
            pins: self.pins_of(version.line),
            at: Some(version.last.at),
            ended: version.last.event.name().to_owned(),
            good: version.good,
            claimed: None,
        });
        let named = self.promoted.iter().flat_map(|commit| {
            let each = |reference: fn(&PinTrailer) -> &String, at, ended: &str, claimed: &CommitSha| Version {
                pins: self.own(&commit.trailers, reference),
                at,
                ended: ended.to_owned(),
                good: false,
                claimed: Some(claimed.clone()),
            };
            let (own, parent) = (&commit.commit, commit.parent.as_ref().unwrap_or(&commit.commit));
            [
                each(|pin| &pin.after, Some(commit.at), "never seen live, landed", own),
                each(|pin| &pin.before, None, "pinned before, never seen live", parent),
            ]
        });
        for version in recorded.chain(named) {
            let known = versions.iter().any(|known| has_all(&known.pins, &version.pins));
            if !version.pins.is_empty() && !known && !self.is_pinned(&version.pins) {
                versions.push(version);
            }
        }
        versions
    }

    /// Completes a short name of a version: at least seven of the first digits of a digest, or of a tag that is a commit's SHA. What is the name
    /// of a version as it is, or the beginning of none, is returned unchanged.
    ///
    /// # Errors
    /// The names that begin with it, where there are several.
    pub fn completed(&self, to: &str) -> Result<String, Vec<String>> {
        let versions = self.versions();
        let earlier = versions.iter().flat_map(|version| &version.pins);
        let mut found: Vec<&str> = Vec::new();
        for pin in self.pinned.iter().chain(earlier) {
            if names(to, &pin.image) {
                return Ok(to.to_owned());
            }
            found.extend(begun(to, &pin.image).filter(|name| !found.contains(name)));
        }
        match found.as_slice() {
            [] => Ok(to.to_owned()),
            [name] => Ok((*name).to_owned()),
            several => Err(several.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    /// Returns the newest version that is known to be good, is not pinned now, and that nobody holds.
    #[must_use]
    pub fn newest_known_good(&self, held: &dyn Fn(&RecordedPin) -> bool) -> Option<Version> {
        let free = |line: &Line| {
            let pins = self.pins_of(line);
            !pins.is_empty() && !self.is_pinned(&pins) && !pins.iter().any(held)
        };
        let version = self.record.newest_known_good(free)?;
        Some(Version {
            pins: self.pins_of(version.line),
            at: Some(version.last.at),
            ended: version.last.event.name().to_owned(),
            good: true,
            claimed: None,
        })
    }

    /// Returns the pins of a version that the app is not known to have had: a tag or digest for its only image, or a reference for the image of
    /// that repository.
    ///
    /// # Errors
    /// Says why that is no version of it.
    pub fn unknown(&self, to: &str) -> Result<Vec<RecordedPin>, String> {
        let is_digest = Digest::split(to).is_some();
        let bare = is_digest || !to.contains(['/', ':', '@']);
        let fits = |pin: &&RecordedPin| bare || Parts::of(&pin.image).same_repository(&Parts::of(to));
        let homes: Vec<&RecordedPin> = self.pinned.iter().filter(fits).collect();
        let [home, others @ ..] = homes.as_slice() else {
            return Err(format!(
                "{to} is not one of its images: it pins {}",
                self.images().join(", ")
            ));
        };
        if bare
            && others
                .iter()
                .any(|other| !Parts::of(&other.image).same_repository(&Parts::of(&home.image)))
        {
            return Err(format!(
                "it has several images ({}): give `to` as a reference",
                self.images().join(", ")
            ));
        }
        let (now, given) = (Parts::of(&home.image), Parts::of(to));
        let rest = match (bare, is_digest) {
            (true, true) => format!("@{to}"),
            (true, false) => format!(":{to}"),
            (false, _) => {
                let tag = given.tag.map(|tag| format!(":{tag}"));
                let digest = given.digest.map(|digest| format!("@{digest}"));
                tag.unwrap_or_default() + &digest.unwrap_or_default()
            }
        };
        if now.digest.is_some() && !rest.contains('@') {
            return Err(format!(
                "{} has a digest: give the one of {to} as well, as in NAME:TAG@sha256:…",
                home.image
            ));
        }
        if rest.is_empty() {
            return Err(format!("{to} has neither tag nor digest"));
        }
        let own = homes.iter().map(|pin| RecordedPin {
            image: format!("{}{rest}", Parts::of(&pin.image).repository),
            ..(*pin).clone()
        });
        Ok(own.collect())
    }

    /// Whether these pins are what is pinned now.
    #[must_use]
    pub fn is_pinned(&self, pins: &[RecordedPin]) -> bool {
        has_all(self.pinned, pins)
    }

    /// Returns the newest commit that pinned one of the images that are pinned now, by its trailers.
    #[must_use]
    pub fn pinned_by(&self) -> Option<&Promoted> {
        self.promoted.iter().find(|commit| {
            let own = self.own(&commit.trailers, |pin| &pin.after);
            own.iter().any(|pin| self.pinned.contains(pin))
        })
    }

    /// Returns what the database has to look like for these images, by the record or the trailers.
    #[must_use]
    pub fn schema(&self, images: &[String]) -> Option<String> {
        let mut recorded = self.record.newest_first().filter(|line| line.is_about(images));
        let recorded = recorded.find_map(|line| line.schema.clone());
        recorded.or_else(|| {
            self.promoted.iter().find_map(|commit| {
                let own = self.own(&commit.trailers, |pin| &pin.after);
                let about = own.iter().any(|pin| images.contains(&pin.image));
                commit.trailers.schema.clone().filter(|_| about)
            })
        })
    }

    /// Returns the entries of a line that are here now; none where one of them is not among the line's images, whose verdict the line has.
    /// A line without entries names images, which say by their repository whose they are.
    fn pins_of(&self, line: &Line) -> Vec<RecordedPin> {
        if !line.pins.is_empty() {
            let all = line.pins.iter().all(|pin| line.images.contains(&pin.image));
            return self.here(line.pins.iter().filter(|_| all).cloned().collect());
        }
        let mut pins = Vec::new();
        for now in self.pinned {
            let own = Parts::of(&now.image);
            let image = (line.images.iter()).find(|image| Parts::of(image).same_repository(&own));
            pins.extend(image.map(|image| RecordedPin {
                image: image.clone(),
                ..now.clone()
            }));
        }
        pins
    }

    /// Returns those of a version's entries that are here now; none where one of them has another repository now: going back sets tags and
    /// digests, so that version cannot come back.
    fn here(&self, mut pins: Vec<RecordedPin>) -> Vec<RecordedPin> {
        let now = |pin: &RecordedPin| {
            let same = |now: &&RecordedPin| now.file == pin.file && now.name == pin.name;
            self.pinned.iter().find(same)
        };
        let moved = |pin: &RecordedPin| {
            now(pin).is_some_and(|now| !Parts::of(&now.image).same_repository(&Parts::of(&pin.image)))
        };
        if pins.iter().any(moved) {
            return Vec::new();
        }
        pins.retain(|pin| now(pin).is_some());
        pins
    }

    /// Returns what trailers say of the entries that are here now.
    fn own(&self, trailers: &Trailers, reference: fn(&PinTrailer) -> &String) -> Vec<RecordedPin> {
        let pinned = trailers.pins.iter().map(|pin| RecordedPin {
            file: pin.file.clone(),
            name: pin.name.clone(),
            image: reference(pin).clone(),
        });
        // An entry that a commit added has only a repository before.
        let parts = |image: &str| {
            let parts = Parts::of(image);
            parts.tag.is_some() || parts.digest.is_some()
        };
        self.here(pinned.filter(|pin| parts(&pin.image)).collect())
    }
}

/// Whether every one of `pins` is among `all`.
fn has_all(all: &[RecordedPin], pins: &[RecordedPin]) -> bool {
    pins.iter().all(|pin| all.contains(pin))
}
