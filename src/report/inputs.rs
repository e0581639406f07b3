//! The input that says which form the result takes.

use crate::model::{InputKind, InputSpec};

/// `output`.
pub const OUTPUT: InputSpec = InputSpec {
    name: "output",
    kind: InputKind::Choice(&["text", "json"]),
    default: Some("text"),
    help: "What stands on stdout at the end: `text` for people, or `json`, one document and nothing else.",
    example: "json",
    ..InputSpec::PLAIN
};
