//! `hold` and `release`: one commit that changes `promote-holds.yaml`, and nothing else of the infra-repo.

mod release;

use crate::infrarepo::{FileEdit, FileMode, InfraRepo, Tip};
use crate::model::{EnvironmentName, Event, Fault, Outcome, RepoPath, Timestamp};
use crate::plan::holds::{self, FILE, HoldEdit, NewHold, Of, Released, Until};
use crate::plan::{Around, Description, HoldPlace, Message, PlannedFile, Select, describe_hold, diff};
use crate::report::{End, HoldRow, Report};

use crate::promote::cancel::{or_cancel, or_late};
use crate::promote::commands::finish;
use crate::promote::commands::hold::release::Left;
use crate::promote::job::{Hold, HoldChange};
use crate::promote::land::Landed;
use crate::promote::land::bring::{Brought, Story, Ways, bring};
use crate::promote::ports::Reading;
use crate::promote::prepare::announce;
use crate::promote::prepare::branches::{config, start};
use crate::promote::prepare::holds::{path, row, text};
use crate::promote::prepare::names::Names;
use crate::promote::prepare::places::there_are;
use crate::promote::proposal::Proposal;

/// Adds or removes holds.
///
/// # Errors
/// The file cannot be read or edited (`invalid`), and as landing.
pub(in crate::promote) async fn run(
    job: &Hold,
    reading: Reading<'_>,
    ways: Ways<'_>,
    report: &mut Report,
) -> Result<End, Fault> {
    let ports = reading.ports;
    let repo: &dyn InfraRepo = ways.repo;
    lies_ahead(job, ports.clock.wall())?;
    ports.journal.tell(Event::Stage("Plan".to_owned()));
    let planning = or_cancel(ports.cancel, async {
        let tip = tip(job, repo).await?;
        let first = prepare(job, reading, repo, tip.clone()).await?;
        // Holds can be about what is gone: only names that nothing knows are mistakes.
        if job.change != HoldChange::Release || first.of.is_about_nothing() {
            known(job, repo, &tip).await?;
        }
        Ok::<_, Fault>(first)
    });
    let (bound, setting) = (job.landing.within, Some("landing-timeout"));
    let first = or_late(ports.clock, bound, setting, planning).await???;
    report.infra_repo = Some(announce::at(repo, &first.tip, None));
    if job.dry {
        return Ok(shown(job, reading, report, &first));
    }
    if !first.edits.is_empty() {
        ports.journal.tell(Event::Stage("Land".to_owned()));
    }
    let again = async || {
        let tip = tip(job, repo).await?;
        prepare(job, reading, repo, tip).await
    };
    let described = |proposal: &Proposal<Edit>| describe(job, reading, proposal);
    let story = Story::free(&described, &|_| &[]);
    let brought = Box::pin(bring(ways, &job.landing, &ports, story, first, again)).await;
    let Brought {
        landed: Landed { of, commit, attempts },
        pull_request,
        end,
    } = brought.map_err(|why| finish::unbrought(why, report))?;
    report.pull_request = pull_request;
    report.infra_repo = Some(announce::at(repo, &of.tip, None));
    report.holds.clone_from(&of.rows);
    report.diff.clone_from(&of.diff);
    if let Some(end) = end {
        announce::outputs(ports.journal, report, crate::report::Known::AtLanding);
        return Ok(end);
    }
    let wrote = commit.is_some();
    let commit = commit.unwrap_or_else(|| of.tip.commit.clone());
    finish::landed(report, repo, &commit, wrote, attempts);
    announce::outputs(ports.journal, report, crate::report::Known::AtLanding);
    for said in release::still_held(&of, reading) {
        ports.journal.warn(said);
    }
    if !wrote {
        return Ok(End::new(Outcome::NoChange, nothing(job)));
    }
    let reason = format!("{} ({} on {})", of.subject, commit.short(), of.tip.branch);
    Ok(End::new(Outcome::Landed, reason))
}

/// Refuses a hold that would be over before it is written.
fn lies_ahead(job: &Hold, now: Timestamp) -> Result<(), Fault> {
    match job.change {
        HoldChange::Add {
            until: Some(Until::At(at)),
        } if at <= now => Err(Fault::invalid(format!(
            "`until` {at} has passed: it is {now} now (use a later time, or a duration such as `2h`)"
        ))),
        _ => Ok(()),
    }
}

