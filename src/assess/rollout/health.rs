//! The rules about health, once our commit is synced and health is younger than the sync: canaries, pods, everything else.

use crate::model::{Canary, Health, Phase};

use super::timers::Timer;
use super::verdict::{Ask, State, Verdict};
use super::{DEGRADED_GRACE, POD_GRACE, Round, fail, images};

pub(super) fn rollout(round: &mut Round<'_, '_>) -> Option<Verdict> {
    if let Some(verdict) = canary_within(round) {
        return Some(verdict);
    }
    if !round.timers.read_since_ours(&round.facts) {
        return None;
    }
    let canary = (round.facts.seen.canaries.iter()).find(|canary| !is_done(canary) || is_stale(round, canary))?;
    if canary.phase == "Degraded" {
        return None;
    }
    let why = format!("{}: {}", round.wanted.name, progress(canary));
    let ask = round.due(Ask::Tree, State::Rollout, &[15, 15]);
    Some(round.wait_asking(State::Rollout, why, ask))
}

/// A canary that was aborted, or pauses for somebody: also while the operation still waits for it.
pub(super) fn canary_within(round: &mut Round<'_, '_>) -> Option<Verdict> {
    if !round.timers.read_since_ours(&round.facts) {
        return None;
    }
    let seen = || round.facts.seen.canaries.iter();
    let ours = || seen().filter(|canary| !runs_another(canary, &round.wanted.images) && !is_stale(round, canary));
    // A rollout that was aborted before needs a moment to see the new version; longer while it is only being applied.
    let moment = if round.facts.about_ours() { 1 } else { 5 };
    if round.timers.over(Timer::Aborted, round.now, moment)
        && let Some(canary) = ours().find(|canary| canary.aborted && canary.observed)
    {
        return Some(aborted(round, canary));
    }
    let canary = ours().find(|canary| canary.observed && canary.phase == "Paused" && !canary.aborted)?;
    let reason = canary.pause.as_deref()?;
    let text = format!("{}: {}", round.wanted.name, progress(canary));
    if reason.starts_with("Inconclusive") {
        return fail(
            State::Rollout,
            format!("{text}: the analysis could not tell good from bad{}", analysis(canary)),
            "look at the measurements; then `promote resume` goes on past this analysis, or `promote abort` stops the canary",
        );
    }
    if canary.pause_for.is_some() {
        return Some(round.wait(State::Rollout, text));
    }
    Some(Verdict::Paused { why: text })
}

/// Whether it is still the canary of another version: the sync has not come to its Rollout yet.
pub(super) fn runs_another(canary: &Canary, wanted: &[String]) -> bool {
    let running = canary.images.iter();
    (images::missing(wanted, &running).into_iter()).any(|image| images::sibling(image, running.clone()).is_some())
}

/// Whether a Rollout was given our version, but its status is still that of the version before: its controller notes the generation first.
fn is_stale(round: &Round<'_, '_>, canary: &Canary) -> bool {
    !runs_another(canary, &round.wanted.images) && round.others.contains(&canary.current)
}

/// What to do about a Rollout that was aborted.
const STAYS_DEGRADED: &str =
    "roll back, or promote another version: an aborted rollout stays Degraded until the infra-repo pins what runs";

fn aborted(round: &Round<'_, '_>, canary: &Canary) -> Verdict {
    let message = if canary.message.is_empty() {
        "aborted"
    } else {
        &canary.message
    };
    Verdict::Failed {
        state: State::Rollout,
        why: format!(
            "{}: rollout {} is aborted: {message}{}; all traffic is on the previous version, but the infra-repo still pins this one",
            round.wanted.name,
            canary.name,
            analysis(canary)
        ),
        hints: vec![STAYS_DEGRADED.to_owned()],
    }
}

fn is_done(canary: &Canary) -> bool {
    canary.observed && canary.phase == "Healthy" && canary.current == canary.stable
}

fn analysis(canary: &Canary) -> String {
    let bad: Vec<String> = (canary.analysis.iter())
        .filter(|(_, phase, _)| !matches!(phase.as_str(), "Successful" | "Running" | "Pending" | ""))
        .map(|(name, phase, message)| match message.as_str() {
            "" => format!("analysis {name} {phase}"),
            message => format!("analysis {name} {phase}: {message}"),
        })
        .collect();
    if bad.is_empty() {
        String::new()
    } else {
        format!(" ({})", bad.join("; "))
    }
}

/// Returns where a canary is: step, weight, and why it pauses.
fn progress(canary: &Canary) -> String {
    let (at, pauses, lasts) = match canary.step {
        Some(step) if canary.steps > 0 => {
            let step = step.saturating_add(1).min(canary.steps);
            let at = format!("at step {step}/{}, weight {}%", canary.steps, canary.weight);
            (at, ", pauses", ", pauses")
        }
        // A blue-green one has no steps.
        _ => (format!("is {}", canary.phase.to_lowercase()), "", " for"),
    };
    let pause = match (&canary.pause, canary.pause_for) {
        (Some(_), Some(length)) => format!("{lasts} {}s", length.as_secs()),
        (Some(reason), None) => format!("{pauses} until somebody resumes it ({reason})"),
        (None, _) if canary.message.is_empty() => String::new(),
        (None, _) => format!(", {}", canary.message),
    };
    let analysis: Vec<String> = (canary.analysis.iter())
        .filter(|(_, phase, _)| matches!(phase.as_str(), "Running" | "Pending"))
        .map(|(name, ..)| format!(", analysis {name} is running"))
        .collect();
    format!("rollout {} {at}{pause}{}", canary.name, analysis.concat())
}

