//! The seam to what the repository of the source shows of a promotion: deployments of its commits, and a comment on a pull request. GitHub.

mod comments;
mod deployments;
mod hiding;

use std::rc::Rc;

use async_trait::async_trait;
use serde::Deserialize;

use crate::github::{Failure, GitHub};
use crate::http::Client;
use crate::journal::Journal;
use crate::model::{Clock, CommitSha, Fault};

use super::Run;
use super::hiding::Hiding;

/// A deployment that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeployment {
    /// The commit.
    pub commit: String,
    /// GitHub's environment.
    pub environment: String,
    /// The apps, sorted.
    pub apps: Vec<String>,
    /// The run that makes it, with its attempt.
    pub run: String,
    /// What is deployed, in words.
    pub description: String,
}

/// A deployment that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: u64,
    /// Whether another run made it.
    pub earlier: bool,
}

/// How a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// It is on its way.
    InProgress,
    /// It is live and healthy.
    Success,
    /// It did not become live, or is not good.
    Failure,
    /// The run could not see how it went on.
    Error,
    /// Another one took its place.
    Inactive,
}

impl DeploymentState {
    /// Returns GitHub's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Inactive => "inactive",
        }
    }
}

/// A status of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentStatus {
    /// How it stands.
    pub state: DeploymentState,
    /// Why, in words. GitHub takes 140 characters; the rest is left out.
    pub description: String,
    /// The page of what is deployed, where there is one.
    pub environment_url: Option<String>,
    /// The page of the run.
    pub log_url: String,
}

/// The pull request that a commit came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePull {
    /// Its number.
    pub number: u64,
    /// Whether its branch is in another repository.
    pub fork: bool,
}

/// Makes the text of the comment of the one that is there, if there is one.
pub(super) type Edit<'a> = dyn Fn(Option<&str>) -> String + 'a;

/// What the repository of the source shows.
#[async_trait(?Send)]
pub trait Source {
    /// Returns the commit that a tag, a branch or the beginning of a SHA stands for; `None` where there is none.
    ///
    /// # Errors
    /// GitHub refuses or gives no answer.
    async fn commit(&self, name: &str) -> Result<Option<CommitSha>, Fault>;

    /// Returns the page of the run, if a job of it made a deployment of this environment by its own `environment:`.
    ///
    /// # Errors
    /// As [`Source::commit`].
    async fn made_by_job(&self, environment: &str) -> Result<Option<String>, Fault>;

    /// Makes a deployment, unless this run has made it already. With `only_found` none is made, and that of an earlier run counts.
    /// After a lost answer it is looked for.
    ///
    /// # Errors
    /// As [`Source::commit`].
    async fn deploy(&self, new: &NewDeployment, only_found: bool) -> Result<Option<Deployment>, Fault>;

    /// Gives a deployment another status.
    ///
    /// # Errors
    /// As [`Source::commit`].
    async fn report(&self, deployment: u64, status: &DeploymentStatus) -> Result<(), Fault>;

    /// Returns the deployments that count as live or on their way, and whose place this one took.
    ///
    /// # Errors
    /// As [`Source::commit`].
    async fn replaced(&self, deployment: u64, new: &NewDeployment) -> Result<Vec<u64>, Fault>;

    /// Returns the pull request that a commit came from.
    ///
    /// # Errors
    /// As [`Source::commit`].
    async fn pull_of(&self, commit: &str) -> Result<Option<SourcePull>, Fault>;

    /// Writes the one comment of promotions on a pull request: `edit` makes its text of the one that is there.
    ///
    /// # Errors
    /// As [`Source::commit`].
    async fn comment(&self, pull: SourcePull, edit: &Edit<'_>) -> Result<(), Fault>;
}

/// A repository, as a run sees it.
struct Host {
    api: GitHub,
    run: Run,
}

/// Opens a repository `owner/name` on the GitHub of a run, with the token of the run. What is written there has none of the secrets that the
/// journal knows.
#[must_use]
pub fn open(
    run: &Run,
    repository: &str,
    http: &Client,
    clock: &Rc<dyn Clock>,
    journal: &Rc<dyn Journal>,
) -> Box<dyn Source> {
    let place = run.place.beside(repository);
    let api = GitHub::new(place, http.clone(), run.token.clone(), Rc::clone(clock));
    let inner: Box<dyn Source> = Box::new(Host { api, run: run.clone() });
    let journal = Rc::clone(journal);
    Box::new(Hiding { journal, inner })
}

#[derive(Deserialize)]
struct WireCommit {
    sha: String,
}

impl Host {
    async fn find_commit(&self, name: &str) -> Result<Option<CommitSha>, Fault> {
        let what = format!("look for the commit {name}");
        match self.api.get(&["commits", name], &[]).await {
            Ok(reply) => Ok(CommitSha::parse(&reply.read::<WireCommit>("commit")?.sha)),
            // 422: GitHub cannot read it as the name of a commit.
            Err(failure) if is_missing(&failure) => Ok(None),
            Err(failure) => Err(failure.fault(&what)),
        }
    }
}

fn is_missing(failure: &Failure) -> bool {
    failure.is_missing() || failure.refusal().is_some_and(|said| said.status == 422)
}

#[async_trait(?Send)]
impl Source for Host {
    async fn commit(&self, name: &str) -> Result<Option<CommitSha>, Fault> {
        self.find_commit(name).await
    }

    async fn made_by_job(&self, environment: &str) -> Result<Option<String>, Fault> {
        self.find_of_job(environment).await
    }

    async fn deploy(&self, new: &NewDeployment, only_found: bool) -> Result<Option<Deployment>, Fault> {
        self.make_deployment(new, only_found).await
    }

    async fn report(&self, deployment: u64, status: &DeploymentStatus) -> Result<(), Fault> {
        self.set_status(deployment, status).await
    }

    async fn replaced(&self, deployment: u64, new: &NewDeployment) -> Result<Vec<u64>, Fault> {
        self.find_replaced(deployment, new).await
    }

    async fn pull_of(&self, commit: &str) -> Result<Option<SourcePull>, Fault> {
        self.find_pull(commit).await
    }

    async fn comment(&self, pull: SourcePull, edit: &Edit<'_>) -> Result<(), Fault> {
        self.write_comment(pull, edit).await
    }
}
