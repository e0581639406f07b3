//! The few methods of times and durations that are evaluated.

use super::dates::{DAY, SECOND, date, days};
use super::failure::Failure;
use super::operators::arithmetic;
use super::tree::{Binary, Node, Part};
use crate::assess::analysis::golang::to_float;
use crate::assess::analysis::value::Value;

/// Calls a method, whose types were checked.
pub(super) fn call(base: &Value, property: &Part, arguments: &[Value], at: usize) -> Result<Value, Failure> {
    let unknown = || Failure::not_evaluated(at, "this method");
    let Node::Text(name) = &property.node else {
        return Err(unknown());
    };
    let second = 1_000_000_000.0;
    Ok(match (base, &**name, arguments) {
        (Value::Time(time), "AddDate", [Value::Int(years), Value::Int(months), Value::Int(more)]) => {
            let day = i64::try_from(time.div_euclid(DAY)).map_err(|_| unknown())?;
            let (year, month, of_month) = date(day);
            let moved = days(
                year.wrapping_add(*years),
                month.wrapping_add(*months),
                of_month.wrapping_add(*more),
            );
            Value::Time(i128::from(moved) * DAY + time.rem_euclid(DAY))
        }
        (Value::Time(_), "Add", [span]) => arithmetic(Binary::Add, base, span, at)?,
        (Value::Time(_), "Sub", [other]) => arithmetic(Binary::Subtract, base, other, at)?,
        (Value::Time(time), "Truncate", [Value::Duration(span)]) if *span > 0 => {
            // Multiples are counted from the year 1.
            let since = time - i128::from(days(1, 1, 1)) * DAY;
            Value::Time(time - since.rem_euclid(i128::from(*span)))
        }
        (Value::Time(time), "Truncate" | "UTC", _) => Value::Time(*time),
        (Value::Time(time), "Unix", []) => Value::Int(i64::try_from(time.div_euclid(SECOND)).map_err(|_| unknown())?),
        (Value::Duration(span), "Hours", []) => Value::Float(to_float(*span) / second / 3600.0),
        (Value::Duration(span), "Minutes", []) => Value::Float(to_float(*span) / second / 60.0),
        (Value::Duration(span), "Seconds", []) => Value::Float(to_float(*span) / second),
        _ => return Err(unknown()),
    })
}
