//! Cancelling: a signal ends every wait at once, and no write begins after it.

use std::future::Future;

use crate::model::{Fault, Outcome};

use crate::promote::ports::Cancel;

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
        done = work => Ok(done),
    }
}

/// Returns the end of a cancelled run.
pub(super) fn cancelled(signal: u8) -> Fault {
    let name = if signal == 2 { "SIGINT" } else { "SIGTERM" };
    Fault::new(Outcome::Cancelled { signal }, format!("the run was cancelled ({name})"))
}
