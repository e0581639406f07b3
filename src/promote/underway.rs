//! What is under way for the applications that are followed: many requests at once, one answer at a time.
//! Decides how often to look; what an answer means is not known here.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// How many requests are under way at most: the server has others to serve.
const AT_ONCE: usize = 16;

/// Requests that are under way.
pub(super) struct Underway<'a, T> {
    most: usize,
    running: Vec<Pin<Box<dyn Future<Output = T> + 'a>>>,
    queued: std::collections::VecDeque<Pin<Box<dyn Future<Output = T> + 'a>>>,
}

impl<'a, T> Underway<'a, T> {
    pub(super) fn new() -> Self {
        Self::at_once(AT_ONCE)
    }

    /// Lets so many be under way at once.
    pub(super) fn at_once(most: usize) -> Self {
        Self {
            most,
            running: Vec::new(),
            queued: std::collections::VecDeque::new(),
        }
    }

    /// Adds a request. It is sent when fewer than the most are under way.
    pub(super) fn add(&mut self, request: impl Future<Output = T> + 'a) {
        self.queued.push_back(Box::pin(request));
    }

    /// Returns the next answer; never, while nothing is under way. May be dropped at any point without losing an answer.
    pub(super) async fn next(&mut self) -> T {
        poll_fn(|context| {
            loop {
                while self.running.len() < self.most {
                    let Some(request) = self.queued.pop_front() else { break };
                    self.running.push(request);
                }
                let ready = (self.running.iter_mut().enumerate()).find_map(|(at, request)| {
                    match request.as_mut().poll(context) {
                        Poll::Ready(answer) => Some((at, answer)),
                        Poll::Pending => None,
                    }
                });
                if let Some((at, answer)) = ready {
                    drop(self.running.swap_remove(at));
                    return Poll::Ready(answer);
                }
                if self.running.len() >= self.most || self.queued.is_empty() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// Makes requests, many at once, and returns their answers in the order of the requests.
pub(super) async fn all<T, F: Future<Output = T>>(requests: impl IntoIterator<Item = F>) -> Vec<T> {
    let mut underway = Underway::new();
    let mut count = 0;
    for request in requests {
        let at = count;
        underway.add(async move { (at, request.await) });
        count += 1;
    }
    let mut answers = Vec::with_capacity(count);
    for _ in 0..count {
        answers.push(underway.next().await);
    }
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Returns how long after a look the next one is due. `streaming` = changes arrive anyway.
pub(super) fn next_look(applications: usize, streaming: bool) -> Duration {
    if streaming {
        return Duration::from_secs(60);
    }
    // A thousand applications are not looked at more than fifty times a second.
    let spread = u64::try_from(applications).unwrap_or(u64::MAX).saturating_mul(20);
    Duration::from_millis(spread.max(1500))
}

/// Returns how long to wait after the `times`th failure in a row; the server's own wish goes before.
pub(super) fn backoff(times: u32, wished: Option<Duration>) -> Duration {
    let own = Duration::from_millis(500u64.saturating_mul(1 << times.min(4)).min(5000));
    wished.map_or(own, |wished| wished.clamp(own, Duration::from_secs(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_request_holds_up_no_other() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(async {
            let mut underway = Underway::new();
            underway.add(Box::pin(std::future::pending()) as Pin<Box<dyn Future<Output = u8>>>);
            underway.add(Box::pin(async { 7 }));
            underway.next().await
        });
        assert_eq!(answer, 7);
    }

    #[test]
    fn the_servers_wish_is_honoured_within_reason() {
        assert_eq!(backoff(0, None), Duration::from_millis(500));
        assert_eq!(backoff(9, None), Duration::from_secs(5));
        assert_eq!(backoff(0, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(backoff(0, Some(Duration::from_secs(7000))), Duration::from_secs(60));
    }
}
