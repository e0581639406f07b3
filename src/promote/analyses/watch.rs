//! Runs analyses as the controller does: measure what is due, judge, wait for what is due next.

use std::time::Duration;

use crate::assess::analysis::run::{Measurement, Next, Run, Tracked};
use crate::assess::analysis::template::Metric;
use crate::assess::analysis::{Conditions, Phase, TroubleKind, measurement};
use crate::model::{Event, Outcome, Timestamp, in_words};
use crate::promote::underway::{Underway, all};
use crate::report::{MeasurementRow, sparkline};

use super::{Analysis, Breach, Measuring};

/// The controller starts what is due a little later; a metric is due after its moment, not at it.
const TICK: Duration = Duration::from_millis(1);
/// What analyses that have no interval wait before they begin again.
const AGAIN: Duration = Duration::from_secs(10);

/// Time as analyses count it: nanoseconds since 1970, which never go back.
struct Time<'a> {
    measuring: Measuring<'a>,
    begun: Duration,
    wall: Timestamp,
}

impl<'a> Time<'a> {
    fn start(measuring: Measuring<'a>) -> Self {
        Self {
            measuring,
            begun: measuring.clock.now(),
            wall: measuring.clock.wall(),
        }
    }

    fn now(&self) -> i128 {
        let passed = self.measuring.clock.now().saturating_sub(self.begun);
        self.wall.unix_nanoseconds() + i128::try_from(passed.as_nanos()).unwrap_or(0)
    }
}

/// Runs analyses side by side, until all have succeeded and `lasts` is over, or one did not. With `lasts`, one that ends sooner begins
/// again, and what is not decided at its end is good if it is within its limits.
///
/// # Errors
/// The first that does not succeed.
pub(in crate::promote) async fn watch(
    measuring: Measuring<'_>,
    analyses: &[Analysis],
    lasts: Option<Duration>,
) -> Result<(), Breach> {
    let until = lasts.map(|lasts| measuring.clock.now().saturating_add(lasts));
    let mut underway = Underway::at_once(usize::MAX);
    for analysis in analyses {
        underway.add(repeated(measuring, analysis, until));
    }
    for _ in analyses {
        underway.next().await?;
    }
    if let Some(until) = until {
        // Without analyses, this is all there is to wait for.
        measuring.clock.sleep(until.saturating_sub(measuring.clock.now())).await;
    }
    Ok(())
}

/// Runs one analysis, again and again until the end.
async fn repeated(measuring: Measuring<'_>, analysis: &Analysis, until: Option<Duration>) -> Result<(), Breach> {
    let clock = measuring.clock;
    loop {
        let pause = to_its_end(measuring, analysis, until).await?;
        let Some(until) = until else { return Ok(()) };
        if clock.now().saturating_add(pause) >= until {
            return Ok(());
        }
        clock.sleep(pause).await;
    }
}

/// Runs an analysis to its end, or until that moment. Returns what passes before it begins again.
async fn to_its_end(
    measuring: Measuring<'_>,
    analysis: &Analysis,
    until: Option<Duration>,
) -> Result<Duration, Breach> {
    let clock = measuring.clock;
    let mut run = Run::new(&analysis.spec).map_err(|refused| Breach {
        outcome: Outcome::Bug,
        reason: format!("{}: {refused:?}", analysis.label()),
        hints: Vec::new(),
    })?;
    let time = Time::start(measuring);
    loop {
        measure_due(measuring, analysis, &mut run, &time).await;
        let over = until.is_some_and(|until| clock.now() >= until);
        if over {
            run.terminate();
        }
        let wait = match run.assess(time.now()) {
            Next::Ended => break,
            Next::After(at) => {
                let wait = u64::try_from(at - time.now()).unwrap_or(0);
                Some(Duration::from_nanos(wait).saturating_add(TICK))
            }
            Next::Idle => None,
        };
        let left = until.map(|until| until.saturating_sub(clock.now()));
        match (wait, left) {
            (Some(wait), Some(left)) => clock.sleep(wait.min(left)).await,
            (Some(pause), None) | (None, Some(pause)) => clock.sleep(pause).await,
            // Nothing is due any more, and nobody ends it: it cannot succeed.
            (None, None) => run.terminate(),
        }
    }
    verdict(analysis, &run)?;
    Ok(pause(&run))
}

/// Measures what is due, side by side.
async fn measure_due(measuring: Measuring<'_>, analysis: &Analysis, run: &mut Run, time: &Time<'_>) {
    let due = run.due(time.now());
    let metrics = due.iter().filter_map(|index| run.metrics.get(*index));
    let measured = all(metrics.map(|tracked| measure(measuring, &tracked.metric, time))).await;
    for (index, measurement) in due.into_iter().zip(measured) {
        run.record(index, measurement);
        if let Some(tracked) = run.metrics.get(index) {
            tell(measuring, analysis, tracked);
        }
    }
}

