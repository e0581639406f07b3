//! The one place where text from outside becomes text that is shown: without secrets, and not longer than anybody reads.
//! Whatever a receiver writes is a [`Shown`], or one of our own words.

use std::cell::RefCell;

use super::redactor::is_hidden;
use super::{Form, Redactor, harmless, paint, parts};
use crate::model::Secret;
use crate::report::{self, OUTPUTS, OutputKind, Report};

/// A text without secrets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Shown(String);

impl Shown {
    /// Returns it line by line, without control characters; in a step no line is a command of the runner.
    pub(super) fn lines(&self, in_step: bool) -> Vec<String> {
        harmless::lines(&self.0, in_step)
    }

    /// Returns it on one line.
    pub(super) fn line(&self, in_step: bool) -> String {
        harmless::line(&self.0, in_step)
    }

    /// Returns it as it is, for a file that no runner and no terminal reads as commands.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts one of our own words before it.
    pub(super) fn after(&self, word: &str) -> Self {
        Self(format!("{word}{}", self.0))
    }
}

/// Makes texts from outside fit to be shown, and keeps the warnings that were.
#[derive(Default)]
pub(super) struct Cleaner {
    redactor: RefCell<Redactor>,
    warnings: RefCell<Vec<Shown>>,
}

impl Cleaner {
    /// Learns a secret, and returns what a runner has to mask: itself, and each part that is a secret by itself.
    pub(super) fn learn(&self, secret: &Secret) -> Vec<String> {
        let mut parts = parts::of(secret.expose());
        parts.retain(|part| is_hidden(part));
        for part in &parts {
            self.redactor.borrow_mut().learn(&Secret::new(&**part));
        }
        parts
    }

    /// Cleans a text.
    pub(super) fn text(&self, text: &str) -> Shown {
        Shown(self.clean(text))
    }

    /// Cleans the value of an output. One that is made of our own words alone holds no secret, even where a secret is the same word.
    pub(super) fn output(&self, name: &str, value: &str) -> Shown {
        let spec = OUTPUTS.iter().find(|spec| spec.name == name);
        Shown(match spec.map(|spec| spec.kind) {
            Some(OutputKind::Closed) => value.to_owned(),
            Some(OutputKind::Text) | None => self.redactor.borrow().clean(value),
        })
    }

    /// Cleans a warning, and keeps it for the report.
    pub(super) fn warning(&self, text: &str) -> Shown {
        let shown = self.text(text);
        let mut kept = self.warnings.borrow_mut();
        if !kept.contains(&shown) {
            kept.push(shown.clone());
        }
        shown
    }

    /// Cleans a report field by field and gives it the warnings of the run. Nothing from outside enters it afterwards.
    pub(super) fn report(&self, report: &Report) -> CleanReport {
        let mut report = report.clone();
        let diff = self.redactor.borrow().clean(&report.diff);
        report.map_texts(&|text| self.clean(text));
        report.diff = diff;
        report.warn(self.warnings.borrow().iter().map(|warning| warning.0.clone()).collect());
        CleanReport(report)
    }

    /// Returns a text without secrets, for what is kept outside of the run.
    pub(super) fn hide(&self, text: &str) -> String {
        self.clean(text)
    }

    fn clean(&self, text: &str) -> String {
        harmless::bounded(self.redactor.borrow().clean(text))
    }
}

/// A report without secrets. What is made of it is not cleaned again: our own words, numbers and the signs of JSON stay as they are.
pub(super) struct CleanReport(Report);

impl CleanReport {
    /// Returns the exit code.
    pub(super) fn exit_code(&self) -> u8 {
        self.0.exit_code()
    }

    /// Returns the outcome.
    pub(super) fn outcome(&self) -> &'static str {
        self.0.outcome().name()
    }

    /// Adds the warnings that came since it was made.
    pub(super) fn warned(&mut self, cleaner: &Cleaner) {
        let warnings = cleaner.warnings.borrow();
        self.0.warn(warnings.iter().map(|warning| warning.0.clone()).collect());
    }

    /// Leaves out the warnings, where whoever sees the result has seen each of them as it came.
    pub(super) fn leave_out_warnings(&mut self) {
        self.0.warnings.clear();
    }

    /// Returns what is wrong and what to do.
    pub(super) fn failure(&self) -> Shown {
        Shown(report::failure(&self.0))
    }

    /// Returns each output with its value.
    pub(super) fn outputs(&self) -> impl Iterator<Item = (&'static str, Shown)> {
        report::outputs(&self.0)
            .into_iter()
            .map(|(name, value)| (name, Shown(value)))
    }

    /// Returns the job summary.
    pub(super) fn summary(&self) -> Shown {
        Shown(report::summary(&self.0))
    }

    /// Returns the result in the form that was asked for, on lines; the JSON document is safe as it is.
    ///
    /// `failure_is_shown` says that the reason and what to do were shown just before.
    /// `colored` says that its lines get colors.
    pub(super) fn result(&self, form: Form, in_step: bool, failure_is_shown: bool, colored: bool) -> String {
        let text = if failure_is_shown { report::rest } else { report::text };
        match form {
            Form::Text => {
                let text = harmless::lines(text(&self.0).trim_end(), in_step).join("\n");
                if colored {
                    paint::result(&text, self.0.outcome(), self.0.exit_code())
                } else {
                    text
                }
            }
            Form::Json => report::json(&self.0),
            Form::Html => report::page(&self.0),
        }
    }
}
