//! Why an expression has no value.

use std::fmt;

/// The kind of an error that the controller would answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An element that is not there.
    Index,
    /// Types that do not fit.
    Type,
    /// A name that does not exist.
    UnknownName,
    /// Text that is no expression.
    Syntax,
    /// Too few or too many arguments.
    ArgumentCount,
    /// A condition that is neither true nor false.
    NotBool,
    /// A time that is none.
    NotTime,
    /// A text that is no number, date or duration.
    Conversion,
    /// A regular expression that is none.
    Regex,
    /// A division of whole numbers by zero.
    Arithmetic,
    /// Lists of a million elements.
    Budget,
    /// The query returned nothing, and the condition needs something.
    NoData,
    /// Anything else.
    Other,
}

impl Class {
    /// Returns the word for it in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Type => "type",
            Self::UnknownName => "unknown_name",
            Self::Syntax => "syntax",
            Self::ArgumentCount => "arg_count",
            Self::NotBool => "not_bool",
            Self::NotTime => "not_time",
            Self::Conversion => "conversion",
            Self::Regex => "regex",
            Self::Arithmetic => "arith",
            Self::Budget => "budget",
            Self::NoData => "no_data",
            Self::Other => "other",
        }
    }
}

/// Why an expression has no value, with the place in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The character that it is about, counted from 0.
    pub at: usize,
    /// What is wrong, as a phrase.
    pub message: String,
}

/// Who fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The controller answers with an error of this class, too.
    Controller(Class),
    /// The controller knows this; `promote` does not evaluate it.
    NotEvaluated,
}

/// A message can quote a text that an expression made; so many characters of it are enough.
const LONGEST: usize = 300;

/// Cuts a message that is too long to be read.
pub(in crate::assess::analysis) fn short(message: String) -> String {
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message,
    }
}

impl Failure {
    /// The controller fails as well.
    pub(super) fn new(class: Class, at: usize, message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Controller(class),
            at,
            message: short(message.into()),
        }
    }

    /// Only `promote` fails: `what` is not evaluated here.
    pub(super) fn not_evaluated(at: usize, what: impl fmt::Display) -> Self {
        Self {
            kind: FailureKind::NotEvaluated,
            at,
            message: short(format!("promote does not evaluate {what}")),
        }
    }

    /// Returns the class of the controller's error; `None` where only `promote` fails.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        match self.kind {
            FailureKind::Controller(class) => Some(class),
            FailureKind::NotEvaluated => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (character {})", self.message, self.at + 1)
    }
}
