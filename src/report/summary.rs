//! The report as the job summary: markdown in which every foreign text is escaped.

use super::heading::heading;
use super::mark::Mark;
use super::markdown::{block, code, link, paragraphs, prose, table, told};
use super::text::why;
use super::time::duration;
use super::{ApplicationRow, Report, hit, measurements as measured, past, released, status, timeline};
use crate::model::{CommitSha, Outcome};

/// Returns the report as a job summary.
#[must_use]
pub fn summary(report: &Report) -> String {
    let mut out = vec![format!(
        "## {} {} <sub>{}</sub>\n\n",
        Mark::of(report).emoji(),
        prose(&heading(report)),
        code(report.outcome().name())
    )];
    // The rows of these say themselves what was found.
    let rows_say = !report.checks.is_empty() || !report.status.is_empty() || !report.history.is_empty();
    if !report.reason.is_empty() && !rows_say {
        out.push(format!("{}\n\n", paragraphs(&report.reason)));
    }
    out.push(hit(report));
    let next = if report.exit_code() == 0 { "Next" } else { "What to do" };
    if report.checks.is_empty() {
        out.push(list(next, &report.hints));
    }
    out.push(list("Warnings", &report.unsaid_warnings()));
    out.extend([
        status_table(report),
        table(
            &past::HISTORY,
            report.history.iter().map(|row| {
                let mut cells: Vec<String> = past::history_cells(row).iter().map(|cell| prose(cell)).collect();
                cells.pop();
                cells.push(row.page().map(|page| link("run", page)).unwrap_or_default());
                cells
            }),
        ),
        table(
            &past::METRICS,
            report
                .metrics
                .iter()
                .map(|row| past::metrics_cells(row).iter().map(|cell| prose(cell)).collect()),
        ),
        checks(report),
        rollback(report),
        changes(report),
        commit(report),
        riding_along(report),
        released::summary(report),
        gates(report),
        measurements(report),
        holds(report),
        applications(report),
        timeline::part(report),
        diff(report),
    ]);
    out.concat()
}

/// Says first who is affected by a failure: what runs the new image, and what users are on, with whole references to copy.
fn hit(report: &Report) -> String {
    let affected = hit::affected(report);
    if affected.is_empty() {
        return String::new();
    }
    let items: Vec<String> = affected.iter().map(|text| format!("- {}", told(text))).collect();
    let images: Vec<String> = (report.pins.iter())
        .filter_map(|row| {
            let (to, from) = hit::ways(report, row);
            let of = |what: &str, image: &str| format!("\n  {what:<7} {image}");
            let serving = hit::served(report, row).map(|image| of("serving", image));
            let before = (row.before != row.after).then(|| of("before", from));
            let others = [before, serving].into_iter().flatten().collect::<String>();
            (!others.is_empty()).then(|| format!("{} in {}{}{others}", row.app, row.environment, of("new", to)))
        })
        .collect();
    let images = if images.is_empty() {
        String::new()
    } else {
        format!("\n{}\n", block("text", &images.join("\n")))
    };
    format!("**Who is affected**\n\n{}\n{images}\n", items.join("\n"))
}

fn list(title: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let items: Vec<String> = texts.iter().map(|text| format!("- {}", told(text))).collect();
    format!("**{title}**\n\n{}\n\n", items.join("\n"))
}

/// What people want to see after a way back: what is live again, how long it took, what is held.
fn rollback(report: &Report) -> String {
    let Some(row) = &report.rollback else {
        return String::new();
    };
    let codes = |images: &[String]| images.iter().map(|image| code(image)).collect::<Vec<_>>().join("<br>");
    let again = matches!(report.outcome(), Outcome::Reverted | Outcome::RolledBack);
    let title = if again { "Live again" } else { "Goes back to" };
    let mut rows = vec![vec![title.to_owned(), codes(&row.to)]];
    if let Some(seconds) = row.bad_seconds {
        let time = format!(
            "at most {}, from its commit until the earlier version was live",
            duration(seconds)
        );
        rows.push(vec!["Users had the bad version".to_owned(), time]);
    }
    if !row.held.is_empty() {
        rows.push(vec!["Held".to_owned(), codes(&row.held)]);
    }
    if let (Some(whole), Some(landed)) = (row.seconds, row.seconds_from_landing) {
        let time = format!("{}, {} from the push", duration(whole), duration(landed));
        rows.push(vec!["The rollback took".to_owned(), time]);
    }
    if let Some(of) = &row.of {
        rows.push(vec!["Takes back".to_owned(), format!("commit {}", code(of.short()))]);
    }
    rows.push(vec!["Schema changed".to_owned(), row.schema_changed.to_owned()]);
    rows.extend(row.why.iter().map(|why| vec!["Why".to_owned(), prose(why)]));
    table(&["rollback", ""], rows.into_iter())
}

