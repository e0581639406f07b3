//! Takes one measurement: asks the server, judges the value, and says what came out.

use std::time::Duration;

use crate::assess::analysis::run::{Measurement, Tracked};
use crate::assess::analysis::template::Metric;
use crate::assess::analysis::{Conditions, Phase, Trouble, TroubleKind, Value, measurement};
use crate::metrics::Reading;
use crate::model::{Event, Timestamp, in_words};
use crate::report::{MeasurementRow, sparkline};

use super::{Analysis, Measuring};

/// How long promote waits before it asks again a server that gave no answer for a moment; twice as long each further time.
const AGAIN: Duration = Duration::from_millis(250);
/// How long a measurement without an interval is tried.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest that one measurement is tried, whatever its interval is.
const LONGEST: Duration = Duration::from_secs(30);

/// Time as analyses count it: nanoseconds since 1970, which never go back.
pub(super) struct Time<'a> {
    measuring: Measuring<'a>,
    begun: Duration,
    wall: Timestamp,
}

impl<'a> Time<'a> {
    pub(super) fn start(measuring: Measuring<'a>) -> Self {
        Self {
            measuring,
            begun: measuring.clock.now(),
            wall: measuring.clock.wall(),
        }
    }

    pub(super) fn now(&self) -> i128 {
        let passed = self.measuring.clock.now().saturating_sub(self.begun);
        self.wall.unix_nanoseconds() + i128::try_from(passed.as_nanos()).unwrap_or(0)
    }
}

/// How long one measurement of a metric is tried: half of its interval, so that the next one is on time.
fn patience(metric: &Metric) -> Duration {
    let interval = metric
        .interval_nanoseconds()
        .and_then(|interval| u64::try_from(interval).ok());
    interval.map_or(PATIENCE, |interval| (Duration::from_nanos(interval) / 2).min(LONGEST))
}

/// Whether a server that gave this answer can give another one in a moment.
fn passes(trouble: &Trouble) -> bool {
    let busy = || {
        ["502", "503", "504"]
            .iter()
            .any(|status| trouble.message.ends_with(status))
    };
    match trouble.kind {
        TroubleKind::Timeout => true,
        TroubleKind::ServerError => busy(),
        _ => false,
    }
}

/// How one measurement is bounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long a server that gives no answer is asked again, at most.
    pub(super) tries: Duration,
    /// How long all of it takes, at most.
    pub(super) whole: Duration,
}

/// Asks for a value, and asks again within the interval while the server gives no answer.
async fn asked(
    measuring: Measuring<'_>,
    metric: &Metric,
    patience: Patience,
    time: &Time<'_>,
) -> Result<Reading, Trouble> {
    tokio::select! {
        biased;
        asked = Box::pin(tried(measuring, metric, patience.tries, time)) => asked,
        () = measuring.clock.sleep(patience.whole) => {
            let whole = in_words(patience.whole);
            Err(Trouble::new(TroubleKind::Timeout, format!("no answer within {whole}")))
        }
    }
}

async fn tried(measuring: Measuring<'_>, metric: &Metric, most: Duration, time: &Time<'_>) -> Result<Reading, Trouble> {
    let clock = measuring.clock;
    let until = clock.now().saturating_add(patience(metric).min(most));
    let mut pause = AGAIN;
    loop {
        let reading = measuring.measure.measure(&metric.provider, time.now()).await;
        match reading {
            Err(trouble) if passes(&trouble) && clock.now().saturating_add(pause) < until => {
                (measuring.journal).progress(format!("metric {}: {trouble}; asking again", metric.name));
            }
            answer => return answer,
        }
        clock.sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
}

/// Takes one measurement within its bounds, and judges it.
pub(super) async fn measure(
    measuring: Measuring<'_>,
    metric: &Metric,
    patience: Patience,
    time: &Time<'_>,
) -> Measurement {
    let started = time.now();
    let reading = asked(measuring, metric, patience, time).await;
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
            message: seen(&reading.value, phase).to_owned(),
            value: reading.stored,
            class: None,
            warnings: reading.warnings,
        },
        Err(unjudged) => Measurement {
            value: reading.stored,
            warnings: reading.warnings,
            ..failed(TroubleKind::Condition.word(), unjudged.to_string())
        },
    }
}

/// Says why a measurement without an error is not good, where its value does not say it by itself.
fn seen(value: &Value, phase: Phase) -> &'static str {
    match phase {
        Phase::Successful => "",
        _ if value.is_no_data() => "the query returned no data",
        _ if value.numbers().iter().any(|number| number.is_nan()) => "the query returned NaN",
        Phase::Inconclusive => "neither `successCondition` nor `failureCondition` holds",
        _ => "",
    }
}

/// Shows the last measurement of a metric, and keeps it for the report.
pub(super) fn tell(measuring: Measuring<'_>, analysis: &Analysis, tracked: &Tracked) {
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
