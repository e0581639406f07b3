//! The rules about what is compared: is the application there, can it be compared, and is that our commit.

use crate::model::{CommitSha, Condition};

use super::revision::Standing;
use super::timers::Timer;
use super::verdict::{Ask, State, Verdict};
use super::{ERROR_GRACE, Round, fail};

/// The schedule of refreshes while our commit is not seen, in seconds.
const SCHEDULE: [u64; 5] = [0, 5, 10, 20, 30];

pub(super) fn deleted(round: &mut Round<'_, '_>) -> Option<Verdict> {
    if !round.facts.app.deleting {
        return None;
    }
    fail(
        State::Gone,
        format!("{} is being deleted", round.wanted.name),
        "find out who deleted the application; it runs nothing new from now on",
    )
}

pub(super) fn cannot_show(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let (app, name) = (round.facts.app, &round.wanted.name);
    if app.skips_reconcile {
        return fail(
            State::ConfigFail,
            format!("{name} has the annotation argocd.argoproj.io/skip-reconcile: Argo CD leaves it alone"),
            "remove the annotation from the application",
        );
    }
    if !app.sources.is_empty() && !app.sources.iter().any(|source| round.wanted.origin.feeds(source)) {
        return fail(
            State::ConfigFail,
            format!(
                "{name} does not follow {} at {}: it never deploys this commit",
                round.wanted.origin.branch, round.wanted.origin.repository
            ),
            "correct the application's source, or give the right `application`",
        );
    }
    None
}

pub(super) fn spec_error(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let error = condition(round, &["InvalidSpecError", "UnknownError"])?;
    let text = format!("{}: {}: {}", round.wanted.name, error.kind, error.message);
    if round.timers.over(Timer::SpecError, round.now, 30) {
        return fail(
            State::SpecError,
            text,
            "correct the application's project, cluster or source in Argo CD",
        );
    }
    let ask = round.due(Ask::Refresh, State::SpecError, &[5, 10, 30]);
    Some(round.wait_asking(State::SpecError, text, ask))
}

pub(super) fn compare_error(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let held = round.timers.held(Timer::CompareError, round.now)?;
    let name = &round.wanted.name;
    let error = condition(round, &["ComparisonError"]);
    let text = error.map_or_else(
        || format!("Argo CD cannot compare {name} and does not say why"),
        |error| format!("Argo CD cannot compare {name}: {}", error.message),
    );
    let cached = error.is_some_and(|error| error.message.contains("(cached)"));
    // What is known only from before our commit is no verdict about it.
    let looked_again = round.facts.seen.refreshed.is_some() || round.asks.last(Ask::Refresh).is_some();
    if held >= ERROR_GRACE && looked_again {
        let why = format!("{text} (for {}s)", held.as_secs());
        return fail(
            State::CompareError,
            why,
            "run `kustomize build` on the overlay at this commit: if it fails too, revert the commit or correct the file",
        );
    }
    let ask = if cached {
        round.due(Ask::HardRefresh, State::CompareError, &[60, 600])
    } else {
        None
    };
    let ask = ask.or_else(|| round.due(Ask::Refresh, State::CompareError, &[0, 15, 15, 30, 30]));
    Some(round.wait_asking(State::CompareError, text, ask))
}

pub(super) fn hydrating(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let hydration = round.facts.app.hydration.as_ref()?;
    let standing = (hydration.dry.as_ref())
        .and_then(|dry| round.facts.seen.standings.get(dry))
        .cloned()
        .unwrap_or(Standing::Lacks);
    let name = &round.wanted.name;
    if standing.has_ours() && hydration.phase == "Failed" {
        let why = format!(
            "{name}: the hydrator could not render this commit: {}",
            hydration.message
        );
        return fail(
            State::HydrateFail,
            why,
            "correct what it could not render, or revert the commit",
        );
    }
    let compared = (hydration.compared.as_ref())
        .and_then(|dry| round.facts.seen.standings.get(dry))
        .is_some_and(Standing::has_ours);
    if (standing.has_ours() && hydration.phase == "Hydrated") || compared {
        return None;
    }
    let why = format!(
        "{name}: the hydrator has not rendered {} yet",
        round.wanted.commit.short()
    );
    let ask = round.due(Ask::Refresh, State::Hydrating, &SCHEDULE);
    Some(round.wait_asking(State::Hydrating, why, ask))
}

