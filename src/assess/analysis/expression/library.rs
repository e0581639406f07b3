//! The functions without a predicate.

use super::budget::{Budget, read};
use super::evaluate::Machine;
use super::failure::{Class, Failure};
use super::operators::{compare, equal, fetch, float, int};
use super::tree::Binary;
use super::{dates, rare, texts};
use crate::assess::analysis::golang::{parse_duration, parse_float, parse_int, to_float};
use crate::assess::analysis::value::{Of, Value};

/// Calls a function that the controller puts beside `result`.
pub(super) fn of_the_controller(
    machine: &mut Machine<'_>,
    name: &str,
    arguments: Vec<Value>,
    at: usize,
) -> Result<Value, Failure> {
    let result = machine.result;
    let mut arguments = arguments.into_iter();
    let first = arguments.next().unwrap_or(Value::Nil);
    let unsupported = |value: &Value| {
        let message = format!("`{name}` does not take {}", value.type_name());
        Failure::new(Class::Conversion, at, message)
    };
    let number = |value: &Value| match value {
        Value::Float(value) => Ok(*value),
        other => {
            let message = format!("`{name}` takes a number, not {}", other.type_name());
            Err(Failure::new(Class::Type, at, message))
        }
    };
    if let Value::Text(text) = &first {
        machine.budget.work(read(text.len()), at)?;
    }
    let unreadable = |text: &str| Failure::new(Class::Conversion, at, format!("`{name}` cannot read \"{text}\""));
    Ok(match (name, &first) {
        ("isNaN", value) => Value::Bool(number(value)?.is_nan()),
        ("isInf", value) => Value::Bool(number(value)?.is_infinite()),
        // Both look at the result, whatever they are given.
        ("isNil", _) => Value::Bool(matches!(result, Value::Nil)),
        ("default", _) => match result {
            Value::Nil => arguments.next().unwrap_or(Value::Nil),
            result => result.clone(),
        },
        ("asInt", Value::Text(text)) => Value::Int(parse_int(text).ok_or_else(|| unreadable(text))?),
        ("asFloat", Value::Text(text)) => Value::Float(parse_float(text).ok_or_else(|| unreadable(text))?),
        ("asInt", value) => Value::Int(int(value).ok_or_else(|| unsupported(value))?),
        ("asFloat", value) => Value::Float(float(value).ok_or_else(|| unsupported(value))?),
        _ => return Err(Failure::not_evaluated(at, format_args!("the function `{name}`"))),
    })
}

