//! The inputs of the run as a whole: whether it waits, how long landing takes at most, which certificates it trusts.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `wait`.
pub const WAIT: InputSpec = InputSpec {
    name: "wait",
    kind: InputKind::Bool,
    absent: "Default: `true` when `argocd-server` is set",
    help: "Whether to wait until exactly this commit is live and healthy. Needs `argocd-server`.",
    example: "true",
    part: Part::Wait,
    ..InputSpec::PLAIN
};

/// `landing-timeout`.
pub const LANDING_TIMEOUT: InputSpec = InputSpec {
    name: "landing-timeout",
    kind: InputKind::Duration,
    default: Some("5m"),
    help: "Maximum time until the commit is on the branch, with everything that promote reads, plans and tries again.",
    example: "2m",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `ca-bundle`.
pub const CA_BUNDLE: InputSpec = InputSpec {
    name: "ca-bundle",
    kind: InputKind::File,
    part: Part::Repository,
    absent: "Default: the built-in certificates only",
    help: "CA certificates that promote trusts in addition to the built-in ones, for every connection: PEM text, or a file.",
    example: "certs/company.pem",
    ..InputSpec::PLAIN
};

/// `commit`.
pub const COMMIT: InputSpec = InputSpec {
    name: "commit",
    help: "Commit to wait for: its full SHA, or at least 7 of its first digits.",
    absent: "Default: the head of the branch",
    common: true,
    example: "a3f1c8b0…",
    part: Part::Commit,
    ..InputSpec::PLAIN
};

/// `dry-run`.
pub const DRY_RUN: InputSpec = InputSpec {
    name: "dry-run",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether to plan only: `true` makes `promote` a `plan`. Commands that write a commit show what it would change.",
    example: "true",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `check`.
pub const CHECK: InputSpec = InputSpec {
    name: "check",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether `status` ends with exit code 3 unless every application is Synced, Healthy, and runs what is pinned. Needs \
           `argocd-server`.",
    example: "true",
    part: Part::Overview,
    ..InputSpec::PLAIN
};

/// `exit-code`.
pub const EXIT_CODE: InputSpec = InputSpec {
    name: "exit-code",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether `plan` ends with exit code 3 if the promotion would change something, or if a gate is closed.",
    example: "true",
    part: Part::Preview,
    ..InputSpec::PLAIN
};

/// `analysis`.
pub const ANALYSIS: InputSpec = InputSpec {
    name: "analysis",
    kind: InputKind::List,
    absent: "Default: the analyses of the environment's `verify` in `promote.yaml`",
    help: "Names of the analyses in `promote.yaml` that must succeed.",
    common: true,
    example: "success-rate",
    part: Part::Watch,
    ..InputSpec::PLAIN
};

/// `for`.
pub const FOR: InputSpec = InputSpec {
    name: "for",
    kind: InputKind::Duration,
    absent: "Default: `verify.for` of the environment, else as long as the analyses take",
    help: "How long promote watches the applications. Analyses that end sooner begin again until then.",
    common: true,
    example: "30m",
    part: Part::Watch,
    ..InputSpec::PLAIN
};

/// `full`.
pub const FULL: InputSpec = InputSpec {
    name: "full",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether `resume` passes all that is left of the canary: steps, pauses and analyses.",
    example: "true",
    part: Part::Resume,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 10] = [
    COMMIT,
    ANALYSIS,
    FOR,
    WAIT,
    LANDING_TIMEOUT,
    CA_BUNDLE,
    DRY_RUN,
    CHECK,
    EXIT_CODE,
    FULL,
];
