//! Reads JSON within a budget of memory: an answer may not take many times its own length, whatever its elements are.
//!
//! A list of empty objects is three bytes an element on the way and hundreds of them in memory. So each element is charged with what it
//! takes, and an answer that would take too much is refused while it is read.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::model::limits;

/// Small answers may take that much. (Lists grow by doubling, so that they take up to three times as much for a moment.)
const FLOOR: usize = 256 << 10;
/// What an element of a JSON value is charged with: itself, its key and its share of a map's node.
const VALUE: usize = 24;

thread_local! {
    /// What is left for the answer that this thread reads.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Reads a text of JSON within its budget.
///
/// # Errors
/// Says what is wrong with the text, or that it has too many elements.
pub(super) fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    fund(text.len());
    serde_json::from_slice(text)
}

/// Lets what this thread reads next take as much as an answer of `bytes` may.
pub(super) fn fund(bytes: usize) {
    let most = bytes.saturating_mul(limits::ARGOCD_MEMORY.things());
    LEFT.with(|left| left.set(most.saturating_add(FLOOR)));
}

/// Charges the budget. Returns false when it is used up.
fn charge(bytes: usize) -> bool {
    LEFT.with(|left| {
        let rest = left.get().checked_sub(bytes);
        left.set(rest.unwrap_or_default());
        rest.is_some()
    })
}

/// A list of at most `MOST` elements; `null` is an empty one.
#[derive(Debug)]
pub(super) struct List<T, const MOST: usize = { limits::ARGOCD_RESOURCES.things() }>(Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MOST: usize> List<T, MOST> {
    pub(super) fn into_vec(self) -> Vec<T> {
        self.0
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T, const MOST: usize> IntoIterator for List<T, MOST> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor::<T, MOST>(PhantomData))
    }
}

struct ListVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
    type Value = List<T, MOST>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = list.next_element()? {
            if all.len() >= MOST || !charge(size_of::<T>()) {
                return Err(A::Error::custom(format_args!(
                    "a list has too many elements ({}…)",
                    all.len()
                )));
            }
            all.push(element);
        }
        Ok(List(all))
    }
}

/// Texts by name, at most `MOST`; `null` is none.
#[derive(Debug, Default)]
pub(super) struct Texts<const MOST: usize = 1_000>(std::collections::BTreeMap<String, String>);

impl<const MOST: usize> Texts<MOST> {
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Texts<MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextsVisitor::<MOST>)
    }
}

struct TextsVisitor<const MOST: usize>;

impl<'de, const MOST: usize> Visitor<'de> for TextsVisitor<MOST> {
    type Value = Texts<MOST>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("texts by name")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Texts::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Texts::default();
        while let Some((name, text)) = map.next_entry()? {
            if all.0.len() >= MOST || !charge(size_of::<(String, String)>()) {
                return Err(A::Error::custom("a map has too many entries"));
            }
            all.0.insert(name, text);
        }
        Ok(all)
    }
}

/// Any JSON, within the budget.
#[derive(Debug, Default)]
pub(super) struct Any(pub(super) Value);

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
            if !charge(VALUE) {
                return Err(A::Error::custom("too many elements"));
            }
            all.push(element);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, Any(element))) = map.next_entry::<String, Any>()? {
            if !charge(VALUE) {
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
    fn null_is_an_empty_list() {
        assert!(from_slice::<List<u8>>(b"null").unwrap().is_empty());
        assert_eq!(from_slice::<List<u8>>(b"[1,2]").unwrap().into_vec(), [1, 2]);
    }

    #[test]
    fn a_list_ends_at_its_bound() {
        assert!(from_slice::<List<u8, 2>>(b"[1,2]").is_ok());
        let error = from_slice::<List<u8, 2>>(b"[1,2,3]").unwrap_err();
        assert!(error.to_string().contains("too many elements"), "{error}");
    }

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

    /// Every list and map of the answers, as the path to it in JSON; `*` = an element of a list.
    const LISTS: [&str; 20] = [
        "spec/sources",
        "metadata/ownerReferences",
        "status/resources",
        "status/conditions",
        "status/history",
        "status/sync/revisions",
        "status/summary/images",
        "status/history/*/revisions",
        "status/operationState/operation/info",
        "status/operationState/operation/sync/revisions",
        "status/operationState/operation/sync/resources",
        "status/operationState/syncResult/revisions",
        "status/operationState/syncResult/resources",
        "status/operationState/syncResult/resources/*/images",
        "items",
        "nodes",
        "nodes/*/parentRefs",
        "nodes/*/info",
        "nodes/*/images",
        "activeWindows",
    ];

    /// Returns a text with `elements` at `path`.
    fn filled(path: &str, elements: &str) -> String {
        path.rsplit('/')
            .fold(format!("[{elements}]"), |inner, part| match part {
                "*" => format!("[{inner}]"),
                part => format!("{{\"{part}\":{inner}}}"),
            })
    }

    /// More elements than any list may have.
    const MANY: usize = 1 << 17;

    #[test]
    fn no_list_of_an_answer_takes_many_times_its_bytes() {
        use super::super::wire;
        for path in LISTS {
            for element in ["{}", "\"\"", "null"] {
                let text = filled(path, &vec![element; MANY].join(","));
                let text = text.as_bytes();
                let ends: [bool; 4] = [
                    from_slice::<wire::Application>(text).is_err(),
                    from_slice::<wire::ApplicationList>(text).is_err()
                        || from_slice::<wire::ManagedResources>(text).is_err(),
                    from_slice::<wire::Tree>(text).is_err(),
                    from_slice::<wire::Windows>(text).is_err() || from_slice::<wire::Events>(text).is_err(),
                ];
                assert!(ends.contains(&true), "{path} of {element}");
            }
        }
    }
}
