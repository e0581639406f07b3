//! One run from the first request to the report: the order of a promotion, and what each end means.

use std::rc::Rc;

use crate::delivery::{self, Drive, Engine, Observe, Reader};
use crate::githost;
use crate::http;
use crate::infrarepo::{self, InfraRepo, Land};
use crate::journal::Journal;
use crate::model::{Clock, Command, CommitSha, Event, Fault, Outcome};
use crate::plan::SyncMode;
use crate::report::{End, Report, SupersededBy};

use crate::promote::cancel::or_cancel;
use crate::promote::commands::preflight::{Seams, preflight};
use crate::promote::commands::status::status;
use crate::promote::follow::{FollowPorts, Followed, follow};
use crate::promote::followee::{FollowRequest, Followee};
use crate::promote::land::{Landing, land};
use crate::promote::prepare::applications;
use crate::promote::prepare::expiry;
use crate::promote::prepare::plan::{Planned, pinned, planned};
use crate::promote::prepare::rerun;
use crate::promote::rows;
use crate::promote::timeline::{FOLLOWING, Recorder};
use crate::promote::{Cancel, Ports, Settings};

/// Runs `promote`, `plan`, `wait`, `status` or `preflight`, and reports how it ended. Never fails: a fault is an end, too.
pub async fn run(settings: &Settings, journal: Rc<dyn Journal>, clock: Rc<dyn Clock>, cancel: Cancel) -> Report {
    let start = clock.now();
    let recorder = Rc::new(Recorder::new(journal, Rc::clone(&clock)));
    let mut report = Report::new(settings.command);
    report.app = settings.request.apps.iter().map(ToString::to_string).collect();
    report.environment = settings.request.environments.iter().map(ToString::to_string).collect();
    let journal = Rc::<Recorder>::clone(&recorder);
    let end = story(settings, journal, Rc::clone(&clock), &cancel, &mut report).await;
    report.end(end.unwrap_or_else(End::from));
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
) -> Result<End, Fault> {
    let client = http::client(settings.ca_bundle.as_deref())?;
    let repo = infrarepo::open(
        &settings.infra_repo,
        client.clone(),
        Rc::clone(&clock),
        Rc::clone(&journal),
    );
    let host = githost::open(
        settings.infra_repo.address.on_github(),
        client.clone(),
        settings.infra_repo.token.clone(),
    );
    let engine = (settings.argocd.as_ref()).map(|argocd| delivery::open(argocd, client));
    let ports = Ports {
        clock: clock.as_ref(),
        journal: journal.as_ref(),
        cancel,
    };
    if settings.command == Command::Preflight {
        // It is given the reading sides only.
        let seams = Seams {
            repo: repo.map(|repo| -> Box<dyn InfraRepo> { repo }),
            host,
            argocd: engine.map(|engine| engine.map(|engine| -> Box<dyn Observe> { engine })),
        };
        return or_cancel(cancel, preflight(seams, settings, ports, report)).await;
    }
    let (repo, engine) = (repo?, engine.transpose()?);
    let observe = engine.as_deref().map(|engine: &dyn Engine| -> &dyn Reader { engine });
    let drive = engine.as_deref().map(|engine: &dyn Engine| -> &dyn Drive { engine });
    let story = Story {
        settings,
        ports,
        repo: repo.as_ref(),
        observe,
    };
    match settings.command {
        // These are given the reading side only.
        Command::Plan => story.plan(report).await,
        Command::Status => {
            or_cancel(
                cancel,
                status(
                    story.repo,
                    settings,
                    ports,
                    observe.map(|reader| -> &dyn Observe { reader }),
                    report,
                ),
            )
            .await?
        }
        // It reads, unless it is told to start a sync.
        Command::Wait => match settings.policy.sync {
            Some(SyncMode::Trigger | SyncMode::Auto) => story.wait(drive, report).await,
            Some(SyncMode::Never) | None => story.wait(None, report).await,
        },
        Command::Promote | Command::SetImage | Command::Preflight => story.promote(repo.as_ref(), drive, report).await,
    }
}

/// A run, as far as it only reads.
struct Story<'a> {
    settings: &'a Settings,
    ports: Ports<'a>,
    repo: &'a dyn InfraRepo,
    observe: Option<&'a dyn Reader>,
}

