//! The inputs of the run as a whole: whether it waits, how long landing may take, whom it trusts.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `wait`.
pub const WAIT: InputSpec = InputSpec {
    name: "wait",
    kind: InputKind::Bool,
    absent: "`true` when `argocd-server` is set",
    help: "Whether to wait until exactly this commit is live and healthy; needs `argocd-server`.",
    example: "true",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `landing-timeout`.
pub const LANDING_TIMEOUT: InputSpec = InputSpec {
    name: "landing-timeout",
    kind: InputKind::Duration,
    default: Some("5m"),
    help: "How long landing may take, with everything that is read, planned and tried again because somebody else was faster.",
    example: "2m",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `ca-bundle`.
pub const CA_BUNDLE: InputSpec = InputSpec {
    name: "ca-bundle",
    kind: InputKind::File,
    absent: "the built-in roots alone",
    part: Part::Repository,
    help: "Certificates (PEM text, or a file of them) that are trusted besides the built-in roots, for every connection.",
    example: "certs/company.pem",
    ..InputSpec::PLAIN
};

/// `commit`.
pub const COMMIT: InputSpec = InputSpec {
    name: "commit",
    absent: "the tip of the branch",
    help: "The commit to wait for, with all its digits.",
    example: "a3f1c8b0…",
    part: Part::Commit,
    ..InputSpec::PLAIN
};

/// `dry-run`.
pub const DRY_RUN: InputSpec = InputSpec {
    name: "dry-run",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "`true` makes `promote` a `plan`.",
    example: "true",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 5] = [COMMIT, WAIT, LANDING_TIMEOUT, CA_BUNDLE, DRY_RUN];
