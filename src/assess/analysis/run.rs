//! A whole analysis: when which metric is measured, and what follows from it. Time is an argument, in nanoseconds since 1970.
//!
//! [`Run::due`] says what to measure now, [`Run::record`] takes what came out, and [`Run::assess`] says how it goes on. The
//! controller stores times in whole seconds, cut off, and plans from those; so does this.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::resolve;
use super::golang::parse_duration;
use super::measurement::Phase;
use super::problem::Problem;
use super::template::{Metric, Spec};
use super::validate;

const SECOND: i128 = 1_000_000_000;
/// After an error, and where a metric has no interval, the next measurement comes this much later.
const AGAIN: i128 = 10 * SECOND;
/// How many measurements of a metric the controller keeps, without a rule.
const KEPT: usize = 10;

/// A measurement that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// When it began.
    pub started: i128,
    /// When it ended.
    pub finished: i128,
    /// How it was judged.
    pub phase: Phase,
    /// What was measured, as the controller stores it.
    pub value: String,
    /// The kind of the error, if it is one.
    pub class: Option<&'static str>,
    /// What went wrong, if something did.
    pub message: String,
    /// What the server warned of.
    pub warnings: Vec<String>,
}

/// A metric of a run, with what came out so far.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The metric with its arguments put in.
    pub metric: Metric,
    /// It does not count.
    pub dry_run: bool,
    /// How it stands; `None` before the first measurement.
    pub phase: Option<Phase>,
    /// Why it stands so.
    pub message: String,
    /// It ended by its count, short of its `consecutiveSuccessLimit`: the controller gives no reason for that, and counts it as
    /// successful in the run's summary.
    pub unexplained: bool,
    /// All measurements.
    pub measurements: Vec<Measurement>,
    /// How many measurements are kept.
    retention: usize,
    /// How many were good, bad, neither and errors.
    pub counted: Counted,
}

/// How many measurements of each sort there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Good ones.
    pub successful: i64,
    /// Bad ones.
    pub failed: i64,
    /// Ones that are neither.
    pub inconclusive: i64,
    /// Errors.
    pub error: i64,
    /// Errors in a row.
    pub consecutive_error: i64,
    /// Good ones in a row.
    pub consecutive_success: i64,
}

impl Counted {
    /// Returns how many measurements count against `count`: all but errors.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.successful + self.failed + self.inconclusive
    }
}

/// An analysis that runs.
#[derive(Debug, Clone)]
pub struct Run {
    /// The metrics in the order of the template.
    pub metrics: Vec<Tracked>,
    started: Option<i128>,
    terminate: bool,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The phase.
    pub phase: Phase,
    /// When, in whole seconds cut off.
    pub at: i128,
    /// Why; empty for a plain success.
    pub message: String,
    /// It was stopped from outside.
    pub terminated: bool,
    /// The controller gives no reason ([`Tracked::unexplained`]).
    pub unexplained: bool,
}

/// How a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It has ended.
    Ended,
    /// The next look is due after this moment.
    After(i128),
    /// Nothing is due any more, and it has not ended: it waits to be stopped.
    Idle,
}

/// Why a run cannot begin: the argument or the spec is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The arguments cannot be put in.
    Arguments(Problem),
    /// The spec is not valid.
    Spec(Problem),
}

impl Run {
    /// Prepares a run.
    ///
    /// # Errors
    /// The arguments or the metrics are wrong: the controller ends such a run as an Error without measuring.
    pub fn new(spec: &Spec) -> Result<Self, Refused> {
        let metrics: Result<Vec<Metric>, Problem> =
            spec.metrics.iter().map(|metric| resolve(metric, &spec.args)).collect();
        let metrics = metrics.map_err(Refused::Arguments)?;
        validate::metrics(&metrics).map_err(Refused::Spec)?;
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        let dry: BTreeSet<String> = validate::dry_run(&spec.dry_run, &names).map_err(Refused::Spec)?;
        let kept: BTreeMap<String, i32> =
            validate::retention(&spec.measurement_retention, &names).map_err(Refused::Spec)?;
        let metrics = metrics.into_iter().map(|metric| Tracked {
            dry_run: dry.contains(&metric.name),
            retention: kept
                .get(&metric.name)
                .and_then(|limit| usize::try_from(*limit).ok())
                .filter(|limit| *limit > 0)
                .unwrap_or(KEPT),
            metric,
            phase: None,
            message: String::new(),
            unexplained: false,
            measurements: Vec::new(),
            counted: Counted::default(),
        });
        Ok(Self {
            metrics: metrics.collect(),
            started: None,
            terminate: spec.terminate,
            ended: None,
        })
    }

