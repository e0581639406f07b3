//! The edge of the binary: arguments and environment in, one run, its report out, an exit code.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::rc::Rc;

use crate::clock::SystemClock;
use crate::inputs::{Inputs, Reader};
use crate::model::{Clock, Command, Fault, Outcome, Secret};
use crate::report::Report;
use crate::runner::{self, Files, Form, How, Look, Receiver, Step, Streams, Terminal};

mod advice;
mod argocd;
mod arguments;
mod environment;
mod execute;
mod flags;
mod github;
mod headers;
pub mod inputs;
mod landing;
mod machine;
mod metrics;
mod pages;
mod place;
mod process;
mod repository;
mod request;
mod secrets;
mod settings;
mod stdin;
pub mod table;

use arguments::Arguments;
pub use environment::Environment;
use inputs::OUTPUT;
pub use pages::reference;
use place::Place;
pub use process::main;

/// One call of the binary.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// The arguments, without the program's name.
    pub args: Vec<OsString>,
    /// The variables.
    pub env: Environment,
    /// Whether people see stdout: then a failure is shown there alone.
    pub stdout_is_terminal: bool,
    /// Whether people see stderr: then marks are coloured, unless `NO_COLOR` is set. `FORCE_COLOR` colors them anywhere.
    pub stderr_is_terminal: bool,
    /// Whether people can answer a question.
    pub stdin_is_terminal: bool,
}

/// Runs one invocation to its end, and returns the exit code. Touches no stream of the process but those it is given.
pub fn run(invocation: &Invocation, stdin: &mut dyn Read, stdout: Box<dyn Write>, stderr: Box<dyn Write>) -> u8 {
    let mut streams = Streams {
        out: stdout,
        err: stderr,
    };
    match pages::asked(&invocation.args) {
        Some(Ok(text)) => return print(&text, streams),
        Some(Err(why)) => {
            let _ = writeln!(streams.err, "{}: {why}", Outcome::Invalid.name());
            return Outcome::Invalid.exit_code();
        }
        None => {}
    }
    if says_nothing(invocation) {
        let _ = streams.err.write_all(pages::help(None, false).as_bytes());
        return Outcome::Invalid.exit_code();
    }
    let arguments = arguments::read(&invocation.args);
    let clock: Rc<dyn Clock> = Rc::new(SystemClock::start());
    let call = Call::read(&invocation.env, arguments, stdin);
    let (secrets, form, verbose) = (call.secrets(), call.form(), call.arguments.verbose);
    let debug = verbose || invocation.env.get("RUNNER_DEBUG").is_some_and(|value| value == "1");
    let receiver: Rc<dyn Receiver> = if call.inputs.in_step {
        let how = How {
            form,
            debug,
            // GitHub shows colors in the log of a step.
            colored: is_coloured(invocation, true),
        };
        Rc::new(Step::open(streams, &secrets, Files::of(&invocation.env), how))
    } else {
        let look = Look {
            verbose: debug,
            result_is_seen: invocation.stdout_is_terminal,
            coloured: is_coloured(invocation, invocation.stderr_is_terminal),
            result_is_colored: is_coloured(invocation, invocation.stdout_is_terminal),
            advise: (form == Form::Text).then_some(advice::of_warning),
            can_ask: invocation.stdin_is_terminal && invocation.stderr_is_terminal,
            live: invocation.stderr_is_terminal && invocation.env.get("TERM").is_none_or(|term| term != "dumb"),
        };
        Rc::new(Terminal::open(streams, &secrets, Rc::clone(&clock), look))
    };
    let command = call.command();
    let after = Rc::clone(&receiver);
    let at_a_terminal = form == Form::Text && !call.inputs.in_step;
    process::at_panic(move |what| finish(&broken(command, what), &*after, form));
    let report = match stdin::stopped() {
        Some(signal) => failed(
            command,
            Fault::new(
                Outcome::Cancelled { signal },
                "the run was cancelled while it read a secret from stdin; nothing was written",
            ),
        ),
        None => call.execute(&receiver, &clock),
    };
    let report = if at_a_terminal {
        advice::for_terminal(&report)
    } else {
        report
    };
    finish(&report, &*receiver, form)
}

