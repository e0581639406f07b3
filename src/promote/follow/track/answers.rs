//! Takes in what the engine answered about one application: what was seen, and what a problem means for the wait.

use std::time::Duration;

use crate::assess::rollout::{State, Verdict, stuck_pods};
use crate::assess::window::opens;
use crate::delivery::Problem;
use crate::model::{AppSnapshot, Timestamp};
use crate::promote::underway::backoff;

use super::{Answer, Track};

impl Track<'_> {
    /// Takes in how it is now, as a stream says.
    pub(in crate::promote) fn saw(&mut self, app: AppSnapshot, now: Duration, wall: Timestamp) {
        self.requests.judge_at = now;
        self.known.wall = Some((now, wall));
        let _ = self.look(Ok(app), now);
    }

    /// Takes an answer in. Returns the problem that ends the whole run, if it is one.
    pub(in crate::promote) fn take(&mut self, answer: Answer, now: Duration, wall: Timestamp) -> Option<Problem> {
        self.requests.judge_at = now;
        self.known.wall = Some((now, wall));
        match answer {
            Answer::Look(result) => {
                self.requests.looking = false;
                self.look(result, now)
            }
            Answer::Refreshed(result) => {
                self.requests.refreshing = false;
                if result.is_ok() {
                    self.known.refreshed = Some(now);
                }
                self.look(result, now)
            }
            Answer::HardRefreshed(result) => {
                self.requests.refreshing = false;
                if result.is_ok() {
                    self.known.refreshed = Some(now);
                    self.known.hard_refreshed = Some(now);
                    self.known.managed = None;
                }
                self.look(result, now)
            }
            Answer::Synced(result) => self.synced(result, now),
            Answer::Managed(result) => self.beside(result, |track, managed| {
                track.known.managed = Some(managed);
                track.known.managed_read = Some(now);
            }),
            Answer::Windows(result) => self.beside(result, |track, windows| {
                track.known.window_refused &= !windows.manual_possible;
                let automated = track.known.app.as_ref().is_some_and(|app| app.automated);
                track.known.opens = opens(&windows, automated, wall);
                track.known.windows = Some(windows);
            }),
            Answer::Tree(result) => self.beside(result, |track, tree| {
                track.known.stuck = stuck_pods(&tree, &track.target.images);
            }),
            Answer::Canaries(result) => {
                self.known.canaries.ended(now);
                self.beside(result, |track, readings| {
                    let ours = track.watch.began_ours().is_some_and(|begun| begun < now);
                    track.known.canaries.take(readings, ours, now);
                })
            }
        }
    }

    /// Takes in what is only read beside the application: without it the wait goes on, unless the token is of no use any more.
    fn beside<T>(&mut self, result: Result<T, Problem>, keep: impl FnOnce(&mut Self, T)) -> Option<Problem> {
        match result {
            Ok(read) => {
                keep(self, read);
                None
            }
            // The stream goes on with a revoked token: this may be the first request for a minute.
            Err(problem @ Problem::Token(_)) => Some(problem),
            Err(_) => None,
        }
    }

    fn look(&mut self, result: Result<AppSnapshot, Problem>, now: Duration) -> Option<Problem> {
        match result {
            Ok(app) => {
                self.requests.failures = 0;
                self.requests.foreign = 0;
                self.known.unseen = false;
                self.requests.silent_since = None;
                // An answer can be overtaken by a change that the stream told meanwhile, and a server lag behind another.
                if self.known.app.as_ref().is_some_and(|known| is_older(&app, known)) {
                    return None;
                }
                if self.known.app.as_ref().is_none_or(|before| before.health != app.health) {
                    self.known.canaries.hurry(now);
                }
                self.known.app = Some(app);
                self.lineage.show();
                None
            }
            Err(problem) => self.trouble(problem, now),
        }
    }

    fn trouble(&mut self, problem: Problem, now: Duration) -> Option<Problem> {
        match problem {
            Problem::Token(_) => Some(problem),
            Problem::Foreign(_) => {
                // A proxy may show its own page for a moment while the server restarts.
                self.requests.foreign += 1;
                self.requests.look_at = now + Duration::from_secs(4);
                (self.requests.foreign >= 3).then_some(problem)
            }
            Problem::Forbidden(_) | Problem::Missing(_) => {
                self.known.unseen = true;
                let verdict = self.watch.absent(now, problem.why());
                self.set(verdict, now);
                self.requests.look_at = now + Duration::from_secs(4);
                None
            }
            Problem::Slow(_) => None,
            Problem::Passing { after, .. } => {
                self.requests.failures += 1;
                self.requests.silent_since.get_or_insert(now);
                self.requests.look_at = now + backoff(self.requests.failures, after);
                None
            }
            Problem::Refused(_) | Problem::Busy(_) | Problem::Window(_) => {
                self.requests.look_at = now + Duration::from_secs(5);
                None
            }
        }
    }

    fn synced(&mut self, result: Result<AppSnapshot, Problem>, now: Duration) -> Option<Problem> {
        match result {
            Ok(app) => {
                self.known.window_refused = false;
                self.look(Ok(app), now)
            }
            Err(Problem::Window(_)) => {
                self.known.window_refused = true;
                self.known.windows = None;
                None
            }
            Err(Problem::Busy(_)) => {
                // Somebody else was faster: what they sync may be ours.
                self.requests.look_at = now;
                None
            }
            Err(problem @ (Problem::Token(_) | Problem::Forbidden(_) | Problem::Foreign(_))) => Some(problem),
            Err(Problem::Refused(why) | Problem::Missing(why)) => {
                let verdict = Verdict::Failed {
                    state: State::NeedSync,
                    why: format!("Argo CD refuses to sync {}: {why}", self.name()),
                    hints: vec!["do what it says, then promote again".to_owned()],
                };
                self.set(verdict, now);
                None
            }
            Err(problem @ (Problem::Slow(_) | Problem::Passing { .. })) => self.trouble(problem, now),
        }
    }
}

/// Whether a look shows an object as it was before another look at it.
fn is_older(look: &AppSnapshot, known: &AppSnapshot) -> bool {
    look.uid == known.uid && matches!((look.version, known.version), (Some(look), Some(known)) if look < known)
}
