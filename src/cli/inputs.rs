//! The input that names the command.

use crate::model::{Command, InputKind, InputSpec};

/// `command`.
pub const COMMAND: InputSpec = InputSpec {
    name: "command",
    kind: InputKind::Choice(&Command::NAMES),
    default: Some(Command::Promote.name()),
    help: "What to do; on the command line it is the first word.",
    example: "plan",
    ..InputSpec::PLAIN
};
