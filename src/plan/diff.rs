//! The exact change of a file, as `git diff` shows it.

use similar::TextDiff;

use super::PlannedFile;

/// Returns the unified diff of all files, with three lines around each change.
pub(super) fn diff(files: &[PlannedFile]) -> String {
    files
        .iter()
        .map(|file| {
            let before = String::from_utf8_lossy(&file.before);
            let after = String::from_utf8_lossy(&file.after);
            TextDiff::from_lines(before.as_ref(), after.as_ref())
                .unified_diff()
                .context_radius(3)
                .header(&format!("a/{}", file.path), &format!("b/{}", file.path))
                .to_string()
        })
        .collect()
}
