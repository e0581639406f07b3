//! Functions that hardly any condition uses: sorting, JSON, Base64, bits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::budget::{Budget, read};
use super::failure::{Class, Failure};
use super::operators::compare;
use super::tree::Binary;
use crate::assess::analysis::value::{Of, Value};

/// What a value takes while it is JSON and a value of an expression, too.
const OF_JSON: usize = 2 * size_of::<Value>() + size_of::<serde_json::Value>();

/// Up to this many elements the controller's sort keeps the order of equal ones.
const STABLE: usize = 12;

/// Sorts items by their keys, `asc` or `desc`.
pub(super) fn sort(
    budget: &mut Budget,
    items: Vec<Value>,
    keys: Vec<Value>,
    order: Option<&Value>,
    at: usize,
) -> Result<Value, Failure> {
    let descending = match order {
        None => false,
        Some(Value::Text(order)) if &**order == "asc" => false,
        Some(Value::Text(order)) if &**order == "desc" => true,
        Some(Value::Text(order)) => {
            let message = format!("the order is `asc` or `desc`, not `{order}`");
            return Err(Failure::new(Class::Other, at, message));
        }
        Some(other) => {
            let message = format!("the order is a text, not {}", other.type_name());
            return Err(Failure::new(Class::Type, at, message));
        }
    };
    let before = |a: &Value, b: &Value| {
        if descending {
            compare(Binary::Less, b, a, at)
        } else {
            compare(Binary::Less, a, b, at)
        }
    };
    if keys.len() > STABLE {
        return Err(Failure::not_evaluated(at, "the sorting of more than 12 elements"));
    }
    budget.list(items.len(), at)?;
    for key in &keys {
        if let Value::Text(text) = key {
            budget.work(read(text.len()).saturating_mul(STABLE), at)?;
        }
    }
    let mut pairs: Vec<(Value, Value)> = keys.into_iter().zip(items).collect();
    for start in 1..pairs.len() {
        let mut place = start;
        while let Some(earlier) = place.checked_sub(1)
            && let (Some((key, _)), Some((other, _))) = (pairs.get(place), pairs.get(earlier))
            && before(key, other)?
        {
            pairs.swap(place, earlier);
            place = earlier;
        }
    }
    Ok(Value::list(Of::Any, pairs.into_iter().map(|(_, item)| item).collect()))
}

/// Returns the names or the values of a map. The controller has them in no order.
pub(super) fn parts(name: &str, value: &Value, at: usize) -> Result<Value, Failure> {
    let Value::Map(fields) = value else {
        let message = format!("`{name}` does not take {}", value.type_name());
        return Err(Failure::new(Class::Other, at, message));
    };
    let parts = match name {
        "keys" => fields.keys().map(|name| Value::text(name)).collect(),
        _ => fields.values().cloned().collect(),
    };
    Ok(Value::list(Of::Any, parts))
}

/// Counts what the elements of a text in JSON take once they are read.
fn elements(budget: &mut Budget, text: &str, at: usize) -> Result<(), Failure> {
    let (mut elements, mut names) = (1_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b'[' if !quoted => elements += 1,
            b'{' if !quoted => names += 11,
            b':' if !quoted => names += 1,
            _ => {}
        }
    }
    budget.work(text.len(), at)?;
    let bytes = elements.saturating_add(names.saturating_mul(2)).saturating_mul(OF_JSON);
    budget.hold(bytes.saturating_add(text.len()), at)
}

/// Calls any other one.
#[expect(clippy::too_many_lines, reason = "one arm for each function")]
pub(super) fn call(budget: &mut Budget, name: &str, arguments: &[Value], at: usize) -> Result<Value, Failure> {
    let wrong = |value: &Value| Failure::new(Class::Type, at, format!("`{name}` does not take {}", value.type_name()));
    let other = |why: &str| Failure::new(Class::Other, at, format!("`{name}`: {why}"));
    let bits = |index: usize| match arguments.get(index) {
        Some(Value::Int(value)) => Ok(*value),
        value => Err(wrong(value.unwrap_or(&Value::Nil))),
    };
    let shift = |left: bool| {
        let (value, by) = (bits(0)?, bits(1)?);
        let by = u32::try_from(by).map_err(|_| Failure::new(Class::Type, at, "a shift by less than nothing"))?;
        Ok::<_, Failure>(if left {
            value.checked_shl(by).unwrap_or(0)
        } else {
            value >> by.min(63)
        })
    };
    let first = arguments.first().unwrap_or(&Value::Nil);
    Ok(match (name, first) {
        ("bitand", _) => Value::Int(bits(0)? & bits(1)?),
        ("bitor", _) => Value::Int(bits(0)? | bits(1)?),
        ("bitxor", _) => Value::Int(bits(0)? ^ bits(1)?),
        ("bitnand", _) => Value::Int(bits(0)? & !bits(1)?),
        ("bitshl", _) => Value::Int(shift(true)?),
        ("bitshr", _) => Value::Int(shift(false)?),
        ("bitushr", _) => {
            let by =
                u32::try_from(bits(1)?).map_err(|_| Failure::new(Class::Type, at, "a shift by less than nothing"))?;
            Value::Int(bits(0)?.cast_unsigned().checked_shr(by).unwrap_or(0).cast_signed())
        }
        ("bitnot", _) => Value::Int(!bits(0)?),
        ("toJSON", value) => {
            let weight = budget.weigh(value, at)?;
            budget.hold(weight.values.saturating_mul(OF_JSON).saturating_add(weight.printed), at)?;
            let numbers = value.numbers();
            if numbers.iter().any(|number| !number.is_finite()) {
                return Err(other("JSON has no NaN and no infinity"));
            }
            let json = value.json();
            let text = serde_json::to_string_pretty(&json).map_err(|error| other(&error.to_string()))?;
            budget.text(text.len(), at)?;
            Value::text(&text)
        }
        ("fromJSON", Value::Text(text)) => {
            elements(budget, text, at)?;
            let json: serde_json::Value = serde_json::from_str(text).map_err(|error| other(&error.to_string()))?;
            Value::from_json(&json)
        }
        ("toBase64", Value::Text(text)) => {
            budget.text(text.len().div_ceil(3).saturating_mul(4), at)?;
            Value::text(&STANDARD.encode(text.as_bytes()))
        }
        ("fromBase64", Value::Text(text)) => {
            budget.text(text.len(), at)?;
            let bytes = STANDARD
                .decode(text.as_bytes())
                .map_err(|error| other(&error.to_string()))?;
            match String::from_utf8(bytes) {
                Ok(text) => Value::text(&text),
                Err(_) => return Err(Failure::not_evaluated(at, "a text that is not UTF-8")),
            }
        }
        ("timezone", Value::Text(zone)) if matches!(&**zone, "UTC" | "") => Value::Utc,
        ("timezone", Value::Text(zone)) => {
            return Err(Failure::not_evaluated(at, format_args!("the time zone \"{zone}\"")));
        }
        (_, value) => return Err(wrong(value)),
    })
}