    /// Asks for its end: what is undecided and within its limits counts as good.
    pub fn terminate(&mut self) {
        self.terminate = true;
    }

    fn terminating(&self) -> bool {
        let bad = |tracked: &Tracked| {
            !tracked.dry_run && matches!(tracked.phase, Some(Phase::Failed | Phase::Error | Phase::Inconclusive))
        };
        self.terminate || self.metrics.iter().any(bad)
    }

    /// Returns the metrics to measure now, by their number. All of them are measured together.
    #[must_use]
    pub fn due(&self, now: i128) -> Vec<usize> {
        if self.ended.is_some() || self.terminating() {
            return Vec::new();
        }
        let due = |tracked: &Tracked| {
            if tracked.is_over() {
                return false;
            }
            match (tracked.measurements.last(), tracked.delay()) {
                (None, None) => true,
                (None, Some(delay)) => self.started.is_some_and(|started| whole(started) + delay <= now),
                (Some(_), _) => tracked.planned().is_some_and(|planned| now > planned),
            }
        };
        let numbered = self.metrics.iter().enumerate();
        numbered
            .filter(|(_, tracked)| due(tracked))
            .map(|(index, _)| index)
            .collect()
    }

    /// Takes a measurement of a metric.
    pub fn record(&mut self, index: usize, measurement: Measurement) {
        let Some(tracked) = self.metrics.get_mut(index) else {
            return;
        };
        let counted = &mut tracked.counted;
        match measurement.phase {
            Phase::Successful => counted.successful += 1,
            Phase::Failed => counted.failed += 1,
            Phase::Inconclusive => counted.inconclusive += 1,
            Phase::Error | Phase::Running => counted.error += 1,
        }
        let good = measurement.phase == Phase::Successful;
        let error = measurement.phase == Phase::Error;
        counted.consecutive_success = if good { counted.consecutive_success + 1 } else { 0 };
        counted.consecutive_error = if error { counted.consecutive_error + 1 } else { 0 };
        tracked.measurements.push(measurement);
    }

    /// Judges the metrics and the run, and says how it goes on. Comes after the measurements that were due.
    pub fn assess(&mut self, now: i128) -> Next {
        if self.ended.is_some() {
            return Next::Ended;
        }
        self.started.get_or_insert(now);
        let terminating = self.terminating();
        for tracked in &mut self.metrics {
            tracked.assess(terminating);
        }
        let begun = self.metrics.iter().filter(|tracked| !tracked.measurements.is_empty());
        let counted = begun.clone().filter(|tracked| !tracked.dry_run && tracked.is_done());
        // Of equally bad ones the first counts.
        let worst = counted.reduce(|worst, next| if next.badness() > worst.badness() { next } else { worst });
        let over = self
            .metrics
            .iter()
            .all(|tracked| !tracked.measurements.is_empty() && tracked.is_done());
        if terminating || over {
            let phase = worst.and_then(|tracked| tracked.phase).unwrap_or(Phase::Successful);
            let message = match worst {
                Some(tracked) if phase != Phase::Successful => tracked.message.clone(),
                _ => String::new(),
            };
            self.ended = Some(Ended {
                phase,
                at: whole(now),
                message,
                terminated: self.terminate && phase == Phase::Successful,
                unexplained: worst.is_some_and(|tracked| tracked.unexplained),
            });
            return Next::Ended;
        }
        if self.terminating() {
            return Next::After(now);
        }
        let next = self
            .metrics
            .iter()
            .filter_map(|tracked| match (tracked.measurements.last(), tracked.delay()) {
                _ if tracked.is_over() => None,
                (None, Some(delay)) => self.started.map(|started| whole(started) + delay),
                (None, None) => Some(now),
                (Some(_), _) => tracked.planned(),
            });
        next.min().map_or(Next::Idle, Next::After)
    }

