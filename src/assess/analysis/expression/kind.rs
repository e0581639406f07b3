//! The static types of expressions.

use std::fmt;

use crate::assess::analysis::value::{Of, Value};

/// What is known of a part before it is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Nothing: what `default(…)` returns, and fields of decoded JSON.
    Unknown,
    Nil,
    Bool,
    Int,
    /// What `asInt` returns.
    Int64,
    Float,
    Text,
    List(Of, Box<Kind>),
    Map,
    Time,
    Duration,
    Zone,
    Function,
}

impl Kind {
    /// Returns the type of a value of the environment.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Text(_) => Self::Text,
            Value::List(list) => Self::list(list.of),
            Value::Map(_) => Self::Map,
            Value::Time(_) => Self::Time,
            Value::Duration(_) => Self::Duration,
            Value::Utc => Self::Zone,
            Value::Function => Self::Function,
        }
    }

    /// Returns the type of a list by what its elements are declared as.
    pub(super) fn list(of: Of) -> Self {
        let element = match of {
            Of::Any => Self::Unknown,
            Of::Floats => Self::Float,
            Of::Ints => Self::Int,
            Of::Texts => Self::Text,
        };
        Self::List(of, Box::new(element))
    }

    /// Returns the type of a list that was built from elements of this type.
    pub(super) fn in_list(self) -> Self {
        Self::List(Of::Any, Box::new(self))
    }

    pub(super) fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }

    pub(super) fn is_integer(&self) -> bool {
        matches!(self, Self::Int | Self::Int64)
    }

    pub(super) fn is_number(&self) -> bool {
        self.is_integer() || *self == Self::Float
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(..))
    }

    /// Returns the type of an element.
    pub(super) fn element(&self) -> Self {
        match self {
            Self::List(_, element) => (**element).clone(),
            _ => Self::Unknown,
        }
    }

    /// Whether the two are kinds of one sort, whatever their elements are.
    pub(super) fn same_sort(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether a value of this type can be given where the other is declared.
    pub(super) fn assignable_to(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Map | Self::List(..) | Self::Function) => true,
            (Self::Nil | Self::Unknown, _) | (_, Self::Nil | Self::Unknown) => false,
            (Self::List(of, _), Self::List(other, _)) => of == other,
            _ => self.same_sort(other),
        }
    }

    /// Whether `==` between the two can be checked.
    pub(super) fn comparable_to(&self, other: &Self) -> bool {
        let loose = |kind: &Self| matches!(kind, Self::Unknown | Self::Nil);
        loose(self)
            || loose(other)
            || self.is_number() && other.is_number()
            || self.is_list() && other.is_list()
            || self.assignable_to(other)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "a value of unknown type",
            Self::Nil => "nil",
            Self::Bool => "true or false",
            Self::Int | Self::Int64 => "a whole number",
            Self::Float => "a number",
            Self::Text => "a text",
            Self::List(Of::Floats, _) => "a list of numbers",
            Self::List(..) => "a list",
            Self::Map => "a map",
            Self::Time => "a time",
            Self::Duration => "a duration",
            Self::Zone => "a time zone",
            Self::Function => "a function",
        })
    }
}
