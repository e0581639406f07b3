//! The report of a run: what the contract promises in `output: json`, and the forms it takes for people.
//! Pure: a report in, text out.

use serde::Serialize;

use rows::Texts;

use crate::model::{Command, Outcome, Timestamp};

mod checks;
mod columns;
mod end;
mod heading;
mod hit;
mod holds;
mod json;
mod mark;
mod markdown;
mod measurements;
mod outputs;
mod page;
mod past;
mod released;
mod rows;
mod status;
mod summary;
mod text;
mod time;
mod timeline;

pub use checks::{CheckRow, CheckState, verdict as checks_verdict};
pub use end::End;
pub use holds::HoldRow;
pub use json::{json, short_json};
pub use measurements::{MeasurementRow, sparkline};

pub use outputs::{Known, OUTPUTS, OutputKind, OutputSpec, outputs, outputs_at};
pub use page::page;
pub use past::{HistoryRow, MetricsRow, RollbackRow};
pub use released::{Relation, ReleasedCommit, ReleasedRow};
pub use rows::{
    ApplicationRow, ChangeRow, FromRow, GateRow, GateState, InfraRepoRow, PodsRow, PullRequestRow, RidingAlongRow,
    RolloutRow, SupersededBy, TimelineRow,
};
pub use status::{BehindRow, StatusRow};
pub use summary::summary;
pub use text::{failure, rest, text};

/// The report. Field names are the contract's (`schema` is raised when one is taken away).
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this layout.
    pub schema: u32,
    /// The command that ran.
    command: Command,
    /// How it ended.
    outcome: Outcome,
    /// The process's exit code.
    exit_code: u8,
    /// The apps.
    pub app: Vec<String>,
    /// The environments.
    pub environment: Vec<String>,
    /// One sentence that a person on call can act on.
    pub reason: String,
    /// Actions, at most three.
    pub hints: Vec<String>,
    /// What was wrong but did not end the run.
    pub warnings: Vec<String>,
    /// Where the promoted images came from, with `from`; only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<FromRow>,
    /// What happened in git; `None` before the repository was seen.
    pub infra_repo: Option<InfraRepoRow>,
    /// The pins.
    pub changes: Vec<ChangeRow>,
    /// Every pin of the promotion, unchanged ones (`before` = `after`) included: what the outputs `before`, `after`, `tag`
    /// and `digest` say; not in the JSON.
    #[serde(skip)]
    pub pins: Vec<ChangeRow>,
    /// The pull request, with `via: pull-request`; only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestRow>,
    /// The commits of others that are not synced yet and go live with the promotion.
    pub riding_along: Vec<RidingAlongRow>,
    /// The source commits that the new images bring, where they are known; of `plan`, and where the gate `newer` or a pull request needs them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<ReleasedRow>,
    /// The gates of the environments.
    pub gates: Vec<GateRow>,
    /// The earliest moment at which all gates could be open, as RFC 3339; only if some are not, and if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
    /// What analyses measured, in the order in which it came.
    pub measurements: Vec<MeasurementRow>,
    /// The holds that concern the run: those of the apps and environments that it is about, or those that it added or removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HoldRow>,
    /// The applications.
    pub applications: Vec<ApplicationRow>,
    /// The rows of `status`; only there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusRow>,
    /// The rows of `preflight`; only there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckRow>,
    /// The rows of `history`; only there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryRow>,
    /// The figures of `history` with `metrics`; only there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricsRow>,
    /// The way back, of `rollback` and of a promotion that was taken back; only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackRow>,
    /// The commit that changed the pin later, if one did.
    pub superseded_by: Option<SupersededBy>,
    /// When what happened.
    pub timeline: Vec<TimelineRow>,
    /// How long the run took, in seconds.
    #[serde(serialize_with = "tenths")]
    pub duration_seconds: f64,
    /// The diff of every edited file, for `plan` and the summary; not in the JSON.
    #[serde(skip)]
    pub diff: String,
    /// The page of the commit, if the host has one; not in the JSON.
    #[serde(skip)]
    pub commit_url: Option<String>,
}

