//! Which version is meant, for each app in each environment.

mod before;
mod named;

use crate::assess::history::{EventKind, RecordedPin};
use crate::infrarepo::InfraRepo;
use crate::model::{CommitSha, Fault, PinChange, Timestamp};
use crate::plan::holds::{Held, Pinned};
use crate::plan::undo::{Past, Version};
use crate::plan::{Overlay, Place};

use crate::promote::commands::back::past::Known;
use crate::promote::commands::back::{Aim, Choice, To};
use crate::promote::ports::Reading;
use crate::promote::prepare::snapshot::Snapshot;

/// Decides for every target which version is meant.
///
/// # Errors
/// `refused`: for each target for which none fits, why, with the versions that there are.
pub(super) async fn all(
    aim: &Aim<'_>,
    reading: Reading<'_>,
    snapshot: &Snapshot,
    known: &Known,
    now: Timestamp,
) -> Result<Vec<Choice>, Fault> {
    let taken = match aim.to {
        To::Commit(name) => Some(before::around(reading.repo, name, snapshot, known).await?),
        _ => None,
    };
    let mut choices = Vec::new();
    let mut refused = Vec::new();
    let mut hints = Vec::new();
    for (at, (target, past)) in snapshot.places.iter().zip(known.pasts()).enumerate() {
        let (place, _) = target;
        let here = Here {
            place,
            past,
            known,
            now,
        };
        let choice = match (aim.to, &taken) {
            (To::KnownGood, _) => here.known_good(),
            (To::Version(to), _) => here.version(to, place.allow.unknown_version),
            (To::Commit(name), taken) => {
                let around = taken.as_ref().and_then(|taken| taken.get(at));
                here.before(name, around.map_or(&[], Vec::as_slice))
            }
            (To::Replaced(changes, _), _) => here.replaced(changes),
        };
        let choice = match choice {
            Ok(chosen) => confirmed(reading.repo, chosen, target).await?,
            Err(no) => Err(no),
        };
        match choice {
            Ok(chosen) => choices.push(here.choice(chosen)),
            Err(no) => {
                refused.push(format!("{} in {}: {}", place.app, place.environment, no.why));
                hints.extend(no.hint);
            }
        }
    }
    if refused.is_empty() {
        return Ok(choices);
    }
    hints.dedup();
    let fault = Fault::refused(refused.join("\n"));
    Err(hints.into_iter().take(3).fold(fault, Fault::hint))
}

/// A version that fits.
struct Chosen {
    pins: Vec<RecordedPin>,
    reason: String,
    unknown: bool,
    /// The commit that pins it, where only trailers say so.
    claimed: Option<CommitSha>,
}

impl Chosen {
    fn new(pins: Vec<RecordedPin>, reason: impl Into<String>) -> Self {
        Self {
            pins,
            reason: reason.into(),
            unknown: false,
            claimed: None,
        }
    }
}

/// Takes a trailer's word for a version only where the files of the commit have it. Any other version was never here.
async fn confirmed(
    repo: &dyn InfraRepo,
    chosen: Chosen,
    (place, overlay): &(Place, Overlay),
) -> Result<Result<Chosen, No>, Fault> {
    let Some(commit) = &chosen.claimed else {
        return Ok(Ok(chosen));
    };
    let there = before::pins_at(repo, commit, place, overlay).await?;
    if chosen.pins.iter().all(|pin| there.contains(pin)) {
        return Ok(Ok(chosen));
    }
    let images: Vec<&str> = chosen.pins.iter().map(|pin| pin.image.as_str()).collect();
    let why = format!(
        "{} is not known to have been here: a commit message says so, and commit {} does not pin it",
        images.join(", "),
        commit.short()
    );
    Ok(if place.allow.unknown_version {
        Ok(Chosen {
            reason: why,
            unknown: true,
            ..chosen
        })
    } else {
        Err(No {
            why,
            hint: Some("to go there all the same, set `allow: unknown-version`".to_owned()),
        })
    })
}

/// Why none fits.
struct No {
    why: String,
    hint: Option<String>,
}

fn no(why: impl Into<String>) -> No {
    No {
        why: why.into(),
        hint: None,
    }
}

/// One app in one environment.
struct Here<'a> {
    place: &'a Place,
    past: Past<'a>,
    known: &'a Known,
    now: Timestamp,
}

