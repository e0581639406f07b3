//! A time zone of the bundled IANA database, and when its local times begin.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::model::nearest;

/// A time zone of the IANA database, which is part of the binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone, String);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC, "UTC".to_owned())
    }
}

impl Zone {
    /// Reads the name of a zone, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// There is none of that name: the end of a sentence, with the nearest.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = TimeZoneDatabase::bundled();
        known.get(name).map(|zone| Self(zone, name.to_owned())).map_err(|_| {
            let names: Vec<String> = known.available().map(|name| name.to_string()).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("is not a time zone of the IANA database, such as `Europe/Berlin` or `UTC`{near}")
        })
    }

    /// Returns its name.
    pub(super) fn name(&self) -> &str {
        &self.1
    }

    /// Returns the seconds since 1970 at which a local time begins.
    pub(super) fn second(&self, at: DateTime) -> Option<i64> {
        let found = self.0.to_ambiguous_timestamp(at);
        let at = match found.offset() {
            // By the clock that is right after the gap the time is before it, and the gap is the next change of the clock.
            AmbiguousOffset::Gap { after, .. } => {
                let before = after.to_timestamp(at).ok()?;
                self.0.following(before).next()?.timestamp()
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => found.earlier().ok()?,
        };
        Some(at.as_second())
    }

    /// Returns the local time at a second.
    pub(super) fn local(&self, second: i64) -> Option<DateTime> {
        let at = jiff::Timestamp::from_second(second).ok()?;
        Some(self.0.to_datetime(at))
    }
}
