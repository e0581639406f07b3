//! Conditions and times of an AnalysisTemplate: the language of `expr-lang` 1.17, as Argo Rollouts 1.10 uses it.
//!
//! A text is parsed once, checked for the type of a result, and evaluated for results of that type. The check covers the
//! whole text, the branches that are never taken included, because the controller's does.

mod budget;
mod calls;
mod check;
mod dates;
mod evaluate;
mod failure;
mod fold;
mod functions;
mod kind;
mod lexer;
mod library;
mod methods;
mod operators;
mod parser;
mod pattern;
mod predicates;
mod rare;
mod texts;
mod tree;

pub(super) use failure::short;
pub use failure::{Class, Failure, FailureKind};
pub use pattern::{Pattern, Problem};

use super::value::Value;
use crate::model::limits::EXPRESSION;
use budget::Budget;
use kind::Kind;
use tree::Part;

/// A condition that was parsed.
#[derive(Debug, Clone)]
pub struct Expression {
    tree: Part,
}

/// A condition that was checked for results of one type.
#[derive(Debug, Clone)]
pub struct Condition {
    tree: Part,
}

impl Expression {
    /// Parses a text.
    ///
    /// # Errors
    /// The text is no expression.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        parse(text).map(|tree| Self { tree })
    }

    /// Checks the expression for results of the type of this one.
    ///
    /// # Errors
    /// It can never be evaluated for such a result, or needs something that is not evaluated here.
    pub fn check(&self, like: &Value) -> Result<Condition, Failure> {
        let mut tree = self.tree.clone();
        check::check(&mut tree, Some(&Kind::of(like)))?;
        fold::fold(&mut tree)?;
        Ok(Condition { tree })
    }
}

impl Condition {
    /// Evaluates the condition. `now` is in nanoseconds since 1970.
    ///
    /// # Errors
    /// A step fails for this result, or what comes out is neither true nor false.
    pub fn holds(&self, result: &Value, now: i128) -> Result<bool, Failure> {
        self.within(result, now, Budget::default())
    }

    /// Tries the condition out with a part of the work that an evaluation may be.
    ///
    /// # Errors
    /// As [`Self::holds`]; and where that is not enough.
    pub fn glance(&self, result: &Value) -> Result<bool, Failure> {
        self.within(result, 0, Budget::glance())
    }

    fn within(&self, result: &Value, now: i128, budget: Budget) -> Result<bool, Failure> {
        match evaluate::evaluate(&self.tree, result, now, budget)? {
            Value::Bool(value) => Ok(value),
            other => Err(Failure::new(
                Class::NotBool,
                self.tree.at,
                format!("the condition must be true or false, not {}", other.type_name()),
            )),
        }
    }
}

fn parse(text: &str) -> Result<Part, Failure> {
    if text.len() > EXPRESSION.bytes() {
        let message = format!("the expression is longer than {EXPRESSION}");
        return Err(Failure::new(Class::Budget, 0, message));
    }
    parser::parse(text)
}

/// Parses, checks and evaluates a condition for one result.
///
/// # Errors
/// As the three steps.
pub fn holds(text: &str, result: &Value, now: i128) -> Result<bool, Failure> {
    Expression::parse(text)?.check(result)?.holds(result, now)
}

/// The same as [`holds`], with a part of the work that an evaluation may be.
///
/// # Errors
/// As [`holds`]; and where that is not enough.
pub fn glance(text: &str, result: &Value) -> Result<bool, Failure> {
    Expression::parse(text)?.check(result)?.glance(result)
}

/// Evaluates the start or end of a range query. Both are in nanoseconds since 1970.
///
/// # Errors
/// The text is no expression, fails, or is no time.
pub fn time(text: &str, now: i128) -> Result<i128, Failure> {
    let mut tree = parse(text)?;
    check::check(&mut tree, None)?;
    fold::fold(&mut tree)?;
    match evaluate::evaluate(&tree, &Value::Nil, now, Budget::default())? {
        Value::Time(time) => Ok(time),
        other => Err(Failure::new(
            Class::NotTime,
            tree.at,
            format!(
                "a time such as `now() - duration(\"1h\")` is needed, not {}",
                other.type_name()
            ),
        )),
    }
}
