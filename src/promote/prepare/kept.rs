//! What gates ask servers, with the answers that are kept while they are fresh.

use crate::assess::gate::Settings;
use crate::model::EnvironmentName;
use crate::plan::Select;

use crate::promote::analyses::{Analysis, Verification};
use crate::promote::ports::Reading;
use crate::promote::prepare::fresh::Kept;
use crate::promote::prepare::measured::{self, Answers};
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::pulled::{self, Answer, Wish};
use crate::promote::prepare::released;

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
