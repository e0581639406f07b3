//! `preflight`: everything that a promotion will need, looked at before anyone needs it. Reads only, and stops at no problem.

mod applications;
mod environments;
mod github;
mod repository;

use crate::delivery::Observe;
use crate::githost::{Environments, Rules};
use crate::infrarepo::InfraRepo;
use crate::model::Fault;
use crate::plan::Select;
use crate::report::{End, Report};

use crate::promote::commands::checks::Checks;
use crate::promote::job::Common;
use crate::promote::ports::Ports;

/// The seams, each with what stood against opening it.
pub(in crate::promote) struct Seams {
    /// The infra-repo.
    pub(in crate::promote) repo: Result<Box<dyn InfraRepo>, Fault>,
    /// The infra-repo's host, if it can be asked.
    pub(in crate::promote) host: Option<Box<dyn Rules>>,
    /// The environments of the repository of the run, if this is one.
    pub(in crate::promote) environments: Option<Box<dyn Environments>>,
    /// Argo CD, if it is given.
    pub(in crate::promote) argocd: Option<Result<Box<dyn Observe>, Fault>>,
}

/// Fills the report with a row for every check.
pub(in crate::promote) async fn run(
    seams: Seams,
    common: &Common,
    select: &Select,
    ports: Ports<'_>,
    report: &mut Report,
) -> End {
    let mut checks = Checks::default();
    let repo = match seams.repo {
        Ok(repo) => Some(repo),
        Err(fault) => {
            checks.failed("read", common.infra_repo.address.to_string(), fault);
            None
        }
    };
    let found = match &repo {
        Some(repo) => {
            let host = seams.host.as_deref();
            let hosts = (repo.as_ref(), host, seams.environments.as_deref());
            repository::checked(hosts, common, select, ports, &mut checks, report).await
        }
        None => None,
    };
    match seams.argocd {
        None => checks.skipped(
            "Argo CD",
            "",
            "`argocd-server` is not set: promote would commit and not wait",
        ),
        Some(Err(fault)) => checks.failed("Argo CD", "", fault),
        Some(Ok(observe)) => {
            let known = applications::server(observe.as_ref(), common, ports, &mut checks).await;
            match (&found, known) {
                (Some(found), Some(subject)) => {
                    let servers = (found, observe.as_ref());
                    let rows = applications::each(servers, ports, &subject, &mut checks).await;
                    report.riding_along = rows;
                }
                (Some(_), None) => checks.skipped(
                    "application",
                    "",
                    "not checked: Argo CD rejected the token or did not answer",
                ),
                (None, _) => {}
            }
        }
    }
    checks.end(report)
}
