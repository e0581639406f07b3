//! What can be said of a metric before anything is waited for: conditions that never work on what the query returns, and
//! metrics that count missing traffic as success.

use std::fmt;

use super::expression::{Class, Expression, FailureKind, short};
use super::measurement::{Conditions, Phase, Which, glance};
use super::template::Metric;
use super::value::{Of, Value};

/// A warning about a metric, with a form that works where one is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The metric.
    pub metric: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead: the field and its text.
    pub instead: Option<(Which, String)>,
    /// Every measurement of the metric is an error, so that the analysis cannot succeed.
    pub hopeless: bool,
}

impl fmt::Display for Advice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "metric {}: {}", self.metric, self.what)?;
        match &self.instead {
            Some((which, text)) => write!(out, " → {}: {text}", which.field()),
            None => Ok(()),
        }
    }
}

/// Says what is known of a metric whose arguments are put in. `seen` is what its query returned, if it was asked already;
/// without it, a query is taken to return a list, which all but `scalar(…)` do.
#[must_use]
pub fn advise(metric: &Metric, seen: Option<&Value>) -> Vec<Advice> {
    let list = Value::floats([]);
    let scalar = Value::Float(0.0);
    let like = match seen {
        Some(value) => value,
        None if metric.provider.web.is_some() => return Vec::new(),
        None if is_scalar(metric) => &scalar,
        None => &list,
    };
    let mut all = Vec::new();
    for (which, text) in conditions(metric) {
        all.extend(never_works(metric, which, text, like));
    }
    if all.is_empty() {
        all.extend(passes_nothing(metric, like));
    }
    all.extend(passes_failures(metric));
    all
}

fn conditions(metric: &Metric) -> impl Iterator<Item = (Which, &str)> {
    let both = [
        (Which::Success, metric.success_condition.as_str()),
        (Which::Failure, metric.failure_condition.as_str()),
    ];
    both.into_iter().filter(|(_, text)| !text.is_empty())
}

fn is_scalar(metric: &Metric) -> bool {
    let query = metric
        .provider
        .prometheus
        .as_ref()
        .map_or("", |prometheus| prometheus.query.trim());
    query.starts_with("scalar(") && query.ends_with(')')
}

/// Looks for a condition that fails whatever the numbers are.
fn never_works(metric: &Metric, which: Which, text: &str, like: &Value) -> Option<Advice> {
    let failure = match Expression::parse(text).and_then(|expression| expression.check(like)) {
        Err(failure) => failure,
        Ok(condition) => {
            // A mismatch that shows only when it runs, as with `default(result, 0)`: it fails for every number.
            let failed = |value: &Value| {
                condition
                    .glance(value)
                    .err()
                    .filter(|failure| failure.class() == Some(Class::Type))
            };
            let samples = samples(like);
            let failures: Option<Vec<_>> = samples.iter().map(failed).collect();
            failures?.into_iter().next()?
        }
    };
    if failure.kind == FailureKind::NotEvaluated {
        return None;
    }
    let returns = match like {
        Value::List(_) => "a list of numbers",
        Value::Float(_) => "one number",
        _ => "this",
    };
    let why = if failure.class() == Some(Class::Syntax) {
        "it is no expression".to_owned()
    } else {
        format!("the query returns {returns}")
    };
    Some(Advice {
        metric: metric.name.clone(),
        what: format!(
            "`{}: {}` never works, because {why}: {failure}",
            which.field(),
            short(text.trim().to_owned())
        ),
        instead: repaired(which, text, like),
        hopeless: true,
    })
}

/// Returns values of one type with numbers that are usual.
fn samples(like: &Value) -> Vec<Value> {
    let numbers = [0.0, 0.5, 1.0, 100.0];
    match like {
        Value::List(list) if list.of == Of::Floats => numbers.map(|number| Value::floats([number])).to_vec(),
        Value::Float(_) => numbers.map(Value::Float).to_vec(),
        other => vec![other.clone()],
    }
}

/// Writes a condition for the other type of result, if that is all it lacks.
fn repaired(which: Which, text: &str, like: &Value) -> Option<(Which, String)> {
    let text = text.trim();
    let other = match like {
        Value::List(_) => {
            let first = with_first(text);
            let guard = match which {
                Which::Success => format!("len(result) > 0 && ({first})"),
                Which::Failure => format!("len(result) == 0 || ({first})"),
            };
            if first == text {
                return None;
            }
            guard
        }
        Value::Float(_) => text.replace("result[0]", "result"),
        _ => return None,
    };
    let works = Expression::parse(&other)
        .and_then(|expression| expression.check(like))
        .is_ok();
    works.then_some((which, other))
}

/// Puts `result[0]` in the place of every `result` that stands alone, and of `default(result, …)`.
fn with_first(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("result") {
        out.push_str(before);
        let inside = before
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        let goes_on = after
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '[' | '.'));
        out.push_str(if inside || goes_on { "result" } else { "result[0]" });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Looks for a metric that counts no data or NaN as success.
