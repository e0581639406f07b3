//! What is wrong with a template before anything is measured.

use std::fmt;

/// What is wrong with a template, its arguments, or how its parts fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A tag that names no argument.
    Unresolved(String),
    /// An argument without a value.
    NotSupplied(String),
    /// A field of another type, or a value that spoils the metric.
    BadJson(String),
    /// One argument with two values.
    ArgumentConflict {
        /// The argument.
        name: String,
        /// Its first value.
        first: String,
        /// Its second value.
        second: String,
    },
    /// Two metrics of one name.
    DuplicateMetric(String),
    /// Two rules of one name.
    DuplicateRule(String),
    /// A rule for metrics that there are not.
    MatchesNothing {
        /// `dryRun` or `measurementRetention`, and its number.
        rule: String,
        /// The regular expression.
        pattern: String,
    },
    /// A rule that is not evaluated here.
    NotEvaluated(String),
    /// A template that is not there.
    NotFound(String),
    /// No metrics at all.
    NoMetrics,
    /// A limit that is out of range or does not fit another one.
    Limit {
        /// The metric.
        metric: String,
        /// What is wrong.
        why: String,
    },
    /// Several measurements without a time between them.
    IntervalRequired(String),
    /// An interval that is no duration.
    BadInterval {
        /// The metric.
        metric: String,
        /// The text.
        text: String,
    },
    /// A delay that is no duration.
    BadDelay {
        /// The metric.
        metric: String,
        /// The text.
        text: String,
    },
    /// A metric that is measured nowhere.
    NoProvider(String),
    /// A metric that is measured in several places.
    ManyProviders(String),
    /// A metric that never ends where one must.
    Indefinite(String),
    /// A background analysis without a value for an argument.
    BackgroundArguments(String),
}

impl Problem {
    /// Returns the word for it in reports.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "unresolved",
            Self::NotSupplied(_) => "not_supplied",
            Self::BadJson(_) => "bad_json",
            Self::ArgumentConflict { .. } => "arg_conflict",
            Self::DuplicateMetric(_) => "duplicate_metric",
            Self::DuplicateRule(_) => "duplicate_rule",
            Self::MatchesNothing { .. } => "rule_matches_nothing",
            Self::NotEvaluated(_) => "not_evaluated",
            Self::NotFound(_) => "not_found",
            Self::NoMetrics => "no_metrics",
            Self::Limit { .. } => "limit",
            Self::IntervalRequired(_) => "interval_required",
            Self::BadInterval { .. } => "bad_interval",
            Self::BadDelay { .. } => "bad_delay",
            Self::NoProvider(_) => "no_provider",
            Self::ManyProviders(_) => "many_providers",
            Self::Indefinite(_) => "indefinite",
            Self::BackgroundArguments(_) => "background_args",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(tag) => write!(out, "{tag} names no argument of the template"),
            Self::NotSupplied(name) | Self::BackgroundArguments(name) => {
                write!(out, "the argument {name} has no value")
            }
            Self::BadJson(why) => out.write_str(why),
            Self::ArgumentConflict { name, first, second } => {
                write!(
                    out,
                    "the argument {name} has two default values: `{first}` and `{second}`"
                )
            }
            Self::DuplicateMetric(name) => write!(out, "two metrics have the name {name}"),
            Self::DuplicateRule(name) => write!(out, "two rules have the name {name}"),
            Self::MatchesNothing { rule, pattern } => write!(out, "{rule}: `{pattern}` matches no metric"),
            Self::NotEvaluated(what) => write!(out, "promote does not evaluate {what}"),
            Self::NotFound(name) => write!(out, "the template {name} is not in the file"),
            Self::NoMetrics => out.write_str("the template has no metrics"),
            Self::Limit { metric, why } => write!(out, "metric {metric}: {why}"),
            Self::IntervalRequired(metric) => write!(out, "metric {metric}: `count` above 1 needs an `interval`"),
            Self::BadInterval { metric, text } => {
                write!(
                    out,
                    "metric {metric}: `interval: {text}` is no duration such as `30s` or `5m`"
                )
            }
            Self::BadDelay { metric, text } => {
                write!(
                    out,
                    "metric {metric}: `initialDelay: {text}` is no duration such as `30s` or `5m`"
                )
            }
            Self::NoProvider(metric) => write!(out, "metric {metric} has no provider"),
            Self::ManyProviders(metric) => write!(out, "metric {metric} has more than one provider"),
            Self::Indefinite(metric) => write!(out, "metric {metric} never ends: it has an `interval` and no `count`"),
        }
    }
}
