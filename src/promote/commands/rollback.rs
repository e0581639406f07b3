//! `rollback`: find the version to go back to, land its pins as one commit, and follow it until it is live.

use std::time::Duration;

use crate::delivery::Drive;
use crate::journal::Journal;
use crate::model::{Event, Fault, Outcome, Timestamp, in_words};
use crate::plan::Plan;
use crate::report::{End, Known, Report, RollbackRow};

use crate::promote::cancel::{or_cancel, or_late};
use crate::promote::commands::back::{self, Aim, Back, Done, To};
use crate::promote::commands::finish::{self, accepted, changed, pinned};
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::follow::Followed;
use crate::promote::job::Rollback;
use crate::promote::land::bring::Ways;
use crate::promote::ports::Reading;
use crate::promote::prepare::announce;
use crate::promote::prepare::applications::Evidence;

/// Goes back to an earlier version, or shows what that would be. On a new tip of the branch everything is decided again.
///
/// # Errors
/// No version fits, landing fails, or the run was cancelled. How the applications ended is no error.
pub(in crate::promote) async fn run(
    job: &Rollback,
    reading: Reading<'_>,
    ways: Ways<'_>,
    drive: Option<&dyn Drive>,
    report: &mut Report,
) -> Result<End, Fault> {
    let (ports, repo) = (reading.ports, ways.repo);
    let start = ports.clock.now();
    let aim = aim(job);
    ports.journal.tell(Event::Stage("Plan".to_owned()));
    let mut evidence = Evidence::default();
    let prepared = or_late(
        ports.clock,
        job.landing.within,
        Some("landing-timeout"),
        or_cancel(ports.cancel, back::prepare(&aim, reading, &mut evidence)),
    )
    .await???;
    show(report, &prepared.of, reading);
    if job.dry {
        let mut end = End::new(Outcome::Planned, planned(&prepared.of));
        if let Some(fault) = &prepared.of.forbidden {
            let refused = format!("`rollback` would be refused: {fault}");
            ports.journal.warn(refused.clone());
            end.reason = format!("{refused}; it {}", end.reason);
            end.hints.clone_from(&fault.hints);
        }
        return Ok(end);
    }
    let first = prepared.allowed()?;
    if job.ask && !first.edits.is_empty() && !confirmed(&first.of, reading).await? {
        return Ok(End::new(
            Outcome::Refused,
            "you did not confirm it; nothing was written",
        ));
    }
    let how = (&job.landing, job.follow);
    let done = Box::pin(back::carry_out(&aim, reading, ways, drive, how, first, evidence)).await;
    let done = done.map_err(|why| finish::unbrought(why, report))?;
    announce::fill(report, &done.back.planned, repo);
    report.pull_request.clone_from(&done.pull_request);
    if let Some(end) = done.end {
        report.rollback = Some(row(&done.back));
        announce::outputs(ports.journal, report, Known::AtLanding);
        return Ok(accepted(end, &done.back.planned));
    }
    finish::landed(report, repo, &done.commit, done.wrote, done.attempts);
    let took = (
        ports.clock.now().saturating_sub(start),
        ports.clock.now().saturating_sub(done.landed),
    );
    report.rollback = Some(carried(&done, reading.now(), took));
    announce::outputs(ports.journal, report, Known::AtLanding);
    let end = ended(&done, report, ports.journal, took);
    let verdict = Verdict {
        planned: &done.back.planned,
        commit: &done.commit,
        reason: &end.reason,
        since: done.landed,
        of: done.back.of.as_ref().filter(|_| done.wrote),
    };
    recording::outcome(reading, repo, end.outcome, &report.applications, verdict).await;
    Ok(finish::with_way_back(end, &job.select))
}

fn aim(job: &Rollback) -> Aim<'_> {
    Aim {
        select: &job.select,
        to: match (&job.to, &job.commit) {
            (Some(to), _) => To::Version(to),
            (None, Some(commit)) => To::Commit(commit),
            (None, None) => To::KnownGood,
        },
        reason: job.reason.as_deref(),
        hold: job.hold,
        schema: job.schema.as_deref(),
        allow: job.allow,
    }
}

/// Puts the plan into the report, and reports it.
fn show(report: &mut Report, back: &Back, reading: Reading<'_>) {
    announce::fill(report, &back.planned, reading.repo);
    announce::plan(&back.planned, reading.ports.journal);
    for why in &back.why {
        reading.ports.journal.progress(why.clone());
    }
    if let Some(observe) = reading.observe {
        let rows = back.followees.iter();
        report.applications = rows.map(|followee| announce::baseline(followee, observe)).collect();
        announce::applications(report, &back.followees, reading.ports.journal);
    }
    report.rollback = Some(row(back));
}

fn planned(back: &Back) -> String {
    let changes = &back.planned.plan.changes;
    if changes.is_empty() {
        return format!("nothing would change: {}", back.why.join("; "));
    }
    format!(
        "would change {}; nothing was written ({})",
        changed(changes),
        back.why.join("; ")
    )
}

