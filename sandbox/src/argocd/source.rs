//! Where manifests come from: the bare repositories of the git host, read at a commit. Nothing is fetched, the folder is read as it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, Weak};

use crate::git::{GitHost, lock};

/// The YAML files of one commit, by path.
pub(crate) type Tree = BTreeMap<String, String>;

/// Who a commit is by and what it says, as the endpoint of revisions shows it.
pub(crate) struct Commit {
    pub(crate) author: String,
    pub(crate) date: String,
    pub(crate) message: String,
}

/// Reads the repositories of one host.
pub(crate) struct Sources {
    // Not held: the host's folder goes with its owner, whatever the server's threads are doing then.
    host: Weak<GitHost>,
    trees: Mutex<HashMap<String, Arc<Tree>>>,
}

impl Sources {
    pub(crate) fn new(host: &Arc<GitHost>) -> Self {
        Self {
            host: Arc::downgrade(host),
            trees: Mutex::default(),
        }
    }

    fn host(&self) -> Result<Arc<GitHost>, String> {
        self.host
            .upgrade()
            .ok_or_else(|| "failed to list refs: connection refused".to_owned())
    }

    /// Returns the repository's name on the host, if the address is one of it.
    fn repository(&self, url: &str) -> Result<String, String> {
        let host = self.host()?;
        let base = host.url("");
        let base = base.trim_end_matches(".git");
        // Over ssh the address ends with the repository's folder.
        let over_ssh = || {
            let folder = format!("{}/", host.root().display());
            let rest = url.strip_prefix("ssh://")?;
            rest.split_once(folder.as_str()).map(|(_, name)| name)
        };
        let name = url
            .strip_prefix(base)
            .or_else(over_ssh)
            .map(|name| name.trim_end_matches('/').trim_end_matches(".git"));
        match name {
            Some(name) if !name.is_empty() && host.path(name).is_dir() => Ok(name.to_owned()),
            _ => Err(format!("failed to list refs: repository not found: {url}")),
        }
    }

    /// Returns the commit that a branch, tag or full commit name stands for. A full name is taken as it is, without a look.
    pub(crate) fn resolve(&self, url: &str, revision: &str) -> Result<String, String> {
        if is_commit(revision) {
            return Ok(revision.to_owned());
        }
        let (name, host) = (self.repository(url)?, self.host()?);
        // A branch that stands in a file of its own is read from there: a thousand applications ask at once.
        let loose = host.path(&name).join("refs/heads").join(revision);
        if let Some(sha) = std::fs::read_to_string(loose).ok().filter(|_| !revision.is_empty())
            && is_commit(sha.trim())
        {
            return Ok(sha.trim().to_owned());
        }
        let tried = match revision {
            "" | "HEAD" => vec!["HEAD".to_owned()],
            other => vec![format!("refs/heads/{other}"), format!("refs/tags/{other}")],
        };
        tried
            .iter()
            .find_map(|reference| {
                let asked = format!("{reference}^{{commit}}");
                host.git(&name, &["rev-parse", "-q", "--verify", &asked]).ok()
            })
            .map(|sha| sha.trim().to_owned())
            .ok_or_else(|| format!("unable to resolve '{revision}' to a commit SHA"))
    }

    /// Returns the YAML files of a commit. A short commit name is understood here, as the repo-server does.
    pub(crate) fn tree(&self, url: &str, commit: &str) -> Result<Arc<Tree>, String> {
        let name = self.repository(url)?;
        let key = format!("{name} {commit}");
        if let Some(tree) = lock(&self.trees).get(&key) {
            return Ok(Arc::clone(tree));
        }
        let tree = Arc::new(self.read(&name, commit).map_err(|_| not_our_ref(commit))?);
        lock(&self.trees).insert(key, Arc::clone(&tree));
        Ok(tree)
    }

    fn read(&self, name: &str, commit: &str) -> anyhow::Result<Tree> {
        let host = self.host().map_err(anyhow::Error::msg)?;
        let listed = host.git(name, &["ls-tree", "-r", "-z", "--name-only", commit])?;
        let yaml = |path: &&str| [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
        let mut tree = Tree::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()).filter(yaml) {
            let text = host.git(name, &["cat-file", "blob", &format!("{commit}:{path}")])?;
            tree.insert(path.to_owned(), text);
        }
        Ok(tree)
    }

    /// Makes a file of a branch hold a text, and returns the branch's commit: a new one only where the text was another.
    pub(crate) fn write(&self, url: &str, branch: &str, path: &str, text: &str, dry: &str) -> Result<String, String> {
        let (name, host) = (self.repository(url)?, self.host()?);
        let there = host.git(&name, &["cat-file", "blob", &format!("refs/heads/{branch}:{path}")]);
        if there.is_ok_and(|there| there == text) {
            return self.resolve(url, branch);
        }
        let message = format!("Hydrate {dry}");
        host.commit(&name, branch, &[(path, text)], &message)
            .map_err(|error| format!("failed to commit hydrated manifests: {error}"))
    }

    /// Returns what a commit says about itself.
    pub(crate) fn commit(&self, url: &str, commit: &str) -> Result<Commit, String> {
        let name = self.repository(url)?;
        let said = self
            .host()?
            .git(&name, &["show", "-s", "--format=%an <%ae>%n%cI%n%B", commit])
            .map_err(|_| not_our_ref(commit))?;
        let mut lines = said.splitn(3, '\n');
        let mut next = || lines.next().unwrap_or_default().to_owned();
        Ok(Commit {
            author: next(),
            date: next(),
            message: next().trim_end().to_owned(),
        })
    }
}

/// Whether the text is a full commit name.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn not_our_ref(commit: &str) -> String {
    format!(
        "failed to initialize repository resources: rpc error: code = Internal desc = Failed to checkout revision {commit}: \
         `git fetch origin {commit} --tags --force --prune` failed exit status 128: fatal: remote error: upload-pack: not our ref {commit}"
    )
}
