//! What the controller checks before it measures anything. The first mistake is the answer.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::resolve;
use super::expression::{self, Pattern};
use super::golang::parse_duration;
use super::problem::Problem;
use super::template::{DryRun, Metric, OTHER_PROVIDERS, Provider, Retention, Spec};

/// Checks the metrics of a run.
///
/// # Errors
/// A name occurs twice, a limit does not fit, a duration is none, or a metric is not measured in exactly one place.
pub fn metrics(metrics: &[Metric]) -> Result<(), Problem> {
    if metrics.is_empty() {
        return Err(Problem::NoMetrics);
    }
    let mut names = BTreeSet::new();
    for metric in metrics {
        if !names.insert(&metric.name) {
            return Err(Problem::DuplicateMetric(metric.name.clone()));
        }
        one(metric)?;
    }
    Ok(())
}

fn one(metric: &Metric) -> Result<(), Problem> {
    limits(metric)?;
    let name = || metric.name.clone();
    let count = Metric::limit(metric.count.as_ref(), 0);
    if count > 1 && metric.interval.is_empty() {
        return Err(Problem::IntervalRequired(name()));
    }
    if !metric.interval.is_empty() && parse_duration(&metric.interval).is_none() {
        return Err(Problem::BadInterval {
            metric: name(),
            text: metric.interval.clone(),
        });
    }
    if !metric.initial_delay.is_empty() && parse_duration(&metric.initial_delay).is_none() {
        return Err(Problem::BadDelay {
            metric: name(),
            text: metric.initial_delay.clone(),
        });
    }
    match providers(&metric.provider).len() {
        0 => Err(Problem::NoProvider(name())),
        1 => Ok(()),
        _ => Err(Problem::ManyProviders(name())),
    }
}

/// Returns the names of the providers that a metric has.
#[must_use]
pub fn providers(provider: &Provider) -> Vec<&str> {
    let mut names = Vec::new();
    names.extend(provider.prometheus.as_ref().map(|_| "prometheus"));
    names.extend(provider.web.as_ref().map(|_| "web"));
    names.extend(
        provider
            .other
            .keys()
            .map(String::as_str)
            .filter(|name| OTHER_PROVIDERS.contains(name)),
    );
    names
}

fn limits(metric: &Metric) -> Result<(), Problem> {
    let count = Metric::limit(metric.count.as_ref(), 0);
    let failure = Metric::limit(metric.failure_limit.as_ref(), 0);
    let success = Metric::limit(metric.consecutive_success_limit.as_ref(), 0);
    let inconclusive = Metric::limit(metric.inconclusive_limit.as_ref(), 0);
    let error = Metric::limit(metric.consecutive_error_limit.as_ref(), 0);
    let why = if success < 0 {
        "`consecutiveSuccessLimit` is below 0".to_owned()
    } else if failure < -1 {
        "`failureLimit` is below -1; -1 turns it off".to_owned()
    } else if success == 0 && failure == -1 {
        "`failureLimit: -1` needs a `consecutiveSuccessLimit`".to_owned()
    } else if inconclusive < 0 {
        "`inconclusiveLimit` is below 0".to_owned()
    } else if error < 0 {
        "`consecutiveErrorLimit` is below 0".to_owned()
    } else if count > 0 && failure >= 0 && count < failure.saturating_add(success) {
        format!("`count: {count}` is less than failureLimit + consecutiveSuccessLimit ({failure} + {success})")
    } else if count > 0 && failure < 0 && count < success {
        format!("`count: {count}` is less than `consecutiveSuccessLimit: {success}`")
    } else if count > 0 && count < inconclusive {
        format!("`count: {count}` is less than `inconclusiveLimit: {inconclusive}`")
    } else {
        return Ok(());
    };
    Err(Problem::Limit {
        metric: metric.name.clone(),
        why,
    })
}

/// Returns the metrics that do not count.
///
/// # Errors
/// A rule matches no metric; one that is no regular expression matches none.
pub fn dry_run(rules: &[DryRun], names: &[&str]) -> Result<BTreeSet<String>, Problem> {
    let mut dry = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        dry.extend(matching("dryRun", index, &rule.metric_name, names)?);
    }
    Ok(dry)
}

/// Returns how many measurements are kept, by metric; the last rule that matches decides.
///
/// # Errors
/// A rule matches no metric.
pub fn retention(rules: &[Retention], names: &[&str]) -> Result<BTreeMap<String, i32>, Problem> {
    let mut limits = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        for name in matching("measurementRetention", index, &rule.metric_name, names)? {
            limits.insert(name, rule.limit);
        }
    }
    Ok(limits)
}

fn matching(rule: &str, index: usize, pattern: &str, names: &[&str]) -> Result<Vec<String>, Problem> {
    let not_evaluated = |problem| match problem {
        expression::Problem::NotEvaluated(what) => Err(Problem::NotEvaluated(what)),
        expression::Problem::Invalid(_) => Ok(Vec::new()),
    };
    let matched = match Pattern::parse(pattern) {
        Err(problem) => not_evaluated(problem)?,
        Ok(pattern) => {
            let mut matched = Vec::new();
            for name in names {
                match pattern.is_in(name) {
                    Ok(true) => matched.push((*name).to_owned()),
                    Ok(false) => {}
                    Err(problem) => drop(not_evaluated(problem)?),
                }
            }
            matched
        }
    };
    if matched.is_empty() {
        return Err(Problem::MatchesNothing {
            rule: format!("{rule}[{index}]"),
            pattern: pattern.to_owned(),
        });
    }
    Ok(matched)
}

/// What an analysis is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// A step of a canary, or before and after a promotion: it must end.
    Step,
    /// Beside the steps: it may run on.
    Background,
}

/// Checks what a Rollout refuses beforehand.
///
/// # Errors
/// A metric never ends, or an argument has no value.
pub fn in_rollout(spec: &Spec, usage: Usage) -> Result<(), Problem> {
    let mut arguments = spec.args.clone();
    for argument in &mut arguments {
        if usage == Usage::Background && argument.value.is_none() && argument.value_from.is_none() {
            return Err(Problem::BackgroundArguments(argument.name.clone()));
        }
        argument.value.get_or_insert_with(|| "dummy-value".to_owned());
    }
    if usage == Usage::Background {
        return Ok(());
    }
    let resolved: Result<Vec<Metric>, Problem> =
        spec.metrics.iter().map(|metric| resolve(metric, &arguments)).collect();
    match resolved?.iter().find(|metric| metric.effective_count().is_none()) {
        Some(metric) => Err(Problem::Indefinite(metric.name.clone())),
        None => Ok(()),
    }
}
