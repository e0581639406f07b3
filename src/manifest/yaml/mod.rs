//! YAML as bytes: where each value stands, how a value is written, and the proof that a splice changed nothing else.
//! Knows nothing of kustomize.

mod node;
mod odd;
mod path;
mod plain;
mod prints;
mod prove;
mod session;
mod splice;
mod text;
mod tree;
mod types;
mod write;

pub(super) use node::{Events, Located, Node, Style};
pub(super) use odd::OddBreaks;
pub(super) use path::{Path, Spot};
pub(super) use prints::Prints;
pub(super) use prove::{Change, Wanted, prove};
pub(super) use session::{Session, lines, written as text_scalar};
pub(super) use splice::{Splice, Splices};
pub(super) use text::{Text, admit};
pub(super) use tree::{Tree, What};
pub(super) use types::{Kind, kind};
pub(super) use write::{Place, scalar};
