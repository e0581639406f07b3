//! Dotted paths such as `api.containers[name=web].image.tag`, and the places that they lead to.

use super::tree::{Tree, What};
use crate::ManifestFault;

/// How many steps a path may have.
const LONGEST: usize = 50;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The value of a key.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
    /// The item of a list that has this key with this value.
    Item { key: String, value: String },
}

/// A dotted path, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

/// A value that a path leads to.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    /// The value itself, which may be an alias.
    pub(crate) node: usize,
    /// Its key, unless it is an item of a list.
    pub(crate) key: Option<usize>,
    /// Why it cannot be changed.
    pub(crate) obstacle: Option<ManifestFault>,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// Says what is wrong, as the end of a sentence that begins with the path.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (step, after) = bracket(inner)?;
                steps.push(step);
                rest = after;
            } else {
                let rest_of_key = if steps.is_empty() {
                    rest
                } else {
                    rest.strip_prefix('.').ok_or("needs a `.` after `]`".to_owned())?
                };
                let end = rest_of_key.find(['.', '[']).unwrap_or(rest_of_key.len());
                let (key, after) = rest_of_key.split_at(end);
                if key.is_empty() && !after.starts_with('[') || key.is_empty() && after.is_empty() {
                    return Err("has an empty key: write keys with dots between them, such as image.tag".to_owned());
                }
                if !key.is_empty() {
                    steps.push(Step::Key(key.to_owned()));
                }
                rest = after;
            }
        }
        match steps.len() {
            0 => Err("is empty".to_owned()),
            1..=LONGEST => Ok(Self(steps)),
            _ => Err(format!("has more than {LONGEST} steps")),
        }
    }

    /// Follows the path from `root`; `None` where it leads to nothing.
    pub(crate) fn find(&self, tree: &Tree<'_>, root: usize) -> Option<Spot> {
        let mut spot = Spot {
            node: root,
            key: None,
            obstacle: None,
        };
        for step in &self.0 {
            let inside = tree.real(spot.node);
            match step {
                Step::Key(key) => find_key(tree, inside, key, &mut spot)?,
                Step::Index(index) => (spot.node, spot.key) = (*tree.items(inside).get(*index)?, None),
                Step::Item { key, value } => {
                    let items = tree.items(inside);
                    let mut found = items
                        .into_iter()
                        .filter(|item| tree.get_text(*item, key).is_some_and(|text| text == *value));
                    (spot.node, spot.key) = (found.next()?, None);
                    if found.next().is_some() {
                        spot.object(|| {
                            ManifestFault::new(format!("several items of the list have `{key}: {value}`"))
                                .hint("select the item by its number, as in `[0]`")
                        });
                    }
                }
            }
        }
        spot.close(tree);
        Some(spot)
    }

    /// Returns the mapping that holds the last key, and that key; `None` where the mapping is not there.
    pub(crate) fn parent<'p>(&'p self, tree: &Tree<'_>, root: usize) -> Option<(usize, &'p str)> {
        let (last, before) = self.0.split_last()?;
        let Step::Key(key) = last else {
            return None;
        };
        let node = if before.is_empty() {
            root
        } else {
            let spot = Self(before.to_vec()).find(tree, root)?;
            if spot.obstacle.is_some() {
                return None;
            }
            spot.node
        };
        (tree.what(node) == What::Mapping).then_some((node, key))
    }
}

impl Spot {
    /// A value that was found without a path.
    pub(crate) fn at(tree: &Tree<'_>, node: usize, key: Option<usize>) -> Self {
        let mut spot = Self {
            node,
            key,
            obstacle: None,
        };
        spot.close(tree);
        spot
    }

    /// Looks at the value itself.
    fn close(&mut self, tree: &Tree<'_>) {
        if let Some((line, alias)) = tree.shared(self.node) {
            self.object(|| {
                ManifestFault::new(format!(
                    "the alias on line {alias} shares this value, so an edit would change both places"
                ))
                .at(line)
                .hint("replace the alias with a copy of the value")
            });
        }
        if tree.what(self.node) == What::Alias {
            self.obstacle = Some(
                ManifestFault::new("the pin is an alias, and cannot be changed here")
                    .at(tree.line(self.node))
                    .hint("replace the alias with its value"),
            );
        }
    }

