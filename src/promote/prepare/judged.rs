//! The gates of a promotion once they are judged: what they say, which of them are skipped, and what forbids to write.

use std::time::Duration;

use crate::assess::gate::{self, Closed, Reading as Read};
use crate::model::{CommitSha, EnvironmentName, Fault, Timestamp};
use crate::report::{GateRow, GateState, MeasurementRow, ReleasedRow};

/// The gates of a promotion, judged.
#[derive(Clone, Debug, Default)]
pub(in crate::promote) struct Judged {
    /// Every gate of every environment.
    pub(in crate::promote) rows: Vec<GateRow>,
    /// The words of `allow` that skip a gate, that its environment lists, and that the run does not use.
    pub(in crate::promote) listed: Vec<&'static str>,
    /// The earliest moment at which all of them could be open, if some are not, and if that is known.
    pub(in crate::promote) opens_at: Option<Timestamp>,
    /// How long after they were judged an open one can close by the calendar, where one does.
    pub(in crate::promote) closes_in: Option<Duration>,
    /// The source commits that the new images bring, where they were asked for and are known.
    pub(in crate::promote) released: Vec<ReleasedRow>,
    /// What the analyses among them measured.
    pub(in crate::promote) measurements: Vec<MeasurementRow>,
    /// The head of the pull request whose reviews were counted, if reviews were.
    pub(in crate::promote) reviewed: Option<CommitSha>,
}

/// Returns the row of a gate that was judged.
pub(in crate::promote) fn row(name: &str, environment: &EnvironmentName, read: Read) -> GateRow {
    let (state, reason, until, opens) = match read {
        Read::Open(why) => (GateState::Open, why, None, None),
        Read::Closed(Closed { why, until, opens }) => (GateState::Closed, why, until, Some(opens)),
        Read::Unknown(why) => (
            GateState::Unknown,
            why,
            None,
            Some(
                "correct what the reason names and run promote again: until it can be read, the gate counts as closed"
                    .to_owned(),
            ),
        ),
    };
    GateRow {
        name: name.to_owned(),
        environment: environment.to_string(),
        state,
        reason,
        until,
        opens,
        skipped: None,
    }
}

impl Judged {
    /// Returns the word of each gate that is closed and skipped.
    pub(in crate::promote) fn skipped(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for row in self.rows.iter().filter(|row| row.skipped.is_some()) {
            let word = format!("skip-{}", row.name);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// Adds to a reason which gates were skipped and why, for the record.
    pub(in crate::promote) fn noted(&self, reason: &str) -> String {
        match (
            self.skipped().as_slice(),
            self.rows.iter().find_map(|row| row.skipped.as_ref()),
        ) {
            ([], _) | (_, None) => reason.to_owned(),
            (words, Some(why)) => format!("{reason} ({}: {why})", words.join(", ")),
        }
    }

    /// Returns a warning for each gate that is closed and skipped.
    pub(in crate::promote) fn warnings(&self) -> Vec<String> {
        let skipped = self.rows.iter().filter_map(|row| Some((row, row.skipped.as_ref()?)));
        let said = skipped.map(|(row, reason)| {
            let GateRow { name, environment, .. } = row;
            format!(
                "gate `{name}` of {environment} is {} and skipped ({reason}): {}",
                row.state.name(),
                row.reason
            )
        });
        said.collect()
    }

    /// Returns the names of the gates that are not open, each with its environment.
    pub(in crate::promote) fn shut(&self) -> Vec<String> {
        let shut = self.rows.iter().filter(|row| !row.passes());
        shut.map(|row| format!("`{}` of {}", row.name, row.environment))
            .collect()
    }

    /// Returns why the gate `approvals` is not open, where it is the only one.
    pub(in crate::promote) fn only_approvals(&self) -> Option<String> {
        let shut: Vec<&GateRow> = self.rows.iter().filter(|row| !row.passes()).collect();
        let all = !shut.is_empty() && shut.iter().all(|row| row.name == gate::approvals::NAME);
        all.then(|| shut.iter().map(|row| sentence(row)).collect::<Vec<_>>().join("; "))
    }

    /// Returns what forbids to write: every gate that is not open.
    pub(in crate::promote) fn fault(&self) -> Option<Fault> {
        let shut: Vec<&GateRow> = self.rows.iter().filter(|row| !row.passes()).collect();
        let said: Vec<String> = shut.iter().map(|row| sentence(row)).collect();
        let message = match said.as_slice() {
            [] => return None,
            [one] => one.clone(),
            many => format!("{} gates are not open:\n- {}", many.len(), many.join("\n- ")),
        };
        let mut hints: Vec<String> = Vec::new();
        if let Some(at) = self.opens_at {
            hints.push(format!("run the step again after {at}"));
        }
        for opens in shut
            .iter()
            .filter(|row| row.until.is_none())
            .filter_map(|row| row.opens.as_ref())
        {
            if !hints.contains(opens) {
                hints.push(opens.clone());
            }
        }
        let skip = |row: &&GateRow| self.listed.iter().find(|word| **word == format!("skip-{}", row.name));
        let words: Option<Vec<&str>> = shut.iter().map(|row| skip(row).copied()).collect();
        hints.truncate(2);
        if let Some(words) = words {
            hints.push(format!(
                "in an emergency, set `allow: {}` and a `reason`",
                words.join(",")
            ));
        }
        Some(hints.into_iter().take(3).fold(Fault::refused(message), Fault::hint))
    }
}

fn sentence(row: &GateRow) -> String {
    let GateRow {
        name,
        environment,
        reason,
        ..
    } = row;
    match (row.state, row.until) {
        (GateState::Unknown, _) => {
            format!("gate `{name}` of {environment} is unknown, which counts as closed: {reason}")
        }
        (_, Some(until)) => format!("gate `{name}` of {environment} is closed until {until}: {reason}"),
        _ => format!("gate `{name}` of {environment} is closed: {reason}"),
    }
}
