//! What is known of the past: the record, the commits that say what they pinned, and what is held.

use crate::assess::history::{Record, RecordedPin};
use crate::infrarepo::{CommitInfo, InfraRepo, MOST_COMMITS};
use crate::journal::Journal;
use crate::model::{CommitSha, Event, Fault, Pin, RepoPath};
use crate::plan::holds::Holds;
use crate::plan::undo::{Past, Promoted};
use crate::plan::{Config, Overlay, Place, Trailers};

use crate::promote::commands::back::{Aim, Choice, To};
use crate::promote::commands::changed;
use crate::promote::prepare::holds;
use crate::promote::prepare::pins::placed;
use crate::promote::prepare::record::{Pair, read};
use crate::promote::prepare::snapshot::Snapshot;

/// What is known of the past of every target, all of it read once.
pub(super) struct Known {
    /// The record of each target, in their order; empty where there is none.
    pub(super) records: Vec<Record>,
    /// The entries of each target that are pinned now, in their order.
    pub(super) pinned: Vec<Vec<RecordedPin>>,
    /// The newest commits of the branch.
    pub(super) commits: Vec<CommitInfo>,
    /// Those of them that say what they pinned.
    promoted: Vec<Promoted>,
    /// What is held.
    pub(super) holds: Holds,
    /// The file that says so, if there is one.
    pub(super) holds_file: Option<Vec<u8>>,
}

impl Known {
    /// Reads it. A record that cannot be read is an empty one, with a warning: it proves nothing.
    pub(super) async fn read(repo: &dyn InfraRepo, snapshot: &Snapshot, journal: &dyn Journal) -> Result<Self, Fault> {
        let pairs: Vec<Pair> = (snapshot.places.iter())
            .map(|(place, _)| (place.app.clone(), place.environment.clone()))
            .collect();
        let records = match Config::record(snapshot.config.as_ref()) {
            None => {
                journal.tell(Event::Notice(
                    "promote.yaml says `record: none`: only trailers name earlier versions".to_owned(),
                ));
                Vec::new()
            }
            Some(name) => match read(repo, &name, &pairs).await {
                Ok(records) => {
                    records.tell_damage(journal);
                    records.rows.into_iter().map(|row| row.record).collect()
                }
                Err(fault) => {
                    journal.warn(format!(
                        "the record on {name} cannot be read, so no version counts as known to be good: {fault}"
                    ));
                    Vec::new()
                }
            },
        };
        let mut records: Vec<Record> = records;
        records.resize_with(pairs.len(), Record::default);
        let commits = repo.history(&snapshot.tip.commit, MOST_COMMITS).await?;
        let promoted = commits.iter().filter_map(|commit| {
            Some(Promoted {
                commit: commit.commit.clone(),
                parent: commit.parent.clone(),
                at: commit.at,
                trailers: Trailers::read(&commit.message)?,
            })
        });
        let holds_file = holds::text(repo, &snapshot.tip.commit).await?.unwrap_or_default();
        Ok(Self {
            records,
            pinned: (snapshot.places.iter())
                .map(|(place, overlay)| pinned(place, overlay))
                .collect(),
            promoted: promoted.collect(),
            commits,
            holds: snapshot.holds.clone(),
            holds_file,
        })
    }

    /// Returns what is known of the past of each target, in their order.
    pub(super) fn pasts(&self) -> impl Iterator<Item = Past<'_>> {
        self.records.iter().zip(&self.pinned).map(|(record, pinned)| Past {
            pinned,
            record,
            promoted: &self.promoted,
        })
    }

    /// Returns the newest commit that set what is taken back: by trailers, else by what the branch pinned before and after it.
    pub(super) async fn taken_back(
        &self,
        aim: &Aim<'_>,
        repo: &dyn InfraRepo,
        snapshot: &Snapshot,
        choices: &[Choice],
    ) -> Option<CommitSha> {
        match aim.to {
            To::Replaced(_, commit) => return Some(commit.clone()),
            To::Commit(name) => {
                let mut commits = self.commits.iter();
                return commits
                    .find(|commit| name.names(&commit.commit))
                    .map(|commit| commit.commit.clone());
            }
            To::KnownGood | To::Version(_) => {}
        }
        let mut found: Option<usize> = None;
        for ((past, choice), (place, overlay)) in self.pasts().zip(choices).zip(&snapshot.places) {
            if past.is_pinned(&choice.pins) {
                continue;
            }
            let by = if let Some(promoted) = past.pinned_by() {
                Some(promoted.commit.clone())
            } else {
                let pins = placed(place, overlay);
                let changed = changed::by(repo, &self.commits, place, &pins).await.ok().flatten();
                changed.map(|changed| changed.commit.commit.clone())
            };
            let at = by.and_then(|by| self.commits.iter().position(|commit| commit.commit == by));
            found = match (found, at) {
                (Some(found), Some(at)) => Some(found.min(at)),
                (found, at) => found.or(at),
            };
        }
        found
            .and_then(|at| self.commits.get(at))
            .map(|commit| commit.commit.clone())
    }
}

/// Returns the entries of a target that are pinned.
fn pinned(place: &Place, overlay: &Overlay) -> Vec<RecordedPin> {
    recorded(placed(place, overlay))
}

/// Returns pins as the record has them.
pub(super) fn recorded(pins: Vec<(RepoPath, Pin)>) -> Vec<RecordedPin> {
    let each = pins.into_iter().map(|(file, pin)| RecordedPin {
        file: file.to_string(),
        image: pin.reference(),
        name: pin.name,
    });
    each.collect()
}
