//! An Argo CD on loopback: stateful, strict, and as slow or as fast as a test wants it. It reads the git host's repositories itself, holds an
//! old green after a push until it is refreshed, syncs automated applications, and walks canaries.
//!
//! Bodies, statuses and the order of patches are those of recorded traffic of 3.2 and 3.5. Image tags decide what becomes of a version:
//! `bad…` ImagePullBackOff, `crash…` CrashLoopBackOff, `slow…` ready after 20 s, `never…` never ready (its probe fails), `fail…` a hook
//! fails, `hang…` a hook never ends, `breach…` an analysis fails; everything else becomes healthy.

mod accounts;
mod api;
mod application;
mod canary;
mod clock;
mod compare;
mod controller;
pub(crate) mod exchange;
mod faults;
mod hydrator;
mod operation;
mod render;
mod revisions;
mod source;
mod tree;
mod workload;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

pub use exchange::Asked;
pub use faults::Canned;

use crate::git::{GitHost, lock, on_own_thread};
use accounts::Accounts;
use application::App;
use clock::Clock;
use exchange::Exchanges;
use faults::Faults;
use source::Sources;

/// How the stand-in behaves.
#[derive(Clone, Debug)]
pub struct ArgoCdOptions {
    /// How much faster than real time it runs.
    pub speed: f64,
    /// How often an application is compared with git without being asked, on the stand-in's clock; `None` = only when asked.
    pub reconcile: Option<Duration>,
    /// The path before `/api`, such as `/argocd`.
    pub root_path: String,
    /// The port; 0 = any free one.
    pub port: u16,
    /// A file that gets every exchange as a line of JSON.
    pub exchanges: Option<PathBuf>,
}

impl Default for ArgoCdOptions {
    fn default() -> Self {
        Self {
            speed: 1.0,
            reconcile: Some(Duration::from_secs(120)),
            root_path: String::new(),
            port: 0,
            exchanges: None,
        }
    }
}

/// The namespace of the server, in which an application needs no other name than its own.
pub(crate) const OWN_NAMESPACE: &str = "argocd";

/// What the API and the controller share.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) options: ArgoCdOptions,
    pub(crate) sources: Sources,
    pub(crate) accounts: Accounts,
    pub(crate) exchanges: Exchanges,
    pub(crate) url: String,
    apps: Mutex<BTreeMap<String, Arc<App>>>,
    /// An application was made.
    pub(crate) created: Notify,
    version: AtomicU64,
    down: AtomicBool,
    /// The sync windows of applications.
    pub(crate) windows: Mutex<BTreeMap<String, Vec<SyncWindow>>>,
    /// The sets of applications, by name, with the type of their strategy.
    pub(crate) sets: Mutex<BTreeMap<String, String>>,
    /// What goes wrong.
    pub(crate) faults: Faults,
}

/// A sync window. Whether it is on is said, not worked out.
#[derive(Clone, Debug)]
pub struct SyncWindow {
    /// `allow` or `deny`.
    pub kind: &'static str,
    /// When it begins, as cron.
    pub schedule: String,
    /// How long it is, such as `1h`.
    pub duration: String,
    /// Whether manual syncs are exempt.
    pub manual: bool,
    /// Whether it is on.
    pub active: bool,
}

