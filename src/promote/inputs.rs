//! The inputs of the run as a whole: whether it waits, how long landing may take, whom it trusts.

use crate::model::{InputKind, InputSpec};

/// `wait`.
pub const WAIT: InputSpec = InputSpec {
    name: "wait",
    kind: InputKind::Bool,
    absent: "`true` when `argocd-server` is set",
    help: "Whether to wait until exactly this commit is live and healthy; needs `argocd-server`.",
    example: "true",
    ..InputSpec::FOLLOWING
};

/// `landing-timeout`.
pub const LANDING_TIMEOUT: InputSpec = InputSpec {
    name: "landing-timeout",
    kind: InputKind::Duration,
    default: Some("5m"),
    help: "How long landing may take, with everything that is read, planned and tried again because somebody else was faster.",
    example: "2m",
    ..InputSpec::FOLLOWING
};

/// `ca-bundle`.
pub const CA_BUNDLE: InputSpec = InputSpec {
    name: "ca-bundle",
    absent: "the built-in roots alone",
    help: "Certificates (PEM text, or a file of them) that are trusted besides the built-in roots, for every connection.",
    example: "certs/company.pem",
    ..InputSpec::PLAIN
};

/// `dry-run`.
pub const DRY_RUN: InputSpec = InputSpec {
    name: "dry-run",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "`true` makes `promote` a `plan`.",
    example: "true",
    ..InputSpec::FOLLOWING
};

/// All of them.
pub const ALL: [InputSpec; 4] = [WAIT, LANDING_TIMEOUT, CA_BUNDLE, DRY_RUN];
