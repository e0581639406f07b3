//! What is to be promoted, and what that means for the files of one commit. Pure: request + snapshot in, plan or mistakes out.
//! Knows no git, no server and no clock.

use crate::assess::gate::{GATES, Skips};
use crate::inputs::value::none_of;
use crate::model::{AppName, Digest, EnvironmentName, Pin, PinChange, Reference, RepoPath, Tag};

mod assemble;
mod comment;
mod config;
mod diff;
mod filling;
mod hidden;
pub mod holds;
pub mod inputs;
mod layout;
mod message;
pub mod policy;
mod pull_request;
mod select;
mod sharing;
mod trailers;
pub mod undo;

pub use assemble::{NoPlan, plan, without_digest};
pub use comment::{CommentRow, comment, is_comment};
pub use config::{
    AnalysisSource, App, Config, Environment, FILE as CONFIG_FILE, Filling, RECORD, RecordPlace, Verify,
    reference as config_reference, schema as config_schema,
};
pub use diff::diff;
pub use filling::{Applications, BY_SOURCE, Named};
pub use hidden::{hide_in_markdown, hide_in_message};
pub use layout::{DEFAULT_APPLICATION, DEFAULT_PATH, KUSTOMIZE, Layout, Place};
pub use message::{DEFAULT_MESSAGE, Identity, Message, check_placeholders};
pub use policy::{OnFailure, OnPause, OnSuperseded, OnUnsynced, Policy, ResolvedPolicy, SyncMode};
pub use pull_request::{
    Around, Description, HoldPlace, describe, describe_hold, is_marked, pull_request_branch, unmerged,
};
pub use sharing::{foreign, others, overlaps, reached, shared};
pub use trailers::{PinTrailer, SourceCommit, Trailers};

/// Which apps in which environments, and what the inputs say of where they are and how they are followed.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// The apps, in the order given, each once; empty = all there are, for commands that only read.
    pub apps: Vec<AppName>,
    /// The environments, in the order given, each once; empty likewise.
    pub environments: Vec<EnvironmentName>,
    /// Template of the overlay's folder; `None` = promote.yaml's, else the default layout's.
    pub path: Option<String>,
    /// The name of the format; `None` = promote.yaml's, else kustomize.
    pub format: Option<String>,
    /// Templates of the applications, or `by-source`; `None` = promote.yaml's, else the default layout's.
    pub applications: Option<Vec<String>>,
    /// How applications are followed, as far as the inputs say it.
    pub policy: Policy,
    /// The branch that the inputs name, or a template of it with `{environment}`.
    pub branch: Option<String>,
    /// Whether each environment has a branch, or a repository, of its own, so that paths can be alike.
    pub own_branch: bool,
}

/// What the run was asked for, as the inputs say it; parsed, not yet held against the infra-repo.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Where it is promoted to.
    pub select: Select,
    /// The lines of `image`, each with a tag or a digest.
    pub images: Vec<Reference>,
    /// `tag`, for the apps' only, or configured, images.
    pub tag: Option<Tag>,
    /// `digest`, likewise.
    pub digest: Option<Digest>,
    /// The environment whose pins are copied.
    pub from: Option<EnvironmentName>,
    /// The exceptions asked for.
    pub allow: Allow,
    /// The digests of tags that came without one, from their registry; empty until it was asked. `None`: the registry gave no answer, so
    /// the plan has the tag alone, which the gate `image` keeps closed.
    pub resolved: Vec<(Reference, Option<Digest>)>,
    /// Template of the commit's subject; `None` = promote.yaml's, else the default.
    pub message: Option<String>,
    /// What the database has to look like for these images.
    pub schema: Option<String>,
    /// The commit that the images of `from` were built from, as the commit that pinned them there says.
    pub source: Option<Box<SourceCommit>>,
    /// Why, in a person's words: it stands in the commit, and exceptions to a gate or hold need it.
    pub reason: Option<String>,
}

/// Exceptions to what is refused otherwise.
#[expect(clippy::struct_excessive_bools, reason = "a set of words")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// A tag that looks as if it moves.
    pub mutable_tag: bool,
    /// An entry that is not there yet.
    pub new_entry: bool,
    /// A canary of another version that is under way is replaced.
    pub replace_canary: bool,
    /// What is held is promoted all the same.
    pub hold: bool,
    /// A rollback goes to a version that the app is not known to have had.
    pub unknown_version: bool,
    /// The gates that are skipped.
    pub skip: Skips,
}

