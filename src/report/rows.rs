//! The rows of the report: what happened in git, what changed, and where it runs. Each says which of its texts came from outside.

use serde::Serialize;

use crate::model::{CommitSha, Health, Milestone, PinChange, SyncState, Timestamp};

/// A part of the report that holds texts from outside.
pub(super) trait Texts {
    /// Returns every text that is not one of our own words, a number, a commit or a time.
    fn texts(&mut self) -> Vec<&mut String>;
}

/// `infra_repo` of the report.
#[derive(Clone, Debug, Serialize)]
pub struct InfraRepoRow {
    /// Without credentials.
    pub url: String,
    /// The branch.
    pub branch: String,
    /// The head of the branch that was read.
    pub base: CommitSha,
    /// The commit of this run, or the one that was followed; on `no-change` the head that was read; `None` when there is none.
    pub commit: Option<CommitSha>,
    /// Whether this run made the commit and it is on the branch; not in the JSON.
    #[serde(skip)]
    pub landed: bool,
    /// How many times landing was tried.
    pub attempts: u32,
    /// The commit of this run that can be on the branch, in words, where what became of it is not known; not in the JSON, whose reason says it.
    #[serde(skip)]
    pub in_doubt: Option<String>,
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

impl From<&PinChange> for ChangeRow {
    fn from(change: &PinChange) -> Self {
        Self {
            app: change.app.to_string(),
            environment: change.environment.to_string(),
            file: change.file.to_string(),
            name: change.name().to_owned(),
            line: change.after.line,
            before: change.before.reference(),
            after: change.after.reference(),
        }
    }
}

/// One of `gates`.
#[derive(Clone, Debug, Serialize)]
pub struct GateRow {
    /// The gate's name: its key in promote.yaml.
    pub name: String,
    /// The environment that it belongs to.
    pub environment: String,
    /// Whether it lets the promotion pass.
    pub state: GateState,
    /// Why.
    pub reason: String,
    /// When it opens by itself as RFC 3339, if that is known.
    pub until: Option<Timestamp>,
    /// What would open it; `null` if it is open.
    pub opens: Option<String>,
    /// The reason for which this run skips it; `null` if it counts.
    pub skipped: Option<String>,
}

impl GateRow {
    /// Returns its state as people read it.
    pub(super) const fn shown(&self) -> &'static str {
        match (self.state, &self.skipped) {
            (GateState::Closed, Some(_)) => "closed, skipped",
            (GateState::Unknown, Some(_)) => "unknown, skipped",
            (state, _) => state.name(),
        }
    }

    /// Whether it lets the promotion pass: it is open, or skipped.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.state == GateState::Open || self.skipped.is_some()
    }
}

/// Whether a gate lets a promotion pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GateState {
    /// It does.
    Open,
    /// It does not.
    Closed,
    /// What it needs could not be read, so it does not.
    Unknown,
}

impl GateState {
    /// Returns its word in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        }
    }
}

/// `from` of the report: where the promoted images came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FromRow {
    /// The environment that the input `from` names.
    pub environment: String,
    /// Since when they have been live there, as RFC 3339; `null` if the record does not say so.
    pub live_since: Option<Timestamp>,
}

impl FromRow {
    /// Returns it in words, without the word "from".
    pub(super) fn shown(&self) -> String {
        let since = self.live_since.map(|since| format!(", live there since {since}"));
        format!("{}{}", self.environment, since.unwrap_or_default())
    }
}

impl Texts for FromRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.environment]
    }
}

/// One of `riding_along`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RidingAlongRow {
    /// The commit.
    pub commit: CommitSha,
    /// Its subject.
    pub subject: String,
    /// The name of its author.
    pub author: String,
    /// The application whose sync takes it along.
    pub application: String,
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
    /// Whether it runs what its revision renders to.
    pub sync: SyncState,
    /// Its health.
    pub health: Health,
    /// The commit it has synced, if it is known.
    pub revision: Option<String>,
    /// Whether it runs exactly what was promoted, seen so.
    pub live: bool,
    /// Why it is where it is.
    pub reason: String,
    /// The canary, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutRow>,
    /// Which versions its pods run, where the run looked for what is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<PodsRow>,
}

/// One of `pods` of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PodsRow {
    /// The image.
    pub image: String,
    /// How many of its pods are ready: those serve users.
    pub ready: usize,
    /// How many pods run it.
    pub pods: usize,
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

impl RolloutRow {
    /// Returns the step as people count it, from 1.
    pub(super) fn shown_step(&self) -> u32 {
        self.step.saturating_add(1).min(self.steps)
    }
}

/// `superseded_by` of the report.
#[derive(Clone, Debug, Serialize)]
pub struct SupersededBy {
    /// The commit.
    pub commit: CommitSha,
    /// Its author.
    pub author: String,
    /// Its subject.
    pub subject: String,
}

/// One of `timeline`.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineRow {
    /// RFC 3339.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
    /// The milestone that was reached; not in the JSON.
    #[serde(skip)]
    pub milestone: Option<Milestone>,
}

impl ApplicationRow {
    /// Returns how badly off it is, to be compared: health first, then sync, then whether it runs what was promoted.
    pub(super) fn badness(&self) -> (Health, SyncState, bool) {
        (self.health, self.sync, !self.live)
    }
}

impl Texts for InfraRepoRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.url, &mut self.branch]
    }
}

impl Texts for ChangeRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![
            &mut self.app,
            &mut self.environment,
            &mut self.file,
            &mut self.name,
            &mut self.before,
            &mut self.after,
        ]
    }
}

impl Texts for GateRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![&mut self.name, &mut self.environment, &mut self.reason];
        texts.extend(&mut self.opens);
        texts.extend(&mut self.skipped);
        texts
    }
}

/// The pull request that brings the change to the branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PullRequestRow {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its branch.
    pub branch: String,
}

impl Texts for PullRequestRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.url, &mut self.branch]
    }
}

impl Texts for RidingAlongRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.subject, &mut self.author, &mut self.application]
    }
}

impl Texts for ApplicationRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![
            &mut self.name,
            &mut self.app,
            &mut self.environment,
            &mut self.url,
            &mut self.reason,
        ];
        texts.extend(&mut self.revision);
        texts.extend(self.rollout.iter_mut().flat_map(Texts::texts));
        texts.extend(self.pods.iter_mut().map(|row| &mut row.image));
        texts
    }
}

impl Texts for RolloutRow {
    fn texts(&mut self) -> Vec<&mut String> {
        self.pause.iter_mut().collect()
    }
}

impl Texts for SupersededBy {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.author, &mut self.subject]
    }
}

impl Texts for TimelineRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.what]
    }
}
