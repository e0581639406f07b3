//! The seam to pull requests: find, open, update, merge, look. GitHub.

mod github;
mod hiding;

use std::rc::Rc;

use async_trait::async_trait;

use crate::githost::hiding::Hiding;
use crate::github::{GitHub, Place};
use crate::http::{Client, Tokens};
use crate::journal::Journal;
use crate::model::{BranchName, Clock, CommitSha, Fault};

/// Who merges a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// A person.
    None,
    /// The host, as soon as its rules allow it.
    Auto,
    /// The run.
    Now,
}

/// Whom the host asks to look at a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Labels.
    pub labels: Vec<String>,
    /// Logins of users whose review is asked for.
    pub reviewers: Vec<String>,
    /// Slugs of teams whose review is asked for.
    pub teams: Vec<String>,
    /// Logins of users that it is assigned to.
    pub assignees: Vec<String>,
}

/// What a pull request is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    /// Its own branch.
    pub head: BranchName,
    /// The branch that it is for.
    pub base: BranchName,
    /// Its title.
    pub title: String,
    /// Its text, in Markdown.
    pub body: String,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its id in GraphQL.
    pub id: String,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The head of its branch.
    pub head: CommitSha,
}

/// How a pull request is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One new commit.
    Squash,
    /// A merge commit.
    Merge,
    /// Its commits again, on the branch.
    Rebase,
}

/// Why a pull request is not merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The host has not worked it out yet.
    Unknown,
    /// It cannot be merged with what is on the branch.
    Conflict,
    /// Checks failed, by name where the host says so.
    ChecksFailed(Vec<String>),
    /// Checks are not done.
    ChecksPending,
    /// Reviews are missing.
    ReviewsMissing,
    /// Somebody asked for changes.
    ChangesRequested,
    /// It is a draft.
    Draft,
    /// Its branch is behind, and a rule wants it up to date.
    Behind,
    /// Another rule.
    Rule,
}

/// How a pull request stands.
#[expect(clippy::struct_excessive_bools, reason = "what the host says, each for itself")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The head of its branch.
    pub head: CommitSha,
    /// Its text.
    pub body: String,
    /// The head of the branch that it is for; `None` where the host does not say it.
    pub base: Option<CommitSha>,
    /// The commit that its merge made, once it is merged.
    pub merged: Option<CommitSha>,
    /// Whether it was closed without a merge.
    pub closed: bool,
    /// What stands in the way of a merge; `None`: nothing.
    pub blocked: Option<Blocked>,
    /// Whether the branch has a merge queue.
    pub has_queue: bool,
    /// The state of its entry in the queue, while it is in it.
    pub queued: Option<String>,
    /// Whether the host merges it by itself when it can.
    pub armed: bool,
    /// The way that it can be merged by.
    pub method: Method,
    /// Whether the repository lets the host merge by itself.
    pub may_arm: bool,
}

/// What became of the request to merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It is merged, by this commit if the host said so.
    Done(Option<CommitSha>),
    /// It is in the queue.
    Queued,
    /// The host merges it when it can.
    Armed,
    /// Not now, in the host's words.
    NotNow(String),
    /// The answer was lost, and nothing was done.
    Lost(String),
    /// Its branch has another head.
    Moved,
}

/// Pull requests of one repository.
#[async_trait(?Send)]
pub trait Pulls {
    /// Returns the open pull request from `head` to `base`.
    ///
    /// # Errors
    /// The host refuses or gives no answer.
    async fn find(&self, head: &BranchName, base: &BranchName) -> Result<Option<Pull>, Fault>;

    /// Opens a pull request. After a lost answer it is looked for.
    ///
    /// # Errors
    /// As [`Pulls::find`].
    async fn open(&self, new: &New) -> Result<Pull, Fault>;

    /// Gives a pull request another title and text.
    ///
    /// # Errors
    /// As [`Pulls::find`].
    async fn edit(&self, pull: &Pull, title: &str, body: &str) -> Result<(), Fault>;

    /// Has people look at it. Returns what could not be set, for a warning each.
    async fn ask(&self, pull: &Pull, people: &People) -> Vec<String>;

    /// Returns how it stands.
    ///
    /// # Errors
    /// As [`Pulls::find`].
    async fn state(&self, pull: &Pull) -> Result<State, Fault>;

    /// Merges it if its branch is at `head`, with this subject and body of the commit.
    ///
    /// # Errors
    /// As [`Pulls::find`].
    async fn merge(&self, pull: &Pull, head: &CommitSha, method: Method, message: &str) -> Result<Merged, Fault>;

    /// Puts it into the merge queue if its branch is at `head`.
    ///
    /// # Errors
    /// As [`Pulls::find`].
    async fn enqueue(&self, pull: &Pull, head: &CommitSha) -> Result<Merged, Fault>;

    /// Has the host merge it as soon as it can, if its branch is at `head`. `method`: `None` for a queue, which has its own.
    ///
    /// # Errors
    /// As [`Pulls::find`].
    async fn arm(&self, pull: &Pull, head: &CommitSha, method: Option<Method>, message: &str) -> Result<Merged, Fault>;

    /// Takes it out of the merge queue, and has the host not merge it by itself any more. Returns how it stands after that: it can have been
    /// merged before.
    ///
    /// # Errors
    /// As [`Pulls::find`]; then the host can still merge it.
    async fn stop(&self, pull: &Pull) -> Result<State, Fault>;

    /// Lets no write begin from now on, not even the repetition of one: the run was cancelled. What is under way may end.
    fn halt(&self);

    /// Whether a write was given up under way, so that it is not known what became of it.
    fn in_doubt(&self) -> bool;

    /// Whether that was a request to merge.
    fn merge_in_doubt(&self) -> bool;
}

/// Opens the pull requests of a repository. What is written there has none of the secrets that the journal knows.
#[must_use]
pub fn open(
    place: &Place,
    http: Client,
    token: Option<Rc<dyn Tokens>>,
    clock: Rc<dyn Clock>,
    journal: Rc<dyn Journal>,
) -> Box<dyn Pulls> {
    let inner: Box<dyn Pulls> = Box::new(github::Host::new(GitHub::new(place.clone(), http, token, clock)));
    Box::new(Hiding { journal, inner })
}
