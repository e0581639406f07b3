//! Conditions and times.

use promote_action::assess::analysis::expression::{self, Failure};
use promote_action::assess::analysis::{Conditions, Value, measurement};
use serde_json::Value as Json;

use super::{Answer, Case};

/// A moment that is no whole minute, hour or day.
const NOW: i128 = 1_767_262_830_250_000_000;

/// Reads a result with its type named.
pub(crate) fn result(json: &Json) -> Value {
    let value = &json["value"];
    match json["type"].as_str() {
        Some("float") => Value::Float(number(value)),
        Some("floats") => Value::floats(value.as_array().into_iter().flatten().map(number)),
        Some("string") => Value::text(value.as_str().unwrap()),
        Some("bool") => Value::Bool(value.as_bool().unwrap()),
        Some("json") => Value::from_json(value),
        _ => Value::Nil,
    }
}

/// Reads a number, or the text for one that JSON does not have.
pub(crate) fn number(json: &Json) -> f64 {
    match json.as_str() {
        Some("NaN") => f64::NAN,
        Some("+Inf") => f64::INFINITY,
        Some("-Inf") => f64::NEG_INFINITY,
        _ => json.as_f64().unwrap(),
    }
}

fn failed(failure: &Failure) -> Result<String, Answer> {
    match failure.class() {
        Some(class) => Ok(format!("error {}", class.word())),
        None => Err(Answer::NotEvaluated(failure.to_string())),
    }
}

/// Runs a case.
pub(super) fn answer(case: &Case) -> Answer {
    outcome(case).unwrap_or_else(|answer| answer)
}

fn outcome(case: &Case) -> Result<Answer, Answer> {
    let (input, expected) = (&case.input, &case.expected);
    let text = |name: &str| expected[name].as_str().unwrap_or_default();
    let condition = input["condition"].as_str().unwrap_or_default();
    let (is, should) = match input["op"].as_str() {
        Some("condition") => {
            let is = match expression::holds(condition, &result(&input["result"]), NOW) {
                Ok(holds) => holds.to_string(),
                Err(failure) => failed(&failure)?,
            };
            (is, text("outcome"))
        }
        Some("time") => {
            let is = match expression::time(condition, NOW) {
                Ok(time) if condition.contains("now()") => {
                    let seconds = (time - NOW).div_euclid(1_000_000_000);
                    format!("now{seconds:+}s")
                }
                Ok(time) => rfc3339(time),
                Err(failure) => failed(&failure)?,
            };
            (is, text("outcome"))
        }
        Some("measure") => {
            let conditions = Conditions {
                success: input["success_condition"].as_str(),
                failure: input["failure_condition"].as_str(),
            };
            let is = match measurement::judge(&result(&input["result"]), &conditions, NOW) {
                Ok(phase) => phase.to_string(),
                Err(unjudged) => format!("Error {}", failed(&unjudged.failure)?.trim_start_matches("error ")),
            };
            (is, text("phase"))
        }
        other => return Ok(Answer::Different(format!("unknown op {other:?}"))),
    };
    let should = match expected["class"].as_str() {
        Some(class) => format!("{should} {class}"),
        None => should.to_owned(),
    };
    Ok(Answer::of(&is, &should))
}

/// Prints a time as Go does, with a fraction only if there is one.
fn rfc3339(time: i128) -> String {
    let seconds = time.div_euclid(1_000_000_000);
    let nanoseconds = time.rem_euclid(1_000_000_000);
    let whole = promote_action::model::Timestamp::at_unix(u64::try_from(seconds).unwrap()).to_string();
    if nanoseconds == 0 {
        return whole;
    }
    let fraction = format!("{nanoseconds:09}");
    whole.replace('Z', &format!(".{}Z", fraction.trim_end_matches('0')))
}

#[test]
fn an_element_of_a_range_is_of_any_type() {
    let lists = result(&serde_json::json!({"type": "floats", "value": [1, 2]}));
    for condition in [
        "last(1..3) not in map(result, result)",
        "first(1..3) not in map(result, result)",
    ] {
        assert!(
            matches!(expression::holds(condition, &lists, NOW), Ok(true)),
            "{condition}"
        );
    }
}
