//! The two receivers of a run's events: the log of a workflow step, and a terminal or pipe.
//! Both hide every secret and make foreign text harmless; neither knows what a promotion is.

use std::io::{self, Write};

use crate::journal::Journal;
use crate::report::Report;

mod command;
mod files;
mod harmless;
mod paint;
mod parts;
mod redactor;
mod shown;
mod step;
mod terminal;
#[cfg(test)]
mod tests;
mod views;

pub use files::{Files, random_hex};
pub use redactor::{Redactor, weakness};
pub use step::{How, Step};
pub use terminal::{Look, Terminal};

/// Where a receiver writes.
pub struct Streams {
    /// The result.
    pub out: Box<dyn Write>,
    /// Everything else, unless a step's log takes it.
    pub err: Box<dyn Write>,
}

impl Streams {
    /// Writes the result of an invocation to stdout, and a word to stderr if it cannot be written there. Returns whether it could:
    /// a reader that closed the pipe has read enough.
    pub fn result(&mut self, text: &str) -> bool {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let _ = writeln!(self.err, "error: cannot write the result to stdout: {error}");
                false
            }
            _ => true,
        }
    }
}

/// A journal that also shows how the run ended.
pub trait Receiver: Journal {
    /// Shows the end: the result in the form asked for, with every warning of the run, and what the receiver has besides it.
    /// Returns whether stdout took the result; if it did not, stderr says why.
    fn finish(&self, report: &Report, form: Form) -> bool;
}

/// The form of the result on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON document and nothing else.
    Json,
    /// One HTML document and nothing else.
    Html,
}
