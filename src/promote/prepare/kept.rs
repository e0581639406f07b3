//! Answers that are kept with their questions: the same question is not asked again while its answer is fresh.

use std::time::Duration;

use crate::assess::gate::Settings;
use crate::model::{Clock, EnvironmentName};
use crate::plan::Select;

use crate::promote::analyses::{Analysis, Verification};
use crate::promote::ports::Reading;
use crate::promote::prepare::measured::{self, Answers};
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::pulled::{self, Answer, Wish};
use crate::promote::prepare::released;

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

/// Asks registries for the images that a gate is about, unless that was done a moment ago.
pub(in crate::promote) async fn pull(
    reading: Reading<'_>,
    select: &Select,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
    kept: &mut Option<Kept<Vec<Wish>, Vec<Answer>>>,
) -> Vec<Answer> {
    let clock = reading.ports.clock;
    let question = pulled::question(reading, select, planned, environments).await;
    if question.is_empty() {
        return Vec::new();
    }
    if let Some(answer) = Kept::fresh(kept.as_ref(), clock, &question) {
        return answer;
    }
    let answer = pulled::pulled(reading, &question).await;
    *kept = Some(Kept::new(clock, question, answer.clone()));
    answer
}

/// Compares the source commits of the images that change, unless that was done a moment ago.
pub(in crate::promote) async fn compare(
    reading: Reading<'_>,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
    lists: bool,
    kept: &mut Option<Kept<Vec<released::Wish>, Vec<released::Answer>>>,
) -> Vec<released::Answer> {
    let clock = reading.ports.clock;
    let question = released::question(reading, planned, environments, lists);
    if question.is_empty() {
        return Vec::new();
    }
    if let Some(answer) = Kept::fresh(kept.as_ref(), clock, &question) {
        return answer;
    }
    let answer = released::released(reading, planned, &question).await;
    *kept = Some(Kept::new(clock, question, answer.clone()));
    answer
}

/// Measures the analyses that are gates, unless that was done a moment ago.
pub(in crate::promote) async fn measure(
    reading: Reading<'_>,
    analyses: &[Verification],
    kept: &mut Option<Kept<Vec<Analysis>, Answers>>,
) -> Answers {
    let clock = reading.ports.clock;
    let question = measured::question(analyses);
    if question.is_empty() {
        return Answers::default();
    }
    if let Some(answer) = Kept::fresh(kept.as_ref(), clock, &question) {
        return answer;
    }
    let answer = measured::measured(reading, &question).await;
    *kept = Some(Kept::new(clock, question, answer.clone()));
    answer
}
