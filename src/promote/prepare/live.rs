//! Asks whether an application runs certain images, synced and healthy: the one question behind `from`, `status` and the gates.

use crate::assess::source;
use crate::delivery::Observe;
use crate::model::{AppSnapshot, ApplicationId, Clock};

use crate::promote::prepare::patience::patiently;

/// Whether `app`, as it was just read, runs every one of `images`, by the rules of the wait. Asks for what its workloads are to run
/// where the application alone does not say.
///
/// # Errors
/// Says what is missing, as the end of a sentence about the application.
pub(in crate::promote) async fn is_live(
    observe: &dyn Observe,
    clock: &dyn Clock,
    id: &ApplicationId,
    app: &AppSnapshot,
    images: &[String],
) -> Result<source::Besides, String> {
    let managed = if source::wants_managed(app, images) {
        patiently(clock, || observe.managed(id)).await.ok()
    } else {
        None
    };
    source::is_live(app, managed.as_deref(), images)
}
