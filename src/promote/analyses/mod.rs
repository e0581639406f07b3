//! Analyses of an app in an environment: read from the infra-repo, checked before anything is waited for, and run.

mod load;
mod taking;
mod verdict;
mod watch;

use std::cell::RefCell;
use std::time::Duration;

use crate::assess::analysis::template::Spec;
use crate::journal::Journal;
use crate::metrics::Measure;
use crate::model::{AppName, Clock, EnvironmentName, Outcome};
use crate::report::MeasurementRow;

pub(super) use load::{Place, Sources, load};
pub(super) use watch::{forecast, is_endless, once, watch};

/// An analysis that can run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Analysis {
    /// Its name in promote.yaml.
    pub(super) name: String,
    /// The app.
    pub(super) app: AppName,
    /// The environment.
    pub(super) environment: EnvironmentName,
    /// Its spec, with the values of its arguments.
    pub(super) spec: Spec,
}

impl Analysis {
    /// Returns which analysis of what it is, for people.
    pub(super) fn label(&self) -> String {
        format!("analysis {} of {} in {}", self.name, self.app, self.environment)
    }
}

/// What is verified in one environment.
#[derive(Clone, Debug)]
pub(super) struct Verification {
    /// The environment.
    pub(super) environment: EnvironmentName,
    /// What must succeed, for every app.
    pub(super) analyses: Vec<Analysis>,
    /// How long; `None` = as long as the analyses take.
    pub(super) lasts: Option<Duration>,
}

/// Every measurement of a run, in the order in which they came.
pub(super) type Rows = RefCell<Vec<MeasurementRow>>;

/// What analyses need to run.
#[derive(Clone, Copy)]
pub(super) struct Measuring<'a> {
    /// Where metrics come from.
    pub(super) measure: &'a dyn Measure,
    /// Time.
    pub(super) clock: &'a dyn Clock,
    /// Where each measurement is reported.
    pub(super) journal: &'a dyn Journal,
    /// Where each measurement is kept.
    pub(super) rows: &'a Rows,
}

/// Why an analysis did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Breach {
    /// `breached`; `denied` or `unreachable` when the metrics could not be read.
    pub(super) outcome: Outcome,
    /// One sentence.
    pub(super) reason: String,
    /// What to do.
    pub(super) hints: Vec<String>,
}
