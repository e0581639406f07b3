//! A real git server on loopback: `git http-backend` behind basic authentication, with the switches that real hosts differ in.
//! Knows nothing of the product; repositories are bare folders under one root and may be read there directly.
//!
//! ```no_run
//! # async fn demo() -> anyhow::Result<()> {
//! use sandbox::git::{GitHost, GitHostOptions};
//! let host = GitHost::start(GitHostOptions { token: Some("t0ken".into()), ..Default::default() }).await?;
//! let first = host.create("infra", &[("apps/api/overlays/dev/kustomization.yaml", "images: []\n")])?;
//! println!("{} is at {first}", host.url("infra"));
//! # Ok(())
//! # }
//! ```

mod backend;
mod forward;
mod proxy;
mod repository;
mod ssh;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context;
pub use backend::{Canned, Seen};
pub use forward::ForwardProxy;
pub use proxy::{Fault, FaultyProxy, Relay};
pub use ssh::{SshAgent, SshHost, SshHostOptions, new_key};
pub use tls::{Shown, TlsFront};
use tokio::sync::oneshot;

/// What a host does otherwise than git's own server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// It answers protocol v0 only, and refuses a fetch that does not ask for `multi_ack` (Azure DevOps).
    MultiAck,
    /// Its content types have a parameter, and capitals.
    ContentType,
}

/// How a host behaves. The default is an open host with filters, protocol v2 and eight workers.
#[derive(Clone, Debug)]
pub struct GitHostOptions {
    /// The password that every request must carry, whatever the user name; `None` = open to all.
    pub token: Option<String>,
    /// The user name that is accepted with the token; `None` = any.
    pub user: Option<String>,
    /// Whether partial clones are served (`uploadpack.allowFilter`).
    pub filters: bool,
    /// Whether `Git-Protocol: version=2` is listened to.
    pub protocol_v2: bool,
    /// How many requests are worked on at once.
    pub workers: usize,
    /// What it does otherwise.
    pub quirk: Option<Quirk>,
    /// The folder that its root is made in; `None` = the system's for temporary files.
    pub folder: Option<PathBuf>,
}

impl Default for GitHostOptions {
    fn default() -> Self {
        Self {
            token: None,
            user: None,
            filters: true,
            protocol_v2: true,
            workers: 8,
            quirk: None,
            folder: None,
        }
    }
}

/// A running host. It listens on its own thread, so that a test may block; it stops when it is dropped.
pub struct GitHost {
    root: tempfile::TempDir,
    address: SocketAddr,
    options: GitHostOptions,
    state: Arc<backend::State>,
    _stop: oneshot::Sender<()>,
}

impl GitHost {
    /// Starts a host on a free port of 127.0.0.1, with an empty root in a temporary folder.
    ///
    /// # Errors
    /// Git is not installed, or the port or the folder cannot be had.
    pub async fn start(options: GitHostOptions) -> anyhow::Result<Self> {
        Self::start_blocking(options)
    }

    /// The same, for code that is not async.
    ///
    /// # Errors
    /// As [`GitHost::start`].
    pub fn start_blocking(options: GitHostOptions) -> anyhow::Result<Self> {
        let mut root = tempfile::Builder::new();
        let root = match &options.folder {
            Some(folder) => root.prefix("git-host-").tempdir_in(folder)?,
            None => root.prefix("git-host-").tempdir()?,
        };
        let state = Arc::new(backend::State::new(root.path(), &options)?);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("listen on loopback")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = on_own_thread({
            let state = Arc::clone(&state);
            move || backend::serve(listener, state)
        })?;
        Ok(Self {
            root,
            address,
            options,
            state,
            _stop: stop,
        })
    }

    /// Returns the address of a repository: `http://127.0.0.1:PORT/NAME.git`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}.git", self.address)
    }

    /// Returns where the host listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the folder that holds the bare repositories, `NAME.git` each.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns the folder of one bare repository.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(format!("{name}.git"))
    }

    /// Returns what was asked so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.state.requests()
    }

    /// Forgets what was asked so far.
    pub fn forget_requests(&self) {
        self.state.forget();
    }

    /// Answers the next matching requests with something else than git's answer.
    pub fn answer(&self, canned: Canned) {
        self.state.can(canned);
    }

    /// Answers as git does again.
    pub fn forget_answers(&self) {
        self.state.forget_answers();
    }

    /// Changes the token that is accepted from now on.
    pub fn set_token(&self, token: Option<&str>) {
        self.state.set_token(token);
    }

    /// Accepts another token, which may read and not write.
    pub fn let_read(&self, token: &str) {
        self.state.set_reader(token);
    }

    pub(crate) fn options(&self) -> &GitHostOptions {
        &self.options
    }
}

