//! Every bound of the product in one table, from which docs/limits.md is made. A real server never meets one of size or count.
//!
//! A row is a constant that the code uses, and stands in [`ALL`].

use std::time::Duration;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things; what they are, in the plural.
    Count(&'static str),
    /// Milliseconds.
    Time,
}

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Whose answer, or which part of a run.
    pub of: &'static str,
    /// What is bounded.
    pub what: &'static str,
    /// How much of it there is at most, in `unit`.
    pub most: u64,
    /// What is counted.
    pub unit: Unit,
}

impl Limit {
    /// A bound in bytes.
    #[must_use]
    pub const fn size(of: &'static str, what: &'static str, most: u64) -> Self {
        let unit = Unit::Bytes;
        Self { of, what, most, unit }
    }

    /// A bound in things.
    #[must_use]
    pub const fn count(of: &'static str, what: &'static str, most: u64, things: &'static str) -> Self {
        let unit = Unit::Count(things);
        Self { of, what, most, unit }
    }

    /// A bound in milliseconds.
    #[must_use]
    pub const fn millis(of: &'static str, what: &'static str, most: u64) -> Self {
        let unit = Unit::Time;
        Self { of, what, most, unit }
    }

    /// A bound in seconds.
    #[must_use]
    pub const fn seconds(of: &'static str, what: &'static str, most: u64) -> Self {
        Self::millis(of, what, most * 1000)
    }

    /// Returns a size or count.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rows are far below 4 GB; a test looks at all"
    )]
    pub const fn bytes(&self) -> usize {
        self.most as usize
    }

    /// Returns a count.
    #[must_use]
    pub const fn things(&self) -> usize {
        self.bytes()
    }

    /// Returns a time.
    #[must_use]
    pub const fn time(&self) -> Duration {
        Duration::from_millis(self.most)
    }
}

/// How long a server may take to take a connection.
pub const CONNECT: Limit = Limit::seconds("every server", "time to connect", 10);
/// How long a server may say nothing at all.
pub const SILENCE: Limit = Limit::seconds("every server", "silence within an answer", 60);
/// How much of an error's body is read.
pub const ERROR_BODY: Limit = Limit::size("every server", "body of an error", 16 << 10);
/// How long the body of an error is read.
pub const ERROR_TIME: Limit = Limit::seconds("every server", "time to read the body of an error", 5);
/// The longest wait that a server may ask for.
pub const RETRY_AFTER: Limit = Limit::seconds("every server", "`Retry-After` that promote obeys", 60);

/// How many redirects are followed, all on the same host.
pub const GIT_REDIRECTS: Limit = Limit::count("git", "redirects of one request", 5, "redirects");
/// How much of what a server says first is read: in v0 it names all its references there.
pub const GIT_ADVERTISED: Limit = Limit::size("git", "advertisement of a server without protocol v2", 64 << 20);

/// How much of the answer to a question about a branch's rules is read.
pub const GITHUB_ANSWER: Limit = Limit::size("GitHub", "answer of the API", 1 << 20);
/// How long GitHub's API may take.
pub const GITHUB_CALL: Limit = Limit::seconds("GitHub", "time for one request", 20);

/// How long Argo CD may take for what it has at hand.
pub const ARGOCD_CALL: Limit = Limit::seconds("Argo CD", "time for one request", 20);
/// How long a refresh may take: it blocks for ever while the controller is away.
pub const ARGOCD_REFRESH: Limit = Limit::seconds("Argo CD", "time for a refresh", 25);
/// How much of an answer about one thing is read.
pub const ARGOCD_ONE: Limit = Limit::size("Argo CD", "answer about one thing", 16 << 20);
/// How much of a list of all applications, or of all resources of one, is read.
pub const ARGOCD_MANY: Limit = Limit::size("Argo CD", "answer about an application or a list", 64 << 20);
/// How much of an object of the cluster is read, which etcd bounds at 1.5 MiB, and of what is written beside it.
pub const ARGOCD_OBJECT: Limit = Limit::size("Argo CD", "object of the cluster, log, events", 4 << 20);
/// How long one event of a stream may be.
pub const ARGOCD_FRAME: Limit = Limit::size("Argo CD", "event of a stream", 16 << 20);
/// How many applications a list may have.
pub const ARGOCD_APPLICATIONS: Limit = Limit::count("Argo CD", "list of applications", 10_000, "applications");
/// How many resources an application may have.
pub const ARGOCD_RESOURCES: Limit = Limit::count("Argo CD", "resources of an application", 20_000, "resources");
/// How many nodes the tree of an application may have.
pub const ARGOCD_NODES: Limit = Limit::count("Argo CD", "resource tree of an application", 100_000, "nodes");
/// How many templates an analysis may name, directly or through others.
pub const ARGOCD_TEMPLATES: Limit = Limit::count("Argo CD", "templates of one analysis", 64, "templates");
/// How much memory the elements of an answer may take for each of its bytes.
pub const ARGOCD_MEMORY: Limit = Limit::count("Argo CD", "memory for each byte of an answer", 3, "bytes");

/// All of them, as the page shows them.
pub const ALL: &[Limit] = &[
    CONNECT,
    SILENCE,
    ERROR_BODY,
    ERROR_TIME,
    RETRY_AFTER,
    GIT_REDIRECTS,
    GIT_ADVERTISED,
    GITHUB_ANSWER,
    GITHUB_CALL,
    ARGOCD_CALL,
    ARGOCD_REFRESH,
    ARGOCD_ONE,
    ARGOCD_MANY,
    ARGOCD_OBJECT,
    ARGOCD_FRAME,
    ARGOCD_APPLICATIONS,
    ARGOCD_RESOURCES,
    ARGOCD_NODES,
    ARGOCD_TEMPLATES,
    ARGOCD_MEMORY,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_named_once_and_fits_into_memory() {
        for (n, row) in ALL.iter().enumerate() {
            assert!(u32::try_from(row.most).is_ok(), "{row:?}");
            assert!(
                ALL.iter()
                    .skip(n + 1)
                    .all(|other| (other.of, other.what) != (row.of, row.what)),
                "{row:?}"
            );
        }
    }
}
