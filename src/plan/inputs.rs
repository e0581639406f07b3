//! The inputs that say what is promoted, and where its pin is.

use super::{Allow, DEFAULT_APPLICATION, DEFAULT_MESSAGE, DEFAULT_PATH};
use crate::inputs::{InputKind, InputSpec};
use crate::manifest::NAMES;
use crate::model::{Command, Part};

const EACH_APP: &str = "One or more apps. Each replaces `{app}` in `path` and `application`.";
const EVERY_APP: &str = "Default: every app";
const EACH_ENVIRONMENT: &str = "One or more environments. Each replaces `{environment}` in `path` and `application`.";
const EVERY_ENVIRONMENT: &str = "Default: every environment";

/// `app`.
pub const APP: InputSpec = InputSpec {
    name: "app",
    kind: InputKind::List,
    absent: "Required, except for `status`, `history` and `preflight`, which take every app",
    help_of: &[
        (Command::Status, EACH_APP, EVERY_APP),
        (Command::History, EACH_APP, EVERY_APP),
        (Command::Preflight, EACH_APP, EVERY_APP),
        (Command::Wait, EACH_APP, "Required"),
        (Command::Verify, EACH_APP, "Required"),
        (Command::Rollback, EACH_APP, "Required"),
        (Command::Abort, EACH_APP, "Required"),
        (Command::Resume, EACH_APP, "Required"),
        (Command::Hold, "One or more apps to hold, or `*`: all apps.", "Required"),
        (
            Command::Release,
            "One or more apps to release, or `*`: the holds of all apps.",
            "Required",
        ),
    ],
    help: "One or more apps. Each replaces `{app}` in `path`, `application` and `message`. `hold` and `release` also take `*`: all apps.",
    common: true,
    example: "api",
    ..InputSpec::PLAIN
};

/// `environment`.
pub const ENVIRONMENT: InputSpec = InputSpec {
    name: "environment",
    kind: InputKind::List,
    absent: "Required, except for `status`, `history` and `preflight`, which take every environment",
    help_of: &[
        (Command::Status, EACH_ENVIRONMENT, EVERY_ENVIRONMENT),
        (Command::History, EACH_ENVIRONMENT, EVERY_ENVIRONMENT),
        (Command::Preflight, EACH_ENVIRONMENT, EVERY_ENVIRONMENT),
        (Command::Wait, EACH_ENVIRONMENT, "Required"),
        (Command::Verify, EACH_ENVIRONMENT, "Required"),
        (
            Command::Rollback,
            "One or more environments. One commit changes all of them, and all of them must become live again.",
            "Required",
        ),
        (Command::Abort, EACH_ENVIRONMENT, "Required"),
        (Command::Resume, EACH_ENVIRONMENT, "Required"),
        (
            Command::Hold,
            "One or more environments, or `*`: all environments.",
            "Required",
        ),
        (
            Command::Release,
            "One or more environments, or `*`: the holds of all environments.",
            "Required",
        ),
    ],
    help: "One or more environments. One commit changes all of them, and all of them must become live. `hold` and `release` also take `*`: all environments.",
    common: true,
    example: "staging",
    ..InputSpec::PLAIN
};

/// `image`.
pub const IMAGE: InputSpec = InputSpec {
    name: "image",
    kind: InputKind::List,
    absent: "Required for `promote` and `plan`, unless `tag`, `digest` or `from` is set",
    help_of: &[
        (
            Command::Hold,
            "One or more images to hold, as `name[:tag][@sha256:…]`.",
            "Default: everything is held",
        ),
        (
            Command::Release,
            "One or more images to release, as `name[:tag][@sha256:…]`.",
            "Default: the holds on everything; holds on versions stay",
        ),
    ],
    help: "One or more images to promote, as `name[:tag][@sha256:…]`. The entry of that image gets exactly that tag and digest.",
    common: true,
    example: "myorg/api:a3f1c8b@sha256:…",
    part: Part::Image,
    ..InputSpec::PLAIN
};

/// `tag`.
pub const TAG: InputSpec = InputSpec {
    name: "tag",
    absent: "Required for `promote` and `plan`, unless `image`, `digest` or `from` is set",
    help_of: &[
        (
            Command::Hold,
            "Tag to hold, of every image.",
            "Default: everything is held",
        ),
        (
            Command::Release,
            "Tag to release.",
            "Default: the holds on everything; holds on versions stay",
        ),
    ],
    help: "Tag to promote, for the only image of each app or the configured ones. Quote it: YAML reads `1.10` as `1.1`.",
    common: true,
    example: "v1.2.3",
    part: Part::Image,
    ..InputSpec::PLAIN
};

/// `digest`.
pub const DIGEST: InputSpec = InputSpec {
    name: "digest",
    absent: "Required for `promote` and `plan`, unless `image`, `tag` or `from` is set",
    help_of: &[
        (Command::Hold, "Digest to hold.", "Default: everything is held"),
        (
            Command::Release,
            "Digest to release.",
            "Default: the holds on everything; holds on versions stay",
        ),
    ],
    help: "Digest to promote, for the only image of each app or the configured ones. With `tag`, promote writes both.",
    common: true,
    example: "sha256:…",
    part: Part::Image,
    ..InputSpec::PLAIN
};

