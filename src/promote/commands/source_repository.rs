//! What the repository of the source shows of a promotion: a deployment of its commit, and a comment on its pull request. A fault of either
//! is a warning: it never changes how the run ends.

use std::time::Duration;

use crate::githost::{Deployment, DeploymentState, DeploymentStatus, NewDeployment, Run, Source};
use crate::model::{Fault, Outcome, Parts, limits};
use crate::plan::{CommentRow, comment};
use crate::report::{ChangeRow, End, Report};

use crate::promote::cancel::signal;
use crate::promote::job::Shows;
use crate::promote::ports::Reading;

/// The repository of the source.
pub(in crate::promote) struct SourceRepository<'a> {
    shows: Shows,
    run: &'a Run,
    source: &'a dyn Source,
    reading: Reading<'a>,
    /// The deployments of this run, one for each environment of GitHub.
    made: Vec<Made>,
    /// Whether the commit was on the branch before the run: then only a deployment that is there is reported on.
    was_there: bool,
}

/// A deployment, with what it was made for.
struct Made {
    deployment: Deployment,
    new: NewDeployment,
}

impl<'a> SourceRepository<'a> {
    /// Opens what `shows` asks for.
    pub(in crate::promote) const fn new(
        shows: Shows,
        run: &'a Run,
        source: &'a dyn Source,
        reading: Reading<'a>,
    ) -> Self {
        Self {
            shows,
            run,
            source,
            reading,
            made: Vec::new(),
            was_there: false,
        }
    }

