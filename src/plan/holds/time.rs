//! Until when a hold is on: a point in time, or how long from now.

use std::time::Duration;

use crate::inputs::value::duration;
use crate::model::Timestamp;

/// When a hold ends, before the clock was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// At this time.
    At(Timestamp),
    /// After this time.
    After(Duration),
}

impl Until {
    /// Returns the point in time.
    #[must_use]
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::After(time) => Timestamp::at_unix(now.unix_seconds().saturating_add(time.as_secs())),
        }
    }
}

/// Reads a duration such as `2h`, or what [`point`] reads.
///
/// # Errors
/// Says what is right, as the end of a sentence.
pub fn until(text: &str) -> Result<Until, String> {
    if text.contains('-') {
        return point(text).map(Until::At);
    }
    let time =
        duration(text).map_err(|why| format!("{why}; or a time, such as `2026-12-24T18:00:00Z` or `2026-12-24`"))?;
    match time {
        Duration::ZERO => Err("leaves no time: use a duration such as `2h`".to_owned()),
        time => Ok(Until::After(time)),
    }
}

/// Reads RFC 3339 with any offset, or a date: the end of that day in UTC.
///
/// # Errors
/// Says what is right, as the end of a sentence.
pub(super) fn point(text: &str) -> Result<Timestamp, String> {
    const DAY: u64 = 86_400;
    const RIGHT: &str = "is not a time such as `2026-12-24T18:00:00Z`, `2026-12-24T18:00:00+01:00` or `2026-12-24`";
    let wrong = || RIGHT.to_owned();
    if text.len() == 10 {
        let day = Timestamp::parse(&format!("{text}T00:00:00Z")).ok_or_else(wrong)?;
        return Ok(Timestamp::at_unix(day.unix_seconds() + DAY));
    }
    let text = text.replacen([' ', 't'], "T", 1);
    if let Some(at) = text.strip_suffix(['Z', 'z']) {
        return Timestamp::parse(&format!("{}Z", with_seconds(at))).ok_or_else(wrong);
    }
    let (local, offset) = text
        .len()
        .checked_sub(6)
        .and_then(|at| text.split_at_checked(at))
        .ok_or_else(wrong)?;
    let local = Timestamp::parse(&format!("{}Z", with_seconds(local))).ok_or_else(wrong)?;
    let parts = (offset.get(..1), offset.get(1..3), offset.get(3..4), offset.get(4..));
    let (Some(sign), Some(hours), Some(":"), Some(minutes)) = parts else {
        return Err(format!("{RIGHT}: it has no time zone"));
    };
    let number = |text: &str| {
        text.parse::<u64>()
            .ok()
            .filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
    };
    let seconds = match (number(hours), number(minutes)) {
        (Some(hours @ 0..24), Some(minutes @ 0..60)) => hours * 3600 + minutes * 60,
        _ => return Err(wrong()),
    };
    let at = local.unix_seconds();
    match sign {
        "+" => Ok(Timestamp::at_unix(at.saturating_sub(seconds))),
        "-" => Ok(Timestamp::at_unix(at.saturating_add(seconds))),
        _ => Err(format!("{RIGHT}: it has no time zone")),
    }
}

/// Adds the seconds to a time that has none.
fn with_seconds(text: &str) -> String {
    let has_none = text.len() == 16;
    if has_none {
        format!("{text}:00")
    } else {
        text.to_owned()
    }
}
