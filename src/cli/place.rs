//! Where the run takes place: the run's own facts from the environment, and the files that inputs name.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use crate::githost::Run;
use crate::http::Proxies;
use crate::plan::SourceCommit;
use crate::promote::Identity;

/// The surroundings of a run.
pub(super) struct Place<'a> {
    /// The variables.
    pub(super) env: &'a Environment,
    /// Whether this is a step of a workflow.
    pub(super) in_step: bool,
}

impl Place<'_> {
    fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the address of the GitHub that this step runs on.
    #[must_use]
    pub(super) fn github_server(&self) -> Option<&str> {
        self.var("GITHUB_SERVER_URL").filter(|_| self.in_step)
    }

    /// Returns `owner/name` of the repository of this run.
    #[must_use]
    pub(super) fn repository(&self) -> Option<&str> {
        self.var("GITHUB_REPOSITORY").filter(|_| self.in_step)
    }

    /// Returns the host that the laptop's own GitHub token is for.
    #[must_use]
    pub(super) fn laptop_host(&self) -> &str {
        self.var("GH_HOST").unwrap_or("github.com")
    }

    /// Returns the addresses of GitHub's APIs that this run was given: REST, and GraphQL if it was given apart.
    #[must_use]
    pub(super) fn github_api(&self) -> Option<(&str, Option<&str>)> {
        Some((self.var("GITHUB_API_URL")?, self.var("GITHUB_GRAPHQL_URL")))
    }

    /// Returns where ssh-agent listens. A step has none of ours.
    #[must_use]
    pub(super) fn ssh_agent(&self) -> Option<PathBuf> {
        let socket = self.var("SSH_AUTH_SOCK").filter(|_| !self.in_step);
        socket.map(PathBuf::from)
    }

    /// Returns the text of `~/.ssh/known_hosts`; nothing in a step, or where there is none.
    #[must_use]
    pub(super) fn own_known_hosts(&self) -> String {
        let home = self.var("HOME").filter(|_| !self.in_step);
        home.and_then(|home| self.read(&format!("{home}/.ssh/known_hosts")).ok())
            .unwrap_or_default()
    }

    /// Returns who runs this, and where. `random` names a run outside a workflow.
    #[must_use]
    pub(super) fn identity(&self, random: &str) -> Identity {
        let by = if self.in_step {
            &["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"][..]
        } else {
            &["USER", "LOGNAME", "GIT_AUTHOR_NAME"]
        };
        let by = by.iter().find_map(|name| self.var(name)).unwrap_or("unknown");
        Identity {
            by: by.to_owned(),
            run: self.run_url().unwrap_or_else(|| random.to_owned()),
            action: concat!("promote-action/", env!("CARGO_PKG_VERSION")).to_owned(),
            source: self.source(),
        }
    }

    /// Returns where this job can ask for an OIDC token, and the token for that.
    #[must_use]
    pub(super) fn oidc(&self) -> Option<(&str, &str)> {
        let step = |name| self.var(name).filter(|_| self.in_step);
        Some((
            step("ACTIONS_ID_TOKEN_REQUEST_URL")?,
            step("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?,
        ))
    }

    /// Returns the run of a workflow that this is. `at` is the API of its repository.
    #[must_use]
    pub(super) fn workflow_run(
        &self,
        at: crate::github::Place,
        token: Option<std::rc::Rc<dyn crate::http::Tokens>>,
        environment: Option<String>,
        exclude_authors: bool,
    ) -> Option<Run> {
        let actors = ["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"]
            .iter()
            .filter_map(|name| self.var(name));
        let mut actors: Vec<String> = actors.map(str::to_owned).collect();
        actors.dedup();
        Some(Run {
            place: at,
            token,
            id: self.var("GITHUB_RUN_ID")?.parse().ok()?,
            attempt: self
                .var("GITHUB_RUN_ATTEMPT")
                .and_then(|text| text.parse().ok())
                .unwrap_or(1),
            actors,
            commit: self.var("GITHUB_SHA").map(str::to_owned),
            page: self.run_url()?,
            environment,
            exclude_authors,
        })
    }

    /// Returns the commit that the workflow runs for. Who made it and when is known of a push.
    fn source(&self) -> Option<SourceCommit> {
        let sha = self.var("GITHUB_SHA").filter(|_| self.in_step)?;
        let (server, repository) = (self.github_server()?.trim_end_matches('/'), self.repository()?);
        let mut source = SourceCommit {
            sha: sha.to_owned(),
            repository: format!("{server}/{repository}"),
            ..SourceCommit::default()
        };
        let event = self
            .var("GITHUB_EVENT_PATH")
            .and_then(|path| read_event(Path::new(path)));
        if let Some(commit) = event.as_ref().and_then(|event| event.get("head_commit")) {
            let text = |path: &str| {
                commit
                    .pointer(path)
                    .and_then(serde_json::Value::as_str)
                    .unwrap_or_default()
            };
            if text("/id") == sha {
                source.author = format!("{} <{}>", text("/author/name"), text("/author/email"));
                text("/message")
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .clone_into(&mut source.subject);
                text("/timestamp").clone_into(&mut source.date);
            }
        }
        Some(source)
    }

    /// Returns the proxies that connections go through.
    #[must_use]
    pub(super) fn proxies(&self) -> Proxies {
        Proxies::read(|name| self.env.get(name).map(String::as_str))
    }

    fn run_url(&self) -> Option<String> {
        let server = self.github_server()?.trim_end_matches('/');
        let (repository, id) = (self.repository()?, self.var("GITHUB_RUN_ID")?);
        let attempt = self.var("GITHUB_RUN_ATTEMPT").unwrap_or("1");
        Some(format!("{server}/{repository}/actions/runs/{id}/attempts/{attempt}"))
    }

    /// Returns the path of a file or folder that an input names. In a step it is relative to the workspace and stays in it.
    ///
    /// # Errors
    /// Says why it is refused, as the end of a sentence.
    pub(super) fn path(&self, text: &str) -> Result<PathBuf, String> {
        let root = self.var("GITHUB_WORKSPACE").filter(|_| self.in_step);
        let Some(root) = root.map(Path::new) else {
            return Ok(PathBuf::from(text));
        };
        let path = root.join(text);
        // What is not there cannot be resolved: then its words decide.
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| lexically(path));
        if whole(&path).starts_with(whole(root)) {
            Ok(path)
        } else {
            Err(format!(
                "is outside the workspace {}: a step sees only the workspace of its job, so put it there",
                root.display()
            ))
        }
    }

    /// Reads the file that an input names.
    ///
    /// # Errors
    /// Says what is wrong with it, as the end of a sentence.
    #[expect(clippy::disallowed_methods, reason = "this is the edge: inputs can name files")]
    pub(super) fn read(&self, text: &str) -> Result<String, String> {
        let path = self.path(text)?;
        // Asked before it is opened: opening a pipe waits for whoever writes into it.
        let found = std::fs::metadata(&path).map_err(|error| unreadable(&error))?;
        if !found.is_file() {
            return Err("is not a regular file: use a file, or `-` for stdin where a secret is read".to_owned());
        }
        let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
        read_all(&mut { file })
    }

    /// Whether an input names something that exists.
    pub(super) fn exists(&self, text: &str) -> bool {
        self.path(text).is_ok_and(|path| path.exists())
    }
}

