//! Decides whether an application runs exactly our commit, or a descendant that still carries it, and is healthy since.
//! Pure: it is given what was seen and the time, and returns a verdict with its reason; `promote::follow` waits.

mod baseline;
mod compared;
mod facts;
mod green;
mod health;
pub(in crate::assess) mod images;
mod operation;
mod pods;
mod revision;
#[cfg(test)]
mod scenarios;
mod synced;
mod timers;
mod verdict;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{AppSnapshot, Canary, CommitSha, Managed, SyncWindows, Timestamp};

use baseline::Baseline;
use facts::Facts;
use timers::{Asks, Timers};

pub use pods::{Running, StuckPod, running, stuck_pods};
pub use revision::{Origin, Standing, Standings};
pub use verdict::{Ask, State, Verdict, Waiting};

/// How long a comparison may fail: a restart of the repository server looks the same as a broken manifest.
pub const ERROR_GRACE: Duration = Duration::from_secs(90);
/// How long an application may be Degraded: disruption budgets and autoscalers are, for a moment, in every rollout.
pub const DEGRADED_GRACE: Duration = Duration::from_secs(30);
/// How long after landing an application may still be missing: its parent may create it.
pub const CREATE_GRACE: Duration = Duration::from_secs(60);
/// How long what was on its way before our commit may still be, before it counts as standing still.
pub const PROGRESSING_GRACE: Duration = Duration::from_secs(30);
/// How long a pod may be unable to start.
pub const POD_GRACE: Duration = Duration::from_secs(60);

/// What has to become live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The application, as people know it.
    pub name: String,
    /// Our commit.
    pub commit: CommitSha,
    /// Where it was pushed to.
    pub origin: Origin,
    /// The references that must be deployed; empty = any.
    pub images: Vec<String>,
    /// Whether we may start the sync of a manual application.
    pub trigger: bool,
    /// Whether the sync that we start deletes what the commit no longer has.
    pub prune: bool,
    /// The `ApplicationSet` that syncs a manual application in its turn, if one does.
    pub synced_by: Option<String>,
    /// How long it must stay healthy.
    pub settle: Duration,
}

/// All that was seen of an application until now.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The newest look at it.
    pub app: &'a AppSnapshot,
    /// What its revisions are to our commit.
    pub standings: &'a Standings,
    /// When the last refresh was answered, on the caller's clock.
    pub refreshed: Option<Duration>,
    /// Whether a refresh is under way.
    pub refreshing: bool,
    /// When the last hard refresh was answered.
    pub hard_refreshed: Option<Duration>,
    /// What the commit makes of each resource, if that was asked for since the last hard refresh.
    pub managed: Option<&'a [Managed]>,
    /// When that was answered.
    pub managed_read: Option<Duration>,
    /// The sync windows, if they were asked for.
    pub windows: Option<&'a SyncWindows>,
    /// When a closed window opens, and whether that is before our deadline.
    pub opening: Option<Opening>,
    /// Whether our sync was refused because of a window, the last time we tried.
    pub window_refused: bool,
    /// The commits of its branch that are not deployed yet, as people read them, the newest first.
    pub pending: &'a [String],
    /// Its Rollouts, if it has any and they were read.
    pub canaries: &'a [Canary],
    /// When they were read.
    pub canaries_read: Option<Duration>,
    /// The pods that cannot start, if the tree was read.
    pub stuck_pods: &'a [StuckPod],
}

/// When a closed window opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When.
    pub at: Timestamp,
    /// Whether our deadline is after that.
    pub in_time: bool,
}

impl<'a> Seen<'a> {
    /// Returns what a single look shows.
    #[must_use]
    pub const fn only(app: &'a AppSnapshot, standings: &'a Standings) -> Self {
        Self {
            app,
            standings,
            refreshed: None,
            refreshing: false,
            hard_refreshed: None,
            managed: None,
            managed_read: None,
            windows: None,
            opening: None,
            window_refused: false,
            pending: &[],
            canaries: &[],
            canaries_read: None,
            stuck_pods: &[],
        }
    }
}

/// The wait for one application: what has to become live, and since when what has been so.
#[derive(Clone, Debug)]
pub struct Watch {
    wanted: Wanted,
    baseline: Baseline,
    uid: String,
    timers: Timers,
    asks: Asks,
    /// Whether a revision with our commit was compared.
    compared_ours: bool,
    /// Whether our commit was synced.
    synced_ours: bool,
    absent: Option<(Duration, u32)>,
    began: Option<Duration>,
    /// The hashes of the pods of other versions that its Rollouts had.
    others: BTreeSet<String>,
}

/// One look, judged: what all rules are given.
struct Round<'w, 'a> {
    now: Duration,
    facts: Facts<'a>,
    wanted: &'w Wanted,
    baseline: &'w Baseline,
    timers: &'w Timers,
    asks: &'w mut Asks,
    compared_ours: bool,
    synced_ours: bool,
    others: &'w BTreeSet<String>,
}

type Rule = fn(&mut Round<'_, '_>) -> Option<Verdict>;

/// The state machine: the first rule that has something to say is the verdict. The order matters: a failed sync of ours
/// must be seen before the need of a sync, or a manual application would be synced again for ever.
const RULES: [Rule; 28] = [
    compared::deleted,
    compared::cannot_show,
    compared::spec_error,
    compared::compare_error,
    compared::hydrating,
    compared::regressed,
    compared::superseded,
    compared::not_seen,
    operation::stuck,
    operation::failed,
    synced::window,
    operation::left_lying,
    operation::foreign,
    operation::running,
    operation::untrusted,
    synced::rolled_back,
    synced::out_of_sync_after,
    synced::need_sync,
    synced::auto_pending,
    health::rollout,
    health::degraded,
    health::pods,
    health::unhealthy,
    green::no_image,
    green::left_behind,
    green::kept,
    green::no_operation,
    green::settling,
];

