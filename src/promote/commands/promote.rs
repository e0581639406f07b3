//! `promote`: prepare, land, follow, report.

use std::cell::Cell;

use crate::delivery::{Drive, Reader};
use crate::infrarepo::Containment;
use crate::model::{CommitSha, Event, Fault, Milestone, Outcome, in_words, limits};
use crate::plan::{Around, Description};
use crate::report::{End, GateRow, Known, Report, SupersededBy};

use crate::promote::analyses::Verification;
use crate::promote::cancel::or_cancel;
use crate::promote::commands::finish::{self, accepted, changed, finish, pinned};
use crate::promote::commands::gate_wait;
use crate::promote::commands::on_failure::{self, Promoted};
use crate::promote::commands::source_repository::SourceRepository;
use crate::promote::commands::watching::{Watched, watch};
use crate::promote::job::Promote;
use crate::promote::land::Landed;
use crate::promote::land::bring::{Brought, Story, Ways, bring};
use crate::promote::land::propose::Validity;
use crate::promote::ports::Reading;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::{Preparation, Prepared, announce, expiry};
use crate::promote::proposal::Proposal;

/// Lands what was asked for, and follows it until it is live. On a new tip of the branch the whole preparation is repeated: nothing lands
/// that was not judged.
///
/// # Errors
/// As the preparation and landing. How the applications ended is no error: it is in the report.
pub(in crate::promote) async fn run(
    job: &Promote,
    reading: Reading<'_>,
    ways: Ways<'_>,
    drive: Option<&dyn Drive>,
    mut source: Option<SourceRepository<'_>>,
    report: &mut Report,
) -> Result<End, Fault> {
    let end = Box::pin(story(job, reading, ways, drive, source.as_mut(), report)).await;
    if let Some(source) = source {
        Box::pin(source.ended(&end, report)).await;
    }
    end
}

#[expect(clippy::too_many_lines, reason = "a promotion from its preparation to its end")]
async fn story(
    job: &Promote,
    reading: Reading<'_>,
    ways: Ways<'_>,
    drive: Option<&dyn Drive>,
    mut source: Option<&mut SourceRepository<'_>>,
    report: &mut Report,
) -> Result<End, Fault> {
    let repo = ways.repo;
    let ports = reading.ports;
    let mut preparation = Preparation::new(&job.request, reading);
    let permitted = |proposal: Proposal<Prepared>| proposal.permitted(reading.common.proposes);
    let first = gate_wait::prepared(job, &mut preparation, reading, report, &permitted).await?;
    for warning in expiry::ending(job, reading.common, &first.of.planned, ports.clock.wall()) {
        ports.journal.warn(warning);
    }
    if let Some(source) = source.as_deref_mut() {
        or_cancel(
            ports.cancel,
            source.allowed(first.of.planned.snapshot.config.as_ref(), report),
        )
        .await??;
    }
    if !first.edits.is_empty() {
        ports.journal.tell(Event::Stage("Land".to_owned()));
    }
    let afresh = Cell::new(false);
    let described = |proposal: &Proposal<Prepared>| describe(job, reading, proposal);
    let story = Story {
        describe: &described,
        held: &|prepared: &Prepared| prepared.gates.only_approvals(),
        reviewed: &|prepared: &Prepared| prepared.gates.reviewed.clone(),
        validity: &|prepared: &Prepared| Validity {
            closes_in: prepared.gates.closes_in,
            asks_servers: reading.observe.is_some() || !prepared.gates.rows.is_empty(),
        },
        afresh: &|| afresh.set(true),
        pins: &|prepared: &Prepared| &prepared.planned.plan.changes,
    };
    let again = async || {
        if afresh.take() {
            preparation.look_again();
        }
        preparation.prepare(report).await.and_then(permitted)
    };
    let brought = Box::pin(bring(ways, &job.landing, &ports, story, first, again)).await;
    let Brought {
        landed: Landed { of, commit, attempts },
        pull_request,
        end,
    } = brought.map_err(|why| finish::unbrought(why, report))?;
    report.pull_request = pull_request;
    let mut of = of;
    if let Some(by) = of.superseded.take() {
        return Ok(superseded(report, by, &of.planned));
    }
    if let Some(end) = end {
        announce::outputs(ports.journal, report, Known::AtLanding);
        return Ok(accepted(end, &of.planned));
    }
    let wrote = commit.is_some();
    let commit = commit.unwrap_or_else(|| of.planned.snapshot.tip.commit.clone());
    announce::fill(report, &of.planned, repo);
    finish::landed(report, repo, &commit, wrote, attempts);
    tell_landed(report, reading, wrote, &commit, &of.planned);
    if let Some(source) = source {
        source.landed(report, wrote).await;
    }
    if let Some(observe) = reading.observe.filter(|_| job.follow) {
        return Ok(followed(job, reading, (observe, drive), ways, &of, &commit, report).await);
    }
    if wrote {
        let confirmed = confirm(reading, &of.planned, &commit).await;
        confirmed.inspect_err(|_| not_landed(report))?;
    }
    unverified(reading, &of.verifications);
    Ok(unwatched(reading, wrote, &of.planned, &commit))
}