/// `from`.
pub const FROM: InputSpec = InputSpec {
    name: "from",
    absent: "Required unless `image`, `tag` or `digest` is set",
    help: "Environment to promote from. promote copies what is pinned there. With `argocd-server`, it must be live and healthy there. With `image`, `tag` or `digest`, promote checks that this is what is pinned there.",
    common: true,
    example: "dev",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `path`.
pub const PATH: InputSpec = InputSpec {
    name: "path",
    default: Some(DEFAULT_PATH),
    in_file: true,
    help: "Template of the folder whose kustomization holds the pin, or of the file that `format` describes. Not allowed if the \
           infra-repo has a `promote.yaml`, which then sets the layout.",
    example: "deploy/{environment}/{app}",
    ..InputSpec::PLAIN
};

/// `format`.
pub const FORMAT: InputSpec = InputSpec {
    name: "format",
    kind: InputKind::Choice(&NAMES),
    default: Some("kustomize"),
    in_file: true,
    help: "The kind of file that `path` names: `kustomize` (a folder with a kustomization), `values` (a Helm values file), \
           `manifests` (a file or a folder of Kubernetes manifests) or `argocd` (a file with an Application or ApplicationSet). \
           Not with a `promote.yaml`.",
    example: "values",
    ..InputSpec::PLAIN
};

/// `application`.
pub const APPLICATION: InputSpec = InputSpec {
    name: "application",
    kind: InputKind::List,
    default: Some(DEFAULT_APPLICATION),
    in_file: true,
    help: "One or more templates `[namespace/]name` of the Argo CD applications, or `by-source`: every application whose source is this repository, branch and path. Not allowed if the infra-repo has a `promote.yaml`.",
    example: "argocd/{app}-{environment}",
    ..InputSpec::PLAIN
};

/// `message`.
pub const MESSAGE: InputSpec = InputSpec {
    name: "message",
    default: Some(DEFAULT_MESSAGE),
    in_file: true,
    help: "Template of the commit's subject, cut to one line. It can hold `{app}`, `{environment}` and `{image}`.",
    example: "deploy({environment}): {image}",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `schema`.
pub const SCHEMA: InputSpec = InputSpec {
    name: "schema",
    absent: "Default: with `from`, the one of that environment, else unknown",
    help: "What the database has to look like for these images: any text of up to 200 characters, for example a hash of the migrations. \
           promote writes it into the commit and the record. `rollback` goes on only if both versions have the same one, or if `schema` is that of \
           the earlier version: the database has been taken back.",
    example: "2026-11-27-add-orders",
    part: Part::Schema,
    ..InputSpec::PLAIN
};

/// `allow`.
pub const ALLOW: InputSpec = InputSpec {
    name: "allow",
    kind: InputKind::Choices(&Allow::WORDS),
    help: "Exceptions to what promote refuses. `mutable-tag` allows a tag that looks as if it moves, `new-entry` an image that has no entry \
           yet, `replace-canary` a promotion that replaces an unfinished canary of another version, `hold` a version that is held, \
           `unknown-version` a rollback to a version that the app is not known to have had, `skip-NAME` a promotion past the closed gate NAME. \
           `hold` and `skip-NAME` need `reason`. If the infra-repo has a `promote.yaml`, only those that the environment lists are allowed.",
    absent: "Default: no exception",
    example: "new-entry",
    part: Part::Allow,
    ..InputSpec::PLAIN
};

const RECORDED: &str = "Why, in one sentence. promote writes it into the record.";

/// `reason`.
pub const REASON: InputSpec = InputSpec {
    name: "reason",
    absent: "Required for `hold`, and with `allow: hold` and `allow: skip-NAME`",
    help: "Why, in one sentence. promote writes it into the commit; for `abort` and `resume`, into the record.",
    help_of: &[
        (
            Command::Hold,
            "Why, in one sentence. promote writes it into the hold.",
            "Required",
        ),
        (
            Command::Release,
            "Why, in one sentence. promote writes it into the commit.",
            "Default: no reason",
        ),
        (
            Command::Rollback,
            "Why, in one sentence. promote writes it into the commit and the hold.",
            "Default: no reason",
        ),
        (Command::Abort, RECORDED, "Default: no reason"),
        (Command::Resume, RECORDED, "Default: no reason"),
    ],
    common_of: &[Command::Rollback, Command::Hold, Command::Release],
    example: "INC-123: checkout is broken",
    part: Part::Reason,
    ..InputSpec::PLAIN
};

/// `until`.
pub const UNTIL: InputSpec = InputSpec {
    name: "until",
    absent: "Default: until `release`",
    help: "End of the hold: a duration such as `2h`, a time with its zone such as `2026-12-24T18:00:00+01:00`, or a date (the end of that day in UTC).",
    example: "2h",
    part: Part::Hold,
    ..InputSpec::PLAIN
};

/// What is promoted.
pub const REQUEST: [InputSpec; 14] = [
    APP,
    ENVIRONMENT,
    IMAGE,
    TAG,
    DIGEST,
    FROM,
    PATH,
    FORMAT,
    APPLICATION,
    MESSAGE,
    SCHEMA,
    ALLOW,
    REASON,
    UNTIL,
];
