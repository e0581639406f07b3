//! The report as text for people: how it ended and why first, then what was written and where it runs.

use super::columns::columns;
use super::mark::Mark;
use super::{ApplicationRow, Report, checks, status};
use crate::model::Outcome;

/// Returns the whole report as text.
#[must_use]
pub fn text(report: &Report) -> String {
    if !report.checks.is_empty() {
        return format!("{}\n\n{}\n", checks::table(&report.checks), head(report));
    }
    if report.outcome() == Outcome::Ok && !report.reason.is_empty() {
        // The command's own words are all there is to say.
        let table = status::table(&report.status);
        let rows = if report.status.is_empty() {
            String::new()
        } else {
            format!("{table}\n\n")
        };
        return format!("{rows}{}\n", report.reason);
    }
    let mut out = vec![head(report)];
    out.extend(report.hints.iter().map(|hint| indented("  → ", hint)));
    out.extend(report.warnings.iter().map(|warning| indented("  ! ", warning)));
    out.extend(changes(report));
    out.extend(commit(report));
    out.extend(gates(report));
    out.extend(applications(report));
    if report.duration_seconds >= 1.0 {
        out.push(format!("\ntook {}", duration(report.duration_seconds)));
    }
    out.join("\n") + "\n"
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
    let what = subject(report);
    let reason = if report.reason.is_empty() {
        what
    } else {
        report.reason.clone()
    };
    format!("{}: {reason}", report.outcome().name())
}

/// Returns `api to dev`, as far as it is known.
pub(super) fn subject(report: &Report) -> String {
    let (app, environment) = (report.app.join(", "), report.environment.join(", "));
    match (app.is_empty(), environment.is_empty()) {
        (false, false) => format!("{app} to {environment}"),
        _ => format!("{app}{environment}"),
    }
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
    let Some(commit) = &row.commit else { return Vec::new() };
    let place = report.commit_url.as_ref().unwrap_or(&row.url);
    let tries = if row.attempts > 1 {
        format!(" (attempt {})", row.attempts)
    } else {
        String::new()
    };
    let what = if report.changed() { "commit" } else { "tip" };
    let mut out = vec![format!("\n{what} {commit} on {}{tries}\n  {place}", row.branch)];
    if let Some(later) = &report.superseded_by {
        out.push(format!(
            "superseded by {}\n  {} ({})",
            later.commit, later.subject, later.author
        ));
    }
    out
}

fn gates(report: &Report) -> Vec<String> {
    let rows = report.gates.iter().map(|row| {
        let until = row
            .until
            .as_ref()
            .map(|until| format!(" (until {until})"))
            .unwrap_or_default();
        vec![
            format!("  {}", row.name),
            row.state.name().to_owned(),
            format!("{}{until}", row.reason),
        ]
    });
    section("gates", &rows.collect::<Vec<_>>())
}

fn applications(report: &Report) -> Vec<String> {
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
        line.push_str(&indented("\n      ", &why(row)));
    }
    lines
}

/// Returns why an application is where it is; its name stands beside it already.
pub(super) fn why(row: &ApplicationRow) -> String {
    let named = row.reason.strip_prefix(&row.name);
    let reason = named.and_then(|rest| rest.strip_prefix(": ").or(rest.strip_prefix(' ')));
    let reason = reason.unwrap_or(&row.reason);
    canary(row).map_or_else(|| reason.to_owned(), |canary| format!("{canary}: {reason}"))
}

/// Returns where a canary stands.
fn canary(row: &ApplicationRow) -> Option<String> {
    let rollout = row.rollout.as_ref().filter(|_| !row.live)?;
    let pause = rollout
        .pause
        .as_ref()
        .map(|pause| format!(", {pause}"))
        .unwrap_or_default();
    let step = rollout.step.saturating_add(1).min(rollout.steps);
    Some(format!("step {step} of {}, {} %{pause}", rollout.steps, rollout.weight))
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

/// Returns `1h 02m`, `3m 05s` or `12.3s`.
pub(super) fn duration(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run's length in seconds, never negative"
    )]
    let whole = seconds.max(0.0) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
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
            "took 1m 12s",
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
    fn durations_are_short() {
        assert_eq!(
            [duration(0.25), duration(72.0), duration(3720.0)],
            ["0.2s", "1m 12s", "1h 02m"]
        );
    }
}