/// Takes one measurement and judges it.
async fn measure(measuring: Measuring<'_>, metric: &Metric, time: &Time<'_>) -> Measurement {
    let started = time.now();
    let reading = measuring.measure.measure(&metric.provider, started).await;
    let finished = time.now();
    let failed = |class: &'static str, message: String| Measurement {
        started,
        finished,
        phase: Phase::Error,
        value: String::new(),
        class: Some(class),
        message,
        warnings: Vec::new(),
    };
    let reading = match reading {
        Ok(reading) => reading,
        Err(trouble) => return failed(trouble.kind.word(), trouble.to_string()),
    };
    let conditions = Conditions {
        success: Some(&metric.success_condition),
        failure: Some(&metric.failure_condition),
    };
    let judged = match reading.phase {
        Some(phase) => Ok(phase),
        None => measurement::judge(&reading.value, &conditions, finished),
    };
    match judged {
        Ok(phase) => Measurement {
            started,
            finished,
            phase,
            value: reading.stored,
            class: None,
            message: String::new(),
            warnings: reading.warnings,
        },
        Err(unjudged) => Measurement {
            value: reading.stored,
            warnings: reading.warnings,
            ..failed(TroubleKind::Condition.word(), unjudged.to_string())
        },
    }
}

/// Tells the last measurement of a metric, and keeps it for the report.
fn tell(measuring: Measuring<'_>, analysis: &Analysis, tracked: &Tracked) {
    let Some(last) = tracked.measurements.last() else {
        return;
    };
    let metric = &tracked.metric.name;
    for warning in &last.warnings {
        let what = format!("{}: metric {metric}: Prometheus warns: {warning}", analysis.label());
        measuring.journal.warn(what);
    }
    let dry = if tracked.dry_run { " (dry run)" } else { "" };
    let place = format!("{} in {}", analysis.app, analysis.environment);
    let named = if *metric == analysis.name {
        format!("{place}: {metric}")
    } else {
        format!("{place}: {} {metric}", analysis.name)
    };
    let value = if last.value.is_empty() { "no value" } else { &last.value };
    let why = if last.message.is_empty() {
        String::new()
    } else {
        format!(": {}", last.message)
    };
    measuring
        .journal
        .progress(format!("{named} {value} {}{dry}{why}", last.phase));
    let second = u64::try_from(last.finished / 1_000_000_000).unwrap_or(0);
    let row = MeasurementRow {
        analysis: analysis.name.clone(),
        metric: metric.clone(),
        app: analysis.app.to_string(),
        environment: analysis.environment.to_string(),
        value: last.value.clone(),
        phase: last.phase.word().to_owned(),
        at: Timestamp::at_unix(second),
        message: last.message.clone(),
    };
    let mut rows = measuring.rows.borrow_mut();
    rows.push(row);
    let values: Vec<&str> = (rows.iter())
        .filter(|row| row.metric == *metric && row.analysis == analysis.name && row.app == analysis.app.as_str())
        .map(|row| row.value.as_str())
        .collect();
    if values.len() > 2 {
        let line = format!("{named} {} {value} {}", sparkline(&values), last.phase);
        measuring.journal.tell(Event::Now(line));
    }
}

/// Returns what passes between two rounds: the shortest interval of the metrics.
fn pause(run: &Run) -> Duration {
    let steps = run
        .metrics
        .iter()
        .filter_map(|tracked| tracked.metric.interval_nanoseconds());
    let shortest = steps.min().and_then(|step| u64::try_from(step).ok());
    shortest
        .map_or(AGAIN, Duration::from_nanos)
        .max(Duration::from_millis(500))
}

/// Holds the end of a run to what counts as success.
fn verdict(analysis: &Analysis, run: &Run) -> Result<(), Breach> {
    let counting = || run.metrics.iter().filter(|tracked| !tracked.dry_run);
    // A run that is cut short is good by the controller's rules, even if nothing could be measured.
    let unseen = || counting().find(|tracked| tracked.counted.count() == 0);
    let Some(ended) = &run.ended else { return Ok(()) };
    match ended.phase {
        Phase::Successful | Phase::Running => match unseen() {
            None => Ok(()),
            Some(tracked) => Err(unmeasured(analysis, tracked)),
        },
        Phase::Error => {
            let worst = counting().find(|tracked| tracked.phase == Some(Phase::Error));
            Err(worst.map_or_else(
                || breached(analysis, &ended.message),
                |tracked| Breach {
                    reason: format!("{} could not be judged: {}", analysis.label(), ended.message),
                    ..unmeasured(analysis, tracked)
                },
            ))
        }
        Phase::Inconclusive => Err(breached(analysis, &format!("is inconclusive: {}", ended.message))),
        Phase::Failed => {
            let bad = counting().find(|tracked| tracked.phase == Some(Phase::Failed));
            let last = bad.and_then(|tracked| {
                Some((
                    tracked.measurements.iter().rfind(|one| one.phase == Phase::Failed)?,
                    tracked,
                ))
            });
            let measured = last.map_or(String::new(), |(last, tracked)| {
                format!(
                    "; {} is {}{}",
                    tracked.metric.name,
                    last.value,
                    condition(&tracked.metric)
                )
            });
            Err(breached(analysis, &format!("failed: {}{measured}", ended.message)))
        }
    }
}

