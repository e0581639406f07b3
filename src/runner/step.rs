//! Shows a run in the log of a workflow step, and leaves outputs and summary for the runner.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write as _};

use super::command::command;
use super::shown::{Cleaner, Shown};
use super::{Files, Form, Receiver, Streams, paint};
use crate::journal::Journal;
use crate::model::{Event, Secret};
use crate::report::Report;

/// The most annotations of a kind that the runner keeps for a step.
const MOST_ANNOTATIONS: usize = 10;

/// The receiver of a step.
pub struct Step {
    streams: RefCell<Streams>,
    cleaner: Cleaner,
    state: RefCell<State>,
    files: Files,
    how: How,
}

/// How a run is shown in a step.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// The form of the result.
    pub form: Form,
    /// Whether to show details that only somebody who looks for a fault needs.
    pub debug: bool,
    /// Whether the log has colors.
    pub colored: bool,
}

#[derive(Default)]
struct State {
    in_group: bool,
    /// The stage that has no line yet.
    stage: Option<Shown>,
    annotations: BTreeMap<&'static str, usize>,
    outputs: BTreeMap<&'static str, Shown>,
    /// What is wrong with the runner's files, each reported once.
    failures: Vec<String>,
}

impl Step {
    /// Starts the log: every secret is masked before anything else is written.
    ///
    /// With a document as the result the log goes to stderr, so that stdout holds the document alone; the runner reads both.
    #[must_use]
    pub fn open(streams: Streams, secrets: &[Secret], files: Files, how: How) -> Self {
        let step = Self {
            streams: RefCell::new(streams),
            cleaner: Cleaner::default(),
            state: RefCell::default(),
            files,
            how,
        };
        for secret in secrets {
            step.mask(secret);
        }
        step
    }

    fn mask(&self, secret: &Secret) {
        for part in self.cleaner.learn(secret) {
            // It stays on one line, escaped as the runner reads it.
            let _ = self.raw(&command("add-mask", None, &part));
        }
    }

    /// Writes a line as it is.
    ///
    /// # Errors
    /// The stream takes nothing. A log that cannot be written does not end a promotion.
    fn raw(&self, line: &str) -> io::Result<()> {
        let mut streams = self.streams.borrow_mut();
        let stream = if self.how.form == Form::Text {
            &mut streams.out
        } else {
            &mut streams.err
        };
        writeln!(stream, "{line}").and_then(|()| stream.flush())
    }

    fn say(&self, text: &Shown) {
        self.begin();
        for line in text.lines(true) {
            let _ = self.raw(&if self.how.colored { paint::line(&line) } else { line });
        }
    }

    fn command(&self, name: &str, title: Option<&str>, text: &Shown) {
        self.begin();
        let _ = self.raw(&command(name, title, &text.lines(true).join("\n")));
    }

    fn annotate(&self, kind: &'static str, title: Option<&str>, text: &Shown) {
        let before = {
            let mut state = self.state.borrow_mut();
            let count = state.annotations.entry(kind).or_default();
            *count += 1;
            *count - 1
        };
        if before < MOST_ANNOTATIONS {
            self.command(kind, title, text);
        } else {
            self.say(&text.after(&format!("{kind}: ")));
        }
    }

    fn stage(&self, title: &Shown) {
        self.end_group();
        self.state.borrow_mut().stage = Some(title.clone());
    }

    /// Opens the group of the stage, unless it is open: a stage without a line has none.
    fn begin(&self) {
        let stage = self.state.borrow_mut().stage.take();
        if let Some(title) = stage {
            let _ = self.raw(&command("group", None, &title.line(true)));
            self.state.borrow_mut().in_group = true;
        }
    }

    fn end_group(&self) {
        let open = {
            let mut state = self.state.borrow_mut();
            state.stage = None;
            std::mem::take(&mut state.in_group)
        };
        if open {
            let _ = self.raw("::endgroup::");
        }
    }

    fn output(&self, name: &'static str, value: &Shown) {
        let known = self.state.borrow_mut().outputs.insert(name, value.clone());
        if known.as_ref() != Some(value) {
            let written = self.files.output(name, value.as_str());
            self.check(written);
        }
    }

    /// The promotion is worth more than its outputs: what cannot be written is a warning, once.
    fn check(&self, written: Result<(), String>) {
        let Err(why) = written else { return };
        let new = {
            let mut state = self.state.borrow_mut();
            let new = !state.failures.contains(&why);
            state.failures.push(why.clone());
            new
        };
        if new {
            self.warn(why);
        }
    }
}

impl Journal for Step {
    fn hide(&self, text: &str) -> String {
        self.cleaner.hide(text)
    }

    fn tell(&self, event: Event) {
        let clean = |text: &str| self.cleaner.text(text);
        match event {
            Event::Stage(title) => self.stage(&clean(&title)),
            Event::Reached(milestone, text) if milestone.is_done() => self.say(&clean(&text).after("✓ ")),
            Event::Progress(text) | Event::Waiting(text) | Event::Reached(_, text) => self.say(&clean(&text)),
            Event::Notice(text) => self.annotate("notice", None, &clean(&text)),
            Event::Warning(text) => self.annotate("warning", None, &self.cleaner.warning(&text)),
            Event::Debug(text) if self.how.debug => self.command("debug", None, &clean(&text)),
            Event::Debug(_) | Event::Now(_) => {}
            Event::Output { name, value } => self.output(name, &self.cleaner.output(name, &value)),
            Event::Mask(secret) => self.mask(&secret),
        }
    }
}

impl Receiver for Step {
    fn finish(&self, report: &Report, form: Form) -> bool {
        self.end_group();
        let mut report = self.cleaner.report(report);
        for (name, value) in report.outputs() {
            // An output that was known during the run is not taken back because the end does not know it.
            let known = self.state.borrow().outputs.contains_key(name);
            if !value.as_str().is_empty() || !known {
                self.output(name, &value);
            }
        }
        report.warned(&self.cleaner);
        let summary = self.files.summary(report.summary().as_str());
        self.check(summary);
        if report.exit_code() != 0 {
            let title = format!("promote: {}", report.outcome());
            self.annotate("error", Some(&title), &report.failure());
        }
        self.streams
            .borrow_mut()
            .result(&report.result(form, true, report.exit_code() != 0, self.how.colored))
    }
}
