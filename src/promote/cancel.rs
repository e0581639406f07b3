//! Cancelling: a signal ends every wait at once, and no write begins after it.

use std::future::Future;
use std::time::Duration;

use crate::model::{Clock, Fault, Outcome, limits};

use crate::promote::ports::{Cancel, Ports};

/// Returns the signal, once there is one.
pub(super) async fn signal(mut cancel: Cancel) -> u8 {
    loop {
        if let Some(signal) = *cancel.borrow_and_update() {
            return signal;
        }
        if cancel.changed().await.is_err() {
            // Nobody is left who could cancel.
            std::future::pending::<()>().await;
        }
    }
}

/// Runs `work` unless the run is cancelled first.
///
/// # Errors
/// The run was cancelled.
pub(super) async fn or_cancel<T>(cancel: &Cancel, work: impl Future<Output = T>) -> Result<T, Fault> {
    tokio::select! {
        biased;
        signal = signal(cancel.clone()) => Err(cancelled(signal)),
        // On the heap: the work is large, and would be held twice here.
        done = Box::pin(work) => Ok(done),
    }
}

/// Lets a signal be heard that came while something was computed.
pub(super) async fn heard() {
    // What receives it, what passes it on, and what waits for it run one after the other.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

/// Runs what reads before anything is written, within its bound. What it waits for by itself, such as a gate, does not belong in it.
///
/// # Errors
/// The bound was reached: nothing was written.
pub(super) async fn or_late<T>(
    clock: &dyn Clock,
    bound: Duration,
    setting: Option<&str>,
    work: impl Future<Output = T>,
) -> Result<T, Fault> {
    tokio::select! {
        biased;
        // On the heap: the work is large, and would be held twice here.
        done = Box::pin(work) => Ok(done),
        () = clock.sleep(bound) => {
            let time = humantime::format_duration(bound);
            let (named, hint) = match setting {
                Some(setting) => (format!(" (`{setting}`)"), format!("set a longer `{setting}`, or look at the server that the log names last")),
                None => (String::new(), "look at the server that the log names last".to_owned()),
            };
            Err(Fault::unreachable(format!(
                "the infra-repo and Argo CD were not read within {time}{named}; nothing was written"
            ))
            .hint(hint))
        }
    }
}

/// Runs what a command reads before it follows applications, within `timeout` where the run is given one, and never longer than what is read
/// before a write.
///
/// # Errors
/// The bound was reached, or the run was cancelled.
pub(super) async fn before_following<T>(
    ports: Ports<'_>,
    timeout: Option<Duration>,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    /// A shorter `timeout` is about what follows.
    const SHORTEST: Duration = Duration::from_secs(10);
    let most = limits::BEFORE_WRITING.time();
    let (bound, setting) = match timeout {
        Some(timeout) if timeout < most => (timeout.max(SHORTEST), Some("timeout")),
        _ => (most, None),
    };
    or_late(ports.clock, bound, setting, or_cancel(ports.cancel, work)).await??
}

/// Returns the end of a cancelled run.
pub(super) fn cancelled(signal: u8) -> Fault {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        _ => "SIGTERM",
    };
    Fault::new(Outcome::Cancelled { signal }, format!("the run was cancelled ({name})"))
}
