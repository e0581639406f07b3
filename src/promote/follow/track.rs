//! One application that is followed: all that was seen of it, the verdict on that, and what is under way for it.
//! Waits for nothing itself; `follow` feeds it with answers and time.

mod answers;

use std::time::Duration;

use crate::assess::rollout::{Ask, Opening, Origin, Running, Seen, StuckPod, Verdict, Wanted, Watch};
use crate::delivery::Problem;
use crate::model::{AppSnapshot, Health, Managed, Node, Operation, SyncState, SyncWindows, Timestamp};
use crate::plan::{OnPause, SyncMode};
use crate::report::{ApplicationRow, PodsRow, RolloutRow};

use crate::promote::follow::canaries::{Canaries, Reading};
use crate::promote::follow::said::Said;
use crate::promote::followee::{FollowRequest, Followee};
use crate::promote::lineage::{Learned, Lineage};

/// What came back for one application.
pub(in crate::promote) enum Answer {
    Look(Result<AppSnapshot, Problem>),
    Refreshed(Result<AppSnapshot, Problem>),
    HardRefreshed(Result<AppSnapshot, Problem>),
    Synced(Result<AppSnapshot, Problem>),
    Managed(Result<Vec<Managed>, Problem>),
    Windows(Result<SyncWindows, Problem>),
    Tree(Result<Vec<Node>, Problem>),
    Canaries(Result<Vec<Reading>, Problem>),
}

/// What was seen of it.
#[derive(Default)]
pub(in crate::promote) struct Known {
    /// How it was at the last look.
    pub(in crate::promote) app: Option<AppSnapshot>,
    /// Whether the last answer was that it is not to be seen: what was seen before says nothing then.
    unseen: bool,
    refreshed: Option<Duration>,
    hard_refreshed: Option<Duration>,
    managed: Option<Vec<Managed>>,
    managed_read: Option<Duration>,
    windows: Option<SyncWindows>,
    opens: Option<Timestamp>,
    wall: Option<(Duration, Timestamp)>,
    window_refused: bool,
    stuck: Vec<StuckPod>,
    pub(in crate::promote) canaries: Canaries,
}

/// What is under way for it, and when what is due.
pub(in crate::promote) struct Requests {
    /// When it is looked at again.
    pub(in crate::promote) look_at: Duration,
    /// When it is judged again.
    pub(in crate::promote) judge_at: Duration,
    pub(in crate::promote) looking: bool,
    refreshing: bool,
    failures: u32,
    foreign: u32,
    /// Since when the server gives no answer about it.
    pub(in crate::promote) silent_since: Option<Duration>,
}

/// Its pauses for a person, whose time is not that of the rollout.
#[derive(Default)]
pub(in crate::promote) struct Pauses {
    /// How long those took that are over.
    over: Duration,
    /// Since when it pauses.
    pub(in crate::promote) since: Option<Duration>,
}

impl Pauses {
    fn take(&mut self, paused: bool, now: Duration) {
        match (self.since, paused) {
            (None, true) => self.since = Some(now),
            (Some(_), false) => {
                self.over = self.all(now);
                self.since = None;
            }
            _ => {}
        }
    }

    /// Returns how long all of them took, until now.
    fn all(&self, now: Duration) -> Duration {
        let this = self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.over.saturating_add(this)
    }
}

/// One application that is followed.
pub(in crate::promote) struct Track<'a> {
    pub(in crate::promote) target: Followee,
    pub(in crate::promote) page: String,
    origin: Origin,
    pub(in crate::promote) lineage: Lineage<'a>,
    watch: Watch,
    pub(in crate::promote) verdict: Option<Verdict>,
    begun: Duration,
    /// Since when its verdict says what it says.
    pub(in crate::promote) state_since: Duration,
    pub(in crate::promote) pauses: Pauses,
    pub(in crate::promote) known: Known,
    pub(in crate::promote) requests: Requests,
    pub(in crate::promote) said: Said,
    /// Why it is not healthy, found at the end.
    pub(in crate::promote) found: Vec<String>,
    /// Which versions its pods run, read with it.
    pub(in crate::promote) pods: Vec<Running>,
}

