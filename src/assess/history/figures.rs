//! Figures about an environment: how often something is deployed, how often it fails, how long it takes until it is well again.
//! What each of them counts is written in docs/history.md.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{EventKind, Line, Record};
use crate::model::{CommitSha, Timestamp};

/// The figures of an environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many commits were deployed.
    pub deployments: usize,
    /// How many of them failed.
    pub failures: usize,
    /// The times from a failure until a version was live again, in order.
    pub restored: Vec<Duration>,
    /// The times from landing to live, in order.
    pub live: Vec<Duration>,
}

/// What became of a commit.
#[derive(Default)]
struct Deployment {
    live: Option<f64>,
    late: bool,
    failed: Option<Timestamp>,
    taken_back: bool,
    restored: Option<Timestamp>,
}

/// Returns the figures of the records of an environment's apps, from a point in time on. A commit that is in several records counts once.
#[must_use]
pub fn figures<'a>(records: impl Iterator<Item = &'a Record>, since: Option<Timestamp>) -> Figures {
    let mut commits: BTreeMap<CommitSha, Deployment> = BTreeMap::new();
    for record in records {
        let lines: Vec<&Line> = record.lines.iter().filter_map(|kept| kept.line.as_ref()).collect();
        for (at, line) in lines.iter().enumerate() {
            if since.is_some_and(|since| line.at < since) {
                continue;
            }
            if let Some(of) = &line.of {
                commits.entry(of.clone()).or_default().taken_back = true;
            }
            let Some(commit) = &line.commit else { continue };
            if !is_deployment(&line.event) {
                continue;
            }
            let deployment = commits.entry(commit.clone()).or_default();
            match line.event {
                EventKind::Live | EventKind::Verified if deployment.live.is_none() => {
                    deployment.live = Some(line.seconds.unwrap_or_default());
                }
                EventKind::TimedOut => deployment.late = true,
                EventKind::Failed | EventKind::Breached | EventKind::RolledBack => {
                    let first = deployment.failed.is_none_or(|failed| line.at < failed);
                    if first {
                        deployment.failed = Some(line.at);
                    }
                    let later = lines.iter().skip(at + 1);
                    let good = later.filter(|later| later.event.is_good()).map(|later| later.at).next();
                    // The app that was well again last ends the failure.
                    deployment.restored = deployment.restored.max(good);
                }
                _ => {}
            }
        }
    }
    let mut figures = Figures::default();
    for deployment in commits.values() {
        let seen = deployment.live.is_some() || deployment.late || deployment.failed.is_some();
        if !seen {
            continue;
        }
        figures.deployments += 1;
        let late = deployment.late && deployment.live.is_none();
        if deployment.failed.is_some() || deployment.taken_back || late {
            figures.failures += 1;
        }
        if let (Some(failed), Some(restored)) = (deployment.failed, deployment.restored) {
            figures.restored.push(restored.since(failed));
        }
        let live = deployment
            .live
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        figures.live.extend(live.filter(|time| !time.is_zero()));
    }
    figures.restored.sort();
    figures.live.sort();
    figures
}

const fn is_deployment(event: &EventKind) -> bool {
    matches!(
        event,
        EventKind::Live
            | EventKind::Verified
            | EventKind::Failed
            | EventKind::Breached
            | EventKind::TimedOut
            | EventKind::RolledBack
    )
}

/// Returns the value that `share` (from 0 to 1) of the sorted values do not exceed, by the nearest rank.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank between 1 and the number of values"
)]
pub fn percentile(sorted: &[Duration], share: f64) -> Option<Duration> {
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::super::testing::line;
    use super::*;

    fn record(lines: &[(&str, u64, char, Option<char>)]) -> Record {
        let sha = |digit: char| CommitSha::parse(&digit.to_string().repeat(40));
        let mut record = Record::default();
        for (event, minute, commit, of) in lines {
            let at = Timestamp::at_unix(minute * 60).to_string();
            record.push(Line {
                commit: sha(*commit),
                of: of.and_then(sha),
                seconds: Some(30.0),
                ..line(event, &at, &["a:1"])
            });
        }
        record
    }

    #[test]
    fn a_failure_counts_once_per_commit() {
        let api = record(&[
            ("live", 0, 'a', None),
            ("failed", 10, 'b', None),
            ("failed", 11, 'b', None),
            ("reverted", 14, 'c', Some('b')),
            ("live", 20, 'd', None),
            ("reverted", 30, 'e', Some('d')),
            ("timed-out", 40, 'f', None),
            ("live", 42, 'f', None),
        ]);
        let web = record(&[("failed", 10, 'b', None), ("live", 13, '1', None)]);
        let figures = figures([&api, &web].into_iter(), None);
        // a, b, d, f and 1 were deployed; b failed, and d was taken back.
        assert_eq!((figures.deployments, figures.failures), (5, 2));
        assert_eq!(figures.restored, [Duration::from_secs(240)]);
        assert_eq!(figures.live.len(), 4);
    }

    #[test]
    fn only_what_came_since_counts() {
        let record = record(&[("live", 0, 'a', None), ("failed", 10, 'b', None)]);
        let figures = figures([&record].into_iter(), Some(Timestamp::at_unix(60)));
        assert_eq!((figures.deployments, figures.failures), (1, 1));
        assert!(figures.restored.is_empty());
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let times: Vec<Duration> = (1..=10).map(Duration::from_secs).collect();
        assert_eq!(percentile(&times, 0.5), Some(Duration::from_secs(5)));
        assert_eq!(percentile(&times, 0.9), Some(Duration::from_secs(9)));
        assert_eq!(percentile(&[Duration::from_secs(3)], 0.9), Some(Duration::from_secs(3)));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
