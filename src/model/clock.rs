//! Time as a port: a monotonic reading for our own waits, and a wall clock for what people read.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

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

/// A point in time as people and servers write it: RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(SystemTime);

impl Timestamp {
    /// Makes a timestamp of the system's own type.
    #[must_use]
    pub const fn new(at: SystemTime) -> Self {
        Self(at)
    }

    /// Reads RFC 3339 in UTC, as Kubernetes writes it. `None` if it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        humantime::parse_rfc3339(text).ok().map(Self)
    }

    /// Returns the point in time that is so many seconds after the beginning of 1970, at most the end of 9999: RFC 3339 knows no
    /// later one, and a commit or a token may say any.
    #[must_use]
    pub fn at_unix(seconds: u64) -> Self {
        const END_OF_9999: u64 = 253_402_300_799;
        Self(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(END_OF_9999)))
    }

    /// Returns whole seconds since 1970.
    #[must_use]
    pub fn unix_seconds(self) -> u64 {
        self.0
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
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
