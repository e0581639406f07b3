//! The report as text for people: how it ended and why first, then what was written and where it runs.

use super::columns::columns;
use super::heading::heading;
use super::mark::Mark;
use super::time::duration;
use super::{ApplicationRow, InfraRepoRow, Report, checks, holds, past, released, status};
use crate::model::{Command, Outcome};

/// Returns the whole report as text.
#[must_use]
pub fn text(report: &Report) -> String {
    if !report.checks.is_empty() {
        return format!(
            "{}\n{}\n{}\n",
            checks::table(&report.checks),
            below(report),
            head(report)
        );
    }
    if !report.status.is_empty() {
        let table = status::table(&report.status);
        if report.outcome() != Outcome::Ok {
            let hints = report.hints.iter().map(|hint| format!("{}\n", indented("  → ", hint)));
            return format!(
                "{table}\n{}\n{}\n{}",
                below(report),
                head(report),
                hints.collect::<String>()
            );
        }
        let (mark, verdict) = status::verdict(&report.status);
        return format!(
            "{table}\n{}\n{} {verdict}\n{}\n",
            below(report),
            mark.sign(),
            report.reason
        );
    }
    if !report.history.is_empty() || !report.metrics.is_empty() {
        return format!(
            "{}\n\n{}\n",
            past::tables(&report.history, &report.metrics),
            report.reason
        );
    }
    if report.outcome() == Outcome::Ok && !report.reason.is_empty() && report.applications.is_empty() {
        // The command's own words are all there is to say.
        return format!("{}\n", report.reason);
    }
    let mut out = vec![head(report)];
    out.extend(report.hints.iter().map(|hint| indented("  → ", hint)));
    let warnings = report.unsaid_warnings();
    out.extend(warnings.iter().map(|warning| indented("  ! ", warning)));
    out.extend(body(report, true));
    out.join("\n") + "\n"
}

/// Returns the report as text for the end of a log that has shown already what is wrong, why, and what to do.
#[must_use]
pub fn rest(report: &Report) -> String {
    if !report.checks.is_empty() || !report.status.is_empty() || !report.history.is_empty() {
        return text(report);
    }
    let mut out = vec![format!("{} {}", Mark::of(report).sign(), heading(report))];
    out.extend(body(report, false));
    out.join("\n") + "\n"
}

/// Returns what was written and where it runs.
fn body(report: &Report, with_reasons: bool) -> Vec<String> {
    let mut out = changes(report);
    out.extend(commit(report));
    out.extend(rollback(report));
    out.extend(riding_along(report));
    out.extend(released::text(report));
    out.extend(gates(report));
    out.extend(holds(report));
    out.extend(applications(report, with_reasons));
    if report.duration_seconds >= 1.0 {
        out.push(format!("\ntook {}", duration(report.duration_seconds)));
    }
    out
}

/// Returns what is wrong and what to do, for an error's place.
#[must_use]
pub fn failure(report: &Report) -> String {
    let hints = report.hints.iter().map(|hint| format!("→ {hint}"));
    std::iter::once(report.reason.clone())
        .chain(hints)
        .collect::<Vec<_>>()
        .join("\n")
}

fn head(report: &Report) -> String {
    let reason = if report.reason.is_empty() {
        heading(report)
    } else {
        report.reason.clone()
    };
    format!("{}: {reason}", report.outcome().name())
}

fn changes(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    for row in &report.changes {
        let what = format!("\n{} in {}", row.app, row.environment);
        if row.before == row.after {
            out.push(format!("{what}\n  is     {}", row.after));
        } else {
            out.push(format!("{what}\n  before {}\n  after  {}", row.before, row.after));
        }
        out.extend(report.from.iter().map(|from| format!("  from   {}", from.shown())));
        out.push(format!("  in     {}:{}", row.file, row.line));
    }
    if !report.diff.is_empty() && report.outcome() == Outcome::Planned {
        out.push(format!("\n{}", report.diff.trim_end()));
    }
    out
}

fn commit(report: &Report) -> Vec<String> {
    let Some(row) = &report.infra_repo else {
        return Vec::new();
    };
    let Some(commit) = &row.commit else {
        return untouched(report, row).into_iter().collect();
    };
    let place = report.commit_url.as_ref().unwrap_or(&row.url);
    let tries = if row.attempts > 1 {
        format!(" (attempt {})", row.attempts)
    } else {
        String::new()
    };
    let what = if report.changed() || *commit != row.base {
        "commit"
    } else {
        "branch head"
    };
    let mut out = vec![format!("\n{what} {commit} on {}{tries}\n  {place}", row.branch)];
    if let Some(later) = &report.superseded_by {
        out.push(format!(
            "replaced by {}\n  \"{}\" by {}",
            later.commit, later.subject, later.author
        ));
    }
    out
}

