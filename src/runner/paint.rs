//! Colors for people: a whole line by the mark that it begins with, the verdict by how the run ended, a diff by its signs. A terminal and the log
//! of a step show them alike; no text is changed.

use crate::model::Outcome;

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// Returns the text of a result in color: its first line is the verdict.
pub(super) fn result(text: &str, outcome: Outcome, exit_code: u8) -> String {
    let mut in_diff = false;
    let lines = text.split('\n').enumerate().map(|(number, line)| {
        in_diff = (in_diff && !line.is_empty()) || line.starts_with("--- ");
        match number {
            0 if own(line).is_none() => colored(line, verdict(outcome, exit_code)),
            _ if in_diff => changed(line).map_or_else(|| line.to_owned(), |color| colored(line, color)),
            _ => self::line(line),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a line in the color of its mark; one without a mark as it is.
pub(super) fn line(line: &str) -> String {
    own(line).map_or_else(|| line.to_owned(), |color| colored(line, color))
}

fn own(line: &str) -> Option<&'static str> {
    Some(match line.trim_start().split(' ').next()? {
        "✓" => GREEN,
        "✗" => RED,
        "!" | "⏸" | "↷" | "■" => YELLOW,
        "→" => CYAN,
        _ => return None,
    })
}

const fn verdict(outcome: Outcome, exit_code: u8) -> &'static str {
    match outcome {
        Outcome::Landed | Outcome::Paused | Outcome::Proposed | Outcome::Superseded | Outcome::Cancelled { .. } => {
            YELLOW
        }
        Outcome::Planned => CYAN,
        _ if exit_code == 0 => GREEN,
        _ => RED,
    }
}

fn changed(line: &str) -> Option<&'static str> {
    match line.chars().next()? {
        '+' => Some(GREEN),
        '-' => Some(RED),
        '@' => Some(CYAN),
        _ => None,
    }
}

fn colored(line: &str, color: &str) -> String {
    if line.is_empty() {
        return String::new();
    }
    format!("\u{1b}[{color}m{line}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_marks_and_diffs_have_colors_and_nothing_else() {
        let text = "rollout-failed: pods crash\n- no mark\n  → go back\n\n--- a/k.yaml\n+++ b/k.yaml\n@@ -1 +1 @@\n-  v1\n+  v2\n\n  ✓ api-dev\n  ✗ web-dev\ntook 3s";
        let right = "\u{1b}[31mrollout-failed: pods crash\u{1b}[0m\n- no mark\n\u{1b}[36m  → go back\u{1b}[0m\n\n\
                     \u{1b}[31m--- a/k.yaml\u{1b}[0m\n\u{1b}[32m+++ b/k.yaml\u{1b}[0m\n\u{1b}[36m@@ -1 +1 @@\u{1b}[0m\n\
                     \u{1b}[31m-  v1\u{1b}[0m\n\u{1b}[32m+  v2\u{1b}[0m\n\n\u{1b}[32m  ✓ api-dev\u{1b}[0m\n\
                     \u{1b}[31m  ✗ web-dev\u{1b}[0m\ntook 3s";
        assert_eq!(result(text, Outcome::RolloutFailed, 5), right);
        assert!(result("promoted: live", Outcome::Promoted, 0).starts_with("\u{1b}[32mpromoted"));
        assert!(result("superseded: x", Outcome::Superseded, 0).starts_with("\u{1b}[33m"));
    }
}
