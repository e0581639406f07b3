//! A GitHub on loopback: REST and GraphQL for one repository whose git content is the bare repository that the git host serves, so that git
//! and the API see one branch. Stateful, strict, with GitHub's statuses and words. What it does not know it refuses.
//!
//! A token has permissions. A pull request is worked out at its first look. Auto-merge arms only on a change. The queue works while
//! somebody looks at it.

mod app;
mod compare;
mod controls;
mod graphql;
mod language;
mod mutations;
mod objects;
mod pulls;
mod rest;
mod run;
mod serve;
mod shapes;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use anyhow::Context;
use axum::Router;
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub use pulls::{Pull, Review};
pub use run::{Approval, Deployment};
pub(crate) use shapes::{label, time, user};

use crate::argocd::exchange::Exchanges;
use crate::git::{GitHost, lock, on_own_thread};

/// How the stand-in behaves.
#[derive(Clone, Debug)]
pub struct GitHubOptions {
    /// `owner/name`, as the API and the address have it.
    pub name: String,
    /// The name of the repository on the git host.
    pub repository: String,
    /// The token that may do everything.
    pub token: String,
    /// The address of the web pages.
    pub server: String,
    /// The path before the REST API, such as `/api/v3`.
    pub root_path: String,
    /// A file that gets every exchange as a line of JSON.
    pub exchanges: Option<PathBuf>,
}

impl Default for GitHubOptions {
    fn default() -> Self {
        Self {
            name: "myorg/infra-repo".to_owned(),
            repository: "infra-repo".to_owned(),
            token: "sandbox-git-token".to_owned(),
            server: String::new(),
            root_path: "/api/v3".to_owned(),
            exchanges: None,
        }
    }
}

/// What a token may do: `contents`, `pull_requests`, … to `read` or `write`.
pub type Permissions = BTreeMap<String, String>;

/// What all requests share.
pub(crate) struct World {
    pub(crate) options: GitHubOptions,
    pub(crate) git: Arc<GitHost>,
    pub(crate) url: String,
    pub(crate) exchanges: Exchanges,
    /// Tokens with what they may do; `None`: everything.
    pub(crate) tokens: Mutex<Vec<(String, Option<Permissions>)>>,
    pub(crate) pulls: Mutex<Vec<Pull>>,
    /// Rules with their branch.
    pub(crate) rules: Mutex<Vec<(String, Value)>>,
    /// What the settings of `main` protect it from, as REST shows it; null: nothing.
    pub(crate) protection: Mutex<Value>,
    /// Commit, name, conclusion.
    pub(crate) checks: Mutex<Vec<(String, String, String)>>,
    pub(crate) required_checks: Mutex<Vec<String>>,
    pub(crate) required_reviews: Mutex<usize>,
    pub(crate) methods: Mutex<Vec<String>>,
    pub(crate) auto_merge: Mutex<bool>,
    pub(crate) ejections: Mutex<u32>,
    pub(crate) group: Mutex<Option<(String, String)>>,
    /// Part of a request, how often, status, seconds to wait.
    pub(crate) busy: Mutex<Vec<(String, u32, u16, u32)>>,
    /// Part of the path of a request, and what happens when it comes.
    overtakers: Mutex<Vec<(String, String, String)>>,
    pub(crate) runs: run::Runs,
    pub(crate) apps: app::Apps,
    /// Commits that the API made, and so signed.
    pub(crate) signed: Mutex<Vec<String>>,
    /// Writes come one after the other.
    pub(crate) writing: Mutex<()>,
    count: AtomicU64,
}

/// What is answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            headers: Vec::new(),
        }
    }

    /// GitHub's form of a refusal.
    pub(crate) fn refuse(status: u16, message: &str) -> Self {
        let mut reply = Self::refuse_briefly(status, message);
        reply.body["status"] = json!(status.to_string());
        reply
    }

    /// The same where the description has no `status` in the body, as for a merge.
    pub(crate) fn refuse_briefly(status: u16, message: &str) -> Self {
        Self::json(
            status,
            json!({"message": message, "documentation_url": "https://docs.github.com/rest"}),
        )
    }
}

/// One request, taken apart.
pub(crate) struct Ask {
    pub(crate) method: String,
    /// Below the root path, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Ask {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        let header = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("token "))
    }
}