impl Story<'_> {
    /// Snapshot, plan, and a look at the applications: everything before the first write.
    async fn look(&self, report: &mut Report) -> Result<(Planned, Vec<Followee>), Fault> {
        let Ports { clock, journal, cancel } = self.ports;
        journal.tell(Event::Stage("Plan".to_owned()));
        let planned = or_cancel(cancel, planned(self.repo, self.settings)).await??;
        rows::plan(report, &planned, self.repo);
        rows::announce(&planned, journal);
        let Some(observe) = self.observe else {
            return Ok((planned, Vec::new()));
        };
        let targets = or_cancel(cancel, applications::look(observe, self.repo, clock, &planned)).await??;
        report.applications = targets.iter().map(|target| rows::baseline(target, observe)).collect();
        rows::tell_applications(report, &targets, journal);
        Ok((planned, targets))
    }

    async fn plan(&self, report: &mut Report) -> Result<End, Fault> {
        let (planned, _) = self.look(report).await?;
        let reason = if planned.plan.changes.is_empty() {
            format!("nothing would change: {} already", rows::pinned(&planned.plan.pins))
        } else {
            format!(
                "would change {}; nothing was written",
                rows::changed(&planned.plan.changes)
            )
        };
        Ok(End::new(Outcome::Planned, reason))
    }

    async fn wait(&self, drive: Option<&dyn Drive>, report: &mut Report) -> Result<End, Fault> {
        let Ports { clock, cancel, .. } = self.ports;
        let nobody = || Fault::invalid("`wait` needs `argocd-server`: there is nobody else to ask");
        let observe = self.observe.ok_or_else(nobody)?;
        let (planned, commit) = or_cancel(cancel, pinned(self.repo, self.settings)).await??;
        rows::plan(report, &planned, self.repo);
        rows::landed(report, self.repo, &commit, false, 0);
        let targets = or_cancel(cancel, applications::look(observe, self.repo, clock, &planned)).await??;
        let followed = self.follow(observe, drive, &planned, targets, &commit).await;
        Ok(finish(report, followed, &planned))
    }

    async fn promote(&self, repo: &dyn Land, drive: Option<&dyn Drive>, report: &mut Report) -> Result<End, Fault> {
        let Ports { clock, journal, cancel } = self.ports;
        let (first, targets) = self.look(report).await?;
        if let Some(by) = or_cancel(cancel, rerun::superseded(self.repo, self.settings, &first, journal)).await?? {
            return Ok(superseded(report, by, &first));
        }
        for warning in expiry::ending(self.settings, &first, clock.wall()) {
            journal.warn(warning);
        }
        let mut attempts = 0;
        if !first.plan.files.is_empty() {
            journal.tell(Event::Stage("Land".to_owned()));
        }
        let landed = land(repo, self.settings, &self.ports, first, &mut attempts).await;
        if let (Err(_), Some(row)) = (&landed, &mut report.infra_repo) {
            row.attempts = attempts;
        }
        let Landing {
            planned,
            commit,
            attempts,
        } = landed?;
        let changed = commit.is_some();
        let commit = commit.unwrap_or_else(|| planned.snapshot.tip.commit.clone());
        rows::plan(report, &planned, self.repo);
        rows::landed(report, self.repo, &commit, changed, attempts);
        rows::tell_landed(report, journal, changed, &commit, &planned);
        match self.observe.filter(|_| self.settings.wait) {
            Some(observe) => {
                let followed = self.follow(observe, drive, &planned, targets, &commit).await;
                Ok(finish(report, followed, &planned))
            }
            None => Ok(self.unwatched(changed, &planned, &commit)),
        }
    }

    async fn follow(
        &self,
        observe: &dyn Reader,
        drive: Option<&dyn Drive>,
        planned: &Planned,
        mut targets: Vec<Followee>,
        commit: &CommitSha,
    ) -> Followed {
        let Ports { clock, journal, cancel } = self.ports;
        journal.tell(Event::Stage(FOLLOWING.to_owned()));
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
            observe,
            drive,
            repo: self.repo,
            journal,
            clock,
        };
        follow(ports, cancel, request).await
    }

    /// The end of a run that nothing is watched in.
    fn unwatched(&self, changed: bool, planned: &Planned, commit: &CommitSha) -> End {
        if !changed {
            let reason = format!("{} already; nothing was written", rows::pinned(&planned.plan.pins));
            return End::new(Outcome::NoChange, reason);
        }
        let reason = format!(
            "landed {} on {}: {}",
            commit.short(),
            planned.snapshot.tip.branch,
            rows::changed(&planned.plan.changes)
        );
        let why = if self.observe.is_some() {
            "`wait` is false"
        } else {
            "no `argocd-server` is given"
        };
        self.ports.journal.warn(format!(
            "committed, but nothing was watched ({why}): whether it is live is not known"
        ));
        End::new(Outcome::Landed, reason)
    }
}

/// The end of a run whose earlier attempt was overtaken.
fn superseded(report: &mut Report, by: SupersededBy, planned: &Planned) -> End {
    let reason = format!(
        "an earlier attempt of this run landed, and {} by {} changed the pin since: nothing was written",
        by.commit.short(),
        by.author
    );
    // What was planned is not what happened.
    report.changes.clear();
    report.pins.clear();
    report.diff.clear();
    accepted(End::new(Outcome::Superseded, reason).by(by), planned)
}

/// Makes the end a success where `on-superseded` is `succeed`.
fn accepted(end: End, planned: &Planned) -> End {
    if end.outcome == Outcome::Superseded && rows::accepts_superseded(planned) {
        end.exits(0)
    } else {
        end
    }
}

/// Puts the end of following into the report, under the name that the command has for it.
fn finish(report: &mut Report, followed: Followed, planned: &Planned) -> End {
    let outcome = match (followed.outcome, report.command()) {
        (Outcome::Live, Command::Wait) => Outcome::Live,
        (Outcome::Live, _) if planned.plan.changes.is_empty() => Outcome::NoChange,
        (Outcome::Live, _) => Outcome::Promoted,
        (other, _) => other,
    };
    let reason = match outcome {
        Outcome::NoChange => format!(
            "{} already, and it is live: {}",
            rows::pinned(&planned.plan.pins),
            followed.reason
        ),
        _ => followed.reason,
    };
    report.applications = followed.applications;
    let mut end = End::new(outcome, reason);
    end.hints = followed.hints;
    end.superseded_by = followed.superseded_by;
    accepted(end, planned)
}
