//! Functions that ask a predicate about each element of a list.

use super::evaluate::{Machine, Scope, Stop, truth};
use super::failure::{Class, Failure};
use super::operators::arithmetic;
use super::rare;
use super::tree::{Binary, Builtin, Part};
use crate::assess::analysis::value::{Of, Value};

/// Calls one.
pub(super) fn call(machine: &mut Machine<'_>, builtin: &Builtin, at: usize) -> Result<Value, Stop> {
    let (first, others) = (
        builtin.arguments.first(),
        builtin.arguments.get(1..).unwrap_or_default(),
    );
    let list = match first {
        Some(part) => machine.value(part)?,
        None => Value::Nil,
    };
    let items = elements(&list, at)?;
    let predicate = others.first();
    machine.scopes.push(Scope {
        element: Value::Nil,
        index: 0,
        accumulator: Value::Nil,
    });
    let value = of(machine, builtin, &items, predicate, others.get(1), at);
    machine.scopes.pop();
    let value = value?;
    if let Value::List(list) = &value {
        machine.make(list.items.len(), at)?;
    }
    Ok(value)
}

fn elements(list: &Value, at: usize) -> Result<Vec<Value>, Failure> {
    match list {
        Value::List(list) => Ok(list.items.clone()),
        Value::Text(text) => Ok(text.bytes().map(|byte| Value::Int(byte.into())).collect()),
        Value::Map(fields) if fields.is_empty() => Ok(Vec::new()),
        other => {
            let message = format!("{} has no elements", other.type_name());
            Err(Failure::new(Class::Type, at, message))
        }
    }
}

/// Asks the predicate about an element; without one, the element is the answer.
fn ask(machine: &mut Machine<'_>, predicate: Option<&Part>, index: usize, item: &Value) -> Result<Value, Stop> {
    if let Some(scope) = machine.scopes.last_mut() {
        scope.element = item.clone();
        scope.index = index;
    }
    match predicate {
        Some(part) => machine.value(part),
        None => Ok(item.clone()),
    }
}

fn of(
    machine: &mut Machine<'_>,
    builtin: &Builtin,
    items: &[Value],
    predicate: Option<&Part>,
    third: Option<&Part>,
    at: usize,
) -> Result<Value, Stop> {
    let place = predicate.map_or(at, |part| part.at);
    match builtin.name {
        "all" | "none" | "any" => {
            let ends = builtin.name != "all";
            for (index, item) in items.iter().enumerate() {
                if truth(&ask(machine, predicate, index, item)?, place)? == ends {
                    return Ok(Value::Bool(builtin.name == "any"));
                }
            }
            Ok(Value::Bool(builtin.name != "any"))
        }
        "map" => {
            let mut mapped = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                mapped.push(ask(machine, predicate, index, item)?);
            }
            Ok(Value::list(Of::Any, mapped))
        }
        "sum" => {
            let mut sum = Value::Int(0);
            for (index, item) in items.iter().enumerate() {
                let value = ask(machine, predicate, index, item)?;
                sum = arithmetic(Binary::Add, &value, &sum, place)?;
            }
            Ok(sum)
        }
        "sortBy" => {
            let order = third.map(|part| machine.value(part)).transpose()?;
            let mut keys = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                keys.push(ask(machine, predicate, index, item)?);
            }
            Ok(rare::sort(items.to_vec(), keys, order.as_ref(), at)?)
        }
        "find" | "findIndex" | "findLast" | "findLastIndex" => find(machine, builtin, items, predicate, at),
        "reduce" => reduce(machine, items, predicate, third, at),
        name => {
            let mut kept = Vec::new();
            for (index, item) in items.iter().enumerate() {
                if truth(&ask(machine, predicate, index, item)?, place)? {
                    kept.push(item.clone());
                }
            }
            Ok(match name {
                "one" => Value::Bool(kept.len() == 1),
                "count" => Value::Int(i64::try_from(kept.len()).unwrap_or(i64::MAX)),
                _ => Value::list(Of::Any, kept),
            })
        }
    }
}

fn find(
    machine: &mut Machine<'_>,
    builtin: &Builtin,
    items: &[Value],
    predicate: Option<&Part>,
    at: usize,
) -> Result<Value, Stop> {
    let place = predicate.map_or(at, |part| part.at);
    let forwards = matches!(builtin.name, "find" | "findIndex");
    let order: Box<dyn Iterator<Item = usize>> = if forwards {
        Box::new(0..items.len())
    } else {
        Box::new((0..items.len()).rev())
    };
    for index in order {
        let Some(item) = items.get(index) else { continue };
        if truth(&ask(machine, predicate, index, item)?, place)? {
            return Ok(match builtin.name {
                "find" | "findLast" => item.clone(),
                _ => Value::Int(i64::try_from(index).unwrap_or(i64::MAX)),
            });
        }
    }
    if builtin.throws {
        return Err(Failure::new(Class::Index, at, "no element fits").into());
    }
    Ok(Value::Nil)
}

fn reduce(
    machine: &mut Machine<'_>,
    items: &[Value],
    predicate: Option<&Part>,
    start: Option<&Part>,
    at: usize,
) -> Result<Value, Stop> {
    let (mut accumulator, skipped) = match (start, items.first()) {
        (Some(part), _) => (machine.value(part)?, 0),
        (None, Some(first)) => (first.clone(), 1),
        (None, None) => return Err(Failure::new(Class::Index, at, "there is nothing to begin with").into()),
    };
    for (index, item) in items.iter().enumerate().skip(skipped) {
        if let Some(scope) = machine.scopes.last_mut() {
            scope.accumulator = accumulator;
        }
        accumulator = ask(machine, predicate, index, item)?;
    }
    Ok(accumulator)
}
