//! Whether something that is not there any more has done its work.

use crate::model::{AppSnapshot, Health, Phase, Resource};

/// Whether a Job, or what runs like one, is missing because it has finished and was deleted (`ttlSecondsAfterFinished`): the last sync
/// applied it. One that fails is Degraded until it is deleted.
pub(in crate::assess) fn is_finished(app: &AppSnapshot, resource: &Resource) -> bool {
    let ends = matches!(
        (resource.id.group.as_str(), resource.id.kind.as_str()),
        ("batch", "Job") | ("argoproj.io", "Workflow") | ("tekton.dev", "PipelineRun" | "TaskRun")
    );
    let is_gone = ends && resource.health == Some(Health::Missing) && !resource.requires_pruning;
    is_gone
        && app.operation.as_ref().is_some_and(|operation| {
            let mut results = operation.results.iter();
            let applied = results.any(|result| result.resource == resource.id && !result.hook && !result.failed);
            operation.phase == Phase::Succeeded && applied
        })
}
