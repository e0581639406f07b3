//! How a run ended, said once: everything that the report says of its end is computed from this.

use super::SupersededBy;
use crate::model::{Fault, Outcome};

/// The end of a run.
#[derive(Clone, Debug)]
pub struct End {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in one sentence that a person on call can act on.
    pub reason: String,
    /// What to do next, at most three.
    pub hints: Vec<String>,
    /// The commit that changed the pin later, if one did.
    pub superseded_by: Option<SupersededBy>,
    /// The exit code that an input asks for instead of the outcome's own.
    code: Option<u8>,
}

impl End {
    /// Makes an end without hints.
    #[must_use]
    pub fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            hints: Vec::new(),
            superseded_by: None,
            code: None,
        }
    }

    /// Adds what people can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Names the commit that changed the pin later.
    #[must_use]
    pub fn by(mut self, later: SupersededBy) -> Self {
        self.superseded_by = Some(later);
        self
    }

    /// Sets an exit code that an input asks for: 0 for `superseded` with `on-superseded: succeed`.
    #[must_use]
    pub const fn exits(mut self, code: u8) -> Self {
        self.code = Some(code);
        self
    }

    /// Returns the exit code of the process: the only place that decides it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.code.unwrap_or_else(|| self.outcome.exit_code())
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        let reason = fault.to_string();
        Self {
            hints: fault.hints,
            ..Self::new(fault.outcome, reason)
        }
    }
}
