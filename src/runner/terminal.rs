//! Shows a run on a terminal or in a pipe: progress on stderr, the result on stdout.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Form, Receiver, Redactor, Streams, harmless};
use crate::journal::Journal;
use crate::model::{Clock, Event, Secret};
use crate::report::{self, Report};

/// The receiver outside a step.
pub struct Terminal {
    streams: RefCell<Streams>,
    redactor: RefCell<Redactor>,
    warnings: RefCell<Vec<String>>,
    clock: Rc<dyn Clock>,
    verbose: bool,
    result_is_seen: bool,
}

impl Terminal {
    /// Starts it. `result_is_seen` says that stdout is a terminal: then a failure stands there and is not told on stderr too.
    #[must_use]
    pub fn open(
        streams: Streams,
        secrets: &[Secret],
        clock: Rc<dyn Clock>,
        verbose: bool,
        result_is_seen: bool,
    ) -> Self {
        Self {
            streams: RefCell::new(streams),
            redactor: RefCell::new(Redactor::new(secrets)),
            warnings: RefCell::default(),
            clock,
            verbose,
            result_is_seen,
        }
    }

    fn clean(&self, text: &str) -> String {
        self.redactor.borrow().clean(text)
    }

    /// Writes a text to stderr; lines after the first stand below its words. A terminal that is gone does not end a promotion.
    fn say(&self, first: &str, text: &str) {
        let indent = " ".repeat(first.chars().count());
        let mut streams = self.streams.borrow_mut();
        for (number, line) in harmless::lines(&self.clean(text), false).into_iter().enumerate() {
            let start = if number == 0 { first } else { &indent };
            let _ = writeln!(streams.err, "{start}{line}");
        }
        let _ = streams.err.flush();
    }

    fn timed(&self, mark: &str, text: &str) {
        let seconds = self.clock.now().as_secs();
        let elapsed = match seconds / 60 {
            0 => format!("{seconds}s"),
            minutes => format!("{minutes}m{:02}s", seconds % 60),
        };
        self.say(&format!("{elapsed:>7} {mark} "), text);
    }
}

impl Journal for Terminal {
    fn tell(&self, event: Event) {
        match event {
            Event::Stage(title) => self.say("── ", &title),
            Event::Progress(text) => self.timed(" ", &text),
            Event::Waiting(text) => self.timed("…", &text),
            Event::Milestone(text) => self.timed("✓", &text),
            Event::Notice(text) => self.say("note: ", &text),
            Event::Warning(text) => {
                self.say("warning: ", &text);
                self.warnings.borrow_mut().push(text);
            }
            Event::Debug(text) if self.verbose => self.say("debug: ", &text),
            Event::Debug(_) | Event::Output { .. } => {}
            Event::Mask(secret) => self.redactor.borrow_mut().learn(&secret),
        }
    }
}

impl Receiver for Terminal {
    fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    fn finish(&self, report: &Report, form: Form) {
        let mut report = report.clone();
        report.map_texts(&|text| self.clean(text));
        let failed = report.exit_code != 0;
        if failed && !(self.result_is_seen && form == Form::Text) {
            self.say("error: ", &report::failure(&report));
        }
        let result = match form {
            Form::Text => harmless::lines(report::text(&report).trim_end(), false).join("\n"),
            Form::Json => report::json(&report),
        };
        let mut streams = self.streams.borrow_mut();
        let _ = writeln!(streams.out, "{result}").and_then(|()| streams.out.flush());
    }
}
