//! Decides whether an application runs, healthy, what is pinned for it: what may be promoted from there.
//! Pure, and of one observation: following belongs to `rollout`.

use crate::model::{AppSnapshot, Health, SyncState};

/// Tells whether every one of `images` runs there and all of it is synced and healthy.
///
/// # Errors
/// Says what is missing, as the end of a sentence about the application.
pub fn is_live(app: &AppSnapshot, images: &[String]) -> Result<(), String> {
    if let Some(missing) = images.iter().find(|image| !app.images.contains(image)) {
        return Err(format!("does not run {missing} (it runs {})", app.images.join(", ")));
    }
    if app.health != Health::Healthy {
        return Err(format!("is {}", app.health));
    }
    if app.sync != SyncState::Synced {
        return Err(format!("is {}", app.sync));
    }
    if app.operation_requested
        || app
            .operation
            .as_ref()
            .is_some_and(|operation| !operation.phase.is_over())
    {
        return Err("is being synced".to_owned());
    }
    Ok(())
}
