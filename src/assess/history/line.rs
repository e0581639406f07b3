//! One line of the record, and how it stands in the file.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::{CommitSha, Timestamp};

/// The longest reason that is written, in characters: the record is for tables.
const LONGEST_REASON: usize = 500;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Seen live and healthy.
    Live,
    /// It stayed live and healthy, and every analysis succeeded.
    Verified,
    /// Argo CD could not make it live.
    Failed,
    /// A verification failed.
    Breached,
    /// The deadline came first.
    TimedOut,
    /// A later commit changed the pin.
    Superseded,
    /// It failed, and the run took it back. The images are those that were taken back.
    RolledBack,
    /// An earlier version is live and healthy again. The images are those of the earlier version.
    Reverted,
    /// Going back failed as well. The images are those that were to come back.
    RollbackFailed,
    /// Its canary was stopped.
    Aborted,
    /// Its canary passed a pause.
    Resumed,
    /// Something that this version does not know.
    Other(String),
}

impl EventKind {
    /// The events that this version knows.
    pub const KNOWN: [Self; 11] = [
        Self::Live,
        Self::Verified,
        Self::Failed,
        Self::Breached,
        Self::TimedOut,
        Self::Superseded,
        Self::RolledBack,
        Self::Reverted,
        Self::RollbackFailed,
        Self::Aborted,
        Self::Resumed,
    ];

    /// Reads the word of a line. Every word is an event.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|known| known.name() == word);
        known.unwrap_or_else(|| Self::Other(word.to_owned()))
    }

    /// Returns the word that stands in a line.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Live => "live",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Breached => "breached",
            Self::TimedOut => "timed-out",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled-back",
            Self::Reverted => "reverted",
            Self::RollbackFailed => "rollback-failed",
            Self::Aborted => "aborted",
            Self::Resumed => "resumed",
            Self::Other(word) => word,
        }
    }

    /// Whether the images of the line were seen live and healthy.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Live | Self::Verified | Self::Reverted)
    }

    /// Whether the images of the line failed.
    #[must_use]
    pub const fn is_bad(&self) -> bool {
        matches!(self, Self::Failed | Self::Breached | Self::RolledBack)
    }
}

/// An entry of a file, and the image that it pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedPin {
    /// The file.
    pub file: String,
    /// The entry's name.
    pub name: String,
    /// The reference.
    pub image: String,
}

/// One event of an app in an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When the verdict was.
    pub at: Timestamp,
    /// What happened.
    pub event: EventKind,
    /// The commit of the infra-repo that it is about.
    pub commit: Option<CommitSha>,
    /// The references that the app pinned there.
    pub images: Vec<String>,
    /// The entries that pinned them.
    pub pins: Vec<RecordedPin>,
    /// What the database has to look like for them.
    pub schema: Option<String>,
    /// Who triggered the run.
    pub by: String,
    /// The run's address, or a random id.
    pub run: String,
    /// How it ended, in one sentence.
    pub reason: String,
    /// How long it took from landing to the verdict, in seconds.
    pub seconds: Option<f64>,
    /// For a `reverted` line: the commit that was taken back.
    pub of: Option<CommitSha>,
}

impl Eq for Line {}

/// How a line is written. The order of the fields is that of the documentation.
#[derive(Serialize)]
struct Written<'a> {
    v: u8,
    at: Timestamp,
    #[serde(serialize_with = "word")]
    event: &'a EventKind,
    commit: Option<&'a CommitSha>,
    images: &'a [String],
    pins: &'a [RecordedPin],
    schema: Option<&'a str>,
    by: &'a str,
    run: &'a str,
    reason: String,
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'a CommitSha>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn word<S: Serializer>(event: &&EventKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(event.name())
}

impl Line {
    /// Reads a line. `None` if it is damaged: no JSON object, or without a time, an event or images.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(text).ok()?;
        let word = |name: &str| line.get(name).and_then(Value::as_str);
        let own = |name: &str| word(name).unwrap_or_default().to_owned();
        let images = line.get("images")?.as_array()?;
        let pins = line.get("pins").and_then(Value::as_array);
        Some(Self {
            at: Timestamp::parse(word("at")?)?,
            event: EventKind::parse(word("event")?),
            commit: word("commit").and_then(CommitSha::parse),
            images: (images.iter().filter_map(Value::as_str).map(str::to_owned)).collect(),
            pins: pins.into_iter().flatten().filter_map(pin).collect(),
            schema: word("schema").map(str::to_owned),
            by: own("by"),
            run: own("run"),
            reason: own("reason"),
            seconds: line.get("seconds").and_then(Value::as_f64),
            of: word("of").and_then(CommitSha::parse),
        })
    }

    /// Returns the line as it stands in the file, without its end.
    #[must_use]
    pub fn text(&self) -> String {
        let written = Written {
            v: 1,
            at: self.at,
            event: &self.event,
            commit: self.commit.as_ref(),
            images: &self.images,
            pins: &self.pins,
            schema: self.schema.as_deref(),
            by: &self.by,
            run: &self.run,
            reason: self.reason.chars().take(LONGEST_REASON).collect(),
            seconds: self.seconds,
            of: self.of.as_ref(),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Whether the line is about exactly these images: each of them was pinned, and no other tag or digest of its repository. Images of
    /// other repositories do not matter: a promotion can be about some images of an app.
    #[must_use]
    pub fn is_about(&self, images: &[String]) -> bool {
        !images.is_empty() && images.iter().all(|image| self.images.contains(image))
    }
}

fn pin(value: &Value) -> Option<RecordedPin> {
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(RecordedPin {
        file: word("file")?,
        name: word("name")?,
        image: word("image")?,
    })
}
