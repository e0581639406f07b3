//! One run from the first request to the report: opens the servers, runs the command, and reports how it ended.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::delivery::{self, Drive, Engine, Observe, Reader};
use crate::githost;
use crate::github::{AppTokens, OidcTokens};
use crate::http::{self, Tokens};
use crate::infrarepo::{self, InfraRepo};
use crate::journal::Journal;
use crate::metrics;
use crate::model::{Clock, Fault, Outcome, limits};
use crate::registry;
use crate::report::{End, Report};

use crate::promote::cancel::{or_cancel, or_late, signal};
use crate::promote::commands::source_repository::SourceRepository;
use crate::promote::commands::{
    abort, history, hold, plan, preflight, promote, resume, rollback, status, verify, wait,
};
use crate::promote::job::{Common, Job, Status};
use crate::promote::land::bring::Ways;
use crate::promote::ports::{Cancel, Ports, Reading};
use crate::promote::timeline::Recorder;

/// How long a cancelled run may take to come to its own end: longer than a push may go on, and under two seconds.
const GRACE: Duration = Duration::from_millis(1800);

/// Runs a job, and reports how it ended. Never fails: a fault is an end, too.
pub async fn run(common: &Common, job: &Job, journal: Rc<dyn Journal>, clock: Rc<dyn Clock>, cancel: Cancel) -> Report {
    let start = clock.now();
    let recorder = Rc::new(Recorder::new(journal, Rc::clone(&clock)));
    let mut report = Report::new(job.command());
    (report.app, report.environment) = job.about();
    let journal = Rc::<Recorder>::clone(&recorder);
    let overdue = overdue(&cancel, clock.as_ref());
    tokio::pin!(overdue);
    let minted = RefCell::default();
    let told = story(common, job, (journal, Rc::clone(&clock)), &cancel, &minted, &mut report);
    let end = tokio::select! {
        biased;
        end = Box::pin(told) => {
            if let Some(token) = minted.take() {
                tokio::select! {
                    () = token.end() => {}
                    () = clock.sleep(limits::GITHUB_REVOKE.time()) => {}
                    _ = &mut overdue => {}
                }
            }
            end
        }
        signal = &mut overdue => Err(Fault::new(
            Outcome::Cancelled { signal },
            "the run was cancelled while a request had no answer: look at the branch to see whether it was written",
        )),
    };
    report.end(end.unwrap_or_else(End::from));
    report.complete(&|text| common.flags.completed(text));
    report.duration_seconds = clock.now().saturating_sub(start).as_secs_f64();
    recorder.fill(&mut report);
    report
}

/// Returns the signal once a cancelled run has had the time to come to its own end.
async fn overdue(cancel: &Cancel, clock: &dyn Clock) -> u8 {
    let signal = signal(cancel.clone()).await;
    clock.sleep(GRACE).await;
    signal
}

async fn story(
    common: &Common,
    job: &Job,
    (journal, clock): (Rc<dyn Journal>, Rc<dyn Clock>),
    cancel: &Cancel,
    minted: &RefCell<Option<Rc<dyn Tokens>>>,
    report: &mut Report,
) -> Result<End, Fault> {
    let client = http::client(&common.connections)?;
    let own = with_tokens(common, &client, &clock, &journal);
    minted.replace(own.infra_repo.token.clone());
    Box::pin(opened(&own, job, (client, journal, clock), cancel, report)).await
}

/// Puts the sources of tokens that are minted in this run where those that were given would be, and hides secrets in the names of the run.
fn with_tokens(common: &Common, client: &http::Client, clock: &Rc<dyn Clock>, journal: &Rc<dyn Journal>) -> Common {
    let mut own = common.clone();
    // It is written into commits, the record, deployments and the operations of Argo CD.
    for text in [&mut own.identity.by, &mut own.identity.run] {
        *text = journal.hide(text);
    }
    if let (Some(place), Some(app)) = (&common.infra_repo.github, &common.infra_repo.app) {
        let tokens = AppTokens::new(
            place.clone(),
            app.clone(),
            client.clone(),
            Rc::clone(clock),
            Rc::clone(journal),
        );
        own.infra_repo.token = Some(Rc::new(tokens));
    }
    if let (Some(delivery::Servers::One(argocd)), Some(login)) = (&mut own.argocd, &common.login) {
        let tokens = OidcTokens::new(login.clone(), client.clone(), Rc::clone(clock), Rc::clone(journal));
        argocd.tokens = Some(Rc::new(tokens));
    }
    own
}

