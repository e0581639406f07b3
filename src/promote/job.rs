//! What a run is to do: one variant for each command, with what that command needs and nothing else.

use std::time::Duration;

use crate::delivery;
use crate::githost::{Merge, People, Run};
use crate::github::Login;
use crate::http::Connections;
use crate::infrarepo::{Author, RepoAccess};
use crate::inputs::{Flags, value};
use crate::metrics;
use crate::model::{Command, CommitName, Timestamp};
use crate::plan::holds::{HeldImage, Of, Until};
use crate::plan::{Allow, Identity, Request, Select};
use crate::registry;

/// What every command needs: the servers, and who runs it.
#[derive(Clone, Debug)]
pub struct Common {
    /// The infra-repo.
    pub infra_repo: RepoAccess,
    /// The Argo CD server, if there is one.
    pub argocd: Option<delivery::Servers>,
    /// As whom registries are asked.
    pub registry: registry::Settings,
    /// Where metrics are, besides what templates say.
    pub metrics: metrics::Settings,
    /// What its connections have in common.
    pub connections: Connections,
    /// Who runs it, and where.
    pub identity: Identity,
    /// Author and committer of what is written to the infra-repo.
    pub author: Author,
    /// The run of a workflow that this is, if it is one on a GitHub.
    pub run: Option<Run>,
    /// How tokens for Argo CD are made, where none was given.
    pub login: Option<Login>,
    /// Whether changes are brought by pull requests.
    pub proposes: bool,
    /// The flags that a command of the report needs as well.
    pub flags: Flags,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Job {
    /// Lands a promotion and follows it.
    Promote(Promote),
    /// Shows what that would land.
    Plan(Request),
    /// Follows a commit.
    Wait(Wait),
    /// Watches what is live.
    Verify(Verify),
    /// Goes back to an earlier version.
    Rollback(Rollback),
    /// Shows the past.
    History(History),
    /// Shows what is pinned where.
    Status(Status),
    /// Checks what a promotion needs.
    Preflight(Select),
    /// Stops canaries.
    Abort(Abort),
    /// Lets paused canaries go on.
    Resume(Resume),
    /// Adds or removes holds.
    Hold(Hold),
}

impl Job {
    /// Returns the command that it is.
    #[must_use]
    pub const fn command(&self) -> Command {
        match self {
            Self::Promote(_) => Command::Promote,
            Self::Plan(_) => Command::Plan,
            Self::Wait(_) => Command::Wait,
            Self::Verify(_) => Command::Verify,
            Self::Rollback(_) => Command::Rollback,
            Self::History(_) => Command::History,
            Self::Status(_) => Command::Status,
            Self::Preflight(_) => Command::Preflight,
            Self::Abort(_) => Command::Abort,
            Self::Resume(_) => Command::Resume,
            Self::Hold(hold) => match hold.change {
                HoldChange::Add { .. } => Command::Hold,
                HoldChange::Release => Command::Release,
            },
        }
    }

    /// Whether it brings its commit by a pull request.
    #[must_use]
    pub const fn pull_requests(&self) -> bool {
        let landing = match self {
            Self::Promote(promote) => &promote.landing,
            Self::Rollback(rollback) => &rollback.landing,
            Self::Hold(hold) => &hold.landing,
            _ => return false,
        };
        matches!(landing.via, Via::PullRequest(_))
    }

    /// Returns the names of the apps and of the environments that it is about; none = all there are.
    #[must_use]
    pub fn about(&self) -> (Vec<String>, Vec<String>) {
        let select = match self {
            Self::Promote(promote) => &promote.request.select,
            Self::Plan(request) => &request.select,
            Self::Wait(wait) => &wait.select,
            Self::Verify(verify) => &verify.select,
            Self::Rollback(rollback) => &rollback.select,
            Self::History(history) => &history.select,
            Self::Status(job) => &job.select,
            Self::Preflight(select) => select,
            Self::Abort(abort) => &abort.select,
            Self::Resume(resume) => &resume.select,
            Self::Hold(hold) => {
                let names = |all: &[Of]| all.iter().map(|one| one.as_str().to_owned()).collect();
                return (names(&hold.apps), names(&hold.environments));
            }
        };
        (
            select.apps.iter().map(ToString::to_string).collect(),
            select.environments.iter().map(ToString::to_string).collect(),
        )
    }
}

/// `promote`.
#[derive(Clone, Debug)]
pub struct Promote {
    /// What is promoted where.
    pub request: Request,
    /// How its commit lands.
    pub landing: Landing,
    /// How long it waits for gates that open by themselves.
    pub gate_wait: Duration,
    /// Whether to follow the commit, where there is a server to ask.
    pub follow: bool,
    /// What the source repository shows of it.
    pub shows: Shows,
}

/// What the source repository shows of a promotion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shows {
    /// A deployment of the source commit.
    pub deployment: bool,
    /// A comment on its pull request.
    pub comment: bool,
}

