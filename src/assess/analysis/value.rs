//! What a query returns and what an expression computes with.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use super::golang::{plain_float, short_float, to_float};

/// A value of an expression.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing.
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number; what a Prometheus scalar is.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// A list; what a Prometheus vector or matrix is.
    List(Arc<List>),
    /// Fields by name.
    Map(Arc<Fields>),
    /// A moment: nanoseconds since 1970, UTC.
    Time(i128),
    /// A span of time in nanoseconds.
    Duration(i64),
    /// The time zone UTC.
    Utc,
    /// A function, which can only be called.
    Function,
}

/// A list with the type its elements were declared with.
#[derive(Debug, Clone)]
pub struct List {
    /// The declared type of the elements.
    pub of: Of,
    /// The elements.
    pub items: Vec<Value>,
    depth: u16,
}

/// Fields by their names.
#[derive(Debug, Clone)]
pub struct Fields {
    fields: BTreeMap<String, Value>,
    depth: u16,
}

impl Deref for Fields {
    type Target = BTreeMap<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.fields
    }
}

/// The declared type of a list's elements. Lists of two different declared types other than [`Of::Any`] are never equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Anything.
    Any,
    /// Numbers.
    Floats,
    /// Whole numbers.
    Ints,
    /// Texts.
    Texts,
}

impl Value {
    /// Makes the value of a Prometheus vector or matrix.
    #[must_use]
    pub fn floats(numbers: impl IntoIterator<Item = f64>) -> Self {
        Self::list(Of::Floats, numbers.into_iter().map(Self::Float).collect())
    }

    /// Makes a list.
    #[must_use]
    pub fn list(of: Of, items: Vec<Value>) -> Self {
        let depth = around(&items);
        Self::List(Arc::new(List { of, items, depth }))
    }

    /// Makes a map.
    #[must_use]
    pub fn map(fields: BTreeMap<String, Value>) -> Self {
        let depth = around(fields.values());
        Self::Map(Arc::new(Fields { fields, depth }))
    }

    /// Returns how many lists and maps are one in the other; 0 for what is neither.
    #[must_use]
    pub fn depth(&self) -> u16 {
        match self {
            Self::List(list) => list.depth,
            Self::Map(fields) => fields.depth,
            _ => 0,
        }
    }

    /// Makes a text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// Takes decoded JSON; every number is a floating-point one.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::list(Of::Any, items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(fields) => Self::map(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Whether nothing came back: no value, or a list without elements.
    #[must_use]
    pub fn is_no_data(&self) -> bool {
        match self {
            Self::Nil => true,
            Self::List(list) => list.items.is_empty(),
            _ => false,
        }
    }

    /// Returns the numbers of a scalar or of a list of numbers.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Float(number) => vec![*number],
            Self::Int(number) => vec![to_float(*number)],
            Self::List(list) => list.items.iter().flat_map(Self::numbers).collect(),
            _ => Vec::new(),
        }
    }

    /// Names the type as the controller's messages do.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(list) => list.of.type_name(),
            Self::Map(_) => "map[string]any",
            Self::Time(_) => "time",
            Self::Duration(_) => "duration",
            Self::Utc => "time zone",
            Self::Function => "function",
        }
    }

    /// Prints the value as it is stored in a measurement: numbers without exponent, `[0.97,0.5]`.
    #[must_use]
    pub fn stored(&self) -> String {
        match self {
            Self::Float(number) => plain_float(*number),
            Self::List(list) if list.of == Of::Floats => {
                let numbers: Vec<String> = list.items.iter().map(Self::stored).collect();
                format!("[{}]", numbers.join(","))
            }
            Self::Text(text) => text.to_string(),
            Self::Nil => "null".to_owned(),
            other => other.json().to_string(),
        }
    }

    /// Turns the value into JSON, with numbers that are whole printed so.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            #[expect(clippy::float_cmp, reason = "a whole number is exactly one")]
            Self::Float(value) if value.trunc() == *value && value.abs() < 1e15 => super::golang::to_int(*value).into(),
            Self::Float(value) => serde_json::Number::from_f64(*value)
                .map_or_else(|| plain_float(*value).into(), serde_json::Value::Number),
            Self::Text(text) => text.to_string().into(),
            Self::List(list) => list.items.iter().map(Self::json).collect::<Vec<_>>().into(),
            Self::Map(fields) => {
                let fields: serde_json::Map<_, _> = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.json()))
                    .collect();
                fields.into()
            }
            _ => serde_json::Value::Null,
        }
    }

    /// Prints the value as `%v` of Go does; what is not printed alike everywhere is `None`.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        Some(match self {
            Self::Nil => "<nil>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => short_float(*value),
            Self::Text(text) => text.to_string(),
            Self::List(list) => {
                let items: Option<Vec<String>> = list.items.iter().map(Self::shown).collect();
                format!("[{}]", items?.join(" "))
            }
            Self::Map(fields) => {
                let fields: Option<Vec<String>> = fields
                    .iter()
                    .map(|(name, value)| Some(format!("{name}:{}", value.shown()?)))
                    .collect();
                format!("map[{}]", fields?.join(" "))
            }
            _ => return None,
        })
    }
}

/// Returns the depth of what holds these values.
fn around<'a>(values: impl IntoIterator<Item = &'a Value>) -> u16 {
    let deepest = values.into_iter().map(Value::depth).max().unwrap_or(0);
    deepest.saturating_add(1)
}

impl Of {
    /// Names a list of such elements.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "[]any",
            Self::Floats => "[]float64",
            Self::Ints => "[]int",
            Self::Texts => "[]string",
        }
    }
}