/// Reads the event that started the workflow; `None` if it is no JSON, or is not there.
#[expect(clippy::disallowed_methods, reason = "this is the edge: the runner names the file")]
fn read_event(path: &Path) -> Option<serde_json::Value> {
    let mut file = std::fs::File::open(path).ok().filter(|_| path.is_file())?;
    serde_json::from_str(&read_all(&mut file).ok()?).ok()
}

/// The longest file that an input can name, in bytes: every bundle of certificates fits.
pub(super) const LONGEST: u64 = 4 * 1024 * 1024;

/// Reads a stream to its end.
///
/// # Errors
/// Says what is wrong with it, as the end of a sentence.
pub(super) fn read_all(stream: &mut dyn Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = stream.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("is longer than {} KiB", LONGEST / 1024));
    }
    String::from_utf8(bytes).map_err(|_| "is not text: it holds bytes that are not UTF-8".to_owned())
}

fn unreadable(error: &std::io::Error) -> String {
    format!("cannot be read: {}", crate::model::of_io(error))
}

/// Resolves `.` and `..` by their words alone.
fn lexically(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(out.pop()),
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_path_in_a_step_stays_in_the_workspace() {
        let env = env(&[("GITHUB_WORKSPACE", "/no/such/workspace")]);
        let place = Place {
            env: &env,
            in_step: true,
        };
        assert_eq!(place.path("a/b").unwrap(), PathBuf::from("/no/such/workspace/a/b"));
        assert!(place.path("/no/such/workspace/a").is_ok());
        for outside in ["../a", "/etc/ssl/ca.pem", "a/../../b", "/no/such/workspace-2/a"] {
            assert!(
                place.path(outside).unwrap_err().contains("outside the workspace"),
                "{outside}"
            );
        }
        let laptop = Place {
            env: &env,
            in_step: false,
        };
        assert!(laptop.path("/etc/ssl/ca.pem").is_ok());
    }

    #[test]
    fn a_link_out_of_the_workspace_is_outside() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        let env = env(&[("GITHUB_WORKSPACE", folder.path().to_str().unwrap())]);
        let place = Place {
            env: &env,
            in_step: true,
        };
        assert!(place.path("link/passwd").is_err());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "makes the files that are read")]
    fn only_regular_files_of_some_length_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let long = folder.path().join("long");
        std::fs::write(&long, vec![b'x'; usize::try_from(LONGEST).unwrap() + 1]).unwrap();
        let env = env(&[]);
        let place = Place {
            env: &env,
            in_step: false,
        };
        for (path, part) in [
            (pipe.as_path(), "not a regular file"),
            (folder.path(), "not a regular file"),
            (Path::new("/dev/zero"), "not a regular file"),
            (long.as_path(), "longer than 4096 KiB"),
        ] {
            let said = place.read(path.to_str().unwrap()).unwrap_err();
            assert!(said.contains(part), "{}: {said}", path.display());
        }
    }

    #[test]
    fn the_run_is_named_by_its_address_and_attempt() {
        let env = env(&[
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_ACTOR", "a"),
            ("GITHUB_TRIGGERING_ACTOR", "b"),
            ("USER", "me"),
        ]);
        let step = Place {
            env: &env,
            in_step: true,
        };
        let identity = step.identity("x");
        assert_eq!(identity.run, "https://github.com/o/r/actions/runs/7/attempts/2");
        assert_eq!(identity.by, "b");
        let laptop = Place {
            env: &env,
            in_step: false,
        };
        assert_eq!(
            (laptop.identity("x").by.as_str(), laptop.identity("x").run.as_str()),
            ("me", "x")
        );
    }
}
