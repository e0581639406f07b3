//! The system's clock, as the port that the other rooms know.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

use crate::model::{Clock, Timestamp};

/// Real time. The monotonic reading starts at its creation.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic reading.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

#[async_trait(?Send)]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn wall(&self) -> Timestamp {
        Timestamp::new(SystemTime::now())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}
