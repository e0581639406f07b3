//! What a release leaves held, and the command that releases each of it.

use crate::model::Timestamp;
use crate::plan::holds::{Hold as Entry, HoldEdit, Holds, Of};
use crate::report::HoldRow;

use crate::promote::commands::hold::Edit;
use crate::promote::job::{Hold, HoldChange};
use crate::promote::pasted;
use crate::promote::ports::Reading;
use crate::promote::prepare::holds::row;

/// The entries that stay after a release and hold something of its apps and environments.
#[derive(Default)]
pub(super) struct Left {
    /// Those of exactly these apps and environments.
    pub(super) own: Vec<HoldRow>,
    /// Those of all apps or all environments that hold everything.
    wider: Vec<HoldRow>,
}

impl Left {
    /// Collects them. A new hold leaves nothing to say.
    pub(super) fn of(job: &Hold, old: Option<&[u8]>, edit: &HoldEdit, now: Timestamp) -> Self {
        let text = match edit {
            HoldEdit::Unchanged => old.unwrap_or_default(),
            HoldEdit::Changed(text) => text,
        };
        let Holds::Read(entries) = Holds::read(text) else {
            return Self::default();
        };
        if job.change != HoldChange::Release {
            return Self::default();
        }
        let rows = |is: &dyn Fn(&Entry) -> bool| {
            let rest = entries.iter().filter(|entry| !entry.is_expired(now) && is(entry));
            rest.map(row).collect()
        };
        let is_own = |entry: &Entry| job.apps.contains(&entry.app) && job.environments.contains(&entry.environment);
        Self {
            own: rows(&is_own),
            wider: rows(&|entry| {
                let covers = |of: &Of, names: &[Of]| *of == Of::Every || names.contains(of);
                let is_here = covers(&entry.app, &job.apps) && covers(&entry.environment, &job.environments);
                entry.image.is_none() && is_here && !is_own(entry)
            }),
        }
    }
}

/// Says what is still held, each with the command that releases it: after a version was released what holds that all the same, else all.
pub(super) fn still_held(edit: &Edit, reading: Reading<'_>) -> Vec<String> {
    let is_version = edit.rows.iter().any(|row| row.image.is_some());
    let own = edit.left.own.iter().filter(|row| !is_version || row.image.is_none());
    let said = own.chain(&edit.left.wider).map(|row| {
        format!(
            "{} is still held {}: {}\n→ to release it: `{}`",
            row.what(),
            row.end(),
            row.reason,
            pasted::release(reading, &row.app, &row.environment, row.image.as_deref())
        )
    });
    said.collect()
}
