//! An infra-repo on a server: fetches into memory what is asked for, and lands by pushing a pack with the old value of the branch.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use git2::Oid;

use super::carrier::{CallError, Carrier};
use super::push::{self, Verdict};
use super::reference::Reference;
use super::rejection::{self, Refusal};
use super::request::{Fetch, Filter};
use super::store::Store;
use super::talk::Talk;
use super::tree::{self, oid, sha};
use crate::infrarepo::{
    Address, Attempt, CommitInfo, Containment, Entry, FileEdit, InfraRepo, Land, RepoAccess, Tip, Update, given_up,
    missing_branch,
};
use crate::journal::Journal;
use crate::model::{BranchName, Clock, CommitSha, Fault, RefName, RepoIdentity, RepoPath, limits};

/// How much a commit with all its folders may weigh before folders are fetched one by one, in bytes.
const MOST_FOLDERS: usize = limits::GIT_FOLDERS.bytes();
/// How much the objects that were asked for by name may weigh, in bytes.
const MOST_NAMED: usize = limits::GIT_NAMED.bytes();
/// How many times the size of a pack its objects may weigh, and how much they may weigh in any case, in bytes.
const MOST_TIMES: usize = 10;
const MOST_SMALL: usize = 48 << 20;
/// How often the same commit is sent while its answers are lost and the branch has not moved.
const SENDS: u32 = 4;

