//! The outputs of the step: their declarations, and what a report makes of them.

use super::{Report, short_json};
use crate::model::Parts;

/// The largest `report` output, in bytes.
const MOST_REPORT: usize = 64 * 1024;

/// An output of the step.
#[derive(Clone, Copy, Debug)]
pub struct OutputSpec {
    /// The name behind `steps.ID.outputs.`.
    pub name: &'static str,
    /// What it holds.
    pub help: &'static str,
    /// What it is made of.
    pub kind: OutputKind,
    /// From when it is known.
    known: Known,
    value: fn(&Report) -> String,
}

/// What the value of an output is made of, for whoever hides secrets in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A word of a closed list, a number or a commit: never a secret, even where a secret is the same word.
    Closed,
    /// Texts from outside.
    Text,
}

/// From when an output is known: later steps get it even if the run is killed after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// When the applications have been read.
    BeforeLanding,
    /// When the commit is on the branch, or was already.
    AtLanding,
    /// Only at the end.
    AtEnd,
}

impl OutputSpec {
    /// Returns what a report makes of it; empty where there is nothing to say.
    #[must_use]
    pub fn value(&self, report: &Report) -> String {
        (self.value)(report)
    }
}

const fn closed(name: &'static str, help: &'static str, value: fn(&Report) -> String) -> OutputSpec {
    OutputSpec {
        name,
        help,
        kind: OutputKind::Closed,
        known: Known::AtEnd,
        value,
    }
}

const fn text(name: &'static str, help: &'static str, value: fn(&Report) -> String) -> OutputSpec {
    OutputSpec {
        kind: OutputKind::Text,
        ..closed(name, help, value)
    }
}

const fn early(known: Known, spec: OutputSpec) -> OutputSpec {
    OutputSpec { known, ..spec }
}

/// Every output.
pub const OUTPUTS: [OutputSpec; 22] = [
    closed(
        "outcome",
        "How the run ended, as a word. See the exit codes.",
        |report| report.outcome().name().to_owned(),
    ),
    closed("exit-code", "Exit code of the run.", |report| {
        report.exit_code().to_string()
    }),
    early(
        Known::AtLanding,
        closed(
            "changed",
            "`true` if this run's commit is on the branch, otherwise `false`.",
            |report| report.changed().to_string(),
        ),
    ),
    closed(
        "live",
        "`true` only if every application runs exactly `after`, otherwise `false`.",
        |report| report.live().to_string(),
    ),
    early(
        Known::AtLanding,
        closed(
            "commit",
            "Full SHA of the promotion commit; for `no-change`, of the branch head.",
            |report| {
                let row = report.infra_repo.as_ref();
                word(row.and_then(|row| row.commit.as_ref()))
            },
        ),
    ),
    early(
        Known::AtLanding,
        text(
            "commit-url",
            "URL of the commit, for hosts that have a page for it.",
            |report| report.commit_url.clone().unwrap_or_default(),
        ),
    ),
    early(
        Known::AtLanding,
        closed(
            "pull-request-number",
            "Number of the pull request, with `via: pull-request`.",
            |report| {
                report
                    .pull_request
                    .as_ref()
                    .map(|row| row.number.to_string())
                    .unwrap_or_default()
            },
        ),
    ),
    early(
        Known::AtLanding,
        text(
            "pull-request-url",
            "URL of the pull request, with `via: pull-request`.",
            |report| {
                report
                    .pull_request
                    .as_ref()
                    .map(|row| row.url.clone())
                    .unwrap_or_default()
            },
        ),
    ),
    early(
        Known::AtLanding,
        text(
            "before",
            "Image references before the promotion, one per line.",
            |report| unique(report.pins.iter().map(|row| row.before.as_str())),
        ),
    ),
    early(
        Known::AtLanding,
        text(
            "after",
            "Image references after the promotion, one per line.",
            |report| unique(report.pins.iter().map(|row| row.after.as_str())),
        ),
    ),
    text(
        "tag",
        "Tag of `after`, without the registry host, so that a mask on the host does not hide it.",
        |report| unique(report.pins.iter().filter_map(|row| Parts::of(&row.after).tag)),
    ),
    text("digest", "Digest of `after`, without the registry host.", |report| {
        unique(report.pins.iter().filter_map(|row| Parts::of(&row.after).digest))
    }),
    early(
        Known::BeforeLanding,
        text("applications", "Names of the applications, one per line.", |report| {
            unique(report.applications.iter().map(|row| row.name.as_str()))
        }),
    ),
    closed(
        "health",
        "Worst health of the applications, such as `Healthy` or `Degraded`.",
        |report| word(report.applications.iter().map(|row| row.health).max()),
    ),
    closed(
        "sync",
        "Worst sync status of the applications: `Synced`, `OutOfSync` or `Unknown`.",
        |report| word(report.applications.iter().map(|row| row.sync).max()),
    ),
    text(
        "application-url",
        "Argo CD page of the application in the worst state.",
        |report| {
            let worst = report.applications.iter().max_by_key(|row| row.badness());
            worst.map(|row| row.url.clone()).unwrap_or_default()
        },
    ),
    closed(
        "gates-closed",
        "Names of the gates that are not open, one per line. A gate that the run skips is not one of them.",
        |report| {
            let shut = report.gates.iter().filter(|row| !row.passes());
            unique(shut.map(|row| row.name.as_str()))
        },
    ),
    closed(
        "opens-at",
        "Earliest time at which every gate could be open, as RFC 3339. Empty if every gate is open, or if that time is not known.",
        |report| word(report.opens_at),
    ),
    text(
        "rolled-back-to",
        "Image references that a rollback put back, one per line. Empty when nothing was put back.",
        |report| {
            let row = report.rollback.as_ref().filter(|row| row.commit.is_some());
            row.map(|row| unique(row.to.iter().map(String::as_str)))
                .unwrap_or_default()
        },
    ),
    closed(
        "schema-changed",
        "For `rollback`: `true` if the earlier version needs another `schema`, `false` if not, `unknown` if one of them is not known.",
        |report| word(report.rollback.as_ref().map(|row| row.schema_changed)),
    ),
    closed("duration-seconds", "Duration of the run, in seconds.", |report| {
        format!("{:.1}", report.duration_seconds)
    }),
    text(
        "report",
        "The report as JSON, up to 64 KiB. A longer report counts the healthy applications instead of listing them.",
        |report| short_json(report, MOST_REPORT),
    ),
];

