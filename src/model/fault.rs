//! Why a run cannot go on: the outcome it leads to, a sentence for people, and what they can do.

use std::collections::HashSet;
use std::fmt;

use super::{Outcome, json, of_io, without_number};

/// An end that is no success, with its reason.
///
/// `message` is one sentence in the house style: what happened, to what; lower case at the start unless a name begins it, no full stop.
/// The cause's text is added by [`fmt::Display`]. A hint is an action.
#[derive(Debug)]
pub struct Fault {
    /// How the run ends because of this.
    pub outcome: Outcome,
    /// What happened.
    pub message: String,
    /// What to do about it, at most three.
    pub hints: Vec<String>,
    cause: Option<anyhow::Error>,
}

impl Fault {
    /// Makes a fault that ends the run with `outcome`.
    #[must_use]
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            hints: Vec::new(),
            cause: None,
        }
    }

    /// An input, the configuration or a file is wrong.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, message)
    }

    /// Several mistakes of one round, reported together, each once. Each is a full sentence of its own.
    #[must_use]
    pub fn mistakes(mistakes: &[String]) -> Self {
        let mut said = HashSet::new();
        let each: Vec<&str> = mistakes
            .iter()
            .map(String::as_str)
            .filter(|one| said.insert(*one))
            .collect();
        match each.as_slice() {
            [one] => Self::invalid(*one),
            many => Self::invalid(format!("{} mistakes:\n- {}", many.len(), many.join("\n- "))),
        }
    }

    /// Something seen before writing speaks against it.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Outcome::Refused, message)
    }

    /// A server rejects the token, or does not permit it.
    #[must_use]
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(Outcome::Denied, message)
    }

    /// A server gives no usable answer.
    #[must_use]
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Outcome::Unreachable, message)
    }

    /// Something that cannot be, was.
    #[must_use]
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Outcome::Bug, message)
            .hint("this is an internal error of promote-action: report it with the log of this run")
    }

    /// Adds an action that people can take.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the error that led to this.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        let mut said = self.message.clone();
        for cause in self.cause.iter().flat_map(anyhow::Error::chain) {
            let text = words(cause);
            // Several libraries repeat the source's text in their own.
            if !said.contains(&text) {
                write!(out, ": {text}")?;
                said.push_str(&text);
            }
        }
        Ok(())
    }
}

/// Returns what a library says of an error, without its numbers and places.
fn words(cause: &(dyn std::error::Error + 'static)) -> String {
    if let Some(error) = cause.downcast_ref::<std::io::Error>() {
        return of_io(error);
    }
    if let Some(error) = cause.downcast_ref::<serde_json::Error>() {
        return json::in_words(error);
    }
    let text = cause.to_string();
    // So libgit2 ends: `could not find it; class=Odb (9); code=NotFound (-3)`.
    let text = text.split("; class=").next().unwrap_or_default();
    without_number(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_in_words() {
        let json = serde_json::from_str::<serde_json::Value>("{").unwrap_err();
        for (cause, right) in [
            (
                anyhow::Error::from(std::io::Error::from_raw_os_error(13)),
                "read it: permission denied",
            ),
            (anyhow::Error::from(json), "read it: JSON that breaks off"),
            (
                anyhow::anyhow!("not found; class=Odb (9); code=NotFound (-3)"),
                "read it: not found",
            ),
        ] {
            assert_eq!(Fault::invalid("read it").because(cause).to_string(), right);
        }
    }

    #[test]
    fn a_mistake_that_is_found_twice_is_reported_once() {
        let said = ["a", "a", "b", "a"].map(str::to_owned);
        assert_eq!(Fault::mistakes(&said).message, "2 mistakes:\n- a\n- b");
        assert_eq!(Fault::mistakes(&said[..2]).message, "a");
    }
}