/// Calls a function of the language.
#[expect(clippy::too_many_lines, reason = "one arm for each function")]
pub(super) fn call(machine: &mut Machine<'_>, name: &str, arguments: &[Value], at: usize) -> Result<Value, Failure> {
    let first = arguments.first().unwrap_or(&Value::Nil);
    let wrong = |class| Failure::new(class, at, format!("`{name}` does not take {}", first.type_name()));
    let count = |length: usize| Value::Int(i64::try_from(length).unwrap_or(i64::MAX));
    for argument in arguments {
        if let Value::Text(text) = argument {
            machine.budget.work(read(text.len()), at)?;
        }
    }
    Ok(match name {
        "len" => match first {
            Value::List(list) => count(list.items.len()),
            Value::Map(fields) => count(fields.len()),
            Value::Text(text) => count(text.chars().count()),
            _ => return Err(wrong(Class::Type)),
        },
        "abs" => match first {
            Value::Int(value) => Value::Int(value.wrapping_abs()),
            Value::Float(value) if *value < 0.0 => Value::Float(-value),
            Value::Float(value) => Value::Float(*value),
            _ => return Err(wrong(Class::Type)),
        },
        "ceil" => Value::Float(float(first).ok_or_else(|| wrong(Class::Type))?.ceil()),
        "floor" => Value::Float(float(first).ok_or_else(|| wrong(Class::Type))?.floor()),
        "round" => Value::Float(float(first).ok_or_else(|| wrong(Class::Type))?.round()),
        "int" => match first {
            Value::Text(text) => Value::Int(parse_int(text).ok_or_else(|| wrong(Class::Type))?),
            Value::Duration(span) => Value::Int(*span),
            value => Value::Int(int(value).ok_or_else(|| wrong(Class::Type))?),
        },
        "float" => match first {
            Value::Text(text) => Value::Float(parse_float(text).ok_or_else(|| wrong(Class::Type))?),
            value => Value::Float(float(value).ok_or_else(|| wrong(Class::Type))?),
        },
        "string" => match shown(&mut machine.budget, first, at)? {
            Some(text) => {
                machine.budget.text(text.len(), at)?;
                Value::text(&text)
            }
            None => {
                return Err(Failure::not_evaluated(
                    at,
                    format_args!("a text made of {}", first.type_name()),
                ));
            }
        },
        "max" | "min" => {
            for argument in arguments {
                machine.budget.weigh(argument, at)?;
            }
            extreme(name, arguments, at)?
        }
        "mean" | "median" => {
            let mut numbers = Vec::new();
            for argument in arguments {
                let weight = machine.budget.weigh(argument, at)?;
                machine
                    .budget
                    .hold(weight.values.saturating_mul(size_of::<f64>()), at)?;
                gather(name, argument, &mut numbers, at)?;
            }
            Value::Float(if name == "mean" {
                mean(&numbers)
            } else {
                median(numbers)
            })
        }
        "first" => fetch(first, &Value::Int(0), at).unwrap_or(Value::Nil),
        "last" => fetch(first, &Value::Int(-1), at).unwrap_or(Value::Nil),
        "get" => get(first, arguments.get(1).unwrap_or(&Value::Nil), at)?,
        "now" => Value::Time(machine.now),
        "duration" => match first {
            Value::Text(text) => Value::Duration(parse_duration(text).ok_or_else(|| {
                Failure::new(
                    Class::Conversion,
                    at,
                    format!("\"{text}\" is no duration, as \"1h30m\" is one"),
                )
            })?),
            _ => return Err(wrong(Class::Type)),
        },
        "date" => dates::read(arguments, at)?,
        "type" => Value::text(type_of(first)),
        "keys" | "values" => {
            if let Value::Map(fields) = first {
                machine
                    .budget
                    .pieces(fields.len(), fields.keys().map(String::len).sum(), at)?;
            }
            rare::parts(name, first, at)?
        }
        "sort" => {
            let Value::List(list) = first else {
                // What cannot be sorted is taken for an empty list.
                return Ok(Value::list(Of::Any, Vec::new()));
            };
            let keys = list.items.clone();
            let sorted = rare::sort(&mut machine.budget, list.items.clone(), keys, arguments.get(1), at)?;
            if let Value::List(list) = &sorted {
                machine.budget.make(list.items.len(), at)?;
            }
            sorted
        }
        "toJSON" | "fromJSON" | "toBase64" | "fromBase64" | "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl"
        | "bitshr" | "bitushr" | "bitnot" | "timezone" => rare::call(&mut machine.budget, name, arguments, at)?,
        "take" | "concat" | "reverse" | "uniq" | "flatten" => {
            let list = lists(&mut machine.budget, name, arguments, at)?;
            if let Value::List(list) = &list
                && matches!(name, "concat" | "reverse" | "flatten")
            {
                machine.budget.make(list.items.len(), at)?;
            }
            list
        }
        _ => {
            let text = texts::call(&mut machine.budget, name, arguments, at)?;
            if let (Value::Text(text), "repeat") = (&text, name) {
                machine.budget.make(text.len(), at)?;
            }
            text
        }
    })
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "map",
        Value::Time(_) => "time.Time",
        Value::Duration(_) => "time.Duration",
        Value::Utc => "unknown",
        Value::Function => "func",
    }
}

/// Returns the greatest or smallest number; a NaN that comes first stays, a later one is passed over.
fn extreme(name: &str, arguments: &[Value], at: usize) -> Result<Value, Failure> {
    let binary = if name == "max" { Binary::Less } else { Binary::Greater };
    let wrong = |value: &Value| Failure::new(Class::Type, at, format!("`{name}` does not take {}", value.type_name()));
    let mut best: Option<Value> = None;
    for argument in arguments {
        let candidates = match argument {
            Value::List(list) => {
                let mut candidates = Vec::new();
                for item in &list.items {
                    let value = extreme(name, std::slice::from_ref(item), at)?;
                    if float(&value).is_none() {
                        return Err(wrong(&value));
                    }
                    candidates.push(value);
                }
                candidates
            }
            value if float(value).is_some() => vec![value.clone()],
            value if arguments.len() == 1 => return Ok(value.clone()),
            value => return Err(wrong(value)),
        };
        for candidate in candidates {
            let better = match &best {
                None => true,
                Some(best) => compare(binary, best, &candidate, at)?,
            };
            if better {
                best = Some(candidate);
            }
        }
    }
    Ok(best.unwrap_or(Value::Nil))
}

