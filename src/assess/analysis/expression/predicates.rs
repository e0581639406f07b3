//! Functions that ask a predicate about each element of a list.

use super::budget::{Budget, ELEMENTS};
use super::evaluate::{Machine, Scope, Stop, truth};
use super::failure::{Class, Failure};
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
    let value = of(machine, builtin, items, predicate, others.get(1), at);
    machine.scopes.pop();
    let value = value?;
    if let Value::List(list) = &value {
        machine.budget.make(list.items.len(), at)?;
        machine.budget.list(list.items.len(), at)?;
    }
    Ok(Budget::nested(value, at)?)
}

/// What a predicate is asked about.
#[derive(Clone, Copy)]
enum Elements<'a> {
    Values(&'a [Value]),
    Bytes(&'a [u8]),
}

impl Elements<'_> {
    fn len(self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn get(self, index: usize) -> Option<Value> {
        match self {
            Self::Values(values) => values.get(index).cloned(),
            Self::Bytes(bytes) => bytes.get(index).map(|byte| Value::Int((*byte).into())),
        }
    }

    fn iter(self) -> impl DoubleEndedIterator<Item = (usize, Value)> {
        (0..self.len()).filter_map(move |index| Some((index, self.get(index)?)))
    }
}

/// Stops a list that is being made where the controller would refuse all of it.
fn within(elements: usize, at: usize) -> Result<(), Failure> {
    Budget::default().make(elements, at)
}

fn elements(list: &Value, at: usize) -> Result<Elements<'_>, Failure> {
    match list {
        Value::List(list) => Ok(Elements::Values(&list.items)),
        Value::Text(text) => Ok(Elements::Bytes(text.as_bytes())),
        Value::Map(fields) if fields.is_empty() => Ok(Elements::Values(&[])),
        other => {
            let message = format!("{} has no elements", other.type_name());
            Err(Failure::new(Class::Type, at, message))
        }
    }
}

/// Asks the predicate about an element; without one, the element is the answer.
fn ask(machine: &mut Machine<'_>, predicate: Option<&Part>, index: usize, item: &Value) -> Result<Value, Stop> {
    machine.budget.work(1, predicate.map_or(0, |part| part.at))?;
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
    items: Elements<'_>,
    predicate: Option<&Part>,
    third: Option<&Part>,
    at: usize,
) -> Result<Value, Stop> {
    let place = predicate.map_or(at, |part| part.at);
    match builtin.name {
        "all" | "none" | "any" => {
            let ends = builtin.name != "all";
            for (index, item) in items.iter() {
                if truth(&ask(machine, predicate, index, &item)?, place)? == ends {
                    return Ok(Value::Bool(builtin.name == "any"));
                }
            }
            Ok(Value::Bool(builtin.name != "any"))
        }
        "map" => {
            let mut mapped = Vec::with_capacity(items.len().min(ELEMENTS));
            for (index, item) in items.iter() {
                within(index, at)?;
                mapped.push(ask(machine, predicate, index, &item)?);
            }
            Ok(Value::list(Of::Any, mapped))
        }
        "sum" => {
            let mut sum = Value::Int(0);
            for (index, item) in items.iter() {
                let value = ask(machine, predicate, index, &item)?;
                sum = machine.arithmetic(Binary::Add, &value, &sum, place)?;
            }
            Ok(sum)
        }
        "sortBy" => {
            let order = third.map(|part| machine.value(part)).transpose()?;
            let mut keys = Vec::with_capacity(items.len().min(ELEMENTS));
            for (index, item) in items.iter() {
                within(index, at)?;
                keys.push(ask(machine, predicate, index, &item)?);
            }
            let sorted = items.iter().map(|(_, item)| item).collect();
            Ok(rare::sort(&mut machine.budget, sorted, keys, order.as_ref(), at)?)
        }
        "find" | "findIndex" | "findLast" | "findLastIndex" => find(machine, builtin, items, predicate, at),
        "reduce" => reduce(machine, items, predicate, third, at),
        name => {
            let (mut kept, mut fitting) = (Vec::new(), 0_i64);
            let counts = matches!(name, "one" | "count");
            for (index, item) in items.iter() {
                if truth(&ask(machine, predicate, index, &item)?, place)? {
                    fitting += 1;
                    if !counts {
                        within(kept.len(), at)?;
                        kept.push(item);
                    }
                }
            }
            Ok(match name {
                "one" => Value::Bool(fitting == 1),
                "count" => Value::Int(fitting),
                _ => Value::list(Of::Any, kept),
            })
        }
    }
}

fn find(
    machine: &mut Machine<'_>,
    builtin: &Builtin,
    items: Elements<'_>,
    predicate: Option<&Part>,
    at: usize,
) -> Result<Value, Stop> {
    let place = predicate.map_or(at, |part| part.at);
    let forwards = matches!(builtin.name, "find" | "findIndex");
    let order: Box<dyn Iterator<Item = (usize, Value)>> = if forwards {
        Box::new(items.iter())
    } else {
        Box::new(items.iter().rev())
    };
    for (index, item) in order {
        if truth(&ask(machine, predicate, index, &item)?, place)? {
            return Ok(match builtin.name {
                "find" | "findLast" => item,
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
    items: Elements<'_>,
    predicate: Option<&Part>,
    start: Option<&Part>,
    at: usize,
) -> Result<Value, Stop> {
    let (mut accumulator, skipped) = match (start, items.get(0)) {
        (Some(part), _) => (machine.value(part)?, 0),
        (None, Some(first)) => (first, 1),
        (None, None) => return Err(Failure::new(Class::Index, at, "there is nothing to begin with").into()),
    };
    for (index, item) in items.iter().skip(skipped) {
        if let Some(scope) = machine.scopes.last_mut() {
            scope.accumulator = accumulator;
        }
        accumulator = ask(machine, predicate, index, &item)?;
    }
    Ok(accumulator)
}
