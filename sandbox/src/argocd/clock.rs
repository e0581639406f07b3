//! The stand-in's own time: it starts at the real time and runs `speed` times as fast, so that a canary of minutes fits into a test.
//! All durations of the other files are in this time.

use std::time::{Duration, Instant, SystemTime};

/// A point in time: what has passed since the clock was started.
pub(crate) type Moment = Duration;

/// The clock. Copies share their start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: SystemTime,
    start: Instant,
    speed: f64,
}

impl Clock {
    /// Starts the clock now. `speed` 1 is real time.
    pub(crate) fn start(speed: f64) -> Self {
        Self {
            wall: SystemTime::now(),
            start: Instant::now(),
            speed: speed.clamp(0.01, 10_000.0),
        }
    }

    /// Returns what has passed since the start.
    pub(crate) fn now(&self) -> Moment {
        self.start.elapsed().mul_f64(self.speed)
    }

    /// Returns the moment as Kubernetes writes it: RFC 3339, whole seconds.
    pub(crate) fn stamp(&self, at: Moment) -> String {
        humantime::format_rfc3339_seconds(self.wall + at).to_string()
    }

    /// Returns the present as Kubernetes writes it.
    pub(crate) fn stamp_now(&self) -> String {
        self.stamp(self.now())
    }

    /// Returns a time before the start as Kubernetes writes it.
    pub(crate) fn stamp_before(&self, ago: Duration) -> String {
        humantime::format_rfc3339_seconds(self.wall - ago).to_string()
    }

    /// Returns the time of day as it stands in messages about retries: `7:54AM`.
    pub(crate) fn time_of_day(&self, at: Moment) -> String {
        let text = self.stamp(at);
        let hour: u32 = text[11..13].parse().unwrap_or_default();
        let half = if hour < 12 { "AM" } else { "PM" };
        format!("{}:{}{half}", (hour + 11) % 12 + 1, &text[14..16])
    }

    /// Sleeps until `pause` has passed on this clock.
    pub(crate) async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause.div_f64(self.speed)).await;
    }

    /// Sleeps for `seconds` of this clock.
    pub(crate) async fn pass(&self, seconds: f64) {
        self.sleep(Duration::from_secs_f64(seconds)).await;
    }
}