impl Report {
    /// Returns a report of a run that has not ended yet: everything empty, and `bug` as its outcome until something else is set.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self {
            schema: 1,
            command,
            outcome: Outcome::Bug,
            exit_code: Outcome::Bug.exit_code(),
            app: Vec::new(),
            environment: Vec::new(),
            reason: String::new(),
            hints: Vec::new(),
            warnings: Vec::new(),
            from: None,
            infra_repo: None,
            changes: Vec::new(),
            pins: Vec::new(),
            pull_request: None,
            riding_along: Vec::new(),
            released: Vec::new(),
            gates: Vec::new(),
            opens_at: None,
            measurements: Vec::new(),
            holds: Vec::new(),
            applications: Vec::new(),
            status: Vec::new(),
            checks: Vec::new(),
            history: Vec::new(),
            metrics: Vec::new(),
            rollback: None,
            superseded_by: None,
            timeline: Vec::new(),
            duration_seconds: 0.0,
            diff: String::new(),
            commit_url: None,
        }
    }

    /// Says how the run ended: once, at its end.
    pub fn end(&mut self, end: End) {
        self.exit_code = end.exit_code();
        self.outcome = end.outcome;
        self.reason = end.reason;
        self.hints = end.hints;
        self.superseded_by = end.superseded_by;
    }

    /// Returns a report of a run that ended before it could do anything.
    #[must_use]
    pub fn ended(command: Command, end: impl Into<End>) -> Self {
        let mut report = Self::new(command);
        report.end(end.into());
        report
    }

    /// Returns the command that ran.
    #[must_use]
    pub const fn command(&self) -> Command {
        self.command
    }

    /// Returns how the run ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the exit code of the process.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Whether a commit of this run is on the branch.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.infra_repo.as_ref().is_some_and(|row| row.landed)
    }

    /// Whether every application was seen running exactly what was promoted.
    #[must_use]
    pub fn live(&self) -> bool {
        !self.applications.is_empty() && self.applications.iter().all(|row| row.live)
    }

    /// Says when every gate could be open; nothing if every gate is.
    fn forecast(&self) -> Option<String> {
        // `status` shows the gates of several environments, which no single promotion passes.
        if self.command == Command::Status || self.gates.iter().all(GateRow::passes) {
            return None;
        }
        Some(self.opens_at.map_or_else(
            || "It is not known when every gate could be open.".to_owned(),
            |at| format!("Earliest time at which every gate could be open: {at}."),
        ))
    }

    /// Returns the warnings that the reason does not say already, for a page.
    fn unsaid_warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        warnings.retain(|warning| !self.reason.contains(warning.as_str()));
        warnings
    }

    /// Adds the warnings that are not there yet.
    pub fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Completes the commands in what the report advises, with the flags of the run.
    pub fn complete(&mut self, completed: &dyn Fn(&str) -> String) {
        let opens = self.gates.iter_mut().filter_map(|row| row.opens.as_mut());
        for advice in self.hints.iter_mut().chain(&mut self.warnings).chain(opens) {
            *advice = completed(advice);
        }
    }

    /// Replaces every text that is not one of our own words, for whoever hides secrets before the report is shown.
    pub fn map_texts(&mut self, map: &dyn Fn(&str) -> String) {
        for text in self.texts() {
            *text = map(text);
        }
    }
}

impl Texts for Report {
    fn texts(&mut self) -> Vec<&mut String> {
        fn all<T: Texts>(rows: &mut [T]) -> impl Iterator<Item = &mut String> {
            rows.iter_mut().flat_map(Texts::texts)
        }
        let mut texts = vec![&mut self.reason, &mut self.diff];
        for list in [
            &mut self.app,
            &mut self.environment,
            &mut self.hints,
            &mut self.warnings,
        ] {
            texts.extend(list);
        }
        texts.extend(&mut self.commit_url);
        texts.extend(self.from.iter_mut().flat_map(Texts::texts));
        texts.extend(self.infra_repo.iter_mut().flat_map(Texts::texts));
        texts.extend(all(&mut self.changes));
        texts.extend(all(&mut self.pins));
        texts.extend(self.pull_request.iter_mut().flat_map(Texts::texts));
        texts.extend(all(&mut self.riding_along));
        texts.extend(all(&mut self.released));
        texts.extend(all(&mut self.gates));
        texts.extend(all(&mut self.measurements));
        texts.extend(all(&mut self.holds));
        texts.extend(all(&mut self.applications));
        texts.extend(all(&mut self.status));
        texts.extend(all(&mut self.checks));
        texts.extend(all(&mut self.history));
        texts.extend(all(&mut self.metrics));
        texts.extend(self.rollback.iter_mut().flat_map(Texts::texts));
        texts.extend(self.superseded_by.iter_mut().flat_map(Texts::texts));
        texts.extend(all(&mut self.timeline));
        texts
    }
}