fn status_table(report: &Report) -> String {
    let (heads, cells) = status::cells(&report.status);
    let rows = cells.iter().map(|row| row.iter().map(|cell| prose(cell)).collect());
    table(&heads, rows)
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
    table(&["", "check", "object", "result", "what to do"], rows)
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
    let from = report.from.as_ref().filter(|_| !report.changes.is_empty());
    let from = from.map(|from| format!("from {}\n\n", prose(&from.shown())));
    table(&["app", "environment", "before", "after"], rows) + &from.unwrap_or_default()
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
            let what = if report.changed() || *commit != row.base {
                "Commit"
            } else {
                "Branch head"
            };
            format!("{what} {shown} on {place}{}", compare(report))
        }
        None => match &row.in_doubt {
            Some(commit) => format!("It is not known whether {} is on {place}", prose(commit)),
            None => format!("Nothing was written to {place}"),
        },
    };
    let later = report.superseded_by.as_ref().map(|later| {
        let commit = code(later.commit.short());
        format!(
            "<br>Replaced by {commit} \"{}\" by {}",
            prose(&later.subject),
            prose(&later.author)
        )
    });
    format!("{what}{}\n\n", later.unwrap_or_default())
}

/// Returns a link to what the commit changes against the branch head before it, where the host has such a page.
fn compare(report: &Report) -> String {
    let page = report.infra_repo.as_ref().filter(|row| row.landed).and_then(|row| {
        let commit = row.commit.as_ref()?;
        let home = report
            .commit_url
            .as_deref()?
            .strip_suffix(&format!("/commit/{commit}"))?;
        Some(format!("{home}/compare/{}...{commit}", row.base))
    });
    page.map(|page| format!(" ({})", link("compare", &page)))
        .unwrap_or_default()
}

fn riding_along(report: &Report) -> String {
    if report.riding_along.is_empty() {
        return String::new();
    }
    let page = |commit: &CommitSha| {
        let ours = report.infra_repo.as_ref()?.commit.as_ref()?;
        let home = report.commit_url.as_deref()?.strip_suffix(&ours.to_string())?;
        Some(format!("{home}{commit}"))
    };
    let rows = report.riding_along.iter().map(|row| {
        let short = code(row.commit.short());
        let shown = page(&row.commit).map_or_else(|| short.clone(), |url| link(&short, &url));
        vec![shown, prose(&row.subject), prose(&row.author), prose(&row.application)]
    });
    let table = table(&["commit", "subject", "author", "application"], rows);
    format!("**Also goes live**: commits that were not synced before\n\n{table}")
}

fn gates(report: &Report) -> String {
    let rows = report.gates.iter().map(|row| {
        let until = row.until.map(|until| until.to_string()).unwrap_or_default();
        let opens = match &row.skipped {
            Some(reason) => format!("skipped: {}", prose(reason)),
            None => row.opens.as_deref().map(told).unwrap_or_default(),
        };
        vec![
            Mark::of_gate(row).emoji().to_owned(),
            prose(&row.name),
            prose(&row.environment),
            row.shown().to_owned(),
            told(&row.reason),
            until,
            opens,
        ]
    });
    let table = table(
        &["", "gate", "environment", "state", "why", "until", "what opens it"],
        rows,
    );
    if table.is_empty() {
        return table;
    }
    let forecast = report.forecast().map(|forecast| format!("{}\n\n", prose(&forecast)));
    format!("### Gates\n\n{table}{}", forecast.unwrap_or_default())
}

