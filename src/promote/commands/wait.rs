//! `wait`: follows the applications of a commit that is on the branch already, until they run it. Writes nothing to git but the record.

use crate::delivery::Drive;
use crate::infrarepo::{InfraRepo, Land, MOST_COMMITS};
use crate::model::{CommitName, CommitSha, Fault, Outcome, PinChange, RepoPath};
use crate::plan::{Plan, Select};
use crate::report::{End, Report};

use crate::promote::cancel::before_following;
use crate::promote::commands::finish::{self, finish};
use crate::promote::commands::recording::{self, Verdict};
use crate::promote::job::Wait;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::Evidence;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::snapshot::{Asked, snapshot};
use crate::promote::prepare::verification::of_pauses;
use crate::promote::prepare::{announce, applications};

/// Reads what the commit pins, and follows its applications. Starts a sync only if `sync` says so.
///
/// # Errors
/// There is no server to ask, the commit or the overlays cannot be read, or an application would never show the commit.
pub(in crate::promote) async fn run(
    job: &Wait,
    reading: Reading<'_>,
    land: &dyn Land,
    drive: Option<&dyn Drive>,
    report: &mut Report,
) -> Result<End, Fault> {
    let Reading { ports, repo, .. } = reading;
    let nobody = || Fault::invalid("`wait` needs `argocd-server`: promote sees applications only through Argo CD");
    let observe = reading.observe.ok_or_else(nobody)?;
    let (
        Pinned {
            planned,
            commit,
            is_replaced,
        },
        followees,
        verifications,
    ) = before_following(ports, job.select.policy.timeout, async {
        let pinned = pinned(repo, &job.select, job.commit.as_ref()).await?;
        let planned = &pinned.planned;
        announce::fill(report, planned, repo);
        finish::landed(report, repo, &pinned.commit, false, 0);
        let followees = applications::look(observe, repo, ports.clock, planned, &mut Evidence::default()).await?;
        let verifications = of_pauses(reading, planned).await?;
        Ok::<_, Fault>((pinned, followees, verifications))
    })
    .await?;
    let since = ports.clock.now();
    let followed = finish::follow(
        reading,
        (observe, drive),
        &planned,
        followees,
        &commit,
        (drive, &verifications),
    )
    .await;
    let end = finish(report, followed, &planned, |outcome| outcome);
    let verdict = Verdict {
        planned: &planned,
        commit: &commit,
        reason: &end.reason,
        since,
        of: None,
    };
    // What was replaced before this run began is no news, and maybe no change that anybody made.
    if !(is_replaced && end.outcome == Outcome::Superseded) {
        recording::outcome(reading, land, end.outcome, &report.applications, verdict).await;
    }
    Ok(finish::with_way_back(end, &job.select))
}

/// Returns the commit of that name; a short one is looked for in the newest commits of the branch.
async fn found(repo: &dyn InfraRepo, name: &CommitName, tip: &CommitSha) -> Result<CommitSha, Fault> {
    if let CommitName::Full(commit) = name {
        return Ok(commit.clone());
    }
    let commits = repo.history(tip, MOST_COMMITS).await?;
    let mut named = commits
        .into_iter()
        .map(|info| info.commit)
        .filter(|commit| name.names(commit));
    match (named.next(), named.next()) {
        (Some(commit), None) => Ok(commit),
        (Some(one), Some(other)) => {
            Err(Fault::invalid(format!("`commit` {name} is ambiguous: {one} and {other}")).hint("use the full SHA"))
        }
        (None, _) => Err(Fault::invalid(format!(
            "`commit` {name}: none of the last {MOST_COMMITS} commits of the branch in {} begins with it",
            repo.url()
        ))
        .hint("use the full SHA of a commit of the infra-repo")),
    }
}

/// What a commit pins.
pub(in crate::promote) struct Pinned {
    /// As a plan that changes nothing.
    pub(in crate::promote) planned: Planned,
    /// The commit.
    pub(in crate::promote) commit: CommitSha,
    /// Whether the head of the branch pins something else.
    is_replaced: bool,
}

/// Reads what a commit pins.
pub(in crate::promote) async fn pinned(
    repo: &dyn InfraRepo,
    select: &Select,
    commit: Option<&CommitName>,
) -> Result<Pinned, Fault> {
    let mut snapshot = snapshot(repo, Asked::all_of(select)).await?;
    let name = commit;
    let commit = match name {
        None => snapshot.tip.commit.clone(),
        Some(name) => found(repo, name, &snapshot.tip.commit).await?,
    };
    let files: Vec<RepoPath> = (snapshot.places.iter())
        .flat_map(|(_, overlay)| overlay.files.iter().map(|file| file.path.clone()))
        .collect();
    let texts = repo.read(&commit, &files).await.map_err(|fault| match name {
        // The tip was read a moment ago with the same token: what cannot be read is the commit.
        Some(commit) if fault.outcome == Outcome::Denied => {
            Fault::invalid(format!("`commit` {commit} cannot be read from {}: {fault}", repo.url()))
                .hint("give a commit of the infra-repo, not of the application's repository")
        }
        _ => fault,
    })?;
    let mut pins = Vec::new();
    let mut is_replaced = false;
    let overlays = snapshot.places.iter_mut().flat_map(|(place, overlay)| {
        let place = &*place;
        overlay.files.iter_mut().map(move |file| (place, file))
    });
    for ((place, overlay), text) in overlays.zip(texts) {
        let file = &overlay.path;
        let text = text.ok_or_else(|| Fault::invalid(format!("{file} is not there at {commit}")))?;
        let found = (place.syntax)
            .pins(&text)
            .map_err(|fault| Fault::invalid(format!("{file} at {commit}: {fault}")))?;
        let pinned = found.into_iter().filter(crate::model::Pin::is_pinned);
        pins.extend(pinned.map(|pin| PinChange {
            app: place.app.clone(),
            environment: place.environment.clone(),
            cluster: place.cluster.clone(),
            file: file.clone(),
            syntax: place.syntax.clone(),
            before: pin.clone(),
            after: pin,
        }));
        let references = |text: &[u8]| {
            let pins = place.syntax.pins(text).unwrap_or_default();
            pins.iter().map(crate::model::Pin::reference).collect::<Vec<_>>()
        };
        is_replaced |= overlay.text != text && references(&overlay.text) != references(&text);
        overlay.text = text;
    }
    let mut plan = Plan {
        pins,
        ..Plan::default()
    };
    snapshot.join(&mut plan);
    Ok(Pinned {
        planned: Planned { snapshot, plan },
        commit,
        is_replaced,
    })
}
