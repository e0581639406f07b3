//! The input that names the command.

use crate::model::{InputKind, InputSpec};

/// `command`.
pub const COMMAND: InputSpec = InputSpec {
    name: "command",
    kind: InputKind::Choice(&["promote", "plan", "set-image"]),
    default: Some("promote"),
    help: "What to do; on the command line it is the first word.",
    example: "plan",
    ..InputSpec::PLAIN
};
