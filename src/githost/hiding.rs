//! Pull requests, deployments and comments as a run writes them: no secret of the run is in their texts, whatever a server answered with.

use std::rc::Rc;

use async_trait::async_trait;

use super::pulls::{Merged, Method, New, People, Pull, Pulls, State};
use super::source::{Deployment, DeploymentStatus, Edit, NewDeployment, Source, SourcePull};
use crate::journal::Journal;
use crate::model::{BranchName, CommitSha, Fault};
use crate::plan::{hide_in_markdown, hide_in_message};

/// Hides the secrets that the journal knows in what is written.
pub(super) struct Hiding<T: ?Sized> {
    pub(super) journal: Rc<dyn Journal>,
    pub(super) inner: Box<T>,
}

impl<T: ?Sized> Hiding<T> {
    fn hide(&self, text: &str) -> String {
        self.journal.hide(text)
    }

    fn message(&self, text: &str) -> String {
        hide_in_message(text, &|text| self.hide(text))
    }

    fn markdown(&self, text: &str) -> String {
        hide_in_markdown(text, &|text| self.hide(text))
    }
}

#[async_trait(?Send)]
impl Pulls for Hiding<dyn Pulls> {
    async fn find(&self, head: &BranchName, base: &BranchName) -> Result<Option<Pull>, Fault> {
        self.inner.find(head, base).await
    }

    async fn open(&self, new: &New) -> Result<Pull, Fault> {
        let new = New {
            title: self.hide(&new.title),
            body: self.markdown(&new.body),
            ..new.clone()
        };
        self.inner.open(&new).await
    }

    async fn edit(&self, pull: &Pull, title: &str, body: &str) -> Result<(), Fault> {
        let (title, body) = (self.hide(title), self.markdown(body));
        if pull.title == title && pull.body == body {
            return Ok(());
        }
        self.inner.edit(pull, &title, &body).await
    }

    async fn ask(&self, pull: &Pull, people: &People) -> Vec<String> {
        self.inner.ask(pull, people).await
    }

    async fn state(&self, pull: &Pull) -> Result<State, Fault> {
        self.inner.state(pull).await
    }

    async fn merge(&self, pull: &Pull, head: &CommitSha, method: Method, message: &str) -> Result<Merged, Fault> {
        self.inner.merge(pull, head, method, &self.message(message)).await
    }

    async fn enqueue(&self, pull: &Pull, head: &CommitSha) -> Result<Merged, Fault> {
        self.inner.enqueue(pull, head).await
    }

    async fn stop(&self, pull: &Pull) -> Result<State, Fault> {
        self.inner.stop(pull).await
    }

    fn halt(&self) {
        self.inner.halt();
    }

    fn in_doubt(&self) -> bool {
        self.inner.in_doubt()
    }

    fn merge_in_doubt(&self) -> bool {
        self.inner.merge_in_doubt()
    }

    async fn arm(&self, pull: &Pull, head: &CommitSha, method: Option<Method>, message: &str) -> Result<Merged, Fault> {
        self.inner.arm(pull, head, method, &self.message(message)).await
    }
}

impl Hiding<dyn Source> {
    fn deployment(&self, new: &NewDeployment) -> NewDeployment {
        NewDeployment {
            description: self.hide(&new.description),
            ..new.clone()
        }
    }
}

#[async_trait(?Send)]
impl Source for Hiding<dyn Source> {
    async fn commit(&self, name: &str) -> Result<Option<CommitSha>, Fault> {
        self.inner.commit(name).await
    }

    async fn made_by_job(&self, environment: &str) -> Result<Option<String>, Fault> {
        self.inner.made_by_job(environment).await
    }

    async fn deploy(&self, new: &NewDeployment, only_found: bool) -> Result<Option<Deployment>, Fault> {
        self.inner.deploy(&self.deployment(new), only_found).await
    }

    async fn report(&self, deployment: u64, status: &DeploymentStatus) -> Result<(), Fault> {
        let status = DeploymentStatus {
            description: self.hide(&status.description),
            environment_url: status.environment_url.as_deref().map(|url| self.hide(url)),
            log_url: self.hide(&status.log_url),
            ..status.clone()
        };
        self.inner.report(deployment, &status).await
    }

    async fn replaced(&self, deployment: u64, new: &NewDeployment) -> Result<Vec<u64>, Fault> {
        self.inner.replaced(deployment, &self.deployment(new)).await
    }

    async fn pull_of(&self, commit: &str) -> Result<Option<SourcePull>, Fault> {
        self.inner.pull_of(commit).await
    }

    async fn comment(&self, pull: SourcePull, edit: &Edit<'_>) -> Result<(), Fault> {
        let hidden = |before: Option<&str>| self.markdown(&edit(before));
        self.inner.comment(pull, &hidden).await
    }
}
