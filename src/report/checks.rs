//! The rows of `preflight`: what was checked, how it stands, and what to do about it; as a table for people.

use serde::Serialize;

use super::columns::columns;
use super::rows::Texts;

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct CheckRow {
    /// What was checked: `write`, `overlay`, `application`, …
    pub check: &'static str,
    /// Of what.
    pub object: String,
    /// The result of the check.
    pub state: CheckState,
    /// What was seen.
    pub reason: String,
    /// What to do, when there is something to do.
    pub hints: Vec<String>,
}

impl Texts for CheckRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![&mut self.object, &mut self.reason];
        texts.extend(&mut self.hints);
        texts
    }
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// As it must be.
    Ok,
    /// Good enough now; it may end a promotion later.
    Warning,
    /// A promotion would end here.
    Failed,
    /// Not looked at, because of another check or because it was not asked for.
    Skipped,
}

impl CheckState {
    const fn mark(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Warning => "!",
            Self::Failed => "✗",
            Self::Skipped => "·",
        }
    }

    /// Returns its sign in a summary.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Ok => "✅",
            Self::Warning => "⚠️",
            Self::Failed => "❌",
            Self::Skipped => "➖",
        }
    }
}

/// Says in one line what the checks came to.
#[must_use]
pub fn verdict(rows: &[CheckRow]) -> String {
    let count = |state: CheckState| rows.iter().filter(|row| row.state == state).count();
    let (failed, warned, skipped) = (
        count(CheckState::Failed),
        count(CheckState::Warning),
        count(CheckState::Skipped),
    );
    let all = rows.len();
    let mut text = match failed {
        0 if skipped == 0 => format!("all {all} checks passed"),
        0 => format!("{} of {all} checks passed", all - skipped),
        1 => format!("1 of {all} checks failed"),
        _ => format!("{failed} of {all} checks failed"),
    };
    for (count, what) in [(warned, "with a warning"), (skipped, "skipped")] {
        if count > 0 {
            text.push_str(", ");
            text.push_str(&count.to_string());
            text.push(' ');
            text.push_str(what);
        }
    }
    text
}

/// Returns the table; what to do stands below what was seen.
pub(super) fn table(rows: &[CheckRow]) -> String {
    let cells = |row: &CheckRow| {
        let told = std::iter::once(row.reason.clone()).chain(row.hints.iter().map(|hint| format!("→ {hint}")));
        let seen: Vec<String> = told.collect();
        vec![
            format!("{} {}", row.state.mark(), row.check),
            row.object.clone(),
            seen.join("\n"),
        ]
    };
    columns(&rows.iter().map(cells).collect::<Vec<_>>()).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_below_what_was_seen() {
        let row = |check, object: &str, state, hints: &[&str]| CheckRow {
            check,
            object: object.to_owned(),
            state,
            reason: "so it is".to_owned(),
            hints: hints.iter().map(ToString::to_string).collect(),
        };
        let rows = [
            row("write", "https://git.example/infra", CheckState::Failed, &["grant it"]),
            row("application", "api-dev", CheckState::Ok, &[]),
        ];
        assert_eq!(
            table(&rows),
            "✗ write        https://git.example/infra  so it is\n\
             \u{20}                                         → grant it\n\
             ✓ application  api-dev                    so it is"
        );
    }
}
