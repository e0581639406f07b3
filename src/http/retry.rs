//! The one retry: how often a request that changes nothing is sent again, and how long is waited before. Time is the clock's.

use std::rc::Rc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::model::{Clock, limits};

/// How patient a question is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often it is asked, at most.
    pub tries: u32,
    /// The first wait, in the mean; each further one is twice as long.
    pub first: Duration,
}

/// Asks until there is an answer, or an error that asking again cannot change.
///
/// `passing` says of an error whether asking again can help, and, inside, how long the server wants to be left alone: that is obeyed up to
/// [`limits::RETRY_AFTER`]. `told` gets each error that is not the last, with the wait that follows it.
///
/// # Errors
/// The last one.
pub async fn patiently<T, E>(
    clock: &Rc<dyn Clock>,
    patience: Patience,
    ask: impl AsyncFn() -> Result<T, E>,
    passing: impl Fn(&E) -> Option<Option<Duration>>,
    told: impl Fn(&E, Duration),
) -> Result<T, E> {
    let clock = Rc::clone(clock);
    // Half of each wait is random, so that those who failed together do not come again together.
    let waits = ExponentialBuilder::new()
        .with_min_delay(patience.first * 2 / 3)
        .with_max_delay(limits::RETRY_AFTER.time())
        .with_max_times(usize::try_from(patience.tries.saturating_sub(1)).unwrap_or(usize::MAX))
        .with_jitter()
        .with_jitter_seed(getrandom::u64().unwrap_or_default());
    (|| ask())
        .retry(waits)
        .sleep(move |pause| {
            let clock = Rc::clone(&clock);
            async move { clock.sleep(pause).await }
        })
        .when(|error| passing(error).is_some())
        .adjust(|error, wait| {
            let asked = passing(error).flatten();
            wait.map(|wait| asked.map_or(wait, |after| after.min(limits::RETRY_AFTER.time())))
        })
        .notify(|error, wait| told(error, wait))
        .await
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use async_trait::async_trait;

    use super::*;
    use crate::model::Timestamp;

    #[derive(Default)]
    struct Slept(RefCell<Vec<Duration>>);

    #[async_trait(?Send)]
    impl Clock for Slept {
        fn now(&self) -> Duration {
            self.0.borrow().iter().sum()
        }

        fn wall(&self) -> Timestamp {
            Timestamp::at_unix(0)
        }

        async fn sleep(&self, pause: Duration) {
            self.0.borrow_mut().push(pause);
        }
    }

    const PATIENCE: Patience = Patience {
        tries: 4,
        first: Duration::from_millis(300),
    };

    /// Asks a server that fails `failures` times; returns how it ended, how often it was asked, and the waits.
    async fn asked(failures: u32, after: Option<Duration>, final_: bool) -> (Result<u32, u32>, u32, Vec<Duration>) {
        let slept = Rc::new(Slept::default());
        let clock: Rc<dyn Clock> = Rc::<Slept>::clone(&slept);
        let count = Cell::new(0);
        let ask = async || {
            count.set(count.get() + 1);
            if count.get() > failures {
                Ok(count.get())
            } else {
                Err(count.get())
            }
        };
        let end = patiently(&clock, PATIENCE, ask, |_| (!final_).then_some(after), |_, _| {}).await;
        let waits = slept.0.borrow().clone();
        (end, count.get(), waits)
    }

    #[tokio::test]
    async fn waits_double_and_end() {
        assert_eq!(asked(0, None, false).await, (Ok(1), 1, vec![]));
        let (end, count, waits) = asked(9, None, false).await;
        assert_eq!((end, count, waits.len()), (Err(4), 4, 3));
        for (n, wait) in waits.iter().enumerate() {
            let least = Duration::from_millis(200 << n);
            assert!((least..=2 * least).contains(wait), "{waits:?}");
        }
        assert_eq!(asked(2, None, false).await.0, Ok(3));
    }

    #[tokio::test]
    async fn what_cannot_help_is_not_done() {
        let (end, count, waits) = asked(9, None, true).await;
        assert_eq!((end, count, waits), (Err(1), 1, vec![]));
    }

    #[tokio::test]
    async fn a_server_that_wants_to_be_left_alone_is_but_not_for_ever() {
        let after = Duration::from_secs(7);
        assert_eq!(asked(1, Some(after), false).await.2, [after]);
        let ever = asked(1, Some(Duration::MAX), false).await.2;
        assert_eq!(ever, [limits::RETRY_AFTER.time()]);
    }
}
