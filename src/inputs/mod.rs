//! Inputs: how one is declared, what was given and by whom, and how the text of a value is read, wherever it stands. Knows no input itself.

mod flags;
mod given;
mod reader;
mod shown;
mod spec;
pub mod value;

pub use flags::{Flags, about, for_shell};
pub use given::{Given, Inputs};
pub use reader::Reader;
pub use shown::{address, quoted, wrong};
pub use spec::{InputKind, InputSpec};
