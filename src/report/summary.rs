//! The report as the job summary: markdown in which every foreign text is escaped.

use std::time::Duration;

use super::mark::Mark;
use super::markdown::{block, cell, code, link, paragraphs, prose, told};
use super::text::{duration, subject, why};
use super::{ApplicationRow, Report, status};
use crate::model::Outcome;

/// Returns the report as a job summary.
#[must_use]
pub fn summary(report: &Report) -> String {
    let mut out = vec![format!("## {} {}\n\n", Mark::of(report).emoji(), title(report))];
    if !report.reason.is_empty() {
        out.push(format!("{}\n\n", paragraphs(&report.reason)));
    }
    let next = if report.exit_code() == 0 { "Next" } else { "What to do" };
    if report.checks.is_empty() {
        out.push(list(next, &report.hints));
    }
    out.push(list("Warnings", &report.warnings));
    out.extend([
        table(
            &status::HEADS,
            report
                .status
                .iter()
                .map(|row| status::cells(row).iter().map(|cell| prose(cell)).collect()),
        ),
        checks(report),
        changes(report),
        commit(report),
        gates(report),
        applications(report),
        timeline(report),
        diff(report),
    ]);
    out.concat()
}

fn title(report: &Report) -> String {
    let subject = subject(report);
    if subject.is_empty() {
        report.outcome().name().to_owned()
    } else {
        format!("{}: {}", report.outcome().name(), prose(&subject))
    }
}

fn list(title: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let items: Vec<String> = texts.iter().map(|text| format!("- {}", told(text))).collect();
    format!("**{title}**\n\n{}\n\n", items.join("\n"))
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |row: Vec<String>| row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | ");
    let rows: Vec<String> = rows.map(|row| format!("| {} |\n", line(row))).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "| {} |\n|{}\n{}\n",
        head.join(" | "),
        "---|".repeat(head.len()),
        rows.concat()
    )
}

fn checks(report: &Report) -> String {
    let rows = report.checks.iter().map(|row| {
        let hints: Vec<String> = row.hints.iter().map(|hint| told(hint)).collect();
        vec![
            row.state.sign().to_owned(),
            row.check.to_owned(),
            prose(&row.object),
            told(&row.reason),
            hints.join("<br>"),
        ]
    });
    table(&["", "check", "of", "what was seen", "what to do"], rows)
}

fn changes(report: &Report) -> String {
    let rows = report.changes.iter().map(|row| {
        vec![
            prose(&row.app),
            prose(&row.environment),
            code(&status::short(&row.before)),
            code(&status::short(&row.after)),
        ]
    });
    table(&["app", "environment", "from", "to"], rows)
}

fn commit(report: &Report) -> String {
    let Some(row) = &report.infra_repo else {
        return String::new();
    };
    let place = format!("{} of {}", code(&row.branch), link(&code(&row.url), &row.url));
    let what = match &row.commit {
        Some(commit) => {
            let short = code(commit.short());
            let shown = report
                .commit_url
                .as_ref()
                .map_or_else(|| short.clone(), |url| link(&short, url));
            let what = if report.changed() { "Commit" } else { "Tip" };
            format!("{what} {shown} on {place}")
        }
        None => format!("Nothing was written to {place}"),
    };
    let later = report.superseded_by.as_ref().map(|later| {
        let commit = code(later.commit.short());
        format!(
            "<br>Superseded by {commit}: {} ({})",
            prose(&later.subject),
            prose(&later.author)
        )
    });
    format!("{what}{}\n\n", later.unwrap_or_default())
}

fn gates(report: &Report) -> String {
    let rows = report.gates.iter().map(|row| {
        let until = row.until.map(|until| until.to_string()).unwrap_or_default();
        vec![prose(&row.name), row.state.name().to_owned(), prose(&row.reason), until]
    });
    table(&["gate", "state", "why", "until"], rows)
}

fn applications(report: &Report) -> String {
    let mut rows: Vec<&ApplicationRow> = report.applications.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.badness()));
    let rows = rows.into_iter().map(|row| {
        let revision = row
            .revision
            .as_deref()
            .map(|revision| code(revision.get(..7).unwrap_or(revision)));
        vec![
            Mark::of_application(row, report.outcome()).emoji().to_owned(),
            link(&prose(&row.name), &row.url),
            row.sync.to_string(),
            row.health.to_string(),
            revision.unwrap_or_default(),
            format!("{}{}", canary(row), told(&why(row))),
        ]
    });
    let table = table(&["", "application", "sync", "health", "revision", "why"], rows);
    if table.is_empty() {
        table
    } else {
        format!("### Applications\n\n{table}")
    }
}

