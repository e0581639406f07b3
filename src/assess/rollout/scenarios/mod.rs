//! The scenarios of a wait, one row each: what is seen when, and what that must come to.
//!
//! P is the commit before ours, X ours, Y a later one that carries our pin, R a later one that changed it, Z a foreign one.

mod health;
mod images;
mod seeing;
mod syncing;

use std::time::{Duration, SystemTime};

use super::*;
use crate::model::{
    AppSource, BranchName, Condition, Health, Hydration, Managed, Operation, Phase, RepoIdentity, Resource, ResourceId,
    SyncResult, SyncState, SyncWindow, Timestamp, WindowKind,
};

const IMAGE: &str = "myorg/api:v2";

fn sha(name: char) -> CommitSha {
    let digit = match name {
        'P' => '0',
        'X' => '1',
        'Y' => '2',
        'R' => '3',
        'H' => 'a',
        _ => '9',
    };
    CommitSha::parse(&digit.to_string().repeat(40)).unwrap()
}

fn server_time(second: u64) -> Timestamp {
    Timestamp::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + second))
}

/// A wait as it is played: what is seen, and the time.
struct Play {
    watch: Watch,
    app: AppSnapshot,
    standings: Standings,
    now: u64,
    verdict: Option<Verdict>,
    asks: Vec<Ask>,
    refreshed: Option<Duration>,
    hard: Option<Duration>,
    managed: Option<Vec<Managed>>,
    managed_read: Option<Duration>,
    /// What the commit makes of each resource, once it is asked for; else one that runs what runs now.
    made: Option<Vec<Managed>>,
    windows: Option<SyncWindows>,
    opening: Option<Opening>,
    canaries: Vec<Canary>,
    /// Whether nobody has read them yet.
    unread: bool,
    stuck: Vec<StuckPod>,
}

/// An automated application, green at P; we wait for X.
fn auto() -> Play {
    play(true, true)
}

/// A manual one, which we may sync.
fn manual() -> Play {
    play(false, true)
}

fn play(automated: bool, trigger: bool) -> Play {
    let app = AppSnapshot {
        name: "api-dev".to_owned(),
        uid: "1".to_owned(),
        sources: vec![AppSource {
            overrides: String::new(),
            repo_url: "https://github.com/myorg/infra.git".to_owned(),
            repository: RepoIdentity::of("https://github.com/myorg/infra.git"),
            path: "apps/api/overlays/dev".to_owned(),
            target_revision: "main".to_owned(),
            chart: false,
        }],
        automated,
        revisions: vec![sha('P').to_string()],
        sync: SyncState::Synced,
        health: Health::Healthy,
        reconciled_at: Some(server_time(0)),
        images: vec![IMAGE.to_owned()],
        last_synced: vec![sha('P').to_string()],
        ..AppSnapshot::default()
    };
    let wanted = Wanted {
        name: "api-dev".to_owned(),
        commit: sha('X'),
        origin: Origin {
            repository: RepoIdentity::of("git@github.com:myorg/infra"),
            branch: BranchName::parse("main").unwrap(),
            default: None,
        },
        images: vec![IMAGE.to_owned()],
        trigger,
        prune: false,
        synced_by: None,
        settle: Duration::from_secs(10),
    };
    Play {
        watch: Watch::new(wanted, Some(&app)),
        app,
        standings: Standings::from([
            (sha('P'), Standing::Lacks),
            (sha('X'), Standing::Ours),
            (sha('Y'), Standing::Carries),
            (sha('R'), Standing::Replaced),
            (sha('Z'), Standing::Lacks),
        ]),
        now: 0,
        verdict: None,
        asks: Vec::new(),
        refreshed: None,
        hard: None,
        managed: None,
        managed_read: None,
        made: None,
        windows: None,
        opening: None,
        canaries: Vec::new(),
        unread: false,
        stuck: Vec::new(),
    }
}

impl Play {
    /// Lets the time pass to `second`, judging every second.
    fn until(mut self, second: u64) -> Self {
        while self.now < second {
            self.now += 1;
            self = self.look();
        }
        self
    }

    /// Judges what is seen now. Every refresh is answered at once.
    fn look(mut self) -> Self {
        if self.verdict.as_ref().is_some_and(Verdict::is_final) {
            return self;
        }
        let now = Duration::from_secs(self.now);
        let seen = Seen {
            refreshed: self.refreshed,
            hard_refreshed: self.hard,
            managed: self.managed.as_deref(),
            managed_read: self.managed_read,
            windows: self.windows.as_ref(),
            opening: self.opening,
            canaries: &self.canaries,
            canaries_read: (!self.unread).then_some(now),
            stuck_pods: &self.stuck,
            ..Seen::only(&self.app, &self.standings)
        };
        let verdict = self.watch.judge(now, &seen);
        if let Verdict::Waiting(Waiting { ask: Some(ask), .. }) = &verdict {
            self.asks.push(*ask);
            match ask {
                Ask::Refresh => self.refreshed = Some(now),
                Ask::HardRefresh => {
                    self.refreshed = Some(now);
                    self.hard = Some(now);
                    self.managed = None;
                }
                Ask::Targets => {
                    let usual = || vec![made("Deployment", 1, &self.app.images)];
                    self.managed = Some(self.made.clone().unwrap_or_else(usual));
                    self.managed_read = Some(now);
                }
                Ask::Sync | Ask::Windows | Ask::Tree => {}
            }
        }
        self.verdict = Some(verdict);
        self
    }

