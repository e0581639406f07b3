//! An infra-repo on a server: fetches into memory what is asked for, and lands by pushing a pack with the old value of the branch.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use async_trait::async_trait;
use git2::Oid;

use super::carrier::{CallError, Carrier};
use super::pack::{self, Damaged};
use super::reference::Reference;
use super::request::{Fetch, Filter};
use super::store::Store;
use super::talk::Talk;
use super::tree::{self, oid};
use crate::infrarepo::{Address, CommitInfo, Containment, Entry, InfraRepo, RepoAccess, Tip, missing_branch};
use crate::journal::Journal;
use crate::model::{BranchName, Clock, CommitSha, Fault, RefName, RepoIdentity, RepoPath, limits};

/// How much a commit with all its folders may weigh before folders are fetched one by one, in bytes.
const MOST_FOLDERS: usize = limits::GIT_FOLDERS.bytes();
/// How much the objects that were asked for by name may weigh, in bytes.
const MOST_NAMED: usize = limits::GIT_NAMED.bytes();
/// How many times the size of a pack its objects may weigh, and how much they may weigh in any case, in bytes.
const MOST_TIMES: usize = 10;
pub(super) const MOST_SMALL: usize = 48 << 20;
/// How much of a pack is unpacked at a time, in bytes.
const PORTION: usize = 1 << 20;

/// One repository behind a carrier.
pub(in crate::infrarepo) struct Remote {
    address: Address,
    identity: RepoIdentity,
    branch: Option<BranchName>,
    pub(super) talk: Talk,
    pub(super) store: RefCell<Store>,
    /// What is left out of a snapshot: the content of files, and folders too where they weigh much.
    filter: Cell<Filter>,
    /// Whether the run was cancelled: then no push begins.
    pub(super) halted: Cell<bool>,
    /// The commits whose folders were fetched with them, or were made here.
    pub(super) snapshots: RefCell<HashSet<Oid>>,
    /// The commit of a push of which it is not known what became.
    pub(super) pushed: RefCell<Option<CommitSha>>,
    /// The commit of the last snapshot: what it holds need not be sent again.
    last: Cell<Option<Oid>>,
    pub(super) verdicts: RefCell<HashMap<(Oid, Oid), Containment>>,
}

