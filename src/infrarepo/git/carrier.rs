//! What carries git's protocol: one request, one answer. How it is tried again and what the bytes mean is decided elsewhere.

use std::time::Duration;

use async_trait::async_trait;

use crate::model::{Fault, limits};

/// The two programs on git's other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::infrarepo) enum Service {
    /// Reads.
    UploadPack,
    /// Writes.
    ReceivePack,
}

impl Service {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }

    /// Returns how long one exchange may take, from its first byte to its last.
    pub(super) const fn time(self) -> Duration {
        match self {
            Self::UploadPack => limits::GIT_READ.time(),
            Self::ReceivePack => limits::GIT_PUSH.time(),
        }
    }
}

/// Why there is no answer that could be read.
#[derive(Debug)]
pub(in crate::infrarepo) enum CallError {
    /// Trying again cannot help, and nothing was done.
    Final(Fault),
    /// The answer is not git's: asking the server how it talks may explain it.
    Strange(Fault),
    /// The request never left, and asking again cannot help.
    Untouched(Fault),
    /// The request never left: asking again can help, and nothing was done.
    Unsent(Fault),
    /// It did not come, or not whole. What the server did is not known.
    Lost {
        /// What was seen.
        fault: Fault,
        /// When the server wants to be asked again.
        after: Option<Duration>,
    },
    /// It is larger than this, in bytes.
    TooLarge(usize),
}

impl CallError {
    /// Returns it as the end of a run.
    pub(super) fn into_fault(self, place: &str) -> Fault {
        match self {
            Self::Final(fault)
            | Self::Strange(fault)
            | Self::Untouched(fault)
            | Self::Unsent(fault)
            | Self::Lost { fault, .. } => fault,
            Self::TooLarge(most) => Fault::unreachable(format!(
                "{place} sends more than {} MiB for what is needed of it",
                most >> 20
            ))
            .hint("let the server serve partial clones (`uploadpack.allowFilter`), or keep large files out of the infra-repo"),
        }
    }
}

/// Carries requests to one repository.
#[async_trait(?Send)]
pub(in crate::infrarepo) trait Carrier {
    /// Returns the repository's address as people know it.
    fn place(&self) -> String;

    /// Returns what the server says before it is asked anything: of itself and, in v0, of its references. For
    /// [`Service::ReceivePack`] it is served to those who may write, and begins no write.
    async fn advertisement(&self, service: Service) -> Result<Vec<u8>, CallError>;

    /// Sends a request once and returns the whole answer, at most `most` bytes.
    async fn call(&self, service: Service, request: Vec<u8>, most: usize) -> Result<Vec<u8>, CallError>;
}
