//! What a command is given: time, the journal, the signal, and the sides of the seams that it needs.

use crate::delivery::Reader;
use crate::githost::{Approvers, SourceCommits};
use crate::http::Client;
use crate::infrarepo::InfraRepo;
use crate::journal::Journal;
use crate::metrics::Measure;
use crate::model::{Clock, Timestamp};
use crate::promote::job::Common;
use crate::registry::Images;

/// The signal that cancels the run, once there is one: 2 (SIGINT) or 15 (SIGTERM). No write begins after it.
pub type Cancel = tokio::sync::watch::Receiver<Option<u8>>;

/// What a run asks and reports besides the seams.
#[derive(Clone, Copy)]
pub(super) struct Ports<'a> {
    /// Time.
    pub(super) clock: &'a dyn Clock,
    /// Where it reports what happens.
    pub(super) journal: &'a dyn Journal,
    /// The signal.
    pub(super) cancel: &'a Cancel,
}

/// The reading sides of the seams. What only reads is given nothing else.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The servers and who runs it.
    pub(super) common: &'a Common,
    /// Time, journal, signal.
    pub(super) ports: Ports<'a>,
    /// The infra-repo.
    pub(super) repo: &'a dyn InfraRepo,
    /// Where images are.
    pub(super) images: &'a dyn Images,
    /// Where metrics come from.
    pub(super) measure: &'a dyn Measure,
    /// Argo CD, if it is given.
    pub(super) observe: Option<&'a dyn Reader>,
    /// The people of GitHub who approve, where there is a run or a pull request.
    pub(super) approvers: Option<&'a dyn Approvers>,
    /// Where the source of images is compared, if that is known.
    pub(super) sources: Option<&'a dyn SourceCommits>,
    /// The client of every HTTP connection, which knows what servers say that it is now.
    pub(super) client: &'a Client,
}

impl Reading<'_> {
    /// Returns the time by the clock of a server if one gave it, else by the runner's own.
    pub(super) fn now(&self) -> Timestamp {
        self.client.server_time().unwrap_or_else(|| self.ports.clock.wall())
    }
}
