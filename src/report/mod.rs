//! The report of a run: what the contract promises in `output: json`, and the forms it takes for people.
//! Pure: a report in, text out.

use serde::Serialize;

use crate::model::{Command, Outcome};

mod checks;
mod columns;
pub mod inputs;
mod json;
mod markdown;
mod outputs;
mod status;
mod summary;
mod text;
mod unseen;

pub use checks::{CheckRow, CheckState};
pub use json::{json, short_json};
pub use outputs::{OUTPUTS, OutputSpec, outputs};
pub use status::StatusRow;
pub use summary::summary;
pub use text::{failure, text};
pub use unseen::unseen;

/// The report. Field names are the contract's (`schema` is raised when one is taken away).
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this layout.
    pub schema: u32,
    /// The command that ran.
    pub command: &'static str,
    /// How it ended.
    pub outcome: &'static str,
    /// The process's exit code.
    pub exit_code: u8,
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
    /// What happened in git; `None` before the repository was seen.
    pub infra_repo: Option<InfraRepoRow>,
    /// The pins.
    pub changes: Vec<ChangeRow>,
    /// Every pin of the promotion, unchanged ones (`before` = `after`) included: what the outputs `before`, `after`, `tag`
    /// and `digest` say; not in the JSON.
    #[serde(skip)]
    pub pins: Vec<ChangeRow>,
    /// The gates, none yet.
    pub gates: Vec<GateRow>,
    /// The applications.
    pub applications: Vec<ApplicationRow>,
    /// The rows of `status`; only there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusRow>,
    /// The rows of `preflight`; only there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckRow>,
    /// The commit that replaced our pin, if one did.
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

/// `infra_repo` of the report.
#[derive(Clone, Debug, Serialize)]
pub struct InfraRepoRow {
    /// Without credentials.
    pub url: String,
    /// The branch.
    pub branch: String,
    /// The tip that was planned against.
    pub base: String,
    /// Our commit; on `no-change` the snapshot's tip; `None` when nothing was written.
    pub commit: Option<String>,
    /// How many times landing was tried.
    pub attempts: u32,
}

/// One of `changes`.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeRow {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The kustomization file.
    pub file: String,
    /// The entry's name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The reference before.
    pub before: String,
    /// The reference after.
    pub after: String,
}

/// One of `gates`.
#[derive(Clone, Debug, Serialize)]
pub struct GateRow {
    /// The gate's name.
    pub name: String,
    /// `open`, `closed` or `unknown`.
    pub state: &'static str,
    /// Why.
    pub reason: String,
    /// When it opens, if that is known.
    pub until: Option<String>,
}

/// One of `applications`.
#[derive(Clone, Debug, Serialize)]
pub struct ApplicationRow {
    /// `name`, or `namespace/name` where one was given.
    pub name: String,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// Its page in Argo CD.
    pub url: String,
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub sync: String,
    /// `Healthy`, `Progressing`, …
    pub health: String,
    /// The commit it has synced, if it is known.
    pub revision: Option<String>,
    /// Whether it runs exactly what was promoted, seen so.
    pub live: bool,
    /// Why it is where it is.
    pub reason: String,
    /// The canary, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutRow>,
}

/// `rollout` of an application.
#[derive(Clone, Debug, Serialize)]
pub struct RolloutRow {
    /// The step it is at, from 0.
    pub step: u32,
    /// How many there are.
    pub steps: u32,
    /// The share of the new version, in percent.
    pub weight: u32,
    /// Why it pauses; `None` while it moves.
    pub pause: Option<String>,
}

/// `superseded_by` of the report.
#[derive(Clone, Debug, Serialize)]
pub struct SupersededBy {
    /// The commit.
    pub commit: String,
    /// Its author.
    pub author: String,
    /// Its subject.
    pub subject: String,
}

/// One of `timeline`.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineRow {
    /// RFC 3339.
    pub at: String,
    /// What happened.
    pub what: String,
}

