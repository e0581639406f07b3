//! The seam to the engine that deploys: read an application, refresh it, sync it, follow it.
//! Knows nothing of git or of what was promoted.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use crate::model::{Analysis, AppSnapshot, ApplicationId, Canary, Happening, Node, Resource, Secret, SyncWindows};

mod argocd;
mod problem;

pub use argocd::{ArgoCd, canary_of, snapshot_of, tree_of, windows_of};
pub use problem::Problem;

pub mod inputs;

/// Which server, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server, with its root path if there is one.
    pub server: Url,
    /// The bearer token.
    pub token: Secret,
    /// Headers for a proxy before it; the values are secret.
    pub headers: Vec<(String, Secret)>,
    /// The project, which tells "missing" from "not allowed".
    pub project: Option<String>,
}

/// How thoroughly an application is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Resolves the branch again, past the cache of revisions.
    Normal,
    /// Also renders the manifests again, past their cache: dear.
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

/// What a stream of changes tells.
#[derive(Clone, Debug)]
pub enum Change {
    /// An application, as it is now; also at the beginning, for every one there is.
    Seen(Box<AppSnapshot>),
    /// An application was deleted: as it was last.
    Deleted(Box<AppSnapshot>),
    /// The connection lives. It proves nothing else.
    Alive,
    /// Nothing more will come.
    Broken(Problem),
}

/// A stream of changes.
#[async_trait(?Send)]
pub trait Changes {
    /// Returns the next change. After [`Change::Broken`] it is not to be asked again.
    async fn next(&mut self) -> Change;
}

/// Reads applications. Holds no way to change one (a refresh makes the engine look again, no more).
#[async_trait(?Send)]
pub trait Observe {
    /// Returns the server's address as people know it.
    fn server(&self) -> String;

    /// Returns the project that is asked about, if one was given.
    fn project(&self) -> Option<&str>;

    /// Returns the application's page.
    fn page(&self, id: &ApplicationId) -> String;

    /// Returns the server's version. It is told to everybody: the token proves nothing here.
    ///
    /// # Errors
    /// As every call.
    async fn version(&self) -> Result<String, Problem>;

    /// Returns the name that the server knows us by.
    ///
    /// # Errors
    /// [`Problem::Token`] when it does not know us, and as every call.
    async fn whoami(&self) -> Result<String, Problem>;

    /// Reads one application.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn application(&self, id: &ApplicationId) -> Result<AppSnapshot, Problem>;

    /// Lists the applications that we may see, of every project: identity, project and sources only.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn applications(&self) -> Result<Vec<AppSnapshot>, Problem>;

    /// Tells whether we may sync it.
    ///
    /// # Errors
    /// Says what stands against asking.
    async fn may_sync(&self, app: &AppSnapshot) -> Result<bool, Problem>;

    /// Tells whether we may see every application of that name, whatever project it is in: one that is not shown to us is not there then.
    /// With the token of a project's role, whatever it is in that project.
    ///
    /// # Errors
    /// Says what stands against asking.
    async fn may_see(&self, id: &ApplicationId) -> Result<bool, Problem>;

    /// Makes the engine look again, and reads what it sees. The answer is no proof that it saw the newest commit.
    ///
    /// # Errors
    /// [`Problem::Slow`] when there is no answer in 25 s: the engine's controller may be away. The refresh stays asked for.
    async fn refresh(&self, id: &ApplicationId, how: Refresh) -> Result<AppSnapshot, Problem>;

    /// Opens a stream of changes. It may take until there is something to tell.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn stream(&self, scope: &Scope) -> Result<Box<dyn Changes>, Problem>;

    /// Returns the images of everything that is to run, whether it runs now or not.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn target_images(&self, id: &ApplicationId) -> Result<Vec<String>, Problem>;

    /// Returns the windows in which it may or may not be synced.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn windows(&self, id: &ApplicationId) -> Result<SyncWindows, Problem>;

    /// Returns all resources, with those that came of them.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn tree(&self, id: &ApplicationId) -> Result<Vec<Node>, Problem>;

    /// Returns the events of a resource, the newest last.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn events(&self, id: &ApplicationId, node: &Node) -> Result<Vec<Happening>, Problem>;

    /// Returns the last lines that a pod wrote; `before` = in its life before the last restart.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn logs(&self, id: &ApplicationId, pod: &Node, before: bool) -> Result<Vec<String>, Problem>;

    /// Returns what the object of a resource says of itself: how containers ended, what an analysis measured.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn said_by(&self, id: &ApplicationId, node: &Node) -> Result<Vec<String>, Problem>;

    /// Reads how far a Rollout is.
    ///
    /// # Errors
    /// Says what stands against it.
    async fn rollout(&self, id: &ApplicationId, rollout: &Resource) -> Result<Canary, Problem>;

    /// Returns how long an analysis of a Rollout takes when nothing fails, as far as its templates say so. What nobody shows us counts for
    /// nothing: an application shows only templates that are part of it.
    async fn analysis_length(&self, id: &ApplicationId, rollout: &Resource, analysis: &Analysis) -> Duration;
}

/// Changes applications. What only reads is never given one.
#[async_trait(?Send)]
pub trait Drive: Observe {
    /// Syncs to the tip of the branch it follows; `nonce` marks the operation as ours.
    /// Returns the application with the operation asked for and the revision it was resolved to.
    ///
    /// # Errors
    /// [`Problem::Busy`] when another operation is at work, [`Problem::Window`] when a sync window is closed, and as every call.
    async fn sync(&self, id: &ApplicationId, nonce: &str) -> Result<AppSnapshot, Problem>;
}
