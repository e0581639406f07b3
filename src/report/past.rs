//! The rows about the past: what was live where and how it ended, figures about it, and a way back.

use serde::Serialize;

use super::columns::columns;
use super::rows::Texts;
use super::status::short;
use super::time::duration;
use crate::model::{CommitSha, Timestamp};

/// One of `history`.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryRow {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// When, as RFC 3339.
    pub at: Timestamp,
    /// How it ended: an event of the record; `landed` for a promotion that the record has no line about; `not by promote` for pins that
    /// somebody changed otherwise; `held` and `released` for changes of `promote-holds.yaml`.
    pub event: String,
    /// The commit that pinned it.
    pub commit: Option<CommitSha>,
    /// The references before.
    pub from: Vec<String>,
    /// The references after; what is held or released, `everything` for all images.
    pub to: Vec<String>,
    /// Who triggered it.
    pub by: String,
    /// The run's address, or a random id; empty for what promote did not do.
    pub run: String,
    /// How it ended, in one sentence.
    pub reason: String,
    /// How long it took from landing to the verdict, in seconds.
    pub seconds: Option<f64>,
}

impl HistoryRow {
    /// Returns the page of its run; a run outside a workflow has an id, and no page.
    pub(super) fn page(&self) -> Option<&str> {
        Some(self.run.as_str()).filter(|run| run.starts_with("https://") || run.starts_with("http://"))
    }
}

impl Texts for HistoryRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![
            &mut self.app,
            &mut self.environment,
            &mut self.event,
            &mut self.by,
            &mut self.run,
            &mut self.reason,
        ];
        texts.extend(&mut self.from);
        texts.extend(&mut self.to);
        texts
    }
}

/// One of `metrics`: the figures of an environment.
#[derive(Clone, Debug, Serialize)]
pub struct MetricsRow {
    /// The environment.
    pub environment: String,
    /// How many commits were deployed.
    pub deployments: usize,
    /// How many of them failed.
    pub failures: usize,
    /// The share of those that failed, from 0 to 1; `None` without a deployment.
    pub failure_rate: Option<f64>,
    /// The median time from a failure until a version was live again, in seconds.
    pub restore_median_seconds: Option<f64>,
    /// The same for nine of ten failures.
    pub restore_p90_seconds: Option<f64>,
    /// The median time from landing to live, in seconds.
    pub live_median_seconds: Option<f64>,
}

impl Texts for MetricsRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.environment]
    }
}

/// `rollback` of the report: a way back.
#[derive(Clone, Debug, Serialize)]
pub struct RollbackRow {
    /// The commit that was taken back; `None` when nothing was, or when it is not known.
    pub of: Option<CommitSha>,
    /// The commit of the way back; `None` when nothing was written.
    pub commit: Option<CommitSha>,
    /// The references that are pinned again.
    pub to: Vec<String>,
    /// Why these, one sentence for each app in each environment.
    pub why: Vec<String>,
    /// The references that the same commit holds.
    pub held: Vec<String>,
    /// How long users can have had what was taken back: from its commit until the earlier version was live, in seconds; `None` when the
    /// earlier version is not live, or when that commit is not known.
    pub bad_seconds: Option<f64>,
    /// Whether the database has to change: `true`, `false` or `unknown`.
    pub schema_changed: &'static str,
    /// How long it took, in seconds; `None` when it was not carried out.
    pub seconds: Option<f64>,
    /// How long it took from landing, in seconds.
    pub seconds_from_landing: Option<f64>,
}

impl Texts for RollbackRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = Vec::new();
        for list in [&mut self.to, &mut self.why, &mut self.held] {
            texts.extend(list);
        }
        texts
    }
}

/// The heads of the table of the past.
pub(super) const HISTORY: [&str; 9] = [
    "when",
    "app",
    "environment",
    "how it ended",
    "change",
    "by",
    "took",
    "commit",
    "run",
];

/// Returns the cells of a row, in the order of the heads. The last one is the address of the run, empty where it has none.
pub(super) fn history_cells(row: &HistoryRow) -> Vec<String> {
    let images = |images: &[String]| images.iter().map(|image| short(image)).collect::<Vec<_>>().join(", ");
    let (from, to) = (images(&row.from), images(&row.to));
    vec![
        row.at.to_string(),
        row.app.clone(),
        row.environment.clone(),
        row.event.clone(),
        if from.is_empty() || from == to {
            to
        } else {
            format!("{from} → {to}")
        },
        row.by.clone(),
        row.seconds.map(duration).unwrap_or_default(),
        row.commit
            .as_ref()
            .map(|commit| commit.short().to_owned())
            .unwrap_or_default(),
        row.page().unwrap_or_default().to_owned(),
    ]
}

/// The heads of the table of figures.
pub(super) const METRICS: [&str; 6] = [
    "environment",
    "deployments",
    "failure rate",
    "time to restore (median)",
    "time to restore (p90)",
    "landing to live (median)",
];

/// Returns the cells of a row, in the order of the heads.
pub(super) fn metrics_cells(row: &MetricsRow) -> Vec<String> {
    let time = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), duration);
    vec![
        row.environment.clone(),
        row.deployments.to_string(),
        match row.failure_rate {
            Some(rate) => format!("{:.0}% ({} of {})", rate * 100.0, row.failures, row.deployments),
            None => "-".to_owned(),
        },
        time(row.restore_median_seconds),
        time(row.restore_p90_seconds),
        time(row.live_median_seconds),
    ]
}

/// Returns the tables for a terminal.
pub(super) fn tables(history: &[HistoryRow], metrics: &[MetricsRow]) -> String {
    let table = |heads: &[&str], rows: Vec<Vec<String>>| {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        let rows: Vec<_> = std::iter::once(heads).chain(rows).collect();
        columns(&rows).join("\n")
    };
    let mut tables = Vec::new();
    if !history.is_empty() {
        tables.push(table(&HISTORY, history.iter().map(history_cells).collect()));
    }
    if !metrics.is_empty() {
        tables.push(table(&METRICS, metrics.iter().map(metrics_cells).collect()));
    }
    tables.join("\n\n")
}