/// Draws the share that a canary has, as a bar of ten.
fn canary(row: &ApplicationRow) -> String {
    let Some(rollout) = row.rollout.as_ref().filter(|rollout| rollout.steps > 0) else {
        return String::new();
    };
    let full = usize::try_from(rollout.weight / 10).unwrap_or_default().min(10);
    format!("{}{} ", "▰".repeat(full), "▱".repeat(10 - full))
}

/// So many rows of the timeline are seen at once.
const SEEN: usize = 24;

fn timeline(report: &Report) -> String {
    let first = report.timeline.first().map(|row| row.at);
    let mut last = String::new();
    let rows = report.timeline.iter().map(|row| {
        let since = row.at.since(first.unwrap_or(row.at));
        let since = humantime::format_duration(Duration::from_secs(since.as_secs()));
        // The column is narrow, and would break a time in two.
        let since = format!("+{since}").replace(' ', "&nbsp;");
        // What happened within one second stands below its time.
        let shown = if since == last { String::new() } else { since.clone() };
        last = since;
        vec![shown, prose(&row.what)]
    });
    let table = table(&["after", "what"], rows);
    if table.is_empty() {
        return table;
    }
    let from = first.map(|at| at.to_string()).unwrap_or_default();
    let title = format!("from {from}, {} in all", duration(report.duration_seconds));
    if report.timeline.len() <= SEEN {
        return format!("### Timeline\n\n{table}{title}\n\n");
    }
    format!("<details><summary>Timeline, {title}</summary>\n\n{table}</details>\n\n")
}

fn diff(report: &Report) -> String {
    if report.diff.trim().is_empty() {
        return String::new();
    }
    let block = block("diff", &report.diff);
    if report.outcome() == Outcome::Planned {
        return format!("### Diff\n\n{block}\n");
    }
    format!("<details><summary>Diff</summary>\n\n{block}\n</details>\n\n")
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_promotion_says_from_where_to_where_with_links() {
        let text = summary(&report(Outcome::Promoted));
        for part in [
            "## ✅ promoted: api to dev\n",
            "| api | dev | `localhost:5000/api:v1` | `localhost:5000/api:v2@sha256:",
            "Commit [`bbbbbbb`](<https://git.example/commit/bbb>) on `main`",
            "| ✅ | [api-dev](<https://argocd.example/applications/api-dev>) | Synced | Healthy |",
            "### Timeline\n\n| after | what |\n|---|---|\n| +0s | landed |\n\nfrom 2026-01-01T00:00:00Z, 1m 12s in all",
            "```diff\n-  newTag: v1",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn a_time_stands_once_before_what_happened_then() {
        let mut report = report(Outcome::Promoted);
        let row = |at: &str, what: &str| crate::report::TimelineRow {
            at: Timestamp::parse(&format!("2026-01-01T00:0{at}Z")).unwrap(),
            what: what.to_owned(),
        };
        report.timeline = vec![row("0:01", "a"), row("0:01", "b"), row("1:03", "c")];
        let text = summary(&report);
        assert!(text.contains("| +0s | a |\n|  | b |\n| +1m&nbsp;2s | c |\n"), "{text}");
    }

    #[test]
    fn a_failure_begins_with_what_is_wrong_and_what_to_do() {
        let mut report = report(Outcome::Denied);
        report.reason = "the server says <script>".to_owned();
        report.hints = vec!["grant `contents: write`".to_owned()];
        let text = summary(&report);
        assert!(
            text.starts_with(
                "## ❌ denied: api to dev\n\nthe server says &lt;script&gt;\n\n**What to do**\n\n- grant `contents: write`\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_bar_ends_no_cell_and_shows_no_escape_elsewhere() {
        let mut report = report(Outcome::Invalid);
        report.reason = "one of `true | false`".to_owned();
        report.changes[0].after = "a|b".to_owned();
        let text = summary(&report);
        assert!(text.contains("\n\none of `true | false`\n\n"), "{text}");
        assert!(text.contains(" | `a\\|b` |\n"), "{text}");
    }

    #[test]
    fn no_foreign_text_is_markup() {
        let mut report = report(Outcome::Promoted);
        report.map_texts(&|_| "<img src=x>|`[a](javascript:b)\n# c".to_owned());
        let text = summary(&report);
        // The text has a backtick, so its code stands between two of them, and its blocks between three.
        let escaped = text.replace("\\`", "");
        let outside: String = escaped.split("```").step_by(2).collect();
        let outside: String = outside.split("``").step_by(2).collect();
        let outside: String = outside.split('`').step_by(2).collect();
        for bad in ["<img", "\n# c", "](javascript"] {
            assert!(!outside.contains(bad), "{bad} in\n{outside}");
        }
    }
}
