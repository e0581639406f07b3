//! The static types of calls.

use super::check::{Checker, Scope};
use super::failure::{Class, Failure};
use super::functions::{self, NOT_EVALUATED, Parameter};
use super::kind::Kind;
use super::tree::{Binary, Builtin, Node, Part};
use crate::assess::analysis::value::Of;

/// Checks the call of something that has a name or is a method.
pub(super) fn call(
    checker: &mut Checker<'_>,
    callee: &mut Part,
    arguments: &mut [Part],
    at: usize,
) -> Result<Kind, Failure> {
    let kind = checker.visit(callee)?;
    match (&callee.node, kind) {
        (_, Kind::Unknown) => {
            for argument in arguments {
                checker.visit(argument)?;
            }
            Ok(Kind::Unknown)
        }
        (Node::Name(name), Kind::Function) => {
            let name = name.clone();
            let Some((signatures, out)) = functions::signatures(&name) else {
                return Err(Failure::not_evaluated(at, format_args!("a call of `{name}` like this")));
            };
            fits(checker, &name, signatures, arguments, at)?;
            Ok(out)
        }
        (Node::Member(member), Kind::Function) => {
            let (base, property) = (member.base.kind.clone(), member.property.node.clone());
            let mut kinds = Vec::new();
            for argument in arguments.iter_mut() {
                kinds.push(checker.visit(argument)?);
            }
            let Node::Text(name) = property else {
                return Err(Failure::not_evaluated(at, "this call"));
            };
            match (&base, &*name, kinds.as_slice()) {
                (Kind::Time, "AddDate", [Kind::Int, Kind::Int, Kind::Int])
                | (Kind::Time, "Add" | "Truncate", [Kind::Duration])
                | (Kind::Time, "UTC", []) => Ok(Kind::Time),
                (Kind::Time, "Sub", [Kind::Time]) => Ok(Kind::Duration),
                (Kind::Time, "Unix", []) => Ok(Kind::Int64),
                (Kind::Duration, "Hours" | "Minutes" | "Seconds", []) => Ok(Kind::Float),
                _ => Err(Failure::not_evaluated(callee.at, format_args!("the method `{name}`"))),
            }
        }
        (_, kind) => Err(Failure::new(Class::Type, at, format!("{kind} cannot be called"))),
    }
}

/// Checks the call of a function of the language.
pub(super) fn builtin(checker: &mut Checker<'_>, builtin: &mut Builtin, at: usize) -> Result<Kind, Failure> {
    let Builtin { name, arguments, .. } = builtin;
    let name = *name;
    if functions::predicate(name).is_some() {
        return predicate(checker, name, arguments, at);
    }
    if let Some((signatures, out)) = functions::signatures(name) {
        fits(checker, name, signatures, arguments, at)?;
        refuse(name, at)?;
        return Ok(out);
    }
    if name == "get" {
        return get(checker, arguments, at);
    }
    let mut kinds = Vec::new();
    for argument in arguments.iter_mut() {
        kinds.push(checker.visit(argument)?);
    }
    let out = functions::validate(name, &kinds, at)?;
    refuse(name, at)?;
    Ok(out)
}

/// Stops at a function that is not evaluated here.
fn refuse(name: &str, at: usize) -> Result<(), Failure> {
    if NOT_EVALUATED.contains(&name) {
        return Err(Failure::not_evaluated(at, format_args!("the function `{name}`")));
    }
    Ok(())
}

