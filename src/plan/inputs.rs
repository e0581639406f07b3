//! The inputs that say what is promoted, and where its pin is.

use super::{Allow, DEFAULT_APPLICATION, DEFAULT_MESSAGE, DEFAULT_PATH};
use crate::inputs::{InputKind, InputSpec};
use crate::manifest::NAMES;
use crate::model::Part;

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
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `tag`.
pub const TAG: InputSpec = InputSpec {
    name: "tag",
    absent: "`image`, `digest` or `from` says it",
    help: "The tag to promote, for the only (or the configured) images of the apps. Quote it: YAML reads `1.10` as `1.1`.",
    example: "v1.2.3",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `digest`.
pub const DIGEST: InputSpec = InputSpec {
    name: "digest",
    absent: "`image`, `tag` or `from` says it",
    help: "The digest to promote, for the only (or the configured) images of the apps; with `tag` both are written.",
    example: "sha256:…",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `from`.
pub const FROM: InputSpec = InputSpec {
    name: "from",
    absent: "`image`, `tag` or `digest` says it",
    help: "The environment whose pins are promoted; with `argocd-server` they must be live and healthy there. \
           With `image`, `tag` or `digest` it asserts that this is what is pinned there.",
    example: "dev",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `path`.
pub const PATH: InputSpec = InputSpec {
    name: "path",
    default: Some(DEFAULT_PATH),
    in_file: true,
    help: "Template of the folder whose kustomization holds the pin, or of the file that `format` describes. Not with a `promote.yaml`: the layout comes from it alone.",
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
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `allow`.
pub const ALLOW: InputSpec = InputSpec {
    name: "allow",
    kind: InputKind::Choices(&Allow::WORDS),
    absent: "nothing is excepted",
    help: "Exceptions to what is refused otherwise: `mutable-tag` (a tag that looks as if it moves), `new-entry` (an image that has no entry yet). \
           With a `promote.yaml` only those that the environment lists.",
    example: "new-entry",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// What is promoted.
pub const REQUEST: [InputSpec; 11] = [
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
    ALLOW,
];
