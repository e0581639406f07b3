//! Finds the line separators that YAML 1.1 counts as line breaks and YAML 1.2 does not: outside of quotes, the readers of the two
//! versions see different files.

use super::node::{Located, Node, Style};
use super::text::Text;
use crate::ManifestFault;

/// Holds the places of U+0085, U+2028 and U+2029 against the quoted scalars, while both are read once.
pub(crate) struct OddBreaks<'t> {
    text: Text<'t>,
    next: Option<usize>,
}

impl<'t> OddBreaks<'t> {
    /// Begins at the start of `text`.
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text: Text(text),
            next: if text.is_ascii() { None } else { find(text, 0) },
        }
    }

    /// Takes the next node, or the end of the text.
    ///
    /// # Errors
    /// One of the characters stands before it and in no quotes.
    pub(crate) fn check(&mut self, located: Option<&Located<'_>>) -> Result<(), ManifestFault> {
        let Some(odd) = self.next else {
            return Ok(());
        };
        let quoted = match located {
            None => usize::MAX..usize::MAX,
            Some(Located {
                node:
                    Node::Scalar {
                        style: Style::Single | Style::Double,
                        ..
                    },
                span,
                ..
            }) => span.clone(),
            Some(_) => return Ok(()),
        };
        if odd < quoted.start {
            let message =
                "a line separator (U+0085, U+2028 or U+2029) is outside quotes (YAML 1.1 and 1.2 read it differently)";
            return Err(ManifestFault::new(message)
                .at(self.text.line(odd))
                .hint("remove that character or put the value in quotes"));
        }
        if odd < quoted.end {
            self.next = find(self.text.0, quoted.end);
        }
        Ok(())
    }
}

/// Returns the next of the characters from `from` on.
fn find(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += text
            .as_bytes()
            .get(at..)?
            .iter()
            .position(|byte| matches!(byte, 0xC2 | 0xE2))?;
        if text.get(at..)?.starts_with(['\u{85}', '\u{2028}', '\u{2029}']) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::Events;
    use super::*;

    fn is_fine(text: &str) -> bool {
        let mut odd = OddBreaks::new(text);
        let inside = Events::new(text).all(|event| odd.check(event.ok().as_ref()).is_ok());
        inside && odd.check(None).is_ok()
    }

    #[test]
    fn line_separators_are_fine_in_quotes_only() {
        assert!(is_fine("a: \"x\u{2028}y\"\nb: 'x\u{85}y'\n"));
        assert!(!is_fine("a: x\u{2028}y\nb: 'z'\n"));
        assert!(!is_fine("a: 'z'\n# x\u{2029}\n"));
        assert!(is_fine("a: é€\n"));
    }
}
