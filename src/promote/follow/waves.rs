//! The waves of an environment's clusters: each is synced and followed once all before it are live, which are followed on with it.

use crate::model::{Health, Outcome, SyncState};
use crate::plan::SyncMode;
use crate::report::ApplicationRow;

use crate::promote::follow::{FollowPorts, Followed, follow};
use crate::promote::followee::{FollowRequest, Followee};
use crate::promote::ports::Cancel;

/// Follows the applications of `request` wave after wave, each with the time of its policy. The first wave that does not go live is the end.
pub(in crate::promote) async fn follow_waves(
    ports: FollowPorts<'_>,
    cancel: &Cancel,
    request: FollowRequest<'_>,
) -> Followed {
    let waves = waves(&request.targets);
    let [before @ .., _] = waves.as_slice() else {
        return Box::pin(follow(ports, cancel, request)).await;
    };
    for (at, wave) in before.iter().enumerate() {
        let turn = |target: &&Followee| target.wave <= *wave;
        let (now, later): (Vec<&Followee>, Vec<&Followee>) = request.targets.iter().partition(turn);
        ports.journal.progress(format!(
            "wave {} of {}: {}; then {}",
            at + 1,
            waves.len(),
            names(now.iter().filter(|target| target.wave == *wave)),
            names(later.iter())
        ));
        let now = FollowRequest {
            targets: now.into_iter().cloned().collect(),
            ..request.clone()
        };
        let mut followed = Box::pin(follow(ports, cancel, now)).await;
        if followed.outcome != Outcome::Live {
            followed.reason = format!(
                "{}; wave {} of {} ended there, so {} was not synced",
                followed.reason,
                at + 1,
                waves.len(),
                names(later.iter())
            );
            let rows = later
                .into_iter()
                .map(|target| waiting(target, &ports.observe.page(&target.id)));
            followed.applications.extend(rows);
            return followed;
        }
        ports
            .journal
            .progress(format!("wave {} of {} is live", at + 1, waves.len()));
    }
    Box::pin(follow(ports, cancel, request)).await
}

/// Returns the numbers of the waves that there are. Where promote starts no sync it keeps no order.
fn waves(targets: &[Followee]) -> Vec<usize> {
    let mut waves: Vec<usize> = (targets.iter())
        .filter(|target| target.policy.sync != SyncMode::Never)
        .map(|target| target.wave)
        .collect();
    waves.sort_unstable();
    waves.dedup();
    waves
}

fn names<'a>(targets: impl Iterator<Item = &'a &'a Followee>) -> String {
    let names: Vec<String> = targets.map(|target| target.id.to_string()).collect();
    names.join(", ")
}

/// Returns the row of an application whose wave did not come.
fn waiting(target: &Followee, page: &str) -> ApplicationRow {
    let app = target.baseline.as_ref();
    ApplicationRow {
        name: target.id.to_string(),
        app: target.app.to_string(),
        environment: target.environment.to_string(),
        url: page.to_owned(),
        sync: app.map_or(SyncState::Unknown, |app| app.sync),
        health: app.map_or(Health::Unknown, |app| app.health),
        revision: app.and_then(|app| app.revisions.first().cloned()),
        live: false,
        reason: format!("{}: not synced, because an earlier wave is not live", target.id),
        rollout: None,
        pods: Vec::new(),
    }
}
