//! The functions of expressions: their names, what they take and what they return.

use super::failure::{Class, Failure};
use super::kind::Kind;
use crate::assess::analysis::value::Of;

/// The names that the controller puts beside `result`; they come before functions of the language.
pub(super) const OF_THE_CONTROLLER: [&str; 6] = ["asInt", "asFloat", "isNaN", "isInf", "isNil", "default"];

/// Functions that take a predicate, with how many arguments they need and can have.
const PREDICATES: [(&str, usize, usize); 15] = [
    ("all", 2, 2),
    ("none", 2, 2),
    ("any", 2, 2),
    ("one", 2, 2),
    ("filter", 2, 2),
    ("map", 2, 2),
    ("count", 1, 2),
    ("sum", 1, 2),
    ("find", 2, 2),
    ("findIndex", 2, 2),
    ("findLast", 2, 2),
    ("findLastIndex", 2, 2),
    ("groupBy", 2, 2),
    ("sortBy", 2, 3),
    ("reduce", 2, 3),
];

/// The other functions of the language.
const PLAIN: [&str; 52] = [
    "len",
    "type",
    "abs",
    "ceil",
    "floor",
    "round",
    "int",
    "float",
    "string",
    "trim",
    "trimPrefix",
    "trimSuffix",
    "upper",
    "lower",
    "split",
    "splitAfter",
    "replace",
    "repeat",
    "join",
    "indexOf",
    "lastIndexOf",
    "hasPrefix",
    "hasSuffix",
    "max",
    "min",
    "mean",
    "median",
    "toJSON",
    "fromJSON",
    "toBase64",
    "fromBase64",
    "now",
    "duration",
    "date",
    "timezone",
    "first",
    "last",
    "get",
    "take",
    "keys",
    "values",
    "toPairs",
    "fromPairs",
    "reverse",
    "uniq",
    "concat",
    "flatten",
    "sort",
    "bitand",
    "bitor",
    "bitxor",
    "bitnand",
];
const MORE: [&str; 4] = ["bitshl", "bitshr", "bitushr", "bitnot"];

/// Functions that the controller has and that are not evaluated here.
pub(super) const NOT_EVALUATED: [&str; 3] = ["groupBy", "toPairs", "fromPairs"];

/// Returns the name of a function of the language.
pub(super) fn builtin(name: &str) -> Option<&'static str> {
    let predicates = PREDICATES.iter().map(|(name, ..)| name);
    predicates
        .chain(&PLAIN)
        .chain(&MORE)
        .find(|known| **known == name)
        .copied()
}

/// Returns how many arguments a function with a predicate needs; `None` if it takes none.
pub(super) fn predicate(name: &str) -> Option<usize> {
    PREDICATES
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, least, _)| *least)
}

/// Returns how many arguments a function with a predicate can have.
pub(super) fn most_arguments(name: &str) -> usize {
    PREDICATES
        .iter()
        .find(|(known, ..)| *known == name)
        .map_or(0, |(.., most)| *most)
}

/// What an argument is declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Any,
    Float,
    Int,
    Text,
    Texts,
    List,
}

impl Parameter {
    /// Returns the declared type.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Any => Kind::Unknown,
            Self::Float => Kind::Float,
            Self::Int => Kind::Int,
            Self::Text => Kind::Text,
            Self::Texts => Kind::list(Of::Texts),
            Self::List => Kind::list(Of::Any),
        }
    }
}

/// The ways to call a function, and what comes out. The last one decides about the message when none fits.
pub(super) fn signatures(name: &str) -> Option<(&'static [&'static [Parameter]], Kind)> {
    use Parameter::{Any, Float, Int, List, Text, Texts};
    Some(match name {
        "asInt" => (&[&[Any]], Kind::Int64),
        "asFloat" => (&[&[Any]], Kind::Float),
        "isNaN" | "isInf" => (&[&[Float]], Kind::Bool),
        "isNil" => (&[&[Any]], Kind::Bool),
        "default" => (&[&[Any, Any]], Kind::Unknown),
        "string" | "type" | "toJSON" => (&[&[Any]], Kind::Text),
        "trim" => (&[&[Text], &[Text, Text]], Kind::Text),
        "trimPrefix" | "trimSuffix" => (&[&[Text, Text], &[Text]], Kind::Text),
        "upper" | "lower" | "toBase64" | "fromBase64" => (&[&[Text]], Kind::Text),
        "fromJSON" => (&[&[Text]], Kind::Unknown),
        "split" | "splitAfter" => (&[&[Text, Text], &[Text, Text, Int]], Kind::list(Of::Texts)),
        "replace" => (&[&[Text, Text, Text, Int], &[Text, Text, Text]], Kind::Text),
        "repeat" => (&[&[Text, Int]], Kind::Text),
        "join" => (&[&[Texts, Text], &[List, Text], &[List], &[Texts]], Kind::Text),
        "indexOf" | "lastIndexOf" => (&[&[Text, Text]], Kind::Int),
        "hasPrefix" | "hasSuffix" => (&[&[Text, Text]], Kind::Bool),
        "duration" => (&[&[Text]], Kind::Duration),
        "timezone" => (&[&[Text]], Kind::Zone),
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl" | "bitshr" | "bitushr" => (&[&[Int, Int]], Kind::Int),
        "bitnot" => (&[&[Int]], Kind::Int),
        _ => return None,
    })
}