/// Follows the commit until it is live, verifies it, and records how that ended; goes back first where a failure is to be followed by that.
async fn followed(
    job: &Promote,
    reading: Reading<'_>,
    (observe, drive): (&dyn Reader, Option<&dyn Drive>),
    ways: Ways<'_>,
    of: &Prepared,
    commit: &CommitSha,
    report: &mut Report,
) -> End {
    let Prepared {
        planned,
        followees,
        verifications,
        gates,
        ..
    } = of;
    let clock = reading.ports.clock;
    let mut since = clock.now();
    let followed = finish::follow(
        reading,
        (observe, drive),
        planned,
        followees.clone(),
        commit,
        (drive, verifications),
    )
    .await;
    let live = followed.outcome == Outcome::Live;
    let mut end = finish(report, followed, planned, |outcome| match outcome {
        Outcome::Live if planned.plan.changes.is_empty() => Outcome::NoChange,
        Outcome::Live => Outcome::Promoted,
        other => other,
    });
    let mut recorded = end.outcome;
    if live && !verifications.is_empty() {
        let begun = clock.now();
        match watch(reading, observe, planned, followees, commit, verifications, report).await {
            Watched::Good(reason) => {
                recorded = Outcome::Verified;
                end.reason = format!("{}; {reason}", end.reason);
            }
            Watched::Ended(other) => {
                recorded = other.outcome;
                end = accepted(other, planned);
            }
        }
        // The record says how long it took to be live, whatever was watched after that.
        since = since.saturating_add(clock.now().saturating_sub(begun));
    }
    end.reason = gates.noted(&end.reason);
    let promoted = Promoted {
        job,
        planned,
        commit,
        recorded,
        since,
    };
    on_failure::after(end, promoted, reading, ways, drive, report).await
}

/// Warns of what is not verified where nothing is watched.
fn unverified(reading: Reading<'_>, verifications: &[Verification]) {
    let names: Vec<String> = verifications.iter().map(|one| one.environment.to_string()).collect();
    if !names.is_empty() {
        reading.ports.journal.warn(format!(
            "{}: nothing was verified, because the applications were not watched",
            names.join(", ")
        ));
    }
}

/// Describes the pull request of a proposal.
fn describe(job: &Promote, reading: Reading<'_>, proposal: &Proposal<Prepared>) -> Option<Description> {
    let select = &job.request.select;
    let of = &proposal.of;
    let gate = |row: &GateRow| {
        let until = row.until.map(|until| format!("; opens {until}")).unwrap_or_default();
        (
            row.name.clone(),
            row.state.name().to_owned(),
            format!("{}{until}", row.reason),
        )
    };
    let gates: Vec<_> = of.gates.rows.iter().map(gate).collect();
    let released: Vec<_> = (of.gates.released.iter())
        .map(|row| (row.heading(), row.url.clone(), row.lines()))
        .collect();
    let around = Around {
        gates: &gates,
        notes: &[],
        riding_along: &of.riding_along,
        released: &released,
        run: &reading.common.identity.run,
        diff: &of.planned.plan.diff,
    };
    let changes = &of.planned.plan.changes;
    crate::plan::describe(&select.apps, &select.environments, &proposal.message, changes, around)
}

/// Takes back what the report says of the landing.
fn not_landed(report: &mut Report) {
    if let Some(row) = &mut report.infra_repo {
        row.landed = false;
        row.commit = None;
    }
}

/// Says that it is committed, or was already, with the outputs that are known from here on.
fn tell_landed(report: &Report, reading: Reading<'_>, wrote: bool, commit: &CommitSha, planned: &Planned) {
    let (journal, pins) = (reading.ports.journal, &planned.plan.pins);
    announce::outputs(journal, report, Known::AtLanding);
    if wrote {
        let landed = format!("landed {} on {}", commit.short(), planned.snapshot.tip.branch);
        journal.tell(Event::Reached(Milestone::Landed, landed));
    } else {
        journal.progress(format!("nothing to write: {} already", pinned(pins)));
    }
}

/// Looks once whether the branch has the commit, where nobody looks at it later: so far that is the server's word alone.
async fn confirm(reading: Reading<'_>, planned: &Planned, commit: &CommitSha) -> Result<(), Fault> {
    let branch = &planned.snapshot.tip.branch;
    let (name, bound) = (branch.reference(), limits::CONFIRMING.time());
    let look = async {
        let tip = reading.repo.reference(&name).await?;
        let found = match &tip {
            Some(tip) => reading.repo.contains(tip, commit).await,
            None => Containment::Unknown(format!("{branch} is not there")),
        };
        Ok((tip, found))
    };
    let looked: Result<_, Fault> = tokio::select! {
        biased;
        looked = Box::pin(look) => looked,
        () = reading.ports.clock.sleep(bound) => Err(Fault::unreachable(format!("no answer within {}", in_words(bound)))),
    };
    let unsure = match looked {
        Ok((_, Containment::Contains)) => return Ok(()),
        Ok((Some(tip), Containment::Lacks)) => {
            return Err(Fault::unreachable(format!(
                "the server reported commit {commit} as landed, but {branch} is at {} without it",
                tip.short()
            ))
            .hint("run the step again: it finds the commit, or lands it"));
        }
        Ok((_, Containment::Unknown(why))) => why,
        Ok((None, Containment::Lacks)) => format!("{branch} is not there"),
        Err(fault) => fault.message,
    };
    reading.ports.journal.warn(format!(
        "the server reported commit {} as landed; {branch} could not be read to confirm it: {unsure}",
        commit.short()
    ));
    Ok(())
}

/// The end of a run that nothing is watched in.
fn unwatched(reading: Reading<'_>, wrote: bool, planned: &Planned, commit: &CommitSha) -> End {
    if !wrote {
        let reason = format!("{} already; nothing was written", pinned(&planned.plan.pins));
        return End::new(Outcome::NoChange, reason);
    }
    let reason = format!(
        "{} is on {}: {}",
        commit.short(),
        planned.snapshot.tip.branch,
        changed(&planned.plan.changes)
    );
    let why = if reading.observe.is_some() {
        "`wait` is false"
    } else {
        "no `argocd-server` is given"
    };
    reading.ports.journal.warn(format!(
        "committed, but nothing was watched ({why}): whether it is live is not known"
    ));
    End::new(Outcome::Landed, reason)
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
