//! The rules about operations: ours, somebody else's, one that failed, one that does not end.

use crate::model::{CommitSha, Health, Operation, Phase, SyncResult, SyncState};

use super::timers::Timer;
use super::verdict::{Ask, State, Verdict};
use super::{Round, fail};

pub(super) fn stuck(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let operation = round.facts.app.operation.as_ref()?;
    let name = &round.wanted.name;
    if round.timers.over(Timer::Terminating, round.now, 120) {
        return fail(
            State::OpStuck,
            format!("{name}: an operation has been terminating for more than 120s"),
            "clear `operation` and `status.operationState` of the application with kubectl",
        );
    }
    let held = round.timers.held(Timer::Unfinished, round.now)?;
    let why = format!("{name}: its operation is {} but has no end", operation.phase);
    if held.as_secs() >= 30 {
        return fail(
            State::OpStuck,
            format!("{why}: Argo CD lost it"),
            "clear `status.operationState` of the application with kubectl, then sync it",
        );
    }
    let ask = round.due(Ask::Refresh, State::OpStuck, &[0, 10]);
    Some(round.wait_asking(State::OpStuck, why, ask))
}

pub(super) fn failed(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let name = &round.wanted.name;
    let retry = "correct what the message names and promote again, or revert the commit";
    if let Some(operation) = round.facts.our_operation() {
        // A failure from before our run is tried once more where we may: nobody else will.
        let old = operation.started_at.is_some() && operation.started_at == round.baseline.operation;
        let again = old && !round.facts.app.automated && round.wanted.trigger;
        if matches!(operation.phase, Phase::Failed | Phase::Error) && !again {
            if round.timers.held(Timer::Unfinished, round.now).is_some() {
                return None;
            }
            return fail(
                State::SyncError,
                format!("the sync of {name} failed: {}", outcome(operation)),
                retry,
            );
        }
    }
    // After its last try Argo CD says so in a condition, which stays when the operation's state has gone.
    let error = (round.facts.app.conditions.iter()).find(|condition| condition.kind == "SyncError")?;
    let about = (error.message.split_once('['))
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(revision, _)| revision);
    let about_ours = match about.and_then(CommitSha::parse) {
        Some(sha) => {
            (round.facts.seen.standings.get(&sha)).is_some_and(super::Standing::has_ours) || sha == round.wanted.commit
        }
        // "auto-sync will wipe out all resources" names none: it is about what is compared.
        None => about.is_none() && round.facts.compared.has_ours() && round.facts.idle(),
    };
    if !about_ours || !round.facts.app.automated || !round.facts.idle() {
        return None;
    }
    fail(
        State::SyncError,
        format!(
            "the sync of {name} failed and Argo CD will not try again: {}",
            error.message
        ),
        retry,
    )
}

/// A sync that was asked for can be left lying: the engine has to look at the application again to find it.
pub(super) fn left_lying(round: &mut Round<'_, '_>) -> Option<Verdict> {
    round.timers.held(Timer::Requested, round.now)?;
    let ask = round.due(Ask::Refresh, State::ForeignOp, &[5, 10, 30]);
    let why = format!("{}: sync requested, not started yet", round.wanted.name);
    Some(round.wait_asking(State::ForeignOp, why, ask))
}

pub(super) fn foreign(round: &mut Round<'_, '_>) -> Option<Verdict> {
    if round.facts.idle() || round.facts.our_operation().is_some() {
        return None;
    }
    let text = round
        .facts
        .app
        .operation
        .as_ref()
        .map_or_else(String::new, |operation| {
            let of = operation
                .revisions
                .iter()
                .map(|r| short(r))
                .collect::<Vec<_>>()
                .join(", ");
            let kind = match (operation.dry_run, operation.partial) {
                (true, _) => "a dry run",
                (_, true) => "a partial sync",
                _ => "a sync",
            };
            format!("{kind} of {of} is {}{}", operation.phase, said(operation))
        });
    let why = format!("{}: another operation is at work: {text}", round.wanted.name);
    // When it ends, the refresh lets the next one begin.
    let ask = round.due(Ask::Refresh, State::ForeignOp, &[30]);
    Some(round.wait_asking(State::ForeignOp, why, ask))
}

pub(super) fn running(round: &mut Round<'_, '_>) -> Option<Verdict> {
    if round.facts.idle() {
        return None;
    }
    let operation = round.facts.our_operation()?;
    // A paused or aborted canary, or a pod that cannot start, is what the operation waits for.
    if let Some(verdict) = super::health::canary_within(round).or_else(|| super::health::pods(round)) {
        return Some(verdict);
    }
    let name = &round.wanted.name;
    if operation.message.contains("blocked by sync window") {
        let why = format!("{name}: the sync waits for a sync window: {}", operation.message);
        let ask = round.due(Ask::Windows, State::Window, &[0, 30]);
        return Some(round.wait_asking(State::Window, why, ask));
    }
    let commit = operation.revisions.first().map_or_else(String::new, |r| short(r));
    let why = if operation.finished_at.is_some() && operation.retries > 0 {
        format!(
            "{name}: the sync of {commit} failed and will be tried again ({}){}",
            tries(operation.retries),
            said(operation)
        )
    } else if operation.retries > 0 {
        format!(
            "{name}: syncing {commit} again ({}){}",
            tries(operation.retries),
            said(operation)
        )
    } else {
        format!("{name}: syncing {commit}{}", said(operation))
    };
    let ask = round.due(Ask::Tree, State::OpRunning, &[15, 15]);
    Some(round.wait_asking(State::OpRunning, why, ask))
}

pub(super) fn untrusted(round: &mut Round<'_, '_>) -> Option<Verdict> {
    // What is still on its way is waited for, old or new; everything else must be younger than the sync to count.
    let moving = matches!(round.facts.app.health, Health::Progressing | Health::Missing);
    // Nor is what still has to be synced.
    let unsynced = round.facts.app.sync == SyncState::OutOfSync
        && !round.facts.our_success()
        && !round.facts.deployed_before_tip();
    if round.facts.trusted || moving || unsynced {
        return None;
    }
    let ask = round.due(Ask::Refresh, State::Untrusted, &[1, 5]);
    let why = format!(
        "{}: the sync is done; waiting until its health is assessed after it",
        round.wanted.name
    );
    Some(round.wait_asking(State::Untrusted, why, ask))
}

fn tries(retries: u32) -> String {
    format!("retry {retries}")
}

fn short(revision: &str) -> String {
    CommitSha::parse(revision).map_or_else(|| format!("{revision:?}"), |sha| sha.short().to_owned())
}

fn said(operation: &Operation) -> String {
    if operation.message.is_empty() {
        String::new()
    } else {
        format!(": {}", operation.message)
    }
}

/// Returns what an operation says at its end, with the resources that failed, hooks first: they are the cause.
fn outcome(operation: &Operation) -> String {
    let mut bad: Vec<&SyncResult> = operation.results.iter().filter(|result| result.failed).collect();
    bad.sort_by_key(|result| !result.hook);
    let list: Vec<String> = (bad.iter().take(5))
        .map(|result| {
            let kind = if result.hook { "hook " } else { "" };
            format!("{kind}{}: {}", result.resource, result.message)
        })
        // The operation's own message repeats the first one's.
        .filter(|line| line.len() < 8 || !operation.message.contains(line.as_str()))
        .collect();
    if list.is_empty() {
        operation.message.clone()
    } else {
        format!("{}; {}", operation.message, list.join("; "))
    }
}
