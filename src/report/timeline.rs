//! The timeline of the job summary: what people look for first, and everything folded away.

use std::time::Duration;

use super::markdown::{prose, table};
use super::time::duration;
use super::{Report, TimelineRow};
use crate::model::{Milestone, in_words};

/// So many after a way back: whoever looks then has other things to do.
const FEW: usize = 8;

/// So many rows of the timeline are seen at once.
const SEEN: usize = 24;

/// Returns the part, or nothing if nothing happened.
pub(super) fn part(report: &Report) -> String {
    let rows: Vec<&TimelineRow> = report.timeline.iter().collect();
    let all = times(&rows, |row| prose(&row.what));
    let Some(first) = report.timeline.first() else {
        return String::new();
    };
    let title = format!("from {}, {} in total", first.at, duration(report.duration_seconds));
    if report.rollback.is_some() {
        let few = few(&rows);
        let short = times(&few, |row| prose(&row.what));
        if few.len() == rows.len() {
            return format!("### Timeline\n\n{short}{title}\n\n");
        }
        return format!("### Timeline\n\n{short}<details><summary>All of it, {title}</summary>\n\n{all}</details>\n\n");
    }
    if report.exit_code() == 0 {
        let reached = milestones(&report.timeline);
        if reached.len() == rows.len() {
            return format!("{all}{title}\n\n");
        }
        let short = times(&reached, |row| match row.milestone {
            Some(Milestone::Landed) | None => prose(&row.what),
            Some(milestone) => milestone.name().to_owned(),
        });
        return format!("{short}<details><summary>Timeline, {title}</summary>\n\n{all}</details>\n\n");
    }
    if rows.len() <= SEEN {
        return format!("### Timeline\n\n{all}{title}\n\n");
    }
    format!("<details><summary>Timeline, {title}</summary>\n\n{all}</details>\n\n")
}

/// Returns at most [`FEW`] rows: all, or the milestones, of which the first and the last ones are kept.
fn few<'a>(rows: &[&'a TimelineRow]) -> Vec<&'a TimelineRow> {
    if rows.len() <= FEW {
        return rows.to_vec();
    }
    let mut reached: Vec<&TimelineRow> = rows.iter().copied().filter(|row| row.milestone.is_some()).collect();
    let more = reached.len().saturating_sub(FEW);
    if more > 0 {
        reached.drain(1..=more);
    }
    reached
}

/// Returns the row in which each milestone was reached: by the first application for what starts, by the last for what is done.
fn milestones(rows: &[TimelineRow]) -> Vec<&TimelineRow> {
    let of = |milestone: Milestone| {
        let mut rows = rows.iter().filter(move |row| row.milestone == Some(milestone));
        if milestone == Milestone::SyncStarted {
            rows.next()
        } else {
            rows.next_back()
        }
    };
    Milestone::ALL.into_iter().filter_map(of).collect()
}

/// Returns a table of rows with their times since the first; what happened within one second stands below its time.
fn times(rows: &[&TimelineRow], what: impl Fn(&TimelineRow) -> String) -> String {
    let first = rows.first().map(|row| row.at);
    let mut last = String::new();
    let cells = rows.iter().map(|row| {
        let since = row.at.since(first.unwrap_or(row.at));
        let since = format!("+{}", in_words(Duration::from_secs(since.as_secs())));
        let shown = if since == last { String::new() } else { since.clone() };
        last = since;
        vec![shown, what(row)]
    });
    table(&["after", "what"], cells)
}