/// Returns the tip of the branch of the environments that are held. What is wrong with promote.yaml keeps nobody from holding something.
async fn tip(job: &Hold, repo: &dyn InfraRepo) -> Result<Tip, Fault> {
    let named = job
        .environments
        .iter()
        .filter_map(|of| EnvironmentName::parse(of.as_str()).ok());
    match start(repo, &Select::default(), &named.collect::<Vec<_>>()).await {
        Ok(start) => Ok(start.tip),
        Err(_) => repo.tip().await,
    }
}

/// Describes the pull request of a hold, or of its release: one for each set of apps, environments and images.
fn describe(job: &Hold, reading: Reading<'_>, proposal: &Proposal<Edit>) -> Option<Description> {
    let command = match job.change {
        HoldChange::Add { .. } => "hold",
        HoldChange::Release => "release",
    };
    let names = |all: &[Of]| all.iter().map(|one| one.as_str().to_owned()).collect::<Vec<_>>();
    let place = HoldPlace {
        command,
        apps: names(&job.apps),
        environments: names(&job.environments),
        images: job.images.iter().map(ToString::to_string).collect(),
    };
    let around = Around {
        run: &reading.common.identity.run,
        diff: &proposal.of.diff,
        ..Around::default()
    };
    describe_hold(&place, &proposal.message, around)
}

/// The edit of the file at a tip.
struct Edit {
    tip: Tip,
    subject: String,
    /// What is added, or removed.
    rows: Vec<HoldRow>,
    diff: String,
    /// What a release leaves held.
    left: Left,
}

impl Edit {
    /// Whether the file has no entry of the apps and environments.
    fn is_about_nothing(&self) -> bool {
        self.rows.is_empty() && self.left.own.is_empty()
    }
}

async fn prepare(job: &Hold, reading: Reading<'_>, repo: &dyn InfraRepo, tip: Tip) -> Result<Proposal<Edit>, Fault> {
    let unreadable = |why: String| Fault::invalid(format!("{FILE}: {why}")).hint(format!("correct {FILE} first"));
    let old = text(repo, &tip.commit).await?.map_err(unreadable)?;
    let now = reading.ports.clock.wall();
    let (edit, rows) = edited(job, old.as_deref(), reading, now).map_err(unreadable)?;
    let left = Left::of(job, old.as_deref(), &edit, now);
    let subject = subject(job, &rows);
    let (edits, diff) = match edit {
        HoldEdit::Unchanged => (Vec::new(), String::new()),
        HoldEdit::Changed(new) => {
            let file = path()?;
            let diff = diff_of(&file, old.as_deref(), &new);
            let edit = match old {
                Some(_) => FileEdit::Write {
                    path: file,
                    content: new,
                },
                None => FileEdit::Create {
                    path: file,
                    content: new,
                    mode: FileMode::Plain,
                },
            };
            (vec![edit], diff)
        }
    };
    let mut message = Message {
        subject: subject.clone(),
        trailers: Message::by(&reading.common.identity),
    };
    message.trailers.apps = job.apps.iter().map(|app| app.as_str().to_owned()).collect();
    message.trailers.environments = job.environments.iter().map(|one| one.as_str().to_owned()).collect();
    message.trailers.reason.clone_from(&job.reason);
    Ok(Proposal {
        tip: tip.clone(),
        edits,
        message: message.to_string(),
        of: Edit {
            tip,
            subject,
            rows,
            diff,
            left,
        },
    })
}

fn diff_of(path: &RepoPath, before: Option<&[u8]>, after: &[u8]) -> String {
    diff(&[PlannedFile {
        path: path.clone(),
        before: before.unwrap_or_default().to_vec(),
        after: after.to_vec(),
    }])
}

/// Makes the edit, with the rows of what is added or removed.
fn edited(
    job: &Hold,
    old: Option<&[u8]>,
    reading: Reading<'_>,
    now: Timestamp,
) -> Result<(HoldEdit, Vec<HoldRow>), String> {
    match job.change {
        HoldChange::Add { until } => {
            let holds = new(job, reading, until, now);
            let edit = holds::add(old, &holds, &|text| reading.ports.journal.hide(text))?;
            Ok((edit, holds.iter().map(added).collect()))
        }
        HoldChange::Release => {
            let (edit, removed) = holds::release(old.unwrap_or_default(), &released(job))?;
            Ok((edit, removed.iter().map(row).collect()))
        }
    }
}

