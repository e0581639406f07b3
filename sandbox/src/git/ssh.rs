//! The repositories of a host behind the real sshd of OpenSSH, on loopback and without anyone's configuration.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};

use super::{GitHost, lock};

/// How the sshd behaves.
#[derive(Clone, Debug)]
pub struct SshHostOptions {
    /// Whether `GIT_PROTOCOL` is taken from the client: without it git talks v0.
    pub protocol_v2: bool,
    /// The types of its host keys, for `ssh-keygen -t`.
    pub host_keys: Vec<&'static str>,
    /// Lines added to its configuration.
    pub lines: Vec<String>,
}

impl Default for SshHostOptions {
    fn default() -> Self {
        Self {
            protocol_v2: true,
            host_keys: vec!["ed25519"],
            lines: Vec::new(),
        }
    }
}

/// A running sshd: one process a connection, as inetd would run it. It takes no more connections when it is dropped.
pub struct SshHost {
    folder: tempfile::TempDir,
    user: String,
    port: u16,
    options: SshHostOptions,
    stopped: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    /// The other ends of the connections.
    lines: Arc<Mutex<Vec<TcpStream>>>,
}

impl SshHost {
    /// Starts sshd on a free port of 127.0.0.1. `None`: it is not installed.
    ///
    /// # Errors
    /// A key cannot be made, or the port or the folder cannot be had.
    pub fn start(options: SshHostOptions) -> anyhow::Result<Option<Self>> {
        let Some(program) = program("sshd") else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("ssh-host-").tempdir()?;
        let user = String::from_utf8(Command::new("id").arg("-un").output()?.stdout)?;
        let user = user.trim().to_owned();
        if user == "root" {
            // Where sshd locks itself in before it knows who asks.
            std::fs::create_dir_all("/run/sshd")?;
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let host = Self {
            port: listener.local_addr()?.port(),
            folder,
            user,
            options,
            stopped: Arc::default(),
            connections: Arc::default(),
            lines: Arc::default(),
        };
        std::fs::write(host.path("authorized_keys"), "")?;
        let mut config = format!(
            "AuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nPidFile none\nLogLevel ERROR\nUseDNS no\n",
            host.path("authorized_keys").display()
        );
        for kind in &host.options.host_keys {
            let file = host.path(&format!("host_{kind}"));
            generate(kind, &file)?;
            config += &format!("HostKey {}\n", file.display());
        }
        if host.options.protocol_v2 {
            config += "AcceptEnv GIT_PROTOCOL\n";
        }
        for line in &host.options.lines {
            config += &format!("{line}\n");
        }
        std::fs::write(host.path("sshd_config"), config)?;
        let (file, stopped) = (host.path("sshd_config"), Arc::clone(&host.stopped));
        let (connections, lines) = (Arc::clone(&host.connections), Arc::clone(&host.lines));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                connections.fetch_add(1, Ordering::SeqCst);
                lock(&lines).extend(stream.try_clone());
                if let Err(error) = serve(&program, &file, stream) {
                    eprintln!("sandbox: sshd: {error:#}");
                }
            }
        });
        Ok(Some(host))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes every connection, as a host does after a while.
    pub fn hang_up(&self) {
        for line in lock(&self.lines).drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }

    /// Returns how many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns the address of a repository of `host`: `ssh://USER@127.0.0.1:PORT/PATH`.
    #[must_use]
    pub fn url(&self, host: &GitHost, name: &str) -> String {
        format!(
            "ssh://{}@127.0.0.1:{}{}",
            self.user,
            self.port,
            host.path(name).display()
        )
    }

    /// Returns the lines by which this host is known.
    ///
    /// # Errors
    /// A key of the host is not there.
    pub fn known_hosts(&self) -> anyhow::Result<String> {
        let mut lines = String::new();
        for kind in &self.options.host_keys {
            let key = std::fs::read_to_string(self.path(&format!("host_{kind}.pub")))?;
            lines += &format!("[127.0.0.1]:{} {key}", self.port);
        }
        Ok(lines)
    }

    /// Makes a key that may log in, and returns its private half. `kind` is for `ssh-keygen -t`; other arguments may follow it.
    ///
    /// # Errors
    /// `ssh-keygen` fails.
    pub fn key(&self, kind: &str) -> anyhow::Result<String> {
        self.key_with(kind, "")
    }

    /// The same, limited by options of `authorized_keys` such as `command="…"`.
    ///
    /// # Errors
    /// `ssh-keygen` fails.
    pub fn key_with(&self, kind: &str, options: &str) -> anyhow::Result<String> {
        use std::io::Write;
        let (private, public) = new_key(kind)?;
        let space = if options.is_empty() { "" } else { " " };
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(self.path("authorized_keys"))?;
        write!(file, "{options}{space}{public}")?;
        Ok(private)
    }
}

