//! Which version is meant, for each app in each environment.

use crate::assess::history::{EventKind, RecordedPin};
use crate::infrarepo::InfraRepo;
use crate::model::{CommitName, CommitSha, Fault, PinChange, RepoPath, Timestamp};
use crate::plan::holds::Held;
use crate::plan::undo::{MOST_CANDIDATES, Past, Version};
use crate::plan::{Overlay, OverlayFile, Place};

use crate::promote::commands::back::past::{Known, pinned};
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
        To::Commit(name) => Some(around(reading.repo, name, snapshot, known).await?),
        _ => None,
    };
    let mut choices = Vec::new();
    let mut refused = Vec::new();
    let mut hints = Vec::new();
    for (at, ((place, _), past)) in snapshot.places.iter().zip(known.pasts()).enumerate() {
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
}

impl Chosen {
    fn new(pins: Vec<RecordedPin>, reason: impl Into<String>) -> Self {
        Self {
            pins,
            reason: reason.into(),
            unknown: false,
        }
    }
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

    fn held(&self, image: &str) -> Option<Held<'_>> {
        let (app, environment) = (&self.place.app, &self.place.environment);
        self.known.holds.holding(app, environment, image, self.now)
    }

    /// Refuses a version that is held.
    fn free(&self, chosen: Chosen) -> Result<Chosen, No> {
        let new = chosen.pins.iter().filter(|pin| !self.past.pinned.contains(pin));
        for pin in new {
            if let Some(held) = self.held(&pin.image) {
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
        let version = self.past.newest_known_good(&|image| self.held(image).is_some());
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

    /// The version that a tag, digest or reference names.
    fn version(&self, to: &str, unknown: bool) -> Result<Chosen, No> {
        let to = &self.past.completed(to).map_err(|names| No {
            why: format!("`to` {to} is ambiguous: {}", names.join(", ")),
            hint: Some("give more of its digits".to_owned()),
        })?;
        let current = Version {
            pins: self.past.pinned.to_vec(),
            at: None,
            ended: String::new(),
            good: false,
        };
        if current.is(to) {
            let reason = format!("{} is pinned already", current.images().join(", "));
            return Ok(Chosen::new(current.pins, reason));
        }
        let versions: Vec<Version> = self
            .past
            .versions()
            .into_iter()
            .filter(|version| version.is(to))
            .collect();
        let mut references: Vec<&str> = Vec::new();
        for pin in versions.iter().flat_map(|version| &version.pins) {
            let is_it = Version {
                pins: vec![pin.clone()],
                ..current.clone()
            }
            .is(to);
            if is_it && !references.contains(&pin.image.as_str()) {
                references.push(&pin.image);
            }
        }
        if references.len() > 1 {
            return Err(No {
                why: format!("`to` {to} is ambiguous: {}", references.join(", ")),
                hint: Some("set `to` to the whole reference".to_owned()),
            });
        }
        match versions.into_iter().next() {
            Some(version) => {
                let reason = if version.good { good(&version) } else { ended(&version) };
                self.free(Chosen::new(version.pins, reason))
            }
            None if unknown => {
                let pins = self.past.unknown(to).map_err(no)?;
                self.free(Chosen {
                    unknown: true,
                    ..Chosen::new(pins, format!("`to` names {to}, which is not known to have been here"))
                })
            }
            None => {
                let mut no = self.candidates(&format!("{to} is not known to have been here"));
                no.hint = Some("set `allow: unknown-version` to go there all the same".to_owned());
                Err(no)
            }
        }
    }

    /// What was pinned before a commit, where it is still what the commit set.
    fn before(&self, name: &CommitName, around: &[(RecordedPin, RecordedPin)]) -> Result<Chosen, No> {
        if around.is_empty() {
            return Err(no(format!("commit {name} changed no pin here")));
        }
        let mut pins = Vec::new();
        for (before, after) in around {
            let now = self
                .past
                .pinned
                .iter()
                .find(|pin| pin.file == after.file && pin.name == after.name);
            match now {
                Some(now) if now.image == after.image || now.image == before.image => pins.push(before.clone()),
                now => {
                    let now = now.map_or("nothing", |pin| &pin.image);
                    return Err(No {
                        why: format!(
                            "commit {name} set {}, but {now} is pinned now: somebody has changed it since",
                            after.image
                        ),
                        hint: Some("name the version to go back to with `--to`".to_owned()),
                    });
                }
            }
        }
        self.free(Chosen::new(pins, format!("it was pinned before commit {name}")))
    }

    /// What a promotion of this run replaced if that is known to be good, else the newest version that is, else, without any record, what it
    /// replaced.
    fn replaced(&self, changes: &[PinChange]) -> Result<Chosen, No> {
        let own = changes
            .iter()
            .filter(|change| change.app == self.place.app && change.environment == self.place.environment);
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

    /// Says which versions there are, with how each ended and what chooses it.
    fn candidates(&self, why: &str) -> No {
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
            let held = images.iter().find_map(|image| self.held(image));
            let held = held.map(|held| format!(", {held}")).unwrap_or_default();
            format!(
                "\n- {} ({}{at}{held}): `--to {}`",
                images.join(", "),
                version.ended,
                flag(version, &versions)
            )
        });
        No {
            why: format!("{why}. Versions that were here:{}", rows.collect::<String>()),
            hint: Some("choose one with `--to`".to_owned()),
        }
    }
}

/// Returns the shortest name of a version that no other has.
fn flag(version: &Version, all: &[Version]) -> String {
    let images = version.images();
    let first = images.first().cloned().unwrap_or_default();
    let tag = crate::model::Parts::of(&first).tag.map(str::to_owned);
    tag.filter(|tag| all.iter().filter(|other| other.is(tag)).count() == 1)
        .unwrap_or(first)
}

fn good(version: &Version) -> String {
    let at = version
        .at
        .map(|at| format!(" ({} {at})", version.ended))
        .unwrap_or_default();
    format!("{} is known to be good{at}", version.images().join(", "))
}

fn ended(version: &Version) -> String {
    let at = version.at.map(|at| format!(" {at}")).unwrap_or_default();
    format!("{} was here ({}{at})", version.images().join(", "), version.ended)
}

/// Returns what a commit changed, by the files before and after it: for each target its entries that had another image before.
async fn around(
    repo: &dyn InfraRepo,
    name: &CommitName,
    snapshot: &Snapshot,
    known: &Known,
) -> Result<Vec<Vec<(RecordedPin, RecordedPin)>>, Fault> {
    let mut named = known.commits.iter().filter(|commit| name.names(&commit.commit));
    let commit = match (named.next(), named.next()) {
        (Some(commit), None) => commit,
        (Some(one), Some(other)) => {
            let why = format!("`commit` {name} is ambiguous: {} and {}", one.commit, other.commit);
            return Err(Fault::invalid(why).hint("use the full SHA"));
        }
        (None, _) => {
            return Err(Fault::invalid(format!(
                "`commit` {name}: none of the last {} commits of {} is it",
                known.commits.len(),
                snapshot.tip.branch
            ))
            .hint("use the SHA of a commit of the infra-repo"));
        }
    };
    let Some(parent) = &commit.parent else {
        return Err(Fault::refused(format!(
            "commit {name} is the first one: nothing was pinned before it"
        )));
    };
    let mut all = Vec::new();
    for (place, overlay) in &snapshot.places {
        let before = pins_at(repo, parent, place, overlay).await?;
        let after = pins_at(repo, &commit.commit, place, overlay).await?;
        let changed = after.into_iter().filter_map(|after| {
            let before = before
                .iter()
                .find(|pin| pin.file == after.file && pin.name == after.name)?;
            (before.image != after.image).then(|| (before.clone(), after))
        });
        all.push(changed.collect());
    }
    Ok(all)
}

async fn pins_at(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    place: &Place,
    overlay: &Overlay,
) -> Result<Vec<RecordedPin>, Fault> {
    let files: Vec<RepoPath> = overlay.files.iter().map(|file| file.path.clone()).collect();
    let texts = repo.read(at, &files).await?;
    let files = files.into_iter().zip(texts);
    let then = Overlay {
        files: files
            .filter_map(|(path, text)| text.map(|text| OverlayFile { path, text }))
            .collect(),
        included: Vec::new(),
    };
    Ok(pinned(place, &then))
}