/// Checks the arguments of a function that says itself what it takes, and returns what comes out.
#[expect(clippy::too_many_lines, reason = "one arm for each function")]
pub(super) fn validate(name: &str, arguments: &[Kind], at: usize) -> Result<Kind, Failure> {
    let count = |least: usize, most: usize| {
        if (least..=most).contains(&arguments.len()) {
            return Ok(());
        }
        let wanted = if least == most {
            least.to_string()
        } else {
            format!("{least} to {most}")
        };
        Err(Failure::new(
            Class::ArgumentCount,
            at,
            format!("`{name}` takes {wanted} arguments, not {}", arguments.len()),
        ))
    };
    let wrong = |class, kind: &Kind| Err(Failure::new(class, at, format!("`{name}` does not take {kind}")));
    let first = arguments.first().cloned().unwrap_or(Kind::Unknown);
    match name {
        "len" => {
            count(1, 1)?;
            match first {
                Kind::List(..) | Kind::Map | Kind::Text | Kind::Unknown => Ok(Kind::Int),
                kind => wrong(Class::Type, &kind),
            }
        }
        "abs" | "ceil" | "floor" | "round" => {
            count(1, 1)?;
            match first {
                kind if !kind.is_number() && !kind.is_unknown() => wrong(Class::Type, &kind),
                kind if name == "abs" => Ok(kind),
                _ => Ok(Kind::Float),
            }
        }
        "int" | "float" => {
            count(1, 1)?;
            match first {
                kind if !kind.is_number() && !matches!(kind, Kind::Unknown | Kind::Text) => wrong(Class::Type, &kind),
                _ if name == "int" => Ok(Kind::Int),
                _ => Ok(Kind::Float),
            }
        }
        "max" | "min" | "mean" | "median" => {
            count(1, usize::MAX)?;
            for kind in arguments {
                match kind {
                    Kind::Unknown | Kind::List(..) => return Ok(Kind::Unknown),
                    kind if kind.is_number() => {}
                    kind => return wrong(Class::Type, kind),
                }
            }
            Ok(first)
        }
        "first" | "last" => {
            count(1, 1)?;
            match first {
                // The element of a list that was built here is not looked at.
                Kind::List(of, _) => Ok(Kind::list(of).element()),
                Kind::Unknown => Ok(Kind::Unknown),
                kind => wrong(Class::Other, &kind),
            }
        }
        "keys" | "values" => {
            count(1, 1)?;
            match first {
                Kind::Map | Kind::Unknown => Ok(Kind::list(Of::Any)),
                kind => wrong(Class::Other, &kind),
            }
        }
        "sort" => {
            count(1, 2)?;
            match (first, arguments.get(1)) {
                (Kind::List(..) | Kind::Unknown, None | Some(Kind::Text | Kind::Unknown)) => Ok(Kind::list(Of::Any)),
                (Kind::List(..) | Kind::Unknown, Some(order)) => wrong(Class::Type, order),
                (kind, Some(_)) => wrong(Class::ArgumentCount, &kind),
                (kind, None) => wrong(Class::Type, &kind),
            }
        }
        "now" => count(0, 0).map(|()| Kind::Time),
        "date" => {
            let zone = usize::from(first == Kind::Zone);
            count(1, 3 + zone).map(|()| Kind::Time)
        }
        "take" => {
            count(2, 2)?;
            match (&first, arguments.get(1)) {
                (kind, _) if !kind.is_list() && !kind.is_unknown() => wrong(Class::Other, kind),
                (_, Some(kind)) if !kind.is_integer() && !kind.is_unknown() => wrong(Class::Other, kind),
                (Kind::List(of, _), _) => Ok(Kind::list(*of)),
                _ => Ok(Kind::Unknown),
            }
        }
        "concat" => {
            count(1, usize::MAX)?;
            match arguments.iter().find(|kind| !kind.is_list() && !kind.is_unknown()) {
                Some(kind) => wrong(Class::Other, kind),
                None => Ok(Kind::list(Of::Any)),
            }
        }
        "reverse" | "uniq" | "flatten" => {
            count(1, 1)?;
            match first {
                Kind::List(..) | Kind::Unknown => Ok(Kind::list(Of::Any)),
                kind => wrong(Class::Other, &kind),
            }
        }
        _ => Ok(Kind::Unknown),
    }
}