impl<'a> Track<'a> {
    pub(in crate::promote) fn new(
        target: Followee,
        page: String,
        lineage: Lineage<'a>,
        request: &FollowRequest<'a>,
        may_drive: bool,
        now: Duration,
    ) -> Self {
        let wanted = Wanted {
            name: target.id.to_string(),
            commit: request.commit.clone(),
            origin: request.origin.clone(),
            images: target.images.clone(),
            trigger: may_drive && target.policy.sync != SyncMode::Never && target.synced_by.is_none(),
            prune: target.policy.prune,
            synced_by: (target.synced_by.as_ref())
                .filter(|by| by.known)
                .map(|by| by.set.clone()),
            settle: target.policy.settle,
        };
        Self {
            watch: Watch::new(wanted, target.baseline.as_ref()).with_managed(&target.managed),
            page,
            origin: request.origin.clone(),
            lineage,
            verdict: None,
            begun: now,
            state_since: now,
            pauses: Pauses::default(),
            known: Known {
                app: target.baseline.clone(),
                ..Known::default()
            },
            requests: Requests {
                // What was seen before landing is the first look; the refresh that it asks for brings the next.
                look_at: if target.baseline.is_some() {
                    now.saturating_add(Duration::from_secs(3))
                } else {
                    now
                },
                judge_at: now,
                looking: false,
                refreshing: false,
                failures: 0,
                foreign: 0,
                silent_since: None,
            },
            said: Said::default(),
            found: Vec::new(),
            pods: Vec::new(),
            target,
        }
    }

    pub(in crate::promote) fn name(&self) -> String {
        self.target.id.to_string()
    }

    /// Whether a look is at this application.
    pub(in crate::promote) fn is(&self, app: &AppSnapshot) -> bool {
        let known = self.known.app.as_ref().or(self.target.baseline.as_ref());
        let namespace = self.target.id.namespace().or(known.map(|app| app.namespace.as_str()));
        let elsewhere = app.environment.is_some() && app.environment.as_deref() != self.target.id.environment();
        app.name == self.target.id.name() && namespace.is_none_or(|namespace| namespace == app.namespace) && !elsewhere
    }

