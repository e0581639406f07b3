//! One application that is followed: all that was seen of it, the verdict on that, and what is under way for it.
//! Waits for nothing itself; `follow` feeds it with answers and time.

mod answers;

use std::time::Duration;

use crate::assess::rollout::{Ask, Opening, Origin, Seen, Verdict, Wanted, Watch};
use crate::delivery::Problem;
use crate::model::{AppSnapshot, Health, Managed, Node, SyncState, SyncWindows, Timestamp};
use crate::plan::{OnPause, SyncMode};
use crate::report::{ApplicationRow, RolloutRow};

use crate::promote::follow::canaries::{Canaries, Reading};
use crate::promote::follow::progress::Said;
use crate::promote::followee::{FollowRequest, Followee};
use crate::promote::lineage::Lineage;

/// What came back for one application.
pub(in crate::promote) enum Answer {
    Look(Result<AppSnapshot, Problem>),
    /// Told by a stream.
    Told(Result<AppSnapshot, Problem>),
    Refreshed(Result<AppSnapshot, Problem>),
    HardRefreshed(Result<AppSnapshot, Problem>),
    Synced(Result<AppSnapshot, Problem>),
    Managed(Result<Vec<Managed>, Problem>),
    Windows(Result<SyncWindows, Problem>),
    Tree(Result<Vec<Node>, Problem>),
    Canaries(Result<Vec<Reading>, Problem>),
}