/// Says that none of the changes above was written, where the run ended before that and its reason is about something else.
fn untouched(report: &Report, row: &InfraRepoRow) -> Option<String> {
    let early = matches!(
        report.outcome(),
        Outcome::Refused | Outcome::Denied | Outcome::Unreachable | Outcome::Invalid
    );
    // What became of a push is in the reason.
    let unsaid = row.attempts == 0 && !report.changes.is_empty() && !report.reason.contains(UNTOUCHED);
    (early && unsaid).then(|| format!("  {UNTOUCHED}"))
}

const UNTOUCHED: &str = "nothing was written";

fn rollback(report: &Report) -> Vec<String> {
    let Some(row) = &report.rollback else { return Vec::new() };
    let mut out: Vec<String> = row.why.iter().map(|why| format!("  {why}")).collect();
    if let (Some(commit), Some(of)) = (&row.commit, &row.of) {
        out.push(format!("  {commit} takes back {of}"));
    }
    if !row.held.is_empty() {
        let held = if row.commit.is_some() { "held" } else { "would hold" };
        out.push(format!("  {held}: {}", row.held.join(", ")));
    }
    // That it is not known is a warning, or the reason of a refusal.
    if row.schema_changed == "true" {
        out.push("  the database has to change: the earlier version needs another schema".to_owned());
    }
    if !out.is_empty() {
        out.insert(0, "\nrollback".to_owned());
    }
    out
}

fn riding_along(report: &Report) -> Vec<String> {
    let rows = report.riding_along.iter().map(|row| {
        vec![
            format!("  {}", row.commit.short()),
            format!("\"{}\" by {}", row.subject, row.author),
            row.application.clone(),
        ]
    });
    section("also goes live, not synced before", &rows.collect::<Vec<_>>())
}

fn gates(report: &Report) -> Vec<String> {
    let several = report.environment.len() > 1;
    let rows = report.gates.iter().map(|row| {
        let name = if several {
            format!("{} of {}", row.name, row.environment)
        } else {
            row.name.clone()
        };
        vec![
            format!("  {} {name}", Mark::of_gate(row).sign()),
            row.shown().to_owned(),
            row.reason.clone(),
        ]
    });
    let mut lines = section("gates", &rows.collect::<Vec<_>>());
    for (line, row) in lines.iter_mut().skip(1).zip(&report.gates) {
        let more = match (&row.skipped, &row.opens) {
            (Some(reason), _) => Some(format!("skipped: {reason}")),
            (None, Some(opens)) => Some(format!("→ {opens}")),
            (None, None) => None,
        };
        if let Some(more) = more {
            line.push_str(&indented("\n      ", &more));
        }
    }
    if let Some(forecast) = report.forecast() {
        lines.push(format!("  {forecast}"));
    }
    lines
}

fn holds(report: &Report) -> Vec<String> {
    let rows = report.holds.iter().map(|row| {
        let by = row.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
        let end = if report.command() == Command::Release {
            String::new()
        } else {
            row.end()
        };
        vec![format!("  {}", row.what()), end, format!("{}{by}", row.reason)]
    });
    section(
        &holds::title(report.command()).to_lowercase(),
        &rows.collect::<Vec<_>>(),
    )
}

/// Returns what stands below a table of its own.
fn below(report: &Report) -> String {
    let lines: Vec<String> = holds(report).iter().map(|line| format!("{line}\n")).collect();
    lines.concat()
}

fn applications(report: &Report, with_reasons: bool) -> Vec<String> {
    let mut rows: Vec<&ApplicationRow> = report.applications.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.badness()));
    let marked = rows.iter().map(|row| {
        let mark = Mark::of_application(row, report.outcome()).sign();
        vec![
            format!("  {mark} {}", row.name),
            row.sync.to_string(),
            row.health.to_string(),
            row.url.clone(),
        ]
    });
    let mut lines = section("applications", &marked.collect::<Vec<_>>());
    for (line, row) in lines.iter_mut().skip(1).zip(rows) {
        let why = why(row, &report.reason);
        if with_reasons && !why.is_empty() {
            line.push_str(&indented("\n      ", &why));
        }
    }
    lines
}

