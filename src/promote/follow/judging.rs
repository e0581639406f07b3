//! `on-pause: verify`: judges each pause of a canary that waits for a person by the analyses of its environment. If they succeed the canary
//! is resumed, if not it is aborted. Metrics that cannot be read leave it paused.

use std::collections::BTreeSet;

use crate::assess::rollout::Verdict;
use crate::delivery::Drive;
use crate::model::{AppSnapshot, ApplicationId, Canary, Fault, Outcome, Resource, Timestamp};
use crate::plan::OnPause;

use crate::promote::acting::{Deed, Hand};
use crate::promote::analyses::{Analysis, Breach, Measuring, Verification, is_endless, watch};
use crate::promote::follow::ending::{End, ended};
use crate::promote::follow::track::Track;
use crate::promote::underway::Underway;

/// What judges pauses.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Where metrics come from.
    pub(in crate::promote) measuring: Measuring<'a>,
    /// What is verified in each environment.
    pub(in crate::promote) verifications: &'a [Verification],
    /// What acts on the canary.
    pub(in crate::promote) drive: &'a dyn Drive,
}

/// What became of a pause.
pub(in crate::promote) enum Judged {
    /// The canary was resumed, or somebody did it before.
    Passed,
    /// The wait ends.
    Ended(Box<End>),
}

/// A pause: of which Rollout, at which step, since when.
type Pause = (String, Option<u32>, Option<Timestamp>);

/// The pauses that are judged.
pub(in crate::promote) struct Judging<'a> {
    judge: Option<Judge<'a>>,
    seen: Vec<(usize, Pause)>,
    underway: Underway<'a, (usize, Judged)>,
}

impl<'a> Judging<'a> {
    pub(in crate::promote) fn new(judge: Option<Judge<'a>>) -> Self {
        Self {
            judge,
            seen: Vec::new(),
            underway: Underway::at_once(usize::MAX),
        }
    }

    /// Begins to judge each pause of an application once.
    pub(in crate::promote) fn tend(&mut self, track: &Track<'_>, at: usize) {
        let Some(judge) = self.judge.filter(|_| track.target.policy.on_pause == OnPause::Verify) else {
            return;
        };
        let (Some(Verdict::Paused { .. }), Some(app)) = (&track.verdict, &track.known.app) else {
            return;
        };
        for canary in track
            .known
            .canaries
            .list()
            .iter()
            .filter(|canary| canary.pause.is_some())
        {
            let pause = pause(canary);
            let rollout =
                (app.resources.iter()).find(|resource| resource.is_rollout() && resource.id.name == canary.name);
            let (Some(rollout), false) = (rollout, self.seen.contains(&(at, pause.clone()))) else {
                continue;
            };
            self.seen.push((at, pause.clone()));
            let one = One {
                judge,
                id: track.target.id.clone(),
                app: app.clone(),
                rollout: rollout.clone(),
                pause,
                analyses: of(judge.verifications, track),
            };
            self.underway.add(async move { (at, one.judged().await) });
        }
    }

    /// Returns the next pause that was judged; never, while none is.
    pub(in crate::promote) async fn next(&mut self) -> (usize, Judged) {
        self.underway.next().await
    }
}

fn pause(canary: &Canary) -> Pause {
    (canary.name.clone(), canary.step, canary.paused_since)
}

/// Returns the analyses of an application, and how long those take that do not end by themselves.
fn of(verifications: &[Verification], track: &Track<'_>) -> (Vec<Analysis>, Option<std::time::Duration>) {
    let target = &track.target;
    let here = verifications.iter().find(|one| one.environment == target.environment);
    let analyses: Vec<Analysis> = (here.iter())
        .flat_map(|one| &one.analyses)
        .filter(|analysis| analysis.app == target.app)
        .cloned()
        .collect();
    let endless = analyses.iter().any(is_endless);
    (analyses, here.and_then(|one| one.lasts).filter(|_| endless))
}

/// One pause that is judged.
struct One<'a> {
    judge: Judge<'a>,
    id: ApplicationId,
    app: AppSnapshot,
    rollout: Resource,
    pause: Pause,
    analyses: (Vec<Analysis>, Option<std::time::Duration>),
}

impl One<'_> {
    async fn judged(&self) -> Judged {
        let Judge { measuring, drive, .. } = self.judge;
        let names: BTreeSet<&str> = self.analyses.0.iter().map(|one| one.name.as_str()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        measuring
            .journal
            .progress(format!("{}: the canary is paused: judging it by {names}", self.id));
        let hand = Hand {
            drive,
            clock: measuring.clock,
            journal: measuring.journal,
            id: &self.id,
            app: &self.app,
            rollout: &self.rollout,
        };
        match watch(measuring, &self.analyses.0, self.analyses.1).await {
            Ok(()) => self.good(hand).await,
            Err(breach) if breach.outcome == Outcome::Breached => self.bad(hand, breach).await,
            Err(breach) => Judged::Ended(Box::new(ended(
                breach.outcome,
                &format!("{}; the canary of {} stays paused", breach.reason, self.id),
                &breach.hints,
            ))),
        }
    }

    async fn good(&self, hand: Hand<'_>) -> Judged {
        // Somebody else may have ended this pause, and the canary be at the next one, which is judged by itself.
        let resumed = match hand.look().await {
            Ok(canary) if pause(&canary) != self.pause => Ok(()),
            Ok(_) => hand.act(Deed::Resume).await.map(|_| ()),
            Err(fault) => Err(fault),
        };
        match resumed {
            Ok(()) => {
                let journal = hand.journal;
                journal.progress(format!("{}: the analyses succeeded: the canary goes on", self.id));
                Judged::Passed
            }
            Err(fault) => Judged::Ended(Box::new(of_fault(
                &fault,
                &format!("the analyses succeeded, but the canary of {} was not resumed", self.id),
            ))),
        }
    }

    async fn bad(&self, hand: Hand<'_>, breach: Breach) -> Judged {
        let end = match hand.act(Deed::Abort).await {
            Ok(_) => ended(
                Outcome::Breached,
                &format!("{}; promote aborted the canary of {}", breach.reason, self.id),
                &breach.hints,
            ),
            Err(fault) => {
                let reason = format!(
                    "{}; the canary of {} could not be aborted and is still paused: {fault}",
                    breach.reason, self.id
                );
                ended(Outcome::Breached, &reason, &fault.hints)
            }
        };
        Judged::Ended(Box::new(end))
    }
}

fn of_fault(fault: &Fault, what: &str) -> End {
    ended(fault.outcome, &format!("{what}: {fault}"), &fault.hints)
}
