//! The process itself: its arguments, variables and streams, and what is left of a panic.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::{Invocation, run};

thread_local! {
    // A panic's place is told to the hook alone, and to nobody who catches it.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the binary on the streams of the process.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge: arguments and variables are read here, once"
)]
pub fn main() -> ExitCode {
    // The default hook would write the panic's text to stderr, past everything that hides secrets.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        LAST_PANIC.with(|last| last.replace(place));
    }));
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let invocation = Invocation {
        args: std::env::args_os().skip(1).collect(),
        env: std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
        stdout_is_terminal: std::io::stdout().is_terminal(),
        stderr_is_terminal: std::io::stderr().is_terminal(),
    };
    ExitCode::from(run(
        &invocation,
        &mut std::io::stdin(),
        Box::new(std::io::stdout()),
        Box::new(std::io::stderr()),
    ))
}

/// Returns where this thread last panicked, if [`main`] watches.
pub(super) fn last_panic() -> Option<String> {
    LAST_PANIC.with(RefCell::take)
}