/// Returns why an application is where it is, without its name and without what the page's own reason says already.
pub(super) fn why(row: &ApplicationRow, said: &str) -> String {
    let named = row.reason.strip_prefix(&row.name);
    let reason = named.and_then(|rest| rest.strip_prefix(": ").or(rest.strip_prefix(' ')));
    let all: Vec<&str> = reason.unwrap_or(&row.reason).lines().collect();
    let is_indented = |line: &&&str| line.starts_with(' ');
    let lines = all.iter().enumerate().filter(|(at, line)| {
        // What details hang on stays with them.
        let has_details = !is_indented(line) && all.get(at + 1).as_ref().is_some_and(is_indented);
        has_details || !said.contains(line.trim())
    });
    canary(row)
        .into_iter()
        .chain(lines.map(|(_, line)| (*line).to_owned()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns where a canary stands: a cell for each step, and the share of the new version.
fn canary(row: &ApplicationRow) -> Option<String> {
    let rollout = row.rollout.as_ref().filter(|rollout| !row.live && rollout.steps > 0)?;
    let pause = rollout
        .pause
        .as_ref()
        .map(|pause| format!(", {pause}"))
        .unwrap_or_default();
    let step = rollout.shown_step();
    let cells = |count: u32, cell: &str| cell.repeat(usize::try_from(count.min(40)).unwrap_or_default());
    Some(format!(
        "{}{} step {step} of {}, {}%{pause}",
        cells(rollout.step, "▰"),
        cells(rollout.steps.saturating_sub(rollout.step), "▱"),
        rollout.steps,
        rollout.weight
    ))
}

fn section(title: &str, rows: &[Vec<String>]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut out = vec![format!("\n{title}")];
    out.extend(columns(rows));
    out
}

fn indented(first: &str, text: &str) -> String {
    let indent = format!("\n{}", " ".repeat(first.trim_start_matches('\n').chars().count()));
    format!("{first}{}", text.replace('\n', &indent))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{application, report};
    use super::*;
    use crate::model::Health;

    #[test]
    fn a_failure_begins_with_what_is_wrong_and_what_to_do() {
        let mut report = report(Outcome::RolloutFailed);
        report.reason = "api-dev is Degraded".to_owned();
        report.hints = vec!["look at the pod's log".to_owned()];
        let text = text(&report);
        assert!(
            text.starts_with("rollout-failed: api-dev is Degraded\n  → look at the pod's log\n"),
            "{text}"
        );
        assert_eq!(failure(&report), "api-dev is Degraded\n→ look at the pod's log");
    }

    #[test]
    fn the_change_and_the_place_stand_in_the_text() {
        let text = text(&report(Outcome::Promoted));
        for part in [
            "before localhost:5000/api:v1\n",
            "kustomization.yaml:7",
            "  ✓ api-dev  Synced  Healthy  https://argocd.example/applications/api-dev\n      ",
            "took 1m12s",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn the_worst_application_stands_first_and_columns_are_aligned() {
        let mut report = report(Outcome::TimedOut);
        let mut bad = application("a-very-long-name", false);
        bad.health = Health::Degraded;
        report.applications.push(bad);
        let text = text(&report);
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("Synced")).collect();
        assert!(rows[0].starts_with("  ✗ a-very-long-name  Synced"), "{text}");
        assert_eq!(rows[0].find("Synced"), rows[1].find("Synced"));
    }

    #[test]
    fn a_page_says_a_sentence_once_and_what_it_adds_below() {
        let mut report = report(Outcome::RolloutFailed);
        report.reason = "api-dev: new pods cannot start".to_owned();
        let row = &mut report.applications[0];
        row.live = false;
        row.reason = "api-dev: new pods cannot start\nReplicaSet api-1 is Progressing".to_owned();
        let text = text(&report);
        assert_eq!(text.matches("new pods cannot start").count(), 1, "{text}");
        assert!(text.contains("\n      ReplicaSet api-1 is Progressing"), "{text}");
        let rest = rest(&report);
        assert!(rest.starts_with("✗ api was not rolled out to dev\n"), "{rest}");
        assert!(!rest.contains("new pods") && rest.contains("✗ api-dev"), "{rest}");
    }

    #[test]
    fn details_stay_below_what_they_are_about() {
        let mut row = application("api-dev", false);
        row.reason = "api-dev: not live\nPod api-1 is Progressing\n  Unhealthy: probe failed\nother".to_owned();
        assert_eq!(
            why(&row, "api-dev: not live, Pod api-1 is Progressing, other"),
            "Pod api-1 is Progressing\n  Unhealthy: probe failed"
        );
    }

    #[test]
    fn a_canary_has_a_cell_for_each_step() {
        let mut row = application("api-dev", false);
        row.rollout = Some(crate::report::RolloutRow {
            step: 2,
            steps: 6,
            weight: 30,
            pause: Some("paused for a person".to_owned()),
        });
        assert_eq!(
            why(&row, "runs the commit"),
            "▰▰▱▱▱▱ step 3 of 6, 30%, paused for a person"
        );
    }
}