impl Drop for SshHost {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A real ssh-agent, which ends when it is dropped.
pub struct SshAgent {
    child: Child,
    folder: tempfile::TempDir,
}

impl SshAgent {
    /// Starts one without keys, and waits until it listens.
    ///
    /// # Errors
    /// It is not installed, or does not come up.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("ssh-agent-").tempdir()?;
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(folder.path().join("socket"))
            .stdout(Stdio::null())
            .spawn()
            .context("run ssh-agent")?;
        let agent = Self { child, folder };
        for _ in 0..1000 {
            if agent.socket().exists() {
                return Ok(agent);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        bail!("ssh-agent does not listen")
    }

    /// Returns where it listens: the value of `SSH_AUTH_SOCK`.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Gives it a private key.
    ///
    /// # Errors
    /// `ssh-add` fails.
    pub fn add(&self, key: &str) -> anyhow::Result<()> {
        use std::io::Write;
        let mut child = Command::new("ssh-add")
            .args(["-q", "-"])
            .env("SSH_AUTH_SOCK", self.socket())
            .stdin(Stdio::piped())
            .spawn()
            .context("run ssh-add")?;
        child
            .stdin
            .take()
            .context("ssh-add has no stdin")?
            .write_all(key.as_bytes())?;
        if !child.wait()?.success() {
            bail!("ssh-add refuses the key");
        }
        Ok(())
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key that nobody knows yet, and returns its private and its public half.
///
/// # Errors
/// `ssh-keygen` fails.
pub fn new_key(kind: &str) -> anyhow::Result<(String, String)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("key");
    generate(kind, &file)?;
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name));
    Ok((read("key")?, read("key.pub")?))
}

fn generate(kind: &str, file: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-N", "", "-t"])
        .args(kind.split(' '))
        .arg("-f")
        .arg(file);
    if kind.starts_with("rsa") {
        command.args(["-b", "2048"]);
    }
    let out = command.output().context("run ssh-keygen")?;
    if !out.status.success() {
        bail!("ssh-keygen: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(())
}

/// Serves one connection.
fn serve(program: &Path, config: &Path, stream: TcpStream) -> anyhow::Result<()> {
    let line = stream.try_clone()?;
    let input = OwnedFd::from(stream.try_clone()?);
    let mut child = Command::new(program)
        .args(["-i", "-e", "-f"])
        .arg(config)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(OwnedFd::from(stream)))
        .stderr(Stdio::null())
        .spawn()
        .context("run sshd")?;
    std::thread::spawn(move || {
        let _ = child.wait();
        // Others may hold this end, too.
        let _ = line.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// Returns where a program of the system is. sshd wants to be started by its whole path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::env::split_paths(&path);
    own.chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::GitHostOptions;

    #[test]
    fn the_real_git_clones_over_it() {
        let Some(ssh) = SshHost::start(SshHostOptions::default()).unwrap() else {
            eprintln!("SKIPPED: sshd is not installed");
            return;
        };
        let host = GitHost::start_blocking(GitHostOptions::default()).unwrap();
        host.create("infra", &[("a", "1")]).unwrap();
        let work = tempfile::tempdir().unwrap();
        let key = work.path().join("key");
        std::fs::write(&key, ssh.key("ed25519").unwrap()).unwrap();
        std::fs::write(work.path().join("known"), ssh.known_hosts().unwrap()).unwrap();
        let keys = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, keys).unwrap();
        let command = format!(
            "ssh -F none -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={}",
            key.display(),
            work.path().join("known").display()
        );
        let out = Command::new("git")
            .args(["clone", "-q", &ssh.url(&host, "infra"), "in"])
            .current_dir(work.path())
            .env("GIT_SSH_COMMAND", command)
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(std::fs::read_to_string(work.path().join("in/a")).unwrap(), "1");
    }
}
