//! The value of a checked expression.

use std::collections::BTreeMap;

use super::budget::{Budget, read};
use super::failure::{Class, Failure};
use super::kind::Kind;
use super::operators::{arithmetic, compare, equal, fetch, int, is_in, slice};
use super::pattern::Written;
use super::tree::{Binary, Builtin, Node, Part, Pointer, Unary};
use super::{library, methods, predicates};
use crate::assess::analysis::value::{Of, Value};

/// Where an expression runs.
pub(super) struct Machine<'a> {
    pub(super) result: &'a Value,
    pub(super) now: i128,
    variables: Vec<Value>,
    pub(super) scopes: Vec<Scope>,
    pub(super) budget: Budget,
}

/// Where a predicate is.
pub(super) struct Scope {
    pub(super) element: Value,
    pub(super) index: usize,
    pub(super) accumulator: Value,
}

/// Why evaluation stops.
pub(super) enum Stop {
    Failed(Failure),
    /// An optional member of nothing: the chain it is in is nothing.
    Nothing,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Evaluates a tree that was checked for this result.
pub(super) fn evaluate(part: &Part, result: &Value, now: i128, budget: Budget) -> Result<Value, Failure> {
    let mut machine = Machine {
        result,
        now,
        variables: Vec::new(),
        scopes: Vec::new(),
        budget,
    };
    machine.value(part).or_else(|stop| match stop {
        Stop::Failed(failure) => Err(failure),
        Stop::Nothing => Ok(Value::Nil),
    })
}

impl Machine<'_> {
    /// Evaluates a part.
    #[expect(clippy::too_many_lines, reason = "one arm for each part of the language")]
    pub(super) fn value(&mut self, part: &Part) -> Result<Value, Stop> {
        self.budget.work(1, part.at)?;
        Ok(match &part.node {
            Node::Nil => Value::Nil,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) => Value::Text(text.clone()),
            Node::Constant(value) => value.clone(),
            Node::Name(_) => Value::Function,
            Node::Result => self.result.clone(),
            Node::Variable(index) => self.variables.get(*index).cloned().unwrap_or(Value::Nil),
            Node::Unary(unary, operand) => self.unary(*unary, operand, part.at)?,
            Node::Binary(binary, left, right) => self.binary(*binary, left, right, part.at)?,
            Node::Member(member) => {
                // Fetching from the result needs no copy of it.
                if let Node::Result = member.base.node
                    && !member.optional
                {
                    let property = self.value(&member.property)?;
                    return Ok(fetch(self.result, &property, part.at)?);
                }
                let base = self.value(&member.base)?;
                if member.optional && matches!(base, Value::Nil) {
                    return Err(Stop::Nothing);
                }
                let property = self.value(&member.property)?;
                fetch(&base, &property, part.at)?
            }
            Node::Chain(inner) => match self.value(inner) {
                Err(Stop::Nothing) => Value::Nil,
                other => other?,
            },
            Node::Slice(parts) => {
                let base = self.value(&parts.base)?;
                let to = parts.to.as_ref().map(|part| self.value(part)).transpose()?;
                let from = parts.from.as_ref().map(|part| self.value(part)).transpose()?;
                let cut = slice(&base, from.as_ref(), to.as_ref(), part.at)?;
                match &cut {
                    Value::List(list) => self.budget.list(list.items.len(), part.at)?,
                    Value::Text(text) => self.budget.text(text.len(), part.at)?,
                    _ => {}
                }
                cut
            }
            Node::Within(ends) => {
                let [wanted, from, to] = &**ends;
                // The controller looks at both ends with the value worked out anew.
                let mut within = true;
                for (binary, end) in [(Binary::GreaterOrEqual, from), (Binary::LessOrEqual, to)] {
                    let (value, end) = (self.value(wanted)?, self.value(end)?);
                    within = within && compare(binary, &value, &end, part.at)?;
                    if !within {
                        break;
                    }
                }
                Value::Bool(within)
            }
            Node::Call(callee, arguments) => self.call(callee, arguments, part.at)?,
            Node::Builtin(builtin) => self.builtin(builtin, part.at)?,
            Node::Pointer(pointer) => match (self.scopes.last(), pointer) {
                (Some(scope), Pointer::Element) => scope.element.clone(),
                (Some(scope), Pointer::Index) => Value::Int(i64::try_from(scope.index).unwrap_or(i64::MAX)),
                (Some(scope), Pointer::Accumulator) => scope.accumulator.clone(),
                _ => Value::Nil,
            },
            Node::Let(variable) => {
                let value = self.value(&variable.value)?;
                self.variables.push(value);
                let body = self.value(&variable.body);
                self.variables.pop();
                body?
            }
            Node::Sequence(parts) => {
                let mut last = Value::Nil;
                for part in parts {
                    last = self.value(part)?;
                }
                last
            }
            Node::Conditional(branches) => {
                let [condition, yes, no] = &**branches;
                if self.truth(condition)? {
                    self.value(yes)?
                } else {
                    self.value(no)?
                }
            }
            Node::List(parts) => {
                let mut items = Vec::with_capacity(parts.len());
                for part in parts {
                    items.push(self.value(part)?);
                }
                self.budget.make(items.len(), part.at)?;
                self.budget.list(items.len(), part.at)?;
                Budget::nested(Value::list(Of::Any, items), part.at)?
            }
            Node::Map(pairs) => {
                let mut fields = BTreeMap::new();
                for (key, value) in pairs {
                    let name = match self.value(key)? {
                        Value::Text(text) => text.to_string(),
                        other => {
                            let message = format!("a field has a name, not {}", other.type_name());
                            return Err(Failure::new(Class::Type, key.at, message).into());
                        }
                    };
                    let value = self.value(value)?;
                    fields.insert(name, value);
                }
                self.budget.make(pairs.len(), part.at)?;
                self.budget
                    .map(fields.len(), fields.keys().map(String::len).sum(), part.at)?;
                Budget::nested(Value::map(fields), part.at)?
            }
        })
    }

    /// Evaluates a part that must be true or false.
    pub(super) fn truth(&mut self, part: &Part) -> Result<bool, Stop> {
        let value = self.value(part)?;
        truth(&value, part.at).map_err(Stop::from)
    }

    /// Computes, after the text was counted that a sum may make.
    pub(super) fn arithmetic(&mut self, binary: Binary, a: &Value, b: &Value, at: usize) -> Result<Value, Failure> {
        if let (Binary::Add, Value::Text(a), Value::Text(b)) = (binary, a, b) {
            self.budget.text(a.len().saturating_add(b.len()), at)?;
        }
        arithmetic(binary, a, b, at)
    }

    fn unary(&mut self, unary: Unary, operand: &Part, at: usize) -> Result<Value, Stop> {
        if unary == Unary::Not {
            return Ok(Value::Bool(!self.truth(operand)?));
        }
        let value = self.value(operand)?;
        Ok(match (unary, value) {
            (Unary::Minus, Value::Int(value)) => Value::Int(value.wrapping_neg()),
            (Unary::Minus, Value::Float(value)) => Value::Float(-value),
            (Unary::Minus, other) => {
                let message = format!("`-` does not work on {}", other.type_name());
                return Err(Failure::new(Class::Type, at, message).into());
            }
            (_, value) => value,
        })
    }

    fn binary(&mut self, binary: Binary, left: &Part, right: &Part, at: usize) -> Result<Value, Stop> {
        match binary {
            Binary::And => {
                if !self.truth(left)? {
                    return Ok(Value::Bool(false));
                }
                return self.value(right);
            }
            Binary::Or => {
                if self.truth(left)? {
                    return Ok(Value::Bool(true));
                }
                return self.value(right);
            }
            Binary::Coalesce => {
                let value = match self.value(left) {
                    Err(Stop::Nothing) => Value::Nil,
                    other => other?,
                };
                return if matches!(value, Value::Nil) {
                    self.value(right)
                } else {
                    Ok(value)
                };
            }
            _ => {}
        }
        let (a, b) = (self.value(left)?, self.value(right)?);
        Ok(match binary {
            Binary::Equal | Binary::NotEqual => {
                if left.kind == right.kind {
                    strictly(&left.kind, &a, &b, at)?;
                }
                self.budget.compare(&a, &b, at)?;
                Value::Bool(equal(&a, &b) == (binary == Binary::Equal))
            }
            Binary::Less | Binary::Greater | Binary::GreaterOrEqual | Binary::LessOrEqual => {
                self.budget.compare(&a, &b, at)?;
                Value::Bool(compare(binary, &a, &b, at)?)
            }
            Binary::In | Binary::InTexts => {
                if let Value::List(_) = b {
                    self.budget.weigh(&b, at)?;
                }
                Value::Bool(is_in(binary, &a, &b, at)?)
            }
            Binary::Matches | Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
                Value::Bool(texts(&mut self.budget, binary, &a, &b, at)?)
            }
            Binary::Range => self.range(&a, &b, at)?,
            _ => self.arithmetic(binary, &a, &b, at)?,
        })
    }

    fn range(&mut self, from: &Value, to: &Value, at: usize) -> Result<Value, Stop> {
        let (Some(from), Some(to)) = (int(from), int(to)) else {
            return Err(Failure::new(Class::Type, at, "a range has whole numbers as its ends").into());
        };
        let length = to.wrapping_sub(from).wrapping_add(1).max(0);
        let elements = usize::try_from(length).unwrap_or(usize::MAX);
        self.budget.make(elements, at)?;
        self.budget.list(elements, at)?;
        Ok(Value::list(
            Of::Ints,
            (0..length).map(|step| Value::Int(from.wrapping_add(step))).collect(),
        ))
    }

    fn call(&mut self, callee: &Part, arguments: &[Part], at: usize) -> Result<Value, Stop> {
        match &callee.node {
            Node::Name(name) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.value(argument)?);
                }
                Ok(library::of_the_controller(self, name, values, at)?)
            }
            Node::Member(member) if callee.kind == Kind::Function => {
                let base = self.value(&member.base)?;
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.value(argument)?);
                }
                Ok(methods::call(&base, &member.property, &values, at)?)
            }
            _ => {
                for argument in arguments {
                    self.value(argument)?;
                }
                let value = self.value(callee)?;
                let message = format!("{} cannot be called", value.type_name());
                Err(Failure::new(Class::Type, at, message).into())
            }
        }
    }

    fn builtin(&mut self, builtin: &Builtin, at: usize) -> Result<Value, Stop> {
        if super::functions::predicate(builtin.name).is_some() {
            return predicates::call(self, builtin, at);
        }
        let mut values = Vec::with_capacity(builtin.arguments.len());
        for argument in &builtin.arguments {
            values.push(self.value(argument)?);
        }
        Ok(library::call(self, builtin.name, &values, at)?)
    }
}

