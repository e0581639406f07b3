//! Every bound of the product in one table, from which docs/limits.md is made. A real server never meets one of size or count.
//!
//! A row is a constant that the code uses, and stands in [`ALL`].

use std::fmt::{self, Write as _};
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

/// How much of promote.yaml is read.
pub const PROMOTE_YAML: Limit = Limit::size("the infra-repo", "promote.yaml", 256 << 10);

/// How many redirects are followed, all on the same host.
pub const GIT_REDIRECTS: Limit = Limit::count("git", "redirects of one request", 5, "redirects");
/// How much of what a server says first is read: in v0 it names all its references there.
pub const GIT_ADVERTISED: Limit = Limit::size("git", "advertisement of a server without protocol v2", 32 << 20);

/// How much of a listing of references is read: some 100,000 of them.
pub const GIT_LISTED: Limit = Limit::size("git", "list of references", 16 << 20);
/// How much of the report on a push is read.
pub const GIT_REPORTED: Limit = Limit::size("git", "report on a push", 1 << 20);
/// How much a commit with all its folders may weigh before folders are fetched one by one.
pub const GIT_FOLDERS: Limit = Limit::size("git", "folders of a commit that are fetched at once", 1 << 20);
/// How much the objects may weigh that were asked for by name.
pub const GIT_NAMED: Limit = Limit::size("git", "files or folders that are fetched by name", 32 << 20);
/// How much is read of an answer whose server leaves nothing out.
pub const GIT_UNFILTERED: Limit = Limit::size("git", "commit of a server without partial clones, packed", 64 << 20);
/// How much the objects of one pack may weigh once they are inflated, whatever the size of the pack.
pub const GIT_INFLATED: Limit = Limit::size("git", "objects of one answer, unpacked", 192 << 20);
/// How much the commits that are looked through may weigh.
pub const GIT_HISTORY: Limit = Limit::size("git", "history that is looked through", 8 << 20);
/// How far back a search goes.
pub const GIT_COMMITS: Limit = Limit::count("git", "commits that a search looks back", 500, "commits");
/// How many symbolic links are followed to an overlay.
pub const GIT_LINKS: Limit = Limit::count("git", "symbolic links on the way to an overlay", 8, "links");
/// How many folders and files are read to find out whether an overlay includes a folder.
pub const INCLUDED_FOLDERS: Limit = Limit::count(
    "git",
    "folders and files that one overlay includes",
    200,
    "folders and files",
);
/// How long one exchange that reads may take, from its first byte to its last.
pub const GIT_READ: Limit = Limit::seconds("git", "time for one request that reads", 120);
/// How long the handshake of ssh may take, and the login after it.
pub const GIT_HANDSHAKE: Limit = Limit::seconds("git", "time for the handshake of ssh, and for the login", 30);
/// How long a push may take; `landing-timeout` ends it sooner.
pub const GIT_PUSH: Limit = Limit::seconds("git", "time for one push", 300);
/// How long a question may take with all its repetitions.
pub const GIT_QUESTION: Limit = Limit::seconds("git", "time for one request that reads, with its repetitions", 180);
/// Over which time an answer must bring something.
pub const RATE_WINDOW: Limit = Limit::seconds("every server", "time over which the rate of an answer is measured", 30);
/// How much it must bring in that time.
pub const RATE: Limit = Limit::size("every server", "least that must come in that time", 1000);

/// How much memory the elements of an answer may take for each of its bytes.
pub const MEMORY: Limit = Limit::count(
    "every server",
    "memory for the elements of JSON, for each of its bytes",
    8,
    "bytes",
);

/// How long everything may take that is read before something is written, and that `plan`, `status` and `preflight` read. For `promote`,
/// `landing-timeout` takes its place.
pub const BEFORE_WRITING: Limit = Limit::seconds("a run", "time for all that is read before the first write", 300);

/// How long the look at the branch may take that confirms a commit which nobody follows.
pub const CONFIRMING: Limit = Limit::seconds("a run", "time to confirm a commit that is not followed", 12);

/// How long the record of a run may take to be written while other runs write it, too.
pub const RECORDING: Limit = Limit::seconds("a run", "time to write the record, after the verdict", 30);
/// How long that may take before another run was seen to write it: a host that gives no answer is not waited for any longer.
pub const RECORDING_ALONE: Limit = Limit::seconds("a run", "time to write the record while no other run writes it", 10);

/// How much of an answer of GitHub's API is read: an answer can hold the files of a promotion.
pub const GITHUB_ANSWER: Limit = Limit::size("GitHub", "answer of the API", 16 << 20);
/// How long GitHub's API may take.
pub const GITHUB_CALL: Limit = Limit::seconds("GitHub", "time for one request", 20);
/// How long the tokens of an App may take to be revoked, at the end of a run.
pub const GITHUB_REVOKE: Limit = Limit::millis("GitHub", "time to revoke a token at the end of a run", 1200);

