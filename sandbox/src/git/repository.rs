//! The repositories of a host: made, written to by somebody else, and looked at, with the real git and without anyone's configuration.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, bail};

use super::GitHost;

impl GitHost {
    /// Makes `NAME.git` with one commit on `main` that holds `files` (path, content). Returns the commit.
    /// No files: a repository without any commit, and an empty answer.
    ///
    /// # Errors
    /// Git says no.
    pub fn create(&self, name: &str, files: &[(&str, &str)]) -> anyhow::Result<String> {
        let path = self.path(name);
        for folder in ["hooks", "objects", "refs/heads"] {
            std::fs::create_dir_all(path.join(folder))?;
        }
        // What `git init --bare` writes; one process less for each repository of each test.
        std::fs::write(path.join("HEAD"), "ref: refs/heads/main\n")?;
        let config = format!(
            "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[http]\n\treceivepack = true\n\
             [uploadpack]\n\tallowFilter = {}\n[transfer]\n\tfsckObjects = true\n\
             [receive]\n\tautogc = false\n[gc]\n\tauto = 0\n",
            self.options().filters
        );
        std::fs::write(path.join("config"), config)?;
        if files.is_empty() {
            return Ok(String::new());
        }
        self.commit(name, "main", files, "Begin")
    }

    /// Commits `content` as `path` to `main`, as somebody else would. Returns the commit.
    ///
    /// # Errors
    /// Git says no.
    pub fn push_commit(&self, name: &str, path: &str, content: &str, message: &str) -> anyhow::Result<String> {
        self.commit(name, "main", &[(path, content)], message)
    }

    /// Commits several files to a branch, which is made from `main` if it is not there (or from nothing, as the first). Returns the commit.
    ///
    /// # Errors
    /// Git says no.
    pub fn commit(&self, name: &str, branch: &str, files: &[(&str, &str)], message: &str) -> anyhow::Result<String> {
        let reference = format!("refs/heads/{branch}");
        let mut stream = format!(
            "commit {reference}\ncommitter Somebody Else <else@example.com> now\ndata {}\n{message}\n",
            message.len()
        );
        let exists = |from: &&str| self.git(name, &["rev-parse", "-q", "--verify", from]).ok();
        let from = [reference.as_str(), "refs/heads/main"].iter().find_map(exists);
        if let Some(from) = from {
            stream += &format!("from {}\n", from.trim());
        }
        for (path, content) in files {
            stream += &format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len());
        }
        let path = self.path(name);
        git(
            &path,
            &["fast-import", "--quiet", "--date-format=now"],
            stream.as_bytes(),
        )?;
        Ok(self.git(name, &["rev-parse", &reference])?.trim().to_owned())
    }

    /// Runs git in a repository and returns what it prints.
    ///
    /// # Errors
    /// It fails; its own words are in the error.
    pub fn git(&self, name: &str, args: &[&str]) -> anyhow::Result<String> {
        git(&self.path(name), args, b"")
    }

    /// The same with `input` on its stdin.
    ///
    /// # Errors
    /// As [`GitHost::git`].
    pub fn git_with(&self, name: &str, args: &[&str], input: &[u8]) -> anyhow::Result<String> {
        git(&self.path(name), args, input)
    }

    /// Returns the content of a file on `main`.
    ///
    /// # Errors
    /// It is not there.
    pub fn read(&self, name: &str, path: &str) -> anyhow::Result<String> {
        self.git(name, &["cat-file", "blob", &format!("main:{path}")])
    }

    /// Returns the commit that `main` is at.
    ///
    /// # Errors
    /// There is none.
    pub fn tip(&self, name: &str) -> anyhow::Result<String> {
        Ok(self.git(name, &["rev-parse", "refs/heads/main"])?.trim().to_owned())
    }

    /// Installs a server hook (`pre-receive`, `update`, `post-receive`, …).
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn hook(&self, name: &str, hook: &str, script: &str) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name).join("hooks").join(hook);
        std::fs::write(&path, script)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(())
    }
}

/// Returns where git is. The standard library starts a program by its path without a copy of this process, which takes long where that is
/// large; a name alone, with a `PATH` of its own, makes it fork.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = std::env::split_paths(&path).map(|folder| folder.join("git"));
        all.into_iter()
            .find(|path| path.is_file())
            .unwrap_or_else(|| "git".into())
    })
}

/// Runs git in `folder` under an environment that holds nothing of the user's.
pub(crate) fn git(folder: &Path, args: &[&str], input: &[u8]) -> anyhow::Result<String> {
    let mut child = Command::new(program())
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Somebody Else")
        .env("GIT_AUTHOR_EMAIL", "else@example.com")
        .env("GIT_COMMITTER_NAME", "Somebody Else")
        .env("GIT_COMMITTER_EMAIL", "else@example.com")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("run git")?;
    let mut stdin = child.stdin.take().context("git has no stdin")?;
    let input = input.to_owned();
    // On a thread of its own: git may print before it has read everything.
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let out = child.wait_with_output()?;
    let _ = feeder.join();
    if !out.status.success() {
        bail!(
            "git {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
