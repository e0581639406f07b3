//! One run from the first request to the report: the order of a promotion, and what each end means.

use std::rc::Rc;

use crate::delivery::{ArgoCd, Drive, Observe};
use crate::http;
use crate::infrarepo::{self, InfraRepo, Land};
use crate::journal::Journal;
use crate::model::{Clock, Command, CommitSha, Event, Fault, Outcome};
use crate::plan::SyncMode;
use crate::report::Report;

use super::cancel::or_cancel;
use super::follow::{FollowPorts, Followed, follow};
use super::land::{Landing, land};
use super::planning::{Planned, pinned, planned};
use super::record::Recorder;
use super::status::status;
use super::target::{FollowRequest, Target};
use super::{Cancel, Ports, Settings, applications, rerun, rows};

/// Runs `promote`, `plan`, `wait` or `status`, and reports how it ended. Never fails: a fault is an end, too.
pub async fn run(settings: &Settings, journal: Rc<dyn Journal>, clock: Rc<dyn Clock>, cancel: Cancel) -> Report {
    let start = clock.now();
    let recorder = Rc::new(Recorder::new(journal, Rc::clone(&clock)));
    let mut report = Report::new(settings.command);
    report.app = settings.request.apps.iter().map(ToString::to_string).collect();
    report.environment = settings.request.environments.iter().map(ToString::to_string).collect();
    let journal = Rc::<Recorder>::clone(&recorder);
    if let Err(fault) = story(settings, journal, Rc::clone(&clock), &cancel, &mut report).await {
        report.end(fault.outcome);
        report.reason = fault.to_string();
        report.hints = fault.hints;
    }
    report.duration_seconds = clock.now().saturating_sub(start).as_secs_f64();
    recorder.fill(&mut report);
    report
}

async fn story(
    settings: &Settings,
    journal: Rc<dyn Journal>,
    clock: Rc<dyn Clock>,
    cancel: &Cancel,
    report: &mut Report,
) -> Result<(), Fault> {
    let client = http::client(settings.ca_bundle.as_deref())?;
    let repo = infrarepo::open(
        &settings.infra_repo,
        client.clone(),
        Rc::clone(&clock),
        Rc::clone(&journal),
    )?;
    let argocd = settings
        .argocd
        .clone()
        .map(|argocd| ArgoCd::new(client, argocd))
        .transpose()?;
    let ports = Ports {
        clock: clock.as_ref(),
        journal: journal.as_ref(),
        cancel,
    };
    let (repo, argocd) = (repo.as_ref(), argocd.as_ref());
    match settings.command {
        // These are given the reading side only.
        Command::Plan => plan(settings, ports, repo, argocd, report).await,
        Command::Wait => wait(settings, ports, repo, argocd, report).await,
        Command::Status => {
            let argocd = argocd.map(|argocd| -> &dyn Observe { argocd });
            or_cancel(ports.cancel, status(repo, settings, ports, argocd, report)).await?
        }
        _ => promote(settings, ports, repo, argocd, report).await,
    }
}

/// Snapshot, plan, and a look at the applications: everything before the first write.
async fn look(
    settings: &Settings,
    ports: Ports<'_>,
    repo: &dyn InfraRepo,
    argocd: Option<&ArgoCd>,
    report: &mut Report,
) -> Result<(Planned, Vec<Target>), Fault> {
    ports.journal.tell(Event::Stage("Plan".to_owned()));
    let planned = or_cancel(ports.cancel, planned(repo, settings)).await??;
    rows::plan(report, &planned, repo);
    rows::announce(&planned, ports.journal);
    let Some(argocd) = argocd else {
        return Ok((planned, Vec::new()));
    };
    let targets = or_cancel(ports.cancel, applications::look(argocd, repo, ports.clock, &planned)).await??;
    report.applications = targets.iter().map(|target| rows::baseline(target, argocd)).collect();
    let names: Vec<&str> = report.applications.iter().map(|row| row.name.as_str()).collect();
    ports.journal.progress(format!("Argo CD knows {}", names.join(", ")));
    rows::output(ports.journal, "applications", names.join("\n"));
    Ok((planned, targets))
}

async fn plan(
    settings: &Settings,
    ports: Ports<'_>,
    repo: &dyn InfraRepo,
    argocd: Option<&ArgoCd>,
    report: &mut Report,
) -> Result<(), Fault> {
    let (planned, _) = look(settings, ports, repo, argocd, report).await?;
    report.end(Outcome::Planned);
    report.reason = if planned.plan.changes.is_empty() {
        format!("nothing would change: {} already", rows::pinned(&planned.plan.pins))
    } else {
        format!(
            "would change {}; nothing was written",
            rows::changed(&planned.plan.changes)
        )
    };
    Ok(())
}

async fn wait(
    settings: &Settings,
    ports: Ports<'_>,
    repo: &dyn InfraRepo,
    argocd: Option<&ArgoCd>,
    report: &mut Report,
) -> Result<(), Fault> {
    let argocd = argocd.ok_or_else(|| Fault::invalid("`wait` needs `argocd-server`: there is nobody else to ask"))?;
    let (planned, commit) = or_cancel(ports.cancel, pinned(repo, settings)).await??;
    rows::plan(report, &planned, repo);
    rows::landed(report, repo, &commit, 0);
    let targets = or_cancel(ports.cancel, applications::look(argocd, repo, ports.clock, &planned)).await??;
    let drive: Option<&dyn Drive> = match settings.policy.sync {
        Some(SyncMode::Trigger | SyncMode::Auto) => Some(argocd),
        Some(SyncMode::Never) | None => None,
    };
    let watch = Watch {
        settings,
        ports,
        observe: argocd,
        drive,
        repo,
    };
    let followed = watch.follow(&planned, targets, &commit).await;
    finish(report, followed, &planned);
    Ok(())
}

