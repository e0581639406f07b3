//! The seam to the infra-repo: read files at one commit, land a commit on a branch, and say whether a revision contains it.
//! Knows nothing of overlays, images or applications.

use std::rc::Rc;

use async_trait::async_trait;

use crate::github::{App, GitHub, Place};
use crate::http::{Client, Tokens};
use crate::journal::Journal;
use crate::model::{BranchName, Clock, CommitSha, Fault, RefName, RepoIdentity, RepoPath, Timestamp, limits, nearest};

mod address;
mod api;
pub mod git;
mod hiding;
pub mod inputs;
mod links;
mod update;

pub use address::{Address, SshAddress, holds_credentials, user_name};
pub use git::{Identity, KnownHosts, SshAccess, SshKey};
pub use links::resolve;
pub use update::{Author, FileEdit, FileMode, Update};

/// How far back a search goes, in commits.
pub const MOST_COMMITS: usize = limits::GIT_COMMITS.things();

/// Which infra-repo, and as whom.
#[derive(Clone, Debug)]
pub struct RepoAccess {
    /// Where it is.
    pub address: Address,
    /// The branch; `None` = the remote's default.
    pub branch: Option<BranchName>,
    /// The user that the token is sent with, where the input `username` gives one.
    pub user: Option<String>,
    /// The token for its host.
    pub token: Option<Rc<dyn Tokens>>,
    /// Further addresses of it.
    pub aliases: Vec<String>,
    /// What an ssh address is opened with; `None` for every other.
    pub ssh: Option<SshAccess>,
    /// GitHub's API for it, where its host is GitHub and the token is one for the API, too.
    pub github: Option<Place>,
    /// The App whose tokens open it, in place of `token`.
    pub app: Option<App>,
    /// How commits are made by that API; `None`: they are pushed.
    pub by_api: Option<ByApi>,
}

/// How commits are made by GitHub's API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByApi {
    /// Files and folders that will probably be read, to be asked for with the branch's head.
    pub expected: Vec<RepoPath>,
    /// Whether the author of an update is sent along: GitHub then does not sign the commit.
    pub with_author: bool,
}

/// Where the branch stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The branch: the one asked for, or the remote's default.
    pub branch: BranchName,
    /// Its commit.
    pub commit: CommitSha,
    /// The remote's default branch; `None` when it does not name one.
    pub default: Option<BranchName>,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last part of the path.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its mode and the name of its object: the same text is the same content, of a file as of a whole folder.
    pub stands: String,
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link or a submodule: never followed.
    Other,
}

/// What became of one attempt to land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The reference is, or was, at this commit of ours.
    Landed(CommitSha),
    /// Somebody else was faster; nothing of ours is there. Read, plan and land again.
    LostRace {
        /// What the server said, for the log.
        why: String,
    },
}

/// Whether a revision has a commit in its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Containment {
    /// It is the commit or a descendant of it.
    Contains,
    /// It is neither.
    Lacks,
    /// Git could not be asked, with the reason: only exact equality counts then.
    Unknown(String),
}

/// A commit found by looking back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Which.
    pub commit: CommitSha,
    /// Its first parent; `None` for a root commit.
    pub parent: Option<CommitSha>,
    /// Its author as `Name <mail>`.
    pub author: String,
    /// When it was committed.
    pub at: Timestamp,
    /// The first line and the last paragraph of its message.
    pub message: String,
}

/// Reads the infra-repo. Holds no way to write.
#[async_trait(?Send)]
pub trait InfraRepo {
    /// Returns the address as people know it, without credentials.
    fn url(&self) -> String;

    /// Returns which repository it is, by all addresses that the run knows of.
    fn identity(&self) -> RepoIdentity;

    /// Returns the web page of a commit, where the host is known to have one.
    fn commit_url(&self, commit: &CommitSha) -> Option<String>;

    /// Returns where the branch stands now.
    ///
    /// # Errors
    /// `denied` or `unreachable` (exit 4), or `invalid` when the repository is empty or the branch is not there.
    async fn tip(&self) -> Result<Tip, Fault>;

    /// Returns where a reference stands now; `None` when there is none of that name.
    ///
    /// # Errors
    /// As [`InfraRepo::tip`], but an empty repository simply has no references.
    async fn reference(&self, name: &RefName) -> Result<Option<CommitSha>, Fault>;

    /// Returns what is in a folder at a commit; `None` when there is no such folder.
    ///
    /// # Errors
    /// The objects cannot be had.
    async fn list(&self, at: &CommitSha, folder: &RepoPath) -> Result<Option<Vec<Entry>>, Fault>;

    /// Returns the content of each regular file at a commit, in the same order; `None` where there is none.
    ///
    /// # Errors
    /// The objects cannot be had.
    async fn read(&self, at: &CommitSha, files: &[RepoPath]) -> Result<Vec<Option<Vec<u8>>>, Fault>;

    /// Returns where the symbolic link at a path leads to, as it says itself; `None` when there is none at exactly that path.
    ///
    /// # Errors
    /// The objects cannot be had.
    async fn link(&self, at: &CommitSha, path: &RepoPath) -> Result<Option<String>, Fault>;

    /// Whether `revision` is `ours` or a descendant of it. A verdict is kept: it cannot change.
    async fn contains(&self, revision: &CommitSha, ours: &CommitSha) -> Containment;

