//! Lists and maps of an answer, each with a bound of its own, within the answer's budget of memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::limits;

pub(super) use crate::model::json::{Any, charge, from_slice, fund};

/// What an element is charged with, by its size: lists grow by doubling.
const GROWTH: (usize, usize) = (8, 3);
/// What an entry of a map is charged with: two texts and their share of a node.
const ENTRY: usize = 5 * size_of::<String>();

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
            if all.len() >= MOST || !charge(size_of::<T>() * GROWTH.0 / GROWTH.1) {
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
            if all.0.len() >= MOST || !charge(ENTRY) {
                return Err(A::Error::custom("a map has too many entries"));
            }
            all.0.insert(name, text);
        }
        Ok(all)
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
