//! The report of a run: what the contract promises in `output: json`, and the forms it takes for people.
//! Pure: a report in, text out.

use serde::Serialize;

use crate::model::{Command, Outcome};

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
    /// The commit that replaced our pin, if one did.
    pub superseded_by: Option<SupersededBy>,
    /// When what happened.
    pub timeline: Vec<TimelineRow>,
    /// How long the run took, in seconds.
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
}
