//! Carries a way back out: stops the canary of what goes, lands, ends a sync that is in the way, and follows.

use std::time::Duration;

use crate::delivery::{Action, Drive, Problem};
use crate::model::{AppSnapshot, CommitSha, Event, Fault, Milestone, Parts, PinChange, Resource};

use crate::plan::{Around, Description};
use crate::report::{End, PullRequestRow};

use crate::promote::analyses::Verification;
use crate::promote::cancel::or_cancel;
use crate::promote::commands::back::{Aim, Back, prepare};
use crate::promote::commands::finish;
use crate::promote::follow::Followed;
use crate::promote::followee::Followee;
use crate::promote::job::Landing;
use crate::promote::land::Landed;
use crate::promote::land::bring::{Brought, Story, Unbrought, Ways, bring};
use crate::promote::ports::{Ports, Reading};
use crate::promote::prepare::applications::Evidence;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::verification::of_pauses;
use crate::promote::proposal::Proposal;
use crate::promote::timeline::{ABORTING, TERMINATING};

/// How long the look at what is in the way may take, for all applications together.
const PATIENCE: Duration = Duration::from_secs(20);

/// A way back that was carried out.
pub(in crate::promote) struct Done {
    /// What was prepared last.
    pub(in crate::promote) back: Back,
    /// The commit; without changes the head of the branch.
    pub(in crate::promote) commit: CommitSha,
    /// Whether this run made it.
    pub(in crate::promote) wrote: bool,
    /// How many times landing was tried.
    pub(in crate::promote) attempts: u32,
    /// When it landed, by the run's clock.
    pub(in crate::promote) landed: Duration,
    /// How following ended, where there is a server and the run follows.
    pub(in crate::promote) followed: Option<Followed>,
    /// The pull request, if there is one.
    pub(in crate::promote) pull_request: Option<PullRequestRow>,
    /// How the run ends without a commit on the branch.
    pub(in crate::promote) end: Option<End>,
}

/// Lands `first`, or what is made of it on a newer tip, and follows it. `landed` gets the commit.
///
/// # Errors
/// As landing. How the applications ended is no error.
pub(in crate::promote) async fn carry_out(
    aim: &Aim<'_>,
    reading: Reading<'_>,
    ways: Ways<'_>,
    drive: Option<&dyn Drive>,
    how: (&Landing, bool),
    first: Proposal<Back>,
    mut evidence: Evidence,
) -> Result<Done, Unbrought> {
    let ports = reading.ports;
    let (landing, follow) = how;
    if let Some(drive) = drive.filter(|_| !first.edits.is_empty()) {
        within(&ports, stop_canaries(drive, &first.of, ports)).await;
    }
    if !first.edits.is_empty() {
        ports.journal.tell(Event::Stage("Land".to_owned()));
    }
    let meant = first.of.planned.plan.changes.clone();
    let described = |proposal: &Proposal<Back>| describe(aim, reading, proposal);
    let story = Story::free(&described, &|back| &back.planned.plan.changes);
    let again = async || {
        let again = prepare(aim, reading, &mut evidence).await.and_then(Proposal::allowed)?;
        still_meant(&meant, &again.of.planned.plan.changes)?;
        Ok(again)
    };
    let Brought {
        landed: Landed { of, commit, attempts },
        pull_request,
        end,
    } = Box::pin(bring(ways, landing, &ports, story, first, again)).await?;
    let mut back = of;
    let wrote = commit.is_some();
    let commit = commit.unwrap_or_else(|| back.planned.snapshot.tip.commit.clone());
    let landed = ports.clock.now();
    if wrote {
        let text = format!("landed {} on {}", commit.short(), back.planned.snapshot.tip.branch);
        ports.journal.tell(Event::Reached(Milestone::Landed, text));
    }
    let mut followed = None;
    if let Some(observe) = reading.observe.filter(|_| follow && end.is_none()) {
        if let Some(drive) = drive.filter(|_| wrote) {
            within(&ports, end_syncs(drive, &back, &commit, ports)).await;
        }
        let mut followees = std::mem::take(&mut back.followees);
        // What is known to be good goes to all clusters at once.
        for followee in &mut followees {
            followee.wave = 0;
        }
        let judging = pauses(reading, &back.planned).await;
        let (planned, judges) = (&back.planned, (drive, judging.as_slice()));
        followed = Some(finish::follow(reading, (observe, drive), planned, followees, &commit, judges).await);
    }
    Ok(Done {
        back,
        commit,
        wrote,
        attempts,
        landed,
        followed,
        pull_request,
        end,
    })
}

/// Reads what judges pauses. An analysis that cannot be read does not keep a version from going back: its pauses wait for a person.
async fn pauses(reading: Reading<'_>, planned: &Planned) -> Vec<Verification> {
    let read = or_cancel(reading.ports.cancel, of_pauses(reading, planned)).await;
    match read.and_then(|read| read) {
        Ok(verifications) => verifications,
        Err(fault) => {
            let why = format!("`on-pause: verify` judges no pause, so a paused canary waits for a person: {fault}");
            reading.ports.journal.warn(why);
            Vec::new()
        }
    }
}

