//! How the applications of the rows run: asked for together, told beside what is pinned.

use crate::assess::rollout::Origin;
use crate::delivery::Observe;
use crate::model::{AppSnapshot, Fault};
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
                ports.journal.warn(fault.to_string());
            }
            match (id, app) {
                (_, Some(app)) => apps.push(app),
                (Some(id), None) if against.is_empty() => {
                    ports.journal.warn(format!("application {id} does not exist"));
                }
                _ => {}
            }
        }
        fill(row, &apps);
    }
    Ok(())
}

/// Puts the worst of the applications into the row, and which pins none of them runs.
fn fill(row: &mut StatusRow, apps: &[&AppSnapshot]) {
    row.sync = apps.iter().map(|app| app.sync).max();
    row.health = apps.iter().map(|app| app.health).max();
    if !apps.is_empty() {
        let running = |image: &&String| !apps.iter().any(|app| app.images.contains(image));
        row.not_running = row.images.iter().filter(running).cloned().collect();
    }
}
