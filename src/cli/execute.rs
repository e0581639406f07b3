//! Runs a command once everything about it is known: the runtime, the signals, the end.

use std::rc::Rc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Call, failed};
use crate::journal::Journal;
use crate::model::{Clock, Command, Fault, Outcome};
use crate::promote::{self, Common, Job};
use crate::report::{End, Report};
use crate::runner::Receiver;
use crate::set_image;

/// How long a cancelled run may take to come to its own end: longer than a push may go on, and under two seconds.
const GRACE: std::time::Duration = std::time::Duration::from_millis(1800);

/// Runs everything but `set-image`.
pub(super) fn job(common: &Common, job: &Job, receiver: &Rc<dyn Receiver>, clock: &Rc<dyn Clock>) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(cancellable(common, job, receiver, clock)),
        Err(error) => failed(job.command(), Fault::bug("start the runtime").because(error)),
    }
}

async fn cancellable(common: &Common, job: &Job, receiver: &Rc<dyn Receiver>, clock: &Rc<dyn Clock>) -> Report {
    let (sender, cancel) = watch::channel(None);
    for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)] {
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
    let mut cancelled = cancel.clone();
    let too_late = async {
        let number = cancelled
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|number| *number);
        clock.sleep(GRACE).await;
        number.unwrap_or(15)
    };
    tokio::select! {
        report = promote::run(common, job, Rc::clone(receiver) as Rc<dyn Journal>, Rc::clone(clock), cancel) => report,
        signal = too_late => failed(
            job.command(),
            Fault::new(Outcome::Cancelled { signal }, "the run was cancelled while a request had no answer: look at the branch to see whether it was written"),
        ),
    }
}

/// Runs `set-image`.
pub(super) fn set_image(call: &Call<'_>, mut mistakes: Vec<String>) -> Report {
    let own = [&super::inputs::COMMAND, &super::inputs::OUTPUT];
    for (spec, _, flag) in &call.arguments.given {
        if own.iter().all(|own| own.name != spec.name) {
            mistakes.push(format!(
                "`{flag}` is no flag of `set-image`: it takes --dir DIR -- IMAGES"
            ));
        }
    }
    if call.arguments.words.is_empty() {
        mistakes.push("no image is given: give them as `-- NAME=NEW:TAG`".to_owned());
    }
    let folder = match &call.arguments.dir {
        Some(dir) => call.place.path(dir).map_err(|why| format!("`--dir` {dir:?} {why}")),
        None => Err("`--dir` is missing: give the folder of the kustomization as --dir DIR".to_owned()),
    };
    let folder = folder.map_err(|mistake| mistakes.push(mistake));
    match folder {
        Ok(folder) if mistakes.is_empty() => match set_image::run(&folder, &call.arguments.words) {
            Ok(text) => Report::ended(Command::SetImage, End::new(Outcome::Ok, text.trim_end())),
            Err(fault) => failed(Command::SetImage, fault),
        },
        _ => failed(Command::SetImage, Fault::mistakes(&mistakes)),
    }
}
