//! How the applications of the rows run: asked for together, told beside what is pinned.

use crate::assess::rollout::Origin;
use crate::assess::source::missing;
use crate::delivery::Observe;
use crate::model::{AppSnapshot, ApplicationId, Fault};
use crate::plan::Place;
use crate::promote::ports::Ports;
use crate::promote::prepare::applications::candidates_of;
use crate::promote::prepare::precheck;
use crate::promote::prepare::precheck::{Looked, look_at};
use crate::report::StatusRow;

/// Asks about the applications of all rows. One that cannot be read, or deploys something else, is a warning.
///
/// # Errors
/// The token is not known, or an application's name is none.
pub(in crate::promote) async fn run(
    rows: &mut [(Place, StatusRow)],
    observe: &dyn Observe,
    origin: &Origin,
    ports: Ports<'_>,
) -> Result<(), Fault> {
    precheck::whoami(observe, ports.clock).await?;
    let mut candidates = Vec::new();
    for (target, _) in rows.iter() {
        candidates.extend(candidates_of(target, &[])?);
    }
    let looked = look_at(observe, ports.clock, origin, candidates).await;
    for (target, row) in rows {
        let of_row =
            |looked: &&Looked| looked.candidate.app == target.app && looked.candidate.environment == target.environment;
        let mut apps = Vec::new();
        for Looked { id, app, against, .. } in looked.iter().filter(of_row) {
            for fault in against {
                ports
                    .journal
                    .warn(format!("{} in {}: {fault}", target.app, target.environment));
            }
            match (id, app) {
                (Some(id), Some(app)) => apps.push((id, app)),
                (Some(id), None) if against.is_empty() => {
                    ports.journal.warn(format!("application {id} does not exist"));
                }
                _ => {}
            }
        }
        row.sync = apps.iter().map(|(_, app)| app.sync).max();
        row.health = apps.iter().map(|(_, app)| app.health).max();
        row.not_running = not_running(observe, ports, &row.images, &apps).await;
    }
    Ok(())
}

/// Returns those of `images` that none of the applications runs, nor is to run.
async fn not_running(
    observe: &dyn Observe,
    ports: Ports<'_>,
    images: &[String],
    apps: &[(&ApplicationId, &AppSnapshot)],
) -> Vec<String> {
    let mut left = if apps.is_empty() { Vec::new() } else { images.to_vec() };
    for (id, app) in apps {
        left = missing(app, &[], &left).into_iter().cloned().collect();
        if !left.is_empty() {
            let managed = precheck::patiently(ports.clock, || observe.managed(id)).await;
            left = missing(app, &managed.unwrap_or_default(), &left)
                .into_iter()
                .cloned()
                .collect();
        }
    }
    left
}
