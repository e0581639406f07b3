//! The static types of a whole expression, the branches that are never taken included. The first mistake is the answer.

use super::budget::Budget;
use super::calls;
use super::failure::{Class, Failure};
use super::functions;
use super::kind::Kind;
use super::pattern::Written;
use super::tree::{Binary, Let, Member, Node, Part, Pointer, Slice, Unary};
use crate::assess::analysis::value::Of;

/// Checks a tree for a result of this type; `None` where there is no `result`, as in the times of a range query.
pub(super) fn check(part: &mut Part, result: Option<&Kind>) -> Result<(), Failure> {
    let mut checker = Checker {
        result,
        variables: Vec::new(),
        scopes: Vec::new(),
        budget: Budget::default(),
    };
    checker.visit(part).map(drop)
}

pub(super) struct Checker<'a> {
    result: Option<&'a Kind>,
    variables: Vec<(String, Kind)>,
    pub(super) scopes: Vec<Scope>,
    budget: Budget,
}

/// What `#`, `#index` and `#acc` are inside of a predicate.
pub(super) struct Scope {
    pub(super) element: Kind,
    pub(super) index: bool,
    pub(super) accumulator: bool,
}

pub(super) fn mismatch(at: usize, operator: &str, left: &Kind, right: &Kind) -> Failure {
    Failure::new(
        Class::Type,
        at,
        format!("`{operator}` does not work between {left} and {right}"),
    )
}

