//! The Rollouts of one application: when they are read, what was read, and how long they take by themselves.
//! What a canary means for the wait is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::delivery::{Observe, Problem};
use crate::model::{AppSnapshot, ApplicationId, Canary, Resource};

/// How often they are read while nothing else asks for it.
const OFTEN: Duration = Duration::from_secs(5);

/// A Rollout as it was read.
pub(in crate::promote) struct Reading {
    canary: Canary,
    /// How long the rest of its way takes by itself; `None` when that is known already, or there is none.
    alone: Option<Duration>,
}

/// The Rollouts of one application.
#[derive(Default)]
pub(in crate::promote) struct Canaries {
    list: Vec<Canary>,
    read: Option<Duration>,
    reading: bool,
    next: Duration,
    /// How long each Rollout takes by itself, with all the versions of it that the wait has seen begin.
    alone: BTreeMap<String, Duration>,
    versions: BTreeSet<String>,
}

impl Canaries {
    /// Returns them as they were read last.
    pub(in crate::promote) fn list(&self) -> &[Canary] {
        &self.list
    }

    /// Returns when they were read.
    pub(in crate::promote) const fn read(&self) -> Option<Duration> {
        self.read
    }

    /// Returns how long they take by themselves: what is timed in them, side by side.
    pub(in crate::promote) fn alone(&self) -> Duration {
        self.alone.values().max().copied().unwrap_or_default()
    }

    /// Something changed: they are read at once.
    pub(in crate::promote) const fn hurry(&mut self, now: Duration) {
        self.next = now;
    }

    /// Returns the reading of them if it is due.
    pub(in crate::promote) fn due<'a>(
        &mut self,
        observe: &'a dyn Observe,
        id: &ApplicationId,
        app: &AppSnapshot,
        now: Duration,
    ) -> Option<impl Future<Output = Result<Vec<Reading>, Problem>> + use<'a>> {
        if self.reading || now < self.next || !app.resources.iter().any(Resource::is_rollout) {
            return None;
        }
        self.reading = true;
        let rollouts = app.resources.iter().filter(|resource| resource.is_rollout());
        let (id, rollouts) = (id.clone(), rollouts.cloned().collect::<Vec<_>>());
        let known = self.versions.clone();
        Some(async move {
            let mut all = Vec::new();
            for rollout in &rollouts {
                let canary = observe.rollout(&id, rollout).await?;
                let new = canary.is_underway() && !known.contains(&canary.current);
                let alone = if new {
                    Some(alone(observe, &id, rollout, &canary).await)
                } else {
                    None
                };
                all.push(Reading { canary, alone });
            }
            Ok(all)
        })
    }

    /// A reading has ended, whatever it brought.
    pub(in crate::promote) fn ended(&mut self, now: Duration) {
        self.reading = false;
        self.next = now.saturating_add(OFTEN);
    }

    /// Takes a reading in. What is timed in a canary counts only when it is `ours`: one that was on its way before is not waited for.
    pub(in crate::promote) fn take(&mut self, readings: Vec<Reading>, ours: bool, now: Duration) {
        self.read = Some(now);
        self.list.clear();
        for Reading { canary, alone } in readings {
            if let Some(alone) = alone.filter(|_| ours && self.versions.insert(canary.current.clone())) {
                let all = self.alone.entry(canary.name.clone()).or_default();
                *all = all.saturating_add(alone);
            }
            self.list.push(canary);
        }
    }
}

/// Adds up the timed pauses and the analyses that are ahead. An analysis that nobody shows us counts for nothing.
async fn alone(observe: &dyn Observe, id: &ApplicationId, rollout: &Resource, canary: &Canary) -> Duration {
    let mut all = canary.pauses_ahead;
    for analysis in &canary.analyses_ahead {
        all = all.saturating_add(observe.analysis_length(id, rollout, analysis).await);
    }
    all
}
