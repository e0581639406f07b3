//! What can be made to go wrong: answers that are none, streams that end or fall silent, operations that are left lying or done twice.
//! Knows only when; what happens then is where it happens.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::ArgoCd;
use crate::git::lock;

/// What is answered instead of the right thing.
#[derive(Clone, Debug)]
pub struct Canned {
    /// Requests whose path and query contain this.
    pub part: String,
    /// How often.
    pub times: u32,
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// Everything that goes wrong now.
#[derive(Default)]
pub(crate) struct Faults {
    canned: Mutex<Vec<(Canned, Option<u32>)>>,
    /// Parts of requests that get no answer.
    hanging: Mutex<Vec<String>>,
    /// Streams tell nothing, as behind a proxy that keeps what comes.
    muted: AtomicBool,
    /// All streams end, as when the server restarts.
    pub(crate) cut: Notify,
    /// Names of applications whose next operation is left lying until they are refreshed.
    lying: Mutex<Vec<String>>,
    /// Names of applications whose next operation is followed by another one for the same commit.
    twice: Mutex<Vec<String>>,
}

impl Faults {
    /// Returns what a request is answered with in place of the right thing, and the wish to be left alone for so many seconds.
    pub(crate) fn instead(&self, line: &str) -> Option<(Canned, Option<u32>)> {
        let mut canned = lock(&self.canned);
        let (row, retry_after) = canned
            .iter_mut()
            .find(|(row, _)| row.times > 0 && line.contains(&row.part))?;
        row.times -= 1;
        Some((row.clone(), *retry_after))
    }

    pub(crate) fn hangs(&self, line: &str) -> bool {
        lock(&self.hanging).iter().any(|part| line.contains(part))
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.muted.load(Ordering::Relaxed)
    }

    pub(crate) fn is_left_lying(&self, name: &str) -> bool {
        lock(&self.lying).iter().any(|lying| lying == name)
    }

    pub(crate) fn wake(&self, name: &str) {
        lock(&self.lying).retain(|lying| lying != name);
    }

    /// Tells, once, whether another operation follows for the same commit.
    pub(crate) fn comes_again(&self, name: &str) -> bool {
        let mut twice = lock(&self.twice);
        let before = twice.len();
        twice.retain(|again| again != name);
        twice.len() < before
    }
}

impl ArgoCd {
    /// Answers the next matching requests with something else.
    pub fn answer(&self, canned: Canned) {
        lock(&self.world.faults.canned).push((canned, None));
    }

    /// Answers the next `times` matching requests with a status and the wish to be left alone for so many seconds.
    pub fn busy(&self, part: &str, times: u32, status: u16, retry_after: u32) {
        let canned = Canned {
            part: part.to_owned(),
            times,
            status,
            content_type: "text/plain".to_owned(),
            body: "busy\n".to_owned(),
        };
        lock(&self.world.faults.canned).push((canned, Some(retry_after)));
    }

    /// Gives no answer to requests whose path and query contain this, from now on.
    pub fn hang(&self, part: &str) {
        lock(&self.world.faults.hanging).push(part.to_owned());
    }

    /// Lets streams tell nothing any more, or everything again.
    pub fn mute_streams(&self, mute: bool) {
        self.world.faults.muted.store(mute, Ordering::Relaxed);
    }

    /// Ends all streams, as when the server restarts.
    pub fn cut_streams(&self) {
        self.world.faults.cut.notify_waiters();
    }

    /// Leaves the next operation of an application lying until it is refreshed, as the real one does now and then.
    pub fn leave_lying(&self, name: &str) {
        lock(&self.world.faults.lying).push(name.to_owned());
    }

    /// Starts another operation for the same commit when the next one of an application has succeeded, as the real one does now and then.
    pub fn sync_twice(&self, name: &str) {
        lock(&self.world.faults.twice).push(name.to_owned());
    }
}
