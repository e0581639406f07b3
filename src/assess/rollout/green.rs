//! The last rules: everything is green. Is our image in it, was that not an old rendering, and does it last?

use std::time::Duration;

use crate::model::{CommitSha, Health, Phase, Resource, SyncState};

use super::baseline::Baseline;
use super::facts::Facts;
use super::timers::Timer;
use super::verdict::{Ask, State, Verdict, Waiting};
use super::{Round, Wanted, fail, images, synced};

pub(super) fn no_image(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let missing = missing(&round.wanted.images, &round.facts);
    let first = (*missing.first()?).clone();
    let name = &round.wanted.name;
    if round.facts.seen.managed.is_none() {
        let why = format!("{name} is green: looking whether {first} is among what it deploys");
        let ask = round.due(Ask::Targets, State::NoopCheck, &[0, 5, 10]);
        return Some(round.wait_asking(State::NoopCheck, why, ask));
    }
    if round.facts.seen.hard_refreshed.is_none() {
        let why = format!("{name} is green, but nothing of it is to run {first}: rendering its manifests again");
        let ask = round.due(Ask::HardRefresh, State::NoopCheck, &[0, 30]);
        return Some(round.wait_asking(State::NoopCheck, why, ask));
    }
    if let Some((image, other)) = (missing.iter()).find_map(|image| Some((image, targeted(image, &round.facts)?))) {
        return fail(
            State::NoopCheck,
            format!("{name} is green, but its workloads use {other}, not {image}"),
            "check that nothing after the overlay's pin (a patch, a parameter of the application) sets the image",
        );
    }
    if is_silent(&round.facts) {
        return None;
    }
    let running = images::sibling(&first, round.facts.app.images.iter());
    let running = running.map_or_else(String::new, |image| {
        format!("; it runs {image}, which none of its manifests names")
    });
    fail(
        State::NoopCheck,
        format!("no workload of {name} uses {}{running}", images::repository(&first)),
        "check that the overlay's workloads name this image, and that the application deploys this overlay",
    )
}

/// Argo CD calls an object in sync that names another image than the commit where `ignoreDifferences` hides it, and a sync may leave the
/// image out. So the objects themselves are asked, unless everything that is seen is of this version.
pub(super) fn left_behind(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let (facts, wanted, name) = (&round.facts, &round.wanted.images, &round.wanted.name);
    let is_other = |found: &String| wanted.iter().any(|image| images::is_other_version(image, found));
    let running = || facts.app.images.iter();
    let is_shown = images::missing(wanted, &running()).is_empty() && !running().any(is_other);
    if wanted.is_empty() || facts.deployed_before_tip() || is_shown && facts.app.sync == SyncState::Synced {
        return None;
    }
    let managed = facts.seen.managed.unwrap_or_default();
    let found = (managed.iter()).find_map(|one| Some((&one.id, images::left_behind(wanted, one)?)));
    let is_old = found.is_some() && !round.timers.managed_since_ours(facts);
    // A server that never says holds up nobody for long.
    let is_silent = facts.seen.managed_read.is_none() && round.timers.over(Timer::Green, round.now, 15);
    if is_old || facts.seen.managed.is_none() && !is_silent {
        let why = format!("{name} is green: looking whether its workloads name this version");
        let ask = round.due(Ask::Targets, State::NoopCheck, &[0, 5, 10]);
        return Some(round.wait_asking(State::NoopCheck, why, ask));
    }
    let (id, image) = found?;
    let why = format!("{name} is green, but {id} still names {image}");
    if facts.seen.hard_refreshed.is_none() {
        let ask = round.due(Ask::HardRefresh, State::NoopCheck, &[0, 30]);
        return Some(round.wait_asking(State::NoopCheck, why, ask));
    }
    fail(
        State::NoopCheck,
        format!("{why}, not {}", wanted.join(", ")),
        "check `ignoreDifferences` and `RespectIgnoreDifferences` of the application, and what else in the cluster sets the image",
    )
}