impl Checker<'_> {
    /// Checks a part, notes its type, and returns it.
    #[expect(clippy::too_many_lines, reason = "one arm for each part of the language")]
    pub(super) fn visit(&mut self, part: &mut Part) -> Result<Kind, Failure> {
        let at = part.at;
        let kind = match &mut part.node {
            Node::Nil => Kind::Nil,
            // A search in a range is made after the check.
            Node::Bool(_) | Node::Within(_) => Kind::Bool,
            Node::Int(_) => Kind::Int,
            Node::Float(_) => Kind::Float,
            Node::Text(_) => Kind::Text,
            Node::Constant(value) => Kind::of(value),
            Node::Name(name) => {
                let (node, kind) = self.name(name, at)?;
                if let Some(node) = node {
                    part.node = node;
                }
                kind
            }
            Node::Result | Node::Variable(_) => part.kind.clone(),
            Node::Unary(unary, operand) => {
                let operand = self.visit(operand)?;
                Self::unary(*unary, &operand, at)?
            }
            Node::Binary(binary, left, right) => {
                let (left_kind, right_kind) = (self.visit(left)?, self.visit(right)?);
                if *binary == Binary::Matches
                    && let Node::Text(text) = &right.node
                {
                    let written = Written::read(text).map_err(|problem| problem.failure(right.at))?;
                    self.budget.work(written.steps_to_build(), right.at)?;
                    written.build().map_err(|problem| problem.failure(right.at))?;
                }
                Self::binary(*binary, &left_kind, &right_kind, at)?
            }
            Node::Member(member) => {
                if let Node::Name(name) = &member.base.node
                    && name == "$env"
                {
                    let (node, kind) = self.of_environment(member, at)?;
                    part.node = node;
                    kind
                } else {
                    self.member(member, at)?
                }
            }
            Node::Chain(inner) => self.visit(inner)?,
            Node::Slice(slice) => self.slice(slice, at)?,
            Node::Call(callee, arguments) => calls::call(self, callee, arguments, at)?,
            Node::Builtin(builtin) => calls::builtin(self, builtin, at)?,
            Node::Pointer(pointer) => self.pointer(pointer, at)?,
            Node::Let(variable) => self.variable(variable, at)?,
            Node::Sequence(parts) => {
                let mut last = Kind::Nil;
                for part in parts {
                    last = self.visit(part)?;
                }
                last
            }
            Node::Conditional(branches) => self.conditional(branches)?,
            Node::List(items) => {
                let mut kinds = Vec::with_capacity(items.len());
                for item in items {
                    kinds.push(self.visit(item)?);
                }
                let alike = kinds.windows(2).all(|pair| matches!(pair, [a, b] if a.same_sort(b)));
                match kinds.pop() {
                    Some(last) if alike => last.in_list(),
                    _ => Kind::list(Of::Any),
                }
            }
            Node::Map(pairs) => {
                for (key, value) in pairs {
                    self.visit(key)?;
                    self.visit(value)?;
                }
                Kind::Map
            }
        };
        part.kind = kind.clone();
        Ok(kind)
    }

    /// Whether the environment has a name.
    pub(super) fn in_environment(&self, name: &str) -> bool {
        match self.result {
            Some(_) => name == "result" || functions::OF_THE_CONTROLLER.contains(&name),
            None => matches!(name, "isNaN" | "isInf"),
        }
    }

    fn name(&self, name: &str, at: usize) -> Result<(Option<Node>, Kind), Failure> {
        if let Some(index) = self.variables.iter().rposition(|(known, _)| known == name) {
            let kind = self
                .variables
                .get(index)
                .map_or(Kind::Unknown, |(_, kind)| kind.clone());
            return Ok((Some(Node::Variable(index)), kind));
        }
        match self.result {
            Some(kind) if name == "result" => return Ok((Some(Node::Result), kind.clone())),
            _ if self.in_environment(name) => return Ok((None, Kind::Function)),
            _ => {}
        }
        if name == "$env" {
            return Err(Failure::not_evaluated(at, "`$env` other than as `$env.NAME`"));
        }
        if functions::builtin(name).is_some() {
            return Ok((None, Kind::Function));
        }
        Err(Failure::new(Class::UnknownName, at, format!("`{name}` is not defined")))
    }

    /// Resolves `$env.NAME` and `$env["NAME"]`.
    fn of_environment(&self, member: &Member, at: usize) -> Result<(Node, Kind), Failure> {
        let Node::Text(name) = &member.property.node else {
            return Err(Failure::not_evaluated(at, "`$env` other than as `$env.NAME`"));
        };
        match self.result {
            Some(kind) if &**name == "result" => Ok((Node::Result, kind.clone())),
            _ if self.in_environment(name) => Ok((Node::Name(name.to_string()), Kind::Function)),
            _ if member.optional => Ok((Node::Nil, Kind::Unknown)),
            _ => Err(Failure::new(Class::UnknownName, at, format!("`{name}` is not defined"))),
        }
    }

    fn unary(unary: Unary, operand: &Kind, at: usize) -> Result<Kind, Failure> {
        match (unary, operand) {
            (Unary::Not, Kind::Bool | Kind::Unknown) => Ok(Kind::Bool),
            (Unary::Plus | Unary::Minus, Kind::Unknown) => Ok(Kind::Unknown),
            (Unary::Plus | Unary::Minus, kind) if kind.is_number() => Ok(kind.clone()),
            _ => Err(Failure::new(
                Class::Type,
                at,
                format!("`{}` does not work on {operand}", unary.text()),
            )),
        }
    }

    fn binary(binary: Binary, left: &Kind, right: &Kind, at: usize) -> Result<Kind, Failure> {
        let wrong = || mismatch(at, binary.text(), left, right);
        // One side is not known, and the other one is of a sort that the operator takes, or neither is known.
        let perhaps = |sorts: &[fn(&Kind) -> bool]| {
            let fits = |kind: &Kind| kind.is_unknown() || sorts.iter().any(|sort| sort(kind));
            (left.is_unknown() || right.is_unknown()) && fits(left) && fits(right)
        };
        let both = |sort: fn(&Kind) -> bool| sort(left) && sort(right);
        let number: fn(&Kind) -> bool = Kind::is_number;
        let integer: fn(&Kind) -> bool = Kind::is_integer;
        let text: fn(&Kind) -> bool = |kind| *kind == Kind::Text;
        let time: fn(&Kind) -> bool = |kind| *kind == Kind::Time;
        let duration: fn(&Kind) -> bool = |kind| *kind == Kind::Duration;
        let promoted = || if both(integer) { Kind::Int } else { Kind::Float };
        let fits = match binary {
            Binary::Equal | Binary::NotEqual => left.comparable_to(right).then_some(Kind::Bool),
            Binary::Or | Binary::And => {
                let boolean: fn(&Kind) -> bool = |kind| *kind == Kind::Bool;
                (both(boolean) || perhaps(&[boolean])).then_some(Kind::Bool)
            }
            Binary::Less | Binary::Greater | Binary::GreaterOrEqual | Binary::LessOrEqual => {
                let same = both(number) || both(text) || both(time) || both(duration);
                (same || perhaps(&[number, text, time, duration])).then_some(Kind::Bool)
            }
            Binary::Subtract => match (left, right) {
                _ if both(number) => Some(promoted()),
                (Kind::Time, Kind::Time) | (Kind::Duration, Kind::Duration) => Some(Kind::Duration),
                (Kind::Time, Kind::Duration) => Some(Kind::Time),
                _ => perhaps(&[number, time, duration]).then_some(Kind::Unknown),
            },
            Binary::Multiply => match (left, right) {
                _ if both(number) => Some(promoted()),
                (Kind::Duration, Kind::Duration) => Some(Kind::Duration),
                (Kind::Duration, other) | (other, Kind::Duration) if other.is_number() => Some(Kind::Duration),
                _ => perhaps(&[number, duration]).then_some(Kind::Unknown),
            },
            Binary::Divide | Binary::Power => (both(number) || perhaps(&[number])).then_some(Kind::Float),
            Binary::Modulo => (both(integer) || perhaps(&[integer])).then_some(Kind::Int),
            Binary::Add => match (left, right) {
                _ if both(number) => Some(promoted()),
                (Kind::Text, Kind::Text) => Some(Kind::Text),
                (Kind::Time, Kind::Duration) | (Kind::Duration, Kind::Time) => Some(Kind::Time),
                (Kind::Duration, Kind::Duration) => Some(Kind::Duration),
                _ => perhaps(&[number, text, time, duration]).then_some(Kind::Unknown),
            },
            Binary::In | Binary::InTexts => return Self::in_list(left, right, at),
            Binary::Matches | Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
                (both(text) || perhaps(&[text])).then_some(Kind::Bool)
            }
            Binary::Range => (both(integer) || perhaps(&[integer])).then(|| Kind::Int.in_list()),
            Binary::Coalesce => Some(match (left, right) {
                (Kind::Nil, other) | (other, Kind::Nil) => other.clone(),
                _ if right.assignable_to(left) => left.clone(),
                _ => Kind::Unknown,
            }),
        };
        fits.ok_or_else(wrong)
    }

    fn in_list(left: &Kind, right: &Kind, at: usize) -> Result<Kind, Failure> {
        let fits = match right {
            Kind::Map => left.is_unknown() || left.assignable_to(&Kind::Text),
            Kind::List(..) => left.comparable_to(&right.element()),
            Kind::Text => left.is_unknown(),
            Kind::Unknown => true,
            _ => false,
        };
        if fits {
            Ok(Kind::Bool)
        } else {
            Err(mismatch(at, "in", left, right))
        }
    }

    fn member(&mut self, member: &mut Member, at: usize) -> Result<Kind, Failure> {
        let base = self.visit(&mut member.base)?;
        let property = self.visit(&mut member.property)?;
        let named = match &member.property.node {
            Node::Text(name) => Some(name.clone()),
            _ => None,
        };
        match (&base, &named) {
            (Kind::Unknown, _) => return Ok(Kind::Unknown),
            (Kind::Time | Kind::Duration | Kind::Zone, Some(_)) if member.method => return Ok(Kind::Function),
            (Kind::Map, _) if matches!(property, Kind::Text | Kind::Unknown) => return Ok(Kind::Unknown),
            (Kind::List(..), _) if property.is_integer() || property.is_unknown() => return Ok(base.element()),
            _ => {}
        }
        let message = match (&base, named) {
            (Kind::List(..), Some(name)) => format!("{base} has no field `{name}`; its elements are `[0]`, `[1]`, …"),
            (Kind::List(..), None) => format!("an element of {base} has a whole number, not {property}"),
            (_, Some(name)) => format!("{base} has no field `{name}`"),
            (_, None) => format!("{base} has no elements"),
        };
        Err(Failure::new(Class::Type, at, message))
    }

    fn slice(&mut self, slice: &mut Slice, at: usize) -> Result<Kind, Failure> {
        let base = self.visit(&mut slice.base)?;
        if !matches!(base, Kind::Unknown | Kind::Text | Kind::List(..)) {
            return Err(Failure::new(Class::Type, at, format!("{base} has no slices")));
        }
        for bound in [&mut slice.from, &mut slice.to].into_iter().flatten() {
            let kind = self.visit(bound)?;
            if !base.is_unknown() && !kind.is_integer() && !kind.is_unknown() {
                return Err(Failure::new(
                    Class::Other,
                    bound.at,
                    format!("a slice begins and ends at whole numbers, not {kind}"),
                ));
            }
        }
        Ok(base)
    }

    fn pointer(&self, pointer: &Pointer, at: usize) -> Result<Kind, Failure> {
        let unknown = |name: &str| {
            Err(Failure::new(
                Class::Syntax,
                at,
                format!("`#{name}` is not defined here"),
            ))
        };
        let Some(scope) = self.scopes.last() else {
            return unknown("");
        };
        match pointer {
            Pointer::Element => Ok(scope.element.clone()),
            Pointer::Index if scope.index => Ok(Kind::Int),
            Pointer::Accumulator if scope.accumulator => Ok(Kind::Unknown),
            Pointer::Index => unknown("index"),
            Pointer::Accumulator => unknown("acc"),
            Pointer::Unknown(name) => unknown(name),
        }
    }

    fn variable(&mut self, variable: &mut Let, at: usize) -> Result<Kind, Failure> {
        let Let { name, value, body } = variable;
        let known = self.variables.iter().any(|(known, _)| known == name);
        if known || self.in_environment(name) || functions::builtin(name).is_some() {
            return Err(Failure::new(Class::Syntax, at, format!("`{name}` exists already")));
        }
        let kind = self.visit(value)?;
        self.variables.push((name.clone(), kind));
        let kind = self.visit(body)?;
        self.variables.pop();
        Ok(kind)
    }

    fn conditional(&mut self, branches: &mut [Part; 3]) -> Result<Kind, Failure> {
        let [condition, yes, no] = branches;
        let kind = self.visit(condition)?;
        if !matches!(kind, Kind::Bool | Kind::Unknown) {
            return Err(Failure::new(
                Class::Other,
                condition.at,
                format!("a choice depends on true or false, not on {kind}"),
            ));
        }
        let (yes, no) = (self.visit(yes)?, self.visit(no)?);
        Ok(match (&yes, &no) {
            (Kind::Nil, other) | (other, Kind::Nil) => (*other).clone(),
            (Kind::List(_, a), Kind::List(_, b)) if yes.assignable_to(&no) => {
                if a == b || a.assignable_to(b) && b.assignable_to(a) {
                    yes
                } else {
                    Kind::list(Of::Any)
                }
            }
            _ if yes.assignable_to(&no) => yes,
            _ => Kind::Unknown,
        })
    }
}
