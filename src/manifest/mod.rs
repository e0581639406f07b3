//! Changes pins in the text of a manifest and nothing else: text and wanted pins in, new text with the changed spans out.
//! Knows formats of files, but no file system and no repository; a format is one folder and one line of [`FORMATS`].
//! A crate of its own, since it is compiled for speed and the rest of the program for size.

use std::ops::Range;

pub mod argocd;
pub mod kustomize;
pub mod manifests;
mod nearest;
mod options;
mod pin;
pub mod records;
mod site;
#[cfg(test)]
mod testing;
pub mod values;
mod yaml;

pub use nearest::nearest;
pub use options::{ImageKeys, Options, Syntax};
pub use pin::Pin;

/// Every format that pins can be read from and written to.
pub const FORMATS: &[&dyn Format] = &[
    &kustomize::Kustomize,
    &values::Values,
    &manifests::Manifests,
    &argocd::ArgoCd,
];

/// The names of the formats.
pub const NAMES: [&str; 4] = ["kustomize", "values", "manifests", "argocd"];

/// Returns the format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// A kind of file that holds pins.
pub trait Format: Sync {
    /// Returns the name that `format` selects it by.
    fn name(&self) -> &'static str;

    /// Returns the names of the files that hold the pins of what `path` names; never none.
    ///
    /// # Errors
    /// The format is not read from such a place, or nothing there is of this format: the end of a sentence that begins with the path.
    fn claims(&self, place: Named<'_>) -> Result<Vec<String>, String>;

    /// Returns the pins that `text` holds, in the order of the file; each has a name of its own.
    ///
    /// # Errors
    /// The text cannot be read as this format.
    fn pins(&self, text: &[u8], options: &Options) -> Result<Vec<Pin>, ManifestFault>;

    /// Makes the edits, all or none, and proves that nothing else changed.
    ///
    /// # Errors
    /// The text cannot be read, an entry is missing, or the edit cannot be made without touching something else.
    fn edit(&self, text: &[u8], edits: &[PinEdit], options: &Options) -> Result<Edited, ManifestFault>;

    /// Whether every pin of one repository is set when that repository is promoted. Otherwise one of them has to be named.
    fn sets_every_pin(&self) -> bool {
        true
    }

    /// Returns what to do when no pin fits, as a clause that follows a semicolon.
    fn advice(&self) -> &'static str;
}

/// What a `path` names.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// A file of this name.
    File(&'a str),
    /// A folder with files of these names.
    Folder(&'a [&'a str]),
}

/// How many names of a folder are listed.
const LISTED: usize = 20;

/// Lists the names of a folder for a message.
fn listed(names: &[&str]) -> String {
    let first = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "nothing in it".to_owned(),
        count if count > LISTED => format!("{first} and {} more", count - LISTED),
        _ => first,
    }
}

/// What shall become of one pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinEdit {
    /// The `name` of the entry, exactly as the file has it.
    pub name: String,
    /// The tag.
    pub new_tag: Field,
    /// The digest.
    pub digest: Field,
    /// Whether an entry is added when there is none; otherwise that is an error.
    pub create: bool,
}

/// What shall become of one field of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// It stays as it is.
    Keep,
    /// It gets this value; the empty text is the same as `Remove`.
    Set(String),
    /// It goes away.
    Remove,
}

/// A text after its edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The new text; the old one, byte for byte, when nothing changed.
    pub bytes: Vec<u8>,
    /// The ranges of the old text that were replaced, ascending; an empty range is an insertion.
    pub spans: Vec<Range<usize>>,
    /// The entries that changed; empty when there was nothing to do.
    pub changed: Vec<ChangedPin>,
    /// What the edit took away that a person wrote, such as a comment.
    pub warnings: Vec<String>,
}

impl Edited {
    /// A text to which nothing was done.
    fn unchanged(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            spans: Vec::new(),
            changed: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// One entry before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPin {
    /// As it was; only the name and line 0 when the entry is new.
    pub before: Pin,
    /// As it is now; `line` is the first changed line in the new text.
    pub after: Pin,
}

/// Why a text cannot be read or edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFault {
    /// The line that is in the way, from 1.
    pub line: Option<usize>,
    /// What is in the way and why, as a sentence without a full stop.
    pub message: String,
    /// The edit by hand that would make it possible.
    pub hint: Option<String>,
}

impl ManifestFault {
    /// Makes a fault without a place.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds the line, from 1.
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Adds the edit by hand that would make it possible.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for ManifestFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        out.write_str(&self.message)
    }
}

impl std::error::Error for ManifestFault {}
