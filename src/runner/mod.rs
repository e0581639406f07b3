//! The two receivers of a run's events: the log of a workflow step, and a terminal or pipe.
//! Both hide every secret and make foreign text harmless; neither knows what a promotion is.

use std::io::Write;

use crate::journal::Journal;
use crate::report::Report;

mod command;
mod files;
mod harmless;
mod redactor;
mod step;
mod terminal;

pub use files::{Files, random_hex};
pub use redactor::Redactor;
pub use step::Step;
pub use terminal::{Look, Terminal};

/// Where a receiver writes.
pub struct Streams {
    /// The result.
    pub out: Box<dyn Write>,
    /// Everything else, unless a step's log takes it.
    pub err: Box<dyn Write>,
}

/// A journal that also shows how the run ended.
pub trait Receiver: Journal {
    /// Returns the warnings told so far, as the report will hold them.
    fn warnings(&self) -> Vec<String>;

    /// Shows the end: the result in the form asked for, and what the receiver has besides it.
    fn finish(&self, report: &Report, form: Form);
}

/// The form of the result on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON document and nothing else.
    Json,
}
