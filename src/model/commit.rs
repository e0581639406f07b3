//! Names of git: commits, branches, paths inside the infra-repo.

use std::fmt;

use serde::{Serialize, Serializer};

/// The full name of a commit: 40 hexadecimal digits (SHA-1) or 64 (SHA-256), lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitSha(String);

impl CommitSha {
    /// Reads a full commit name; `None` for anything shorter or else, as Argo CD's `status.sync.revision` may hold a branch name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns all digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first seven digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        short(&self.0)
    }
}

/// Returns the first seven digits of the name of a commit, for people.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

impl fmt::Display for CommitSha {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Serialize for CommitSha {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

/// A commit as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitName {
    /// By all of its digits.
    Full(CommitSha),
    /// By its first digits, at least seven, in lower case.
    Prefix(String),
}

impl CommitName {
    /// Reads a full SHA, or at least seven of its first digits.
    ///
    /// # Errors
    /// Says what is wrong, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(sha) = CommitSha::parse(text) {
            return Ok(Self::Full(sha));
        }
        if (7..40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Self::Prefix(text.to_ascii_lowercase()));
        }
        Err("is not a commit: use its SHA, or at least 7 of its first digits".to_owned())
    }

    /// Whether it can be the name of this commit.
    #[must_use]
    pub fn names(&self, commit: &CommitSha) -> bool {
        match self {
            Self::Full(sha) => sha == commit,
            Self::Prefix(digits) => commit.as_str().starts_with(digits),
        }
    }
}

impl fmt::Display for CommitName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(sha) => out.write_str(sha.as_str()),
            Self::Prefix(digits) => out.write_str(digits),
        }
    }
}

/// How long the name of a branch or reference may be, in bytes: as a file, git can keep hardly a longer one.
const LONGEST_NAME: usize = 1000;

/// A branch, without `refs/heads/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchName(String);

impl BranchName {
    /// Reads a branch name by the rules of `git check-ref-format --branch`.
    ///
    /// # Errors
    /// Says which rule it breaks, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("refs/heads/").unwrap_or(text);
        let bad_char = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
        let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some();
        if name.is_empty() || name == "@" {
            Err("is not a branch name".to_owned())
        } else if name.len() > LONGEST_NAME {
            Err(format!("is not a branch name: it is longer than {LONGEST_NAME} bytes"))
        } else if let Some(c) = name.chars().find(|c| bad_char(*c)) {
            Err(format!("is not a branch name: it contains {c:?}"))
        } else if name.starts_with('-')
            || name.ends_with('.')
            || name.contains("..")
            || name.contains("@{")
            || name.split('/').any(bad_part)
        {
            Err("is not a branch name by the rules of git check-ref-format".to_owned())
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// Returns the name without `refs/heads/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the reference that it is.
    #[must_use]
    pub fn reference(&self) -> RefName {
        RefName(format!("refs/heads/{}", self.0))
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A reference by its full name, such as `refs/heads/main`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RefName(String);

impl RefName {
    /// Reads a full name by the rules of `git check-ref-format`.
    ///
    /// # Errors
    /// Says which rule it breaks, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("refs/") else {
            return Err("is not a full reference: it must begin with refs/".to_owned());
        };
        if !rest.contains('/') {
            return Err("is not a full reference: write refs/KIND/NAME".to_owned());
        }
        // The parts obey the same rules as those of a branch.
        BranchName::parse(rest).map_err(|why| why.replace("branch name", "reference name"))?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the full name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as people write it: a branch without `refs/heads/`.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.strip_prefix("refs/heads/").unwrap_or(&self.0)
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A file or folder of the infra-repo: relative, `/` between the parts, no part that leaves it or names git's own files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(String);

impl RepoPath {
    /// Reads a path; `.` and the empty text are the root, `./` and a final `/` are dropped.
    ///
    /// # Errors
    /// Says why it is refused, as the end of a sentence: it is absolute, leaves the repository, or enters `.git` or `.github`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Err("is absolute: it must be relative to the root of the infra-repo".to_owned());
        }
        if text.contains('\\') || text.chars().any(char::is_control) {
            return Err("contains a backslash or a control character".to_owned());
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if parts.contains(&"..") {
            return Err("leaves the repository with `..`".to_owned());
        }
        if parts.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
            return Err("enters .git".to_owned());
        }
        if parts.first().is_some_and(|part| part.eq_ignore_ascii_case(".github")) {
            return Err("enters .github".to_owned());
        }
        Ok(Self(parts.join("/")))
    }

    /// Returns the path of `name` in this folder.
    ///
    /// # Errors
    /// As [`RepoPath::parse`].
    pub fn join(&self, name: &str) -> Result<Self, String> {
        Self::parse(format!("{}/{name}", self.0).trim_start_matches('/'))
    }

    /// Returns the path; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the folder that it is in, and its name there.
    #[must_use]
    pub fn split(&self) -> (Self, &str) {
        let (folder, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (Self(folder.to_owned()), name)
    }

    /// Returns its parts, from the root on.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}
