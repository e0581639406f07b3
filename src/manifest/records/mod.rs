//! A file that is one list of flat mappings, such as a list of holds: reads its entries, adds some and removes some. Every other byte
//! stays, comments and layout included; a second reading proves it.

mod append;
mod place;
mod remove;

pub use place::Record;

use place::List;

use super::ManifestFault;
use super::yaml::{Session, Tree, admit};

/// Reads the entries, in the order of the file. A file without content has none.
///
/// # Errors
/// The text is no YAML, is no list, or an entry is no mapping of texts with each key once.
pub fn read(text: &[u8]) -> Result<Vec<Record>, ManifestFault> {
    let tree = Tree::read(admit(text)?)?;
    List::of(&tree)?.records(&tree)
}

/// Adds entries behind the last one, each a list of keys and values, laid out as the file is. Returns the new text.
///
/// # Errors
/// As [`read`], or the entries cannot be added without touching something else.
pub fn append(text: &[u8], entries: &[Vec<(&str, &str)>]) -> Result<Vec<u8>, ManifestFault> {
    let tree = Tree::read(admit(text)?)?;
    let list = List::of(&tree)?;
    let mut session = Session::new(&tree);
    if !entries.is_empty() {
        append::apply(&mut session, &tree, &list, entries)?;
    }
    made(text, session)
}

/// Removes the entries with these numbers, counted from 0. Comments in the lines of an entry go with it; those above it stay.
/// Returns the new text.
///
/// # Errors
/// As [`read`], or the entries cannot be removed without touching something else.
pub fn remove(text: &[u8], numbers: &[usize]) -> Result<Vec<u8>, ManifestFault> {
    let tree = Tree::read(admit(text)?)?;
    let list = List::of(&tree)?;
    let mut session = Session::new(&tree);
    remove::apply(&mut session, &tree, &list, numbers);
    made(text, session)
}

/// Makes the edit and proves it.
fn made(text: &[u8], session: Session<'_, '_>) -> Result<Vec<u8>, ManifestFault> {
    let edited = session.finish().map_err(|fault| {
        let hint = "edit the file in an editor, or write its entries as plain lines";
        if fault.message.contains("the pin") {
            ManifestFault::new("the edit would change more than these entries").hint(hint)
        } else {
            fault
        }
    })?;
    Ok(edited.map_or_else(|| text.to_vec(), |(new, _)| new.into_bytes()))
}

#[cfg(test)]
mod tests;
