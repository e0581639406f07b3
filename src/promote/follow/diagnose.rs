//! Asks why an application is not healthy: the worst resources, their events, what they wrote. Decides nothing: `assess::diagnosis` does.

use std::time::Duration;

use crate::assess::diagnosis::{Finding, lines, log_wanted, suspects};
use crate::model::ApplicationId;

use crate::promote::follow::FollowPorts;

/// How long the asking may take: the answer is welcome, not necessary.
const PATIENCE: Duration = Duration::from_secs(10);

/// Returns what keeps `id` from becoming healthy, worst first, at most ten lines; nothing when that cannot be learned.
pub(in crate::promote) async fn diagnose(ports: FollowPorts<'_>, id: &ApplicationId, images: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    tokio::select! {
        biased;
        () = look(ports, id, images, &mut findings) => {}
        () = ports.clock.sleep(PATIENCE) => {}
    }
    lines(&findings)
}

async fn look(ports: FollowPorts<'_>, id: &ApplicationId, images: &[String], findings: &mut Vec<Finding>) {
    let Ok(tree) = ports.observe.tree(id).await else { return };
    for node in suspects(&tree, images) {
        let mut finding = Finding {
            node: node.clone(),
            ..Finding::default()
        };
        finding.events = ports.observe.events(id, node).await.unwrap_or_default();
        let said = ports.observe.said_by(id, node).await.unwrap_or_default();
        (finding.said, finding.since) = (said.lines, said.since);
        if let Some(before) = log_wanted(node) {
            finding.log = ports.observe.logs(id, node, before).await.unwrap_or_default();
        }
        findings.push(finding);
    }
}
