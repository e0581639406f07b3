//! Deployments and comments as a run writes them: without its secrets.

use async_trait::async_trait;

use super::{Deployment, DeploymentStatus, Edit, NewDeployment, Source, SourcePull};
use crate::githost::hiding::Hiding;
use crate::model::{CommitSha, Fault};

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
