//! Answers that are kept with their questions: the same question is not asked again while its answer is fresh.

use std::time::Duration;

use crate::model::Clock;

/// How old an answer of a server can be. The same question is asked again after it, so that what is judged is never older.
const FRESH: Duration = Duration::from_secs(55);

/// An answer with its question: it is not asked again while it is fresh.
pub(in crate::promote) struct Kept<Q, A> {
    question: Q,
    answer: A,
    /// The reading of the clock when it was asked.
    at: Duration,
}

impl<Q: PartialEq, A: Clone> Kept<Q, A> {
    pub(in crate::promote) fn new(clock: &dyn Clock, question: Q, answer: A) -> Self {
        Self {
            question,
            answer,
            at: clock.now(),
        }
    }

    pub(in crate::promote) fn fresh(kept: Option<&Self>, clock: &dyn Clock, question: &Q) -> Option<A> {
        let kept = kept.filter(|kept| kept.question == *question)?;
        (clock.now().saturating_sub(kept.at) < FRESH).then(|| kept.answer.clone())
    }
}