/// Pods that nobody replaces run on with the version before, and Argo CD calls them healthy.
pub(super) fn kept(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let facts = &round.facts;
    if facts.deployed_before_tip() {
        return None;
    }
    let managed = facts.seen.managed.unwrap_or_default();
    let (workload, image) = images::kept(&round.wanted.images, &facts.app.images, managed)?;
    let id = &workload.id;
    let how = if id.kind == "Rollout" {
        "its controller has not replaced them yet"
    } else {
        "with `updateStrategy: OnDelete`, somebody has to delete them"
    };
    let why = format!("{}: the pods of {id} still run {image}: {how}", round.wanted.name);
    let ask = round.due(Ask::Refresh, State::Progressing, &[5, 10, 30]);
    Some(round.wait_asking(State::Progressing, why, ask))
}

/// Returns an image of the same repository that a workload is to run.
fn targeted<'a>(image: &str, facts: &Facts<'a>) -> Option<&'a String> {
    let managed = facts.seen.managed.unwrap_or_default();
    images::sibling(image, managed.iter().flat_map(|resource| &resource.images))
}

/// Whether the sync of our commit succeeded on a server that names no images in the results: an image that only a hook runs cannot
/// be seen there.
fn is_silent(facts: &Facts<'_>) -> bool {
    facts.our_operation().is_some_and(|operation| {
        let named = operation.results.iter().any(|result| !result.images.is_empty());
        operation.phase == Phase::Succeeded && !named && !operation.results.is_empty()
    })
}

/// Returns the wanted images that are neither running, nor were synced, nor are to run.
fn missing<'a>(wanted: &'a [String], facts: &Facts<'_>) -> Vec<&'a String> {
    let results = facts
        .our_operation()
        .into_iter()
        .flat_map(|operation| &operation.results);
    let managed = facts.seen.managed.unwrap_or_default().iter();
    let found = (facts.app.images.iter())
        .chain(results.flat_map(|result| &result.images))
        .chain(managed.flat_map(|resource| &resource.images));
    images::missing(wanted, &found)
}

/// With `manifest-generate-paths` Argo CD may show an old rendering under our commit's name; only a hard refresh tells.
pub(super) fn no_operation(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let facts = &round.facts;
    let suspect = facts.app.path_filtered && facts.our_operation().is_none() && round.wanted.images.is_empty();
    if !suspect || facts.seen.hard_refreshed.is_some() || facts.deployed_before_tip() {
        return None;
    }
    let why = format!(
        "{} shows this commit without a sync: rendering its manifests again",
        round.wanted.name
    );
    let ask = round.due(Ask::HardRefresh, State::NoopCheck, &[0, 30]);
    Some(round.wait_asking(State::NoopCheck, why, ask))
}

pub(super) fn settling(round: &mut Round<'_, '_>) -> Option<Verdict> {
    let settle = round.wanted.settle;
    let name = &round.wanted.name;
    let Some(since) = round.timers.since(Timer::Green) else {
        // No rule above has a name for it, and it is not green: never a success.
        let why = format!(
            "{name}: {} and {}, but not at this commit",
            round.facts.app.sync, round.facts.app.health
        );
        let ask = round.due(Ask::Refresh, State::NotSeen, &[0, 5, 10, 20, 30]);
        return Some(round.wait_asking(State::NotSeen, why, ask));
    };
    let until = since.saturating_add(settle);
    if settle.is_zero() {
        return None;
    }
    let text = format!(
        "{name} is healthy at this commit: watching it for {}s",
        settle.as_secs()
    );
    // The confirming refresh runs inside; an engine that does not answer it does not hold up what was seen.
    let ask = if round.facts.seen.refreshed.is_none_or(|at| at <= since) {
        round.due(Ask::Refresh, State::Settling, &[1, 600])
    } else {
        None
    };
    if round.now < until {
        return Some(Verdict::Waiting(Waiting {
            state: State::Settling,
            why: text,
            ask,
            again: Some(until),
        }));
    }
    let patience = Duration::from_secs(5);
    let unanswered = round.facts.seen.refreshing && round.now < until + patience;
    let pending = (round.timers.since(Timer::GreenPending)).is_some_and(|at| round.now < at.max(until) + patience);
    if unanswered || pending || ask.is_some() {
        let why = format!("{name} is healthy at this commit: waiting for the last refresh");
        return Some(round.wait_asking(State::Settling, why, ask));
    }
    None
}