/// Reads a value that must be true or false.
pub(super) fn truth(value: &Value, at: usize) -> Result<bool, Failure> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => {
            let message = format!("{} is neither true nor false", other.type_name());
            Err(Failure::new(Class::Type, at, message))
        }
    }
}

/// Holds values against the type that both sides were found to have: the controller compares them without a second look.
fn strictly(kind: &Kind, a: &Value, b: &Value, at: usize) -> Result<(), Failure> {
    let fits = |value: &Value| match kind {
        Kind::Int => matches!(value, Value::Int(_)),
        Kind::Text => matches!(value, Value::Text(_)),
        _ => true,
    };
    match [a, b].into_iter().find(|value| !fits(value)) {
        None => Ok(()),
        Some(value) => {
            let message = format!("{} is compared as {kind}", value.type_name());
            Err(Failure::new(Class::Type, at, message))
        }
    }
}

fn texts(budget: &mut Budget, binary: Binary, a: &Value, b: &Value, at: usize) -> Result<bool, Failure> {
    match (a, b) {
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Text(a), Value::Text(b)) => Ok(match binary {
            Binary::Contains => {
                budget.work(read(a.len() + b.len()), at)?;
                a.contains(&**b)
            }
            Binary::StartsWith | Binary::EndsWith => {
                budget.work(read(b.len()), at)?;
                if binary == Binary::StartsWith {
                    a.starts_with(&**b)
                } else {
                    a.ends_with(&**b)
                }
            }
            _ => {
                let written = Written::read(b).map_err(|problem| problem.failure(at))?;
                budget.work(written.steps_to_build(), at)?;
                budget.work(written.steps_through(a.len()), at)?;
                let found = written.build().and_then(|pattern| pattern.is_in(a));
                found.map_err(|problem| problem.failure(at))?
            }
        }),
        _ => {
            let message = format!("`{}` works on texts", binary.text());
            Err(Failure::new(Class::Type, at, message))
        }
    }
}