/// The words of `allow` that are no gates.
const OWN: [&str; 5] = ["mutable-tag", "new-entry", "replace-canary", "hold", "unknown-version"];

/// Returns how many gates can be skipped.
#[allow(
    clippy::indexing_slicing,
    reason = "the compiler runs this, and stops at a wrong index"
)]
const fn skippable() -> usize {
    let (mut count, mut at) = (0, 0);
    while at < GATES.len() {
        if GATES[at].skip.is_some() {
            count += 1;
        }
        at += 1;
    }
    count
}

/// Returns every word of `allow`: its own, and one for each gate that can be skipped.
#[allow(
    clippy::indexing_slicing,
    reason = "the compiler runs this, and stops at a wrong index"
)]
const fn words() -> [&'static str; OWN.len() + skippable()] {
    let mut words = [""; OWN.len() + skippable()];
    let mut count = 0;
    while count < OWN.len() {
        words[count] = OWN[count];
        count += 1;
    }
    let mut at = 0;
    while at < GATES.len() {
        if let Some(word) = GATES[at].skip {
            words[count] = word;
            count += 1;
        }
        at += 1;
    }
    words
}

impl Allow {
    /// The words of the input `allow`.
    pub const WORDS: [&str; OWN.len() + skippable()] = words();

    /// Adds one exception by its word.
    ///
    /// # Errors
    /// Says which words there are, as the end of a sentence.
    pub fn add(&mut self, word: &str) -> Result<(), String> {
        match word {
            "mutable-tag" => self.mutable_tag = true,
            "new-entry" => self.new_entry = true,
            "replace-canary" => self.replace_canary = true,
            "hold" => self.hold = true,
            "unknown-version" => self.unknown_version = true,
            "skip-approvals" => return Err("names a gate that cannot be skipped".to_owned()),
            word if self.skip.add(word) => {}
            _ => return Err(none_of(word, &Self::WORDS)),
        }
        Ok(())
    }
}

/// The files that hold a target's pins, read at the snapshot's commit; usually one.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// The files, in the order of their names.
    pub files: Vec<OverlayFile>,
    /// The kustomizations and charts' values files that they include, as far as they were asked for: an image may be pinned there.
    pub included: Vec<OverlayFile>,
}

/// A file that holds pins.
#[derive(Clone, Debug)]
pub struct OverlayFile {
    /// The file.
    pub path: RepoPath,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// A target with what its files say.
struct Read<'a> {
    target: &'a Place,
    files: &'a [OverlayFile],
    included: &'a [OverlayFile],
    pins: Vec<Placed<'a>>,
}

impl Read<'_> {
    /// Returns the file, or the folder of several.
    const fn place(&self) -> &RepoPath {
        match self.files {
            [one] => &one.path,
            _ => &self.target.folder,
        }
    }
}

/// A pin in one of a target's files.
struct Placed<'a> {
    file: &'a OverlayFile,
    pin: Pin,
}

impl std::ops::Deref for Placed<'_> {
    type Target = Pin;

    fn deref(&self) -> &Pin {
        &self.pin
    }
}

/// What one commit would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every pin of the promotion, also those that are there already (`before` = `after`).
    pub pins: Vec<PinChange>,
    /// The pins that change.
    pub changes: Vec<PinChange>,
    /// The files that change.
    pub files: Vec<PlannedFile>,
    /// The commit's message.
    pub message: Message,
    /// What the database has to look like for these images: the input `schema`, or that of the environment of `from`.
    pub schema: Option<String>,
    /// The exact diff.
    pub diff: String,
    /// What was decided on the way and is worth knowing.
    pub notices: Vec<String>,
    /// What the edits take away besides the old value, such as a comment.
    pub warnings: Vec<String>,
}

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// Which.
    pub path: RepoPath,
    /// Its bytes at the snapshot.
    pub before: Vec<u8>,
    /// Its bytes in the commit.
    pub after: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_that_can_be_skipped_has_a_word() {
        let skips: Vec<&str> = GATES.iter().filter_map(|gate| gate.skip).collect();
        let words: Vec<&str> = Allow::WORDS
            .into_iter()
            .filter(|word| word.starts_with("skip-"))
            .collect();
        assert_eq!(words, skips);
        for word in Allow::WORDS {
            assert_eq!(Allow::default().add(word), Ok(()), "{word}");
        }
        let mut allow = Allow::default();
        assert!(allow.add("skip-approvals").unwrap_err().contains("cannot be skipped"));
        assert!(
            allow
                .add("skip-soaks")
                .unwrap_err()
                .contains("did you mean `skip-soak`?")
        );
    }
}
