//! What operators do with values.

use std::sync::Arc;

use super::failure::{Class, Failure};
use super::tree::Binary;
use crate::assess::analysis::golang::{to_float, to_int};
use crate::assess::analysis::value::{List, Of, Value};

fn wrong(binary: Binary, left: &Value, right: &Value, at: usize) -> Failure {
    let (left, right) = (left.type_name(), right.type_name());
    Failure::new(
        Class::Type,
        at,
        format!("`{}` does not work between {left} and {right}", binary.text()),
    )
}

/// Returns a number as a floating-point one.
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(to_float(*value)),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// Returns a number as a whole one, cut off.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Float(value) => Some(to_int(*value)),
        _ => None,
    }
}

/// Whether two values are equal. Nothing is equal to NaN, not even NaN.
#[expect(clippy::match_same_arms, reason = "one arm for each type")]
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Nil, Value::Nil) | (Value::Utc, Value::Utc) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::List(a), Value::List(b)) => equal_lists(a, b),
        (Value::Map(a), Value::Map(b)) => {
            Arc::ptr_eq(a, b)
                || a.len() == b.len()
                    && a.iter()
                        .all(|(name, value)| b.get(name).is_some_and(|other| deeply(value, other)))
        }
        #[expect(clippy::float_cmp, reason = "that is what `==` asks")]
        _ => matches!((float(left), float(right)), (Some(a), Some(b)) if a == b),
    }
}

fn equal_lists(a: &Arc<List>, b: &Arc<List>) -> bool {
    let pairs = |same: fn(&Value, &Value) -> bool| {
        a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| same(a, b))
    };
    match (a.of, b.of) {
        (Of::Any, _) | (_, Of::Any) => pairs(equal),
        (one, other) if one == other => pairs(equal),
        _ => false,
    }
}

/// Compares values inside of maps, where a number is only equal to one of its own type.
fn deeply(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            a.of == b.of && a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| deeply(a, b))
        }
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => false,
        _ => equal(a, b),
    }
}

/// Compares by size.
#[expect(clippy::match_same_arms, reason = "one arm for each type")]
pub(super) fn compare(binary: Binary, left: &Value, right: &Value, at: usize) -> Result<bool, Failure> {
    let order = match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => match (float(left), float(right)) {
            // Every comparison with NaN is false.
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => return Err(wrong(binary, left, right, at)),
        },
    };
    Ok(order.is_some_and(|order| match binary {
        Binary::Less => order.is_lt(),
        Binary::Greater => order.is_gt(),
        Binary::LessOrEqual => order.is_le(),
        _ => order.is_ge(),
    }))
}

/// Computes.
#[expect(clippy::match_same_arms, reason = "one arm for each operator and type")]
pub(super) fn arithmetic(binary: Binary, left: &Value, right: &Value, at: usize) -> Result<Value, Failure> {
    use Value::{Duration, Float, Int, Text, Time};
    let floats = || Some((float(left)?, float(right)?));
    let computed = match (binary, left, right) {
        (Binary::Modulo, Int(_), Int(0)) => {
            return Err(Failure::new(Class::Arithmetic, at, "a division by zero"));
        }
        (Binary::Modulo, Int(a), Int(b)) => Some(Int(a.wrapping_rem(*b))),
        (Binary::Modulo, ..) => None,
        (Binary::Add, Int(a), Int(b)) => Some(Int(a.wrapping_add(*b))),
        (Binary::Subtract, Int(a), Int(b)) => Some(Int(a.wrapping_sub(*b))),
        (Binary::Multiply, Int(a), Int(b)) => Some(Int(a.wrapping_mul(*b))),
        (Binary::Add, Text(a), Text(b)) => Some(Text(format!("{a}{b}").into())),
        (Binary::Add, Time(time), Duration(span)) | (Binary::Add, Duration(span), Time(time)) => {
            Some(Time(time + i128::from(*span)))
        }
        (Binary::Subtract, Time(time), Duration(span)) => Some(Time(time - i128::from(*span))),
        (Binary::Subtract, Time(a), Time(b)) => {
            let span = (a - b).clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            i64::try_from(span).ok().map(Duration)
        }
        (Binary::Add, Duration(a), Duration(b)) => Some(Duration(a.wrapping_add(*b))),
        (Binary::Subtract, Duration(a), Duration(b)) => Some(Duration(a.wrapping_sub(*b))),
        (Binary::Multiply, Duration(a), Duration(b)) => Some(Duration(a.wrapping_mul(*b))),
        (Binary::Multiply, Duration(span), Int(times)) | (Binary::Multiply, Int(times), Duration(span)) => {
            Some(Duration(span.wrapping_mul(*times)))
        }
        (Binary::Multiply, Duration(span), Float(times)) | (Binary::Multiply, Float(times), Duration(span)) => {
            Some(Duration(to_int(to_float(*span) * times)))
        }
        (Binary::Add, ..) => floats().map(|(a, b)| Float(a + b)),
        (Binary::Subtract, ..) => floats().map(|(a, b)| Float(a - b)),
        (Binary::Multiply, ..) => floats().map(|(a, b)| Float(a * b)),
        (Binary::Divide, ..) => floats().map(|(a, b)| Float(a / b)),
        (Binary::Power, ..) => floats().map(|(a, b)| Float(a.powf(b))),
        _ => None,
    };
    computed.ok_or_else(|| wrong(binary, left, right, at))
}

