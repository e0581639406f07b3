//! The seam to the engine that deploys: who may do what, how an application is, why it is so, and what changes it.
//! Knows nothing of git or of what was promoted.

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use crate::http::{Client, Tokens};
use crate::model::{
    Analysis, AppSnapshot, ApplicationId, Canary, EnvironmentName, Fault, Happening, Managed, Node, Resource, Said,
    Secret, SyncWindows, Timestamp,
};

mod argocd;
mod change;
mod problem;
mod several;

pub use change::Change;
pub use problem::Problem;

pub mod inputs;

/// Reads single answers of the engine, for the tests that replay recorded ones.
#[doc(hidden)]
pub mod testing {
    pub use super::argocd::{canary_of, snapshot_of, tree_of, windows_of};
}

/// Which server, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server, with its root path if there is one.
    pub server: Url,
    /// The bearer token; empty where `tokens` makes them.
    pub token: Secret,
    /// What makes tokens in this run, in place of the one that was given.
    pub tokens: Option<Rc<dyn Tokens>>,
    /// Headers for a proxy before it; the values are secret.
    pub headers: Vec<(String, Secret)>,
    /// The project, which distinguishes "missing" from "not allowed".
    pub project: Option<String>,
}

/// How thoroughly an application is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Resolves the branch again, past the cache of revisions.
    Normal,
    /// Also renders the manifests again, past their cache: expensive for the server.
    Hard,
}

/// What a stream of changes is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One application.
    One(ApplicationId),
    /// Every one that we may see.
    All,
}

/// A stream of changes.
#[async_trait(?Send)]
pub trait Changes {
    /// Returns the next change. After [`Change::Broken`] it is not to be asked again.
    async fn next(&mut self) -> Change;
}

/// Asks which server this is, as whom it is asked, and what the token permits.
#[async_trait(?Send)]
pub trait Access {
    /// Returns the server's address as people know it.
    fn server(&self) -> String;

    /// Returns the project that is asked about, if one was given.
    fn project(&self) -> Option<&str>;

    /// Whether it is one server, so that one stream can show all applications.
    fn is_one(&self) -> bool {
        true
    }

    /// Returns the server's version. The server shows it to everybody: it proves nothing about the token.
    ///
    /// # Errors
    /// As every call.
    async fn version(&self) -> Result<String, Problem>;

    /// Returns the user name that the token belongs to.
    ///
    /// # Errors
    /// [`Problem::Token`] when the server rejects the token, and as every call.
    async fn whoami(&self) -> Result<String, Problem>;

    /// Whether the token permits a sync of the application.
    ///
    /// # Errors
    /// As every call.
    async fn may_sync(&self, app: &AppSnapshot) -> Result<bool, Problem>;

    /// Whether the token has a right on the application, such as `logs`, `get`.
    ///
    /// # Errors
    /// As every call.
    async fn may(&self, resource: &str, verb: &str, app: &AppSnapshot) -> Result<bool, Problem>;

    /// Whether the token permits an action on the Rollouts of the application, as far as that can be known without doing it: the
    /// server is asked to do it with a Rollout that cannot exist, and looks at the right first.
    ///
    /// # Errors
    /// As every call.
    async fn may_act(&self, id: &ApplicationId, action: Action) -> Result<bool, Problem>;

    /// Whether the token permits reading every application of that name, whatever its project: one that the server does not show
    /// does not exist then. With the token of a project's role, whatever it is in that project.
    ///
    /// # Errors
    /// As every call.
    async fn may_see(&self, id: &ApplicationId) -> Result<bool, Problem>;
}

/// Reads applications. Holds no way to change one (a refresh makes the engine compare again, no more).
#[async_trait(?Send)]
pub trait Observe: Access {
    /// Returns the address of the application's page.
    fn page(&self, id: &ApplicationId) -> String;

    /// Reads one application.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn application(&self, id: &ApplicationId) -> Result<AppSnapshot, Problem>;

    /// Lists the applications that we may see, of every project: identity, project and sources only.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn applications(&self) -> Result<Vec<AppSnapshot>, Problem>;

    /// Makes the engine look again, and reads what it sees. The answer is no proof that it saw the newest commit.
    ///
    /// # Errors
    /// [`Problem::Slow`] when there is no answer in 25 s: the engine's controller may be away. The refresh stays asked for.
    async fn refresh(&self, id: &ApplicationId, how: Refresh) -> Result<AppSnapshot, Problem>;

    /// Opens a stream of changes. It may take until there is something to say.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn stream(&self, scope: &Scope) -> Result<Box<dyn Changes>, Problem>;

    /// Returns what the commit that is compared makes of each resource, whether it runs now or not.
    ///
    /// # Errors
    /// As every call.
    async fn managed(&self, id: &ApplicationId) -> Result<Vec<Managed>, Problem>;

    /// Whether a set of applications (`ApplicationSet`) in a namespace syncs its applications, of which `app` is one, itself, one step after the other.
    ///
    /// # Errors
    /// As every call; [`Problem::Forbidden`] without the right `applicationsets, get`.
    async fn rolls_out(&self, set: &str, app: &AppSnapshot) -> Result<bool, Problem>;

    /// Returns the windows in which it may or may not be synced.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn windows(&self, id: &ApplicationId) -> Result<SyncWindows, Problem>;

    /// Returns all resources, with those that came of them.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn tree(&self, id: &ApplicationId) -> Result<Vec<Node>, Problem>;

    /// Reads how far a Rollout is.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn rollout(&self, id: &ApplicationId, rollout: &Resource) -> Result<Canary, Problem>;

