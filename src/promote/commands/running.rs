//! How the applications of the rows run: asked for together, shown beside what is pinned.

use crate::assess::rollout::Origin;
use crate::assess::source::missing;
use crate::delivery::Observe;
use crate::model::{AppSnapshot, ApplicationId, Canary, Fault, Health, Resource};
use crate::plan::Place;
use crate::promote::commands::rollouts::row_of;
use crate::promote::ports::Ports;
use crate::promote::prepare::applications::candidates_of;
use crate::promote::prepare::live::is_live;
use crate::promote::prepare::looked::Looked;
use crate::promote::prepare::precheck::look_at;
use crate::promote::prepare::shared::Tree;
use crate::promote::prepare::{patience, precheck};
use crate::report::{RolloutRow, StatusRow};

/// Asks about the applications of all rows. One that cannot be read, or deploys something else, is a warning.
///
/// # Errors
/// The token is not known, or an application's name is none.
pub(in crate::promote) async fn run(
    rows: &mut [&mut (Place, StatusRow)],
    observe: &dyn Observe,
    origin: &Origin,
    tree: &Tree<'_>,
    ports: Ports<'_>,
) -> Result<(), Fault> {
    precheck::whoami(observe, ports.clock).await?;
    let mut candidates = Vec::new();
    for (target, _) in rows.iter().map(|row| &**row) {
        candidates.extend(candidates_of(target, &[])?);
    }
    let looked = look_at(observe, ports.clock, origin, Some(tree), candidates).await;
    for (target, row) in rows.iter_mut().map(|row| &mut **row) {
        let of_row = |Looked { candidate, .. }: &&Looked| {
            candidate.app == target.app
                && candidate.environment == target.environment
                && candidate.cluster == target.cluster
        };
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
        row.rollout = canary(observe, &apps).await;
        judge(observe, ports, row, &apps).await;
        if row.live != Some(true) {
            row.not_running = not_running(observe, ports, &row.images, &apps).await;
        }
    }
    Ok(())
}

/// Judges whether every application runs what is pinned, as `wait` does, and says what is not as it should be all the same.
async fn judge(observe: &dyn Observe, ports: Ports<'_>, row: &mut StatusRow, apps: &[(&ApplicationId, &AppSnapshot)]) {
    let mut why = Vec::new();
    for (id, app) in apps {
        match is_live(observe, ports.clock, id, app, &row.images).await {
            Ok(besides) => {
                for said in besides {
                    ports.journal.warn(format!("{id} {said}"));
                }
            }
            Err(reason) => why.push(format!("{id} {reason}")),
        }
    }
    row.live = (!apps.is_empty()).then_some(why.is_empty());
    row.reason = (!why.is_empty()).then(|| why.join("; "));
}

/// Returns the canary of one of the applications that is under way. Only a Rollout that is not healthy can have one.
async fn canary(observe: &dyn Observe, apps: &[(&ApplicationId, &AppSnapshot)]) -> Option<RolloutRow> {
    for (id, app) in apps {
        let moving = |resource: &&Resource| resource.is_rollout() && resource.health != Some(Health::Healthy);
        for rollout in app.resources.iter().filter(moving) {
            let canary = observe.rollout(id, rollout).await.ok();
            if let Some(canary) = canary.filter(Canary::is_underway) {
                return Some(row_of(&canary));
            }
        }
    }
    None
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
            let managed = patience::patiently(ports.clock, || observe.managed(id)).await;
            left = missing(app, &managed.unwrap_or_default(), &left)
                .into_iter()
                .cloned()
                .collect();
        }
    }
    left
}