impl Here<'_> {
    fn choice(&self, chosen: Chosen) -> Choice {
        let now = self.past.images();
        let schema = (!self.past.is_pinned(&chosen.pins)).then(|| {
            let mut after = self.past.pinned.to_vec();
            for pin in &mut after {
                let new = chosen
                    .pins
                    .iter()
                    .find(|new| new.file == pin.file && new.name == pin.name);
                if let Some(new) = new {
                    pin.image.clone_from(&new.image);
                }
            }
            let after: Vec<String> = after.into_iter().map(|pin| pin.image).collect();
            (self.past.schema(&now), self.past.schema(&after))
        });
        Choice {
            app: self.place.app.clone(),
            environment: self.place.environment.clone(),
            pins: chosen.pins,
            reason: chosen.reason,
            unknown: chosen.unknown,
            schema,
        }
    }

    fn held(&self, pin: &RecordedPin) -> Option<Held<'_>> {
        let of = Pinned {
            app: &self.place.app,
            environment: &self.place.environment,
            name: &pin.name,
            image: &pin.image,
        };
        self.known.holds.holding(of, self.now)
    }

    /// Refuses a version that is held.
    fn free(&self, chosen: Chosen) -> Result<Chosen, No> {
        let new = chosen.pins.iter().filter(|pin| !self.past.pinned.contains(pin));
        for pin in new {
            if let Some(held) = self.held(pin) {
                return Err(No {
                    why: format!("{} is {held}", pin.image),
                    hint: Some(format!(
                        "choose another version with `--to`, or release it: `promote release --app {} --environment {} --image {}`",
                        self.place.app, self.place.environment, pin.image
                    )),
                });
            }
        }
        Ok(chosen)
    }

    /// The newest version that is known to be good; what is pinned, where a way back is what pinned it.
    fn known_good(&self) -> Result<Chosen, No> {
        if let Some(by) = self.already_back() {
            return Ok(Chosen::new(
                self.past.pinned.to_vec(),
                format!("{by} rolled it back already; `--to` names a version to go back further to"),
            ));
        }
        let version = self.past.newest_known_good(&|pin| self.held(pin).is_some());
        match version {
            Some(version) => {
                let reason = good(&version);
                Ok(Chosen::new(version.pins, reason))
            }
            None => Err(self.candidates("no other version is known to be good")),
        }
    }

    /// Returns which commit rolled back to what is pinned, unless that failed since.
    fn already_back(&self) -> Option<String> {
        let by = self.past.pinned_by()?;
        by.trailers.rollback_of.as_ref()?;
        let images = self.past.images();
        let newest = self.past.record.newest_first().find(|line| line.is_about(&images));
        let bad = newest.is_some_and(|line| {
            let event = &line.event;
            line.at > by.at && (event.is_bad() || matches!(event, EventKind::TimedOut | EventKind::RollbackFailed))
        });
        (!bad).then(|| by.commit.short().to_owned())
    }

    /// What a promotion of this run replaced if that is known to be good, else the newest version that is, else, without any record, what it
    /// replaced.
    fn replaced(&self, changes: &[PinChange]) -> Result<Chosen, No> {
        let own = changes.iter().filter(|change| self.place.has(change));
        let (mut pins, mut replaces) = (self.past.pinned.to_vec(), false);
        for change in own {
            let entry = pins
                .iter_mut()
                .find(|pin| pin.file == change.file.as_str() && pin.name == change.name());
            let now = entry.as_ref().map_or("nothing", |pin| pin.image.as_str());
            if now != change.after.reference() {
                return Err(no(format!("{now} is pinned now: somebody has changed the pin since")));
            }
            if let Some(entry) = entry.filter(|_| change.is_change() && change.before.is_pinned()) {
                entry.image = change.before.reference();
                replaces = true;
            }
        }
        if !replaces && changes.iter().any(PinChange::is_change) {
            return Ok(Chosen::new(pins, "this promotion did not change it"));
        }
        let images: Vec<String> = pins.iter().map(|pin| pin.image.clone()).collect();
        let record = self.past.record;
        if replaces && (record.known_good(&images).is_some() || record.newest().is_none()) {
            return self.free(Chosen::new(pins, "this promotion replaced it"));
        }
        match self.past.newest_known_good(&|_| false) {
            Some(version) => {
                let reason = good(&version);
                self.free(Chosen::new(version.pins, reason))
            }
            None => Err(no("no other version is known to be good")),
        }
    }
}

fn good(version: &Version) -> String {
    let at = version
        .at
        .map(|at| format!(" ({} {at})", version.ended))
        .unwrap_or_default();
    format!("{} is known to be good{at}", version.images().join(", "))
}
