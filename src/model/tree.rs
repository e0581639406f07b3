//! What lives in the cluster because of an application: its resources with those that came of them, and their events.

use super::{Health, ResourceId, Timestamp};

/// One resource of an application's tree.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Node {
    /// Which.
    pub id: ResourceId,
    /// The API version, without the group.
    pub version: String,
    /// The identity of its object.
    pub uid: String,
    /// The identities of what it came of.
    pub parents: Vec<String>,
    /// Its health; `None` for a kind that has none.
    pub health: Option<Health>,
    /// What its health says of itself.
    pub message: String,
    /// What the engine shows beside it: `Status Reason`, `Restart Count`, `Containers`, …
    pub details: Vec<(String, String)>,
    /// The images it runs.
    pub images: Vec<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl Node {
    /// Returns one of the details.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An event of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Happening {
    /// Whether it warns.
    pub warning: bool,
    /// One word.
    pub reason: String,
    /// What happened.
    pub message: String,
    /// When it happened last.
    pub at: Option<Timestamp>,
}

/// What the object of a resource says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Said {
    /// How its containers ended, what it measured.
    pub lines: Vec<String>,
    /// Since when the state holds that it is in, if a condition says so.
    pub since: Option<Timestamp>,
}
