//! Pull requests as a run writes them: without its secrets.

use async_trait::async_trait;

use super::{Merged, Method, New, People, Pull, Pulls, State};
use crate::githost::hiding::Hiding;
use crate::model::{BranchName, CommitSha, Fault};

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
