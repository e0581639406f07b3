//! How each app is in the environments of `after`: what they pin, what the record says, and what runs there. Read side by side.

use crate::assess::gate::{self, Earlier, Settings};
use crate::model::EnvironmentName;
use crate::plan::Select;

use crate::promote::ports::Reading;
use crate::promote::prepare::earlier::{self, Step};
use crate::promote::prepare::fresh::Kept;
use crate::promote::prepare::plan::Planned;

/// Whether each application of the environments before is live and healthy.
pub(in crate::promote) type KeptLive = Kept<earlier::Question, Vec<gate::Seen<Result<(), String>>>>;

/// Reads how each app is in the environments that it must have passed. Record and Argo CD are read side by side.
pub(in crate::promote) async fn passed(
    reading: Reading<'_>,
    select: &Select,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
    kept: &mut Option<KeptLive>,
) -> Vec<(Step, Earlier)> {
    let mut steps = Vec::new();
    for (to, settings) in environments {
        for place in planned.snapshot.apps().filter(|place| place.environment == *to) {
            steps.extend(settings.after.iter().map(|from| Step {
                app: place.app.clone(),
                to: to.clone(),
                from: from.clone(),
            }));
        }
    }
    let pinned = earlier::pinned(reading.repo, select, planned, &steps).await;
    let mut question = earlier::Question::new();
    for (pinned, places) in &pinned {
        let Ok(Ok(images)) = pinned else { continue };
        for place in places {
            if !question.iter().any(|(known, of)| known == place && of == images) {
                question.push((place.clone(), images.clone()));
            }
        }
    }
    let live = async {
        if let Some(answer) = Kept::fresh(kept.as_ref(), reading.ports.clock, &question) {
            return answer;
        }
        let answer = earlier::live(reading, planned, &question).await;
        *kept = Some(Kept::new(reading.ports.clock, question.clone(), answer.clone()));
        answer
    };
    let (records, live) = tokio::join!(earlier::recorded(reading.repo, planned, &steps, &pinned), live);
    let mut passed = Vec::new();
    for ((step, (pinned, places)), record) in steps.into_iter().zip(&pinned).zip(records) {
        let of_step = |(known, _): &(&(crate::plan::Place, Vec<String>), _)| {
            places.contains(&known.0) && matches!(pinned, Ok(Ok(images)) if *images == known.1)
        };
        let live = question.iter().zip(&live).filter(of_step).map(|(_, live)| live.clone());
        let live = live.reduce(|one, other| Ok(one?.and(other?)));
        let joined = earlier::joined(&step, pinned, record, live);
        passed.push((step, joined));
    }
    passed
}
