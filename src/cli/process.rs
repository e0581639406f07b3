//! The process itself: its arguments, variables and streams, and what is left of a panic.

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use super::stdin::Stdin;
use super::{Invocation, run};
use crate::model::Outcome;

/// What a run ends with that a panic broke: it gets what broke, and returns the exit code.
type End = Box<dyn FnOnce(&str) -> u8>;

thread_local! {
    static AT_PANIC: Cell<Option<End>> = const { Cell::new(None) };
    static AFTER_PANIC: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// Runs the binary on the streams of the process.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge: arguments and variables are read here, once"
)]
pub fn main() -> ExitCode {
    keep_memory_private();
    watch();
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let invocation = Invocation {
        args: std::env::args_os().skip(1).collect(),
        env: std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
        stdout_is_terminal: std::io::stdout().is_terminal(),
        stderr_is_terminal: std::io::stderr().is_terminal(),
        stdin_is_terminal: std::io::stdin().is_terminal(),
    };
    ExitCode::from(run(
        &invocation,
        &mut Stdin::default(),
        Box::new(std::io::stdout()),
        Box::new(std::io::stderr()),
    ))
}

/// Keeps tokens out of core files, and away from other processes of the same user, as ssh-agent does.
fn keep_memory_private() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Whoever does not permit it has decided so.
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Leaves `end` to be called if this thread panics from now on, where [`main`] watches.
pub(super) fn at_panic(end: impl FnOnce(&str) -> u8 + 'static) {
    AT_PANIC.set(Some(Box::new(end)));
}

/// Leaves `last` to be called after that, before the process ends.
pub(super) fn after_panic(last: impl FnOnce() + 'static) {
    AFTER_PANIC.set(Some(Box::new(last)));
}

/// Makes a panic end the process in an orderly way: nothing is unwound, so that the binary holds no tables for it.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "after a panic nobody is left to return to"
)]
fn watch() {
    // The default hook would write the panic's text to stderr, past everything that hides secrets.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
        let code = if let Some(end) = AT_PANIC.take() {
            end(&format!("{}{place}", panic.payload_as_str().unwrap_or_default()))
        } else {
            let _ = writeln!(std::io::stderr(), "bug: the run broke{place}");
            Outcome::Bug.exit_code()
        };
        if let Some(last) = AFTER_PANIC.take() {
            last();
        }
        std::process::exit(i32::from(code));
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Breaks in a process of its own, this test once more, since a panic ends the process.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test starts itself")]
    fn a_panic_ends_the_process_with_what_was_left_for_it() {
        const CHILD: &str = "BREAK_AND_TELL";
        if std::env::var_os(CHILD).is_some() {
            watch();
            at_panic(|what| {
                let _ = writeln!(std::io::stderr(), "told: {what}");
                7
            });
            after_panic(|| {
                let _ = writeln!(std::io::stderr(), "and last");
            });
            panic!("no such thing as {}", 8);
        }
        let name = "cli::process::tests::a_panic_ends_the_process_with_what_was_left_for_it";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let stderr = String::from_utf8(child.stderr).unwrap();
        assert_eq!(child.status.code(), Some(7), "{stderr}");
        assert!(
            stderr.contains("told: no such thing as 8 at src/cli/process.rs:"),
            "{stderr}"
        );
        assert!(stderr.trim_end().ends_with("and last"), "{stderr}");
    }
}
