//! What follows the verdict of a promotion: the record, and, where `on-failure` or `on-timeout` says so, the way back.

use std::time::Duration;

use crate::assess::history::Record;
use crate::delivery::Drive;
use crate::model::{CommitSha, Event, Fault, Outcome, PinChange, in_words};
use crate::plan::{Allow, OnFailure, ResolvedPolicy};
use crate::report::{End, Report};

use crate::promote::cancel::or_cancel;
use crate::promote::commands::back::{self, Aim, Done, To};
use crate::promote::commands::finish::{go_back, leaves_change, with_way_back};
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::commands::rollback;
use crate::promote::job::Promote;
use crate::promote::land::Unlanded;
use crate::promote::land::bring::Ways;
use crate::promote::land::record::Happened;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::Evidence;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::record::Records;

/// A promotion whose applications were followed to an end.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Promoted<'a> {
    /// What was asked for.
    pub(in crate::promote) job: &'a Promote,
    /// What was landed.
    pub(in crate::promote) planned: &'a Planned,
    /// The commit; without changes the head of the branch.
    pub(in crate::promote) commit: &'a CommitSha,
    /// What the record gets: `verified` of a promotion that was.
    pub(in crate::promote) recorded: Outcome,
    /// When it landed, by the run's clock.
    pub(in crate::promote) since: Duration,
}

impl Promoted<'_> {
    /// Whether this end is one after which some environment wants to go back. A promotion is taken back as a whole.
    fn wants_back(&self, outcome: Outcome) -> bool {
        let places = &self.planned.snapshot.places;
        let mut policies = places.iter().map(|(place, _)| place.policy);
        match outcome {
            Outcome::RolloutFailed | Outcome::Breached => {
                policies.any(|policy| policy.on_failure == OnFailure::Rollback)
            }
            Outcome::TimedOut => policies.any(|policy| policy.on_timeout == OnFailure::Rollback),
            _ => false,
        }
    }

    /// Returns why nothing is taken back, where some environment says `rollback` and the end is one that takes nothing back.
    fn why_not(&self, outcome: Outcome) -> Option<String> {
        let places = &self.planned.snapshot.places;
        let says = |of: fn(&ResolvedPolicy) -> OnFailure| {
            let mut policies = places.iter().map(|(place, _)| place.policy);
            policies.any(|policy| of(&policy) == OnFailure::Rollback)
        };
        let (failure, timeout) = (says(|policy| policy.on_failure), says(|policy| policy.on_timeout));
        if !failure && !timeout {
            return None;
        }
        Some(match outcome {
            Outcome::Cancelled { .. } => "a cancelled run takes nothing back".to_owned(),
            Outcome::Superseded => "a later commit changed the pin, and it stays".to_owned(),
            Outcome::Denied | Outcome::Unreachable => "promote cannot see whether the promotion failed".to_owned(),
            Outcome::TimedOut if !timeout => {
                "`on-failure: rollback` is for a failure. After a timeout only `on-timeout: rollback` takes back"
                    .to_owned()
            }
            Outcome::RolloutFailed | Outcome::Breached if !failure => {
                "`on-timeout: rollback` is for a timeout. After a failure only `on-failure: rollback` takes back"
                    .to_owned()
            }
            _ => return None,
        })
    }

    fn verdict<'a>(&'a self, reason: &'a str) -> Verdict<'a> {
        Verdict {
            planned: self.planned,
            commit: self.commit,
            reason,
            since: self.since,
            of: None,
        }
    }
}

/// Records the end, and goes back first where that is wanted and possible.
pub(in crate::promote) async fn after(
    end: End,
    promoted: Promoted<'_>,
    reading: Reading<'_>,
    ways: Ways<'_>,
    drive: Option<&dyn Drive>,
    report: &mut Report,
) -> End {
    let (end, lines) = if promoted.wants_back(end.outcome) {
        Box::pin(take_back(end, promoted, reading, ways, drive, report)).await
    } else {
        let verdict = promoted.verdict(&end.reason);
        let lines = recording::lines_of(reading, promoted.recorded, &report.applications, &verdict);
        let why = promoted.why_not(end.outcome);
        let end = why.map_or_else(|| end.clone(), |why| not_back(end.clone(), &why));
        (end, lines)
    };
    let records = recording::save(reading, ways.repo, promoted.planned, &lines).await;
    let select = &promoted.job.request.select;
    let mut end = with_way_back(end, select);
    let to = fallback(&promoted.planned.plan.changes, records.as_ref());
    if let (Some(to), Some(hint)) = (to.filter(|_| leaves_change(end.outcome)), end.hints.last_mut()) {
        *hint = go_back(select, Some(&to));
    }
    end
}

