//! A commit that is to be made.

use crate::model::{CommitSha, RefName, RepoPath, Timestamp};

/// How a new file is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// An ordinary file.
    Plain,
    /// A program.
    Executable,
}

/// A change of one file. A path never goes through a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEdit {
    /// New content of a file that exists; its mode stays.
    Write {
        /// The file.
        path: RepoPath,
        /// All of its bytes.
        content: Vec<u8>,
    },
    /// A file that does not exist yet; missing folders on the way are made.
    Create {
        /// The file.
        path: RepoPath,
        /// All of its bytes.
        content: Vec<u8>,
        /// How it is stored.
        mode: FileMode,
    },
    /// A file that exists and goes. Folders that become empty go with it.
    Delete {
        /// The file.
        path: RepoPath,
    },
}

impl FileEdit {
    /// Returns the file.
    #[must_use]
    pub const fn path(&self) -> &RepoPath {
        match self {
            Self::Write { path, .. } | Self::Create { path, .. } | Self::Delete { path } => path,
        }
    }
}

/// A commit to make, and the reference that is moved to it.
#[derive(Clone, Debug)]
pub struct Update {
    /// What is moved.
    pub reference: RefName,
    /// Where it must still be; `None`: it must not exist.
    pub expected: Option<CommitSha>,
    /// What the commit stands on; the files are those of the first one. Empty: a commit without history, which has only the files it creates.
    pub parents: Vec<CommitSha>,
    /// What it changes.
    pub edits: Vec<FileEdit>,
    /// The whole message.
    pub message: String,
    /// Author and committer.
    pub author: Author,
    /// When.
    pub at: Timestamp,
}

/// Who a commit is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: String,
}
