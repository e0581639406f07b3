//! The rows of what is held: in the report, as text, and as a table.

use serde::Serialize;

use super::rows::Texts;
use crate::model::{Command, Timestamp};

/// One of `holds`.
#[derive(Clone, Debug, Serialize)]
pub struct HoldRow {
    /// The app, or `*` for all.
    pub app: String,
    /// The environment, or `*` for all.
    pub environment: String,
    /// The tag, digest or reference; `null` for everything.
    pub image: Option<String>,
    /// Why.
    pub reason: String,
    /// Who holds it.
    pub by: Option<String>,
    /// Since when, as the file has it.
    pub since: Option<String>,
    /// When the hold ends by itself, as RFC 3339.
    pub until: Option<Timestamp>,
}

impl HoldRow {
    /// Returns what is held where.
    #[must_use]
    pub fn what(&self) -> String {
        let image = self.image.as_deref().unwrap_or("everything");
        let of = |name: &str, all: &str| if name == "*" { all.to_owned() } else { name.to_owned() };
        let (app, environment) = (of(&self.app, "all apps"), of(&self.environment, "all environments"));
        format!("{image} of {app} in {environment}")
    }

    /// Returns until when.
    #[must_use]
    pub fn end(&self) -> String {
        self.until
            .map_or_else(|| "until released".to_owned(), |until| format!("until {until}"))
    }
}

/// Returns the heading of the rows in the report of a command: what is held, or what it released.
pub(super) const fn title(command: Command) -> &'static str {
    match command {
        Command::Release => "Released",
        _ => "Holds",
    }
}

impl Texts for HoldRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![&mut self.app, &mut self.environment, &mut self.reason];
        texts.extend(&mut self.image);
        texts.extend(&mut self.by);
        texts.extend(&mut self.since);
        texts
    }
}