fn holds(report: &Report) -> String {
    let rows = report.holds.iter().map(|row| {
        vec![
            prose(&row.what()),
            prose(&row.reason),
            row.by.as_deref().map(prose).unwrap_or_default(),
            row.since.as_deref().map(prose).unwrap_or_default(),
            prose(&row.end()),
        ]
    });
    let table = table(&["held", "why", "by", "since", "until"], rows);
    if table.is_empty() {
        table
    } else {
        format!("### {}\n\n{table}", super::holds::title(report.command()))
    }
}

fn applications(report: &Report) -> String {
    let mut rows: Vec<&ApplicationRow> = report.applications.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.badness()));
    let rows = rows.into_iter().map(|row| {
        let revision = row
            .revision
            .as_deref()
            .map(|revision| code(crate::model::short(revision)));
        vec![
            Mark::of_application(row, report.outcome()).emoji().to_owned(),
            link(&prose(&row.name), &row.url),
            row.sync.to_string(),
            row.health.to_string(),
            revision.unwrap_or_default(),
            told(&why(row, &report.reason)).replace('\n', "<br>"),
        ]
    });
    let table = table(&["", "application", "sync", "health", "revision", "details"], rows);
    if table.is_empty() {
        table
    } else {
        format!("### Applications\n\n{table}")
    }
}