fn passes_nothing(metric: &Metric, like: &Value) -> Option<Advice> {
    let conditions = Conditions {
        success: Some(&metric.success_condition),
        failure: Some(&metric.failure_condition),
    };
    let good = |value: &Value| glance(value, &conditions) == Ok(Phase::Successful);
    let (empty, nan) = match like {
        Value::List(_) => (good(&Value::floats([])), good(&Value::floats([f64::NAN]))),
        Value::Float(_) => (false, good(&Value::Float(f64::NAN))),
        _ => return None,
    };
    let none = metric.success_condition.is_empty() && metric.failure_condition.is_empty();
    let what = match (none, empty, nan) {
        (true, ..) => "it has no condition, so that every answer counts as success, no data included",
        (_, true, true) => "no data and NaN count as success",
        (_, true, false) => "no data counts as success",
        (_, false, true) => "NaN counts as success, which is what a rate without traffic gives",
        _ => return None,
    };
    Some(Advice {
        metric: metric.name.clone(),
        what: what.to_owned(),
        instead: guarded(metric, like),
        hopeless: false,
    })
}

/// Writes a success condition that wants data.
fn guarded(metric: &Metric, like: &Value) -> Option<(Which, String)> {
    let plain = |text: &str| text.trim().to_owned();
    let inner = if metric.success_condition.is_empty() {
        match plain(&metric.failure_condition) {
            failure if failure.is_empty() => return None,
            failure => format!("!({failure})"),
        }
    } else {
        plain(&metric.success_condition)
    };
    let text = match like {
        Value::List(_) => format!("len(result) > 0 && !isNaN(result[0]) && ({inner})"),
        _ => format!("!isNaN(result) && ({inner})"),
    };
    Expression::parse(&text)
        .and_then(|expression| expression.check(like))
        .ok()?;
    Some((Which::Success, text))
}

/// Looks for a metric that succeeds though every measurement fails.
fn passes_failures(metric: &Metric) -> Option<Advice> {
    let count = metric.effective_count()?;
    let failures = Metric::limit(metric.failure_limit.as_ref(), 0);
    let row = Metric::limit(metric.consecutive_success_limit.as_ref(), 0);
    if row > 0 || count > failures || count < 1 {
        return None;
    }
    Some(Advice {
        metric: metric.name.clone(),
        what: format!(
            "it succeeds even if all of its measurements fail, because {count} measured is not more than `failureLimit: {failures}`"
        ),
        instead: None,
        hopeless: false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::template::{Number, Prometheus, Provider};
    use super::*;

    fn metric(query: &str, success: &str, failure: &str) -> Metric {
        Metric {
            name: "m".to_owned(),
            success_condition: success.to_owned(),
            failure_condition: failure.to_owned(),
            provider: Provider {
                prometheus: Some(Prometheus {
                    query: query.to_owned(),
                    ..Prometheus::default()
                }),
                ..Provider::default()
            },
            ..Metric::default()
        }
    }

    fn said(metric: &Metric, seen: Option<&Value>) -> String {
        advise(metric, seen)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_number_s_condition_on_a_list_comes_with_one_that_works() {
        let advice = advise(&metric("sum(rate(x[5m]))", "result >= 0.95", ""), None);
        assert!(advice[0].hopeless);
        let (which, text) = advice[0].instead.clone().unwrap();
        assert_eq!(
            (which, text.as_str()),
            (Which::Success, "len(result) > 0 && (result[0] >= 0.95)")
        );
        for condition in [
            "isNaN(result) || result > 1",
            "result == 1",
            "default(result, 0) < 5",
            "success_rate > 0.9",
        ] {
            assert!(advise(&metric("up", condition, ""), None)[0].hopeless, "{condition}");
        }
        let whole = said(&metric("up", "", "result < 0.9"), None);
        assert!(
            whole.ends_with("→ failureCondition: len(result) == 0 || (result[0] < 0.9)"),
            "{whole}"
        );
    }

    #[test]
    fn a_list_s_condition_on_a_number_is_found_by_looking_or_by_the_query() {
        let result = metric("scalar(up)", "result[0] >= 0.95", "");
        assert!(said(&result, None).ends_with("→ successCondition: result >= 0.95"));
        let result = metric("up", "result[0] >= 0.95", "");
        assert_eq!(said(&result, None), "");
        assert!(said(&result, Some(&Value::Float(1.0))).contains("returns one number"));
        assert_eq!(said(&metric("scalar(up)", "result >= 0.95", ""), None), "");
    }

    #[test]
    fn metrics_that_pass_without_data_are_named() {
        for (success, failure, part) in [
            ("", "", "no condition"),
            ("all(result, # > 0.9)", "", "no data counts as success"),
            (
                "len(result) == 0 || isNaN(result[0]) || result[0] < 1",
                "",
                "no data and NaN count",
            ),
            ("", "result[0] < 0.9", "NaN counts as success"),
        ] {
            assert!(
                said(&metric("up", success, failure), None).contains(part),
                "{success} {failure}"
            );
        }
        assert_eq!(said(&metric("up", "result[0] >= 0.95", "result[0] < 0.9"), None), "");
        assert!(
            said(&metric("up", "", "result[0] < 0.9"), None)
                .ends_with("→ successCondition: len(result) > 0 && !isNaN(result[0]) && (!(result[0] < 0.9))")
        );
    }

    #[test]
    fn a_limit_that_no_failure_reaches_is_named() {
        let mut metric = metric("up", "result[0] > 1", "");
        metric.failure_limit = Some(Number::Int(3));
        assert!(said(&metric, None).contains("even if all of its measurements fail"));
        metric.count = Some(Number::Int(4));
        metric.interval = "10s".to_owned();
        assert_eq!(said(&metric, None), "");
    }
}
