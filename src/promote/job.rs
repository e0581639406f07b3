//! What a run is to do: one variant for each command, with what that command needs and nothing else.

use std::time::Duration;

use crate::delivery;
use crate::http::Connections;
use crate::infrarepo::{Author, RepoAccess};
use crate::metrics;
use crate::model::{Command, CommitName};
use crate::plan::holds::{HeldImage, Of, Until};
use crate::plan::{Identity, Request, Select};

/// What every command needs: the servers, and who runs it.
#[derive(Clone, Debug)]
pub struct Common {
    /// The infra-repo.
    pub infra_repo: RepoAccess,
    /// The Argo CD server, if there is one.
    pub argocd: Option<delivery::Settings>,
    /// Where metrics are, besides what templates say.
    pub metrics: metrics::Settings,
    /// What its connections have in common.
    pub connections: Connections,
    /// Who runs it, and where.
    pub identity: Identity,
    /// Author and committer of what is written to the infra-repo.
    pub author: Author,
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
    /// Shows what is pinned where.
    Status(Select),
    /// Checks what a promotion needs.
    Preflight(Select),
    /// Stops canaries.
    Abort(Select),
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

    /// Returns the names of the apps and of the environments that it is about; none = all there are.
    #[must_use]
    pub fn about(&self) -> (Vec<String>, Vec<String>) {
        let select = match self {
            Self::Promote(promote) => &promote.request.select,
            Self::Plan(request) => &request.select,
            Self::Wait(wait) => &wait.select,
            Self::Verify(verify) => &verify.select,
            Self::Status(select) | Self::Preflight(select) | Self::Abort(select) => select,
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
    /// Whether to follow the commit, where there is a server to ask.
    pub follow: bool,
}

/// How a commit lands.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The bound of landing, retries included.
    pub within: Duration,
    /// Author and committer.
    pub author: Author,
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

/// `resume`.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Whose canaries.
    pub select: Select,
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
