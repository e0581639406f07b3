//! What a run writes to a host has no secret of the run in its texts, whatever a server answered with.

use std::rc::Rc;

use crate::journal::Journal;
use crate::plan::{hide_in_markdown, hide_in_message};

/// Hides the secrets that the journal knows in what is written.
pub(super) struct Hiding<T: ?Sized> {
    pub(super) journal: Rc<dyn Journal>,
    pub(super) inner: Box<T>,
}

impl<T: ?Sized> Hiding<T> {
    pub(super) fn hide(&self, text: &str) -> String {
        self.journal.hide(text)
    }

    pub(super) fn message(&self, text: &str) -> String {
        hide_in_message(text, &|text| self.hide(text))
    }

    pub(super) fn markdown(&self, text: &str) -> String {
        hide_in_markdown(text, &|text| self.hide(text))
    }
}