    /// Looks whether we may write to the branch, as far as that can be known without writing.
    ///
    /// # Errors
    /// `denied` when we may not, `unreachable` when nobody says so.
    async fn may_write(&self, branch: &BranchName) -> Result<(), Fault>;

    /// Returns up to `most` commits from `from` back along first parents, the newest first. There are fewer where the history ends, and with
    /// a notice where the commits weigh too much: the last one has a parent then.
    ///
    /// # Errors
    /// The objects cannot be had.
    async fn history(&self, from: &CommitSha, most: usize) -> Result<Vec<CommitInfo>, Fault>;

    /// Returns for each of `commits`, which [`InfraRepo::history`] returned, the name of the object at each of `paths`; `None` where there is
    /// nothing. The same name is the same content, of a file as of a whole folder. One request for each level of the paths, whatever the
    /// number of commits.
    ///
    /// # Errors
    /// The objects cannot be read.
    async fn stands(&self, commits: &[CommitSha], paths: &[RepoPath]) -> Result<Vec<Vec<Option<String>>>, Fault>;
}

/// Lands commits. `plan` is never given one.
#[async_trait(?Send)]
pub trait Land: InfraRepo {
    /// Tries once to move the reference from its expected value to a new commit: a compare-and-swap.
    ///
    /// An answer that was lost is resolved by looking at the reference, never by doing it again.
    ///
    /// # Errors
    /// The server refuses for a reason that trying again cannot change (`denied`), or cannot be reached (`unreachable`).
    /// The fault's message says whether anything was written.
    async fn land(&self, update: &Update) -> Result<Attempt, Fault>;

    /// Lets no write begin from now on, not even the repetition of one: the run was cancelled. What is under way may end.
    fn halt(&self);

    /// Names the commit of a write that was given up under way, as in `commit 1f3c…`, so that it is not known what became of it.
    fn in_doubt(&self) -> Option<String>;
}

impl RepoAccess {
    /// Returns which repository it is.
    #[must_use]
    pub fn identity(&self) -> RepoIdentity {
        RepoIdentity::of(&self.address.to_string()).with_aliases(self.aliases.iter().map(String::as_str))
    }
}

/// Opens the infra-repo. A server is not asked anything yet; a folder must be a bare repository. What is landed there has none of the secrets
/// that the journal knows in its message.
///
/// # Errors
/// `invalid` when a folder is no bare repository (a checkout's origin is named), `denied` when it cannot be opened.
pub fn open(
    target: &RepoAccess,
    http: Client,
    clock: Rc<dyn Clock>,
    journal: Rc<dyn Journal>,
) -> Result<Box<dyn Land>, Fault> {
    let inner = raw(target, http, clock, Rc::clone(&journal))?;
    Ok(Box::new(hiding::Hiding { inner, journal }))
}

/// Opens the infra-repo, without what hides secrets.
fn raw(
    target: &RepoAccess,
    http: Client,
    clock: Rc<dyn Clock>,
    journal: Rc<dyn Journal>,
) -> Result<Box<dyn Land>, Fault> {
    match &target.address {
        Address::Http { url, github, user } => {
            let user = target.user.clone().or_else(|| user.clone());
            let carrier = git::Http::new(http.clone(), url, *github, user, target.token.clone());
            let remote = git::Remote::new(target, Box::new(carrier), Rc::clone(&clock), Rc::clone(&journal))?;
            match (&target.github, &target.by_api) {
                (Some(place), Some(how)) => {
                    let github = GitHub::new(place.clone(), http, target.token.clone(), clock);
                    Ok(Box::new(api::Api::new(github, remote, target, how.clone(), journal)))
                }
                _ => Ok(Box::new(remote)),
            }
        }
        Address::Ssh { ssh, .. } => {
            let access = target
                .ssh
                .clone()
                .ok_or_else(|| Fault::invalid(format!("nothing opens {ssh}")).hint("give `ssh-key`"))?;
            let carrier = git::Ssh::new(ssh.clone(), access);
            Ok(Box::new(git::Remote::new(target, Box::new(carrier), clock, journal)?))
        }
        Address::Folder(path) => Ok(Box::new(git::Folder::open(target, path, journal)?)),
    }
}

/// The fault of landing after [`Land::halt`].
fn given_up(place: &dyn std::fmt::Display) -> Fault {
    Fault::unreachable(format!("the push to {place} was given up; nothing was written"))
}

/// The fault for a branch that is not there: the nearest names, or that there is nothing yet.
fn missing_branch<'a>(place: &str, wanted: Option<&BranchName>, names: impl Iterator<Item = &'a str>) -> Fault {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return Fault::invalid(format!("{place} is empty: it has no commit"))
            .hint("push a first commit with the overlays");
    }
    let some = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let Some(wanted) = wanted else {
        return Fault::invalid(format!("the default branch of {place} has no commit"))
            .hint(format!("set `branch`; there are {some}"));
    };
    let fault = Fault::invalid(format!("{place} has no branch {wanted}"));
    match nearest(wanted.as_str(), names.iter().copied()) {
        Some(near) => fault.hint(format!("set `branch` to {near} if you meant that branch")),
        None => fault.hint(format!("set `branch` to an existing one: {some}")),
    }
}