/// The run with everything around it.
#[expect(
    clippy::too_many_lines,
    reason = "everything is opened here, and an arm for each command"
)]
async fn opened(
    common: &Common,
    job: &Job,
    (client, journal, clock): (http::Client, Rc<dyn Journal>, Rc<dyn Clock>),
    cancel: &Cancel,
    report: &mut Report,
) -> Result<End, Fault> {
    let repo = infrarepo::open(
        &common.infra_repo,
        client.clone(),
        Rc::clone(&clock),
        Rc::clone(&journal),
    );
    let host = githost::open(
        common.infra_repo.github.as_ref(),
        client.clone(),
        common.infra_repo.token.clone(),
        Rc::clone(&clock),
    );
    let pulls = job
        .pull_requests()
        .then_some(common.infra_repo.github.as_ref())
        .flatten()
        .map(|place| {
            let token = common.infra_repo.token.clone();
            githost::open_pulls(place, client.clone(), token, Rc::clone(&clock), Rc::clone(&journal))
        });
    let reviewed = common.infra_repo.github.as_ref().filter(|_| common.proposes);
    let approvers = githost::open_approvers(
        common.run.as_ref(),
        reviewed.map(|place| (place, common.infra_repo.token.clone())),
        &client,
        &clock,
    );
    let sources = githost::open_sources(
        common.run.as_ref(),
        (common.infra_repo.github.as_ref()).map(|place| (place, common.infra_repo.token.clone())),
        &client,
        &clock,
    );
    let engine = (common.argocd.as_ref()).map(|argocd| delivery::open(argocd, &client));
    let measure = metrics::Servers::new(client.clone(), common.metrics.clone());
    let images = registry::open(client.clone(), common.registry.clone());
    let ports = Ports {
        clock: clock.as_ref(),
        journal: journal.as_ref(),
        cancel,
    };
    if let Job::Preflight(select) = job {
        // It stops at no problem, so a server that cannot be opened is one of its findings.
        let seams = preflight::Seams {
            repo: repo.map(|repo| -> Box<dyn InfraRepo> { repo }),
            host,
            environments: common
                .run
                .as_ref()
                .map(|run| githost::open_environments(run, &client, &clock)),
            argocd: engine.map(|engine| engine.map(|engine| -> Box<dyn Observe> { engine })),
        };
        let checked = or_cancel(cancel, preflight::run(seams, common, select, ports, report));
        return or_late(ports.clock, limits::BEFORE_WRITING.time(), None, checked).await?;
    }
    let (repo, engine) = (repo?, engine.transpose()?);
    let reading = Reading {
        common,
        ports,
        repo: repo.as_ref(),
        images: &images,
        measure: &measure,
        observe: engine.as_deref().map(|engine: &dyn Engine| -> &dyn Reader { engine }),
        client: &client,
        sources: sources.as_deref(),
        approvers: (common.run.is_some() || reviewed.is_some()).then_some(approvers.as_ref()),
    };
    let drive = engine.as_deref().map(|engine: &dyn Engine| -> &dyn Drive { engine });
    let ways = Ways {
        repo: repo.as_ref(),
        pulls: pulls.as_deref(),
    };
    match job {
        Job::Promote(job) => {
            let run = job.shows.any().then_some(common.run.as_ref()).flatten();
            let opened = run.map(|run| {
                (run, |repository: &str| {
                    githost::open_source(run, repository, &client, &clock, &journal)
                })
            });
            let source = (opened.as_ref()).map(|(run, open)| SourceRepository::new(job.shows, run, open, reading));
            Box::pin(promote::run(job, reading, ways, drive, source, report)).await
        }
        Job::Plan(request) => {
            let planned = plan::run(request, reading, report);
            or_late(ports.clock, limits::BEFORE_WRITING.time(), None, planned).await?
        }
        Job::History(job) => shown(ports, history::run(job, reading, report)).await,
        Job::Rollback(job) => Box::pin(rollback::run(job, reading, ways, drive, report)).await,
        Job::Wait(job) => wait::run(job, reading, repo.as_ref(), drive, report).await,
        Job::Verify(job) => verify::run(job, reading, repo.as_ref(), report).await,
        Job::Abort(job) => Box::pin(abort::run(job, reading, repo.as_ref(), drive, report)).await,
        Job::Resume(job) => Box::pin(resume::run(job, reading, repo.as_ref(), drive, report)).await,
        Job::Hold(job) => hold::run(job, reading, ways, report).await,
        Job::Status(job) => shown(ports, status::run(job, reading, report)).await,
        Job::Preflight(select) => {
            let job = Status {
                select: select.clone(),
                page: false,
            };
            shown(ports, status::run(&job, reading, report)).await
        }
    }
}

/// Runs a command that only shows something, within its bound.
async fn shown(ports: Ports<'_>, work: impl Future<Output = Result<End, Fault>>) -> Result<End, Fault> {
    let shown = or_cancel(ports.cancel, work);
    or_late(ports.clock, limits::BEFORE_WRITING.time(), None, shown).await??
}
