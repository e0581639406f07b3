//! An infra-repo whose commits GitHub makes, so that it signs them: one question for the branch with its files, one commit. What the API has
//! no short way for is read by git's own protocol.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

mod land;
mod parts;
mod seen;
mod shape;
mod write;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_trait::async_trait;
use serde_json::json;

use super::git::Remote;
use super::{ByApi, CommitInfo, Containment, Entry, InfraRepo, RepoAccess, Tip};
use crate::github::GitHub;
use crate::journal::Journal;
use crate::model::{BranchName, CommitSha, Fault, RefName, RepoIdentity, RepoPath};
use seen::{Known, Seen};

/// Files at the root that a promotion looks for.
const AT_ROOT: [&str; 2] = ["promote.yaml", "promote-holds.yaml"];
/// How many files and folders are asked for with the branch's head: more make one answer long.
const MOST_EXPECTED: usize = 40;

/// One repository on GitHub.
pub(super) struct Api {
    github: GitHub,
    git: Remote,
    branch: Option<BranchName>,
    how: ByApi,
    journal: Rc<dyn Journal>,
    seen: RefCell<Option<Seen>>,
    /// The repository's id in GraphQL.
    id: RefCell<Option<String>>,
    /// Where a reference is by the answer to the last write, until somebody asks.
    moved: RefCell<Option<(RefName, CommitSha)>>,
    halted: Cell<bool>,
    /// What is being written, while it is not known what became of it.
    doubt: RefCell<Option<String>>,
}

impl Api {
    pub(super) fn new(github: GitHub, git: Remote, target: &RepoAccess, how: ByApi, journal: Rc<dyn Journal>) -> Self {
        Self {
            github,
            git,
            branch: target.branch.clone(),
            how,
            journal,
            seen: RefCell::default(),
            id: RefCell::default(),
            moved: RefCell::default(),
            halted: Cell::new(false),
            doubt: RefCell::default(),
        }
    }

    fn expected(&self) -> Vec<RepoPath> {
        let root = AT_ROOT.iter().filter_map(|name| RepoPath::parse(name).ok());
        root.chain(self.how.expected.iter().cloned())
            .take(MOST_EXPECTED)
            .collect()
    }

    /// Asks for the branch's head, with what will be read there. `None`: the branch is not there.
    async fn head(&self) -> Result<Option<Tip>, Fault> {
        let place = self.github.place();
        let paths = self.expected();
        let mut variables = json!({"owner": place.owner, "name": place.name});
        let commit = seen::selection(&paths, &mut variables);
        let commit = format!("name target {{ ... on Commit {{ {commit} }} }}");
        let (declared, asked) = match &self.branch {
            Some(branch) => {
                variables["ref"] = json!(branch.reference().as_str());
                (
                    ", $ref: String!",
                    format!("defaultBranchRef {{ name }} ref(qualifiedName: $ref) {{ {commit} }}"),
                )
            }
            None => ("", format!("defaultBranchRef {{ {commit} }}")),
        };
        let query = format!(
            "query($owner: String!, $name: String!{declared}{}) {{ repository(owner: $owner, name: $name) {{ id {asked} }} }}",
            seen::declarations(&paths)
        );
        let data = self.github.query(&query, &variables).await;
        let data = data.map_err(|failure| failure.fault(&format!("read {}", place.repository())))?;
        let repository = &data["repository"];
        self.id.replace(repository["id"].as_str().map(str::to_owned));
        let default = repository["defaultBranchRef"]["name"].as_str();
        let default = default.and_then(|name| BranchName::parse(name).ok());
        let found = &repository[if self.branch.is_some() {
            "ref"
        } else {
            "defaultBranchRef"
        }];
        let Some(branch) = self
            .branch
            .clone()
            .or_else(|| default.clone())
            .filter(|_| !found.is_null())
        else {
            return Ok(None);
        };
        let Some(seen) = Seen::read(&found["target"], &paths) else {
            return Err(Fault::unreachable(format!(
                "the answer of {} does not name the commit of {branch}",
                self.github.host()
            )));
        };
        let commit = seen.commit.clone();
        self.seen.replace(Some(seen));
        Ok(Some(Tip {
            branch,
            commit,
            default,
        }))
    }

    /// Runs something on what is known of a commit.
    fn known<T>(&self, at: &CommitSha, ask: impl FnOnce(&Seen) -> Option<T>) -> Option<T> {
        let seen = self.seen.borrow();
        seen.as_ref().filter(|seen| seen.commit == *at).and_then(ask)
    }
}

#[async_trait(?Send)]
impl InfraRepo for Api {
    fn url(&self) -> String {
        self.git.url()
    }

    fn identity(&self) -> RepoIdentity {
        self.git.identity()
    }

    fn commit_url(&self, commit: &CommitSha) -> Option<String> {
        self.git.commit_url(commit)
    }

    async fn tip(&self) -> Result<Tip, Fault> {
        match self.head().await? {
            Some(tip) => Ok(tip),
            // Git knows the other branches, for the message.
            None => self.git.tip().await,
        }
    }

    async fn reference(&self, name: &RefName) -> Result<Option<CommitSha>, Fault> {
        // What the answer to the last write said, once: after that others may have moved it.
        match self.moved.take() {
            Some((moved, commit)) if moved == *name => Ok(Some(commit)),
            _ => self.git.reference(name).await,
        }
    }

    async fn list(&self, at: &CommitSha, folder: &RepoPath) -> Result<Option<Vec<Entry>>, Fault> {
        match self.known(at, |seen| seen.list(folder)) {
            Some(entries) => Ok(Some(entries)),
            None => self.git.list(at, folder).await,
        }
    }

    async fn read(&self, at: &CommitSha, files: &[RepoPath]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let known = |path: &RepoPath| {
            self.known(at, |seen| match seen.at(path)? {
                Known::File { content, .. } => content.map(|content| Some(content.to_vec())),
                Known::Folder | Known::Nothing | Known::Other => Some(None),
            })
        };
        let mut found: Vec<Option<Option<Vec<u8>>>> = files.iter().map(known).collect();
        let missing: Vec<RepoPath> = (files.iter().zip(&found))
            .filter(|(_, found)| found.is_none())
            .map(|(path, _)| path.clone())
            .collect();
        if !missing.is_empty() {
            let mut rest = self.git.read(at, &missing).await?.into_iter();
            for place in found.iter_mut().filter(|place| place.is_none()) {
                *place = rest.next();
            }
        }
        Ok(found.into_iter().map(Option::flatten).collect())
    }

    async fn link(&self, at: &CommitSha, path: &RepoPath) -> Result<Option<String>, Fault> {
        let is_link = self.known(at, |seen| seen.at(path).map(|known| known == Known::Other));
        match is_link {
            Some(false) => Ok(None),
            Some(true) | None => self.git.link(at, path).await,
        }
    }

    async fn contains(&self, revision: &CommitSha, ours: &CommitSha) -> Containment {
        if revision == ours {
            return Containment::Contains;
        }
        self.git.contains(revision, ours).await
    }

    async fn may_write(&self, branch: &BranchName) -> Result<(), Fault> {
        self.git.may_write(branch).await
    }

    async fn history(&self, from: &CommitSha, most: usize) -> Result<Vec<CommitInfo>, Fault> {
        self.git.history(from, most).await
    }

    async fn stands(&self, commits: &[CommitSha], paths: &[RepoPath]) -> Result<Vec<Vec<Option<String>>>, Fault> {
        self.git.stands(commits, paths).await
    }
}
