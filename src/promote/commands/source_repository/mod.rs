//! What the repositories of the source show of a promotion: a deployment of the commit, and a comment on its pull request. A fault of either
//! is a warning: it never changes how the run ends.

mod origin;
mod shown;

use std::time::Duration;

use crate::githost::{Deployment, DeploymentState, DeploymentStatus, NewDeployment, Run, Source};
use crate::model::{Fault, Outcome, limits};
use crate::plan::{CommentRow, Config, comment};
use crate::report::{ChangeRow, End, Report};

use crate::promote::cancel::signal;
use crate::promote::job::Shows;
use crate::promote::ports::Reading;

use origin::Group;
use shown::{mark, names, state};

/// Opens the repository `owner/name` on the GitHub of the run.
pub(in crate::promote) type Open<'a> = &'a dyn Fn(&str) -> Box<dyn Source>;

/// The repositories of the source.
pub(in crate::promote) struct SourceRepository<'a> {
    shows: Shows,
    run: &'a Run,
    open: Open<'a>,
    reading: Reading<'a>,
    /// promote.yaml, which names the source of each app.
    config: Option<Config>,
    /// The deployments of this run, one for each environment of GitHub.
    made: Vec<Made>,
    /// Whether the commit was on the branch before the run: then only a deployment that is there is reported on.
    was_there: bool,
}

/// A deployment, with what it was made for.
struct Made {
    deployment: Deployment,
    new: NewDeployment,
    /// The repository that it is in.
    repository: String,
}

impl<'a> SourceRepository<'a> {
    /// Opens what `shows` asks for.
    pub(in crate::promote) const fn new(shows: Shows, run: &'a Run, open: Open<'a>, reading: Reading<'a>) -> Self {
        Self {
            shows,
            run,
            open,
            reading,
            config: None,
            made: Vec::new(),
            was_there: false,
        }
    }

