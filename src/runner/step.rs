//! Shows a run in the log of a workflow step, and leaves outputs and summary for the runner.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;

use super::command::command;
use super::redactor::SHORTEST;
use super::{Files, Form, Receiver, Redactor, Streams, harmless};
use crate::journal::Journal;
use crate::model::{Event, Secret};
use crate::report::{self, Report};

/// The most annotations of a kind that the runner keeps for a step.
const MOST_ANNOTATIONS: usize = 10;

/// The receiver of a step.
pub struct Step {
    streams: RefCell<Streams>,
    redactor: RefCell<Redactor>,
    state: RefCell<State>,
    files: Files,
    form: Form,
    debug: bool,
}

#[derive(Default)]
struct State {
    in_group: bool,
    annotations: BTreeMap<&'static str, usize>,
    outputs: BTreeMap<&'static str, String>,
    warnings: Vec<String>,
    /// What is wrong with the runner's files, each told once.
    failures: Vec<String>,
}

impl Step {
    /// Starts the log: every secret is masked before anything else is written.
    ///
    /// With [`Form::Json`] the log goes to stderr, so that stdout holds the document alone; the runner reads both.
    #[must_use]
    pub fn open(streams: Streams, secrets: &[Secret], files: Files, form: Form, debug: bool) -> Self {
        let step = Self {
            streams: RefCell::new(streams),
            redactor: RefCell::default(),
            state: RefCell::default(),
            files,
            form,
            debug,
        };
        for secret in secrets {
            step.mask(secret);
        }
        step
    }

    fn mask(&self, secret: &Secret) {
        let text = secret.expose().trim();
        let several = text.lines().count() > 1;
        let parts = text.lines().map(str::trim).filter(|_| several);
        for part in std::iter::once(text).chain(parts).filter(|part| part.len() >= SHORTEST) {
            self.raw(&command("add-mask", None, part));
            self.redactor.borrow_mut().learn(&Secret::new(part));
        }
    }

    /// Writes a line as it is. A log that cannot be written does not end a promotion.
    fn raw(&self, line: &str) {
        let mut streams = self.streams.borrow_mut();
        let stream = if self.form == Form::Json {
            &mut streams.err
        } else {
            &mut streams.out
        };
        let _ = writeln!(stream, "{line}").and_then(|()| stream.flush());
    }

    fn hide(&self, text: &str) -> String {
        self.redactor.borrow().clean(text)
    }

    fn clean(&self, text: &str) -> String {
        harmless::bounded(self.hide(text))
    }

    fn say(&self, text: &str) {
        for line in harmless::lines(&self.clean(text), true) {
            self.raw(&line);
        }
    }

    /// Writes a command whose data is foreign text.
    fn command(&self, name: &str, title: Option<&str>, text: &str) {
        let data = harmless::lines(&self.clean(text), true).join("\n");
        let title = title.map(|title| harmless::line(&self.clean(title), true));
        self.raw(&command(name, title.as_deref(), &data));
    }

    fn annotate(&self, kind: &'static str, title: Option<&str>, text: &str) {
        let before = {
            let mut state = self.state.borrow_mut();
            let count = state.annotations.entry(kind).or_default();
            *count += 1;
            *count - 1
        };
        if before < MOST_ANNOTATIONS {
            self.command(kind, title, text);
        } else {
            self.say(&format!("{kind}: {text}"));
        }
    }

    fn stage(&self, title: &str) {
        self.end_group();
        self.command("group", None, title);
        self.state.borrow_mut().in_group = true;
    }

    fn end_group(&self) {
        let open = std::mem::take(&mut self.state.borrow_mut().in_group);
        if open {
            self.raw("::endgroup::");
        }
    }

    fn output(&self, name: &'static str, value: &str) {
        let value = self.hide(value);
        let known = self.state.borrow_mut().outputs.insert(name, value.clone());
        if known.as_ref() != Some(&value) {
            let written = self.files.output(name, &value);
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

    fn result(&self, report: &Report, form: Form) {
        match form {
            Form::Text => self.say(report::text(report).trim_end()),
            Form::Json => {
                let streams = &mut self.streams.borrow_mut();
                let _ = writeln!(streams.out, "{}", report::json(report)).and_then(|()| streams.out.flush());
            }
        }
    }
}

impl Journal for Step {
    fn tell(&self, event: Event) {
        match event {
            Event::Stage(title) => self.stage(&title),
            Event::Progress(text) | Event::Waiting(text) => self.say(&text),
            Event::Milestone(text) => self.say(&format!("✓ {text}")),
            Event::Notice(text) => self.annotate("notice", None, &text),
            Event::Warning(text) => {
                self.annotate("warning", None, &text);
                self.state.borrow_mut().warnings.push(text);
            }
            Event::Debug(text) if self.debug => self.command("debug", None, &text),
            Event::Debug(_) | Event::Now(_) => {}
            Event::Output { name, value } => self.output(name, &value),
            Event::Mask(secret) => self.mask(&secret),
        }
    }
}

impl Receiver for Step {
    fn warnings(&self) -> Vec<String> {
        self.state.borrow().warnings.clone()
    }

    fn finish(&self, report: &Report, form: Form) {
        self.end_group();
        let mut report = report.clone();
        let diff = self.hide(&report.diff);
        report.map_texts(&|text| self.clean(text));
        report.diff = diff;
        for (name, value) in report::outputs(&report) {
            // An output that was known during the run is not taken back because the end does not know it.
            let known = self.state.borrow().outputs.contains_key(name);
            if !value.is_empty() || !known {
                self.output(name, &value);
            }
        }
        report.warn(self.warnings());
        let summary = self.files.summary(&report::summary(&report));
        self.check(summary);
        if report.exit_code() != 0 {
            let title = format!("promote: {}", report.outcome().name());
            self.annotate("error", Some(&title), &report::failure(&report));
        }
        self.result(&report, form);
    }
}