pub(super) fn degraded(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let held = round.timers.held(Timer::Degraded, round.now)?;
    if round.facts.health(round.baseline) != Health::Degraded && held >= DEGRADED_GRACE {
        // Broken before us and not touched by us: named in the report, and no verdict about our change.
        return None;
    }
    let broken: Vec<String> = (round.facts.app.resources.iter())
        .filter(|resource| resource.health == Some(Health::Degraded))
        .map(|resource| {
            let id = &resource.id;
            let before = if round.baseline.was(id, Health::Degraded) && !round.facts.runs_ours(id) {
                ", as before this commit"
            } else {
                ""
            };
            match resource.health_message.as_str() {
                "" => format!("{} is Degraded{before}", resource.id),
                message => format!("{} is Degraded ({message}){before}", resource.id),
            }
        })
        .take(5)
        .collect();
    let what = if broken.is_empty() {
        format!("Degraded {}", round.facts.app.health_message)
    } else {
        broken.join("; ")
    };
    let name = &round.wanted.name;
    let aborted = (round.facts.app.resources.iter())
        .any(|resource| resource.is_rollout() && resource.health_message.contains("RolloutAborted"));
    if aborted && round.timers.over(Timer::Degraded, round.now, 1) {
        return fail(
            State::Rollout,
            format!("{name}: {what}; all traffic is on the previous version, but the infra-repo still pins this one"),
            STAYS_DEGRADED,
        );
    }
    if held >= DEGRADED_GRACE {
        return fail(
            State::Degraded,
            format!("{name}: {what}, for more than {}s", DEGRADED_GRACE.as_secs()),
            "correct what is broken, or roll back: the commit is still in the infra-repo",
        );
    }
    let ask = targets(round, State::Degraded).or_else(|| round.due(Ask::Tree, State::Degraded, &[5, 15]));
    Some(round.wait_asking(State::Degraded, format!("{}: {what}", round.wanted.name), ask))
}

pub(super) fn pods(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let held = round.timers.held(Timer::StuckPod, round.now)?;
    let pod = round.facts.seen.stuck_pods.first()?;
    let why = format!("{}: {}", round.wanted.name, pod.line());
    if held >= POD_GRACE {
        return fail(
            State::PodFail,
            format!("{why}, for more than {}s", POD_GRACE.as_secs()),
            "check that the image exists and starts, or roll back: the commit is still in the infra-repo",
        );
    }
    let ask = round.due(Ask::Tree, State::PodFail, &[5, 10]);
    Some(round.wait_asking(State::PodFail, why, ask))
}

pub(super) fn unhealthy(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let name = &round.wanted.name;
    let state = match round.facts.health(round.baseline) {
        Health::Healthy if round.timers.hides_canary(&round.facts) => State::Suspended,
        Health::Healthy if round.timers.may_still_move(&round.facts, round.now) => State::Progressing,
        Health::Healthy => return None,
        Health::Suspended => State::Suspended,
        Health::Progressing => State::Progressing,
        Health::Missing => State::Missing,
        Health::Degraded => State::Degraded,
        Health::Unknown => State::UnknownHealth,
    };
    let health = round.facts.app.health;
    let messages: Vec<String> = (round.facts.app.resources.iter())
        .filter(|resource| resource.health.is_some_and(|health| health != Health::Healthy))
        .map(|resource| match (resource.health_message.as_str(), resource.health) {
            ("", Some(health)) => format!("{} is {health}", resource.id),
            (message, _) => format!("{}: {message}", resource.id),
        })
        .take(3)
        .collect();
    let why = if messages.is_empty() {
        format!("{name} is {health} {}", round.facts.app.health_message)
            .trim_end()
            .to_owned()
    } else {
        format!("{name} is {health}: {}", messages.join("; "))
    };
    if state == State::UnknownHealth && round.timers.over(Timer::UnknownHealth, round.now, 60) {
        return fail(
            state,
            format!("{why}, for more than 60s"),
            "look at the application in Argo CD: a health check of one of its resources fails",
        );
    }
    if let Some(ask) = targets(round, state) {
        return Some(round.wait_asking(state, why, Some(ask)));
    }
    let finished = (round.facts.app.operation.as_ref()).is_none_or(|operation| operation.phase == Phase::Succeeded);
    // What stands still is not compared again by itself.
    let stands = !round.facts.trusted && round.facts.health(round.baseline) == Health::Healthy;
    let ask = match (finished, stands) {
        (true, true) => round.due(Ask::Refresh, state, &[5, 30]),
        (true, false) => round.due(Ask::Tree, state, &[10, 10]),
        (false, _) => None,
    };
    Some(round.wait_asking(state, why, ask))
}

/// What was broken or suspended before is excused if our commit makes the same of it as the one before.
fn targets(round: &mut Round<'_, '_>, state: State) -> Option<Ask> {
    if round.facts.lacks_managed(round.baseline) {
        round.due(Ask::Targets, state, &[0, 5, 10])
    } else {
        None
    }
}
