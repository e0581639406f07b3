//! The outputs of the step: their declarations, and what a report makes of them.

use super::{ApplicationRow, Report, short_json};

/// The largest `report` output, in bytes.
const MOST_REPORT: usize = 64 * 1024;

/// An output of the step.
#[derive(Clone, Copy, Debug)]
pub struct OutputSpec {
    /// The name behind `steps.ID.outputs.`.
    pub name: &'static str,
    /// What it holds.
    pub help: &'static str,
}

const fn spec(name: &'static str, help: &'static str) -> OutputSpec {
    OutputSpec { name, help }
}

/// Every output.
pub const OUTPUTS: [OutputSpec; 16] = [
    spec("outcome", "How the run ended, as a word: see the exit codes."),
    spec("exit-code", "The exit code of the run."),
    spec(
        "changed",
        "`true` if a commit of this run is on the branch, else `false`.",
    ),
    spec(
        "live",
        "`true` only if every application was seen running exactly `after`, else `false`.",
    ),
    spec(
        "commit",
        "The full name of the commit; on `no-change` the tip of the branch that was read.",
    ),
    spec(
        "commit-url",
        "The page of the commit, where the host is known to have one.",
    ),
    spec("before", "The references before, one per line."),
    spec("after", "The references after, one per line."),
    spec(
        "tag",
        "The tag of `after`; it holds no registry host, so that no mask eats it.",
    ),
    spec("digest", "The digest of `after`, likewise."),
    spec("applications", "The names of the applications, one per line."),
    spec(
        "health",
        "The worst health of the applications, such as `Healthy` or `Degraded`.",
    ),
    spec(
        "sync",
        "The worst sync status of the applications: `Synced`, `Unknown` or `OutOfSync`.",
    ),
    spec(
        "application-url",
        "The page in Argo CD of the application that is worst off.",
    ),
    spec("duration-seconds", "How long the run took, in seconds."),
    spec(
        "report",
        "The whole report as JSON, at most 64 KiB: healthy applications are only counted when it would be longer.",
    ),
];

/// Returns the value of each output at the end of a run; empty where there is none.
#[must_use]
pub fn outputs(report: &Report) -> Vec<(&'static str, String)> {
    let afters: Vec<&str> = report.pins.iter().map(|row| row.after.as_str()).collect();
    let worst = report.applications.iter().max_by_key(|row| badness(row));
    let commit = report.infra_repo.as_ref().and_then(|row| row.commit.clone());
    let sync = report.applications.iter().max_by_key(|row| sync_badness(&row.sync));
    let value = |name: &str| match name {
        "outcome" => report.outcome.to_owned(),
        "exit-code" => report.exit_code.to_string(),
        "changed" => report.changed().to_string(),
        "live" => report.live().to_string(),
        "commit" => commit.clone().unwrap_or_default(),
        "commit-url" => report.commit_url.clone().unwrap_or_default(),
        "before" => unique(report.pins.iter().map(|row| row.before.as_str())),
        "after" => unique(afters.iter().copied()),
        "tag" => unique(afters.iter().filter_map(|after| tag(after))),
        "digest" => unique(afters.iter().filter_map(|after| digest(after))),
        "applications" => unique(report.applications.iter().map(|row| row.name.as_str())),
        "health" => worst.map(|row| row.health.clone()).unwrap_or_default(),
        "sync" => sync.map(|row| row.sync.clone()).unwrap_or_default(),
        "application-url" => worst.map(|row| row.url.clone()).unwrap_or_default(),
        "duration-seconds" => format!("{:.1}", report.duration_seconds),
        "report" => short_json(report, MOST_REPORT),
        _ => String::new(),
    };
    OUTPUTS.iter().map(|spec| (spec.name, value(spec.name))).collect()
}

impl Report {
    /// Tells whether a commit of this run is on the branch.
    #[must_use]
    pub fn changed(&self) -> bool {
        let commit = self
            .infra_repo
            .as_ref()
            .and_then(|row| row.commit.as_ref().map(|commit| (commit, &row.base)));
        self.outcome != "no-change" && self.outcome != "planned" && commit.is_some_and(|(commit, base)| commit != base)
    }

    /// Tells whether every application was seen running exactly what was promoted.
    #[must_use]
    pub fn live(&self) -> bool {
        !self.applications.is_empty() && self.applications.iter().all(|row| row.live)
    }
}

/// How bad an application's state is: health first, then sync, then whether it runs what was promoted.
pub(super) fn badness(row: &ApplicationRow) -> (usize, usize, bool) {
    let health = match row.health.as_str() {
        "Healthy" => 0,
        "Progressing" => 1,
        "Suspended" => 2,
        "Missing" => 4,
        "Degraded" => 5,
        _ => 3,
    };
    (health, sync_badness(&row.sync), !row.live)
}

fn sync_badness(sync: &str) -> usize {
    match sync {
        "Synced" => 0,
        "OutOfSync" => 2,
        _ => 1,
    }
}

fn tag(reference: &str) -> Option<&str> {
    let named = reference.split('@').next()?;
    let last = named.rsplit('/').next()?;
    last.split_once(':').map(|(_, tag)| tag)
}

fn digest(reference: &str) -> Option<&str> {
    reference.split_once('@').map(|(_, digest)| digest)
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
    use crate::model::Outcome;

    fn output(report: &Report, name: &str) -> String {
        outputs(report).into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    #[test]
    fn a_promotion_says_what_it_wrote() {
        let report = report(Outcome::Promoted);
        for (name, value) in [
            ("outcome", "promoted"),
            ("exit-code", "0"),
            ("changed", "true"),
            ("live", "true"),
            ("before", "localhost:5000/api:v1"),
            ("tag", "v2"),
            ("health", "Healthy"),
        ] {
            assert_eq!(output(&report, name), value, "{name}");
        }
        assert_eq!(output(&report, "digest"), format!("sha256:{}", "a".repeat(64)));
    }

    #[test]
    fn nothing_is_changed_or_live_before_it_is_seen() {
        let mut report = report(Outcome::Cancelled { signal: 2 });
        report.infra_repo.as_mut().unwrap().commit = None;
        report.applications.clear();
        assert_eq!(
            (output(&report, "changed"), output(&report, "live")),
            ("false".into(), "false".into())
        );
        let mut report = super::super::tests::report(Outcome::NoChange);
        assert_eq!(output(&report, "changed"), "false");
        report.applications.push(application("late", false));
        assert_eq!(output(&report, "live"), "false");
    }

    #[test]
    fn the_worst_application_speaks_for_all() {
        let mut report = report(Outcome::RolloutFailed);
        let mut bad = application("bad", false);
        bad.health = "Degraded".to_owned();
        report.applications.insert(0, bad);
        assert_eq!(output(&report, "health"), "Degraded");
        assert!(output(&report, "application-url").contains("bad"));
        assert_eq!(output(&report, "applications"), "bad\napi-dev");
    }

    #[test]
    fn every_declared_output_has_a_value_of_its_own() {
        let full = outputs(&report(Outcome::Promoted));
        assert_eq!(full.len(), OUTPUTS.len());
        assert!(full.iter().all(|(_, value)| !value.is_empty()), "{full:?}");
    }
}