/// Names the commits that wait for a sync, at most five.
fn pending(facts: &Facts<'_>) -> String {
    match facts.seen.pending {
        [] => facts.app.revisions.join(", "),
        all => {
            let more = all.len().saturating_sub(5);
            let named = all.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            if more == 0 {
                named
            } else {
                format!("{named}; and {more} more")
            }
        }
    }
}

/// Nothing speaks against it any more.
pub(super) fn live(wanted: &Wanted, facts: &Facts<'_>, baseline: &Baseline) -> Verdict {
    let ours = |all: &[String]| {
        (all.iter().filter_map(|text| CommitSha::parse(text)))
            .find(|sha| facts.seen.standings.get(sha).is_some_and(super::Standing::has_ours))
    };
    let deployed = facts.deployed_before_tip();
    let revision = if deployed {
        ours(&facts.app.last_synced)
    } else {
        ours(&facts.app.revisions)
    };
    let revision = revision.unwrap_or_else(|| wanted.commit.clone());
    let later = if revision == wanted.commit {
        String::new()
    } else {
        format!(", which contains {} and still has the same pin", wanted.commit.short())
    };
    let what = if wanted.images.is_empty() {
        String::new()
    } else {
        format!(" with {}", wanted.images.join(", "))
    };
    let mut warnings = Vec::new();
    if deployed {
        warnings.push(format!(
            "{}: later commits of its branch are not synced yet: {}",
            wanted.name,
            pending(facts)
        ));
    } else if let Some(drift) = synced::drift(facts) {
        let stays = facts.app.resources.iter().any(|resource| resource.requires_pruning);
        let how = if stays && !facts.app.automated {
            "; `prune: true` deletes what the commit no longer has"
        } else {
            ""
        };
        warnings.push(format!("{}: OutOfSync although synced: {drift}{how}", wanted.name));
    }
    for resource in &facts.app.resources {
        warnings.extend(left_over(wanted, resource, facts, baseline));
    }
    warnings.extend(unchanged(wanted, facts, baseline));
    for image in missing(&wanted.images, facts) {
        warnings.push(format!(
            "{}: whether {image} runs cannot be seen: no workload uses it, and this Argo CD does not say which images hooks run",
            wanted.name
        ));
    }
    Verdict::Live {
        why: format!("{} is healthy at {}{what}{later}", wanted.name, revision.short()),
        revision,
        warnings,
    }
}

/// Says that a workload runs just the digest that it ran before our sync: the same image under a new tag, or the old one where Argo CD ignores
/// what a webhook makes of images.
fn unchanged(wanted: &Wanted, facts: &Facts<'_>, baseline: &Baseline) -> Option<String> {
    let is_new = (facts.our_operation()).is_some_and(|operation| operation.started_at > baseline.operation);
    let running = &facts.app.images;
    let image = *images::missing(&wanted.images, &running.iter())
        .first()
        .filter(|_| is_new)?;
    let found = images::sibling(image, baseline.images.iter()).filter(|before| running.contains(before))?;
    images::is_digest_alone(found).then(|| {
        format!(
            "{}: its pods run {found}, as before the sync: if that is not {image}, look at `ignoreDifferences`",
            wanted.name
        )
    })
}

/// Names a resource that is not healthy, and does not count.
fn left_over(wanted: &Wanted, resource: &Resource, facts: &Facts<'_>, baseline: &Baseline) -> Option<String> {
    let (name, id) = (&wanted.name, &resource.id);
    match resource.health? {
        health @ (Health::Degraded | Health::Progressing | Health::Unknown) if facts.excused(resource, baseline) => {
            Some(format!("{name}: {id} was {health} before this commit and still is"))
        }
        Health::Missing if facts.excused(resource, baseline) => Some(format!(
            "{name}: {id} is not there any more: a Job with `ttlSecondsAfterFinished` is deleted after its end"
        )),
        Health::Suspended if facts.excused(resource, baseline) => Some(format!(
            "{name}: {id} is suspended and does nothing until somebody resumes it"
        )),
        _ => None,
    }
}
