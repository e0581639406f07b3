//! The event stream of a run: every room reports to it, one receiver at the edge shows it.

use std::sync::mpsc::Receiver;

use crate::model::Event;

/// Receives what happens, in order.
pub trait Journal {
    /// Takes one event. Never fails: telling must not end a promotion.
    fn tell(&self, event: Event);

    /// Returns a text without the secrets of the run, for what leaves it other than through the journal and the report.
    fn hide(&self, text: &str) -> String {
        text.to_owned()
    }

    /// Asks whoever sits at the terminal a question that `y` or `yes` affirms. `None` when nobody is there to be asked.
    fn ask(&self, _question: &str) -> Option<Receiver<bool>> {
        None
    }

    /// Says that something moved.
    fn progress(&self, text: String) {
        self.tell(Event::Progress(text));
    }

    /// Reports something for those who look for a fault.
    fn debug(&self, text: String) {
        self.tell(Event::Debug(text));
    }

    /// Reports something wrong that does not end the run.
    fn warn(&self, text: String) {
        self.tell(Event::Warning(text));
    }
}