impl World {
    pub(crate) fn next_version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::Relaxed)
    }

    /// Finds an application by its name, with its namespace before it (`team-a/api`) where that is not the server's own.
    pub(crate) fn app(&self, name: &str) -> Option<Arc<App>> {
        lock(&self.apps).get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<App>> {
        lock(&self.apps).values().cloned().collect()
    }

    /// Whether the sync windows of an application let it be synced now, by hand or automatically.
    pub(crate) fn may_sync_now(&self, name: &str, by_hand: bool) -> bool {
        let windows = lock(&self.windows);
        let all = windows.get(name).map(Vec::as_slice).unwrap_or_default();
        let exempt = |window: &SyncWindow| by_hand && window.manual;
        let denied = all
            .iter()
            .any(|window| window.kind == "deny" && window.active && !exempt(window));
        let mut allows = all.iter().filter(|window| window.kind == "allow").peekable();
        !denied && (allows.peek().is_none() || allows.any(|window| window.active || exempt(window)))
    }

    /// Waits as long as the controller is down.
    pub(crate) async fn wait_while_down(&self) {
        while self.down.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A running stand-in. It listens on its own thread and stops when it is dropped.
pub struct ArgoCd {
    world: Arc<World>,
    handle: Handle,
    _stop: oneshot::Sender<()>,
}

impl ArgoCd {
    /// Starts it beside a git host, whose repositories it may read.
    ///
    /// # Errors
    /// The port or the file of exchanges cannot be had.
    pub fn start_blocking(git: &Arc<GitHost>, options: ArgoCdOptions) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", options.port)).context("listen on loopback")?;
        listener.set_nonblocking(true)?;
        let clock = Clock::start(options.speed);
        let world = Arc::new(World {
            clock,
            sources: Sources::new(git),
            accounts: Accounts::new(clock.stamp_before(Duration::from_secs(86_400)))?,
            exchanges: Exchanges::open(options.exchanges.as_deref())?,
            url: format!("http://{}{}", listener.local_addr()?, options.root_path),
            options,
            apps: Mutex::default(),
            created: Notify::new(),
            version: AtomicU64::new(1000),
            down: AtomicBool::new(false),
            windows: Mutex::default(),
            sets: Mutex::default(),
            faults: Faults::default(),
        });
        let (tell, told) = std::sync::mpsc::channel();
        let stop = on_own_thread({
            let world = Arc::clone(&world);
            move || async move {
                let _ = tell.send(Handle::current());
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, api::router(world)).await?;
                Ok(())
            }
        })?;
        let handle = told.recv().context("the server did not start")?;
        Ok(Self {
            world,
            handle,
            _stop: stop,
        })
    }

    /// Returns the address of the server, with its root path.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.world.url
    }

    /// Returns a good token of `ci` (get, sync, actions, logs), `viewer` (get) or `nobody`; empty when it was revoked.
    #[must_use]
    pub fn token(&self, account: &str) -> String {
        self.world.accounts.token(account).unwrap_or_default()
    }

    /// Makes a token of an account that says of itself when it ends, in seconds since 1970.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn token_until(&self, account: &str, ends: u64) -> anyhow::Result<String> {
        self.world.accounts.issue(account, Some(ends))
    }

    /// Takes all tokens of an account back.
    pub fn revoke(&self, account: &str) {
        self.world.accounts.revoke(account);
    }

    /// Lets all tokens of an account expire.
    pub fn expire(&self, account: &str) {
        self.world.accounts.expire(account);
    }

    /// Makes an application of a manifest, or replaces its `spec`. `settled` = it has been synced and healthy for long.
    ///
    /// # Errors
    /// The manifest has no name.
    pub fn apply(&self, manifest: &Value, settled: bool) -> anyhow::Result<()> {
        let name = manifest["metadata"]["name"]
            .as_str()
            .context("an Application has a name")?;
        let key = match manifest["metadata"]["namespace"].as_str() {
            Some(namespace) if namespace != OWN_NAMESPACE => format!("{namespace}/{name}"),
            _ => name.to_owned(),
        };
        if let Some(app) = self.world.app(&key) {
            app.patch(self.world.next_version(), |state| {
                state.object["spec"] = manifest["spec"].clone()
            });
            return Ok(());
        }
        let mut meta = manifest["metadata"].clone();
        let version = self.world.next_version();
        meta["namespace"] = json!(meta["namespace"].as_str().unwrap_or(OWN_NAMESPACE));
        // Another one each time: what is made anew under an old name is not the old one.
        meta["uid"] = json!(tree::uid(&format!("{key} {version}")));
        meta["creationTimestamp"] = json!(self.world.clock.stamp_now());
        meta["resourceVersion"] = json!(version.to_string());
        meta["generation"] = json!(1);
        let app = Arc::new(App::new(
            name,
            json!({"metadata": meta, "spec": manifest["spec"], "status": {
                "sync": {"status": "Unknown"}, "health": {"status": "Missing"}, "summary": {}, "sourceHydrator": {},
            }}),
        ));
        if settled {
            self.world.settle(&app);
        }
        lock(&self.world.apps).insert(key, Arc::clone(&app));
        for _loop in [
            self.handle
                .spawn(Arc::clone(&self.world).refresh_loop(Arc::clone(&app))),
            self.handle
                .spawn(Arc::clone(&self.world).operation_loop(Arc::clone(&app))),
            self.handle.spawn(Arc::clone(&self.world).health_loop(Arc::clone(&app))),
        ] {}
        if !settled {
            self.world.annotate(&app, "normal");
        }
        self.world.created.notify_waiters();
        Ok(())
    }

    /// Changes the `spec` of an application, as somebody with kubectl would.
    pub fn edit(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        if let Some(app) = self.world.app(name) {
            app.patch(self.world.next_version(), |state| edit(&mut state.object["spec"]));
        }
    }

    /// Makes an ApplicationSet with this type of strategy (`RollingSync`, or nothing).
    pub fn set(&self, name: &str, strategy: &str) {
        lock(&self.world.sets).insert(name.to_owned(), strategy.to_owned());
    }

    /// Deletes an application.
    pub fn delete(&self, name: &str) {
        if let Some(app) = lock(&self.world.apps).remove(name) {
            app.deleted();
        }
    }

    /// Returns an application as a client would see it.
    #[must_use]
    pub fn application(&self, name: &str) -> Option<Value> {
        Some(self.world.app(name)?.look(|state| state.object.clone()))
    }

    /// Ends a canary's pause, aborts it, …: the action of a Rollout, as a person would run it.
    pub fn act(&self, name: &str, action: &str) {
        if let Some(app) = self.world.app(name) {
            api::act(&self.world, &app, action);
        }
    }

    /// Asks for a comparison with git, as a webhook does.
    pub fn refresh(&self, name: &str) {
        if let Some(app) = self.world.app(name) {
            self.world.annotate(&app, "normal");
        }
    }

    /// Syncs an application to the tip of its branch, as a person with the web page would.
    ///
    /// # Errors
    /// The words of the refusal.
    pub fn sync(&self, name: &str) -> Result<(), String> {
        let app = self.world.app(name).ok_or("no such application")?;
        api::sync_by_hand(&self.world, &app)
    }

    /// Stops the controller: refreshes block and operations are not picked up. Starts it again with `false`.
    pub fn stop_controller(&self, down: bool) {
        self.world.down.store(down, Ordering::Relaxed);
    }

    /// Gives an application its sync windows, in place of those that it has.
    pub fn sync_windows(&self, name: &str, windows: Vec<SyncWindow>) {
        lock(&self.world.windows).insert(name.to_owned(), windows);
    }

    /// Returns what was asked so far, in order of the answers.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.world.exchanges.asked()
    }
}
