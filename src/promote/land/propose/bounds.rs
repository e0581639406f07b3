//! The bounds of what a pull request needs: no request to git or GitHub takes longer than `landing-timeout`, or than the wait for the merge. A
//! signal ends what reads at once; what writes gets a moment, because whether it was done is worth knowing.

use std::time::Duration;

use crate::githost::Pulls;
use crate::model::Fault;

use crate::promote::cancel::{cancelled, or_cancel, signal};
use crate::promote::land::PUSH_GRACE;
use crate::promote::ports::Ports;

/// How long a request gets that begins when the bound is nearly over.
const LEAST: Duration = Duration::from_secs(10);

/// The bounds of one proposal.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    ports: Ports<'a>,
    pulls: &'a dyn Pulls,
    landing: Duration,
    /// When all of it is over: with `landing-timeout` or `merge-timeout`, whichever comes later.
    end: Duration,
}

/// One of them: until when, for everything that is done within it.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    ports: Ports<'a>,
    pulls: &'a dyn Pulls,
    /// The reading of the clock at which it is over.
    pub(super) end: Duration,
    setting: &'static str,
}

impl<'a> Bounds<'a> {
    /// Those of a proposal that begins now.
    pub(super) fn new(ports: Ports<'a>, pulls: &'a dyn Pulls, landing: Duration, merge: Duration) -> Self {
        Self {
            ports,
            pulls,
            landing,
            end: ports.clock.now().saturating_add(landing.max(merge)),
        }
    }

    /// Whether there is time to judge and to merge.
    pub(super) fn is_open(&self) -> bool {
        self.ports.clock.now() < self.end
    }

    /// The bound of what is done before the pull request waits: `landing-timeout`.
    pub(super) fn landing(&self) -> Bound<'a> {
        let now = self.ports.clock.now();
        self.until(now.saturating_add(self.landing).min(self.end), "`landing-timeout`")
    }

    /// The bound of a request while the pull request waits.
    pub(super) fn waiting(&self) -> Bound<'a> {
        self.until(self.end, "`merge-timeout` and `landing-timeout`")
    }

    fn until(&self, end: Duration, setting: &'static str) -> Bound<'a> {
        Bound {
            ports: self.ports,
            pulls: self.pulls,
            end: end.max(self.ports.clock.now().saturating_add(LEAST)),
            setting,
        }
    }
}

impl Bound<'_> {
    /// Runs what only reads; `what` names it, as in `read pull request #7`.
    ///
    /// # Errors
    /// As the work, the bound is over, or the run was cancelled.
    pub(super) async fn read<T>(&self, what: &str, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let left = self.left();
        let bounded = async {
            tokio::select! {
                biased;
                done = Box::pin(work) => done,
                () = self.ports.clock.sleep(left) => Err(self.late(&format!("{what}: no complete answer"))),
            }
        };
        or_cancel(self.ports.cancel, bounded).await?
    }

    /// Runs a write; `what` names it, as in `the merge of pull request #7`, and `done` what it brings about.
    ///
    /// # Errors
    /// As the work. If the bound is over or the run was cancelled first, the fault says whether it is known that nothing was done.
    pub(super) async fn write<T>(
        &self,
        what: &str,
        done: &str,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        if let Some(signal) = *self.ports.cancel.borrow() {
            return Err(cancelled(signal));
        }
        let left = self.left();
        let written = tokio::select! {
            biased;
            written = Box::pin(work) => written,
            () = async {
                signal(self.ports.cancel.clone()).await;
                self.pulls.halt();
                self.ports.clock.sleep(PUSH_GRACE).await;
            } => Err(self.unknown(what, done, "when the signal came")),
            () = self.ports.clock.sleep(left) => Err(self.unknown(what, done, &format!("within {}", self.setting))),
        };
        let signal = *self.ports.cancel.borrow();
        match (written, signal) {
            (Err(fault), Some(signal)) => {
                let cancelled = cancelled(signal);
                let message = format!("{}: {fault}", cancelled.message);
                Err((fault.hints.into_iter()).fold(Fault::new(cancelled.outcome, message), Fault::hint))
            }
            (written, _) => written,
        }
    }

    /// The fault of a write that was given up.
    fn unknown(&self, what: &str, done: &str, when: &str) -> Fault {
        if !self.pulls.in_doubt() {
            return Fault::unreachable(format!("{what} was not sent {when}"));
        }
        Fault::unreachable(format!("{what} had no answer {when}: it is not known whether {done}"))
            .hint("run the step again: it finds the pull request")
    }

    fn left(&self) -> Duration {
        self.end.saturating_sub(self.ports.clock.now())
    }

    fn late(&self, message: &str) -> Fault {
        Fault::unreachable(format!("{message} within {}", self.setting))
            .hint("set a longer `landing-timeout`, or look at the server that the log names last")
    }
}