impl Shows {
    /// Whether it shows anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.deployment || self.comment
    }
}

/// How a commit lands.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The bound of landing, retries included.
    pub within: Duration,
    /// Author and committer.
    pub author: Author,
    /// By which way.
    pub via: Via,
}

/// By which way a commit lands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// It is written to the branch, by a push or by GitHub's API.
    Branch,
    /// A pull request brings it to the branch.
    PullRequest(Proposing),
}

/// How a pull request is opened and merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposing {
    /// Who merges it.
    pub merge: Merge,
    /// How long its merge is waited for; zero: not at all.
    pub within: Duration,
    /// Whom GitHub asks to look at it.
    pub people: People,
}

/// `wait`.
#[derive(Clone, Debug)]
pub struct Wait {
    /// Whose applications are followed.
    pub select: Select,
    /// The commit to wait for; `None` = the head of the branch.
    pub commit: Option<CommitName>,
}

/// `verify`.
#[derive(Clone, Debug)]
pub struct Verify {
    /// Whose applications are watched.
    pub select: Select,
    /// The analyses that must succeed; empty = those of each environment.
    pub analyses: Vec<String>,
    /// How long; `None` = what the environment says, else as long as the analyses take.
    pub lasts: Option<Duration>,
}

/// `abort`.
#[derive(Clone, Debug)]
pub struct Abort {
    /// Whose canaries.
    pub select: Select,
    /// Why, in a person's words.
    pub reason: Option<String>,
}

/// `resume`.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Whose canaries.
    pub select: Select,
    /// Why, in a person's words.
    pub reason: Option<String>,
    /// Whether all that is left is passed, else one pause.
    pub full: bool,
}

/// `hold` or `release`.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Which of the two.
    pub change: HoldChange,
    /// Whose images.
    pub apps: Vec<Of>,
    /// Where.
    pub environments: Vec<Of>,
    /// Which images; empty = all.
    pub images: Vec<HeldImage>,
    /// Why, in a person's words.
    pub reason: Option<String>,
    /// How its commit lands.
    pub landing: Landing,
    /// Whether it is only shown what would be written.
    pub dry: bool,
}

/// What becomes of holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldChange {
    /// Some are added.
    Add {
        /// When they end by themselves.
        until: Option<Until>,
    },
    /// Those that match go.
    Release,
}

/// `rollback`.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an input of its own")]
pub struct Rollback {
    /// What goes back where.
    pub select: Select,
    /// The tag, digest or reference to go back to.
    pub to: Option<String>,
    /// The promotion to take back.
    pub commit: Option<CommitName>,
    /// Why.
    pub reason: Option<String>,
    /// Whether what is taken back is held.
    pub hold: bool,
    /// What the database looks like now.
    pub schema: Option<String>,
    /// The exceptions that are asked for.
    pub allow: Allow,
    /// How its commit lands.
    pub landing: Landing,
    /// Whether to follow the commit, where there is a server to ask.
    pub follow: bool,
    /// Whether to show only what it would do.
    pub dry: bool,
    /// Whether to ask before anything is written, where somebody can be asked.
    pub ask: bool,
}

/// `status`.
#[derive(Clone, Debug)]
pub struct Status {
    /// Whose state.
    pub select: Select,
    /// Whether it becomes a page, which shows the last events as well.
    pub page: bool,
}

/// `history`.
#[derive(Clone, Debug)]
pub struct History {
    /// Whose past.
    pub select: Select,
    /// How many rows at most.
    pub limit: usize,
    /// From when on.
    pub since: Option<Since>,
    /// Whether figures are shown, too.
    pub metrics: bool,
}

/// A time in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// This one.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl Since {
    /// Reads a date, a time in RFC 3339, or a duration.
    ///
    /// # Errors
    /// Says what it can be, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let at = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
        match at {
            Some(at) => Ok(Self::At(at)),
            None => value::duration(text).map(Self::Ago).map_err(|_| {
                "is not a time: write a date such as `2026-11-27`, a time in RFC 3339, or a duration before now such as `7d`".to_owned()
            }),
        }
    }

    /// Returns the point in time, seen from `now`.
    #[must_use]
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => Timestamp::at_unix(now.unix_seconds().saturating_sub(ago.as_secs())),
        }
    }
}
