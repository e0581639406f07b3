//! The inputs that say what is promoted, where its pin is, and how its applications are followed.

use super::{DEFAULT_APPLICATION, DEFAULT_MESSAGE, DEFAULT_PATH, OnPause, OnSuperseded, SyncMode};
use crate::model::{Command, InputKind, InputSpec};

/// `app`.
pub const APP: InputSpec = InputSpec {
    name: "app",
    kind: InputKind::List,
    absent: "required by `promote`, `plan` and `wait`; `status` and `preflight` look at every app",
    help: "One or more apps: what `{app}` in `path`, `application` and `message` stands for.",
    example: "api",
    ..InputSpec::PLAIN
};

/// `environment`.
pub const ENVIRONMENT: InputSpec = InputSpec {
    name: "environment",
    kind: InputKind::List,
    absent: "required by `promote`, `plan` and `wait`; `status` and `preflight` look at every environment",
    help: "One or more environments. They are changed by one commit, and all of them must become live.",
    example: "staging",
    ..InputSpec::PLAIN
};

/// `image`.
pub const IMAGE: InputSpec = InputSpec {
    name: "image",
    kind: InputKind::List,
    absent: "`tag`, `digest` or `from` says it",
    help: "What to promote: one or more `name[:tag][@sha256:…]`. The pin whose image has that name gets exactly that tag and digest.",
    example: "myorg/api:a3f1c8b@sha256:…",
    ..InputSpec::WRITING
};

/// `tag`.
pub const TAG: InputSpec = InputSpec {
    name: "tag",
    absent: "`image`, `digest` or `from` says it",
    help: "The tag to promote, for the only (or the configured) images of the apps. Quote it: YAML reads `1.10` as `1.1`.",
    example: "v1.2.3",
    ..InputSpec::WRITING
};

/// `digest`.
pub const DIGEST: InputSpec = InputSpec {
    name: "digest",
    absent: "`image`, `tag` or `from` says it",
    help: "The digest to promote, for the only (or the configured) images of the apps; with `tag` both are written.",
    example: "sha256:…",
    ..InputSpec::WRITING
};

/// `from`.
pub const FROM: InputSpec = InputSpec {
    name: "from",
    absent: "`image`, `tag` or `digest` says it",
    help: "The environment whose pins are promoted; with `argocd-server` they must be live and healthy there. \
           With `image`, `tag` or `digest` it asserts that this is what is pinned there.",
    example: "dev",
    ..InputSpec::WRITING
};

/// `path`.
pub const PATH: InputSpec = InputSpec {
    name: "path",
    default: Some(DEFAULT_PATH),
    in_file: true,
    help: "Template of the folder whose kustomization holds the pin. Not with a `promote.yaml`: the layout comes from it alone.",
    example: "deploy/{environment}/{app}",
    ..InputSpec::PLAIN
};

/// `application`.
pub const APPLICATION: InputSpec = InputSpec {
    name: "application",
    kind: InputKind::List,
    default: Some(DEFAULT_APPLICATION),
    in_file: true,
    help: "One or more templates `[namespace/]name` of the Argo CD applications, or `by-source`: every application whose source is this \
           repository, branch and path. Not with a `promote.yaml`.",
    example: "argocd/{app}-{environment}",
    ..InputSpec::PLAIN
};

/// `message`.
pub const MESSAGE: InputSpec = InputSpec {
    name: "message",
    default: Some(DEFAULT_MESSAGE),
    in_file: true,
    help: "Template of the commit's subject, cut to one line.",
    example: "deploy({environment}): {image}",
    ..InputSpec::WRITING
};

/// `allow`.
pub const ALLOW: InputSpec = InputSpec {
    name: "allow",
    kind: InputKind::List,
    absent: "nothing is excepted",
    help: "Exceptions to what is refused otherwise: `mutable-tag` (a tag that looks as if it moves), `new-entry` (an image that has no entry yet). \
           With a `promote.yaml` only those that the environment lists.",
    example: "new-entry",
    ..InputSpec::WRITING
};

/// `sync`.
pub const SYNC: InputSpec = InputSpec {
    name: "sync",
    kind: InputKind::Choice(&SyncMode::WORDS),
    default: Some("auto"),
    in_file: true,
    help: "Who starts the sync: `auto` refreshes an application that syncs by itself and triggers a manual one, `trigger` always triggers, \
           `never` only refreshes.",
    example: "trigger",
    commands: &[Command::Promote, Command::Wait, Command::Preflight],
    ..InputSpec::FOLLOWING
};

/// `timeout`.
pub const TIMEOUT: InputSpec = InputSpec {
    name: "timeout",
    kind: InputKind::Duration,
    default: Some("15m"),
    in_file: true,
    help: "For sync and wait together, counted from landing. Timed pauses and analyses of a Rollout are added to it.",
    example: "1h30m",
    ..InputSpec::FOLLOWING
};

/// `pause-timeout`.
pub const PAUSE_TIMEOUT: InputSpec = InputSpec {
    name: "pause-timeout",
    kind: InputKind::Duration,
    default: Some("6h"),
    in_file: true,
    help: "How long a canary that pauses for a person is waited for.",
    example: "2h",
    ..InputSpec::FOLLOWING
};

/// `settle`.
pub const SETTLE: InputSpec = InputSpec {
    name: "settle",
    kind: InputKind::Duration,
    default: Some("10s"),
    in_file: true,
    help: "How long it must stay healthy before that counts.",
    example: "1m",
    ..InputSpec::FOLLOWING
};

/// `on-pause`.
pub const ON_PAUSE: InputSpec = InputSpec {
    name: "on-pause",
    kind: InputKind::Choice(&OnPause::WORDS),
    default: Some("wait"),
    in_file: true,
    help: "What a canary's pause for a person means: `wait` for the person, `succeed` with the outcome `paused`, or `fail`.",
    example: "succeed",
    ..InputSpec::FOLLOWING
};

/// `on-superseded`.
pub const ON_SUPERSEDED: InputSpec = InputSpec {
    name: "on-superseded",
    kind: InputKind::Choice(&OnSuperseded::WORDS),
    default: Some("fail"),
    in_file: true,
    help: "What it means that a later commit changed the pin again: `fail` with exit code 9, or `succeed`.",
    example: "succeed",
    ..InputSpec::FOLLOWING
};

/// What is promoted.
pub const REQUEST: [InputSpec; 10] = [
    APP,
    ENVIRONMENT,
    IMAGE,
    TAG,
    DIGEST,
    FROM,
    PATH,
    APPLICATION,
    MESSAGE,
    ALLOW,
];

/// How the applications are followed.
pub const POLICY: [InputSpec; 6] = [SYNC, TIMEOUT, PAUSE_TIMEOUT, SETTLE, ON_PAUSE, ON_SUPERSEDED];
