//! Asking a server again that did not answer.

use crate::delivery::Problem;
use crate::model::Clock;

/// How many times a server that does not answer is asked before that is the end.
const TRIES: u32 = 3;

/// Asks again after a moment while the problem may go away.
pub(in crate::promote) async fn patiently<T, F: Future<Output = Result<T, Problem>>>(
    clock: &dyn Clock,
    ask: impl Fn() -> F,
) -> Result<T, Problem> {
    let mut tries = 0;
    loop {
        tries += 1;
        match ask().await {
            Err(Problem::Passing { after, .. }) if tries < TRIES => {
                clock.sleep(crate::promote::underway::backoff(tries, after)).await;
            }
            answer => return answer,
        }
    }
}