/// Every app in every environment that the job names, with each of its images; `None` = all images.
fn each<T>(job: &Hold, make: impl Fn(&Of, &Of, Option<&holds::HeldImage>) -> T) -> Vec<T> {
    let mut all = Vec::new();
    for app in &job.apps {
        for environment in &job.environments {
            if job.images.is_empty() {
                all.push(make(app, environment, None));
            }
            all.extend(job.images.iter().map(|image| make(app, environment, Some(image))));
        }
    }
    all
}

fn new(job: &Hold, reading: Reading<'_>, until: Option<Until>, now: Timestamp) -> Vec<NewHold> {
    each(job, |app, environment, image| NewHold {
        app: app.clone(),
        environment: environment.clone(),
        image: image.map(ToString::to_string),
        reason: job.reason.clone().unwrap_or_default(),
        by: reading.common.identity.by.clone(),
        since: now,
        until: until.map(|until| until.from(now)),
    })
}

fn released(job: &Hold) -> Vec<Released> {
    each(job, |app, environment, image| Released {
        app: app.clone(),
        environment: environment.clone(),
        image: image.cloned(),
    })
}

fn added(hold: &NewHold) -> HoldRow {
    HoldRow {
        app: hold.app.as_str().to_owned(),
        environment: hold.environment.as_str().to_owned(),
        image: hold.image.clone(),
        reason: hold.reason.clone(),
        by: Some(hold.by.clone()),
        since: Some(hold.since.to_string()),
        until: hold.until,
    }
}

fn subject(job: &Hold, rows: &[HoldRow]) -> String {
    let what: Vec<String> = rows.iter().map(HoldRow::what).collect();
    match (job.change, &job.reason) {
        (HoldChange::Add { .. }, Some(reason)) => format!("hold {}: {reason}", what.join(", ")),
        (HoldChange::Add { .. }, None) => format!("hold {}", what.join(", ")),
        (HoldChange::Release, _) => format!("release {}", what.join(", ")),
    }
}

/// Says why nothing is left to do.
fn nothing(job: &Hold) -> String {
    let place = place(job);
    match job.change {
        HoldChange::Add { .. } => format!("{FILE} holds that already: {place}; nothing was written"),
        HoldChange::Release if job.images.is_empty() => {
            format!("{FILE} has no hold on everything of {place}; nothing was written")
        }
        HoldChange::Release => format!("{FILE} has no such hold of {place}; nothing was written"),
    }
}

fn place(job: &Hold) -> String {
    let names = |all: &[Of]| all.iter().map(Of::as_str).collect::<Vec<_>>().join(", ");
    format!("{} in {}", names(&job.apps), names(&job.environments))
}

fn shown(job: &Hold, reading: Reading<'_>, report: &mut Report, first: &Proposal<Edit>) -> End {
    report.diff.clone_from(&first.of.diff);
    report.holds.clone_from(&first.of.rows);
    for said in release::still_held(&first.of, reading) {
        reading.ports.journal.warn(said);
    }
    let reason = if first.edits.is_empty() {
        nothing(job)
    } else {
        format!("would {}; nothing was written", first.of.subject)
    };
    End::new(Outcome::Planned, reason)
}

/// Checks the names of a hold: a hold of a mistyped name holds nothing, and its release releases nothing.
///
/// # Errors
/// The infra-repo has no such app or environment.
async fn known(job: &Hold, repo: &dyn InfraRepo, tip: &Tip) -> Result<(), Fault> {
    // What is wrong with promote.yaml does not keep anybody from holding something.
    let Ok(config) = config(repo, &tip.commit).await else {
        return Ok(());
    };
    let pairs = there_are(repo, &Select::default(), config.as_ref(), tip).await;
    let names = Names::new(repo, tip, &pairs.unwrap_or_default(), config.as_ref());
    names.check(
        job.apps.iter().filter_map(Of::name),
        job.environments.iter().filter_map(Of::name),
    )
}
