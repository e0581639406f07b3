//! Keeps of the event stream what the report repeats: the timeline and the warnings. Passes everything on.

use std::cell::RefCell;
use std::rc::Rc;

use crate::journal::Journal;
use crate::model::{Clock, Event};
use crate::report::{Report, TimelineRow};

/// A journal before the journal.
pub(super) struct Recorder {
    inner: Rc<dyn Journal>,
    clock: Rc<dyn Clock>,
    timeline: RefCell<Vec<TimelineRow>>,
    warnings: RefCell<Vec<String>>,
}

impl Recorder {
    /// Starts with nothing recorded.
    pub(super) fn new(inner: Rc<dyn Journal>, clock: Rc<dyn Clock>) -> Self {
        Self {
            inner,
            clock,
            timeline: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// Moves what was recorded into the report.
    pub(super) fn fill(&self, report: &mut Report) {
        report.timeline = self.timeline.take();
        report.warnings = self.warnings.take();
    }
}

impl Journal for Recorder {
    fn tell(&self, event: Event) {
        match &event {
            Event::Milestone(what) => self.timeline.borrow_mut().push(TimelineRow {
                at: self.clock.wall().to_string(),
                what: what.clone(),
            }),
            Event::Warning(what) => {
                let mut warnings = self.warnings.borrow_mut();
                if !warnings.contains(what) {
                    warnings.push(what.clone());
                }
            }
            _ => {}
        }
        self.inner.tell(event);
    }
}
