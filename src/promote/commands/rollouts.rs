//! The Rollouts of the applications that `abort` and `resume` are about: found, held against what is pinned, and acted on side by side.

use crate::delivery::{Drive, Observe, Reader};
use crate::infrarepo::InfraRepo;
use crate::model::{AppSnapshot, Canary, CommitSha, Event, Fault, Outcome, Parts, PinChange, Resource, SyncState};
use crate::plan::{Select, SyncMode};
use crate::report::{ApplicationRow, End, Report, RolloutRow};

use crate::promote::acting::{Acted, Deed, Hand};
use crate::promote::cancel::{before_following, or_cancel};
use crate::promote::commands::{finish, wait};
use crate::promote::followee::Followee;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::Evidence;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::{announce, applications};
use crate::promote::underway::all;

/// What is pinned, and the applications that deploy it.
pub(in crate::promote) struct Found {
    /// What is pinned at the head of the branch.
    pub(in crate::promote) planned: Planned,
    /// The head.
    pub(in crate::promote) commit: CommitSha,
    /// The applications, as they are now.
    pub(in crate::promote) followees: Vec<Followee>,
}

/// A Rollout of an application, as it is before anything is done.
struct Seen<'a> {
    followee: &'a Followee,
    app: &'a AppSnapshot,
    rollout: &'a Resource,
    canary: Canary,
}

/// Where the Rollouts are, and what acts on them.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Servers<'a> {
    /// Argo CD, to read from.
    pub(in crate::promote) observe: &'a dyn Reader,
    /// Argo CD, to act on.
    pub(in crate::promote) drive: &'a dyn Drive,
}

/// Reads what is pinned and the applications, within the bound of everything that comes before an act.
///
/// # Errors
/// There is no server, or as the look before a promotion; but it needs no right to sync.
pub(in crate::promote) async fn look<'a>(
    select: &Select,
    reading: Reading<'a>,
    (repo, drive): (&dyn InfraRepo, Option<&'a dyn Drive>),
    deed: Deed,
    report: &mut Report,
) -> Result<(Servers<'a>, Found), Fault> {
    let ports = reading.ports;
    let Some((observe, drive)) = reading.observe.zip(drive) else {
        let verb = deed.verb();
        return Err(Fault::invalid(format!(
            "`{verb}` needs `argocd-server`: promote sees applications only through Argo CD"
        )));
    };
    ports.journal.tell(Event::Stage("Look".to_owned()));
    let found = found(select, reading, observe, repo, report);
    let found = before_following(ports, select.policy.timeout, found).await?;
    Ok((Servers { observe, drive }, found))
}

/// Acts on every Rollout that there is something to do with. `Err` of the inner result is the end where there was nothing to do.
///
/// # Errors
/// A canary is not of what is pinned (`refused`), the right is missing (`denied`), or nothing came of it.
pub(in crate::promote) async fn acted(
    found: &Found,
    drive: &dyn Drive,
    deed: Deed,
    reading: Reading<'_>,
    report: &mut Report,
) -> Result<Result<Vec<Acted>, End>, Fault> {
    let ports = reading.ports;
    let seen = or_cancel(ports.cancel, seen(found, drive, reading)).await??;
    let nothing = || Ok(Err(End::new(Outcome::NoChange, idle(&seen, found))));
    let named = named(&seen, deed);
    if named.is_empty() {
        for row in &mut report.applications {
            "unchanged".clone_into(&mut row.reason);
        }
        return nothing();
    }
    must_be_pinned(&seen, &found.planned.plan.pins, deed)?;
    ports.journal.tell(Event::Stage(deed.stage().to_owned()));
    for one in &named {
        ports.journal.progress(format!("{} {one}", deed.doing()));
    }
    let acted = or_cancel(ports.cancel, act(&seen, deed, drive, reading, report)).await??;
    if acted.iter().all(|acted| matches!(acted, Acted::Idle(_))) {
        return nothing();
    }
    Ok(Ok(acted))
}