    fn object(&mut self, obstacle: impl FnOnce() -> ManifestFault) {
        if self.obstacle.is_none() {
            self.obstacle = Some(obstacle());
        }
    }
}

/// Reads what stands in brackets; returns it and what follows.
fn bracket(inner: &str) -> Result<(Step, &str), String> {
    if let Some(quoted) = inner.strip_prefix('"') {
        let (key, after) = quoted.split_once("\"]").ok_or("has a `[\"` without `\"]`".to_owned())?;
        return Ok((Step::Key(key.to_owned()), after));
    }
    let (inside, after) = inner.split_once(']').ok_or("has a `[` without `]`".to_owned())?;
    if let Ok(index) = inside.parse() {
        return Ok((Step::Index(index), after));
    }
    let (key, value) = inside
        .split_once('=')
        .ok_or_else(|| format!("has [{inside}]: write [0], [name=…] or [\"a key\"]"))?;
    let value = value.trim_matches('"');
    if key.is_empty() {
        return Err(format!("has [{inside}], whose key is empty"));
    }
    let (key, value) = (key.to_owned(), value.to_owned());
    Ok((Step::Item { key, value }, after))
}

/// Goes on to the value of a key: of the mapping itself, or of what it merges.
fn find_key(tree: &Tree<'_>, mapping: usize, key: &str, spot: &mut Spot) -> Option<()> {
    let mut own = tree.pairs(mapping).filter(|(name, _)| tree.is_key(*name, key));
    if let Some((first, value)) = own.next() {
        let (mut name, mut node) = (first, value);
        if let Some((again, value)) = own.last() {
            (name, node) = (again, value);
            let line = tree.line(again);
            spot.object(|| {
                ManifestFault::new(format!("the mapping has the key `{key}` twice"))
                    .at(line)
                    .hint("remove one of the two")
            });
        }
        (spot.node, spot.key) = (node, Some(name));
        return Some(());
    }
    let merge = tree.get(mapping, "<<")?;
    let sources = match tree.what(tree.real(merge)) {
        What::Sequence => tree.items(merge),
        _ => vec![merge],
    };
    let value = sources.into_iter().find_map(|source| tree.get(source, key))?;
    let line = tree.line(merge);
    spot.object(|| {
        ManifestFault::new(format!(
            "a merge (`<<`) supplies the key `{key}`, which other places share"
        ))
        .at(line)
        .hint(format!("write `{key}` in the mapping itself"))
    });
    (spot.node, spot.key) = (value, None);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, path: &str) -> Option<(String, Option<String>)> {
        let tree = Tree::read(text).unwrap();
        let spot = Path::parse(path).unwrap().find(&tree, tree.documents()[0])?;
        Some((
            tree.scalar(spot.node).unwrap().into_owned(),
            spot.obstacle.map(|fault| fault.message),
        ))
    }

    #[test]
    fn paths_lead_through_keys_and_lists() {
        let text = "a:\n  b.c:\n  - {name: x, v: '1'}\n  - {name: y.z, v: \"2\"}\n";
        for (path, value) in [
            ("a[\"b.c\"][0].v", Some("1")),
            ("a[\"b.c\"][name=y.z].v", Some("2")),
            ("a.b", None),
            ("a[\"b.c\"][2].v", None),
        ] {
            assert_eq!(found(text, path).map(|(value, _)| value).as_deref(), value, "{path}");
        }
    }

    #[test]
    fn wrong_paths_are_refused() {
        for path in ["", ".", "a..b", "a.", "a[", "a[x]", "a[\"b]", "a[0]b", ".a"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_shared_has_an_obstacle() {
        for (text, path) in [
            ("a: &a {t: v1}\nb: *a\n", "b.t"),
            ("a: &a {t: v1}\nb: *a\n", "a.t"),
            ("a: {t: &t v1}\nb: *t\n", "a.t"),
            ("a: {t: &t v1}\nb: *t\n", "b"),
            ("a: &a {t: v1}\nb:\n  <<: *a\n", "b.t"),
            ("a: {t: v1, t: v2}\n", "a.t"),
        ] {
            let (_, obstacle) = found(text, path).unwrap();
            assert!(obstacle.is_some(), "{text}{path}");
        }
        assert_eq!(found("a: &a {t: v1}\n", "a.t").unwrap().1, None);
    }
}
