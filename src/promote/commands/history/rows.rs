//! What the record alone says: a row for each of its lines, and the figures.

use std::time::Duration;

use crate::assess::history::{Line, Record, figures, percentile};
use crate::model::{EnvironmentName, Parts, Timestamp};
use crate::report::{HistoryRow, MetricsRow};

use crate::promote::prepare::record::Pair;

/// Returns the rows of a record, the oldest first.
pub(super) fn of_record((app, environment): &Pair, record: &Record) -> Vec<HistoryRow> {
    let mut lines: Vec<&Line> = record.newest_first().collect();
    lines.reverse();
    let mut rows = Vec::new();
    let (mut now, mut before): (&[String], &[String]) = (&[], &[]);
    for line in lines {
        if line.images != now {
            (before, now) = (now, &line.images);
        }
        rows.push(HistoryRow {
            app: app.to_string(),
            environment: environment.to_string(),
            at: line.at,
            event: line.event.name().to_owned(),
            commit: line.commit.clone(),
            from: changed(before, now),
            to: changed(now, before),
            by: line.by.clone(),
            run: line.run.clone(),
            reason: line.reason.clone(),
            seconds: line.seconds,
        });
    }
    rows
}

/// Returns the images of one list that the other does not have; all of them, where the lists have no repository in common.
fn changed(images: &[String], other: &[String]) -> Vec<String> {
    let own: Vec<String> = images.iter().filter(|image| !other.contains(image)).cloned().collect();
    let common = |image: &String| {
        let parts = Parts::of(image);
        other.iter().any(|other| Parts::of(other).same_repository(&parts))
    };
    if own.is_empty() || !own.iter().any(common) {
        images.to_vec()
    } else {
        own
    }
}

/// Returns the figures of each environment.
pub(super) fn metrics(records: &[(Pair, Record)], since: Option<Timestamp>) -> Vec<MetricsRow> {
    let mut environments: Vec<&EnvironmentName> = Vec::new();
    for ((_, environment), _) in records {
        if !environments.contains(&environment) {
            environments.push(environment);
        }
    }
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let of = |environment: &&EnvironmentName| {
        let own = records.iter().filter(|((_, own), _)| own == *environment);
        let figures = figures(own.map(|(_, record)| record), since);
        MetricsRow {
            environment: environment.to_string(),
            deployments: figures.deployments,
            failures: figures.failures,
            failure_rate: share(figures.failures, figures.deployments),
            restore_median_seconds: seconds(percentile(&figures.restored, 0.5)),
            restore_p90_seconds: seconds(percentile(&figures.restored, 0.9)),
            live_median_seconds: seconds(percentile(&figures.live, 0.5)),
        }
    };
    environments.iter().map(of).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a record has far fewer lines")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1000.0).round() / 1000.0)
}
