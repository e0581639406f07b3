//! How many versions an environment is behind another one, by what the commits say that pinned them.

use crate::infrarepo::CommitInfo;
use crate::model::Parts;
use crate::plan::Trailers;
use crate::report::{BehindRow, StatusRow};

use crate::promote::commands::changed::Placed;

/// What the pins of an app in an environment have been: for each, its references with the newest first.
pub(super) struct Past {
    app: String,
    environment: String,
    versions: Vec<Vec<String>>,
}

impl Past {
    /// Reads it from the commits of the branch, the newest first.
    pub(super) fn of(row: &StatusRow, history: &[CommitInfo], pins: &[Placed]) -> Self {
        let mut versions: Vec<Vec<String>> = pins.iter().map(|(_, pin)| vec![pin.reference()]).collect();
        for trailers in history.iter().filter_map(|commit| Trailers::read(&commit.message)) {
            for ((file, pin), past) in pins.iter().zip(&mut versions) {
                let own = trailers.pins.iter();
                let own = own.filter(|said| said.file == file.as_str() && said.name == pin.name);
                for reference in own.flat_map(|said| [&said.after, &said.before]) {
                    if past.last() != Some(reference) {
                        past.push(reference.clone());
                    }
                }
            }
        }
        Self {
            app: row.app.clone(),
            environment: row.environment.clone(),
            versions,
        }
    }

    /// Returns how many versions came after the newest of `images` here; `None` where it was never here, or is.
    fn since(&self, images: &[String]) -> Option<usize> {
        let behind = images.iter().filter_map(|image| {
            let same = |past: &&Vec<String>| {
                let now = past.first().map(|now| Parts::of(now));
                now.is_some_and(|now| now.same_repository(&Parts::of(image)))
            };
            let past = self.versions.iter().find(same)?;
            past.iter().position(|other| other == image).filter(|by| *by > 0)
        });
        behind.max()
    }
}

/// Puts into each row which environments of its app had its version, and how many they have had since.
pub(super) fn compare(rows: &mut [StatusRow], pasts: &[Past]) {
    for row in rows {
        let others = pasts
            .iter()
            .filter(|past| past.app == row.app && past.environment != row.environment);
        for past in others {
            let known = row.behind.iter().any(|behind| behind.environment == past.environment);
            if let Some(by) = past.since(&row.images).filter(|_| !known) {
                row.behind.push(BehindRow {
                    environment: past.environment.clone(),
                    by,
                });
            }
        }
    }
}