/// Returns the version that a way back has to name, because the record has none that is known to be good: what all changes replaced, unless
/// that failed before.
fn fallback(changes: &[PinChange], records: Option<&Records>) -> Option<String> {
    let replaced = || changes.iter().filter(|change| change.before.is_pinned());
    let first = replaced().next()?.before.reference();
    let is_good = |change: &PinChange| {
        let record = records.and_then(|records| records.of(&change.app, &change.environment));
        let after = change.after.reference();
        record.is_some_and(|record| record.newest_known_good(|line| !line.images.contains(&after)).is_some())
    };
    let has_failed = |change: &PinChange| {
        let record = records.and_then(|records| records.of(&change.app, &change.environment));
        let mut lines = record.into_iter().flat_map(Record::newest_first);
        lines.any(|line| line.images.contains(&first) && !line.event.is_good())
    };
    let is_one = replaced().all(|change| change.before.reference() == first);
    (is_one && !replaced().any(is_good) && !replaced().any(has_failed)).then_some(first)
}

/// Puts back what the promotion replaced. Where that is not to be, the end stays as it was, and says why.
async fn take_back(
    end: End,
    promoted: Promoted<'_>,
    reading: Reading<'_>,
    ways: Ways<'_>,
    drive: Option<&dyn Drive>,
    report: &mut Report,
) -> (End, Vec<Happened>) {
    let ports = reading.ports;
    let begun = ports.clock.now();
    let verdict = promoted.verdict(&end.reason);
    // At this time, not when the way back has ended.
    let bad = recording::lines_of(reading, end.outcome, &report.applications, &verdict);
    let gone = recording::lines(
        reading,
        |_| crate::assess::history::EventKind::RolledBack,
        false,
        &verdict,
    );
    // It stands in the commit and in the file of holds.
    let reason = format!("{}: {}", end.outcome.name(), first_line(&end.reason));
    let aim = Aim {
        select: &promoted.job.request.select,
        to: To::Replaced(&promoted.planned.plan.pins, promoted.commit),
        reason: Some(&reason),
        hold: true,
        schema: None,
        allow: Allow::default(),
    };
    ports.journal.tell(Event::Stage("Roll back".to_owned()));
    ports.journal.progress(reason.clone());
    let mut evidence = Evidence::default();
    let prepared = or_cancel(ports.cancel, back::prepare(&aim, reading, &mut evidence)).await;
    let prepared = match prepared {
        Ok(prepared) => prepared.and_then(crate::promote::proposal::Proposal::allowed),
        Err(cancelled) => return (cut_short(end, &cancelled, None), bad),
    };
    let first = match prepared {
        Ok(first) => first,
        Err(why) => return (not_back(end, &why.to_string()), bad),
    };
    let how = (&promoted.job.landing, true);
    let done = match Box::pin(back::carry_out(&aim, reading, ways, drive, how, first, evidence)).await {
        Ok(done) => done,
        Err((unlanded, _)) => return (not_landed(end, &unlanded), bad),
    };
    if done.end.is_some() {
        return (unmerged(end, &done, report), bad);
    }
    carried_out(&end, promoted, reading, begun, &done, (bad, gone), report)
}

/// The way back did not come to the branch, or nobody knows whether it did.
fn not_landed(end: End, unlanded: &Unlanded) -> End {
    let fault = &unlanded.fault;
    match (fault.outcome, &unlanded.in_doubt) {
        (Outcome::Cancelled { .. }, commit) => cut_short(end, fault, commit.as_deref()),
        (_, Some(_)) => failed(
            &end,
            &format!("it is not known whether the rollback landed: {fault}"),
            &fault.hints,
        ),
        // Decided again on a newer tip: somebody has changed the pin, or holds the version.
        (Outcome::Refused | Outcome::Invalid, None) => not_back(end, &fault.to_string()),
        (_, None) => failed(&end, &format!("the rollback did not land: {fault}"), &fault.hints),
    }
}

