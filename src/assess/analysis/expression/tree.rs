//! An expression as a tree, each part with its place and its static type.

use std::sync::Arc;

use super::kind::Kind;
use crate::assess::analysis::value::Value;

/// A part of an expression.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) node: Node,
    /// The character it begins at.
    pub(super) at: usize,
    /// The static type, which the checker sets.
    pub(super) kind: Kind,
}

/// What a part is.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    /// A list that was written with constants only.
    Constant(Value),
    /// A name: of the environment, of a variable, or of a function.
    Name(String),
    /// `result`, once the names are checked.
    Result,
    /// A variable, counted from the outermost.
    Variable(usize),
    Unary(Unary, Box<Part>),
    Binary(Binary, Box<Part>, Box<Part>),
    Member(Box<Member>),
    /// Where a chain of optional members ends.
    Chain(Box<Part>),
    Slice(Box<Slice>),
    Call(Box<Part>, Vec<Part>),
    /// A call of a function that every expression has.
    Builtin(Box<Builtin>),
    /// A whole number that is looked for in a range: the number and the two ends.
    Within(Box<[Part; 3]>),
    /// `#`, `#index`, `#acc`.
    Pointer(Pointer),
    /// `let NAME = VALUE; BODY`.
    Let(Box<Let>),
    Sequence(Vec<Part>),
    Conditional(Box<[Part; 3]>),
    List(Vec<Part>),
    Map(Vec<(Part, Part)>),
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) base: Part,
    pub(super) property: Part,
    pub(super) optional: bool,
    /// It is called: `x.name(…)`.
    pub(super) method: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Slice {
    pub(super) base: Part,
    pub(super) from: Option<Part>,
    pub(super) to: Option<Part>,
}

#[derive(Debug, Clone)]
pub(super) struct Builtin {
    pub(super) name: &'static str,
    pub(super) arguments: Vec<Part>,
    /// Nothing found is an error: what `filter(…)[0]` becomes.
    pub(super) throws: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Let {
    pub(super) name: String,
    pub(super) value: Part,
    pub(super) body: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pointer {
    Element,
    Index,
    Accumulator,
    Unknown(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Not,
    Plus,
    Minus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    GreaterOrEqual,
    LessOrEqual,
    In,
    /// `in` a list that was written with texts only.
    InTexts,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Coalesce,
}

impl Part {
    pub(super) fn new(node: Node, at: usize) -> Self {
        Self {
            node,
            at,
            kind: Kind::Unknown,
        }
    }
}

impl Binary {
    /// Returns the operator with its precedence.
    pub(super) fn of(text: &str) -> Option<(Self, u16)> {
        Some(match text {
            "or" | "||" => (Self::Or, 10),
            "and" | "&&" => (Self::And, 15),
            "==" => (Self::Equal, 20),
            "!=" => (Self::NotEqual, 20),
            "<" => (Self::Less, 20),
            ">" => (Self::Greater, 20),
            ">=" => (Self::GreaterOrEqual, 20),
            "<=" => (Self::LessOrEqual, 20),
            "in" => (Self::In, 20),
            "matches" => (Self::Matches, 20),
            "contains" => (Self::Contains, 20),
            "startsWith" => (Self::StartsWith, 20),
            "endsWith" => (Self::EndsWith, 20),
            ".." => (Self::Range, 25),
            "+" => (Self::Add, 30),
            "-" => (Self::Subtract, 30),
            "*" => (Self::Multiply, 60),
            "/" => (Self::Divide, 60),
            "%" => (Self::Modulo, 60),
            "**" | "^" => (Self::Power, 100),
            "??" => (Self::Coalesce, 500),
            _ => return None,
        })
    }

    /// Whether it can be chained: `a < b < c`.
    pub(super) fn compares(self) -> bool {
        matches!(
            self,
            Self::Less | Self::Greater | Self::GreaterOrEqual | Self::LessOrEqual
        )
    }

    /// Returns the operator as it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::In | Self::InTexts => "in",
            Self::Matches => "matches",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Range => "..",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::Coalesce => "??",
        }
    }
}

impl Unary {
    /// Returns the operator as it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::Plus => "+",
            Self::Minus => "-",
        }
    }
}
