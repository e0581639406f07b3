//! One measurement: a value held against the conditions of its metric.

use std::fmt;

use super::expression::{self, Class, Failure};
use super::value::Value;

/// How a measurement, a metric or a run stands, in the controller's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not decided yet.
    Running,
    /// Good.
    Successful,
    /// Neither good nor bad.
    Inconclusive,
    /// It could not be measured or judged.
    Error,
    /// Bad.
    Failed,
}

impl Phase {
    /// Returns the controller's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Successful => "Successful",
            Self::Inconclusive => "Inconclusive",
            Self::Error => "Error",
            Self::Failed => "Failed",
        }
    }

    /// Whether it stays so.
    #[must_use]
    pub fn is_final(self) -> bool {
        self != Self::Running
    }

    /// Returns how bad it is; the worst metric decides a run.
    #[must_use]
    pub(super) fn badness(self) -> u8 {
        match self {
            Self::Running => 0,
            Self::Successful => 1,
            Self::Inconclusive => 2,
            Self::Error => 3,
            Self::Failed => 4,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Which condition of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// `successCondition`.
    Success,
    /// `failureCondition`.
    Failure,
}

impl Which {
    /// Returns the name of the field.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Success => "successCondition",
            Self::Failure => "failureCondition",
        }
    }
}

/// Why a value could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// The condition that failed.
    pub which: Which,
    /// Its text.
    pub condition: String,
    /// What failed.
    pub failure: Failure,
}

impl fmt::Display for Unjudged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, condition) = (self.which.field(), expression::short(self.condition.trim().to_owned()));
        write!(
            formatter,
            "{field} `{condition}` could not be evaluated: {}",
            self.failure
        )
    }
}

/// The conditions of a metric. An empty text counts as none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// `successCondition`.
    pub success: Option<&'a str>,
    /// `failureCondition`.
    pub failure: Option<&'a str>,
}

/// Judges a value. `now` is in nanoseconds since 1970.
///
/// Without conditions every value is good. With one, the other is its opposite. With both, failure wins, and neither is
/// inconclusive.
///
/// # Errors
/// A condition could not be evaluated: the measurement is an Error, unless `promote` alone does not evaluate it.
pub fn judge(value: &Value, conditions: &Conditions<'_>, now: i128) -> Result<Phase, Unjudged> {
    judged(value, conditions, |text| expression::holds(text, value, now))
}

/// Tries conditions out on a value, with a part of the work that an evaluation may be.
///
/// # Errors
/// As [`judge`]; and where that is not enough.
pub(super) fn glance(value: &Value, conditions: &Conditions<'_>) -> Result<Phase, Unjudged> {
    judged(value, conditions, |text| expression::glance(text, value))
}

fn judged(
    value: &Value,
    conditions: &Conditions<'_>,
    holds: impl Fn(&str) -> Result<bool, Failure>,
) -> Result<Phase, Unjudged> {
    let success = condition(Which::Success, conditions.success, value, &holds)?;
    let failure = condition(Which::Failure, conditions.failure, value, &holds)?;
    Ok(match (success, failure) {
        (None | Some(true), None | Some(false)) => Phase::Successful,
        (_, Some(true)) | (Some(false), None) => Phase::Failed,
        (Some(false), Some(false)) => Phase::Inconclusive,
    })
}

fn condition(
    which: Which,
    text: Option<&str>,
    value: &Value,
    holds: impl Fn(&str) -> Result<bool, Failure>,
) -> Result<Option<bool>, Unjudged> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    holds(text).map(Some).map_err(|failure| {
        // Whatever is wrong with a condition, without data the answer is that there is none.
        let no_data = value.is_no_data() && failure.class().is_some();
        Unjudged {
            which,
            condition: text.to_owned(),
            failure: if no_data {
                Failure {
                    kind: expression::FailureKind::Controller(Class::NoData),
                    at: failure.at,
                    message: format!("the query returned no data, and {}", failure.message),
                }
            } else {
                failure
            },
        }
    })
}
