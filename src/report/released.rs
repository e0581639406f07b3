//! The source commits between two images: in the report, as text, and as a table.

use serde::Serialize;

use super::Report;
use super::columns::columns;
use super::markdown::{code, link, prose};
use super::rows::Texts;
use crate::model::short;

/// How many commits a text or a page lists.
const LISTED: usize = 20;

/// One of `released`: what an environment gets with a new image, in commits of its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasedRow {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The repository of the source, as `owner/name`.
    pub repository: String,
    /// The commit of the pinned image, as far as its tag or label names it.
    pub before: String,
    /// The commit of the new image.
    pub after: String,
    /// What the new commit is to the pinned one.
    pub relation: Relation,
    /// How many commits the new one has that the pinned one lacks.
    pub total: u64,
    /// The page that compares both.
    pub url: String,
    /// Those commits, the newest first; of more than a hundred, the hundred oldest.
    pub commits: Vec<ReleasedCommit>,
}

/// One of `commits` of `released`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasedCommit {
    /// The commit.
    pub commit: String,
    /// Its subject.
    pub subject: String,
    /// The name of its author.
    pub author: String,
}

/// What a commit is to another one, in GitHub's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// The same.
    Identical,
    /// A descendant.
    Ahead,
    /// An ancestor.
    Behind,
    /// Neither.
    Diverged,
}

impl Texts for ReleasedRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![
            &mut self.app,
            &mut self.environment,
            &mut self.repository,
            &mut self.before,
            &mut self.after,
            &mut self.url,
        ];
        texts.extend(self.commits.iter_mut().flat_map(Texts::texts));
        texts
    }
}

impl Texts for ReleasedCommit {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![&mut self.commit, &mut self.subject, &mut self.author]
    }
}

impl ReleasedRow {
    /// Says which commits it is about.
    #[must_use]
    pub fn heading(&self) -> String {
        let s = if self.total == 1 { "" } else { "s" };
        let more = match self.relation {
            Relation::Ahead => "",
            Relation::Identical => ", the same commit",
            Relation::Behind => ", an older commit",
            Relation::Diverged => ", on another branch",
        };
        format!(
            "{} commit{s} of {} ({}...{}{more})",
            self.total,
            self.repository,
            short(&self.before),
            short(&self.after)
        )
    }

    /// Returns the commits, a line each, with the number of those that are left out.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let rows = self.commits.iter().take(LISTED).map(|one| {
            vec![
                short(&one.commit).to_owned(),
                format!("\"{}\" by {}", one.subject, one.author),
            ]
        });
        let mut lines = columns(&rows.collect::<Vec<_>>());
        lines.extend(self.left_out());
        lines
    }

    fn left_out(&self) -> Option<String> {
        let shown = u64::try_from(self.commits.len().min(LISTED)).unwrap_or(u64::MAX);
        let more = self.total.saturating_sub(shown);
        (more > 0).then(|| format!("and {more} more"))
    }
}

/// Returns the lines of the text.
pub(super) fn text(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    for row in &report.released {
        out.push(format!(
            "\nreleased to {} of {}: {}",
            row.environment,
            row.app,
            row.heading()
        ));
        out.extend(row.lines().iter().map(|line| format!("  {line}")));
        out.push(format!("  {}", row.url));
    }
    out
}

/// Returns the part of the job summary.
pub(super) fn summary(report: &Report) -> String {
    let rows = report.released.iter().map(|row| {
        let head = format!(
            "**Released to {} of {}**: {} ({})\n\n",
            prose(&row.environment),
            prose(&row.app),
            prose(&row.heading()),
            link("compare", &row.url)
        );
        let commits = row.commits.iter().take(LISTED).map(|one| {
            let commit = code(short(&one.commit));
            format!("- {commit} {} ({})\n", prose(&one.subject), prose(&one.author))
        });
        let more = row.left_out().map(|more| format!("- {more}\n"));
        let lines: String = commits.chain(more).collect();
        format!("{head}{lines}\n")
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::full;
    use super::*;
    use crate::model::Outcome;

    #[test]
    fn commits_are_listed_up_to_a_screen_with_the_link_to_all() {
        let mut report = full(Outcome::Planned);
        let row = &mut report.released[0];
        row.total = 130;
        row.url = "https://github.com/myorg/api/compare/a...b".to_owned();
        row.commits = vec![row.commits[0].clone(); 100];
        let text = text(&report).join("\n");
        assert!(
            text.contains("130 commits of") && text.contains("and 110 more"),
            "{text}"
        );
        let summary = summary(&report);
        assert!(
            summary.contains("](<https://github.com/myorg/api/compare/a...b>)"),
            "{summary}"
        );
        assert_eq!(summary.matches("\n- ").count(), LISTED + 1, "{summary}");
    }
}