    /// Returns how long an analysis of a Rollout takes when nothing fails, as far as its templates say so. What nobody shows us counts for
    /// nothing: an application shows only templates that are part of it.
    async fn analysis_length(&self, id: &ApplicationId, rollout: &Resource, analysis: &Analysis) -> Duration;
}

/// Reads why a resource is as it is: slow and optional, asked only about what is not well.
#[async_trait(?Send)]
pub trait Inspect {
    /// Returns the events of a resource, the newest last.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn events(&self, id: &ApplicationId, node: &Node) -> Result<Vec<Happening>, Problem>;

    /// Returns the last lines that a pod wrote; `before` = in its life before the last restart.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn logs(&self, id: &ApplicationId, pod: &Node, before: bool) -> Result<Vec<String>, Problem>;

    /// Returns what the object of a resource says of itself: how containers ended, what an analysis measured.
    ///
    /// # Errors
    /// Says what prevents it.
    async fn said_by(&self, id: &ApplicationId, node: &Node) -> Result<Said, Problem>;
}

/// What a person can do with an Argo Rollouts Rollout. The server runs each whether it makes sense or not: who acts looks before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ends the pause that is on. An analysis that was inconclusive is made again.
    Resume,
    /// Leaves the step that it is at, with its pause, for the next one.
    SkipStep,
    /// Skips all that is left: steps, pauses and analyses.
    PromoteFull,
    /// Moves all traffic to the stable version.
    Abort,
    /// Starts an aborted update again, at its first step.
    Retry,
}

impl Action {
    /// Returns the engine's name of it, which is also that of the right `action/argoproj.io/Rollout/NAME`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::SkipStep => "skip-current-step",
            Self::PromoteFull => "promote-full",
            Self::Abort => "abort",
            Self::Retry => "retry",
        }
    }
}

/// Changes applications. A command that only reads is never given one.
#[async_trait(?Send)]
pub trait Drive: Observe {
    /// Syncs to the tip of the branch it follows; `nonce` marks the operation as this run's, `prune` deletes what the tip no longer has.
    /// Returns the application with the requested operation and the revision that it resolved to.
    ///
    /// # Errors
    /// [`Problem::Busy`] when another operation is running, [`Problem::Window`] when a sync window is closed, and as every call.
    async fn sync(&self, id: &ApplicationId, nonce: &str, prune: bool) -> Result<AppSnapshot, Problem>;

    /// Stops the operation that is running. The engine needs up to some seconds until it has ended. Returns false when none is running.
    ///
    /// # Errors
    /// As every call.
    async fn terminate(&self, id: &ApplicationId) -> Result<bool, Problem>;

    /// Does something with a Rollout of an application. That the engine accepts it is no proof that anything changed.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] without the right `action/argoproj.io/Rollout/NAME`, [`Problem::Passing`] when the engine has lost sight of
    /// the Rollout for a moment, and as every call.
    async fn act(&self, id: &ApplicationId, rollout: &Resource, action: Action) -> Result<(), Problem>;
}

/// All that only reads.
pub trait Reader: Observe + Inspect {}

impl<T: Observe + Inspect> Reader for T {}

/// All that an engine can do.
pub trait Engine: Drive + Reader {}

impl<T: Drive + Reader> Engine for T {}

/// Which servers there are.
#[derive(Clone, Debug)]
pub enum Servers {
    /// One for all environments.
    One(Settings),
    /// One for each of these environments.
    Each {
        /// The servers.
        servers: Vec<(EnvironmentName, Settings)>,
        /// The environments that the run is about; empty = all.
        about: Vec<EnvironmentName>,
    },
}

impl Servers {
    /// Returns all of them.
    pub fn all(&self) -> impl Iterator<Item = &Settings> {
        let (one, each) = match self {
            Self::One(one) => (Some(one), [].as_slice()),
            Self::Each { servers, .. } => (None, servers.as_slice()),
        };
        one.into_iter().chain(each.iter().map(|(_, settings)| settings))
    }

    /// Returns their addresses as the input `argocd-server` takes them in one line.
    #[must_use]
    pub fn shown(&self) -> String {
        let address = |settings: &Settings| settings.server.as_str().trim_end_matches('/').to_owned();
        match self {
            Self::One(one) => address(one),
            Self::Each { servers, .. } => {
                let each = servers
                    .iter()
                    .map(|(name, settings)| format!("{name}={}", address(settings)));
                each.collect::<Vec<_>>().join(",")
            }
        }
    }

    /// Returns until when the first of their tokens is valid, as far as the tokens say.
    #[must_use]
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.all().filter_map(|settings| settings.token.valid_until()).min()
    }
}

/// Returns the engine of `servers`. Sends nothing.
///
/// # Errors
/// `invalid` when a server's address must not carry a secret, or a header cannot be sent.
pub fn open(servers: &Servers, client: &Client) -> Result<Box<dyn Engine>, Fault> {
    let one = |settings: &Settings| -> Result<Box<dyn Engine>, Fault> {
        Ok(Box::new(argocd::ArgoCd::new(client.clone(), settings.clone())?))
    };
    match servers {
        Servers::One(settings) => one(settings),
        Servers::Each { servers, about } => {
            let each = servers.iter().map(|(name, settings)| {
                Ok(several::Server {
                    environment: name.to_string(),
                    asked: about.is_empty() || about.contains(name),
                    engine: one(settings)?,
                })
            });
            Ok(Box::new(several::Several(each.collect::<Result<_, Fault>>()?)))
        }
    }
}