async fn found(
    select: &Select,
    reading: Reading<'_>,
    observe: &dyn Observe,
    repo: &dyn InfraRepo,
    report: &mut Report,
) -> Result<Found, Fault> {
    let wait::Pinned {
        mut planned, commit, ..
    } = wait::pinned(repo, select, None).await?;
    announce::fill(report, &planned, repo);
    finish::landed(report, repo, &commit, false, 0);
    let policies: Vec<_> = planned.snapshot.places.iter().map(|(place, _)| place.policy).collect();
    for (place, _) in &mut planned.snapshot.places {
        place.policy.sync = SyncMode::Never;
    }
    let clock = reading.ports.clock;
    let mut followees = applications::look(observe, repo, clock, &planned, &mut Evidence::default()).await?;
    for ((place, _), policy) in planned.snapshot.places.iter_mut().zip(policies) {
        place.policy = policy;
        let here = |followee: &&mut Followee| followee.deploys(place);
        followees
            .iter_mut()
            .filter(here)
            .for_each(|followee| followee.policy = policy);
    }
    report.applications = followees.iter().map(|one| announce::baseline(one, observe)).collect();
    Ok(Found {
        planned,
        commit,
        followees,
    })
}

/// Reads every Rollout of the applications.
///
/// # Errors
/// An application is not there, or a Rollout cannot be read.
async fn seen<'a>(found: &'a Found, drive: &dyn Drive, reading: Reading<'_>) -> Result<Vec<Seen<'a>>, Fault> {
    let mut asked = Vec::new();
    for followee in &found.followees {
        let Some(app) = &followee.baseline else {
            return Err(Fault::refused(format!("application {} does not exist", followee.id)));
        };
        let rollouts = app.resources.iter().filter(|resource| resource.is_rollout());
        asked.extend(rollouts.map(|rollout| (followee, app, rollout)));
    }
    let looked = asked.into_iter().map(|(followee, app, rollout)| async move {
        let hand = hand(followee, app, rollout, drive, reading);
        hand.look().await.map(|canary| Seen {
            followee,
            app,
            rollout,
            canary,
        })
    });
    all(looked).await.into_iter().collect()
}

fn hand<'h>(
    followee: &'h Followee,
    app: &'h AppSnapshot,
    rollout: &'h Resource,
    drive: &'h dyn Drive,
    reading: Reading<'h>,
) -> Hand<'h> {
    Hand {
        drive,
        clock: reading.ports.clock,
        journal: reading.ports.journal,
        id: &followee.id,
        app,
        rollout,
    }
}

