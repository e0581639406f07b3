//! Asks the engine about the applications that are followed: what their verdicts want, the look that is due, their Rollouts.
//! Waits for no answer; what one means is not known here.

use std::time::Duration;

use crate::assess::rollout::Ask;
use crate::delivery::Refresh;

use crate::promote::follow::ports::FollowPorts;
use crate::promote::follow::track::{Answer, Track};
use crate::promote::underway::Underway;

/// All requests of a wait that are under way.
pub(in crate::promote) struct Asking<'a> {
    ports: FollowPorts<'a>,
    /// Marks our operations among others.
    nonce: &'a str,
    underway: Underway<'a, (usize, Answer)>,
}

impl<'a> Asking<'a> {
    pub(in crate::promote) fn new(ports: FollowPorts<'a>, nonce: &'a str) -> Self {
        Self {
            ports,
            nonce,
            underway: Underway::new(),
        }
    }

    /// Returns the next answer, and the number of the application that it is about. May be dropped at any point.
    pub(in crate::promote) async fn next(&mut self) -> (usize, Answer) {
        self.underway.next().await
    }

    /// Sends what is due for the application of number `at`; `cadence` = how long until it is looked at again.
    pub(in crate::promote) fn tend(&mut self, track: &mut Track<'a>, at: usize, cadence: Duration, now: Duration) {
        let observe = self.ports.observe;
        if track.is_final() {
            return;
        }
        if now >= track.requests.look_at && !track.requests.looking {
            track.requests.looking = true;
            track.requests.look_at = now + cadence;
            let id = track.target.id.clone();
            self.underway
                .add(async move { (at, Answer::Look(observe.application(&id).await)) });
        }
        let known = &mut track.known;
        let app = known.app.as_ref();
        if let Some(due) = app.and_then(|app| known.canaries.due(observe, &track.target.id, app, now)) {
            self.underway.add(async move { (at, Answer::Canaries(due.await)) });
        }
    }

    /// Sends what a verdict asks for.
    pub(in crate::promote) fn send(&mut self, ask: Ask, track: &Track<'_>, at: usize) {
        let (id, prune) = (track.target.id.clone(), track.target.policy.prune);
        let (observe, nonce, underway) = (self.ports.observe, self.nonce, &mut self.underway);
        self.ports.journal.debug(format!("{id}: asking for {ask:?}"));
        match ask {
            Ask::Refresh => {
                underway.add(async move { (at, Answer::Refreshed(observe.refresh(&id, Refresh::Normal).await)) });
            }
            Ask::HardRefresh => {
                underway.add(async move { (at, Answer::HardRefreshed(observe.refresh(&id, Refresh::Hard).await)) });
            }
            Ask::Sync => {
                if let Some(drive) = self.ports.drive {
                    self.ports.journal.progress(format!("{id}: sync requested"));
                    underway.add(async move { (at, Answer::Synced(drive.sync(&id, nonce, prune).await)) });
                }
            }
            Ask::Targets => underway.add(async move { (at, Answer::Managed(observe.managed(&id).await)) }),
            Ask::Windows => underway.add(async move { (at, Answer::Windows(observe.windows(&id).await)) }),
            Ask::Tree => underway.add(async move { (at, Answer::Tree(observe.tree(&id).await)) }),
        }
    }
}