    /// Returns when the run ends if every measurement from now on is good and takes no time; `None` if it does not end by itself.
    #[must_use]
    pub fn forecast(&self, now: i128) -> Option<i128> {
        let ends = self.metrics.iter().map(|tracked| {
            if tracked.is_over() {
                return Some(now);
            }
            let count = tracked.metric.effective_count();
            let successes = Metric::limit(tracked.metric.consecutive_success_limit.as_ref(), 0);
            let left = match (count, successes) {
                (None, 0) => return None,
                (None, row) => row - tracked.counted.consecutive_success,
                (Some(count), 0) => count - tracked.counted.count(),
                (Some(count), row) => (count - tracked.counted.count()).min(row - tracked.counted.consecutive_success),
            };
            let first = match tracked.measurements.last() {
                None => now + tracked.delay().unwrap_or(0),
                Some(_) => tracked.planned().unwrap_or(now).max(now),
            };
            Some(first + i128::from((left - 1).max(0)) * tracked.step())
        });
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

/// Cuts a time off to whole seconds.
fn whole(time: i128) -> i128 {
    time.div_euclid(SECOND) * SECOND
}

impl Tracked {
    /// Whether it is decided.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase.is_some_and(Phase::is_final)
    }

    fn badness(&self) -> u8 {
        self.phase.map_or(0, Phase::badness)
    }

    /// Returns how many measurements the controller keeps of those there were.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.measurements.len().min(self.retention)
    }

    fn delay(&self) -> Option<i128> {
        parse_duration(&self.metric.initial_delay).map(i128::from)
    }

    fn step(&self) -> i128 {
        self.metric.interval_nanoseconds().map_or(AGAIN, i128::from)
    }

    /// Whether it is decided or has all of its measurements.
    fn is_over(&self) -> bool {
        let counted = self
            .metric
            .effective_count()
            .is_some_and(|count| self.counted.count() >= count);
        self.is_done() || !self.measurements.is_empty() && counted
    }

    /// Returns the moment after which the next measurement comes.
    fn planned(&self) -> Option<i128> {
        let last = self.measurements.last()?;
        let step = if last.phase == Phase::Error { AGAIN } else { self.step() };
        Some(whole(last.finished) + step)
    }

    /// Judges the metric by its limits. The last rule that holds decides.
    fn assess(&mut self, terminating: bool) {
        if self.measurements.is_empty() || self.is_done() {
            return;
        }
        let (metric, counted) = (&self.metric, &self.counted);
        let failures = Metric::limit(metric.failure_limit.as_ref(), 0);
        let neither = Metric::limit(metric.inconclusive_limit.as_ref(), 0);
        let errors = Metric::limit(metric.consecutive_error_limit.as_ref(), 4);
        let successes = Metric::limit(metric.consecutive_success_limit.as_ref(), 0);
        let reached = metric.effective_count().is_some_and(|count| counted.count() >= count);
        let name = &metric.name;
        let times = |count: i64| {
            if count == 1 {
                "once".to_owned()
            } else {
                format!("{count} times")
            }
        };
        let mut unexplained = false;
        let (phase, message) = if counted.consecutive_error > errors {
            let last = self.measurements.last().map_or("", |last| last.message.as_str());
            let count = times(counted.consecutive_error);
            let why = format!(
                "metric {name}: could not be measured {count} in a row (consecutiveErrorLimit {errors}): {last}"
            );
            (Phase::Error, why)
        } else if counted.inconclusive > neither {
            let count = times(counted.inconclusive);
            let why =
                format!("metric {name}: inconclusive {count}, neither good nor bad (inconclusiveLimit {neither})");
            (Phase::Inconclusive, why)
        } else if failures >= 0 && counted.failed > failures {
            let count = times(counted.failed);
            (
                Phase::Failed,
                format!("metric {name}: failed {count} (failureLimit {failures})"),
            )
        } else if successes > 0 && counted.consecutive_success >= successes {
            (Phase::Successful, String::new())
        } else if reached && successes > 0 {
            let phase = if failures >= 0 {
                Phase::Inconclusive
            } else {
                Phase::Failed
            };
            unexplained = true;
            let why = format!("metric {name}: never successful {successes} times in a row (consecutiveSuccessLimit)");
            (phase, why)
        } else if reached || terminating {
            (Phase::Successful, String::new())
        } else {
            (Phase::Running, String::new())
        };
        self.unexplained = unexplained;
        self.phase = Some(phase);
        self.message = message;
    }
}
