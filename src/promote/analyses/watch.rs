//! Runs analyses as the controller does: measure what is due, judge, wait for what is due next.

use std::time::Duration;

use crate::assess::analysis::Phase;
use crate::assess::analysis::run::{Next, Run, Tracked};
use crate::model::{Outcome, in_words};
use crate::promote::underway::{Underway, all};

use super::taking::{Patience, Time, measure, tell};
use super::verdict::{breached, condition, unmeasured, verdict};
use super::{Analysis, Breach, Measuring};

/// The controller starts what is due a little later; a metric is due after its moment, not at it.
const TICK: Duration = Duration::from_millis(1);
/// What analyses that have no interval wait before they begin again.
const AGAIN: Duration = Duration::from_secs(10);
/// How long the last measurement can take beyond the end of a watch.
const LAST: Duration = Duration::from_secs(5);
/// How long a measurement that a promotion waits for is tried.
const ONCE: Duration = Duration::from_secs(2);

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
        // A server that gives no answer holds up the end by a moment only.
        let left = until.map(|until| until.saturating_sub(clock.now()).saturating_add(LAST));
        measure_due(measuring, analysis, &mut run, &time, left.unwrap_or(Duration::MAX)).await;
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

/// Measures what is due, side by side, within `whole`.
async fn measure_due(measuring: Measuring<'_>, analysis: &Analysis, run: &mut Run, time: &Time<'_>, whole: Duration) {
    let patience = Patience {
        tries: Duration::MAX,
        whole,
    };
    let due = run.due(time.now());
    let metrics = due.iter().filter_map(|index| run.metrics.get(*index));
    let measured = all(metrics.map(|tracked| measure(measuring, &tracked.metric, patience, time))).await;
    for (index, measurement) in due.into_iter().zip(measured) {
        run.record(index, measurement);
        if let Some(tracked) = run.metrics.get(index) {
            tell(measuring, analysis, tracked);
        }
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

/// Measures every metric of an analysis once, side by side. `Ok` says what was measured.
///
/// # Errors
/// Says which metric is not successful, or could not be measured.
pub(in crate::promote) async fn once(measuring: Measuring<'_>, analysis: &Analysis) -> Result<String, Breach> {
    let run = Run::new(&analysis.spec).map_err(|refused| breached(analysis, &format!("cannot run: {refused:?}")))?;
    let time = Time::start(measuring);
    let counting: Vec<&Tracked> = run.metrics.iter().filter(|tracked| !tracked.dry_run).collect();
    let patience = Patience {
        tries: ONCE,
        whole: Duration::MAX,
    };
    let measured = all(counting
        .iter()
        .map(|tracked| measure(measuring, &tracked.metric, patience, &time)))
    .await;
    let mut values = Vec::new();
    let mut bad = None;
    for (tracked, measurement) in counting.into_iter().zip(measured) {
        let mut tracked = tracked.clone();
        let (phase, value) = (measurement.phase, measurement.value.clone());
        let seen = measurement.message.clone();
        tracked.measurements.push(measurement);
        tell(measuring, analysis, &tracked);
        values.push(format!("{} is {value}", tracked.metric.name));
        let why = match phase {
            Phase::Successful => continue,
            Phase::Error => unmeasured(analysis, &tracked),
            _ => breached(
                analysis,
                &format!(
                    "is {phase}: {} is {value}{}{}",
                    tracked.metric.name,
                    condition(&tracked.metric),
                    if seen.is_empty() { seen } else { format!(": {seen}") }
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

/// Whether an analysis does not end by itself.
pub(in crate::promote) fn is_endless(analysis: &Analysis) -> bool {
    Run::new(&analysis.spec).is_ok_and(|run| run.forecast(0).is_none())
}