/// Shows the end of a run, and returns its exit code. A result that stdout does not take is the end of a command that only shows it.
fn finish(report: &Report, receiver: &dyn Receiver, form: Form) -> u8 {
    match (receiver.finish(report, form), report.exit_code()) {
        (false, 0) if report.command().only_shows() => UNWRITTEN,
        (_, code) => code,
    }
}

/// The exit code of an invocation that was to show something, where stdout takes nothing.
const UNWRITTEN: u8 = Outcome::Invalid.exit_code();

/// Shows a text that was asked for, and returns the exit code.
fn print(text: &str, mut streams: Streams) -> u8 {
    if streams.result(text.trim_end_matches('\n')) {
        0
    } else {
        UNWRITTEN
    }
}

/// Returns a warning for each secret that cannot be hidden, or not without hiding what is none.
fn weak(inputs: &Inputs) -> Vec<String> {
    let mut warnings = Vec::new();
    for spec in table::all().filter(|spec| spec.is_secret()) {
        let text = inputs.get(spec).map(|given| given.text.as_str()).unwrap_or_default();
        let lines = text.lines().filter(|_| spec.is_repeatable());
        let values = lines.filter_map(|line| line.split_once(':').map(|(_, value)| value));
        for value in values.chain(Some(text)) {
            if let Some(why) = runner::weakness(&Secret::new(value), inputs.in_step) {
                warnings.push(format!("`{}`: a value {why}", spec.name));
            }
        }
    }
    warnings
}

/// Whether marks on stderr are coloured: `NO_COLOR` turns color off, `FORCE_COLOR` on; else a terminal has it.
fn is_coloured(invocation: &Invocation, by_default: bool) -> bool {
    let set = |name: &str| invocation.env.get(name).filter(|value| !value.is_empty());
    let forced = set("FORCE_COLOR").is_some_and(|value| value != "0" && value != "false");
    set("NO_COLOR").is_none() && (forced || by_default)
}

/// Whether nobody said what to do: `promote` alone, on a laptop.
fn says_nothing(invocation: &Invocation) -> bool {
    let said = invocation.env.keys().any(|name| name.starts_with("PROMOTE_"));
    invocation.args.is_empty() && !said && !environment::in_step(&invocation.env)
}

/// Returns the report of a run that a panic ended: a mistake of ours, reported like every other end.
fn broken(command: Command, what: &str) -> Report {
    failed(command, Fault::bug(format!("the run broke: {what}")))
}

/// Returns the report of a run that ended before it began.
fn failed(command: Command, fault: Fault) -> Report {
    Report::ended(command, fault)
}

