//! Says in a few lines which resource keeps an application from becoming healthy, and why. Pure: resources, events and logs in, lines out.

use crate::model::{Happening, Health, Node, Timestamp};

use super::rollout::stuck_pods;

/// How many lines are said at most.
const LINES: usize = 10;
/// How long a line is at most.
const WIDTH: usize = 300;
/// How many resources are asked about at most.
const SUSPECTS: usize = 4;

/// A resource that is not well, with what could be learned of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The resource.
    pub node: Node,
    /// Its events, the newest last.
    pub events: Vec<Happening>,
    /// What its object says of itself.
    pub said: Vec<String>,
    /// Since when the state holds that it is in; `None` where nothing tells.
    pub since: Option<Timestamp>,
    /// The last lines that it wrote.
    pub log: Vec<String>,
}

/// Returns the resources that are worth asking about, the likeliest cause first. `images` are those that were promoted.
#[must_use]
pub fn suspects<'a>(tree: &'a [Node], images: &[String]) -> Vec<&'a Node> {
    let stuck = stuck_pods(tree, images);
    let newest_analysis = (tree.iter())
        .filter(|node| node.id.kind == "AnalysisRun")
        .max_by_key(|node| node.created_at);
    let rank = |node: &&Node| -> Option<u8> {
        let health = node.health?;
        match node.id.kind.as_str() {
            // Those of earlier rollouts stay where they ended.
            "AnalysisRun" => (matches!(health, Health::Degraded | Health::Unknown)
                && newest_analysis.is_some_and(|newest| newest.uid == node.uid))
            .then_some(0),
            "Pod" if stuck.iter().any(|pod| pod.name == node.id.name) => Some(0),
            "Pod" | "Job" if health == Health::Degraded => Some(1),
            "ReplicaSet" if health == Health::Progressing => Some(4),
            "Pod" if health == Health::Progressing => Some(3),
            _ if matches!(health, Health::Degraded | Health::Unknown | Health::Missing) => Some(2),
            _ => None,
        }
    };
    let mut found: Vec<(u8, &Node)> = tree.iter().filter_map(|node| Some((rank(&node)?, node))).collect();
    // Of several alike the newest one is ours.
    found.sort_by_key(|(rank, node)| (*rank, std::cmp::Reverse(node.created_at)));
    found.into_iter().take(SUSPECTS).map(|(_, node)| node).collect()
}

/// Tells whether what a resource wrote is worth reading, and whether before its last restart.
#[must_use]
pub fn log_wanted(node: &Node) -> Option<bool> {
    if node.id.kind != "Pod" {
        return None;
    }
    let restarts = node
        .detail("Restart Count")
        .and_then(|count| count.parse::<u32>().ok())
        .unwrap_or(0);
    let reason = node.detail("Status Reason").unwrap_or_default();
    let never_ran = reason.contains("Image") || reason.contains("Create") || reason == "Pending";
    (!never_ran).then_some(restarts > 0)
}

/// Returns what was found, worst first, at most ten lines.
#[must_use]
pub fn lines(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .flat_map(|finding| {
            let events = warnings(&finding.events).into_iter();
            let log = finding
                .log
                .iter()
                .rev()
                .take(3)
                .rev()
                .map(|line| format!("log: {line}"));
            std::iter::once(headline(finding))
                .chain(events)
                .chain(finding.said.iter().cloned())
                .chain(log)
                .enumerate()
                .map(|(at, line)| if at == 0 { line } else { format!("  {line}") })
        })
        .map(|line| cut(&line))
        .take(LINES)
        .collect()
}

fn headline(finding: &Finding) -> String {
    let node = &finding.node;
    let health = node.health.map_or_else(String::new, |health| format!(" is {health}"));
    let reason = match node.detail("Status Reason") {
        Some(reason) if reason != "Running" => format!(" ({reason})"),
        _ => match node.detail("Restart Count") {
            Some(count) if count != "0" => format!(" (restarted {count} times)"),
            _ => String::new(),
        },
    };
    let message = match node.message.as_str() {
        "" => String::new(),
        message => format!(": {message}"),
    };
    let images = match node.images.as_slice() {
        [] => String::new(),
        images if images.iter().any(|image| node.message.contains(image.as_str())) => String::new(),
        images => format!(", image {}", images.join(", ")),
    };
    let since = finding.since.map_or_else(String::new, |at| format!(", since {at}"));
    format!("{}{health}{reason}{message}{images}{since}", node.id)
}

