//! The comment on the pull request that a source commit came from: a row for each app in each environment, updated in place. Pure.

use std::fmt::Write as _;

use super::pull_request::code;

/// What the comment is found by.
const MARKER: &str = "<!-- promote-action:comment -->";
/// How the marker of a row begins.
const ROW: &str = "<!-- promote-action:row ";
/// GitHub takes 65,536 characters.
const MOST_ROWS: usize = 100;

/// One app in one environment, as the comment shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentRow {
    /// The environment.
    pub environment: String,
    /// The app.
    pub app: String,
    /// The image.
    pub image: String,
    /// How it stands: a word with its mark.
    pub state: String,
    /// Why, in one sentence.
    pub reason: String,
    /// The page of the run, if it has one.
    pub run: String,
    /// The time.
    pub at: String,
}

impl CommentRow {
    fn marker(&self) -> String {
        format!("{ROW}{} {} -->", self.environment, self.app)
    }

    fn line(&self) -> String {
        let run = if self.run.starts_with("https://") || self.run.starts_with("http://") {
            format!("[{}]({})", self.at, self.run)
        } else {
            self.at.clone()
        };
        let reason: String = self.reason.chars().take(300).collect();
        format!(
            "| {} {} | {} | {} | {}: {} | {run} |",
            code(&self.environment),
            self.marker(),
            code(&self.app),
            code(&self.image),
            self.state,
            code(&reason)
        )
    }
}

/// Whether a text is the comment.
#[must_use]
pub fn is_comment(body: &str) -> bool {
    body.contains(MARKER)
}

/// Returns the text of the comment with these rows; those of other apps and environments stay as they are in `before`.
#[must_use]
pub fn comment(before: Option<&str>, rows: &[CommentRow]) -> String {
    let kept = before.into_iter().flat_map(str::lines);
    let mut lines: Vec<String> = kept.filter(|line| line.contains(ROW)).map(str::to_owned).collect();
    for row in rows {
        let marker = row.marker();
        match lines.iter_mut().find(|line| line.contains(&marker)) {
            Some(line) => *line = row.line(),
            None => lines.push(row.line()),
        }
    }
    let first = lines.len().saturating_sub(MOST_ROWS);
    let mut text = format!("{MARKER}\n| environment | app | image | state | run |\n|---|---|---|---|---|\n");
    for line in lines.iter().skip(first) {
        let _ = writeln!(text, "{line}");
    }
    text.push_str("\npromote updates this comment after each promotion of this pull request.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(environment: &str, image: &str) -> CommentRow {
        CommentRow {
            environment: environment.to_owned(),
            app: "api".to_owned(),
            image: image.to_owned(),
            state: "✅ promoted".to_owned(),
            reason: "live | @everyone".to_owned(),
            run: "https://h/o/r/actions/runs/1".to_owned(),
            at: "2026-11-27T06:00:00Z".to_owned(),
        }
    }

    #[test]
    fn a_row_is_replaced_and_the_others_stay() {
        let first = comment(None, &[row("dev", "api:v1")]);
        assert!(is_comment(&first) && first.contains("`live \\| @everyone`"), "{first}");
        let both = comment(Some(&first), &[row("staging", "api:v1")]);
        let newer = comment(Some(&both), &[row("dev", "api:v2")]);
        assert_eq!(newer.matches(ROW).count(), 2);
        assert!(newer.contains("api:v2") && newer.contains("staging"), "{newer}");
        assert_eq!(comment(Some(&newer), &[row("dev", "api:v2")]), newer);
    }

    #[test]
    fn one_environment_is_not_the_beginning_of_another() {
        let both = comment(
            Some(&comment(None, &[row("dev", "api:v1")])),
            &[row("dev-eu", "api:v1")],
        );
        assert_eq!(both.matches(ROW).count(), 2, "{both}");
    }
}
