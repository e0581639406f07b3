//! What the controller works out before an expression runs. It shows: `x || true` never looks at `x`, `1 % 0` fails at once.

use std::sync::Arc;

use super::failure::{Class, Failure};
use super::kind::Kind;
use super::tree::{Binary, Builtin, Node, Part, Unary};
use crate::assess::analysis::golang::to_float;
use crate::assess::analysis::value::{Of, Value};

/// Simplifies a checked tree.
pub(super) fn fold(part: &mut Part) -> Result<(), Failure> {
    each(part, &mut |part| {
        texts(part);
        Ok(())
    })?;
    let mut rounds = 1000;
    loop {
        let mut changed = false;
        each(part, &mut |part| constants(part, &mut changed))?;
        rounds -= 1;
        if !changed || rounds == 0 {
            break;
        }
    }
    each(part, &mut |part| {
        range(part);
        first(part);
        Ok(())
    })
}

/// Calls a function with every part, the inner ones first.
pub(super) fn each(part: &mut Part, visit: &mut impl FnMut(&mut Part) -> Result<(), Failure>) -> Result<(), Failure> {
    match &mut part.node {
        Node::Unary(_, inner) | Node::Chain(inner) => each(inner, visit)?,
        Node::Binary(_, left, right) => {
            each(left, visit)?;
            each(right, visit)?;
        }
        Node::Member(member) => {
            each(&mut member.base, visit)?;
            each(&mut member.property, visit)?;
        }
        Node::Slice(slice) => {
            each(&mut slice.base, visit)?;
            for bound in [&mut slice.from, &mut slice.to].into_iter().flatten() {
                each(bound, visit)?;
            }
        }
        Node::Call(callee, arguments) => {
            each(callee, visit)?;
            arguments.iter_mut().try_for_each(|argument| each(argument, visit))?;
        }
        Node::Builtin(builtin) => builtin.arguments.iter_mut().try_for_each(|part| each(part, visit))?,
        Node::Let(variable) => {
            each(&mut variable.value, visit)?;
            each(&mut variable.body, visit)?;
        }
        Node::Conditional(branches) | Node::Within(branches) => {
            branches.iter_mut().try_for_each(|part| each(part, visit))?;
        }
        Node::Sequence(parts) | Node::List(parts) => parts.iter_mut().try_for_each(|part| each(part, visit))?,
        Node::Map(pairs) => {
            for (key, value) in pairs {
                each(key, visit)?;
                each(value, visit)?;
            }
        }
        _ => {}
    }
    visit(part)
}

/// Marks `in` a list that holds texts only: what is no text cannot be looked for there.
fn texts(part: &mut Part) {
    if let Node::Binary(binary @ Binary::In, _, right) = &mut part.node
        && let Node::List(items) = &right.node
        && !items.is_empty()
        && items.iter().all(|item| matches!(item.node, Node::Text(_)))
    {
        *binary = Binary::InTexts;
    }
}

/// A constant of a kind that is computed with.
enum Constant {
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    Bool(bool),
    None,
}

fn constant(part: &Part) -> Constant {
    match &part.node {
        Node::Int(value) => Constant::Int(*value),
        Node::Float(value) => Constant::Float(*value),
        Node::Text(value) => Constant::Text(value.clone()),
        Node::Bool(value) => Constant::Bool(*value),
        _ => Constant::None,
    }
}

fn constants(part: &mut Part, changed: &mut bool) -> Result<(), Failure> {
    let at = part.at;
    let folded = match &mut part.node {
        Node::Unary(unary, inner) => match (*unary, constant(inner)) {
            (Unary::Minus, Constant::Int(value)) => Some(Node::Int(value.wrapping_neg())),
            (Unary::Minus, Constant::Float(value)) => Some(Node::Float(-value)),
            (Unary::Plus, Constant::Int(value)) => Some(Node::Int(value)),
            (Unary::Plus, Constant::Float(value)) => Some(Node::Float(value)),
            (Unary::Not, Constant::Bool(value)) => Some(Node::Bool(!value)),
            _ => None,
        },
        Node::Binary(binary, left, right) => {
            let (binary, a, b) = (*binary, constant(left), constant(right));
            if let Some(kept) = logic(binary, left, right, &a, &b) {
                let kind = part.kind.clone();
                *part = kept;
                part.kind = kind;
                *changed = true;
                return Ok(());
            }
            arithmetic(binary, &a, &b, at)?
        }
        Node::List(items) => list(items),
        _ => None,
    };
    if let Some(node) = folded {
        part.kind = match &node {
            Node::Int(_) => Kind::Int,
            Node::Float(_) => Kind::Float,
            Node::Text(_) => Kind::Text,
            Node::Bool(_) => Kind::Bool,
            _ => Kind::list(Of::Any),
        };
        part.node = node;
        *changed = true;
    }
    Ok(())
}

