//! `verify`: watches applications that are live, and judges their metrics, until the time is over or something is wrong. Writes nothing to
//! git but the record.

use crate::infrarepo::Land;
use crate::model::{Fault, Outcome};
use crate::report::{End, Report};

use crate::promote::cancel::before_following;
use crate::promote::commands::finish;
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::commands::wait::{Pinned, pinned};
use crate::promote::commands::watching::{Watched, watch};
use crate::promote::job::Verify;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::Evidence;
use crate::promote::prepare::verification::{Wish, verifications};
use crate::promote::prepare::{announce, applications};

/// Reads what is pinned at the head of the branch, and watches what runs it.
///
/// # Errors
/// There is no server to ask, an analysis or an overlay is wrong, or a server gives no answer before the watch begins.
pub(in crate::promote) async fn run(
    job: &Verify,
    reading: Reading<'_>,
    land: &dyn Land,
    report: &mut Report,
) -> Result<End, Fault> {
    let Reading { ports, repo, .. } = reading;
    let nobody = || Fault::invalid("`verify` needs `argocd-server`: promote sees applications only through Argo CD");
    let observe = reading.observe.ok_or_else(nobody)?;
    let wish = Wish {
        analyses: &job.analyses,
        lasts: job.lasts,
    };
    let prepared = before_following(ports, job.select.policy.timeout, async {
        let Pinned { planned, commit, .. } = pinned(repo, &job.select, None).await?;
        announce::fill(report, &planned, repo);
        finish::landed(report, repo, &commit, false, 0);
        let verifications = verifications(reading, &planned, wish).await?;
        let idle = (job.select.environments.iter()).find(|environment| {
            let of = verifications.iter().find(|one| one.environment == **environment);
            of.is_none_or(|one| one.analyses.is_empty() && one.lasts.is_none())
        });
        if let Some(environment) = idle {
            return Err(Fault::invalid(format!(
                "nothing says what to verify in {environment}: give `analysis` or `for`, or add `verify` to {environment} in promote.yaml"
            )));
        }
        let mut evidence = Evidence::default();
        let followees = applications::look(observe, repo, ports.clock, &planned, &mut evidence).await?;
        Ok::<_, Fault>((planned, followees, commit, verifications))
    })
    .await;
    let (planned, followees, commit, verifications) = prepared?;
    let since = ports.clock.now();
    let watched = watch(reading, observe, &planned, &followees, &commit, &verifications, report).await;
    let end = match watched {
        Watched::Good(reason) => End::new(Outcome::Verified, reason),
        Watched::Ended(end) => finish::accepted(end, &planned),
    };
    let verdict = Verdict {
        planned: &planned,
        commit: &commit,
        reason: &end.reason,
        since,
        of: None,
    };
    recording::outcome(reading, land, end.outcome, &report.applications, verdict).await;
    Ok(finish::with_way_back(end, &job.select))
}
