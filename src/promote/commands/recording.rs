//! What the record gets of a run, once, after the verdict: a line for each app in each environment.

use std::time::Duration;

use crate::assess::history::{EventKind, Line, RecordedPin};
use crate::infrarepo::Land;
use crate::model::{CommitSha, Outcome};
use crate::plan::{Config, Place as Target};
use crate::report::ApplicationRow;

use crate::promote::land::record::{Happened, Place, write};
use crate::promote::ports::Reading;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::record::Records;

/// What a run came to, as far as the record is concerned.
pub(in crate::promote) struct Verdict<'a> {
    /// What was pinned.
    pub(in crate::promote) planned: &'a Planned,
    /// By which commit; on no change the head of the branch.
    pub(in crate::promote) commit: &'a CommitSha,
    /// Why it ended, in one sentence.
    pub(in crate::promote) reason: &'a str,
    /// When the commit landed, or the run began to follow it, by the run's clock.
    pub(in crate::promote) since: Duration,
    /// The commit that was taken back.
    pub(in crate::promote) of: Option<&'a CommitSha>,
}

/// Records how a run that follows applications ended. Where only some of several apps are live, each app gets its own line. Ends that say
/// nothing about an app, such as a lost server, are not recorded.
pub(in crate::promote) async fn outcome(
    reading: Reading<'_>,
    repo: &dyn Land,
    outcome: Outcome,
    applications: &[ApplicationRow],
    verdict: Verdict<'_>,
) {
    let lines = lines_of(reading, outcome, applications, &verdict);
    save(reading, repo, verdict.planned, &lines).await;
}

/// Returns the lines that [`outcome`] records.
pub(in crate::promote) fn lines_of(
    reading: Reading<'_>,
    outcome: Outcome,
    applications: &[ApplicationRow],
    verdict: &Verdict<'_>,
) -> Vec<Happened> {
    let Some(event) = event_of(outcome) else {
        return Vec::new();
    };
    let known = matches!(outcome, Outcome::NoChange | Outcome::Live);
    let event = |place: &Target| {
        let own =
            |row: &&ApplicationRow| row.app == place.app.as_str() && row.environment == place.environment.as_str();
        let mut rows = applications.iter().filter(own).peekable();
        let live = rows.peek().is_some() && rows.all(|row| row.live);
        match &event {
            EventKind::Failed | EventKind::TimedOut | EventKind::Superseded if live => EventKind::Live,
            event => event.clone(),
        }
    };
    let mut lines = lines(reading, event, known, verdict);
    // Where no application was followed, nothing was seen.
    let unseen = |place: &&Target| {
        let own = |row: &ApplicationRow| row.app == place.app.as_str() && row.environment == place.environment.as_str();
        place.reached.is_some() && !applications.iter().any(own)
    };
    let places = verdict.planned.snapshot.places.iter().map(|(place, _)| place);
    for place in places.filter(unseen) {
        lines.retain(|line| line.pair != (place.app.clone(), place.environment.clone()));
    }
    lines
}

/// Records one event of every app in every environment of a run.
pub(in crate::promote) async fn event(reading: Reading<'_>, repo: &dyn Land, event: &EventKind, verdict: Verdict<'_>) {
    let lines = lines(reading, |_| event.clone(), false, &verdict);
    save(reading, repo, verdict.planned, &lines).await;
}

const fn event_of(outcome: Outcome) -> Option<EventKind> {
    Some(match outcome {
        Outcome::Promoted | Outcome::NoChange | Outcome::Live => EventKind::Live,
        Outcome::Verified => EventKind::Verified,
        Outcome::Reverted => EventKind::Reverted,
        Outcome::RolloutFailed => EventKind::Failed,
        Outcome::Breached => EventKind::Breached,
        Outcome::TimedOut => EventKind::TimedOut,
        Outcome::Superseded => EventKind::Superseded,
        Outcome::RollbackFailed => EventKind::RollbackFailed,
        _ => return None,
    })
}

/// Returns a line for every app in every environment of a run.
pub(in crate::promote) fn lines(
    reading: Reading<'_>,
    event: impl Fn(&Target) -> EventKind,
    unless_known: bool,
    verdict: &Verdict<'_>,
) -> Vec<Happened> {
    let Reading { common, ports, .. } = reading;
    let (clock, identity) = (ports.clock, &common.identity);
    let seconds = clock.now().saturating_sub(verdict.since).as_secs_f64();
    let all = pinned(verdict.planned).into_iter().map(|(target, pins)| {
        let mut images: Vec<String> = Vec::new();
        for pin in &pins {
            if !images.contains(&pin.image) {
                images.push(pin.image.clone());
            }
        }
        Happened {
            pair: (target.app.clone(), target.environment.clone()),
            line: Line {
                at: reading.now(),
                event: event(target),
                commit: Some(verdict.commit.clone()),
                images,
                pins,
                schema: verdict.planned.plan.schema.clone(),
                by: identity.by.clone(),
                run: identity.run.clone(),
                reason: verdict.reason.to_owned(),
                seconds: Some((seconds * 10.0).round() / 10.0),
                of: verdict.of.cloned(),
            },
            unless_known,
        }
    });
    all.collect()
}

/// Adds lines to the record of the infra-repo of a plan, all of a run at once, and returns the record with them; `None` where there is none.
pub(in crate::promote) async fn save(
    reading: Reading<'_>,
    repo: &dyn Land,
    planned: &Planned,
    lines: &[Happened],
) -> Option<Records> {
    // Without a server nothing was seen.
    let name = Config::record(planned.snapshot.config.as_ref()).filter(|_| reading.observe.is_some())?;
    let ports = reading.ports;
    let branch = &planned.snapshot.tip.branch;
    if name == branch.reference() {
        ports.journal.warn(format!(
            "the record was not written: `record` in promote.yaml names {branch}, the branch of the pins → set `record` to another reference"
        ));
        return None;
    }
    let author = &reading.common.author;
    write(repo, &ports, &Place { name, author }, lines).await
}

/// Returns every pin of each target as the plan leaves it, those that it does not touch included.
pub(in crate::promote) fn pinned(planned: &Planned) -> Vec<(&Target, Vec<RecordedPin>)> {
    let places = planned.snapshot.places.iter();
    let all = places.map(|(target, overlay)| {
        let files = overlay.files.iter().flat_map(|file| {
            let after = planned.plan.files.iter().find(|after| after.path == file.path);
            let text = after.map_or(&file.text, |after| &after.after);
            let pins = target.syntax.pins(text).unwrap_or_default();
            let pins = pins.into_iter().filter(crate::model::Pin::is_pinned);
            pins.map(|pin| RecordedPin {
                file: file.path.to_string(),
                image: pin.reference(),
                name: pin.name,
            })
        });
        (target, files.collect())
    });
    all.collect()
}