/// Runs a server on a thread of its own until the returned sender is dropped.
pub(crate) fn on_own_thread<F, S>(server: S) -> anyhow::Result<oneshot::Sender<()>>
where
    S: FnOnce() -> F + Send + 'static,
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                result = server() => {
                    if let Err(error) = result {
                        eprintln!("sandbox: the server ended: {error:#}");
                    }
                }
                _ = stopped => {}
            }
        });
        runtime.shutdown_background();
    });
    Ok(stop)
}

/// A list behind a lock whose poisoning does not matter.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::repository::git;
    use super::*;

    fn with_token(host: &GitHost, name: &str, token: &str) -> String {
        host.url(name).replace("http://", &format!("http://anyone:{token}@"))
    }

    #[test]
    fn the_real_git_clones_and_pushes_with_the_token_only() {
        let host = GitHost::start_blocking(GitHostOptions {
            token: Some("t0ken".to_owned()),
            ..GitHostOptions::default()
        })
        .unwrap();
        let first = host.create("infra", &[("a/b.txt", "one\n")]).unwrap();
        let work = tempfile::tempdir().unwrap();
        for url in [host.url("infra"), with_token(&host, "infra", "wrong")] {
            assert!(git(work.path(), &["clone", "-q", &url, "no"], b"").is_err());
        }
        let url = with_token(&host, "infra", "t0ken");
        git(
            work.path(),
            &["clone", "-q", "--depth=1", "--filter=blob:none", &url, "in"],
            b"",
        )
        .unwrap();
        let clone = work.path().join("in");
        assert_eq!(std::fs::read_to_string(clone.join("a/b.txt")).unwrap(), "one\n");
        std::fs::write(clone.join("a/b.txt"), "two\n").unwrap();
        git(&clone, &["commit", "-qam", "Two"], b"").unwrap();
        git(&clone, &["push", "-q"], b"").unwrap();
        assert_eq!(host.read("infra", "a/b.txt").unwrap(), "two\n");
        assert_eq!(host.git("infra", &["rev-parse", "main^"]).unwrap().trim(), first);
        let other = host.push_commit("infra", "c.txt", "three", "Three").unwrap();
        assert_eq!(host.tip("infra").unwrap(), other);
        assert_eq!(host.git("infra", &["rev-list", "--count", "main"]).unwrap(), "3\n");
        let seen = host.requests();
        assert!(
            seen.iter()
                .any(|row| row.path == "/infra.git/git-receive-pack" && row.status == 200 && row.up > 0)
        );
        assert!(seen.iter().any(|row| row.status == 401 && !row.authorized));
    }

    #[test]
    fn compressed_requests_and_hooks_work() {
        let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
        host.create("infra", &[("a", "1")]).unwrap();
        // Many local commits: the `have` lines make the request long enough that git compresses it.
        let work = tempfile::tempdir().unwrap();
        git(work.path(), &["clone", "-q", &host.url("infra"), "in"], b"").unwrap();
        let clone = work.path().join("in");
        for n in 0..40 {
            git(&clone, &["commit", "-q", "--allow-empty", "-m", &n.to_string()], b"").unwrap();
        }
        host.push_commit("infra", "b", "2", "Other").unwrap();
        git(&clone, &["-c", "protocol.version=0", "fetch", "-q"], b"").unwrap();
        host.hook("infra", "pre-receive", "#!/bin/sh\necho no way >&2\nexit 1\n")
            .unwrap();
        let said = git(&clone, &["push", "-f"], b"").unwrap_err().to_string();
        assert!(said.contains("no way") && said.contains("hook declined"), "{said}");
    }

    #[test]
    fn a_canned_answer_is_given_as_often_as_asked() {
        let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
        host.create("infra", &[("a", "1")]).unwrap();
        host.answer(Canned {
            path: "infra.git/info/refs".to_owned(),
            times: 1,
            status: 503,
            headers: Vec::new(),
            body: Vec::new(),
        });
        let ls = || git(host.root(), &["ls-remote", &host.url("infra")], b"");
        assert!(ls().is_err());
        assert!(ls().unwrap().contains("refs/heads/main"));
    }

    #[test]
    fn the_proxy_harms_only_what_it_was_told_to() {
        let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
        host.create("infra", &[("a", "1")]).unwrap();
        let proxy = FaultyProxy::start(host.address(), &[(0, Fault::CutAfter)]).unwrap();
        let ls = || git(host.root(), &["ls-remote", &proxy.url("infra")], b"");
        assert!(ls().is_err());
        assert!(ls().unwrap().contains("refs/heads/main"));
        assert!(proxy.seen().len() >= 2);
        let relay = Relay::start(host.address(), std::time::Duration::from_millis(1)).unwrap();
        let said = git(
            host.root(),
            &["ls-remote", &format!("http://{}/infra.git", relay.address())],
            b"",
        )
        .unwrap();
        assert!(said.contains("refs/heads/main"));
    }
}