    /// Checks, before anything is written, that no job of the run has a deployment already.
    ///
    /// # Errors
    /// One has.
    pub(in crate::promote) async fn allowed(&mut self, report: &Report) -> Result<(), Fault> {
        if !self.shows.deployment {
            return Ok(());
        }
        for (environment, _) in self.groups(report) {
            let until = self.end_of(limits::GITHUB_SHOWN);
            let looked = self.bounded(until, self.source.made_by_job(&environment));
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
                environment_url: url(report, &self.environments(report, &made.new.environment)),
                log_url: self.run.page.clone(),
            };
            let reported = self
                .bounded(until, self.source.report(made.deployment.id, &status))
                .await;
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
        let reason = self.reading.ports.journal.hide(&reason);
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
            let commenting = self.comment(outcome, &reason, report);
            match self.bounded(until, commenting).await {
                Ok(()) => {}
                Err(fault) => self.warn(
                    "the pull request of the source commit has no comment of this run",
                    &fault,
                ),
            }
        }
    }

    async fn make(&self, report: &Report) -> Result<Vec<Made>, Fault> {
        let mut made = Vec::new();
        for (environment, pins) in self.groups(report) {
            let Some(commit) = self.source_commit(&pins).await? else {
                return Err(Fault::refused("the source commit of the image is not known"));
            };
            let mut apps: Vec<String> = pins.iter().map(|pin| pin.app.clone()).collect();
            apps.sort_unstable();
            apps.dedup();
            let mut images: Vec<&str> = pins.iter().map(|pin| pin.after.as_str()).collect();
            images.dedup();
            let new = NewDeployment {
                commit,
                environment,
                description: self
                    .reading
                    .ports
                    .journal
                    .hide(&format!("{} to {}", images.join(", "), names(&pins))),
                apps,
                run: self.reading.common.identity.run.clone(),
            };
            let deployment = self.source.deploy(&new, self.was_there).await?;
            made.extend(deployment.map(|deployment| Made { deployment, new }));
        }
        Ok(made)
    }

    /// Gives a deployment its last status, and ends those whose place it took.
    async fn show(&self, made: &Made, outcome: Outcome, reason: &str, report: &Report) -> Result<(), Fault> {
        let state = state(outcome);
        let status = DeploymentStatus {
            state,
            description: reason.to_owned(),
            environment_url: url(report, &self.environments(report, &made.new.environment)),
            log_url: self.run.page.clone(),
        };
        self.source.report(made.deployment.id, &status).await?;
        if state != DeploymentState::Success {
            return Ok(());
        }
        for replaced in self.source.replaced(made.deployment.id, &made.new).await? {
            let status = DeploymentStatus {
                state: DeploymentState::Inactive,
                description: format!("replaced by {}", made.new.description),
                environment_url: None,
                log_url: self.run.page.clone(),
            };
            self.source.report(replaced, &status).await?;
        }
        Ok(())
    }

    async fn comment(&self, outcome: Outcome, reason: &str, report: &Report) -> Result<(), Fault> {
        let pins: Vec<&ChangeRow> = report.pins.iter().collect();
        let journal = self.reading.ports.journal;
        let Some(commit) = self.source_commit(&pins).await? else {
            return Err(Fault::refused("the source commit of the image is not known"));
        };
        let Some(pull) = self.source.pull_of(&commit).await? else {
            journal.progress(format!(
                "no comment: commit {} came from no pull request of {}",
                commit.get(..7).unwrap_or(&commit),
                self.run.place.repository()
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
            image: journal.hide(&pin.after),
            state: format!("{} {}", mark(outcome), outcome.name()),
            reason: reason.clone(),
            run: self.run.page.clone(),
            at: at.clone(),
        };
        let rows: Vec<CommentRow> = pins.iter().map(row).collect();
        self.source.comment(pull, &|before| comment(before, &rows)).await?;
        journal.progress(format!(
            "commented on pull request #{} of {}",
            pull.number,
            self.run.place.repository()
        ));
        Ok(())
    }

    /// Returns the commit that the images were built from: the one that a tag names, else that of the run.
    async fn source_commit(&self, pins: &[&ChangeRow]) -> Result<Option<String>, Fault> {
        let own = self.run.commit.clone();
        for pin in pins {
            let image = Parts::of(&pin.after);
            let Some(tag) = image.tag else { continue };
            // docker/metadata-action writes `sha-` before the commit.
            let name = tag.strip_prefix("sha-").unwrap_or(tag);
            let is_sha = (7..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_sha && own.as_deref().is_some_and(|own| own.starts_with(name)) {
                return Ok(own);
            }
            if let Some(commit) = self.source.commit(name).await? {
                return Ok(Some(commit.to_string()));
            }
        }
        Ok(own)
    }

    /// Returns the environments of GitHub that are promoted to, with the pins of each.
    fn groups<'r>(&self, report: &'r Report) -> Vec<(String, Vec<&'r ChangeRow>)> {
        let mut groups: Vec<(String, Vec<&ChangeRow>)> = Vec::new();
        for pin in &report.pins {
            let name = self.run.environment.as_ref().unwrap_or(&pin.environment);
            match groups.iter_mut().find(|(known, _)| known == name) {
                Some((_, pins)) => pins.push(pin),
                None => groups.push((name.clone(), vec![pin])),
            }
        }
        groups
    }

    /// Returns the environments that one of GitHub stands for.
    fn environments(&self, report: &Report, name: &str) -> Vec<String> {
        let groups = self.groups(report);
        let here = groups
            .into_iter()
            .filter(|(known, _)| known == name)
            .flat_map(|(_, pins)| pins);
        here.map(|pin| pin.environment.clone()).collect()
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
        let hints: Vec<String> = fault.hints.iter().map(|hint| format!(" → {hint}")).collect();
        self.reading
            .ports
            .journal
            .warn(format!("{what}: {fault}{}", hints.concat()));
    }
}

/// Names the environments of pins.
fn names(pins: &[&ChangeRow]) -> String {
    let mut names: Vec<&str> = pins.iter().map(|pin| pin.environment.as_str()).collect();
    names.dedup();
    names.join(", ")
}

/// Returns the page of the first application of these environments.
fn url(report: &Report, environments: &[String]) -> Option<String> {
    let mut here = report
        .applications
        .iter()
        .filter(|row| environments.contains(&row.environment));
    here.next().map(|row| row.url.clone())
}

/// Returns how a deployment stands after a run that ended so. Success is said only of what was seen live.
const fn state(outcome: Outcome) -> DeploymentState {
    match outcome {
        Outcome::Promoted | Outcome::NoChange | Outcome::Live | Outcome::Verified | Outcome::Reverted | Outcome::Ok => {
            DeploymentState::Success
        }
        Outcome::Landed | Outcome::Paused | Outcome::Proposed | Outcome::Planned => DeploymentState::InProgress,
        Outcome::Superseded => DeploymentState::Inactive,
        Outcome::RolloutFailed
        | Outcome::Breached
        | Outcome::RolledBack
        | Outcome::RollbackFailed
        | Outcome::TimedOut => DeploymentState::Failure,
        Outcome::Bug
        | Outcome::Invalid
        | Outcome::Refused
        | Outcome::Denied
        | Outcome::Unreachable
        | Outcome::Cancelled { .. } => DeploymentState::Error,
    }
}

const fn mark(outcome: Outcome) -> &'static str {
    match state(outcome) {
        DeploymentState::Success => "✅",
        DeploymentState::InProgress => "⏳",
        DeploymentState::Inactive => "⏭️",
        DeploymentState::Failure | DeploymentState::Error => "❌",
    }
}
