//! The infra-repo as a run writes to it: no secret of the run gets into a commit message or an author, whatever a server answered with.
//! The bytes of files stay as they are: a pin is what was asked for.

use std::rc::Rc;

use async_trait::async_trait;

use super::{Attempt, Author, CommitInfo, Containment, Entry, InfraRepo, Land, Tip, Update};
use crate::journal::Journal;
use crate::model::{BranchName, CommitSha, Fault, RefName, RepoIdentity, RepoPath};
use crate::plan::hide_in_message;

/// Hides the secrets that the journal knows in what is landed.
pub(super) struct Hiding {
    pub(super) inner: Box<dyn Land>,
    pub(super) journal: Rc<dyn Journal>,
}

#[async_trait(?Send)]
impl Land for Hiding {
    async fn land(&self, update: &Update) -> Result<Attempt, Fault> {
        let hide = |text: &str| self.journal.hide(text);
        let update = Update {
            message: hide_in_message(&update.message, &hide),
            author: Author {
                name: hide(&update.author.name),
                mail: hide(&update.author.mail),
            },
            ..update.clone()
        };
        self.inner.land(&update).await
    }

    fn halt(&self) {
        self.inner.halt();
    }

    fn in_doubt(&self) -> Option<String> {
        self.inner.in_doubt()
    }
}

#[async_trait(?Send)]
impl InfraRepo for Hiding {
    fn url(&self) -> String {
        self.inner.url()
    }

    fn identity(&self) -> RepoIdentity {
        self.inner.identity()
    }

    fn commit_url(&self, commit: &CommitSha) -> Option<String> {
        self.inner.commit_url(commit)
    }

    async fn tip(&self) -> Result<Tip, Fault> {
        self.inner.tip().await
    }

    async fn reference(&self, name: &RefName) -> Result<Option<CommitSha>, Fault> {
        self.inner.reference(name).await
    }

    async fn list(&self, at: &CommitSha, folder: &RepoPath) -> Result<Option<Vec<Entry>>, Fault> {
        self.inner.list(at, folder).await
    }

    async fn read(&self, at: &CommitSha, files: &[RepoPath]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.inner.read(at, files).await
    }

    async fn link(&self, at: &CommitSha, path: &RepoPath) -> Result<Option<String>, Fault> {
        self.inner.link(at, path).await
    }

    async fn contains(&self, revision: &CommitSha, ours: &CommitSha) -> Containment {
        self.inner.contains(revision, ours).await
    }

    async fn may_write(&self, branch: &BranchName) -> Result<(), Fault> {
        self.inner.may_write(branch).await
    }

    async fn history(&self, from: &CommitSha, most: usize) -> Result<Vec<CommitInfo>, Fault> {
        self.inner.history(from, most).await
    }

    async fn stands(&self, commits: &[CommitSha], paths: &[RepoPath]) -> Result<Vec<Vec<Option<String>>>, Fault> {
        self.inner.stands(commits, paths).await
    }
}
