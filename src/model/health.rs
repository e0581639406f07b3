//! How an application is synced, and how healthy it is.

use std::fmt;

use serde::{Serialize, Serializer};

/// Whether what runs is what the revision renders to, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum SyncState {
    /// It is.
    Synced,
    /// It is not.
    OutOfSync,
    /// It could not be compared, or the word is one we do not know.
    #[default]
    Unknown,
}

impl SyncState {
    /// All of them, from best to worst.
    pub const ALL: [Self; 3] = [Self::Synced, Self::OutOfSync, Self::Unknown];
}

impl fmt::Display for SyncState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Synced => "Synced",
            Self::OutOfSync => "OutOfSync",
            Self::Unknown => "Unknown",
        })
    }
}

impl Serialize for SyncState {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Health, from best to worst, in Argo CD's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Health {
    /// All is well.
    Healthy,
    /// Something waits to be resumed.
    Suspended,
    /// On its way.
    Progressing,
    /// Nothing is there.
    Missing,
    /// Broken.
    Degraded,
    /// It could not be assessed, or the word is one we do not know.
    #[default]
    Unknown,
}

impl Health {
    /// All of them, from best to worst.
    pub const ALL: [Self; 6] = [
        Self::Healthy,
        Self::Suspended,
        Self::Progressing,
        Self::Missing,
        Self::Degraded,
        Self::Unknown,
    ];
}

impl fmt::Display for Health {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        })
    }
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