/// The end stays, and a hint names the pull request that would take the promotion back.
fn unmerged(mut end: End, done: &Done, report: &mut Report) -> End {
    let (Some(open), Some(pull)) = (&done.end, &done.pull_request) else {
        return end;
    };
    report.pull_request = Some(pull.clone());
    end.hints.truncate(1);
    end.hint(format!(
        "to take it back, merge pull request #{}: {} ({})",
        pull.number, pull.url, open.reason
    ))
}

/// Names the end of a way back that landed, with the lines of the record: `bad` those of the failure, `gone` those of a promotion that was
/// taken back.
fn carried_out(
    end: &End,
    promoted: Promoted<'_>,
    reading: Reading<'_>,
    begun: Duration,
    done: &Done,
    (bad, mut gone): (Vec<Happened>, Vec<Happened>),
    report: &mut Report,
) -> (End, Vec<Happened>) {
    let clock = reading.ports.clock;
    let took = clock.now().saturating_sub(begun);
    let from_landing = clock.now().saturating_sub(done.landed);
    report.rollback = Some(rollback::carried(done, reading.now(), (took, from_landing)));
    let Some(followed) = done.followed.clone() else {
        return (failed(end, "the rollback landed, and nothing was watched", &[]), bad);
    };
    report.applications.clone_from(&followed.applications);
    for row in &mut report.applications {
        // It runs what was put back, and not what was promoted.
        row.live = false;
    }
    let to = pins(done);
    let back = Verdict {
        planned: &done.back.planned,
        commit: &done.commit,
        reason: &followed.reason,
        since: done.landed,
        of: Some(promoted.commit),
    };
    match followed.outcome {
        Outcome::Live => {
            let reason = format!(
                "{}; rolled back: {to} is live and healthy again after {}",
                end.reason,
                in_words(took)
            );
            // What was advised before is about a version that is gone.
            let mut ended = End::new(Outcome::RolledBack, reason);
            if !done.back.held.is_empty() {
                ended.hints.push(format!(
                    "{} is held: after a fix promote another version, or use `promote release` to lift the hold",
                    done.back.held.join(", ")
                ));
            }
            let reverted = recording::lines_of(reading, Outcome::Reverted, &followed.applications, &back);
            gone.extend(reverted);
            (ended, gone)
        }
        Outcome::Cancelled { .. } => {
            let mut ended = End::new(followed.outcome, format!("{}; {}", end.reason, followed.reason));
            ended.hints = followed.hints;
            (ended, bad)
        }
        Outcome::Superseded => {
            let reason = format!("{}; during the rollback {}", end.reason, followed.reason);
            let mut ended = End::new(Outcome::Superseded, reason);
            ended.hints = followed.hints;
            ended.superseded_by = followed.superseded_by;
            (ended, bad)
        }
        _ => {
            let mut lines = bad;
            lines.extend(recording::lines_of(reading, Outcome::RollbackFailed, &[], &back));
            let why = format!("{to} was put back and is not live: {}", followed.reason);
            (failed(end, &why, &followed.hints), lines)
        }
    }
}

fn pins(done: &Done) -> String {
    let mut images: Vec<String> = Vec::new();
    for pin in &done.back.planned.plan.changes {
        let image = pin.after.reference();
        if !images.contains(&image) {
            images.push(image);
        }
    }
    images.join(", ")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The end stays, and a hint says why nothing was taken back.
fn not_back(mut end: End, why: &str) -> End {
    end.hints.truncate(1);
    end.hint(format!("nothing was rolled back: {}", why.replace('\n', "; ")))
}

/// The way back failed as well.
fn failed(end: &End, why: &str, hints: &[String]) -> End {
    let mut ended = End::new(Outcome::RollbackFailed, format!("{}; {why}", end.reason));
    ended.hints = hints.iter().take(3).cloned().collect();
    ended
}

/// The run was cancelled before anything was taken back; or while `commit` was on its way to the branch, which does that.
fn cut_short(end: End, fault: &Fault, commit: Option<&str>) -> End {
    let what = match commit {
        Some(_) => "it is not known whether it was rolled back",
        None => "nothing was rolled back",
    };
    let mut ended = End::new(fault.outcome, format!("{}; {what}: {fault}", end.reason));
    ended.hints = match commit {
        Some(commit) => vec![format!(
            "look for {commit} in the infra-repo: if it is there, the promotion is taken back; if not, roll back with `promote rollback`"
        )],
        None => end.hints,
    };
    ended
}