impl Remote {
    pub(in crate::infrarepo) fn new(
        target: &RepoAccess,
        carrier: Box<dyn Carrier>,
        clock: Rc<dyn Clock>,
        journal: Rc<dyn Journal>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            address: target.address.clone(),
            identity: target.identity(),
            branch: target.branch.clone(),
            talk: Talk::new(carrier, clock, journal),
            store: RefCell::new(Store::new()?),
            filter: Cell::new(Filter::NoBlobs),
            halted: Cell::new(false),
            snapshots: RefCell::default(),
            pushed: RefCell::default(),
            last: Cell::new(None),
            verdicts: RefCell::default(),
        })
    }

    /// Runs something on the objects that are here. Never across an await.
    pub(super) fn objects<T>(&self, run: impl FnOnce(&git2::Repository) -> Result<T, git2::Error>) -> Result<T, Fault> {
        // What is asked for was sent: objects that are none are the server's.
        let broken = |error| {
            Fault::unreachable(format!("{} sends objects that cannot be read", self.talk.place())).because(error)
        };
        run(self.store.borrow().repo()).map_err(broken)
    }

    pub(super) fn has(&self, id: Oid) -> bool {
        self.store.borrow().has(id)
    }

    /// Fetches into the store and returns the commits whose parents were cut off.
    pub(super) async fn fetch(&self, fetch: &Fetch, most: usize) -> Result<Vec<Oid>, CallError> {
        let fetched = self.talk.fetch(fetch, most).await?;
        // What is little to send and much to keep is bounded by what was sent.
        let most = fetched.pack.len().saturating_mul(MOST_TIMES).max(MOST_SMALL);
        let most = most.min(limits::GIT_INFLATED.bytes());
        let taken = self.take(&fetched.pack, most).await;
        let count = taken.map_err(|error| match error {
            Damaged::TooLarge(most) => CallError::TooLarge(most),
            error => CallError::Final(
                Fault::unreachable(format!("{} sent no usable pack", self.talk.place())).because(error),
            ),
        })?;
        self.talk.journal().debug(format!(
            "fetched {count} objects in {} bytes from {}",
            fetched.pack.len(),
            self.talk.place()
        ));
        Ok(fetched.cut)
    }

    /// Takes in all objects of a pack; `most` bounds their sizes, in bytes. Signals are heard in between.
    async fn take(&self, pack: &[u8], most: usize) -> Result<usize, Damaged> {
        let mut reader = pack::Reader::new(pack, most)?;
        loop {
            let read = reader.some(PORTION, &mut *self.store.borrow_mut())?;
            if let Some(count) = read {
                return Ok(count);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Makes sure that a commit is here, with its folders unless they weigh too much.
    pub(super) async fn snapshot(&self, commit: &CommitSha) -> Result<Oid, Fault> {
        let id = oid(commit)?;
        // A commit may be here alone, from a look at the history.
        if self.snapshots.borrow().contains(&id) {
            return Ok(id);
        }
        let mut fetch = Fetch::of(vec![id], self.filter.get());
        fetch.depth = Some(1);
        if let Some(last) = self.last.get().filter(|_| self.filter.get() != Filter::NoTrees) {
            fetch.haves = vec![last];
            fetch.shallow = vec![last];
        }
        let most = if fetch.filter == Filter::NoBlobs {
            MOST_FOLDERS
        } else {
            MOST_NAMED
        };
        let mut result = self.fetch(&fetch, most).await;
        if matches!(result, Err(CallError::TooLarge(MOST_FOLDERS))) {
            self.talk
                .journal()
                .debug("the folders weigh more than 1 MB: they are fetched one by one".to_owned());
            self.filter.set(Filter::NoTrees);
            fetch.filter = Filter::NoTrees;
            result = self.fetch(&fetch, MOST_NAMED).await;
        }
        result.map_err(|error| error.into_fault(&self.talk.place()))?;
        self.require(&[id])?;
        self.snapshots.borrow_mut().insert(id);
        self.last.set(Some(id));
        Ok(id)
    }

    /// Fetches objects by name, all in one request.
    async fn named(&self, mut wanted: Vec<Oid>) -> Result<(), Fault> {
        wanted.sort();
        wanted.dedup();
        wanted.retain(|id| !self.has(*id));
        if wanted.is_empty() {
            return Ok(());
        }
        let fetch = Fetch::of(wanted, self.filter.get());
        let fetched = self.fetch(&fetch, MOST_NAMED).await;
        fetched.map_err(|error| error.into_fault(&self.talk.place()))?;
        self.require(&fetch.wants)
    }

    pub(super) fn require(&self, wanted: &[Oid]) -> Result<(), Fault> {
        match wanted.iter().find(|id| !self.has(**id)) {
            Some(id) => Err(Fault::unreachable(format!(
                "{} did not send the object {id} that it was asked for",
                self.talk.place()
            ))),
            None => Ok(()),
        }
    }

    /// Follows paths from the root of a commit; folders that are not here are fetched, those of one level together.
    pub(super) async fn find(&self, commit: Oid, paths: &[&RepoPath]) -> Result<Vec<tree::Found>, Fault> {
        loop {
            let found: Vec<tree::Found> =
                self.objects(|repo| paths.iter().map(|path| tree::find(repo, commit, path)).collect())?;
            let missing = found.iter().filter_map(|found| match found {
                tree::Found::Missing(folder) => Some(*folder),
                _ => None,
            });
            let missing: Vec<Oid> = missing.collect();
            if missing.is_empty() {
                return Ok(found);
            }
            self.named(missing).await?;
        }
    }

    pub(super) async fn reference_at(&self, name: &RefName) -> Result<Option<CommitSha>, Fault> {
        let references = self.talk.references(&[name.as_str()]).await?;
        Ok(references
            .into_iter()
            .find(|reference| reference.name == name.as_str())
            .map(|reference| reference.commit))
    }

    async fn no_branch(&self, wanted: Option<&BranchName>) -> Fault {
        match self.talk.references(&["refs/heads/"]).await {
            Ok(all) => {
                let names = all
                    .iter()
                    .filter_map(|reference| reference.name.strip_prefix("refs/heads/"));
                missing_branch(&self.talk.place(), wanted, names)
            }
            Err(fault) => fault,
        }
    }
}

/// Returns the branch that `HEAD` points to.
fn default_branch(references: &[Reference]) -> Option<BranchName> {
    let head = references.iter().find(|reference| reference.name == "HEAD")?;
    let name = head.target.as_deref()?.strip_prefix("refs/heads/")?;
    BranchName::parse(name).ok()
}

#[async_trait(?Send)]
impl InfraRepo for Remote {
    fn url(&self) -> String {
        self.address.to_string()
    }

    fn identity(&self) -> RepoIdentity {
        self.identity.clone()
    }

    fn commit_url(&self, commit: &CommitSha) -> Option<String> {
        self.address.commit_url(commit)
    }

    async fn tip(&self) -> Result<Tip, Fault> {
        if let Some(branch) = &self.branch {
            let wanted = branch.reference();
            let references = self.talk.references(&["HEAD", wanted.as_str()]).await?;
            let default = default_branch(&references);
            let found = references
                .into_iter()
                .find(|reference| reference.name == wanted.as_str());
            return match found {
                Some(found) => Ok(Tip {
                    branch: branch.clone(),
                    commit: found.commit,
                    default,
                }),
                None => Err(self.no_branch(Some(branch)).await),
            };
        }
        let references = self.talk.references(&["HEAD"]).await?;
        let branch = default_branch(&references);
        let Some(head) = references.into_iter().find(|reference| reference.name == "HEAD") else {
            return Err(self.no_branch(None).await);
        };
        match branch {
            Some(branch) => Ok(Tip {
                branch: branch.clone(),
                commit: head.commit,
                default: Some(branch),
            }),
            None => Err(Fault::invalid(format!("{} names no default branch", self.talk.place())).hint("set `branch`")),
        }
    }

    async fn reference(&self, name: &RefName) -> Result<Option<CommitSha>, Fault> {
        self.reference_at(name).await
    }

    async fn list(&self, at: &CommitSha, folder: &RepoPath) -> Result<Option<Vec<Entry>>, Fault> {
        let commit = self.snapshot(at).await?;
        for found in self.find(commit, &[folder]).await? {
            if let tree::Found::Folder(folder) = found {
                self.named(vec![folder]).await?;
                return self.objects(|repo| tree::list(repo, folder));
            }
        }
        Ok(None)
    }

    async fn read(&self, at: &CommitSha, files: &[RepoPath]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let commit = self.snapshot(at).await?;
        let found = self.find(commit, &files.iter().collect::<Vec<_>>()).await?;
        let blobs: Vec<Option<Oid>> = found
            .into_iter()
            .map(|found| {
                if let tree::Found::File(blob, _) = found {
                    Some(blob)
                } else {
                    None
                }
            })
            .collect();
        self.named(blobs.iter().flatten().copied().collect()).await?;
        self.objects(|repo| {
            let content = |blob: Option<Oid>| blob.map(|blob| tree::content(repo, blob)).transpose();
            blobs.into_iter().map(content).collect()
        })
    }

    async fn link(&self, at: &CommitSha, path: &RepoPath) -> Result<Option<String>, Fault> {
        let commit = self.snapshot(at).await?;
        for found in self.find(commit, &[path]).await? {
            if let tree::Found::Link(blob) = found {
                self.named(vec![blob]).await?;
                let text = self.objects(|repo| tree::content(repo, blob))?;
                return Ok(String::from_utf8(text).ok());
            }
        }
        Ok(None)
    }

    async fn contains(&self, revision: &CommitSha, ours: &CommitSha) -> Containment {
        self.ancestry(revision, ours).await
    }

    async fn may_write(&self, _: &BranchName) -> Result<(), Fault> {
        self.talk.may_write().await
    }

    async fn stands(&self, commits: &[CommitSha], paths: &[RepoPath]) -> Result<Vec<Vec<Option<String>>>, Fault> {
        let commits: Vec<Oid> = commits.iter().map(oid).collect::<Result<_, _>>()?;
        loop {
            let found: Vec<Vec<tree::Found>> = self.objects(|repo| {
                let stands = |commit: &Oid| paths.iter().map(|path| tree::find(repo, *commit, path)).collect();
                commits.iter().map(stands).collect()
            })?;
            let missing = found.iter().flatten().filter_map(|found| match found {
                tree::Found::Missing(folder) => Some(*folder),
                _ => None,
            });
            let mut missing: Vec<Oid> = missing.collect();
            if missing.is_empty() {
                return Ok(found
                    .iter()
                    .map(|row| row.iter().map(tree::Found::name).collect())
                    .collect());
            }
            missing.sort();
            missing.dedup();
            // Only the folders on the way: with all that is in them, the answer for many commits would be long.
            let fetch = Fetch::of(missing, Filter::NoTrees);
            let fetched = self.fetch(&fetch, MOST_NAMED).await;
            fetched.map_err(|error| error.into_fault(&self.talk.place()))?;
            self.require(&fetch.wants)?;
        }
    }

    async fn history(&self, from: &CommitSha, most: usize) -> Result<Vec<CommitInfo>, Fault> {
        self.look_back(from, most).await
    }
}