/// One repository behind a carrier.
pub(in crate::infrarepo) struct Remote {
    address: Address,
    identity: RepoIdentity,
    branch: Option<BranchName>,
    pub(super) talk: Talk,
    store: RefCell<Store>,
    /// What is left out of a snapshot: the content of files, and folders too where they weigh much.
    filter: Cell<Filter>,
    /// Whether the run was cancelled: then no push begins.
    halted: Cell<bool>,
    /// The commits whose folders were fetched with them, or were made here.
    snapshots: RefCell<HashSet<Oid>>,
    /// The commit of a push of which it is not known what became.
    pushed: RefCell<Option<CommitSha>>,
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
        let taken = self.store.borrow_mut().take(&fetched.pack, most);
        let count = taken.map_err(|error| {
            CallError::Final(Fault::unreachable(format!("{} sent no usable pack", self.talk.place())).because(error))
        })?;
        self.talk.journal().debug(format!(
            "fetched {count} objects in {} bytes from {}",
            fetched.pack.len(),
            self.talk.place()
        ));
        Ok(fetched.cut)
    }

    /// Makes sure that a commit is here, with its folders unless they weigh too much.
    async fn snapshot(&self, commit: &CommitSha) -> Result<Oid, Fault> {
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

    fn require(&self, wanted: &[Oid]) -> Result<(), Fault> {
        match wanted.iter().find(|id| !self.has(**id)) {
            Some(id) => Err(Fault::unreachable(format!(
                "{} did not send the object {id} that it was asked for",
                self.talk.place()
            ))),
            None => Ok(()),
        }
    }

    /// Follows paths from the root of a commit; folders that are not here are fetched, those of one level together.
    async fn find(&self, commit: Oid, paths: &[&RepoPath]) -> Result<Vec<tree::Found>, Fault> {
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

    async fn reference_at(&self, name: &RefName) -> Result<Option<CommitSha>, Fault> {
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

    /// Sends the same commit until it is known what became of it. Sending it again is no second commit: it has the same name.
    ///
    /// Whatever the answer to a push is, unless it is `ok`, the reference has the last word: a proxy or a hook can answer for a push that was
    /// done.
    async fn push(&self, update: &Update, new: Oid, pack: &[u8]) -> Result<Attempt, Fault> {
        let reference = &update.reference;
        let old = update.expected.as_ref().map_or(Ok(Oid::ZERO_SHA1), oid)?;
        let place = self.talk.place();
        let mut sent = false;
        for attempt in 1.. {
            if self.halted.get() {
                return Err(given_up(&place));
            }
            self.pushed.replace(Some(sha(new)));
            let request = push::request(reference.as_str(), old, new, pack);
            let answer = match self.talk.push(request, reference.as_str()).await {
                Ok(report) => match report.verdict {
                    Verdict::Done => return Ok(self.known(Attempt::Landed(sha(new)))),
                    Verdict::Refused(why) => match rejection::classify(&why, &report.words, reference, &place) {
                        Refusal::LostRace => Answer::LostRace(why),
                        Refusal::Passing(fault) => Answer::Again(fault, None),
                        Refusal::Rule(fault) => Answer::Refused(fault),
                    },
                },
                Err(CallError::Lost { fault, after }) => Answer::Again(fault, after),
                Err(CallError::Unsent(fault)) if !sent => {
                    if attempt == SENDS {
                        return Err(self.unwritten(fault));
                    }
                    self.talk.pause(attempt, None, &fault).await;
                    continue;
                }
                Err(CallError::Untouched(fault)) if !sent => return Err(self.unwritten(fault)),
                Err(CallError::Unsent(fault)) => Answer::Again(fault, None),
                Err(error) => Answer::Refused(error.into_fault(&place)),
            };
            sent = true;
            if let Answer::Again(fault, after) = &answer {
                self.talk.pause(attempt, *after, fault).await;
            }
            let found = self.look(update, new, &answer).await?;
            match (found, answer) {
                (Found::Ours, _) => return Ok(self.known(Attempt::Landed(sha(new)))),
                (_, Answer::Refused(fault)) => return Err(self.unwritten(fault)),
                (_, Answer::LostRace(why)) => return Ok(self.known(Attempt::LostRace { why })),
                (Found::Other(tip), Answer::Again(..)) => {
                    let why = format!(
                        "the response was lost, and {} is at {} without this commit",
                        reference.short(),
                        tip.short()
                    );
                    return Ok(self.known(Attempt::LostRace { why }));
                }
                (Found::Unmoved, Answer::Again(fault, _)) if attempt >= SENDS => return Err(self.unwritten(fault)),
                (Found::Unmoved, Answer::Again(..)) => {}
            }
        }
        Err(given_up(&place))
    }

    /// Notes that it is known what became of the push.
    fn known(&self, attempt: Attempt) -> Attempt {
        self.pushed.replace(None);
        attempt
    }

    /// Notes that nothing came of the push, and says so in the fault.
    fn unwritten(&self, fault: Fault) -> Fault {
        self.pushed.replace(None);
        not_written(fault)
    }

    /// Looks where the reference is after a push that was not answered with `ok`.
    async fn look(&self, update: &Update, new: Oid, answer: &Answer) -> Result<Found, Fault> {
        let reference = update.reference.short();
        let place = self.talk.place();
        let unknown = |why: &dyn std::fmt::Display| {
            let said = match answer {
                Answer::LostRace(said) => format!("the push was answered with {said:?}"),
                Answer::Refused(fault) => format!("the push was refused ({fault})"),
                Answer::Again(fault, _) => format!("the answer to the push was lost ({fault})"),
            };
            Fault::unreachable(format!(
                "it is not known whether commit {new} is on {reference} of {place}: {said}, and {reference} cannot be read: {why}"
            ))
            .hint(format!("run it again: it finds out, and lands only what is missing (the commit would be {new})"))
        };
        let tip = self
            .reference_at(&update.reference)
            .await
            .map_err(|fault| unknown(&fault))?;
        if tip == update.expected {
            return Ok(Found::Unmoved);
        }
        let Some(tip) = tip else {
            return Err(unknown(&"it is gone"));
        };
        match self.contains(&tip, &sha(new)).await {
            Containment::Contains => {
                self.talk
                    .journal()
                    .progress(format!("the push had arrived: {reference} is at {}", tip.short()));
                Ok(Found::Ours)
            }
            Containment::Lacks => Ok(Found::Other(tip)),
            Containment::Unknown(why) => Err(unknown(&why)),
        }
    }
}

/// What came back for a push that was not done, as far as the server says.
enum Answer {
    /// Somebody else was faster.
    LostRace(String),
    /// Nothing that could be read, or a server that is not well: with the wait that it wants.
    Again(Fault, Option<Duration>),
    /// A rule, a status, a redirect: sending it again cannot help.
    Refused(Fault),
}

/// Where the reference is after a push.
enum Found {
    /// At our commit, or at one that stands on it.
    Ours,
    /// Where it was.
    Unmoved,
    /// At a commit without ours.
    Other(CommitSha),
}

fn not_written(mut fault: Fault) -> Fault {
    if !fault.message.contains("nothing was written") {
        fault.message.push_str("; nothing was written");
    }
    fault
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

#[async_trait(?Send)]
impl Land for Remote {
    async fn land(&self, update: &Update) -> Result<Attempt, Fault> {
        for (n, parent) in update.parents.iter().enumerate() {
            let parent = self.snapshot(parent).await?;
            if n == 0 {
                let paths: Vec<&RepoPath> = update.edits.iter().map(FileEdit::path).collect();
                self.find(parent, &paths).await?;
            }
        }
        let (made, pack) = {
            let store = self.store.borrow();
            let made = tree::commit(store.repo(), update)?;
            let pack = store.pack(&made.objects);
            (
                made.commit,
                pack.map_err(|error| Fault::bug("write the pack").because(error))?,
            )
        };
        self.talk.journal().debug(format!(
            "pushing {made} to {} in {} bytes",
            update.reference.short(),
            pack.len()
        ));
        // Its folders are here, or those of what it stands on.
        self.snapshots.borrow_mut().insert(made);
        self.push(update, made, &pack).await
    }

    fn halt(&self) {
        self.halted.set(true);
    }

    fn in_doubt(&self) -> Option<CommitSha> {
        self.pushed.borrow().clone()
    }
}
