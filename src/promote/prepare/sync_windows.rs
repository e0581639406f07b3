//! Asks Argo CD for the sync windows of the applications that are promoted.

use std::collections::BTreeMap;

use crate::assess::gate::{self, Deployed, Settings};
use crate::delivery::Observe;
use crate::model::{ApplicationId, Clock, EnvironmentName, SyncWindows};
use crate::plan::SyncMode;

use crate::promote::followee::Followee;
use crate::promote::prepare::fresh::Kept;
use crate::promote::prepare::patience::patiently;
use crate::promote::underway::all;

/// The sync windows of each application that was asked about.
pub(in crate::promote) type KeptWindows = Kept<Vec<ApplicationId>, Vec<gate::Seen<SyncWindows>>>;

/// Asks for the sync windows of the applications whose environment has that gate. `None` without a server.
pub(in crate::promote) async fn deployed<'f>(
    observe: Option<&dyn Observe>,
    clock: &dyn Clock,
    environments: &[(EnvironmentName, Settings)],
    followees: &'f [Followee],
    kept: &mut Option<KeptWindows>,
) -> Option<Vec<(&'f Followee, Deployed)>> {
    let observe = observe?;
    let wanted = |followee: &&Followee| {
        let mut here = environments.iter().filter(|(name, _)| *name == followee.environment);
        here.any(|(_, settings)| settings.sync_window != Some(false))
    };
    let is_asked = |followee: &&Followee| followee.baseline.is_some() && followee.policy.sync != SyncMode::Never;
    let question: Vec<ApplicationId> = (followees.iter().filter(wanted).filter(is_asked))
        .map(|followee| followee.id.clone())
        .collect();
    let answer = if let Some(answer) = Kept::fresh(kept.as_ref(), clock, &question) {
        answer
    } else {
        let requests = question.iter().map(|id| patiently(clock, || observe.windows(id)));
        let answers = all(requests).await.into_iter();
        let answers: Vec<gate::Seen<SyncWindows>> = answers
            .map(|answer| answer.map_err(|problem| problem.fault("read them").to_string()))
            .collect();
        *kept = Some(Kept::new(clock, question.clone(), answers.clone()));
        answers
    };
    let windows: BTreeMap<_, _> = question.into_iter().zip(answer).collect();
    let found = followees.iter().filter(wanted).map(|followee| {
        let deployed = Deployed {
            name: followee.id.to_string(),
            automated: followee.baseline.as_ref().is_some_and(|app| app.automated),
            left_alone: followee.policy.sync == SyncMode::Never,
            windows: windows.get(&followee.id).cloned(),
        };
        (followee, deployed)
    });
    Some(found.collect())
}