/// Returns the value of each output at the end of a run; empty where there is none.
#[must_use]
pub fn outputs(report: &Report) -> Vec<(&'static str, String)> {
    OUTPUTS.iter().map(|spec| (spec.name, spec.value(report))).collect()
}

/// Returns the outputs of a run under way that are known from `known` on.
#[must_use]
pub fn outputs_at(report: &Report, known: Known) -> Vec<(&'static str, String)> {
    let specs = OUTPUTS.iter().filter(|spec| spec.known == known);
    specs.map(|spec| (spec.name, spec.value(report))).collect()
}

fn word<T: ToString>(worst: Option<T>) -> String {
    worst.map(|worst| worst.to_string()).unwrap_or_default()
}

fn unique<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in lines {
        if !kept.contains(&line) {
            kept.push(line);
        }
    }
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{application, report};
    use super::*;
    use crate::model::{Health, Outcome};

    fn value(report: &Report, name: &str) -> String {
        outputs(report).into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    #[test]
    fn a_promotion_says_what_it_wrote() {
        let report = report(Outcome::Promoted);
        for (name, right) in [
            ("outcome", "promoted"),
            ("exit-code", "0"),
            ("changed", "true"),
            ("live", "true"),
            ("before", "localhost:5000/api:v1"),
            ("tag", "v2"),
            ("health", "Healthy"),
        ] {
            assert_eq!(value(&report, name), right, "{name}");
        }
        assert_eq!(value(&report, "digest"), format!("sha256:{}", "a".repeat(64)));
    }

    #[test]
    fn nothing_is_changed_or_live_before_it_is_seen() {
        let mut report = report(Outcome::Cancelled { signal: 2 });
        let row = report.infra_repo.as_mut().unwrap();
        (row.commit, row.landed) = (None, false);
        report.applications.clear();
        assert_eq!(
            (value(&report, "changed"), value(&report, "live")),
            ("false".into(), "false".into())
        );
        let mut report = super::super::tests::report(Outcome::NoChange);
        report.infra_repo.as_mut().unwrap().landed = false;
        assert_eq!(value(&report, "changed"), "false");
        report.applications.push(application("late", false));
        assert_eq!(value(&report, "live"), "false");
    }

    #[test]
    fn only_a_commit_of_this_run_is_a_change() {
        for outcome in Outcome::ALL {
            let mut report = report(outcome);
            report.infra_repo.as_mut().unwrap().landed = false;
            assert_eq!(value(&report, "changed"), "false", "{outcome:?}");
            report.infra_repo.as_mut().unwrap().landed = true;
            assert_eq!(value(&report, "changed"), "true", "{outcome:?}");
        }
    }

    #[test]
    fn the_worst_application_speaks_for_all() {
        let mut report = report(Outcome::RolloutFailed);
        let mut bad = application("bad", false);
        bad.health = Health::Degraded;
        report.applications.insert(0, bad);
        assert_eq!(value(&report, "health"), "Degraded");
        assert!(value(&report, "application-url").contains("bad"));
        assert_eq!(value(&report, "applications"), "bad\napi-dev");
    }

    #[test]
    fn every_declared_output_has_a_value_of_its_own() {
        let full = outputs(&super::super::tests::full_shut());
        assert_eq!(full.len(), OUTPUTS.len());
        assert!(full.iter().all(|(_, value)| !value.is_empty()), "{full:?}");
    }
}
