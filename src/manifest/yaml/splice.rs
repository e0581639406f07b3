//! Replaces ranges of a text.

use std::ops::Range;

/// One replacement: a range of the old text, empty for an insertion, and what stands there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    /// The bytes of the old text.
    pub(crate) range: Range<usize>,
    /// The new bytes.
    pub(crate) text: String,
    /// The number of the edit that wants it.
    pub(crate) owner: usize,
}

/// Replacements that are made together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Splices {
    list: Vec<Splice>,
    /// The number of the edit that the next ones belong to.
    pub(crate) owner: usize,
}

impl Splices {
    /// Replaces `range` by `text`.
    pub(crate) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.list.push(Splice {
            range,
            text: text.into(),
            owner: self.owner,
        });
    }

    /// Inserts `text` at `at`; several insertions at one place stand in the order in which they were asked for.
    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Removes `range`.
    pub(crate) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Returns where the removal ends that `at` lies inside of, if there is one.
    pub(crate) fn removed_over(&self, at: usize) -> Option<usize> {
        let over = self
            .list
            .iter()
            .find(|splice| splice.range.start < at && at < splice.range.end);
        over.filter(|splice| splice.text.is_empty())
            .map(|splice| splice.range.end)
    }

    /// Makes the replacements: the new text, and the replacements in ascending order. Removals may overlap each other.
    /// `None` if something else overlaps or a range is none of whole characters.
    pub(crate) fn apply(mut self, old: &str) -> Option<(String, Vec<Splice>)> {
        // Stable, and insertions come before what begins at the same place.
        self.list.sort_by_key(|splice| (splice.range.start, splice.range.end));
        let grown: usize = self.list.iter().map(|splice| splice.text.len()).sum();
        let mut new = String::with_capacity(old.len() + grown);
        let mut done = 0;
        for splice in &mut self.list {
            if splice.text.is_empty() {
                splice.range.start = splice.range.start.max(done);
                splice.range.end = splice.range.end.max(done);
            }
            new.push_str(old.get(done..splice.range.start)?);
            new.push_str(&splice.text);
            done = splice.range.end;
        }
        new.push_str(old.get(done..)?);
        self.list
            .retain(|splice| !splice.range.is_empty() || !splice.text.is_empty());
        Some((new, self.list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insertions_stand_before_a_removal_at_the_same_place() {
        let mut splices = Splices::default();
        splices.remove(1..3);
        splices.insert(1, "x");
        splices.insert(1, "y");
        assert_eq!(splices.apply("abcd").unwrap().0, "axyd");
    }

    #[test]
    fn overlap_is_refused() {
        let mut splices = Splices::default();
        splices.remove(1..3);
        splices.insert(2, "x");
        assert!(splices.apply("abcde").is_none());
    }
}