/// Drops the side of `&&` or `||` that decides nothing, or all where one side decides.
fn logic(binary: Binary, left: &mut Part, right: &mut Part, a: &Constant, b: &Constant) -> Option<Part> {
    let neutral = match binary {
        Binary::And => true,
        Binary::Or => false,
        _ => return None,
    };
    let take = |part: &mut Part| std::mem::replace(part, Part::new(Node::Nil, 0));
    match (a, b) {
        (Constant::Bool(value), _) if *value == neutral => Some(take(right)),
        (_, Constant::Bool(value)) if *value == neutral => Some(take(left)),
        (Constant::Bool(_), _) | (_, Constant::Bool(_)) => Some(Part::new(Node::Bool(!neutral), left.at)),
        _ => None,
    }
}

fn arithmetic(binary: Binary, a: &Constant, b: &Constant, at: usize) -> Result<Option<Node>, Failure> {
    let float = |constant: &Constant| match constant {
        Constant::Int(value) => Some(to_float(*value)),
        Constant::Float(value) => Some(*value),
        _ => None,
    };
    Ok(match (binary, a, b) {
        (Binary::Modulo, Constant::Int(_), Constant::Int(0)) => {
            return Err(Failure::new(Class::Arithmetic, at, "a division by zero"));
        }
        (Binary::Modulo, Constant::Int(a), Constant::Int(b)) => Some(Node::Int(a.wrapping_rem(*b))),
        (Binary::Add, Constant::Int(a), Constant::Int(b)) => Some(Node::Int(a.wrapping_add(*b))),
        (Binary::Subtract, Constant::Int(a), Constant::Int(b)) => Some(Node::Int(a.wrapping_sub(*b))),
        (Binary::Multiply, Constant::Int(a), Constant::Int(b)) => Some(Node::Int(a.wrapping_mul(*b))),
        (Binary::Add, Constant::Text(a), Constant::Text(b)) => Some(Node::Text(format!("{a}{b}").into())),
        (Binary::Equal, Constant::Int(a), Constant::Int(b)) => Some(Node::Bool(a == b)),
        (Binary::Equal, Constant::Text(a), Constant::Text(b)) => Some(Node::Bool(a == b)),
        (Binary::Equal, Constant::Bool(a), Constant::Bool(b)) => Some(Node::Bool(a == b)),
        _ => match (binary, float(a), float(b)) {
            (Binary::Add, Some(a), Some(b)) => Some(Node::Float(a + b)),
            (Binary::Subtract, Some(a), Some(b)) => Some(Node::Float(a - b)),
            (Binary::Multiply, Some(a), Some(b)) => Some(Node::Float(a * b)),
            (Binary::Divide, Some(a), Some(b)) => Some(Node::Float(a / b)),
            (Binary::Power, Some(a), Some(b)) => Some(Node::Float(a.powf(b))),
            _ => None,
        },
    })
}

/// Makes one constant of a list of constants.
fn list(items: &[Part]) -> Option<Node> {
    let value = |part: &Part| {
        Some(match constant(part) {
            Constant::Int(value) => Value::Int(value),
            Constant::Float(value) => Value::Float(value),
            Constant::Text(value) => Value::Text(value),
            Constant::Bool(value) => Value::Bool(value),
            Constant::None => return None,
        })
    };
    if items.is_empty() {
        return None;
    }
    let values: Option<Vec<Value>> = items.iter().map(value).collect();
    Some(Node::Constant(Value::list(Of::Any, values?)))
}

/// Looks for a whole number in a range by its ends, so that no list is made.
fn range(part: &mut Part) {
    if let Node::Binary(Binary::In, left, right) = &part.node
        && left.kind == Kind::Int
        && let Node::Binary(Binary::Range, from, to) = &right.node
        && matches!((&from.node, &to.node), (Node::Int(_), Node::Int(_)))
    {
        let ends = [Part::clone(left), Part::clone(from), Part::clone(to)];
        part.node = Node::Within(Box::new(ends));
    }
}

/// Stops at the first element that fits, for `filter(…)[0]` and `first(filter(…))`, and the same for the last one.
fn first(part: &mut Part) {
    let (filter, name, throws) = match &part.node {
        Node::Member(member) if !member.optional => match member.property.node {
            Node::Int(0) => (&member.base, "find", true),
            Node::Int(-1) => (&member.base, "findLast", true),
            _ => return,
        },
        Node::Builtin(builtin) => match (builtin.name, builtin.arguments.as_slice()) {
            ("first", [filter]) => (filter, "find", false),
            ("last", [filter]) => (filter, "findLast", false),
            _ => return,
        },
        _ => return,
    };
    if let Node::Builtin(builtin) = &filter.node
        && builtin.name == "filter"
    {
        let arguments = builtin.arguments.clone();
        part.node = Node::Builtin(Box::new(Builtin {
            name,
            arguments,
            throws,
        }));
    }
}
