//! Time as a port: a monotonic reading for our own waits, and a wall clock for what people read.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use serde::{Serialize, Serializer};

/// The one source of time. Deadlines are compared on the monotonic reading only.
#[async_trait(?Send)]
pub trait Clock {
    /// Returns the time since some fixed start; never goes back.
    fn now(&self) -> Duration;
    /// Returns the wall clock, for reports and commits.
    fn wall(&self) -> Timestamp;
    /// Returns after `pause` has passed.
    async fn sleep(&self, pause: Duration);
}

/// The last second that RFC 3339 can write, counted from 1970.
const END_OF_9999: u64 = 253_402_300_799;

/// A point in time as people and servers write it: RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(SystemTime);

impl Timestamp {
    /// Makes a timestamp of the system's own type. A clock that is set before 1970 or after 9999 gives the nearest time that RFC 3339
    /// and git can write.
    #[must_use]
    pub fn new(at: SystemTime) -> Self {
        match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) if since.as_secs() < END_OF_9999 => Self(at),
            Ok(_) => Self::at_unix(END_OF_9999),
            Err(_) => Self::at_unix(0),
        }
    }

    /// Reads RFC 3339 in UTC, as Kubernetes writes it. `None` if it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        humantime::parse_rfc3339(text).ok().map(Self)
    }

    /// Reads the time of an HTTP header (RFC 9110, 5.6.7), such as `Sun, 06 Nov 1994 08:49:37 GMT`. `None` if it is something else, or in one
    /// of the two forms that no server sends any more.
    #[must_use]
    pub fn parse_http(text: &str) -> Option<Self> {
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let (_, rest) = text.split_once(", ")?;
        let parts: Vec<&str> = rest.split(' ').collect();
        let [day, month, year, time, "GMT"] = parts.as_slice() else {
            return None;
        };
        let month = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
        Self::parse(&format!("{year}-{month:02}-{day}T{time}Z"))
    }

    /// Returns the point in time that is so many seconds after the beginning of 1970, at most the end of 9999: RFC 3339 knows no
    /// later one, and a commit or a token may say any.
    #[must_use]
    pub fn at_unix(seconds: u64) -> Self {
        Self(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(END_OF_9999)))
    }

    /// Returns whole seconds since 1970.
    #[must_use]
    pub fn unix_seconds(self) -> u64 {
        self.0
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    /// Returns nanoseconds since 1970.
    #[must_use]
    pub fn unix_nanoseconds(self) -> i128 {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
    }

    /// Returns how long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", humantime::format_rfc3339_seconds(self.0))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Returns a length of time as people read it: `250ms`, `8s`, `1m08s`, `15m`, `1h02m`, `3d04h`. The one way to write one.
#[must_use]
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if !time.is_zero() => format!("{}ms", time.as_millis().max(1)),
        0..60 => format!("{seconds}s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 if (seconds / 60).is_multiple_of(60) => format!("{}h", seconds / 3600),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ if (seconds / 3600).is_multiple_of(24) => format!("{}d", seconds / 86_400),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Returns a count with its noun, in the plural where it is not one: `1 event`, `2 events`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_short_and_lose_nothing_that_matters() {
        for (millis, words) in [
            (0, "0s"),
            (1, "1ms"),
            (250, "250ms"),
            (8_999, "8s"),
            (68_000, "1m08s"),
            (600_000, "10m"),
            (21_600_000, "6h"),
            (3_720_000, "1h02m"),
            (273_600_000, "3d04h"),
            (1_728_000_000, "20d"),
        ] {
            assert_eq!(in_words(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn the_time_of_a_header_is_read() {
        let read = |text: &str| Timestamp::parse_http(text).map(|at| at.to_string());
        assert_eq!(
            read("Sun, 06 Nov 1994 08:49:37 GMT").as_deref(),
            Some("1994-11-06T08:49:37Z")
        );
        for odd in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn every_clock_of_a_machine_can_be_written() {
        let year = Duration::from_secs(31_556_952);
        for (at, written) in [
            (SystemTime::UNIX_EPOCH - year, "1970-01-01T00:00:00Z"),
            (SystemTime::UNIX_EPOCH, "1970-01-01T00:00:00Z"),
            (
                SystemTime::UNIX_EPOCH + Duration::from_millis(1500),
                "1970-01-01T00:00:01Z",
            ),
            (SystemTime::UNIX_EPOCH + year * 8029, "9999-01-01T00:46:48Z"),
            (SystemTime::UNIX_EPOCH + year * 8031, "9999-12-31T23:59:59Z"),
            (SystemTime::UNIX_EPOCH + year * 200_000, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::new(at).to_string(), written, "{at:?}");
        }
    }
}