/// A running stand-in. It listens on its own thread and stops when it is dropped.
pub struct GitHub {
    world: Arc<World>,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl GitHub {
    /// Starts it beside a git host, whose repository it shows. Git serves the repository under `owner/name`, too.
    ///
    /// # Errors
    /// The port cannot be had, or the folder cannot be linked.
    pub fn start_blocking(git: &Arc<GitHost>, mut options: GitHubOptions) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("listen on loopback")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (owner, name) = options.name.split_once('/').context("a name is owner/name")?;
        let folder = git.root().join(owner);
        std::fs::create_dir_all(&folder)?;
        let link = folder.join(format!("{name}.git"));
        if !link.exists() {
            std::os::unix::fs::symlink(git.path(&options.repository), link)?;
        }
        if options.server.is_empty() {
            options.server = format!("http://{}", git.address());
        }
        let world = Arc::new(World {
            url: format!("http://{address}"),
            git: Arc::clone(git),
            exchanges: Exchanges::open(options.exchanges.as_deref())?,
            tokens: Mutex::new(vec![(options.token.clone(), None)]),
            options,
            pulls: Mutex::default(),
            rules: Mutex::default(),
            protection: Mutex::default(),
            checks: Mutex::default(),
            required_checks: Mutex::default(),
            required_reviews: Mutex::default(),
            methods: Mutex::new(["squash", "merge", "rebase"].map(str::to_owned).to_vec()),
            auto_merge: Mutex::new(true),
            ejections: Mutex::default(),
            group: Mutex::default(),
            busy: Mutex::default(),
            overtakers: Mutex::default(),
            runs: run::Runs::default(),
            apps: app::Apps::default(),
            signed: Mutex::default(),
            writing: Mutex::default(),
            count: AtomicU64::new(1),
        });
        let stop = on_own_thread({
            let world = Arc::clone(&world);
            move || async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, Router::new().fallback(serve::serve).with_state(world)).await?;
                Ok(())
            }
        })?;
        Ok(Self {
            world,
            address,
            _stop: stop,
        })
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the REST API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}{}", self.world.url, self.world.options.root_path)
    }

    /// Returns the address of GraphQL.
    #[must_use]
    pub fn graphql_url(&self) -> String {
        format!("{}/api/graphql", self.world.url)
    }

    /// Returns the address of the repository as git knows it.
    #[must_use]
    pub fn repository_url(&self) -> String {
        format!("{}/{}", self.world.options.server, self.world.options.name)
    }
}

/// GitHub's words for a rule that a push does not pass.
fn rule_words(kind: &str) -> &'static str {
    match kind {
        "pull_request" => "Changes must be made through a pull request.",
        "merge_queue" => "Changes must be made through the merge queue.",
        "required_signatures" => "Commits must have verified signatures.",
        _ => "Cannot update this protected ref.",
    }
}

impl World {
    pub(crate) fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |now| now.as_secs())
    }

    pub(crate) fn stamp(&self) -> String {
        time(self.now())
    }

    pub(crate) fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// The address of the repository in the REST API.
    pub(crate) fn repository_url(&self) -> String {
        format!("{}{}/repos/{}", self.url, self.options.root_path, self.options.name)
    }

    /// Whether a token may do something.
    pub(crate) fn may(&self, ask: &Ask, permission: &str, level: &str) -> Result<(), Reply> {
        let Some(bearer) = ask.bearer() else {
            return Err(Reply::refuse(401, "Requires authentication"));
        };
        let tokens = lock(&self.tokens);
        let Some((_, permissions)) = tokens.iter().find(|(token, _)| token == bearer) else {
            return Err(Reply::refuse(401, "Bad credentials"));
        };
        let Some(permissions) = permissions else { return Ok(()) };
        let has = permissions.get(permission).map(String::as_str);
        match (has, level) {
            (Some("write"), _) | (Some("read"), "read") => Ok(()),
            _ => Err(Reply::refuse(403, "Resource not accessible by integration")),
        }
    }

    /// The words of the first rule of a branch that a commit by the API does not pass.
    pub(crate) fn forbids(&self, branch: &str) -> Option<String> {
        let rules = self.rules_of(branch);
        let kind = rules
            .iter()
            .filter_map(|rule| rule["type"].as_str())
            .find(|kind| ["pull_request", "merge_queue", "update", "required_status_checks"].contains(kind))?;
        Some(format!("Repository rule violations found\n\n{}\n\n", rule_words(kind)))
    }
}