    fn change(mut self, change: impl FnOnce(&mut AppSnapshot)) -> Self {
        change(&mut self.app);
        self.look()
    }

    /// Is compared with a commit now.
    fn compared(self, sync: SyncState, commit: char) -> Self {
        let now = server_time(self.now);
        self.change(|app| {
            app.sync = sync;
            app.revisions = vec![sha(commit).to_string()];
            app.reconciled_at = Some(now);
        })
    }

    fn health(self, health: Health) -> Self {
        self.change(|app| app.health = health)
    }

    /// An operation is at work for a commit.
    fn running(self, commit: char) -> Self {
        let now = server_time(self.now);
        self.change(|app| {
            app.operation_requested = true;
            app.operation = Some(Operation {
                phase: Phase::Running,
                revisions: vec![sha(commit).to_string()],
                started_at: Some(now),
                ..Operation::default()
            });
        })
    }

    /// The operation ends now.
    fn ended(self, phase: Phase) -> Self {
        let now = server_time(self.now);
        self.change(|app| {
            app.operation_requested = false;
            let operation = app.operation.as_mut().unwrap();
            operation.phase = phase;
            operation.finished_at = Some(now);
            if phase == Phase::Succeeded && !operation.partial && !operation.dry_run {
                app.last_synced.clone_from(&operation.revisions);
            }
        })
    }

    /// X is seen, synced and compared again: everything but health.
    fn synced(self) -> Self {
        let now = self.now;
        self.compared(SyncState::OutOfSync, 'X')
            .running('X')
            .until(now + 2)
            .ended(Phase::Succeeded)
            .until(now + 3)
            .compared(SyncState::Synced, 'X')
    }

    fn condition(self, kind: &str, message: &str) -> Self {
        self.change(|app| {
            app.conditions.push(Condition {
                kind: kind.to_owned(),
                message: message.to_owned(),
            });
        })
    }

    fn resource(self, kind: &str, sync: SyncState, health: Option<Health>, message: &str) -> Self {
        self.change(|app| {
            app.resources.retain(|resource| resource.id.kind != kind);
            app.resources.push(Resource {
                id: named(kind),
                sync,
                health,
                health_message: message.to_owned(),
                ..Resource::default()
            });
        })
    }

    fn canary(mut self, canary: Canary) -> Self {
        self.canaries = vec![canary];
        self.look()
    }

    fn asked(&self, ask: Ask) -> usize {
        self.asks.iter().filter(|asked| **asked == ask).count()
    }

    fn says(&self) -> String {
        match self.verdict.as_ref().unwrap() {
            Verdict::Live { warnings, .. } if warnings.is_empty() => "live".to_owned(),
            Verdict::Live { .. } => "live with a warning".to_owned(),
            Verdict::Paused { .. } => "paused".to_owned(),
            Verdict::Superseded { .. } => "superseded".to_owned(),
            Verdict::Failed { state, .. } => format!("failed {}", state.name()),
            Verdict::Waiting(waiting) => format!("waiting {}", waiting.state.name()),
        }
    }

    /// Checks the verdict of a row.
    #[track_caller]
    fn is(self, row: &str, expected: &str) -> Self {
        assert_eq!(self.says(), expected, "{row}: {:?}", self.verdict);
        self
    }
}

/// Returns the identity that [`Play::resource`] gives a kind.
fn named(kind: &str) -> ResourceId {
    ResourceId {
        group: match kind {
            "Rollout" => "argoproj.io",
            "Job" | "CronJob" => "batch",
            _ => "apps",
        }
        .to_owned(),
        kind: kind.to_owned(),
        namespace: "dev".to_owned(),
        name: "api".to_owned(),
    }
}

fn made<T: ToString>(kind: &str, target: u64, images: &[T]) -> Managed {
    Managed {
        id: named(kind),
        wanted: true,
        target,
        images: images.iter().map(ToString::to_string).collect(),
        ..Managed::default()
    }
}

fn paused(reason: &str, length: Option<u64>) -> Canary {
    Canary {
        name: "api".to_owned(),
        phase: "Paused".to_owned(),
        observed: true,
        step: Some(1),
        steps: 6,
        weight: 10,
        pause: Some(reason.to_owned()),
        pause_for: length.map(Duration::from_secs),
        current: "new".to_owned(),
        stable: "old".to_owned(),
        ..Canary::default()
    }
}
