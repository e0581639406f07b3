//! Reads JSON within a budget of memory: an answer may not take many times its own length, whatever its elements are.
//!
//! A list of empty objects is three bytes an element on the way and hundreds of them in memory. So each element is charged with what it
//! takes, and an answer that would take too much is refused while it is read.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::limits;

/// Answers may take that much whatever their length, in bytes.
const FLOOR: usize = 4 << 20;
/// What an element of a list takes: lists grow by doubling, so for a moment three times itself.
const ELEMENT: usize = 3 * size_of::<Value>();
/// What the first element of a list takes, for which there is room for four at once.
const FIRST_ELEMENTS: (usize, usize) = (4, 4 * size_of::<Value>());
/// What the first entry of an object takes: a node with room for eleven.
const NODE: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 24;
/// What each further entry takes: nodes are half full at least, and their names have a place of their own.
const ENTRY: usize = NODE / 5;
/// The part of an object of the cluster that is large, made of the smallest maps, and never looked at.
const UNREAD: &str = "managedFields";

thread_local! {
    /// What is left for the answer that this thread reads.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Reads a text of JSON within its budget.
///
/// # Errors
/// Says what is wrong with the text, or that it has too many elements.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    fund(text.len());
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(read)
}

/// Reads any JSON within its budget.
///
/// # Errors
/// As [`from_slice`].
pub fn value(text: &[u8]) -> Result<Value, serde_json::Error> {
    from_slice::<Any>(text).map(|Any(value)| value)
}

/// Says what is wrong with a text that was read as JSON, without the place in a text that nobody sees.
#[must_use]
pub fn in_words(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Syntax => "not JSON".to_owned(),
        Category::Eof => "JSON that breaks off".to_owned(),
        Category::Data | Category::Io => {
            let said = error.to_string();
            said.rsplit_once(" at line ")
                .map_or(said.as_str(), |(words, _)| words)
                .to_owned()
        }
    }
}

/// Lets what this thread reads next take as much as an answer of `bytes` may.
pub fn fund(bytes: usize) {
    let most = bytes.saturating_mul(limits::MEMORY.things());
    LEFT.with(|left| left.set(most.saturating_add(FLOOR)));
}

/// Charges the budget. Returns false when it is used up.
#[must_use]
pub fn charge(bytes: usize) -> bool {
    LEFT.with(|left| {
        let rest = left.get().checked_sub(bytes);
        left.set(rest.unwrap_or_default());
        rest.is_some()
    })
}

/// Any JSON, within the budget.
#[derive(Debug, Default)]
pub struct Any(pub Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyVisitor).map(Self)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Any(element)) = list.next_element()? {
            let (few, room) = FIRST_ELEMENTS;
            let cost = match all.len() {
                0 => room,
                known if known < few => 0,
                _ => ELEMENT,
            };
            if !charge(cost) {
                return Err(A::Error::custom("too many elements"));
            }
            all.push(element);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == UNREAD {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let Any(element) = map.next_value()?;
            if !charge(if all.is_empty() { NODE } else { ENTRY }) {
                return Err(A::Error::custom("too many elements"));
            }
            all.insert(name, element);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_elements_use_the_budget_up() {
        let text = format!("[{}]", vec!["0"; 1 << 20].join(","));
        assert!(from_slice::<Any>(text.as_bytes()).is_err());
        let texts = format!("[{}]", vec!["\"a text as they are\""; 1 << 16].join(","));
        assert!(from_slice::<Any>(texts.as_bytes()).is_ok());
    }

    #[test]
    fn any_json_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,1.5,true,null,"x"],"b":{"c":{}}}"#;
        let read: Any = from_slice(text.as_bytes()).unwrap();
        assert_eq!(read.0, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_is_long_elsewhere_pays_for_no_small_maps() {
        // Half of it is one text, the other half the smallest objects that take a node each.
        let text = format!("[\"{}\",{}]", "x".repeat(8 << 20), vec!["{\"\":0}"; 1 << 20].join(","));
        assert!(value(text.as_bytes()).is_err());
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let text = r#"{"metadata":{"managedFields":[{"f:a":{}}],"name":"api"}}"#;
        let read = value(text.as_bytes()).unwrap();
        assert_eq!(read, serde_json::json!({"metadata": {"name": "api"}}));
    }
}
