//! The exact change of a file, as `git diff` shows it.

use std::fmt::Write as _;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use super::PlannedFile;

/// How many lines are shown around a change.
const CONTEXT: usize = 3;

/// Returns the unified diff of all files.
#[must_use]
pub fn diff(files: &[PlannedFile]) -> String {
    let mut out = String::new();
    for file in files {
        let (before, after) = (
            String::from_utf8_lossy(&file.before),
            String::from_utf8_lossy(&file.after),
        );
        let _ = writeln!(out, "--- a/{0}\n+++ b/{0}", file.path);
        hunks(&mut out, &before, &after);
    }
    out
}

/// Lines that were replaced by others; one of both may be none.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

fn hunks(out: &mut String, before: &str, after: &str) {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let changes = changes(&old, &new);
    // Changes whose surroundings touch are one hunk.
    for hunk in changes.chunk_by(|one, next| next.old.start - one.old.end <= 2 * CONTEXT) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        let above = first.old.start.min(CONTEXT);
        let below = (old.len() - last.old.end).min(CONTEXT);
        let shown = first.old.start - above..last.old.end + below;
        let made = first.new.start - above..last.new.end + below;
        let _ = writeln!(out, "@@ -{} +{} @@", place(&shown), place(&made));
        let mut at = shown.start;
        for change in hunk {
            lines(out, ' ', &old, at..change.old.start);
            lines(out, '-', &old, change.old.clone());
            lines(out, '+', &new, change.new.clone());
            at = change.old.end;
        }
        lines(out, ' ', &old, at..shown.end);
    }
}

/// Finds what changed.
fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let lines = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks()
        .map(|hunk| Change {
            old: lines(hunk.before),
            new: lines(hunk.after),
        })
        .collect()
}

/// Returns lines as a hunk's head names them: the first from 1, or the one before if there are none, and their number unless it is 1.
fn place(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        more => format!("{},{more}", lines.start + 1),
    }
}

fn lines(out: &mut String, sign: char, all: &[&str], shown: Range<usize>) {
    for line in all.get(shown).unwrap_or_default() {
        let end = if line.ends_with('\n') {
            ""
        } else {
            "\n\\ No newline at end of file\n"
        };
        let _ = write!(out, "{sign}{line}{end}");
    }
}

#[cfg(test)]
mod tests {
    fn hunks(before: &str, after: &str) -> String {
        let mut out = String::new();
        super::hunks(&mut out, before, after);
        out
    }

    #[test]
    fn lines_around_a_change_are_shown_and_places_are_told_as_git_does() {
        assert_eq!(
            hunks("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn what_is_added_and_what_is_removed_has_no_other_side() {
        assert_eq!(hunks("a\nb\n", "a\nx\ny\nb\n"), "@@ -1,2 +1,4 @@\n a\n+x\n+y\n b\n");
        assert_eq!(hunks("a\nx\nb\n", "a\nb\n"), "@@ -1,3 +1,2 @@\n a\n-x\n b\n");
        assert_eq!(hunks("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(hunks("a\n", "a\nb\n"), "@@ -1 +1,2 @@\n a\n+b\n");
        assert_eq!(hunks("a\n", "a\n"), "");
    }

    #[test]
    fn changes_near_each_other_are_one_hunk_and_far_ones_are_two() {
        let text =
            |first: &str, second: &str, between: usize| format!("{first}\n{}{second}\n", "same\n".repeat(between));
        let count = |between| {
            hunks(&text("a", "b", between), &text("x", "y", between))
                .matches("@@ -")
                .count()
        };
        assert_eq!((count(6), count(7)), (1, 2));
    }

    #[test]
    fn a_last_line_without_a_break_says_so() {
        assert_eq!(
            hunks("a\nb", "a\nc"),
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
        );
    }
}