fn predicate(
    checker: &mut Checker<'_>,
    name: &'static str,
    arguments: &mut [Part],
    at: usize,
) -> Result<Kind, Failure> {
    let (first, others) = arguments
        .split_first_mut()
        .ok_or_else(|| Failure::new(Class::ArgumentCount, 0, format!("`{name}` needs a list")))?;
    let list = checker.visit(first)?;
    if !list.is_list() && !list.is_unknown() {
        return Err(Failure::new(
            Class::Type,
            first.at,
            format!("`{name}` takes a list, not {list}"),
        ));
    }
    let mut out = None;
    if let Some((predicate, rest)) = others.split_first_mut() {
        checker.scopes.push(Scope {
            element: list.element(),
            index: matches!(name, "map" | "reduce"),
            accumulator: name == "reduce",
        });
        let kind = checker.visit(predicate)?;
        checker.scopes.pop();
        let decides = matches!(
            name,
            "all" | "none" | "any" | "one" | "filter" | "count" | "find" | "findIndex" | "findLast" | "findLastIndex"
        );
        if kind == Kind::Nil {
            return Err(Failure::new(
                Class::Other,
                predicate.at,
                format!("the predicate of `{name}` returns nothing"),
            ));
        }
        if decides && !matches!(kind, Kind::Bool | Kind::Unknown) {
            return Err(Failure::new(
                Class::Type,
                predicate.at,
                format!("the predicate of `{name}` must be true or false, not {kind}"),
            ));
        }
        out = Some(kind);
        for argument in rest {
            checker.visit(argument)?;
        }
    }
    refuse(name, at)?;
    let predicate = out.unwrap_or(Kind::Unknown);
    Ok(match name {
        "all" | "none" | "any" | "one" => Kind::Bool,
        "filter" if list.is_unknown() => Kind::list(Of::Any),
        "filter" => list.element().in_list(),
        "map" => predicate.in_list(),
        "count" | "findIndex" | "findLastIndex" => Kind::Int,
        "sum" if others.is_empty() => list.element(),
        "find" | "findLast" => list.element(),
        "sortBy" => list,
        _ => predicate,
    })
}

fn get(checker: &mut Checker<'_>, arguments: &mut [Part], at: usize) -> Result<Kind, Failure> {
    let [base, property] = arguments else {
        let message = format!("`get` takes 2 arguments, not {}", arguments.len());
        return Err(Failure::new(Class::ArgumentCount, at, message));
    };
    let (base, property) = (checker.visit(base)?, checker.visit(property)?);
    match &base {
        Kind::Unknown => Ok(Kind::Unknown),
        Kind::List(..) if property.is_integer() || property.is_unknown() => Ok(base.element()),
        Kind::Map if matches!(property, Kind::Text | Kind::Unknown) => Ok(Kind::Unknown),
        Kind::Map => Err(Failure::new(
            Class::Type,
            at,
            format!("a field has a name, not {property}"),
        )),
        _ => Err(Failure::new(
            Class::Other,
            at,
            format!("`get` does not take {base} and {property}"),
        )),
    }
}

/// Checks arguments against the ways to call a function.
fn fits(
    checker: &mut Checker<'_>,
    name: &str,
    signatures: &[&[Parameter]],
    arguments: &mut [Part],
    at: usize,
) -> Result<(), Failure> {
    if signatures.len() > 1 {
        for argument in arguments.iter_mut() {
            checker.visit(argument)?;
        }
    }
    // Each argument is visited once: visited for each way, nested calls would take twice as long a level.
    let visited = signatures.len() > 1;
    let mut last = None;
    for signature in signatures {
        match one(checker, name, signature, arguments, visited, at) {
            Ok(()) => return Ok(()),
            Err(failure) => last = Some(failure),
        }
    }
    last.map_or(Ok(()), Err)
}

fn one(
    checker: &mut Checker<'_>,
    name: &str,
    signature: &[Parameter],
    arguments: &mut [Part],
    visited: bool,
    at: usize,
) -> Result<(), Failure> {
    if arguments.len() != signature.len() {
        for argument in arguments.iter_mut().filter(|_| !visited) {
            checker.visit(argument)?;
        }
        let message = format!("`{name}` takes {} arguments, not {}", signature.len(), arguments.len());
        return Err(Failure::new(Class::ArgumentCount, at, message));
    }
    for (argument, parameter) in arguments.iter_mut().zip(signature) {
        let kind = if visited {
            argument.kind.clone()
        } else {
            checker.visit(argument)?
        };
        match parameter {
            Parameter::Float if kind.is_integer() => make_float(argument),
            Parameter::Int if kind.is_integer() => {}
            Parameter::Any => {}
            _ if kind.is_unknown() => {}
            parameter if kind != Kind::Nil && kind.assignable_to(&parameter.kind()) => {}
            parameter => {
                let message = format!("`{name}` takes {}, not {kind}", parameter.kind());
                return Err(Failure::new(Class::Type, argument.at, message));
            }
        }
    }
    Ok(())
}

/// Writes whole numbers as floating-point ones, through signs, sums and products.
fn make_float(part: &mut Part) {
    match &mut part.node {
        Node::Int(value) => {
            part.node = Node::Float(crate::assess::analysis::golang::to_float(*value));
            part.kind = Kind::Float;
        }
        Node::Unary(_, operand) => make_float(operand),
        Node::Binary(Binary::Add | Binary::Subtract | Binary::Multiply, left, right) => {
            make_float(left);
            make_float(right);
        }
        _ => {}
    }
}
