//! Standard input, read for a secret: a signal ends the wait for it, and the run with a report.

use std::cell::Cell;
use std::io::{Cursor, Error, Read, Result};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::machine::{enough_files, ignores_hangup};
use super::place::LONGEST;

thread_local! {
    static STOPPED: Cell<Option<u8>> = const { Cell::new(None) };
}

/// Returns the signal that ended the wait for standard input, if one did.
pub(super) fn stopped() -> Option<u8> {
    STOPPED.get()
}

/// The standard input of the process. It is read whole, on a thread of its own, as soon as somebody wants the first byte.
#[derive(Default)]
pub(super) struct Stdin {
    text: Option<Cursor<Vec<u8>>>,
}

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let text = match &mut self.text {
            Some(text) => text,
            none => none.insert(Cursor::new(read()?)),
        };
        text.read(into)
    }
}

/// Reads what is there until its end, or until a signal comes.
fn read() -> Result<Vec<u8>> {
    enough_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut hangup, mut interrupt, mut terminate) = (
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let (sender, text) = oneshot::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = std::io::stdin().take(LONGEST + 1).read_to_end(&mut bytes);
            let _ = sender.send(read.map(|_| bytes));
        });
        let number = tokio::select! {
            read = text => return read.unwrap_or_else(|_| Err(Error::other("nothing could read it"))),
            _ = hangup.recv(), if !ignores_hangup() => 1,
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
        };
        STOPPED.set(Some(number));
        Err(Error::other("the run was cancelled"))
    })
}
