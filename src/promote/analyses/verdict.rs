//! What the end of an analysis means for a run: it succeeded, it was breached, or its metrics could not be read.

use crate::assess::analysis::run::{Run, Tracked};
use crate::assess::analysis::template::Metric;
use crate::assess::analysis::{Phase, TroubleKind};
use crate::model::Outcome;

use super::{Analysis, Breach};

/// Holds the end of a run to what counts as success.
pub(super) fn verdict(analysis: &Analysis, run: &Run) -> Result<(), Breach> {
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
        Phase::Inconclusive => {
            let neither = counting().find(|tracked| tracked.phase == Some(Phase::Inconclusive));
            let last = neither.and_then(|tracked| {
                let last = tracked
                    .measurements
                    .iter()
                    .rfind(|one| one.phase == Phase::Inconclusive)?;
                Some(format!("; {} is {}: {}", tracked.metric.name, last.value, last.message))
            });
            let last = last.unwrap_or_default();
            Err(breached(analysis, &format!("is inconclusive: {}{last}", ended.message)))
        }
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
pub(super) fn condition(metric: &Metric) -> String {
    let failure = metric.failure_condition.trim();
    match (metric.success_condition.trim(), failure) {
        (success, "") if !success.is_empty() => format!(", and `successCondition` is `{success}`"),
        (_, failure) if !failure.is_empty() => format!(", and `failureCondition` is `{failure}`"),
        _ => String::new(),
    }
}

/// The end of an analysis that is not good.
pub(super) fn breached(analysis: &Analysis, why: &str) -> Breach {
    Breach {
        outcome: Outcome::Breached,
        reason: format!("{} {why}", analysis.label()),
        hints: Vec::new(),
    }
}

/// The end of a metric that could not be measured. A server that gives no answer says nothing about the application.
pub(super) fn unmeasured(analysis: &Analysis, tracked: &Tracked) -> Breach {
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

/// Which end a metric means that could not be measured: a server that refuses, one that gives no answer, or a query that does not work.
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