fn gather(name: &str, value: &Value, numbers: &mut Vec<f64>, at: usize) -> Result<(), Failure> {
    match value {
        Value::List(list) => list.items.iter().try_for_each(|item| gather(name, item, numbers, at)),
        Value::Duration(span) => {
            numbers.push(to_float(*span));
            Ok(())
        }
        value => {
            let message = || Failure::new(Class::Type, at, format!("`{name}` does not take {}", value.type_name()));
            numbers.push(float(value).ok_or_else(message)?);
            Ok(())
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no list has 2^52 elements")]
fn mean(numbers: &[f64]) -> f64 {
    if numbers.is_empty() {
        0.0
    } else {
        numbers.iter().sum::<f64>() / numbers.len() as f64
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    // NaN comes before every number.
    numbers.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
    let middle = numbers.len() / 2;
    match (
        numbers.get(middle),
        middle.checked_sub(1).and_then(|before| numbers.get(before)),
    ) {
        (Some(after), Some(before)) if numbers.len().is_multiple_of(2) => f64::midpoint(*before, *after),
        (Some(value), _) => *value,
        _ => 0.0,
    }
}

fn get(base: &Value, property: &Value, at: usize) -> Result<Value, Failure> {
    match (base, fetch(base, property, at)) {
        (Value::Nil, _) => Ok(Value::Nil),
        (Value::List(_) | Value::Text(_) | Value::Map(_), Err(failure)) => match failure.class() {
            Some(Class::Index) => Ok(Value::Nil),
            _ => Err(failure),
        },
        (_, fetched) => Ok(fetched.unwrap_or(Value::Nil)),
    }
}

/// Prints a value as the controller does, once there is room for it.
fn shown(budget: &mut Budget, value: &Value, at: usize) -> Result<Option<String>, Failure> {
    let weight = budget.weigh(value, at)?;
    budget.hold(weight.printed, at)?;
    Ok(value.shown())
}

#[expect(clippy::too_many_lines, reason = "one arm for each function")]
fn lists(budget: &mut Budget, name: &str, arguments: &[Value], at: usize) -> Result<Value, Failure> {
    let mut all = Vec::new();
    for argument in arguments {
        match argument {
            Value::List(list) => all.push(list),
            Value::Int(_) | Value::Float(_) if name == "take" && all.len() == 1 => {}
            other => {
                let message = format!("`{name}` does not take {}", other.type_name());
                return Err(Failure::new(Class::Other, at, message));
            }
        }
    }
    let Some(first) = all.first() else {
        return Err(Failure::new(Class::Other, at, format!("`{name}` takes a list")));
    };
    Ok(match name {
        "take" => {
            let wanted = arguments.get(1).and_then(|value| {
                if let Value::Int(value) = value {
                    Some(*value)
                } else {
                    None
                }
            });
            let Some(length) = wanted.and_then(|wanted| usize::try_from(wanted).ok()) else {
                return Err(Failure::new(
                    Class::Other,
                    at,
                    "`take` takes a whole number of elements",
                ));
            };
            budget.list(length.min(first.items.len()), at)?;
            Value::list(first.of, first.items.iter().take(length).cloned().collect())
        }
        "concat" => {
            for list in &all {
                budget.list(list.items.len(), at)?;
            }
            let items = all.iter().flat_map(|list| list.items.iter().cloned());
            Value::list(Of::Any, items.collect())
        }
        "reverse" => {
            budget.list(first.items.len(), at)?;
            Value::list(Of::Any, first.items.iter().rev().cloned().collect())
        }
        "uniq" => {
            let mut kept: Vec<Value> = Vec::new();
            budget.list(first.items.len(), at)?;
            for item in &first.items {
                let weight = budget.weigh(item, at)?;
                budget.work(weight.steps.saturating_mul(kept.len()), at)?;
                if !kept.iter().any(|known| equal(item, known)) {
                    kept.push(item.clone());
                }
            }
            Value::list(Of::Any, kept)
        }
        _ => {
            for item in &first.items {
                let weight = budget.weigh(item, at)?;
                budget.list(weight.values, at)?;
            }
            let mut flat = Vec::new();
            flatten(&first.items, &mut flat);
            Value::list(Of::Any, flat)
        }
    })
}

fn flatten(items: &[Value], flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::List(list) => flatten(&list.items, flat),
            other => flat.push(other.clone()),
        }
    }
}