impl Watch {
    /// Begins the wait. `baseline` is how the application was before our commit landed.
    #[must_use]
    pub fn new(wanted: Wanted, baseline: Option<&AppSnapshot>) -> Self {
        Self {
            wanted,
            baseline: baseline.map(Baseline::of).unwrap_or_default(),
            uid: baseline.map(|app| app.uid.clone()).unwrap_or_default(),
            timers: Timers::default(),
            asks: Asks::default(),
            compared_ours: false,
            synced_ours: false,
            absent: None,
            began: None,
            others: BTreeSet::new(),
        }
    }

    /// Adds what the commit before made of each resource: whatever is the same afterwards was not touched.
    #[must_use]
    pub fn with_managed(mut self, managed: &[Managed]) -> Self {
        self.baseline.manage(managed);
        self
    }

    /// Returns since when what is shown is about our commit, or our sync is at work: what was read of a canary before is not ours.
    #[must_use]
    pub fn began_ours(&self) -> Option<Duration> {
        self.timers.began_ours()
    }

    /// Judges what was seen. `now` never goes back.
    pub fn judge(&mut self, now: Duration, seen: &Seen<'_>) -> Verdict {
        self.began.get_or_insert(now);
        self.absent = None;
        if !self.uid.is_empty() && !seen.app.uid.is_empty() && self.uid != seen.app.uid {
            // It was created again: what was known of the old one says nothing of this one.
            self.timers = Timers::default();
            self.baseline = Baseline::default();
            self.compared_ours = false;
            self.synced_ours = false;
        }
        if !seen.app.uid.is_empty() {
            self.uid.clone_from(&seen.app.uid);
        }
        let others = seen
            .canaries
            .iter()
            .filter(|one| health::runs_another(one, &self.wanted.images));
        self.others.extend(others.map(|one| one.current.clone()));
        let facts = Facts::of(&self.wanted, *seen);
        if facts.compared.has_ours() && !facts.our_success() {
            self.baseline.stir(facts.app);
        }
        self.timers.update(now, &facts, &self.baseline);
        self.asks.refreshing = seen.refreshing;
        let mut round = Round {
            now,
            facts,
            wanted: &self.wanted,
            baseline: &self.baseline,
            timers: &self.timers,
            asks: &mut self.asks,
            compared_ours: self.compared_ours,
            synced_ours: self.synced_ours,
            others: &self.others,
        };
        let verdict = RULES.iter().find_map(|rule| rule(&mut round));
        let facts = round.facts;
        self.compared_ours |= facts.compared.has_ours();
        self.synced_ours |= facts.last.brings_ours();
        verdict.unwrap_or_else(|| green::live(&self.wanted, &facts, &self.baseline))
    }

    /// Judges that it was not to be seen, `why` in the server's words.
    pub fn absent(&mut self, now: Duration, why: &str) -> Verdict {
        let began = *self.began.get_or_insert(now);
        let (since, times) = self.absent.map_or((now, 1), |(since, times)| (since, times + 1));
        self.absent = Some((since, times));
        let name = &self.wanted.name;
        let never_seen = self.uid.is_empty();
        let over = if never_seen {
            now >= began + CREATE_GRACE
        } else {
            times >= 3 && now >= since + Duration::from_secs(10)
        };
        if over && never_seen {
            return Verdict::Failed {
                state: State::Gone,
                why: format!(
                    "{name} was not created within {}s, or the token cannot read it: {why}",
                    CREATE_GRACE.as_secs()
                ),
                hints: vec![
                    "check the application's name and namespace, and that the token has `applications, get` (set `argocd-project` to tell these apart)"
                        .to_owned(),
                ],
            };
        }
        if over {
            return Verdict::Failed {
                state: State::Gone,
                why: format!("{name} was deleted, or the token can no longer read it: {why}"),
                hints: vec!["find out who deleted the application or changed the token's rights".to_owned()],
            };
        }
        Verdict::Waiting(Waiting {
            state: State::Gone,
            why: if never_seen {
                format!("{name} is not there yet: {why}")
            } else {
                format!("{name} cannot be seen: {why}")
            },
            ask: None,
            again: None,
        })
    }
}

impl Round<'_, '_> {
    fn wait(&self, state: State, why: String) -> Verdict {
        self.wait_asking(state, why, None)
    }

    #[expect(clippy::unused_self, reason = "reads as what the round answers")]
    fn wait_asking(&self, state: State, why: String, ask: Option<Ask>) -> Verdict {
        Verdict::Waiting(Waiting {
            state,
            why,
            ask,
            again: None,
        })
    }

    /// Returns the ask if it is due by its schedule: the gaps in seconds, the last one repeating.
    fn due(&mut self, ask: Ask, state: State, gaps: &[u64]) -> Option<Ask> {
        self.asks.due(ask, state, gaps, self.now)
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "rules end with it, and a rule returns an option"
)]
fn fail(state: State, why: String, hint: &str) -> Option<Verdict> {
    Some(Verdict::Failed {
        state,
        why,
        hints: if hint.is_empty() {
            Vec::new()
        } else {
            vec![hint.to_owned()]
        },
    })
}