/// Looks for a value in a list or for a name in a map.
pub(super) fn is_in(binary: Binary, needle: &Value, list: &Value, at: usize) -> Result<bool, Failure> {
    match (list, needle) {
        (Value::Nil, _) => Ok(false),
        (Value::List(list), Value::Nil) if binary == Binary::InTexts => Ok(list
            .items
            .iter()
            .any(|item| matches!(item, Value::Text(text) if text.is_empty()))),
        (Value::List(_), needle) if binary == Binary::InTexts && !matches!(needle, Value::Text(_)) => {
            Err(Failure::new(
                Class::Other,
                at,
                format!("{} cannot be looked for among texts", needle.type_name()),
            ))
        }
        (Value::List(list), _) => Ok(list.items.iter().any(|item| equal(item, needle))),
        (Value::Map(fields), Value::Text(name)) => Ok(fields.contains_key(&**name)),
        (Value::Map(fields), Value::Nil) => Ok(fields.contains_key("")),
        _ => Err(Failure::new(
            Class::Other,
            at,
            format!("`in` does not work on {}", list.type_name()),
        )),
    }
}

/// Fetches an element or a field.
pub(super) fn fetch(base: &Value, property: &Value, at: usize) -> Result<Value, Failure> {
    let index = |length: usize| {
        let Some(wanted) = int(property) else {
            let message = format!("an element has a whole number, not {}", property.type_name());
            return Err(Failure::new(Class::Type, at, message));
        };
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let index = if wanted < 0 {
            length.wrapping_add(wanted)
        } else {
            wanted
        };
        if (0..length).contains(&index) {
            return Ok(usize::try_from(index).unwrap_or(usize::MAX));
        }
        let message = format!("there is no element {wanted}: the list has {length}");
        Err(Failure::new(Class::Index, at, message))
    };
    match (base, property) {
        (Value::List(list), _) => Ok(list.items.get(index(list.items.len())?).cloned().unwrap_or(Value::Nil)),
        (Value::Text(text), _) => {
            let byte = text.as_bytes().get(index(text.len())?);
            Ok(byte.map_or(Value::Nil, |byte| Value::Int((*byte).into())))
        }
        (Value::Map(fields), Value::Text(name)) => Ok(fields.get(&**name).cloned().unwrap_or(Value::Nil)),
        (Value::Map(fields), Value::Nil) => Ok(fields.get("").cloned().unwrap_or(Value::Nil)),
        (Value::Map(_), _) => {
            let message = format!("a field has a name, not {}", property.type_name());
            Err(Failure::new(Class::Other, at, message))
        }
        _ => {
            let message = match property {
                Value::Text(name) => format!("{} has no field `{name}`", base.type_name()),
                _ => format!("{} has no elements", base.type_name()),
            };
            Err(Failure::new(Class::Type, at, message))
        }
    }
}

/// Cuts out a part of a list or text; ends beyond it are moved to it.
pub(super) fn slice(base: &Value, from: Option<&Value>, to: Option<&Value>, at: usize) -> Result<Value, Failure> {
    let length = match base {
        Value::List(list) => list.items.len(),
        Value::Text(text) => text.len(),
        _ => {
            return Err(Failure::new(
                Class::Type,
                at,
                format!("{} has no slices", base.type_name()),
            ));
        }
    };
    let whole = i64::try_from(length).unwrap_or(i64::MAX);
    let bound = |value: Option<&Value>, otherwise: i64| {
        let Some(value) = value else { return Ok(otherwise) };
        let bound = int(value).ok_or_else(|| {
            Failure::new(
                Class::Type,
                at,
                format!("a slice ends at a whole number, not {}", value.type_name()),
            )
        })?;
        Ok(if bound < 0 { (whole + bound).max(0) } else { bound }.min(whole))
    };
    let (from, to) = (bound(from, 0)?, bound(to, whole)?);
    let (from, to) = (
        usize::try_from(from.min(to)).unwrap_or(0),
        usize::try_from(to).unwrap_or(length),
    );
    Ok(match base {
        Value::List(list) => Value::list(list.of, list.items.get(from..to).unwrap_or_default().to_vec()),
        Value::Text(text) => match text.get(from..to) {
            Some(part) => Value::text(part),
            None => return Err(Failure::not_evaluated(at, "a text that is cut inside of a character")),
        },
        _ => Value::Nil,
    })
}