async fn promote(
    settings: &Settings,
    ports: Ports<'_>,
    repo: &dyn Land,
    argocd: Option<&ArgoCd>,
    report: &mut Report,
) -> Result<(), Fault> {
    let (first, targets) = look(settings, ports, repo, argocd, report).await?;
    if let Some(by) = or_cancel(ports.cancel, rerun::superseded(repo, settings, &first)).await?? {
        report.end(Outcome::Superseded);
        if rows::accepts_superseded(&first) {
            report.exit_code = 0;
        }
        report.reason = format!(
            "an earlier attempt of this run landed, and {} by {} changed the pin since: nothing was written",
            by.commit.get(..7).unwrap_or(&by.commit),
            by.author
        );
        report.superseded_by = Some(by);
        return Ok(());
    }
    let mut attempts = 0;
    if !first.plan.files.is_empty() {
        ports.journal.tell(Event::Stage("Land".to_owned()));
    }
    let landed = land(repo, settings, &ports, first, &mut attempts).await;
    if let (Err(_), Some(row)) = (&landed, &mut report.infra_repo) {
        row.attempts = attempts;
    }
    let Landing {
        planned,
        commit,
        attempts,
    } = landed?;
    rows::plan(report, &planned, repo);
    let changed = commit.is_some();
    let commit = commit.unwrap_or_else(|| planned.snapshot.tip.commit.clone());
    rows::landed(report, repo, &commit, attempts);
    rows::tell_landed(report, ports.journal, changed, &commit, &planned);

    let Some(argocd) = argocd.filter(|_| settings.wait) else {
        unwatched(report, ports, changed, &planned, &commit, settings);
        return Ok(());
    };
    let watch = Watch {
        settings,
        ports,
        observe: argocd,
        drive: Some(argocd),
        repo,
    };
    let followed = watch.follow(&planned, targets, &commit).await;
    finish(report, followed, &planned);
    Ok(())
}

/// The end of a run that nothing is watched in.
fn unwatched(
    report: &mut Report,
    ports: Ports<'_>,
    changed: bool,
    planned: &Planned,
    commit: &CommitSha,
    settings: &Settings,
) {
    if !changed {
        report.end(Outcome::NoChange);
        report.reason = format!("{} already; nothing was written", rows::pinned(&planned.plan.pins));
        return;
    }
    report.end(Outcome::Landed);
    report.reason = format!(
        "landed {} on {}: {}",
        commit.short(),
        planned.snapshot.tip.branch,
        rows::changed(&planned.plan.changes)
    );
    let why = if settings.argocd.is_some() {
        "`wait` is false"
    } else {
        "no `argocd-server` is given"
    };
    ports.journal.warn(format!(
        "committed, but nothing was watched ({why}): whether it is live is not known"
    ));
}

/// What following needs.
struct Watch<'a> {
    settings: &'a Settings,
    ports: Ports<'a>,
    observe: &'a dyn Observe,
    drive: Option<&'a dyn Drive>,
    repo: &'a dyn InfraRepo,
}

impl Watch<'_> {
    async fn follow(&self, planned: &Planned, mut targets: Vec<Target>, commit: &CommitSha) -> Followed {
        self.ports.journal.tell(Event::Stage("Wait".to_owned()));
        for target in &mut targets {
            // After a lost race `from` may have pinned something else than when the applications were looked at.
            target.images = applications::images(planned, &target.app, &target.environment);
        }
        let request = FollowRequest {
            targets,
            origin: applications::origin(self.repo, planned),
            commit,
            pins: &planned.plan.pins,
            nonce: self.settings.identity.run.clone(),
        };
        let ports = FollowPorts {
            observe: self.observe,
            drive: self.drive,
            repo: self.repo,
            journal: self.ports.journal,
            clock: self.ports.clock,
        };
        follow(ports, self.ports.cancel, request).await
    }
}

/// Puts the end of following into the report. `live` is what the command calls it.
fn finish(report: &mut Report, followed: Followed, planned: &Planned) {
    let outcome = match (followed.outcome, report.command) {
        (Outcome::Live, "wait") => Outcome::Live,
        (Outcome::Live, _) if planned.plan.changes.is_empty() => Outcome::NoChange,
        (Outcome::Live, _) => Outcome::Promoted,
        (other, _) => other,
    };
    report.end(outcome);
    if outcome == Outcome::Superseded && rows::accepts_superseded(planned) {
        report.exit_code = 0;
    }
    report.reason = match outcome {
        Outcome::NoChange => format!(
            "{} already, and it is live: {}",
            rows::pinned(&planned.plan.pins),
            followed.reason
        ),
        _ => followed.reason,
    };
    report.hints = followed.hints;
    report.applications = followed.applications;
    report.superseded_by = followed.superseded_by;
}
