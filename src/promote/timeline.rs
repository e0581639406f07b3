//! Keeps of the event stream what the report repeats: the timeline. Passes everything on; whoever receives it keeps the warnings.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc::Receiver;

use crate::journal::Journal;
use crate::model::{Clock, Event, Milestone};
use crate::report::{Report, TimelineRow};

/// The stage in which applications are followed.
pub(super) const FOLLOWING: &str = "Wait";

/// The stage in which canaries are stopped.
pub(super) const ABORTING: &str = "Abort";

/// The stage in which a sync is ended that is in the way.
pub(super) const TERMINATING: &str = "Terminate";

/// So many changes are points of the timeline; after them only what is a milestone.
const MOST: usize = 200;

/// A journal before the journal.
pub(super) struct Recorder {
    inner: Rc<dyn Journal>,
    clock: Rc<dyn Clock>,
    timeline: RefCell<Vec<TimelineRow>>,
    /// Whether applications are followed, or something of them is stopped: then each change of where they are is a point of the timeline.
    following: Cell<bool>,
}

impl Recorder {
    /// Starts with nothing recorded.
    pub(super) fn new(inner: Rc<dyn Journal>, clock: Rc<dyn Clock>) -> Self {
        Self {
            inner,
            clock,
            timeline: RefCell::default(),
            following: Cell::new(false),
        }
    }

    fn note(&self, milestone: Option<Milestone>, what: &str) {
        self.timeline.borrow_mut().push(TimelineRow {
            at: self.clock.wall(),
            what: what.to_owned(),
            milestone,
        });
    }

    /// Moves what was recorded into the report.
    pub(super) fn fill(&self, report: &mut Report) {
        report.timeline = self.timeline.take();
    }
}

impl Journal for Recorder {
    fn hide(&self, text: &str) -> String {
        self.inner.hide(text)
    }

    fn ask(&self, question: &str) -> Option<Receiver<bool>> {
        self.inner.ask(question)
    }

    fn tell(&self, event: Event) {
        match &event {
            Event::Stage(stage) => self
                .following
                .set([FOLLOWING, ABORTING, TERMINATING].contains(&stage.as_str())),
            Event::Reached(milestone, what) => self.note(Some(*milestone), what),
            // A canary that goes back and forth for a night is not told in full.
            Event::Progress(what) if self.following.get() && self.timeline.borrow().len() < MOST => {
                self.note(None, what);
            }
            _ => {}
        }
        self.inner.tell(event);
    }
}
