//! How far an Argo Rollouts Rollout is on its way to a new version.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Timestamp;

/// How far an Argo Rollouts Rollout is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Canary {
    /// Its name.
    pub name: String,
    /// `Progressing`, `Paused`, `Degraded`, `Healthy`.
    pub phase: String,
    /// What it says of itself.
    pub message: String,
    /// Whether the controller has seen the newest object.
    pub observed: bool,
    /// The step it is at, from 0; `None` when it has no steps.
    pub step: Option<u32>,
    /// How many steps there are.
    pub steps: u32,
    /// The share of the new version in percent that the steps ask for.
    pub weight: u32,
    /// Why it pauses: `CanaryPauseStep`, `InconclusiveAnalysisRun`, …; `None` while it moves.
    pub pause: Option<String>,
    /// What it does at that step.
    pub step_kind: StepKind,
    /// Since when it pauses, by the server's clock.
    pub paused_since: Option<Timestamp>,
    /// The images of the new version; empty when another object has the template of its pods.
    pub images: Vec<String>,
    /// How long the pause at its step is; `None` = until a person resumes it, or no pause.
    pub pause_for: Option<Duration>,
    /// The sum of its timed pauses and experiments from its step on.
    pub pauses_ahead: Duration,
    /// The analyses from its step on, in their order.
    pub analyses_ahead: Vec<Analysis>,
    /// Whether it was aborted.
    pub aborted: bool,
    /// Whether all that is left is to be skipped.
    pub promoted_full: bool,
    /// The share of traffic in percent that goes to the new version, where something routes traffic; else it goes by pods.
    pub traffic: Option<u32>,
    /// How many pods of the new version there are, those included that do not serve yet.
    pub updated: u64,
    /// The hash of the pods it goes to.
    pub current: String,
    /// The hash of the pods that are stable.
    pub stable: String,
    /// The analysis at work or the last one: name, phase, message.
    pub analysis: Vec<(String, String, String)>,
}

/// What a step of a Rollout does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum StepKind {
    /// It makes an analysis or an experiment, and again when it is resumed.
    Measures,
    /// Anything else: a weight, a pause.
    #[default]
    Moves,
}

impl Canary {
    /// Whether it is on its way from one version to another, which the first deployment is not.
    #[must_use]
    pub fn is_underway(&self) -> bool {
        self.observed && !self.aborted && !self.stable.is_empty() && self.current != self.stable
    }

    /// Whether it was aborted and no traffic goes to the new version any more.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.observed && self.aborted && self.traffic.map_or(self.updated == 0, |traffic| traffic == 0)
    }
}

impl fmt::Display for Canary {
    /// Writes which version is on its way how far, and since when it pauses.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.images.is_empty() {
            format!("the version {}", self.current)
        } else {
            self.images.join(", ")
        };
        write!(out, "a canary of {of} in rollout {} is at {}%", self.name, self.weight)?;
        match (&self.pause, self.paused_since) {
            (Some(reason), Some(at)) => write!(out, ", paused since {at} ({reason})"),
            (Some(reason), None) => write!(out, ", paused ({reason})"),
            (None, _) => Ok(()),
        }
    }
}

/// An analysis that a Rollout makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// Its templates, evaluated together.
    pub templates: Vec<AnalysisTemplate>,
    /// What it gives for their arguments, by name; `None` = a value that only the cluster knows.
    pub arguments: BTreeMap<String, Option<String>>,
}

/// A template of analyses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisTemplate {
    /// Its name.
    pub name: String,
    /// Whether it belongs to the whole cluster, else to the Rollout's namespace.
    pub cluster_wide: bool,
}
