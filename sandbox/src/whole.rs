//! The whole sandbox: a git host that serves an infra-repo, and an Argo CD that deploys it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::argocd::{ArgoCd, ArgoCdOptions};
use crate::git::{GitHost, GitHostOptions};

/// The address that the manifests in `argocd/` have, which becomes the git host's.
const PUBLISHED: &str = "https://github.com/myorg/infra-repo.git";

/// How a sandbox is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder whose files are the first commit of the infra-repo; its `argocd/*.yaml` are the applications.
    pub infra_repo: PathBuf,
    /// The token that the git host wants.
    pub git_token: String,
    /// How the Argo CD behaves.
    pub argocd: ArgoCdOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            infra_repo: Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/infra-repo"),
            git_token: "sandbox-git-token".to_owned(),
            argocd: ArgoCdOptions::default(),
        }
    }
}

/// A running sandbox. It stops when it is dropped.
pub struct Sandbox {
    /// The git host; the infra-repo is `infra-repo`.
    pub git: Arc<GitHost>,
    /// The Argo CD.
    pub argocd: ArgoCd,
    git_token: String,
}

impl Sandbox {
    /// Starts a sandbox.
    ///
    /// # Errors
    /// Git is not installed, a port cannot be had, or a manifest in `argocd/` cannot be read.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        tokio::task::spawn_blocking(|| Self::start_blocking(options)).await?
    }

    /// The same, for code that is not async.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub fn start_blocking(options: Options) -> anyhow::Result<Self> {
        let git = Arc::new(GitHost::start_blocking(GitHostOptions {
            token: Some(options.git_token.clone()),
            ..GitHostOptions::default()
        })?);
        let files = files(&options.infra_repo)?;
        let borrowed: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        git.create(REPOSITORY, &borrowed)?;
        let argocd = ArgoCd::start_blocking(&git, options.argocd)?;
        for (path, text) in files.iter().filter(|(path, _)| path.starts_with("argocd/")) {
            for manifest in serde_yaml::Deserializer::from_str(text) {
                let mut manifest = Value::deserialize(manifest).with_context(|| format!("read {path}"))?;
                let source = &mut manifest["spec"]["source"];
                if source["repoURL"] == json!(PUBLISHED) {
                    source["repoURL"] = json!(git.url(REPOSITORY));
                }
                argocd.apply(&manifest, true)?;
            }
        }
        Ok(Self {
            git,
            argocd,
            git_token: options.git_token,
        })
    }

    /// Returns the address of the infra-repo, without credentials.
    #[must_use]
    pub fn infra_repo(&self) -> String {
        self.git.url(REPOSITORY)
    }

    /// Returns the token of the git host.
    #[must_use]
    pub fn git_token(&self) -> &str {
        &self.git_token
    }

    /// Returns the pin's line in an overlay, as it stands on `main`.
    ///
    /// # Errors
    /// There is no such file.
    pub fn overlay(&self, app: &str, environment: &str) -> anyhow::Result<String> {
        self.git.read(REPOSITORY, &overlay(app, environment))
    }

    /// Commits a file to `main`, as somebody else would. Returns the commit.
    ///
    /// # Errors
    /// Git says no.
    pub fn commit(&self, path: &str, content: &str, message: &str) -> anyhow::Result<String> {
        self.git.push_commit(REPOSITORY, path, content, message)
    }

    /// Runs git in the bare infra-repo and returns what it prints.
    ///
    /// # Errors
    /// It fails.
    pub fn git(&self, args: &[&str]) -> anyhow::Result<String> {
        self.git.git(REPOSITORY, args)
    }

    /// Returns the commit that `main` is at.
    ///
    /// # Errors
    /// There is none.
    pub fn tip(&self) -> anyhow::Result<String> {
        self.git.tip(REPOSITORY)
    }
}

const REPOSITORY: &str = "infra-repo";

/// Returns the path of an overlay's kustomization in the standard layout.
#[must_use]
pub fn overlay(app: &str, environment: &str) -> String {
    format!("apps/{app}/overlays/{environment}/kustomization.yaml")
}

/// Reads the files below a folder, by their paths in it.
fn files(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
                let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
                found.push((name, text));
            }
        }
    }
    found.sort();
    Ok(found)
}
