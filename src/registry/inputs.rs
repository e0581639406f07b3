//! The inputs that say as whom a registry is asked.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `registry`.
pub const REGISTRY: InputSpec = InputSpec {
    name: "registry",
    absent: "Default: whichever registry the promoted images name",
    help: "Host of the only registry that gets `registry-username` and `registry-password`. Images of other registries are then asked for \
           anonymously.",
    example: "ghcr.io",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `registry-username`.
pub const REGISTRY_USERNAME: InputSpec = InputSpec {
    name: "registry-username",
    absent: "Required when `registry-password` is set",
    help: "User name for the registry of the promoted images, for the gate `image`.",
    example: "ci",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `registry-password`.
pub const REGISTRY_PASSWORD: InputSpec = InputSpec {
    name: "registry-password",
    kind: InputKind::Secret,
    absent: "Default: none; promote asks anonymously",
    help: "Password or token for the registry of the promoted images. promote sends it only to that registry and the token service that the \
           registry names.",
    example: "${{ secrets.REGISTRY_PASSWORD }}",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 3] = [REGISTRY, REGISTRY_USERNAME, REGISTRY_PASSWORD];