pub(super) fn regressed(round: &mut Round<'_, '_>) -> Option<Verdict> {
    if !round.compared_ours || round.facts.compared != Standing::Lacks {
        return None;
    }
    let since = round.timers.since(Timer::LostOurs)?;
    let shown = shown(round);
    let looked_again =
        round.facts.seen.refreshed.is_some_and(|at| at > since) || round.timers.over(Timer::LostOurs, round.now, 15);
    if looked_again {
        return fail(
            State::Regressed,
            format!(
                "{} went from commit {} to {shown}, which does not contain it: someone rolled it back or force-pushed the branch, or a source lags behind",
                round.wanted.name,
                round.wanted.commit.short()
            ),
            "look at the branch's history and at the application's, then promote again",
        );
    }
    let why = format!("{} shows {shown} again, without this commit", round.wanted.name);
    let ask = round.due(Ask::Refresh, State::Regressed, &[0, 5]);
    Some(round.wait_asking(State::Regressed, why, ask))
}

pub(super) fn superseded(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let facts = &round.facts;
    // A manual application may have ours deployed, or be about to, while a later promotion waits in its branch.
    let at_work = !facts.app.automated && facts.operated.brings_ours() && !facts.idle();
    if facts.deployed_before_tip() || at_work {
        return None;
    }
    let (all, what) = if facts.compared == Standing::Replaced {
        (&facts.app.revisions, "compares")
    } else if facts.operated == Standing::Replaced {
        (&facts.app.operation.as_ref()?.revisions, "syncs")
    } else {
        return None;
    };
    let revision = (all.iter().filter_map(|text| CommitSha::parse(text)))
        .find(|sha| facts.seen.standings.get(sha) == Some(&Standing::Replaced))
        .or_else(|| facts.app.hydration.as_ref().and_then(|hydration| hydration.dry.clone()))?;
    Some(Verdict::Superseded {
        why: format!(
            "{}: a newer promotion replaced this one: it {what} {}, which changed the pin after {}",
            round.wanted.name,
            revision.short(),
            round.wanted.commit.short()
        ),
        revision,
    })
}

pub(super) fn not_seen(round: &mut Round<'_, '_>) -> Option<Verdict> {
    if round.facts.compared.has_ours() || round.facts.operated.has_ours() {
        return None;
    }
    let (name, commit) = (&round.wanted.name, round.wanted.commit.short());
    let why = match &round.facts.compared {
        Standing::Unknown(why) => format!("{name}: Argo CD has not compared {commit} yet: {why}"),
        _ => format!(
            "{name}: Argo CD has not compared {commit} yet, it is at {}",
            shown(round)
        ),
    };
    let at_work = (round.facts.app.operation.as_ref()).filter(|operation| !operation.phase.is_over());
    let why = match at_work {
        Some(operation) if operation.retries > 0 => format!(
            "{why}; an operation for an older commit is at retry {} and blocks this one",
            operation.retries.saturating_add(1)
        ),
        Some(_) => format!("{why}; an operation for another commit is at work"),
        None => why,
    };
    let ask = round.due(Ask::Refresh, State::NotSeen, &SCHEDULE);
    Some(round.wait_asking(State::NotSeen, why, ask))
}

fn condition<'a>(round: &Round<'_, 'a>, kinds: &[&str]) -> Option<&'a Condition> {
    (round.facts.app.conditions.iter()).find(|condition| kinds.contains(&condition.kind.as_str()))
}

/// Returns what it is compared with, as people read it.
fn shown(round: &Round<'_, '_>) -> String {
    let all: Vec<String> = (round.facts.app.revisions.iter())
        .map(|text| CommitSha::parse(text).map_or_else(|| format!("{text:?}"), |sha| sha.short().to_owned()))
        .collect();
    if all.is_empty() {
        "no revision".to_owned()
    } else {
        all.join(", ")
    }
}