/// Returns the newest warning of each reason, at most three.
fn warnings(events: &[Happening]) -> Vec<String> {
    let mut reasons: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for event in events.iter().rev().filter(|event| event.warning) {
        if !reasons.contains(&event.reason.as_str()) && lines.len() < 3 {
            reasons.push(&event.reason);
            lines.push(format!("{}: {}", event.reason, event.message));
        }
    }
    lines
}

/// Makes one line of a foreign text, and cuts it.
fn cut(text: &str) -> String {
    let indent = text.len() - text.trim_start().len();
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = format!("{}{}", " ".repeat(indent), words.join(" "));
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    fn node(kind: &str, name: &str, health: Health, details: &[(&str, &str)]) -> Node {
        Node {
            id: ResourceId {
                kind: kind.to_owned(),
                name: name.to_owned(),
                ..ResourceId::default()
            },
            uid: name.to_owned(),
            health: Some(health),
            details: details
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            images: if kind == "Pod" {
                vec!["myorg/api:v2".to_owned()]
            } else {
                Vec::new()
            },
            ..Node::default()
        }
    }

    #[test]
    fn the_pod_that_cannot_start_comes_first() {
        let tree = [
            node("Deployment", "api", Health::Degraded, &[]),
            node("ReplicaSet", "api-1", Health::Progressing, &[]),
            node(
                "Pod",
                "api-1-x",
                Health::Degraded,
                &[("Status Reason", "ImagePullBackOff")],
            ),
            node("Pod", "api-0-x", Health::Healthy, &[("Status Reason", "Running")]),
        ];
        let names: Vec<&str> = suspects(&tree, &["myorg/api:v2".to_owned()])
            .iter()
            .map(|n| n.id.name.as_str())
            .collect();
        assert_eq!(names, ["api-1-x", "api", "api-1"]);
    }

    #[test]
    fn an_analysis_of_an_earlier_rollout_is_no_suspect() {
        let at = |name: &str, time: &str| Node {
            created_at: Timestamp::parse(time),
            ..node("AnalysisRun", name, Health::Degraded, &[])
        };
        let tree = [at("old", "2026-01-01T00:00:00Z"), at("new", "2026-01-02T00:00:00Z")];
        let found = suspects(&tree, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id.name, "new");
    }

    #[test]
    fn pods_that_a_quota_forbids_are_told_by_their_replica_set() {
        let tree = [
            node("Deployment", "api", Health::Progressing, &[]),
            node("ReplicaSet", "api-2", Health::Progressing, &[]),
        ];
        let found = suspects(&tree, &["myorg/api:v2".to_owned()]);
        assert_eq!(found.len(), 1);
        let finding = Finding {
            node: found[0].clone(),
            events: vec![Happening {
                warning: true,
                reason: "FailedCreate".to_owned(),
                message: "pods \"api-2-x\" is forbidden: exceeded quota: compute".to_owned(),
                at: None,
            }],
            ..Finding::default()
        };
        assert_eq!(
            lines(&[finding]),
            [
                "ReplicaSet api-2 is Progressing",
                "  FailedCreate: pods \"api-2-x\" is forbidden: exceeded quota: compute",
            ]
        );
    }

    #[test]
    fn events_ends_and_the_last_lines_of_the_log_say_why() {
        let warning = |reason: &str, message: &str| Happening {
            warning: true,
            reason: reason.to_owned(),
            message: message.to_owned(),
            at: None,
        };
        let finding = Finding {
            node: Node {
                message: "back-off 5m0s restarting failed container".to_owned(),
                ..node(
                    "Pod",
                    "api-1-x",
                    Health::Degraded,
                    &[("Status Reason", "CrashLoopBackOff")],
                )
            },
            events: vec![
                warning("BackOff", "old"),
                warning("BackOff", "new"),
                warning("Unhealthy", "probe\nfailed"),
            ],
            said: vec!["container api ended with exit code 3 (Error)".to_owned()],
            since: None,
            log: ["a", "b", "c", "panic: no database"].map(str::to_owned).to_vec(),
        };
        assert_eq!(
            lines(std::slice::from_ref(&finding)),
            [
                "Pod api-1-x is Degraded (CrashLoopBackOff): back-off 5m0s restarting failed container, image myorg/api:v2",
                "  Unhealthy: probe failed",
                "  BackOff: new",
                "  container api ended with exit code 3 (Error)",
                "  log: b",
                "  log: c",
                "  log: panic: no database",
            ]
        );
        assert_eq!(lines(&vec![finding; 3]).len(), LINES);
        assert_eq!(cut(&"x".repeat(5000)).chars().count(), WIDTH + 1);
    }
}
