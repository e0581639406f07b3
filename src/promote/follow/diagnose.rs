//! Asks why an application is not healthy: the worst resources, their events, what they wrote. Decides nothing: `assess::diagnosis` does.

use std::time::Duration;

use crate::assess::diagnosis::{Finding, Found, Promoted, found, log_wanted, suspects};
use crate::assess::rollout::{Running, running};
use crate::model::ApplicationId;

use crate::promote::follow::ports::FollowPorts;

/// Returns what keeps `id` from becoming healthy, worst first, and which versions its pods run; what was not learned `until` then is left
/// out.
pub(in crate::promote) async fn diagnose(
    ports: FollowPorts<'_>,
    id: &ApplicationId,
    promoted: Promoted<'_>,
    until: Duration,
) -> (Found, Vec<Running>) {
    let (mut findings, mut running) = (Vec::new(), Vec::new());
    let patience = until.saturating_sub(ports.clock.now());
    tokio::select! {
        biased;
        () = look(ports, id, promoted, &mut findings, &mut running) => {}
        () = ports.clock.sleep(patience) => {}
    }
    (found(&findings), running)
}

async fn look(
    ports: FollowPorts<'_>,
    id: &ApplicationId,
    promoted: Promoted<'_>,
    findings: &mut Vec<Finding>,
    pods: &mut Vec<Running>,
) {
    let Ok(tree) = ports.observe.tree(id).await else { return };
    *pods = running(&tree, promoted.images);
    for suspect in suspects(&tree, promoted) {
        let node = suspect.node;
        let mut finding = Finding {
            node: node.clone(),
            old: suspect.old,
            ..Finding::default()
        };
        // What was ill before is named, no more.
        if suspect.old {
            findings.push(finding);
            continue;
        }
        finding.events = ports.observe.events(id, node).await.unwrap_or_default();
        let said = ports.observe.said_by(id, node).await.unwrap_or_default();
        (finding.said, finding.since) = (said.lines, said.since);
        if let Some(before) = log_wanted(node) {
            finding.log = ports.observe.logs(id, node, before).await.unwrap_or_default();
        }
        findings.push(finding);
    }
}
