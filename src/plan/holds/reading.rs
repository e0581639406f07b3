//! The entries of the file, parsed.

use super::FILE;
use super::image::{HeldImage, Pinned};
use super::time::point;
use crate::manifest::records::{self, Record};
use crate::model::{AppName, EnvironmentName, Repository, Timestamp, nearest};

/// The holds of an infra-repo at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The entries, in the order of the file.
    Read(Vec<Hold>),
    /// The file cannot be read, with the line and the reason: everything is held.
    Unreadable(String),
}

impl Default for Holds {
    /// Nothing is held.
    fn default() -> Self {
        Self::Read(Vec::new())
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whose images.
    pub app: Of,
    /// Where.
    pub environment: Of,
    /// Which images; `None` = all.
    pub image: Option<HeldImage>,
    /// Why.
    pub reason: String,
    /// Who put it there.
    pub by: Option<String>,
    /// Since when, as it is written.
    pub since: Option<String>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// The line of the file that it begins on, from 1.
    pub line: usize,
    /// Where it counts besides: [`Holds::reaching`].
    pub also: Vec<Alias>,
}

/// A place that a hold is about though it names another app or environment: their files are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The images in the file that are those of the app that the hold names; empty = all.
    pub images: Vec<Repository>,
}

impl Hold {
    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether it is about an app in an environment, whatever image it names.
    #[must_use]
    pub fn is_at(&self, app: &AppName, environment: &EnvironmentName) -> bool {
        self.names(app, environment) || self.alias(app, environment).is_some()
    }

    /// Whether it holds an image there.
    #[must_use]
    pub fn holds(&self, of: Pinned<'_>) -> bool {
        let is_there = self.names(of.app, of.environment)
            || self
                .alias(of.app, of.environment)
                .is_some_and(|alias| alias.images.is_empty() || alias.images.iter().any(|image| of.is_of(image)));
        is_there && self.image.as_ref().is_none_or(|image| image.is(of))
    }

    fn names(&self, app: &AppName, environment: &EnvironmentName) -> bool {
        self.app.is(app.as_str()) && self.environment.is(environment.as_str())
    }

    fn alias(&self, app: &AppName, environment: &EnvironmentName) -> Option<&Alias> {
        let mut also = self.also.iter();
        also.find(|alias| alias.app == *app && alias.environment == *environment)
    }
}

/// Which apps, or which environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// All: `*`.
    Every,
    /// The one of that name.
    One(String),
}

impl Of {
    /// Reads the name of an app, or `*`.
    ///
    /// # Errors
    /// As [`AppName::parse`].
    pub fn app(text: &str) -> Result<Self, String> {
        Self::parse(text, |name| AppName::parse(name).map(drop))
    }

    /// Reads the name of an environment, or `*`.
    ///
    /// # Errors
    /// As [`EnvironmentName::parse`].
    pub fn environment(text: &str) -> Result<Self, String> {
        Self::parse(text, |name| EnvironmentName::parse(name).map(drop))
    }

    fn parse(text: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Every);
        }
        check(text).map_err(|why| format!("{why}, or `*` for all"))?;
        Ok(Self::One(text.to_owned()))
    }

    /// Whether a name is one of them.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        match self {
            Self::Every => true,
            Self::One(one) => one == name,
        }
    }

    /// Returns the name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Every => None,
            Self::One(name) => Some(name),
        }
    }

    /// Returns the name, or `*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Every => "*",
            Self::One(name) => name,
        }
    }
}

/// The keys of an entry.
const KEYS: [&str; 7] = ["app", "environment", "image", "reason", "by", "since", "until"];

impl Holds {
    /// Reads the text of the file.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        match records(text) {
            Ok(holds) => Self::Read(holds),
            Err(why) => Self::Unreadable(why),
        }
    }
}

/// Reads the entries. The error names the line.
pub(super) fn records(text: &[u8]) -> Result<Vec<Hold>, String> {
    let records = records::read(text).map_err(|fault| {
        // `*` alone is how YAML begins an alias.
        let line = fault.line.and_then(|line| line.checked_sub(1));
        let at = line.and_then(|line| String::from_utf8_lossy(text).lines().nth(line).map(str::to_owned));
        let is_star = at.is_some_and(|line| {
            let line = line.split(" #").next().unwrap_or_default().trim_end();
            line.ends_with(": *")
        });
        let hint = if is_star {
            Some("write `'*'` in quotes")
        } else {
            fault.hint.as_deref()
        };
        format!("{fault}{}", hint.map(|hint| format!(" ({hint})")).unwrap_or_default())
    })?;
    records.iter().map(hold).collect()
}

fn hold(record: &Record) -> Result<Hold, String> {
    if let Some((key, _, line)) = record.fields.iter().find(|(key, ..)| !KEYS.contains(&key.as_str())) {
        let meant = match nearest(key, KEYS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("an entry has {}", KEYS.join(", ")),
        };
        return Err(format!("line {line}: unknown key `{key}`; {meant}"));
    }
    let field = |name: &str| {
        let found = record.fields.iter().find(|(key, ..)| key == name);
        found.and_then(|(_, value, line)| Some((value.as_deref().filter(|text| !text.is_empty())?, *line)))
    };
    let required = |name: &str| field(name).ok_or_else(|| format!("line {}: the entry has no `{name}`", record.line));
    let wrong = |name: &str, (text, line): (&str, usize), why: &str| format!("line {line}: `{name}` {text:?} {why}");
    let text = |name: &str| field(name).map(|(text, _)| text.to_owned());
    let app = required("app")?;
    let environment = required("environment")?;
    let parsed = |name: &'static str| move |given: (&str, usize), why: String| wrong(name, given, &why);
    Ok(Hold {
        app: Of::app(app.0).map_err(|why| parsed("app")(app, why))?,
        environment: Of::environment(environment.0).map_err(|why| parsed("environment")(environment, why))?,
        image: field("image")
            .map(|image| HeldImage::parse(image.0).map_err(|why| parsed("image")(image, why)))
            .transpose()?,
        reason: text("reason").unwrap_or_else(|| format!("no reason is given in {FILE}")),
        by: text("by"),
        since: text("since"),
        until: field("until")
            .map(|until| point(until.0).map_err(|why| parsed("until")(until, why)))
            .transpose()?,
        line: record.line,
        also: Vec::new(),
    })
}