/// Writes seconds with one digit behind the point: nobody compares runs by less.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is how serde calls it")]
fn tenths<S: serde::Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 10.0).round() / 10.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{CommitSha, Health, Milestone, SyncState};

    /// Returns a commit of which every digit is the same.
    pub(super) fn commit(digit: char) -> CommitSha {
        CommitSha::parse(&digit.to_string().repeat(40)).unwrap()
    }

    pub(super) fn application(name: &str, live: bool) -> ApplicationRow {
        ApplicationRow {
            name: name.to_owned(),
            app: "api".to_owned(),
            environment: "dev".to_owned(),
            url: format!("https://argocd.example/applications/{name}"),
            sync: SyncState::Synced,
            health: Health::Healthy,
            revision: Some("b".repeat(40)),
            live,
            reason: "runs the commit".to_owned(),
            rollout: None,
            pods: Vec::new(),
        }
    }

    /// A report of a promotion of one app.
    pub(super) fn report(outcome: Outcome) -> Report {
        let mut report = Report::ended(Command::Promote, End::new(outcome, ""));
        report.app = vec!["api".to_owned()];
        report.environment = vec!["dev".to_owned()];
        report.infra_repo = Some(InfraRepoRow {
            url: "https://git.example/infra".to_owned(),
            branch: "main".to_owned(),
            base: commit('a'),
            commit: Some(commit('b')),
            landed: true,
            attempts: 1,
            in_doubt: None,
        });
        report.commit_url = Some("https://git.example/commit/bbb".to_owned());
        report.changes = vec![ChangeRow {
            app: "api".to_owned(),
            environment: "dev".to_owned(),
            file: "apps/api/overlays/dev/kustomization.yaml".to_owned(),
            name: "api".to_owned(),
            line: 7,
            before: "localhost:5000/api:v1".to_owned(),
            after: format!("localhost:5000/api:v2@sha256:{}", "a".repeat(64)),
        }];
        report.pins = report.changes.clone();
        report.applications = vec![application("api-dev", true)];
        report.timeline = vec![TimelineRow {
            at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
            what: "landed bbbbbbb on main".to_owned(),
            milestone: Some(Milestone::Landed),
        }];
        report.diff = "-  newTag: v1\n+  newTag: v2\n".to_owned();
        report.duration_seconds = 72.0;
        report
    }

    fn measurement() -> MeasurementRow {
        let text = || "x".to_owned();
        MeasurementRow {
            analysis: text(),
            metric: text(),
            app: text(),
            environment: text(),
            value: text(),
            phase: "Failed".to_owned(),
            at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
            message: text(),
        }
    }

    /// A report in which every field that there is says something.
    #[expect(clippy::too_many_lines, reason = "there are so many fields")]
    pub(crate) fn full(outcome: Outcome) -> Report {
        let mut report = report(outcome);
        report.reason = "x".to_owned();
        report.hints = vec!["x".to_owned()];
        report.warnings = vec!["x".to_owned()];
        report.pull_request = Some(PullRequestRow {
            number: 7,
            url: "x".to_owned(),
            branch: "x".to_owned(),
        });
        report.riding_along = vec![RidingAlongRow {
            commit: commit('e'),
            subject: "x".to_owned(),
            author: "x".to_owned(),
            application: "x".to_owned(),
        }];
        report.released = vec![ReleasedRow {
            app: "x".to_owned(),
            environment: "x".to_owned(),
            repository: "x".to_owned(),
            before: "x".to_owned(),
            after: "x".to_owned(),
            relation: Relation::Ahead,
            total: 1,
            url: "x".to_owned(),
            commits: vec![ReleasedCommit {
                commit: "x".to_owned(),
                subject: "x".to_owned(),
                author: "x".to_owned(),
            }],
        }];
        report.gates = vec![GateRow {
            name: "x".to_owned(),
            state: GateState::Open,
            environment: "x".to_owned(),
            reason: "x".to_owned(),
            until: None,
            opens: Some("x".to_owned()),
            skipped: Some("x".to_owned()),
        }];
        report.opens_at = Timestamp::parse("2026-01-01T00:00:00Z");
        report.measurements = vec![measurement()];
        report.checks = vec![CheckRow {
            check: "write",
            object: "x".to_owned(),
            state: CheckState::Failed,
            reason: "x".to_owned(),
            hints: vec!["x".to_owned()],
        }];
        report.superseded_by = Some(SupersededBy {
            commit: commit('c'),
            author: "x".to_owned(),
            subject: "x".to_owned(),
        });
        report.applications[0].rollout = Some(RolloutRow {
            step: 1,
            steps: 2,
            weight: 10,
            pause: Some("x".to_owned()),
        });
        report.applications[0].pods = vec![PodsRow {
            image: "x".to_owned(),
            ready: 1,
            pods: 2,
        }];
        report.history = vec![HistoryRow {
            app: "x".to_owned(),
            environment: "x".to_owned(),
            at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
            event: "x".to_owned(),
            commit: Some(commit('e')),
            from: vec!["x".to_owned()],
            to: vec!["x".to_owned()],
            by: "x".to_owned(),
            run: "x".to_owned(),
            reason: "x".to_owned(),
            seconds: Some(1.5),
        }];
        report.metrics = vec![MetricsRow {
            environment: "x".to_owned(),
            deployments: 2,
            failures: 1,
            failure_rate: Some(0.5),
            restore_median_seconds: Some(1.0),
            restore_p90_seconds: Some(1.0),
            live_median_seconds: Some(1.0),
        }];
        report.rollback = Some(RollbackRow {
            of: Some(commit('f')),
            commit: Some(commit('a')),
            to: vec!["x".to_owned()],
            why: vec!["x".to_owned()],
            held: vec!["x".to_owned()],
            bad_seconds: Some(1.0),
            schema_changed: "false",
            seconds: Some(1.0),
            seconds_from_landing: Some(1.0),
        });
        report.from = Some(FromRow {
            environment: "x".to_owned(),
            live_since: Timestamp::parse("2026-01-01T00:00:00Z"),
        });
        report.status = vec![StatusRow {
            cluster: Some("x".to_owned()),
            app: "x".to_owned(),
            environment: "x".to_owned(),
            images: vec!["x".to_owned()],
            previous: vec!["x".to_owned()],
            commit: Some(commit('d')),
            at: Timestamp::parse("2026-01-01T00:00:00Z"),
            age_seconds: Some(1),
            by: Some("x".to_owned()),
            sync: Some(SyncState::OutOfSync),
            health: Some(Health::Degraded),
            not_running: vec!["x".to_owned()],
            live: Some(false),
            reason: Some("x".to_owned()),
            differs_from: vec!["x".to_owned(), "y".to_owned()],
            behind: vec![super::BehindRow {
                environment: "x".to_owned(),
                by: 3,
            }],
            rollout: report.applications.first().and_then(|row| row.rollout.clone()),
        }];
        report
    }

    /// A report of a promotion that a gate stops, and that has every output anyway.
    pub(super) fn full_shut() -> Report {
        let mut report = report(Outcome::Promoted);
        report.gates = full(Outcome::Promoted).gates;
        report.gates[0].state = GateState::Closed;
        report.gates[0].skipped = None;
        report.opens_at = Timestamp::parse("2026-01-01T00:00:00Z");
        report.pull_request = Some(PullRequestRow {
            number: 7,
            url: "https://git.example/pull/7".to_owned(),
            branch: "promote/api/dev".to_owned(),
        });
        report.rollback = Some(RollbackRow {
            of: Some(commit('b')),
            commit: Some(commit('c')),
            to: vec!["myorg/api:v1".to_owned()],
            why: Vec::new(),
            held: Vec::new(),
            bad_seconds: None,
            schema_changed: "false",
            seconds: None,
            seconds_from_landing: None,
        });
        report
    }

    #[test]
    fn every_foreign_text_passes_the_map() {
        let mut report = full(Outcome::Promoted);
        report.map_texts(&|_| "MAPPED".to_owned());
        let value = serde_json::to_value(&report).unwrap();
        // Our own words, commits and times stay; everything else is mapped.
        let own = [
            "promote",
            "promoted",
            "false",
            "open",
            "ahead",
            "write",
            "failed",
            "Synced",
            "Healthy",
            "OutOfSync",
            "Degraded",
            "Failed",
            "2026-01-01T00:00:00Z",
        ];
        let mut left = Vec::new();
        collect(&value, &mut left);
        left.retain(|text| {
            text != "MAPPED" && !own.contains(&text.as_str()) && !text.bytes().all(|b| b.is_ascii_hexdigit())
        });
        assert_eq!(left, Vec::<String>::new());
        assert_eq!(
            (report.diff.as_str(), report.commit_url.as_deref()),
            ("MAPPED", Some("MAPPED"))
        );
    }

    fn collect(value: &serde_json::Value, out: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => out.push(text.clone()),
            serde_json::Value::Array(rows) => rows.iter().for_each(|row| collect(row, out)),
            serde_json::Value::Object(map) => map.values().for_each(|value| collect(value, out)),
            _ => {}
        }
    }
}