/// Refuses what is not the canary of what is pinned: nobody else's is stopped or let through.
///
/// # Errors
/// `refused`, with what runs and what is pinned.
fn must_be_pinned(seen: &[Seen<'_>], pins: &[PinChange], deed: Deed) -> Result<(), Fault> {
    let mut why = Vec::new();
    for one in seen.iter().filter(|one| deed.applies(&one.canary)) {
        let here = |pin: &&PinChange| one.followee.carries(pin);
        let pinned: Vec<String> = pins.iter().filter(here).map(|pin| pin.after.reference()).collect();
        if let Some(other) = differs(&one.canary, &pinned, one.app.sync) {
            why.push(format!("{}: {}; {other}", one.followee.id, one.canary));
        }
    }
    if why.is_empty() {
        return Ok(());
    }
    Err(Fault::refused(format!("the canary is not of what the infra-repo pins: {}", why.join("; ")))
        .hint("wait until Argo CD has synced the head of the branch, or act on the Rollout itself with `kubectl argo rollouts`"))
}

/// Returns how what a canary runs differs from what is pinned.
fn differs(canary: &Canary, pinned: &[String], sync: SyncState) -> Option<String> {
    let pins = || pinned.iter().map(|pin| (pin, Parts::of(pin)));
    let mut is_known = false;
    for image in &canary.images {
        let parts = Parts::of(image);
        let mut same = pins().filter(|(_, pin)| pin.same_repository(&parts)).peekable();
        if same.peek().is_some() {
            is_known = true;
            // The same digest is the same image, however it is named.
            let is_it =
                |(pin, its): (&String, Parts<'_>)| pin == image || its.tag == parts.tag && its.digest == parts.digest;
            if !same.any(is_it) {
                return Some(format!("pinned is {}", pinned.join(", ")));
            }
        }
    }
    // The template stands elsewhere, or none of the pins is about it: then it is what git says if the application is synced.
    (!is_known && sync != SyncState::Synced)
        .then(|| format!("the application is {sync}, pinned is {}", pinned.join(", ")))
}

/// Acts on every Rollout that there is something to do with, side by side. Returns what was done, in the order of `seen`.
///
/// # Errors
/// The first that was not done; the others were asked for as well.
async fn act(
    seen: &[Seen<'_>],
    deed: Deed,
    drive: &dyn Drive,
    reading: Reading<'_>,
    report: &mut Report,
) -> Result<Vec<Acted>, Fault> {
    let acting = seen.iter().map(|one| {
        let hand = hand(one.followee, one.app, one.rollout, drive, reading);
        async move { hand.act(deed).await }
    });
    let acted = all(acting).await;
    for (one, acted) in seen.iter().zip(&acted) {
        let id = one.followee.id.to_string();
        if let (Ok(acted), Some(row)) = (acted, report.applications.iter_mut().find(|row| row.name == id)) {
            show(row, acted.canary());
        }
    }
    acted.into_iter().collect()
}

/// Puts where a Rollout is into the row of its application.
fn show(row: &mut ApplicationRow, canary: &Canary) {
    row.reason = if canary.message.is_empty() {
        format!("rollout {} is {}", canary.name, canary.phase)
    } else {
        format!("rollout {} is {}: {}", canary.name, canary.phase, canary.message)
    };
    row.rollout = Some(row_of(canary));
}

/// Returns where a canary is.
pub(super) fn row_of(canary: &Canary) -> RolloutRow {
    RolloutRow {
        step: canary.step.unwrap_or(canary.steps),
        steps: canary.steps,
        weight: canary.weight,
        pause: canary.pause.clone(),
    }
}

/// Returns what the canaries run that there is something to do with.
fn named(seen: &[Seen<'_>], deed: Deed) -> Vec<String> {
    let moved = seen.iter().filter(|one| deed.applies(&one.canary));
    moved
        .map(|one| format!("{}: {}", one.followee.id, one.canary))
        .collect()
}

/// Says why there is nothing to do.
fn idle(seen: &[Seen<'_>], found: &Found) -> String {
    let each: Vec<String> = seen
        .iter()
        .map(|one| {
            let (id, name, canary) = (&one.followee.id, &one.canary.name, &one.canary);
            if canary.aborted {
                format!("{id}: the canary of rollout {name} is aborted already")
            } else if canary.is_underway() {
                format!("{id}: {canary}, and it is not paused")
            } else {
                format!("{id}: rollout {name} is {}, and no canary is in progress", canary.phase)
            }
        })
        .collect();
    if each.is_empty() {
        let names: Vec<String> = found.followees.iter().map(|one| one.id.to_string()).collect();
        return format!("{} has no Rollout", names.join(", "));
    }
    each.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canary_of_what_is_pinned_is_ours_to_act_on() {
        let canary = |images: &[&str]| Canary {
            images: images.iter().map(|image| (*image).to_owned()).collect(),
            ..Canary::default()
        };
        let pinned = ["myorg/api:v2".to_owned()];
        for (images, sync, right) in [
            (&["myorg/api:v2"][..], SyncState::OutOfSync, true),
            (&["docker.io/myorg/api:v2", "proxy:v1"], SyncState::Synced, true),
            (&["myorg/api:v3"], SyncState::Synced, false),
            (&["myorg/api:v2@sha256:1"], SyncState::Synced, false),
            (&[], SyncState::Synced, true),
            (&[], SyncState::OutOfSync, false),
            (&["proxy:v1"], SyncState::OutOfSync, false),
        ] {
            assert_eq!(differs(&canary(images), &pinned, sync).is_none(), right, "{images:?}");
        }
    }
}