    /// Takes the sources from promote.yaml, and checks before anything is written that no job of the run has a deployment already.
    ///
    /// # Errors
    /// One has.
    pub(in crate::promote) async fn allowed(&mut self, config: Option<&Config>, report: &Report) -> Result<(), Fault> {
        self.config = config.cloned();
        if !self.shows.deployment {
            return Ok(());
        }
        let groups = self.groups(report);
        // A job makes its deployment in the repository of its run.
        for Group {
            repository,
            environment,
            ..
        } in groups.into_iter().filter(|group| self.is_own(&group.repository))
        {
            let until = self.end_of(limits::GITHUB_SHOWN);
            let source = (self.open)(&repository);
            let looked = self.bounded(until, source.made_by_job(&environment));
            match looked.await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    return Err(Fault::refused(format!(
                        "`deployment` is true, and the job's own `environment: {environment}` makes a deployment already; nothing was written"
                    ))
                    .hint(format!(
                        "leave out `deployment`, or set `environment: {{name: {environment}, deployment: false}}` in the job"
                    )));
                }
                Err(fault) => {
                    self.warn("no deployment is made: it is not known whether the job has one", &fault);
                    self.shows.deployment = false;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Makes the deployments, once the commit is on the branch. `wrote` says whether this run brought it there.
    pub(in crate::promote) async fn landed(&mut self, report: &Report, wrote: bool) {
        self.was_there = !wrote;
        if !self.shows.deployment {
            return;
        }
        let what = "the deployment is not there yet";
        let until = self.end_of(limits::GITHUB_SHOWN);
        match self.bounded(until, self.make(report)).await {
            Ok(made) => self.made = made,
            Err(fault) => {
                self.reading.ports.journal.debug(format!("{what}: {fault}"));
                return;
            }
        }
        for made in self.made.iter().filter(|made| !made.deployment.earlier) {
            let status = DeploymentStatus {
                state: DeploymentState::InProgress,
                description: made.new.description.clone(),
                environment_url: self.url(report, made),
                log_url: self.run.page.clone(),
            };
            let source = (self.open)(&made.repository);
            let reported = self.bounded(until, source.report(made.deployment.id, &status)).await;
            if let Err(fault) = reported {
                self.warn("the deployment is not shown as in progress", &fault);
            }
        }
    }

    /// Shows how the run ended.
    pub(in crate::promote) async fn ended(mut self, end: &Result<End, Fault>, report: &Report) {
        let (outcome, reason) = match end {
            Ok(end) => (end.outcome, end.reason.clone()),
            Err(fault) => (fault.outcome, fault.to_string()),
        };
        let nothing = matches!(
            outcome,
            Outcome::Invalid | Outcome::Refused | Outcome::Planned | Outcome::Denied | Outcome::Unreachable
        ) || matches!(outcome, Outcome::Cancelled { .. } | Outcome::Bug);
        if report.pins.is_empty() || (nothing && !report.changed() && self.made.is_empty()) {
            return;
        }
        let until = self.end_of(limits::GITHUB_SHOWN_AT_END);
        if self.shows.deployment {
            if self.made.is_empty() && outcome != Outcome::Proposed {
                match self.bounded(until, self.make(report)).await {
                    Ok(made) => self.made = made,
                    Err(fault) => self.warn("no deployment was made", &fault),
                }
            }
            for made in &self.made {
                let showing = self.bounded(until, self.show(made, outcome, &reason, report));
                if let Err(fault) = showing.await {
                    self.warn("the deployment does not show how the run ended", &fault);
                }
            }
        }
        if self.shows.comment {
            for (repository, pins) in self.by_repository(report) {
                let commenting = self.comment(&repository, &pins, outcome, &reason, report);
                if let Err(fault) = self.bounded(until, commenting).await {
                    self.warn(
                        "the pull request of the source commit has no comment of this run",
                        &fault,
                    );
                }
            }
        }
    }

    async fn make(&self, report: &Report) -> Result<Vec<Made>, Fault> {
        let mut made = Vec::new();
        for Group {
            repository,
            environment,
            pins,
        } in self.groups(report)
        {
            let source = (self.open)(&repository);
            let commit = self.source_commit(source.as_ref(), &repository, &pins).await?;
            let mut apps: Vec<String> = pins.iter().map(|pin| pin.app.clone()).collect();
            apps.sort_unstable();
            apps.dedup();
            let mut images: Vec<&str> = pins.iter().map(|pin| pin.after.as_str()).collect();
            images.dedup();
            let new = NewDeployment {
                commit,
                environment,
                description: format!("{} to {}", images.join(", "), names(&pins)),
                apps,
                run: self.reading.common.identity.run.clone(),
            };
            let deployment = source.deploy(&new, self.was_there).await?;
            made.extend(deployment.map(|deployment| Made {
                deployment,
                new,
                repository,
            }));
        }
        Ok(made)
    }

    /// Gives a deployment its last status, and ends those whose place it took.
    async fn show(&self, made: &Made, outcome: Outcome, reason: &str, report: &Report) -> Result<(), Fault> {
        let state = state(outcome);
        let status = DeploymentStatus {
            state,
            description: reason.to_owned(),
            environment_url: self.url(report, made),
            log_url: self.run.page.clone(),
        };
        let source = (self.open)(&made.repository);
        source.report(made.deployment.id, &status).await?;
        if state != DeploymentState::Success {
            return Ok(());
        }
        for replaced in source.replaced(made.deployment.id, &made.new).await? {
            let status = DeploymentStatus {
                state: DeploymentState::Inactive,
                description: format!("replaced by {}", made.new.description),
                environment_url: None,
                log_url: self.run.page.clone(),
            };
            source.report(replaced, &status).await?;
        }
        Ok(())
    }

    /// Comments on the pull request that the source commit of these pins came from.
    async fn comment(
        &self,
        repository: &str,
        pins: &[&ChangeRow],
        outcome: Outcome,
        reason: &str,
        report: &Report,
    ) -> Result<(), Fault> {
        let journal = self.reading.ports.journal;
        let source = (self.open)(repository);
        let commit = self.source_commit(source.as_ref(), repository, pins).await?;
        let Some(pull) = source.pull_of(&commit).await? else {
            journal.progress(format!(
                "no comment: commit {} came from no pull request of {repository}",
                crate::model::short(&commit)
            ));
            return Ok(());
        };
        let at = self.reading.now().to_string();
        let reason = match &report.pull_request {
            Some(pull) if outcome == Outcome::Proposed => format!("pull request #{}: {}", pull.number, pull.url),
            _ => reason.to_owned(),
        };
        let row = |pin: &&ChangeRow| CommentRow {
            environment: pin.environment.clone(),
            app: pin.app.clone(),
            image: pin.after.clone(),
            state: format!("{} {}", mark(outcome), outcome.name()),
            reason: reason.clone(),
            run: self.run.page.clone(),
            at: at.clone(),
        };
        let rows: Vec<CommentRow> = pins.iter().map(row).collect();
        source.comment(pull, &|before| comment(before, &rows)).await?;
        journal.progress(format!("commented on pull request #{} of {repository}", pull.number));
        Ok(())
    }

    /// Returns the moment at which a bound that begins now is over.
    fn end_of(&self, bound: limits::Limit) -> Duration {
        self.reading.ports.clock.now().saturating_add(bound.time())
    }

    /// Runs what may take until then, and no more than a moment once the run was cancelled.
    async fn bounded<T>(&self, until: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let ports = self.reading.ports;
        let left = until.saturating_sub(ports.clock.now());
        let cancelled = async {
            signal(ports.cancel.clone()).await;
            ports.clock.sleep(limits::GITHUB_REVOKE.time()).await;
        };
        tokio::select! {
            biased;
            done = Box::pin(work) => done,
            () = cancelled => Err(Fault::unreachable("the run was cancelled first")),
            () = ports.clock.sleep(left) => Err(Fault::unreachable("GitHub did not do it in time")),
        }
    }

    fn warn(&self, what: &str, fault: &Fault) {
        let hints: Vec<String> = fault.hints.iter().map(|hint| format!("\n→ {hint}")).collect();
        self.reading
            .ports
            .journal
            .warn(format!("{what}: {fault}{}", hints.concat()));
    }
}