impl Report {
    /// Returns a report of a run that has not ended yet: everything empty, and `bug` as its outcome until something else is set.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self {
            schema: 1,
            command: command.name(),
            outcome: Outcome::Bug.name(),
            exit_code: Outcome::Bug.exit_code(),
            app: Vec::new(),
            environment: Vec::new(),
            reason: String::new(),
            hints: Vec::new(),
            warnings: Vec::new(),
            infra_repo: None,
            changes: Vec::new(),
            pins: Vec::new(),
            gates: Vec::new(),
            applications: Vec::new(),
            status: Vec::new(),
            checks: Vec::new(),
            superseded_by: None,
            timeline: Vec::new(),
            duration_seconds: 0.0,
            diff: String::new(),
            commit_url: None,
        }
    }

    /// Sets the outcome and its exit code.
    pub fn end(&mut self, outcome: Outcome) {
        self.outcome = outcome.name();
        self.exit_code = outcome.exit_code();
    }

    /// Adds the warnings that are not there yet.
    pub fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Replaces every text that is not one of our own words, for whoever hides secrets before the report is shown.
    pub fn map_texts(&mut self, map: &dyn Fn(&str) -> String) {
        let all = |text: &mut String| *text = map(text);
        let some = |text: &mut Option<String>| *text = text.as_deref().map(map);
        for list in [
            &mut self.app,
            &mut self.environment,
            &mut self.hints,
            &mut self.warnings,
        ] {
            list.iter_mut().for_each(all);
        }
        all(&mut self.reason);
        all(&mut self.diff);
        some(&mut self.commit_url);
        if let Some(row) = &mut self.infra_repo {
            [&mut row.url, &mut row.branch].into_iter().for_each(all);
        }
        for row in self.changes.iter_mut().chain(&mut self.pins) {
            let texts = [
                &mut row.app,
                &mut row.environment,
                &mut row.file,
                &mut row.name,
                &mut row.before,
                &mut row.after,
            ];
            texts.into_iter().for_each(all);
        }
        self.status.iter_mut().flat_map(StatusRow::texts).for_each(all);
        self.checks.iter_mut().flat_map(CheckRow::texts).for_each(all);
        for row in &mut self.gates {
            [&mut row.name, &mut row.reason].into_iter().for_each(all);
            some(&mut row.until);
        }
        for row in &mut self.applications {
            let texts = [
                &mut row.name,
                &mut row.app,
                &mut row.environment,
                &mut row.url,
                &mut row.sync,
                &mut row.health,
            ];
            texts.into_iter().for_each(all);
            all(&mut row.reason);
            some(&mut row.revision);
            if let Some(rollout) = &mut row.rollout {
                some(&mut rollout.pause);
            }
        }
        if let Some(row) = &mut self.superseded_by {
            [&mut row.author, &mut row.subject].into_iter().for_each(all);
        }
        for row in &mut self.timeline {
            all(&mut row.what);
        }
    }
}

/// Writes seconds with one digit behind the point: nobody compares runs by less.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is how serde calls it")]
fn tenths<S: serde::Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn application(name: &str, live: bool) -> ApplicationRow {
        ApplicationRow {
            name: name.to_owned(),
            app: "api".to_owned(),
            environment: "dev".to_owned(),
            url: format!("https://argocd.example/applications/{name}"),
            sync: "Synced".to_owned(),
            health: "Healthy".to_owned(),
            revision: Some("b".repeat(40)),
            live,
            reason: "runs the commit".to_owned(),
            rollout: None,
        }
    }

    /// A report in which every part says something.
    pub(super) fn report(outcome: Outcome) -> Report {
        let mut report = Report::new(Command::Promote);
        report.end(outcome);
        report.app = vec!["api".to_owned()];
        report.environment = vec!["dev".to_owned()];
        report.infra_repo = Some(InfraRepoRow {
            url: "https://git.example/infra".to_owned(),
            branch: "main".to_owned(),
            base: "a".repeat(40),
            commit: Some("b".repeat(40)),
            attempts: 1,
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
            at: "2026-01-01T00:00:00Z".to_owned(),
            what: "landed".to_owned(),
        }];
        report.diff = "-  newTag: v1\n+  newTag: v2\n".to_owned();
        report.duration_seconds = 72.0;
        report
    }

    #[test]
    fn every_foreign_text_passes_the_map() {
        let mut report = report(Outcome::Promoted);
        report.reason = "x".to_owned();
        report.hints = vec!["x".to_owned()];
        report.warnings = vec!["x".to_owned()];
        report.gates = vec![GateRow {
            name: "x".to_owned(),
            state: "open",
            reason: "x".to_owned(),
            until: Some("x".to_owned()),
        }];
        report.checks = vec![CheckRow {
            check: "write",
            object: "x".to_owned(),
            state: CheckState::Failed,
            reason: "x".to_owned(),
            hints: vec!["x".to_owned()],
        }];
        report.superseded_by = Some(SupersededBy {
            commit: "c".repeat(40),
            author: "x".to_owned(),
            subject: "x".to_owned(),
        });
        report.applications[0].rollout = Some(RolloutRow {
            step: 1,
            steps: 2,
            weight: 10,
            pause: Some("x".to_owned()),
        });
        report.map_texts(&|_| "MAPPED".to_owned());
        let value = serde_json::to_value(&report).unwrap();
        // Our own words, commits and times stay; everything else is mapped.
        let own = ["promote", "promoted", "open", "write", "failed", "2026-01-01T00:00:00Z"];
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