/// What was asked for, with everything that is wrong with it so far.
struct Call<'a> {
    place: Place<'a>,
    arguments: Arguments,
    inputs: Inputs,
    mistakes: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Call<'a> {
    /// Joins flags, the files of secrets, and the environment.
    fn read(env: &'a Environment, mut arguments: Arguments, stdin: &mut dyn Read) -> Self {
        let in_step = environment::in_step(env);
        let place = Place { env, in_step };
        let mut inputs = Inputs::new(in_step);
        let mut mistakes = std::mem::take(&mut arguments.mistakes);
        for (spec, text, flag) in &arguments.given {
            inputs.take(spec, text, flag.clone());
        }
        for (spec, file, flag) in &arguments.secret_files {
            let text = match file.as_str() {
                "-" => place::read_all(stdin),
                file => place.read(file),
            };
            match text {
                Ok(text) => inputs.take(spec, &text, format!("{flag} {file}")),
                // What stands in the place of a file could be the secret itself.
                Err(_) if file != "-" && !place.exists(file) => {
                    mistakes.push(format!(
                        "`{flag}` names no file that exists: use the path of a file that holds the secret, or `-` for stdin"
                    ));
                    arguments.spilled.push(Secret::new(file.as_str()));
                }
                Err(why) => mistakes.push(format!("`{flag}` {file:?} {why}")),
            }
        }
        let mut warnings = Vec::new();
        environment::read(env, &mut inputs, &mut mistakes, &mut warnings);
        warnings.extend(weak(&inputs));
        warnings.extend(place.proxies().warnings());
        Self {
            place,
            arguments,
            inputs,
            mistakes,
            warnings,
        }
    }

    /// Returns every secret that may meet us: those of inputs, those that do not belong on the command line, a proxy's password.
    fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.inputs.secrets(table::all());
        secrets.extend(self.arguments.spilled.iter().cloned());
        secrets.extend_from_slice(self.place.proxies().secrets());
        secrets.extend(self.place.oidc().map(|(_, token)| Secret::new(token)));
        secrets
    }

    /// Returns the form of the result, as far as it is said rightly: mistakes are shown in it, too.
    fn form(&self) -> Form {
        match self.inputs.get(&OUTPUT) {
            Some(given) if given.text == "json" => Form::Json,
            Some(given) if given.text == "html" && self.command() == Command::Status => Form::Html,
            _ => Form::Text,
        }
    }

    /// Returns the command, as far as it is said rightly.
    fn command(&self) -> Command {
        settings::command(&Reader::new(&self.inputs)).unwrap_or(Command::Promote)
    }

    fn execute(mut self, receiver: &Rc<dyn Receiver>, clock: &Rc<dyn Clock>) -> Report {
        for warning in std::mem::take(&mut self.warnings) {
            receiver.warn(warning);
        }
        let reader = Reader::new(&self.inputs);
        let mut mistakes = std::mem::take(&mut self.mistakes);
        let command = settings::command(&reader);
        settings::output(&reader, command);
        // The inputs of another command would be checked otherwise.
        let Some(command) = command.filter(|_| !self.arguments.unknown_command) else {
            mistakes.extend(reader.mistakes());
            return failed(Command::Promote, Fault::mistakes(&mistakes));
        };
        if command == Command::SetImage {
            mistakes.extend(reader.mistakes());
            return execute::set_image(&self, mistakes);
        }
        mistakes.extend(reader.mistakes());
        let reader = Reader::of(&self.inputs, command);
        let run = runner::random_hex().unwrap_or_else(|_| "unknown".to_owned());
        let strict = settings::is_strict(&reader, command);
        let settings = settings::read(&reader, command, &self.place, &run);
        if !self.arguments.words.is_empty() {
            mistakes.push("words after `--` belong to `set-image`".to_owned());
        }
        mistakes.extend(reader.mistakes());
        match settings {
            Some((common, job)) if mistakes.is_empty() => {
                let report = execute::job(&common, &job, receiver, clock);
                if strict { execute::strictly(report) } else { report }
            }
            _ => failed(command, Fault::mistakes(&mistakes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_is_for_terminals_unless_a_variable_decides() {
        let is = |terminal: bool, pairs: &[(&str, &str)]| {
            let invocation = Invocation {
                env: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
                ..Invocation::default()
            };
            is_coloured(&invocation, terminal)
        };
        assert!(is(true, &[]) && !is(false, &[]));
        assert!(!is(true, &[("NO_COLOR", "1")]) && is(true, &[("NO_COLOR", "")]));
        assert!(is(false, &[("FORCE_COLOR", "1")]) && !is(false, &[("FORCE_COLOR", "0")]));
        assert!(!is(false, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
    }

    #[test]
    fn a_panic_is_reported_as_a_mistake_of_ours() {
        let report = broken(Command::Promote, "no such thing as 7 at here");
        assert_eq!((report.outcome(), report.exit_code()), (Outcome::Bug, 1));
        assert!(report.reason.contains("no such thing as 7"), "{}", report.reason);
        assert!(report.hints[0].contains("report"));
    }
}
