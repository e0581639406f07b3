//! Acts on a Rollout, and looks afterwards what that changed: Argo CD accepts an action that makes no sense, and one that comes to nothing.

use std::time::Duration;

use crate::delivery::{Action, Drive, Problem};
use crate::journal::Journal;
use crate::model::{AppSnapshot, ApplicationId, Canary, Clock, Fault, Resource, StepKind, in_words};

use crate::promote::rights;
use crate::promote::timeline::ABORTING;

/// How often it is looked.
const OFTEN: Duration = Duration::from_millis(100);
/// The pauses before an action is asked for again whose Rollout the server has lost sight of.
const AGAIN: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
/// How long an action that was accepted has until something is seen of it.
const EFFECT: Duration = Duration::from_secs(10);
/// How long the traffic of an aborted canary has until it is gone. With `dynamicStableScale` the stable version grows first.
const DRAINED: Duration = Duration::from_secs(60);
/// How long the controller has to see a Rollout that was just changed.
const OBSERVED: Duration = Duration::from_secs(5);

/// A Rollout of an application, and what acts on it.
#[derive(Clone, Copy)]
pub(super) struct Hand<'a> {
    /// What acts.
    pub(super) drive: &'a dyn Drive,
    /// Time.
    pub(super) clock: &'a dyn Clock,
    /// Where it reports what happens.
    pub(super) journal: &'a dyn Journal,
    /// The application.
    pub(super) id: &'a ApplicationId,
    /// As it was read last.
    pub(super) app: &'a AppSnapshot,
    /// The Rollout.
    pub(super) rollout: &'a Resource,
}

/// What is to be done with a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Stop it, and wait until no traffic goes to it.
    Abort,
    /// Pass the pause that is on.
    Resume,
    /// Pass all that is left.
    Full,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Acted {
    /// It was done: the Rollout as it is now, and how long that took from asking for it.
    Done(Box<Canary>, Duration),
    /// There was nothing to do: the Rollout as it is.
    Idle(Box<Canary>),
}

impl Acted {
    /// Returns how long it took, where something was done.
    pub(super) fn took(&self) -> Option<Duration> {
        match self {
            Self::Done(_, took) => Some(*took),
            Self::Idle(_) => None,
        }
    }

    /// Returns the Rollout as it was seen last.
    pub(super) fn canary(&self) -> &Canary {
        match self {
            Self::Done(canary, _) | Self::Idle(canary) => canary,
        }
    }
}

impl Deed {
    /// Whether a canary has something to be done with.
    pub(super) fn applies(self, canary: &Canary) -> bool {
        match self {
            Self::Abort | Self::Full => canary.is_underway(),
            Self::Resume => canary.is_underway() && canary.pause.is_some(),
        }
    }

    /// Returns the command that does it.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Resume | Self::Full => "resume",
        }
    }

    /// Returns the title of the part of the log in which it is done.
    pub(super) const fn stage(self) -> &'static str {
        match self {
            Self::Abort => ABORTING,
            Self::Resume | Self::Full => "Resume",
        }
    }

    /// Returns what the log says before the name of a canary.
    pub(super) const fn doing(self) -> &'static str {
        match self {
            Self::Abort => "aborting",
            Self::Resume | Self::Full => "resuming",
        }
    }

    /// Returns what is asked for. An analysis that was inconclusive is not to be made again: a person has judged it.
    fn action(self, canary: &Canary) -> Action {
        let is_inconclusive = canary.pause.as_ref().is_some_and(|why| why.starts_with("Inconclusive"));
        match self {
            Self::Abort => Action::Abort,
            Self::Resume if is_inconclusive && canary.step_kind == StepKind::Measures => Action::SkipStep,
            Self::Resume => Action::Resume,
            Self::Full => Action::PromoteFull,
        }
    }

    /// Whether something is seen of it.
    fn shows(self, before: &Canary, now: &Canary) -> bool {
        // Another version, or the end of this one: nothing is left of what it was meant for.
        let is_over = now.observed && (now.current != before.current || now.current == now.stable);
        is_over
            || match self {
                Self::Abort => now.aborted,
                Self::Resume => {
                    now.aborted
                        || (&now.pause, now.step, now.paused_since) != (&before.pause, before.step, before.paused_since)
                }
                Self::Full => now.aborted || now.promoted_full || now.step.is_some_and(|step| step >= now.steps),
            }
    }
}