/// How long what is to be shown in the source repository holds up a run that has just landed.
pub const GITHUB_SHOWN: Limit = Limit::seconds("GitHub", "time to make the deployments, after landing", 4);
/// How long the deployments and the comment may take at the end of a run, together.
pub const GITHUB_SHOWN_AT_END: Limit =
    Limit::seconds("GitHub", "time to report the deployments and to comment, at the end", 9);

/// How long a registry, or its token service, may take.
pub const REGISTRY_CALL: Limit = Limit::seconds("registry", "time for one request", 20);
/// How much of a manifest, an index or a configuration is read, which registries bound at 4 MiB.
pub const REGISTRY_MANIFEST: Limit = Limit::size("registry", "manifest or configuration of an image", 4 << 20);
/// How much of the answer of a token service is read.
pub const REGISTRY_TOKEN: Limit = Limit::size("registry", "answer of the token service", 1 << 20);

/// How much of an answer of a metrics server is read.
pub const METRICS_ANSWER: Limit = Limit::size("metrics", "answer of Prometheus or of a web provider", 16 << 20);
/// How many requests a chain of redirects may be.
pub const METRICS_REQUESTS: Limit = Limit::count("metrics", "requests of one chain of redirects", 10, "requests");

/// How long a condition, or a time of a range query, may be: etcd keeps no object of more than 1.5 MiB.
pub const EXPRESSION: Limit = Limit::size("analysis", "text of one expression", 256 << 10);
/// How long a text may be that an expression makes.
pub const EXPRESSION_TEXT: Limit = Limit::size("analysis", "one text that an expression makes", 4 << 20);
/// How much memory everything may take that an expression makes: room for the million elements that the controller allows.
pub const EXPRESSION_MEMORY: Limit = Limit::size("analysis", "all that one expression makes", 48 << 20);
/// How much work one evaluation may be: well below a second.
pub const EXPRESSION_STEPS: Limit = Limit::count("analysis", "work for one expression", 5_000_000, "steps");
/// How deep lists and maps may be nested that an expression makes.
pub const EXPRESSION_DEPTH: Limit = Limit::count("analysis", "lists and maps one in the other", 200, "levels");

/// How many redirects of a registry are followed.
pub const REGISTRY_REDIRECTS: Limit = Limit::count("registry", "redirects of one request", 5, "redirects");

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

/// All of them, as the page shows them.
pub const ALL: &[Limit] = &[
    CONNECT,
    SILENCE,
    ERROR_BODY,
    ERROR_TIME,
    RETRY_AFTER,
    RATE_WINDOW,
    RATE,
    MEMORY,
    GIT_REDIRECTS,
    GIT_ADVERTISED,
    GIT_LISTED,
    GIT_REPORTED,
    GIT_FOLDERS,
    GIT_NAMED,
    GIT_UNFILTERED,
    GIT_INFLATED,
    GIT_HISTORY,
    GIT_COMMITS,
    GIT_LINKS,
    INCLUDED_FOLDERS,
    PROMOTE_YAML,
    GIT_HANDSHAKE,
    GIT_READ,
    GIT_QUESTION,
    GIT_PUSH,
    BEFORE_WRITING,
    CONFIRMING,
    RECORDING,
    RECORDING_ALONE,
    GITHUB_ANSWER,
    GITHUB_CALL,
    GITHUB_REVOKE,
    GITHUB_SHOWN,
    GITHUB_SHOWN_AT_END,
    REGISTRY_CALL,
    REGISTRY_MANIFEST,
    REGISTRY_TOKEN,
    REGISTRY_REDIRECTS,
    METRICS_ANSWER,
    METRICS_REQUESTS,
    EXPRESSION,
    EXPRESSION_TEXT,
    EXPRESSION_MEMORY,
    EXPRESSION_STEPS,
    EXPRESSION_DEPTH,
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
];

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Bytes if self.most.is_multiple_of(1 << 20) => write!(out, "{} MiB", self.most >> 20),
            Unit::Bytes if self.most.is_multiple_of(1 << 10) => write!(out, "{} KiB", self.most >> 10),
            Unit::Bytes => write!(out, "{} bytes", self.most),
            Unit::Count(things) => write!(out, "{} {things}", self.most),
            Unit::Time if self.most.is_multiple_of(1000) => write!(out, "{}s", self.most / 1000),
            Unit::Time => write!(out, "{}ms", self.most),
        }
    }
}

/// Returns the page with every limit, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut out = String::from(
        "# Limits\n\nEvery answer of a server, and every step of a run, is bounded. A real server does not meet a limit of size or count. If one \
         does,\nthe run ends with exit code 4 and names the limit, and the report says what was written. For\nan expression of an analysis that meets one, the measurement is an Error.\n\nThis page is made from \
         `src/model/limits.rs`.\n\n| whose | what | at most |\n|---|---|---|\n",
    );
    for limit in ALL {
        let _ = writeln!(out, "| {} | {} | {limit} |", limit.of, limit.what);
    }
    out
}

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