/// One application that is followed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a request under way, or something said once"
)]
pub(in crate::promote) struct Track<'a> {
    pub(in crate::promote) target: Followee,
    pub(in crate::promote) page: String,
    pub(in crate::promote) origin: Origin,
    pub(in crate::promote) lineage: Lineage<'a>,
    pub(in crate::promote) app: Option<AppSnapshot>,
    pub(in crate::promote) verdict: Option<Verdict>,
    pub(in crate::promote) canaries: Canaries,
    begun: Duration,
    /// When it is looked at again, when it is judged again.
    pub(in crate::promote) look_at: Duration,
    pub(in crate::promote) judge_at: Duration,
    pub(in crate::promote) looking: bool,
    /// Since when its verdict says what it says.
    pub(in crate::promote) state_since: Duration,
    pub(in crate::promote) said: Said,
    /// What was told of the time that its Rollouts take by themselves.
    pub(in crate::promote) told_alone: Duration,
    pub(in crate::promote) told_live: bool,
    /// Since when the server gives no answer about it.
    pub(in crate::promote) silent_since: Option<Duration>,
    /// For how long it has paused for a person, and since when it does.
    pub(in crate::promote) paused: Duration,
    pub(in crate::promote) paused_since: Option<Duration>,
    pub(in crate::promote) tree: Vec<Node>,
    /// Why it is not healthy, found at the end.
    pub(in crate::promote) found: Vec<String>,
    watch: Watch,
    /// Whether the last answer was that it is not to be seen: what was seen before says nothing then.
    unseen: bool,
    failures: u32,
    foreign: u32,
    refreshed: Option<Duration>,
    refreshing: bool,
    hard_refreshed: Option<Duration>,
    managed: Option<Vec<Managed>>,
    windows: Option<SyncWindows>,
    opens: Option<Timestamp>,
    wall: Option<(Duration, Timestamp)>,
    window_refused: bool,
    stuck: Vec<crate::assess::rollout::StuckPod>,
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
            synced_by: target.synced_by.clone(),
            settle: target.policy.settle,
        };
        Self {
            watch: Watch::new(wanted, target.baseline.as_ref()).with_managed(&target.managed),
            begun: now,
            app: target.baseline.clone(),
            // What was seen before landing is the first look; the refresh that it asks for brings the next.
            look_at: if target.baseline.is_some() {
                now.saturating_add(Duration::from_secs(3))
            } else {
                now
            },
            target,
            page,
            origin: request.origin.clone(),
            lineage,
            verdict: None,
            judge_at: now,
            looking: false,
            canaries: Canaries::default(),
            state_since: now,
            said: Said::default(),
            told_alone: Duration::ZERO,
            told_live: false,
            silent_since: None,
            paused: Duration::ZERO,
            paused_since: None,
            tree: Vec::new(),
            found: Vec::new(),
            unseen: false,
            failures: 0,
            foreign: 0,
            refreshed: None,
            refreshing: false,
            hard_refreshed: None,
            managed: None,
            windows: None,
            opens: None,
            wall: None,
            window_refused: false,
            stuck: Vec::new(),
        }
    }

    pub(in crate::promote) fn name(&self) -> String {
        self.target.id.to_string()
    }

    /// Tells whether a look is at this application.
    pub(in crate::promote) fn is(&self, app: &AppSnapshot) -> bool {
        let known = self.app.as_ref().or(self.target.baseline.as_ref());
        let namespace = self.target.id.namespace().or(known.map(|app| app.namespace.as_str()));
        app.name == self.target.id.name() && namespace.is_none_or(|namespace| namespace == app.namespace)
    }

    pub(in crate::promote) fn is_final(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| {
            verdict.is_final()
                || (matches!(verdict, Verdict::Paused { .. }) && self.target.policy.on_pause != OnPause::Wait)
        })
    }

    pub(in crate::promote) fn is_live(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Live { .. }))
    }

    /// Judges what was seen, and returns what would help.
    pub(in crate::promote) fn judge(&mut self, now: Duration) -> Option<Ask> {
        self.judge_at = now + Duration::from_secs(1);
        let app = self.app.as_ref()?;
        if self.is_final() || self.unseen {
            return None;
        }
        let opening = self.opens.zip(self.wall).map(|(at, (then, wall))| Opening {
            at,
            in_time: then.saturating_add(at.since(wall)) < self.deadline(),
        });
        let seen = Seen {
            app,
            standings: self.lineage.known(),
            refreshed: self.refreshed,
            refreshing: self.refreshing,
            hard_refreshed: self.hard_refreshed,
            managed: self.managed.as_deref(),
            windows: self.windows.as_ref(),
            opening,
            window_refused: self.window_refused,
            pending: self.lineage.pending(),
            canaries: self.canaries.list(),
            canaries_read: self.canaries.read(),
            stuck_pods: &self.stuck,
        };
        let verdict = self.watch.judge(now, &seen);
        let ask = match &verdict {
            Verdict::Waiting(waiting) => {
                self.judge_at = waiting.again.map_or(self.judge_at, |again| again.min(self.judge_at));
                waiting.ask
            }
            _ => None,
        };
        self.set(verdict, now);
        self.refreshing |= matches!(ask, Some(Ask::Refresh | Ask::HardRefresh));
        ask
    }

    fn set(&mut self, verdict: Verdict, now: Duration) {
        let paused = matches!(verdict, Verdict::Paused { .. });
        match (self.paused_since, paused) {
            (None, true) => self.paused_since = Some(now),
            (Some(since), false) => {
                // The time of people does not count as the time of the rollout.
                let length = now.saturating_sub(since);
                self.paused = self.paused.saturating_add(length);
                self.paused_since = None;
            }
            _ => {}
        }
        if self.verdict.as_ref().map(Verdict::why) != Some(verdict.why()) {
            self.state_since = now;
        }
        self.verdict = Some(verdict);
    }

    /// Tells whether its time is over: the deadline, or while it pauses the longest pause.
    pub(in crate::promote) fn is_late(&self, now: Duration) -> bool {
        match self.paused_since {
            Some(since) => self.paused.saturating_add(now.saturating_sub(since)) >= self.target.policy.pause_timeout,
            None => now >= self.deadline(),
        }
    }

    /// Returns how long it may take, without the pauses for a person: `timeout`, and what is timed in its Rollouts.
    pub(in crate::promote) fn limit(&self) -> Duration {
        self.target.policy.timeout.saturating_add(self.canaries.alone())
    }

    /// Returns when it has to be live at the latest. Moves on when a canary begins, and when one goes on that has paused for a person.
    pub(in crate::promote) fn deadline(&self) -> Duration {
        self.begun.saturating_add(self.limit()).saturating_add(self.paused)
    }

    /// Returns what it says about itself now, in one sentence.
    pub(in crate::promote) fn why(&self) -> String {
        self.verdict.as_ref().map_or_else(
            || match self.silent_since {
                Some(_) => format!("{}: Argo CD gives no answer", self.name()),
                None => format!("{} has not been read yet", self.name()),
            },
            |verdict| verdict.why().to_owned(),
        )
    }

    /// Returns its row of the report.
    pub(in crate::promote) fn row(&self) -> ApplicationRow {
        let app = self.app.as_ref().or(self.target.baseline.as_ref());
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
            rollout: self.canaries.list().first().map(|canary| RolloutRow {
                step: canary.step.unwrap_or(canary.steps),
                steps: canary.steps,
                weight: canary.weight,
                pause: canary.pause.clone(),
            }),
        }
    }
}