/// Asks whoever sits at the terminal.
async fn confirmed(back: &Back, reading: Reading<'_>) -> Result<bool, Fault> {
    let ports = reading.ports;
    let hold = match back.held.as_slice() {
        [] => String::new(),
        held => format!(", and hold {}", held.join(", ")),
    };
    let question = format!("Roll back {}{hold}?", changed(&back.planned.plan.changes));
    let Some(answer) = ports.journal.ask(&question) else {
        return Ok(true);
    };
    loop {
        match answer.try_recv() {
            Ok(yes) => return Ok(yes),
            Err(std::sync::mpsc::TryRecvError::Disconnected) => return Ok(false),
            Err(std::sync::mpsc::TryRecvError::Empty) => {
                let pause = ports.clock.sleep(Duration::from_millis(50));
                or_cancel(ports.cancel, pause).await?;
            }
        }
    }
}

/// Makes the row of a way back that was carried out: `took` from its start, and from landing.
pub(in crate::promote) fn carried(done: &Done, now: Timestamp, took: (Duration, Duration)) -> RollbackRow {
    let mut row = row(&done.back);
    row.commit = done.wrote.then(|| done.commit.clone());
    row.seconds = Some(tenths(took.0));
    row.seconds_from_landing = Some(tenths(took.1));
    let is_live = done
        .followed
        .as_ref()
        .is_some_and(|followed| followed.outcome == Outcome::Live);
    let since = done.back.of_at.filter(|_| is_live && done.wrote);
    row.bad_seconds = since.map(|since| tenths(now.since(since)));
    row
}

/// Makes the row of a way back that is only planned.
fn row(back: &Back) -> RollbackRow {
    let mut to: Vec<String> = Vec::new();
    for pin in &back.planned.plan.pins {
        let image = pin.after.reference();
        if !to.contains(&image) {
            to.push(image);
        }
    }
    RollbackRow {
        of: back.of.clone(),
        commit: None,
        to,
        why: back.why.clone(),
        held: back.held.clone(),
        bad_seconds: None,
        schema_changed: back.schema_changed,
        seconds: None,
        seconds_from_landing: None,
    }
}

fn tenths(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}

/// Names the end of a way back.
fn ended(done: &Done, report: &mut Report, journal: &dyn Journal, took: (Duration, Duration)) -> End {
    let plan = &done.back.planned.plan;
    let Some(followed) = done.followed.clone() else {
        if !done.wrote {
            return End::new(
                Outcome::NoChange,
                format!("{} already; nothing was written", pinned(&plan.pins)),
            );
        }
        let reason = format!("{} is on the branch: {}", done.commit.short(), changed(&plan.changes));
        journal.warn("committed, but nothing was watched: whether it is live is not known".to_owned());
        return End::new(Outcome::Landed, reason);
    };
    let nothing = plan.changes.is_empty();
    let why = followed.reason.clone();
    let at_pause = at_a_pause(&followed, plan);
    let mut end = finish::finish(report, followed, &done.back.planned, |outcome| match outcome {
        Outcome::Live if nothing => Outcome::NoChange,
        Outcome::Live => Outcome::Reverted,
        Outcome::RolloutFailed | Outcome::Breached | Outcome::TimedOut => Outcome::RollbackFailed,
        other => other,
    });
    match end.outcome {
        Outcome::Reverted => {
            end.reason = format!(
                "{}: live and healthy after {}, {} from landing",
                changed(&plan.changes),
                in_words(took.0),
                in_words(took.1)
            );
        }
        Outcome::RollbackFailed => {
            end.reason = format!("{} was put back, and is not live: {why}", back_to(done));
        }
        Outcome::Paused => {
            end.reason = format!("going back is not finished{at_pause}: {why}");
            // An earlier version needs no more steps: what it replaces still has traffic.
            for hint in &mut end.hints {
                *hint = hint.replace(
                    "pass the pause: `promote resume ",
                    "finish going back: `promote resume --full ",
                );
            }
        }
        _ => {}
    }
    end
}

/// Returns how much traffic still goes to what is taken back, as the middle of a sentence; nothing if that is not known.
fn at_a_pause(followed: &Followed, plan: &Plan) -> String {
    let mut rollouts = followed.applications.iter().filter_map(|row| row.rollout.as_ref());
    match (rollouts.next(), rollouts.next()) {
        (Some(rollout), None) if rollout.weight < 100 => {
            let bad: Vec<String> = plan.changes.iter().map(|pin| pin.before.reference()).collect();
            format!(
                " ({}% of the traffic still goes to {})",
                100 - rollout.weight,
                bad.join(", ")
            )
        }
        _ => String::new(),
    }
}

fn back_to(done: &Done) -> String {
    let pins = done.back.planned.plan.pins.iter();
    pins.map(|pin| pin.after.reference()).collect::<Vec<_>>().join(", ")
}