impl Hand<'_> {
    /// Reads the Rollout, once the controller has seen its newest version.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn look(&self) -> Result<Canary, Fault> {
        let end = self.clock.now() + OBSERVED;
        let mut lost = 0;
        loop {
            match self.drive.rollout(self.id, self.rollout).await {
                Ok(canary) if canary.observed || self.clock.now() >= end => return Ok(canary),
                Ok(_) => self.clock.sleep(OFTEN).await,
                Err(Problem::Passing { .. } | Problem::Slow(_)) if lost < AGAIN.len() => {
                    self.clock.sleep(AGAIN.get(lost).copied().unwrap_or(OFTEN)).await;
                    lost += 1;
                }
                Err(problem) => return Err(problem.fault(&format!("read {}", self.named()))),
            }
        }
    }

    /// Does it, and looks until that is seen; an abort, until no traffic goes to the canary. Does nothing where there is nothing to do.
    ///
    /// # Errors
    /// `denied` without the right, with the line of the policy that is missing; `unreachable` when nobody answers, or when the action was
    /// accepted and nothing came of it.
    pub(super) async fn act(&self, deed: Deed) -> Result<Acted, Fault> {
        let before = self.look().await?;
        if !deed.applies(&before) {
            return Ok(Acted::Idle(Box::new(before)));
        }
        let asked = self.clock.now();
        if deed == Deed::Full && before.pause.as_deref() == Some(BY_HAND) {
            // What is left is skipped only by a Rollout that moves.
            self.ask(Action::Resume).await?;
        }
        let action = deed.action(&before);
        self.ask(action).await?;
        let seen = self
            .until(EFFECT, |now| deed.shows(&before, now))
            .await?
            .map_err(|last| self.without_effect(action, &last))?;
        let over = |canary: &Canary| canary.is_off() || canary.current == canary.stable;
        let now = if deed == Deed::Abort && !over(&seen) {
            self.until(DRAINED, over)
                .await?
                .map_err(|last| self.not_drained(&last))?
        } else {
            seen
        };
        Ok(Acted::Done(Box::new(now), self.clock.now().saturating_sub(asked)))
    }

    /// Looks until something holds of the Rollout; else returns it as it was seen last.
    async fn until(&self, most: Duration, holds: impl Fn(&Canary) -> bool) -> Result<Result<Canary, Canary>, Fault> {
        let end = self.clock.now() + most;
        loop {
            match self.drive.rollout(self.id, self.rollout).await {
                Ok(canary) if holds(&canary) => return Ok(Ok(canary)),
                Ok(canary) if self.clock.now() >= end => return Ok(Err(canary)),
                Ok(_) => {}
                Err(Problem::Passing { .. } | Problem::Slow(_)) if self.clock.now() < end => {}
                Err(problem) => return Err(problem.fault(&format!("read {}", self.named()))),
            }
            self.clock.sleep(OFTEN).await;
        }
    }

    /// Asks for the action; again after a moment while the server has lost sight of the Rollout.
    async fn ask(&self, action: Action) -> Result<(), Fault> {
        let mut pauses = AGAIN.iter();
        loop {
            match self.drive.act(self.id, self.rollout, action).await {
                Ok(()) => return Ok(()),
                Err(Problem::Passing { why, .. }) => match pauses.next() {
                    Some(pause) => {
                        self.journal.debug(format!(
                            "Argo CD lost sight of {}: {why}; again in {}",
                            self.named(),
                            in_words(*pause)
                        ));
                        self.clock.sleep(*pause).await;
                    }
                    None => return Err(self.unasked(action, &Problem::Passing { why, after: None })),
                },
                Err(problem) => return Err(self.forbidden(action, problem).await),
            }
        }
    }

    async fn forbidden(&self, action: Action, problem: Problem) -> Fault {
        let fault = self.unasked(action, &problem);
        if !matches!(problem, Problem::Forbidden(_)) {
            return fault;
        }
        let subject = self.drive.whoami().await.ok();
        let line = rights::line(subject.as_deref(), rights::ROLLOUT, self.id, self.app);
        let why = format!("the token has no permission to {} {}", action.name(), self.named());
        Fault::denied(why).hint(format!("add to policy.csv: {line}"))
    }

    fn unasked(&self, action: Action, problem: &Problem) -> Fault {
        let mut fault = problem.fault(&format!("{} {}", action.name(), self.named()));
        if matches!(problem, Problem::Passing { .. }) {
            fault.hints = vec![self.with_kubectl(action)];
        }
        fault
    }

    fn without_effect(&self, action: Action, last: &Canary) -> Fault {
        Fault::unreachable(format!(
            "Argo CD accepted `{}` of {}, but nothing changed within {}: {last}",
            action.name(),
            self.named(),
            in_words(EFFECT)
        ))
        .hint(self.with_kubectl(action))
    }

    fn not_drained(&self, last: &Canary) -> Fault {
        let rest = last.traffic.map_or_else(
            || format!("{} of its pods are still there", last.updated),
            |traffic| format!("{traffic}% of the traffic still goes to it"),
        );
        Fault::unreachable(format!(
            "the canary of {} is aborted, but {rest} after {}",
            self.named(),
            in_words(DRAINED)
        ))
        .hint("look at the traffic router of the Rollout, and at the Argo Rollouts controller")
    }

    fn with_kubectl(&self, action: Action) -> String {
        let (verb, more) = match action {
            Action::Resume => ("promote", ""),
            Action::SkipStep => ("promote", " --skip-current-step"),
            Action::PromoteFull => ("promote", " --full"),
            Action::Abort => ("abort", ""),
            Action::Retry => ("retry rollout", ""),
        };
        let (name, namespace) = (&self.rollout.id.name, &self.rollout.id.namespace);
        format!("kubectl argo rollouts {verb} {name} -n {namespace}{more}")
    }

    fn named(&self) -> String {
        format!("rollout {} of application {}", self.rollout.id.name, self.id)
    }
}

/// The pause of a Rollout whose `spec.paused` somebody set.
const BY_HAND: &str = "paused by a person";