/// Lets a plan for a newer head of the branch pass if it takes back what was meant. What somebody has pinned since is not what failed.
///
/// # Errors
/// `refused`, with what is pinned now.
fn still_meant(meant: &[PinChange], now: &[PinChange]) -> Result<(), Fault> {
    let other = |change: &&PinChange| {
        let same = |meant: &PinChange| {
            meant.file == change.file && meant.name() == change.name() && meant.before == change.before
        };
        !meant.iter().any(same)
    };
    let others: Vec<String> = (now.iter().filter(other))
        .map(|change| {
            let image = change.before.reference();
            format!("{} in {}: {image} is pinned now", change.app, change.environment)
        })
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Fault::refused(format!(
        "{}: somebody has changed the pin since; nothing was written",
        others.join("; ")
    ))
    .hint("look at what is pinned now with `promote status`; if it is to be taken back as well, run this again"))
}

/// Describes the pull request of a way back.
fn describe(aim: &Aim<'_>, reading: Reading<'_>, proposal: &Proposal<Back>) -> Option<Description> {
    let plan = &proposal.of.planned.plan;
    let held = proposal.of.held.iter().map(|image| format!("holds {image}"));
    let notes: Vec<String> = proposal.of.why.iter().cloned().chain(held).collect();
    let around = Around {
        notes: &notes,
        run: &reading.common.identity.run,
        diff: &plan.diff,
        ..Around::default()
    };
    let (apps, environments) = (&aim.select.apps, &aim.select.environments);
    crate::plan::describe(apps, environments, &proposal.message, &plan.changes, around)
}

/// Runs what helps and is not necessary, for a moment, and not once the run was cancelled.
async fn within(ports: &Ports<'_>, work: impl Future<Output = ()>) {
    if ports.cancel.borrow().is_some() {
        return;
    }
    tokio::select! {
        biased;
        _ = crate::promote::cancel::signal(ports.cancel.clone()) => {}
        () = Box::pin(work) => {}
        () = ports.clock.sleep(PATIENCE) => {}
    }
}

fn changes<'a>(back: &'a Back, followee: &'a Followee) -> impl Iterator<Item = &'a PinChange> {
    let changes = back.planned.plan.changes.iter();
    changes.filter(|change| followee.carries(change))
}

/// Stops each canary under way of an image that goes: no user is to meet it while the commit lands.
async fn stop_canaries(drive: &dyn Drive, back: &Back, ports: Ports<'_>) {
    let mut begun = false;
    for followee in &back.followees {
        let goes = |image: &String| {
            changes(back, followee).any(|change| {
                let before = change.before.reference();
                Parts::of(image).same_repository(&Parts::of(&before)) && *image == before
            })
        };
        let mut canaries = followee.canaries.iter();
        let bad = |canary: &&crate::model::Canary| {
            canary.images.is_empty() && changes(back, followee).next().is_some() || canary.images.iter().any(goes)
        };
        while let Some(canary) = canaries.find(bad) {
            let resources = followee.baseline.iter().flat_map(|app| &app.resources);
            let mut rollouts = resources.filter(|one| one.is_rollout() && one.id.name == canary.name);
            let Some(rollout) = rollouts.next() else { continue };
            if !std::mem::replace(&mut begun, true) {
                ports.journal.tell(Event::Stage(ABORTING.to_owned()));
            }
            match abort(drive, followee, rollout).await {
                Ok(()) => ports.journal.progress(format!(
                    "{}: aborted the canary of rollout {} at {}%: traffic goes back to the stable version",
                    followee.id, canary.name, canary.weight
                )),
                Err(problem) => ports.journal.warn(format!(
                    "{}: the canary of rollout {} could not be aborted first: {}",
                    followee.id,
                    canary.name,
                    problem.why()
                )),
            }
        }
    }
}

async fn abort(drive: &dyn Drive, followee: &Followee, rollout: &Resource) -> Result<(), Problem> {
    drive.act(&followee.id, rollout, Action::Abort).await
}

/// Ends each sync that still works on another commit: one that retries, or waits for a hook, would hold up the one that is to come.
async fn end_syncs(drive: &dyn Drive, back: &Back, commit: &CommitSha, ports: Ports<'_>) {
    let mut begun = false;
    for followee in back
        .followees
        .iter()
        .filter(|followee| changes(back, followee).next().is_some())
    {
        let Ok(app) = drive.application(&followee.id).await else {
            continue;
        };
        if !is_in_the_way(&app, commit) {
            continue;
        }
        if !std::mem::replace(&mut begun, true) {
            ports.journal.tell(Event::Stage(TERMINATING.to_owned()));
        }
        match drive.terminate(&followee.id).await {
            Ok(true) => ports.journal.progress(format!(
                "{}: terminated the sync of another commit that was still running",
                followee.id
            )),
            Ok(false) => {}
            Err(problem) => ports.journal.warn(format!(
                "{}: the sync of another commit is still running and could not be terminated: {}",
                followee.id,
                problem.why()
            )),
        }
    }
}

fn is_in_the_way(app: &AppSnapshot, commit: &CommitSha) -> bool {
    app.operation.as_ref().is_some_and(|operation| {
        !operation.phase.is_over() && operation.revisions.iter().all(|revision| revision != commit.as_str())
    })
}