/// Says what a value was held against.
fn condition(metric: &Metric) -> String {
    let failure = metric.failure_condition.trim();
    match (metric.success_condition.trim(), failure) {
        (success, "") if !success.is_empty() => format!(", and `successCondition` is `{success}`"),
        (_, failure) if !failure.is_empty() => format!(", and `failureCondition` is `{failure}`"),
        _ => String::new(),
    }
}

fn breached(analysis: &Analysis, why: &str) -> Breach {
    Breach {
        outcome: Outcome::Breached,
        reason: format!("{} {why}", analysis.label()),
        hints: Vec::new(),
    }
}

/// The end of a metric that could not be measured. A server that gives no answer says nothing about the application.
fn unmeasured(analysis: &Analysis, tracked: &Tracked) -> Breach {
    let last = tracked.measurements.last();
    let (class, message) = last.map_or(("", ""), |last| (last.class.unwrap_or_default(), last.message.as_str()));
    let outcome = outcome(class, message);
    let server = if tracked.metric.provider.web.is_some() {
        "the server of the `web` metric"
    } else {
        "Prometheus"
    };
    let hint = match outcome {
        Outcome::Denied => Some(format!(
            "{server} rejected the request: check `prometheus-token` or `prometheus-headers`"
        )),
        Outcome::Unreachable => Some(format!(
            "check that {server} is reachable from this runner, or set `prometheus-url`"
        )),
        _ => None,
    };
    let why = if message.is_empty() {
        "it was never due"
    } else {
        message
    };
    Breach {
        outcome,
        reason: format!(
            "{}: metric {} could not be measured: {why}",
            analysis.label(),
            tracked.metric.name
        ),
        hints: hint.into_iter().collect(),
    }
}

/// Tells a server that refuses or gives no answer from a query or condition that does not work.
fn outcome(class: &str, message: &str) -> Outcome {
    let of = |kind: TroubleKind| class == kind.word();
    if of(TroubleKind::ClientError) && ["401", "403"].iter().any(|status| message.ends_with(status)) {
        return Outcome::Denied;
    }
    let silent = [
        TroubleKind::ClientError,
        TroubleKind::ServerError,
        TroubleKind::Timeout,
        TroubleKind::Connect,
        TroubleKind::Tls,
        TroubleKind::Redirect,
        TroubleKind::BadResponse,
        TroubleKind::Oauth2,
    ];
    if silent.into_iter().any(of) {
        Outcome::Unreachable
    } else {
        Outcome::Breached
    }
}

/// Measures every metric of an analysis once, side by side. `Ok` says what was measured.
///
/// # Errors
/// Says which metric is not successful, or could not be measured.
pub(in crate::promote) async fn once(measuring: Measuring<'_>, analysis: &Analysis) -> Result<String, Breach> {
    let run = Run::new(&analysis.spec).map_err(|refused| breached(analysis, &format!("cannot run: {refused:?}")))?;
    let time = Time::start(measuring);
    let counting: Vec<&Tracked> = run.metrics.iter().filter(|tracked| !tracked.dry_run).collect();
    let measured = all(counting
        .iter()
        .map(|tracked| measure(measuring, &tracked.metric, &time)))
    .await;
    let mut values = Vec::new();
    let mut bad = None;
    for (tracked, measurement) in counting.into_iter().zip(measured) {
        let mut tracked = tracked.clone();
        let (phase, value) = (measurement.phase, measurement.value.clone());
        tracked.measurements.push(measurement);
        tell(measuring, analysis, &tracked);
        values.push(format!("{} is {value}", tracked.metric.name));
        let why = match phase {
            Phase::Successful => continue,
            Phase::Error => unmeasured(analysis, &tracked),
            _ => breached(
                analysis,
                &format!(
                    "is {phase}: {} is {value}{}",
                    tracked.metric.name,
                    condition(&tracked.metric)
                ),
            ),
        };
        bad = bad.or(Some(why));
    }
    match bad {
        None => Ok(values.join(", ")),
        Some(breach) => Err(breach),
    }
}

/// Returns how long analyses take if nothing fails, for people.
pub(in crate::promote) fn forecast(analyses: &[Analysis], lasts: Option<Duration>) -> String {
    if let Some(lasts) = lasts {
        return format!("for {}", in_words(lasts));
    }
    let longest = (analyses.iter())
        .filter_map(|analysis| Run::new(&analysis.spec).ok()?.forecast(0))
        .max()
        .and_then(|nanoseconds| u64::try_from(nanoseconds).ok())
        .unwrap_or(0);
    format!(
        "for about {}",
        in_words(Duration::from_secs(Duration::from_nanos(longest).as_secs()))
    )
}

/// Tells whether an analysis does not end by itself.
pub(in crate::promote) fn is_endless(analysis: &Analysis) -> bool {
    Run::new(&analysis.spec).is_ok_and(|run| run.forecast(0).is_none())
}
