//! The rules about being in sync: who has to start the sync, whether a window prevents it, and what is left over.

use crate::assess::window::is_open_now;
use crate::model::{SyncState, SyncWindows, WindowKind};

use super::facts::Facts;
use super::timers::Timer;
use super::verdict::{Ask, State, Verdict};
use super::{Round, Standing, fail};

pub(super) fn window(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let facts = &round.facts;
    if facts.app.sync != SyncState::OutOfSync || !facts.compared.has_ours() || !facts.idle() || facts.our_success() {
        return None;
    }
    let automated = facts.app.automated;
    let windows = facts.seen.windows;
    let closed = windows.is_some_and(|windows| !is_open_now(windows, automated));
    let refused = facts.seen.window_refused && !automated && windows.is_none_or(|windows| !windows.manual_possible);
    if !closed && !refused {
        return None;
    }
    // A manual application that we do not trigger waits for a person, who sees the window.
    if !automated && (!round.wanted.trigger || facts.last.brings_ours()) {
        return None;
    }
    let listed = windows.map(listed).unwrap_or_default();
    let opening = facts.seen.opening;
    let until = opening.map_or_else(String::new, |opening| format!(" until {}", opening.at));
    let why = format!("{}: a sync window is closed{until}{listed}", round.wanted.name);
    if opening.is_some_and(|opening| !opening.in_time) {
        return fail(
            State::Window,
            format!("{why}; that is after the timeout of this run"),
            "promote again in the window (nothing is to be written then), or give a longer `timeout`",
        );
    }
    let ask = round
        .due(Ask::Windows, State::Window, &[0, 15, 30])
        .or_else(|| round.due(Ask::Refresh, State::Window, &[10, 30]));
    Some(round.wait_asking(State::Window, why, ask))
}

fn listed(windows: &SyncWindows) -> String {
    let all: Vec<String> = (windows.assigned.iter())
        .map(|window| {
            let kind = match window.kind {
                WindowKind::Allow => "allow",
                WindowKind::Deny => "deny",
            };
            let zone = if window.time_zone.is_empty() {
                "UTC"
            } else {
                &window.time_zone
            };
            format!("{kind} \"{}\" for {} ({zone})", window.schedule, window.duration)
        })
        .collect();
    if all.is_empty() {
        String::new()
    } else {
        format!(": {}", all.join(", "))
    }
}

/// What we had seen synced was taken back by somebody: syncing it again would only be the next move of a quarrel.
pub(super) fn rolled_back(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let facts = &round.facts;
    let back = round.synced_ours && facts.last == Standing::Lacks && facts.app.sync == SyncState::OutOfSync;
    if !back || facts.app.automated || !facts.idle() {
        return None;
    }
    fail(
        State::Regressed,
        format!(
            "{} had {} deployed, and somebody has synced an older revision since",
            round.wanted.name,
            round.wanted.commit.short()
        ),
        "ask who rolled it back before promoting again",
    )
}

pub(super) fn out_of_sync_after(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let held = round.timers.held(Timer::OutOfSync, round.now)?;
    // A persistent difference is common and no matter of our image: it is named, and health decides.
    if held.as_secs() >= 30 || round.facts.deployed_before_tip() {
        return None;
    }
    let drift = drift(&round.facts).unwrap_or_default();
    let ask = round.due(Ask::Refresh, State::StuckOutOfSync, &[5, 10, 30]);
    let why = format!("{}: synced, but still OutOfSync: {drift}", round.wanted.name);
    Some(round.wait_asking(State::StuckOutOfSync, why, ask))
}

/// Returns what is out of sync, as people read it.
pub(super) fn drift(facts: &Facts<'_>) -> Option<String> {
    if facts.app.sync != SyncState::OutOfSync {
        return None;
    }
    let all: Vec<String> = (facts.app.resources.iter())
        .filter(|resource| resource.sync == SyncState::OutOfSync)
        .map(|resource| {
            let prune = if resource.requires_pruning {
                " (would have to be deleted)"
            } else {
                ""
            };
            format!("{}{prune}", resource.id)
        })
        .take(5)
        .collect();
    Some(all.join(", "))
}

pub(super) fn need_sync(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let facts = &round.facts;
    let manual = facts.app.sync == SyncState::OutOfSync && !facts.app.automated && facts.idle();
    let differs = round.timers.over(Timer::OutOfSync, round.now, 30);
    if !manual || differs || facts.deployed_before_tip() || !facts.compared.brings_ours() {
        return None;
    }
    let name = &round.wanted.name;
    if !round.wanted.trigger {
        let why = match &round.wanted.synced_by {
            Some(set) => {
                format!("{name} has no automated sync: it waits until ApplicationSet {set} syncs it in its turn")
            }
            None => format!("{name} has no automated sync: it waits for somebody to sync it"),
        };
        let ask = round.due(Ask::Refresh, State::NeedSync, &[30]);
        return Some(round.wait_asking(State::NeedSync, why, ask));
    }
    let ask = round.due(Ask::Sync, State::NeedSync, &[0, 5, 10, 30]);
    let why = format!("{name} has no automated sync: starting a sync to the head of its branch");
    Some(round.wait_asking(State::NeedSync, why, ask))
}

pub(super) fn auto_pending(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let held = round.timers.held(Timer::Pending, round.now)?;
    if round.timers.over(Timer::OutOfSync, round.now, 30) {
        return None;
    }
    let ask = if held.as_secs() >= 5 && round.facts.seen.windows.is_none() {
        round.due(Ask::Windows, State::AutoPending, &[0, 30])
    } else {
        None
    };
    let ask = ask.or_else(|| round.due(Ask::Refresh, State::AutoPending, &[10, 20, 30]));
    let why = format!(
        "{}: OutOfSync at this commit, waiting for Argo CD to sync it",
        round.wanted.name
    );
    Some(round.wait_asking(State::AutoPending, why, ask))
}