    pub(in crate::promote) fn is_final(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| {
            verdict.is_final()
                || (matches!(verdict, Verdict::Paused { .. })
                    && matches!(self.target.policy.on_pause, OnPause::Succeed | OnPause::Fail))
        })
    }

    pub(in crate::promote) fn is_live(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Live { .. }))
    }

    /// Returns the question to git that is due: what the revisions that it shows are to our commit.
    pub(in crate::promote) fn question(&mut self, now: Duration) -> Option<impl Future<Output = Learned> + use<'a>> {
        let app = self.known.app.as_ref().filter(|_| self.lineage.can_ask(now))?;
        self.lineage
            .due(self.origin.revisions(app), self.origin.behind(app), now)
    }

    /// Takes an answer of git in.
    pub(in crate::promote) fn learned(&mut self, learned: Learned, now: Duration) {
        self.requests.judge_at = now;
        self.lineage.take(learned, now);
    }

    /// Something was done to its canary: it is looked at at once.
    pub(in crate::promote) const fn hurry(&mut self, now: Duration) {
        self.requests.look_at = now;
        self.known.canaries.hurry(now);
    }

    /// Whether a later commit changed our pin.
    pub(in crate::promote) const fn is_superseded(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Superseded { .. }))
    }

    /// Judges what was seen, and returns what would help.
    pub(in crate::promote) fn judge(&mut self, now: Duration) -> Option<Ask> {
        self.requests.judge_at = now + Duration::from_secs(1);
        if self.is_final() || self.known.unseen {
            return None;
        }
        if let Some(patience) = self.lineage.patience().filter(|patience| now < *patience) {
            self.requests.judge_at = patience;
            return None;
        }
        let known = &self.known;
        let app = known.app.as_ref()?;
        let opening = known.opens.zip(known.wall).map(|(at, (then, wall))| Opening {
            at,
            in_time: then.saturating_add(at.since(wall)) < self.deadline(now),
        });
        let seen = Seen {
            app,
            standings: self.lineage.known(),
            refreshed: known.refreshed,
            refreshing: self.requests.refreshing,
            hard_refreshed: known.hard_refreshed,
            managed: known.managed.as_deref(),
            managed_read: known.managed_read,
            windows: known.windows.as_ref(),
            opening,
            window_refused: known.window_refused,
            pending: self.lineage.pending(),
            canaries: known.canaries.list(),
            canaries_read: known.canaries.read(),
            stuck_pods: &known.stuck,
        };
        let verdict = self.watch.judge(now, &seen);
        let ask = match &verdict {
            Verdict::Waiting(waiting) => {
                let judge_at = self.requests.judge_at;
                self.requests.judge_at = waiting.again.map_or(judge_at, |again| again.min(judge_at));
                waiting.ask
            }
            _ => None,
        };
        self.set(verdict, now);
        self.requests.refreshing |= matches!(ask, Some(Ask::Refresh | Ask::HardRefresh));
        ask
    }

    fn set(&mut self, verdict: Verdict, now: Duration) {
        self.pauses.take(matches!(verdict, Verdict::Paused { .. }), now);
        if self.verdict.as_ref().map(Verdict::why) != Some(verdict.why()) {
            self.state_since = now;
        }
        self.verdict = Some(verdict);
    }

    /// Whether its time is over.
    pub(in crate::promote) fn is_late(&self, now: Duration) -> bool {
        self.left(now).is_zero()
    }

    /// Returns how much time it has left: until the deadline, or while it pauses for a person until the longest pause is over.
    pub(in crate::promote) fn left(&self, now: Duration) -> Duration {
        if self.pauses.since.is_some() {
            self.target.policy.pause_timeout.saturating_sub(self.pauses.all(now))
        } else {
            self.deadline(now).saturating_sub(now)
        }
    }

    /// Returns how long it may take, without the pauses for a person: `timeout`, and what is timed in its Rollouts.
    pub(in crate::promote) fn limit(&self) -> Duration {
        self.target.policy.timeout.saturating_add(self.known.canaries.alone())
    }

    /// Returns when it has to be live at the latest. Moves on when a canary begins, and with each pause for a person.
    fn deadline(&self, now: Duration) -> Duration {
        self.begun
            .saturating_add(self.limit())
            .saturating_add(self.pauses.all(now))
    }

    /// Returns the last operation if it syncs our commit.
    pub(in crate::promote) fn our_operation(&self) -> Option<&Operation> {
        let app = self.known.app.as_ref()?;
        let operation = app.operation.as_ref()?;
        let standing = self.origin.standing(app, &operation.revisions, self.lineage.known());
        standing.has_ours().then_some(operation)
    }

    /// Returns what it says about itself now, in one sentence.
    pub(in crate::promote) fn why(&self) -> String {
        self.verdict.as_ref().map_or_else(
            || match self.requests.silent_since {
                Some(_) => format!("{}: Argo CD gives no answer", self.name()),
                None => format!("{} has not been read yet", self.name()),
            },
            |verdict| verdict.why().to_owned(),
        )
    }

    /// Returns its row of the report.
    pub(in crate::promote) fn row(&self) -> ApplicationRow {
        let app = self.known.app.as_ref().or(self.target.baseline.as_ref());
        ApplicationRow {
            name: self.name(),
            app: self.target.app.to_string(),
            environment: self.target.environment.to_string(),
            url: self.page.clone(),
            sync: app.map_or(SyncState::Unknown, |app| app.sync),
            health: app.map_or(Health::Unknown, |app| app.health),
            revision: match &self.verdict {
                Some(Verdict::Live { revision, .. }) => Some(revision.to_string()),
                _ => app.and_then(|app| app.revisions.first().cloned()),
            },
            live: self.is_live(),
            reason: std::iter::once(self.why())
                .chain(self.found.iter().cloned())
                .collect::<Vec<_>>()
                .join("\n"),
            rollout: self.known.canaries.list().first().map(|canary| RolloutRow {
                step: canary.step.unwrap_or(canary.steps),
                steps: canary.steps,
                weight: canary.weight,
                pause: canary.pause.clone(),
            }),
            pods: (self.pods.iter())
                .map(|row| PodsRow {
                    image: row.image.clone(),
                    ready: row.ready,
                    pods: row.pods,
                })
                .collect(),
        }
    }
}
