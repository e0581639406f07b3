//! `promote-holds.yaml`: what must not be promoted, why, by whose word, and until when. A file that people review and edit; read at the
//! tip that is committed to. A file that cannot be read holds everything.

mod edit;
mod image;
mod names;
mod reading;
mod time;

pub use edit::{HoldEdit, NewHold, Released, add, release};
pub use image::{HeldImage, Pinned};
pub use reading::{Hold, Holds, Of};
pub use time::{Until, until};

use std::fmt;

use crate::model::{AppName, EnvironmentName, Timestamp};

/// The name of the file, at the root of the infra-repo.
pub const FILE: &str = "promote-holds.yaml";

/// Why something must not be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held<'a> {
    /// An entry of the file.
    By(&'a Hold),
    /// The file cannot be read: where and why.
    Unreadable(&'a str),
}

impl Holds {
    /// Returns what holds an image at a point in time: the first entry of the file that is not expired.
    #[must_use]
    pub fn holding(&self, of: Pinned<'_>, now: Timestamp) -> Option<Held<'_>> {
        match self {
            Self::Unreadable(why) => Some(Held::Unreadable(why)),
            Self::Read(holds) => holds
                .iter()
                .find(|hold| !hold.is_expired(now) && hold.holds(of))
                .map(Held::By),
        }
    }

    /// Returns the entries that are not expired and about none of some apps in environments.
    #[must_use]
    pub fn without_effect<'a>(
        &self,
        places: impl Iterator<Item = (&'a AppName, &'a EnvironmentName)>,
        now: Timestamp,
    ) -> Vec<&Hold> {
        let mut idle: Vec<&Hold> = self.entries().iter().filter(|hold| !hold.is_expired(now)).collect();
        for (app, environment) in places {
            idle.retain(|hold| !(hold.app.is(app.as_str()) && hold.environment.is(environment.as_str())));
        }
        idle
    }

    /// Returns these and those of another branch. What cannot be read on one of them holds everything.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Read(mut holds), Self::Read(others)) => {
                holds.extend(others);
                Self::Read(holds)
            }
            (unreadable @ Self::Unreadable(_), _) | (_, unreadable @ Self::Unreadable(_)) => unreadable,
        }
    }

    fn entries(&self) -> &[Hold] {
        match self {
            Self::Read(holds) => holds,
            Self::Unreadable(_) => &[],
        }
    }

    /// Returns the entries about an app in an environment that are not expired, whatever image they name.
    #[must_use]
    pub fn here(&self, app: &AppName, environment: &EnvironmentName, now: Timestamp) -> Vec<&Hold> {
        let is_here = |hold: &&Hold| hold.is_at(app, environment) && !hold.is_expired(now);
        self.entries().iter().filter(is_here).collect()
    }
}

/// The reason, who, and until when, as the end of a sentence that begins with what is held.
impl fmt::Display for Held<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(hold) => hold.fmt(out),
            Self::Unreadable(why) => write!(
                out,
                "held, because {FILE} cannot be read and then holds everything: {why}"
            ),
        }
    }
}

/// As [`Held`].
impl fmt::Display for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("held")?;
        if let Some(by) = &self.by {
            write!(out, " by {by}")?;
        }
        if let Some(since) = &self.since {
            write!(out, " since {since}")?;
        }
        match self.until {
            Some(until) => write!(out, " until {until}")?,
            None => out.write_str(" until somebody releases it")?,
        }
        write!(out, ": {} ({FILE}, line {})", self.reason, self.line)
    }
}

#[cfg(test)]
mod tests;