fn measurements(report: &Report) -> String {
    let places: std::collections::BTreeSet<_> = (report.measurements.iter())
        .map(|row| (&row.app, &row.environment))
        .collect();
    let rows = measured::by_metric(&report.measurements)
        .into_iter()
        .filter_map(|series| {
            let last = series.rows.last()?;
            let telling = series.telling()?;
            let mut analysis = prose(&last.analysis);
            if places.len() > 1 {
                analysis = format!("{analysis} ({} in {})", prose(&last.app), prose(&last.environment));
            }
            let value = if last.value.is_empty() {
                String::new()
            } else {
                code(&last.value)
            };
            let details = if telling.message.is_empty() && telling.phase != "Successful" {
                format!("{}: {}", telling.phase, code(&telling.value))
            } else {
                told(&telling.message)
            };
            let drawn = series.drawn();
            Some(vec![
                analysis,
                prose(&last.metric),
                value,
                drawn,
                series.phases(),
                details,
            ])
        });
    let table = table(
        &["analysis", "metric", "last value", "trend", "measurements", "details"],
        rows,
    );
    if table.is_empty() {
        table
    } else {
        format!("### Measurements\n\n{table}")
    }
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
    use crate::model::{Milestone, Timestamp};

    #[test]
    fn a_promotion_says_from_where_to_where_with_links() {
        let text = summary(&report(Outcome::Promoted));
        for part in [
            "## ✅ api is live in dev <sub>`promoted`</sub>\n",
            "| api | dev | `localhost:5000/api:v1` | `localhost:5000/api:v2@sha256:",
            "Commit [`bbbbbbb`](<https://git.example/commit/bbb>) on `main`",
            "| ✅ | [api-dev](<https://argocd.example/applications/api-dev>) | Synced | Healthy |",
            "| app | environment | before | after |",
            "| +0s | landed bbbbbbb on main |\n\nfrom 2026-01-01T00:00:00Z, 1m12s in total\n",
            "```diff\n-  newTag: v1",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn a_time_stands_once_before_what_happened_then() {
        let mut report = report(Outcome::TimedOut);
        let row = |at: &str, what: &str| crate::report::TimelineRow {
            at: Timestamp::parse(&format!("2026-01-01T00:0{at}Z")).unwrap(),
            what: what.to_owned(),
            milestone: None,
        };
        report.timeline = vec![row("0:01", "a"), row("0:01", "b"), row("1:03", "c")];
        let text = summary(&report);
        assert!(
            text.contains("### Timeline\n\n| after | what |\n|---|---|\n| +0s | a |\n|  | b |\n| +1m02s | c |\n"),
            "{text}"
        );
    }

    #[test]
    fn a_way_back_says_what_is_live_how_long_it_was_not_and_what_is_held_in_few_rows() {
        let mut report = report(Outcome::Reverted);
        report.rollback = Some(crate::report::RollbackRow {
            of: None,
            commit: None,
            to: vec!["myorg/api:v1".to_owned()],
            why: Vec::new(),
            held: vec!["myorg/api:v2".to_owned()],
            bad_seconds: Some(754.0),
            schema_changed: "false",
            seconds: Some(21.0),
            seconds_from_landing: Some(20.0),
        });
        let row = |second: u32, milestone| crate::report::TimelineRow {
            at: Timestamp::parse(&format!("2026-01-01T00:00:{second:02}Z")).unwrap(),
            what: format!("step {second}"),
            milestone,
        };
        report.timeline = (0..30)
            .map(|second| row(second, (second % 2 == 0).then_some(Milestone::Synced)))
            .collect();
        let text = summary(&report);
        for part in [
            "| Live again | `myorg/api:v1` |\n| Users had the bad version | at most 12m34s, from its commit",
            "| Held | `myorg/api:v2` |\n| The rollback took | 21s, 20s from the push |",
            "### Timeline\n\n| after | what |\n|---|---|\n| +0s | step 0 |\n| +16s | step 16 |\n",
            "| +28s | step 28 |\n\n<details><summary>All of it, from",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        report.timeline.truncate(8);
        let text = summary(&report);
        assert!(
            text.contains("| +7s | step 7 |\n\nfrom 2026") && !text.contains("All of it"),
            "{text}"
        );
    }

    #[test]
    fn a_success_shows_each_milestone_once_and_folds_the_rest() {
        let mut report = report(Outcome::Promoted);
        let row = |second: u32, milestone: Option<Milestone>, what: &str| crate::report::TimelineRow {
            at: Timestamp::parse(&format!("2026-01-01T00:00:{second:02}Z")).unwrap(),
            what: what.to_owned(),
            milestone,
        };
        report.timeline = vec![
            row(0, Some(Milestone::Landed), "landed bbbbbbb on main"),
            row(1, Some(Milestone::SyncStarted), "a: syncing"),
            row(2, Some(Milestone::SyncStarted), "b: syncing"),
            row(3, Some(Milestone::Synced), "a: the sync is done"),
            row(4, None, "b is Progressing"),
            row(5, Some(Milestone::Live), "a is live"),
            row(9, Some(Milestone::Live), "b is live"),
        ];
        let text = summary(&report);
        let short =
            "| +0s | landed bbbbbbb on main |\n| +1s | sync started |\n| +3s | synced |\n| +9s | live |\n\n<details>";
        assert!(text.contains(short), "{text}");
        report.commit_url = Some(format!("https://github.com/o/r/commit/{}", "b".repeat(40)));
        let compare = format!(
            "([compare](<https://github.com/o/r/compare/{}...{}>))",
            "a".repeat(40),
            "b".repeat(40)
        );
        assert!(summary(&report).contains(&compare), "{}", summary(&report));
    }

    #[test]
    fn every_end_has_a_heading_in_words_and_a_mark_of_its_kind() {
        let mut headings = std::collections::BTreeSet::new();
        for outcome in &Outcome::ALL {
            let text = summary(&report(*outcome));
            let heading = text.lines().next().unwrap_or_default().to_owned();
            assert!(heading.contains("api") && heading.contains("dev"), "{heading}");
            assert!(!heading.contains(&format!(" {}:", outcome.name())), "{heading}");
            headings.insert(heading);
        }
        assert!(headings.len() >= 15, "{headings:#?}");
        assert!(summary(&report(Outcome::Paused)).starts_with("## ⏸️ The canary of api in dev is paused"));
        assert!(summary(&report(Outcome::Superseded)).starts_with("## ↷ A newer change replaced"));
    }

    #[test]
    fn a_failure_begins_with_what_is_wrong_and_what_to_do() {
        let mut report = report(Outcome::Denied);
        report.reason = "the server says <script>".to_owned();
        report.hints = vec!["grant `contents: write`".to_owned()];
        let text = summary(&report);
        assert!(
            text.starts_with(
                "## ❌ Access denied during the promotion of api to dev <sub>`denied`</sub>\n\nthe server says &lt;script&gt;\n\n**What to do**\n\n- grant `contents: write`\n"
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
