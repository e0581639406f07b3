//! The inputs of the run as a whole: whether it waits, how long landing takes at most, which certificates it trusts.

use crate::inputs::{InputKind, InputSpec};
use crate::model::{Command, Part};

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

/// `gate-wait`.
pub const GATE_WAIT: InputSpec = InputSpec {
    name: "gate-wait",
    kind: InputKind::Duration,
    default: Some("0s"),
    help: "Maximum time to wait for gates that open by themselves: a window, a soak time. promote checks every gate again after the \
           wait. A gate that stays closed fails the step with exit code 3.",
    example: "30m",
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
    help: "For `wait`, the commit to wait for; for `rollback`, the commit of the promotion to take back: its full SHA, or at least 7 of its first digits.",
    absent: "Default: the head of the branch; `rollback` goes to the newest version that is known to be good",
    help_of: &[
        (
            Command::Wait,
            "Commit to wait for: its full SHA, or at least 7 of its first digits.",
            "Default: the head of the branch",
        ),
        (
            Command::Rollback,
            "Commit of the promotion to take back: its full SHA, or at least 7 of its first digits.",
            "Default: rollback goes to the newest version that is known to be good",
        ),
    ],
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
    help: "Whether to plan only: `true` makes `promote` a `plan`. Commands that write a commit show what it would change, and `rollback` why it \
           would go back to that version.",
    common_of: &[Command::Rollback, Command::Hold, Command::Release],
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

/// `to`.
pub const TO: InputSpec = InputSpec {
    name: "to",
    absent: "Default: the newest version that is known to be good, is not held and is not pinned now",
    help: "Version to go back to: a tag, digest or reference that the app has had in this environment, by the record or by a commit. \
           At least 7 of the first digits are enough for a digest, and for a tag that is a commit SHA. \
           Of an app with several images, several of them by comma name the version that had all of them. \
           Any other version needs `allow: unknown-version`.",
    example: "v1.2.2",
    part: Part::Back,
    ..InputSpec::PLAIN
};

/// `hold`.
pub const HOLD: InputSpec = InputSpec {
    name: "hold",
    kind: InputKind::Bool,
    default: Some("true"),
    help: "Whether `rollback` holds the version that it takes back, in the same commit, so that no pipeline promotes it again.",
    example: "false",
    part: Part::Back,
    ..InputSpec::PLAIN
};

/// `yes`.
pub const YES: InputSpec = InputSpec {
    name: "yes",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether to go on without a question. Only on a terminal does `rollback` show its plan and ask.",
    example: "true",
    part: Part::Back,
    ..InputSpec::PLAIN
};

/// `limit`.
pub const LIMIT: InputSpec = InputSpec {
    name: "limit",
    default: Some("20"),
    help: "Maximum number of rows that `history` shows.",
    example: "100",
    part: Part::Past,
    ..InputSpec::PLAIN
};

/// `since`.
pub const SINCE: InputSpec = InputSpec {
    name: "since",
    absent: "Default: no limit",
    help: "Earliest time that `history` shows: a date such as `2026-11-27`, a time in RFC 3339, or a duration before now such as `7d`.",
    example: "7d",
    part: Part::Past,
    ..InputSpec::PLAIN
};

/// `metrics`.
pub const METRICS: InputSpec = InputSpec {
    name: "metrics",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether `history` shows figures for each environment: deployments, failure rate, time to restore, time from landing to live.",
    example: "true",
    part: Part::Past,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 17] = [
    COMMIT,
    ANALYSIS,
    FOR,
    TO,
    HOLD,
    YES,
    LIMIT,
    SINCE,
    METRICS,
    WAIT,
    LANDING_TIMEOUT,
    GATE_WAIT,
    CA_BUNDLE,
    DRY_RUN,
    CHECK,
    EXIT_CODE,
    FULL,
];
