//! The inputs of the edge itself: the command, and the form of the result.

use crate::inputs::{InputKind, InputSpec};
use crate::model::{Command, Part};

/// `command`.
pub const COMMAND: InputSpec = InputSpec {
    name: "command",
    kind: InputKind::Choice(Command::NAMES),
    default: Some(Command::Promote.name()),
    help: "Command to run. On the command line, it is the first word.",
    example: "plan",
    part: Part::Print,
    ..InputSpec::PLAIN
};

/// `output`.
pub const OUTPUT: InputSpec = InputSpec {
    name: "output",
    kind: InputKind::Choice(&["text", "json", "html"]),
    part: Part::Print,
    default: Some("text"),
    help: "Format of the result on stdout: `text`; or one document and nothing else, `json` or, for `status`, `html`, a page that \
           makes no request.",
    common: true,
    example: "json",
    ..InputSpec::PLAIN
};
