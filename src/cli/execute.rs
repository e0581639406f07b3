//! Runs a command once everything about it is known: the runtime, the signals, the end.

use std::rc::Rc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::machine::{enough_files, ignores_hangup};
use super::process::after_panic;
use super::{Call, failed};
use crate::clock::SystemClock;
use crate::github;
use crate::http::{self, Connections};
use crate::journal::Journal;
use crate::model::{Clock, Command, Fault, Outcome, Secret};
use crate::promote::{self, Common, Job};
use crate::report::{End, GateRow, Report, StatusRow};
use crate::runner::Receiver;
use crate::set_image;

/// How long the tokens of a run that broke may take to be revoked.
const GRACE: std::time::Duration = std::time::Duration::from_millis(1800);

/// Runs everything but `set-image`.
pub(super) fn job(common: &Common, job: &Job, receiver: &Rc<dyn Receiver>, clock: &Rc<dyn Clock>) -> Report {
    if let (Some(app), Some(place)) = (&common.infra_repo.app, &common.infra_repo.github) {
        let (minted, place, connections) = (app.minted.clone(), place.clone(), common.connections.clone());
        after_panic(move || revoke(minted.take(), place, connections));
    }
    let built = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match enough_files().and_then(|()| built()) {
        Ok(runtime) => {
            let report = runtime.block_on(cancellable(common, job, receiver, clock));
            // An answer that is still taken apart on another thread is not waited for.
            runtime.shutdown_background();
            report
        }
        Err(error) => failed(job.command(), not_started(error)),
    }
}

/// Revokes what a run minted that broke, from a thread of its own: the runtime of the run is not to be used any more.
fn revoke(tokens: Vec<Secret>, place: github::Place, connections: Connections) {
    if tokens.is_empty() {
        return;
    }
    let revoking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let (Ok(runtime), Ok(http)) = (runtime, http::client(&connections)) {
            let clock: Rc<dyn Clock> = Rc::new(SystemClock::start());
            let revoked = async { tokio::time::timeout(GRACE, github::revoke(tokens, &place, &http, &clock)).await };
            let _ = runtime.block_on(revoked);
        }
    });
    let _ = revoking.join();
}

/// Why a run did not begin: what the machine lacks, where it says so.
fn not_started(error: std::io::Error) -> Fault {
    /// `ENFILE` and `EMFILE`: the system, or this process, has too many open files.
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) {
        return Fault::unreachable("this machine allows promote too few open files; nothing was written")
            .because(error)
            .hint("raise the limit, for example with `ulimit -n 64`");
    }
    Fault::bug("start the runtime").because(error)
}

async fn cancellable(common: &Common, job: &Job, receiver: &Rc<dyn Receiver>, clock: &Rc<dyn Clock>) -> Report {
    let (sender, cancel) = watch::channel(None);
    let kinds = [
        (SignalKind::interrupt(), 2),
        (SignalKind::terminate(), 15),
        (SignalKind::hangup(), 1),
    ];
    // Under `nohup` a run outlives its terminal.
    let kinds = kinds
        .into_iter()
        .filter(|(_, number)| *number != 1 || !ignores_hangup());
    for (kind, number) in kinds {
        match signal(kind) {
            Ok(mut signals) => {
                let sender = sender.clone();
                tokio::spawn(async move {
                    if signals.recv().await.is_some() {
                        // The first signal names the end.
                        sender.send_if_modified(|known| known.replace(known.unwrap_or(number)).is_none());
                    }
                });
            }
            Err(error) => receiver.warn(format!(
                "signal {number} cannot be received, so it ends the run at once: {error}"
            )),
        }
    }
    promote::run(
        common,
        job,
        Rc::clone(receiver) as Rc<dyn Journal>,
        Rc::clone(clock),
        cancel,
    )
    .await
}

/// Gives the report of `status` or `plan` the exit code 3 where something is other than it is to be. The outcome stays.
pub(super) fn strictly(mut report: Report) -> Report {
    let (right, reason) = match report.outcome() {
        Outcome::Ok => as_pinned(&report),
        Outcome::Planned => {
            let is_open = report.gates.iter().all(GateRow::passes);
            (report.changes.is_empty() && is_open, report.reason.clone())
        }
        _ => return report,
    };
    if !right {
        let mut end = End::new(report.outcome(), reason).exits(Outcome::Refused.exit_code());
        end.hints.clone_from(&report.hints);
        report.end(end);
    }
    report
}

/// Whether every row runs what is pinned, and what to say where one does not.
fn as_pinned(report: &Report) -> (bool, String) {
    let is_live = |row: &&StatusRow| row.live == Some(true);
    let others = report.status.iter().filter(|row| !is_live(row));
    let others: Vec<String> = others
        .map(|row| {
            let place = format!("{} in {}", row.app, row.environment);
            row.reason
                .as_ref()
                .map_or_else(|| place.clone(), |why| format!("{place}: {why}"))
        })
        .collect();
    let reason = match others.as_slice() {
        [] => format!("nothing to check: no overlay can be read ({})", report.reason),
        others => format!(
            "not live with what is pinned: {} ({})",
            others.join(", "),
            report.reason
        ),
    };
    (others.is_empty() && !report.status.is_empty(), reason)
}

/// Runs `set-image`.
pub(super) fn set_image(call: &Call<'_>, mut mistakes: Vec<String>) -> Report {
    if call.arguments.words.is_empty() {
        mistakes.push("no image is given: use `promote set-image --dir DIR -- NAME=NEW:TAG`; in a step, set `args` to that without `promote`".to_owned());
    }
    let dir = call.arguments.dir.as_deref().unwrap_or(".");
    let folder = call
        .place
        .path(dir)
        .map_err(|why| mistakes.push(format!("`--dir` {dir:?} {why}")));
    match folder {
        Ok(folder) if mistakes.is_empty() => match set_image::run(&folder, &call.arguments.words) {
            Ok(done) => {
                // What people read is the words; the fields are for programs.
                let warnings = done.warnings.iter().map(|warning| format!("warning: {warning}"));
                let words: Vec<String> = done.words.into_iter().chain(warnings).collect();
                let mut report = Report::ended(Command::SetImage, End::new(Outcome::Ok, words.join("\n")));
                report.changes = done.changes;
                report.warnings = done.warnings;
                report
            }
            Err(fault) => failed(Command::SetImage, fault),
        },
        _ => failed(Command::SetImage, Fault::mistakes(&mistakes)),
    }
}
