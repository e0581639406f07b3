//! Says in a few lines which resource keeps an application from becoming healthy, and why. Pure: resources, events and logs in, lines out.

use crate::model::{AppSnapshot, Happening, Health, Node, Operation, Resource, Timestamp};

use super::rollout::{images, stuck_pods};

/// How many lines are said at most.
const LINES: usize = 10;
/// How long a line is at most.
const WIDTH: usize = 300;
/// How many resources are asked about at most.
const SUSPECTS: usize = 4;
/// How many resources that were ill before are named at most.
const OLD: usize = 2;
/// How far up the tree is looked for what a resource came of.
const GENERATIONS: usize = 8;

/// A resource that is not well, with what could be learned of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The resource.
    pub node: Node,
    /// Its events, the newest last.
    pub events: Vec<Happening>,
    /// What its object says of itself.
    pub said: Vec<String>,
    /// Whether it was ill before, and has no part in the promotion.
    pub old: bool,
    /// Since when the state holds that it is in; `None` where nothing says so.
    pub since: Option<Timestamp>,
    /// The last lines that it wrote.
    pub log: Vec<String>,
}

/// What was promoted, to distinguish its resources from those that were there before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Promoted<'a> {
    /// The images; empty = any.
    pub images: &'a [String],
    /// The sync of the commit, if there was one.
    pub operation: Option<&'a Operation>,
    /// How the application was before.
    pub baseline: Option<&'a AppSnapshot>,
}

/// A resource that is not well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect<'a> {
    /// The resource.
    pub node: &'a Node,
    /// Whether it was not well before, and has no part in the promotion.
    pub old: bool,
}

/// Returns the resources that are worth asking about, the likeliest cause first: what runs the images that were promoted or is part of the
/// sync. What was ill before comes last.
#[must_use]
pub fn suspects<'a>(tree: &'a [Node], promoted: Promoted<'_>) -> Vec<Suspect<'a>> {
    let stuck = stuck_pods(tree, &[]);
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
            "ReplicaSet" if health == Health::Progressing => Some(5),
            "Pod" if health == Health::Progressing => Some(3),
            // What rolls pods out only says that they are not there.
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" if health == Health::Degraded => Some(4),
            _ if matches!(health, Health::Degraded | Health::Unknown | Health::Missing) => Some(2),
            _ => None,
        }
    };
    let mut found: Vec<(u8, Suspect<'_>)> = (tree.iter())
        .filter_map(|node| {
            let old = !has_part(node, tree, promoted);
            Some((rank(&node)?, Suspect { node, old }))
        })
        .collect();
    // Of several alike the newest one is the promotion's.
    found.sort_by_key(|(rank, suspect)| (suspect.old, *rank, std::cmp::Reverse(suspect.node.created_at)));
    let (old, new): (Vec<_>, Vec<_>) = found
        .into_iter()
        .map(|(_, suspect)| suspect)
        .partition(|suspect| suspect.old);
    new.into_iter()
        .take(SUSPECTS)
        .chain(old.into_iter().take(OLD))
        .collect()
}

/// Whether a resource belongs to the promotion: it runs one of its images, it came of a hook or of something that its sync failed on,
/// it was made since the sync began, or it was well before.
fn has_part(node: &Node, tree: &[Node], promoted: Promoted<'_>) -> bool {
    let chain = ancestors(node, tree);
    let in_sync = |node: &Node| {
        let results = promoted.operation.iter().flat_map(|operation| &operation.results);
        let mut own = results.filter(|result| result.hook || result.failed);
        own.any(|result| result.resource == node.id)
    };
    if chain.iter().any(|node| in_sync(node))
        || (tree.iter()).any(|other| runs(other, promoted.images) && comes_of(other, node, tree))
    {
        return true;
    }
    let is_old_pod = !node.images.is_empty() && !promoted.images.is_empty();
    let begun = promoted.operation.and_then(|operation| operation.started_at);
    let since = matches!((node.created_at, begun), (Some(made), Some(begun)) if made >= begun);
    let before = matches!((node.created_at, begun), (Some(made), Some(begun)) if made < begun);
    let was_ill = promoted.baseline.is_some_and(|app| {
        let ill = |health| {
            matches!(
                health,
                Health::Degraded | Health::Unknown | Health::Missing | Health::Suspended
            )
        };
        let was_ill = |resource: &&Resource| resource.health.is_some_and(ill);
        // The same illness: what says something else now fell ill again.
        let same = |resource: &Resource| {
            resource.id != node.id || node.message.is_empty() || resource.health_message == node.message
        };
        (app.resources.iter())
            .filter(was_ill)
            .any(|resource| same(resource) && chain.iter().any(|node| node.id == resource.id))
    });
    let managed = node.parents.is_empty();
    !is_old_pod && !was_ill && (since || managed || !before)
}

/// Whether a pod runs one of `images`.
fn runs(node: &Node, images: &[String]) -> bool {
    node.images.iter().any(|image| images::named(images, image))
}

fn comes_of(node: &Node, of: &Node, tree: &[Node]) -> bool {
    node.uid == of.uid || ancestors(node, tree).iter().any(|ancestor| ancestor.uid == of.uid)
}

/// Returns a resource and what it came of, at most a few steps up.
fn ancestors<'a>(node: &'a Node, tree: &'a [Node]) -> Vec<&'a Node> {
    let mut chain = vec![node];
    while let Some(parent) = chain.last().and_then(|last| {
        let mut parents = tree.iter().filter(|other| last.parents.contains(&other.uid));
        parents.find(|parent| !chain.iter().any(|known| known.uid == parent.uid))
    }) {
        chain.push(parent);
        if chain.len() > GENERATIONS {
            break;
        }
    }
    chain
}

/// Whether what a resource wrote is worth reading, and whether before its last restart.
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

/// What was found, as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The likeliest cause in one line; never what was ill before.
    pub cause: Option<String>,
    /// All of it, worst first, at most ten lines and those about what was ill before.
    pub lines: Vec<String>,
}

/// Returns what was found.
#[must_use]
pub fn found(findings: &[Finding]) -> Found {
    let new: Vec<&Finding> = findings.iter().filter(|finding| !finding.old).collect();
    let mut lines: Vec<String> = new
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
        .collect();
    let cause = new.first().map(|finding| cut(&cause(finding)));
    let old = findings.iter().filter(|finding| finding.old);
    lines.extend(old.map(|finding| cut(&format!("already unhealthy before: {}", headline(finding)))));
    Found { cause, lines }
}

/// Returns the likeliest cause: what a resource says of itself, else its newest warning.
fn cause(finding: &Finding) -> String {
    let node = &finding.node;
    let is_silent = node.message.is_empty() && matches!(node.detail("Status Reason"), None | Some("Running"));
    match finding.events.iter().rev().find(|event| event.warning) {
        Some(event) if is_silent && !event.message.is_empty() => {
            let images = match node.images.as_slice() {
                [] => String::new(),
                images => format!(", image {}", images.join(", ")),
            };
            format!("{} ({}{images})", event.message.trim(), node.id)
        }
        _ => headline(finding),
    }
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
    use crate::model::{ResourceId, SyncResult};

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

    fn v2(images: &[String]) -> Promoted<'_> {
        Promoted {
            images,
            ..Promoted::default()
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one tree, and what is told of it")]
    fn what_was_ill_before_is_blamed_for_nothing() {
        let at = |second: u64| Some(Timestamp::at_unix(1_000_000 + second));
        let of = |mut node: Node, parent: &str, made| {
            node.parents = if parent.is_empty() {
                Vec::new()
            } else {
                vec![parent.to_owned()]
            };
            node.created_at = at(made);
            node
        };
        let crashing = [("Status Reason", "CrashLoopBackOff")];
        let mut old_pod = of(node("Pod", "api-0-x", Health::Degraded, &crashing), "api-0", 1);
        old_pod.images = vec!["myorg/api:v1".to_owned()];
        let mut hook_pod = of(node("Pod", "migrate-x", Health::Degraded, &[]), "migrate", 101);
        hook_pod.images = vec!["myorg/migrate:v7".to_owned()];
        let tree = [
            of(node("Deployment", "api", Health::Progressing, &[]), "", 0),
            of(node("ReplicaSet", "api-0", Health::Progressing, &[]), "api", 1),
            old_pod,
            of(node("Certificate", "api-tls", Health::Degraded, &[]), "", 0),
            of(node("Job", "migrate", Health::Degraded, &[]), "", 100),
            hook_pod,
        ];
        let operation = Operation {
            started_at: at(100),
            results: vec![SyncResult {
                resource: tree[4].id.clone(),
                hook: true,
                failed: true,
                ..SyncResult::default()
            }],
            ..Operation::default()
        };
        let ill = AppSnapshot {
            resources: vec![Resource {
                id: tree[3].id.clone(),
                health: Some(Health::Degraded),
                ..Resource::default()
            }],
            ..AppSnapshot::default()
        };
        let images = ["myorg/api:v2".to_owned()];
        let promoted = Promoted {
            images: &images,
            operation: Some(&operation),
            baseline: Some(&ill),
        };
        let names = |old| -> Vec<String> {
            let all = suspects(&tree, promoted);
            let of = all.iter().filter(|suspect| suspect.old == old);
            of.map(|suspect| suspect.node.id.name.clone()).collect()
        };
        assert_eq!(names(false), ["migrate-x", "migrate"]);
        assert_eq!(names(true), ["api-0-x", "api-tls"]);
        let findings: Vec<Finding> = suspects(&tree, promoted)
            .into_iter()
            .map(|suspect| Finding {
                node: suspect.node.clone(),
                old: suspect.old,
                ..Finding::default()
            })
            .collect();
        let found = super::found(&findings);
        assert!(found.cause.unwrap().starts_with("Pod migrate-x is Degraded"));
        assert!(
            found.lines[2].starts_with("already unhealthy before: Pod api-0-x is Degraded"),
            "{:?}",
            found.lines
        );
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
        let names: Vec<&str> = suspects(&tree, v2(&["myorg/api:v2".to_owned()]))
            .iter()
            .map(|n| n.node.id.name.as_str())
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
        let found = suspects(&tree, Promoted::default());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].node.id.name, "new");
    }

    #[test]
    fn pods_that_a_quota_forbids_are_told_by_their_replica_set() {
        let tree = [
            node("Deployment", "api", Health::Progressing, &[]),
            node("ReplicaSet", "api-2", Health::Progressing, &[]),
        ];
        let found = suspects(&tree, v2(&["myorg/api:v2".to_owned()]));
        assert_eq!(found.len(), 1);
        let finding = Finding {
            node: found[0].node.clone(),
            events: vec![Happening {
                warning: true,
                reason: "FailedCreate".to_owned(),
                message: "pods \"api-2-x\" is forbidden: exceeded quota: compute".to_owned(),
                at: None,
            }],
            ..Finding::default()
        };
        let found = super::found(&[finding]);
        assert_eq!(
            found.cause.as_deref(),
            Some("pods \"api-2-x\" is forbidden: exceeded quota: compute (ReplicaSet api-2)")
        );
        assert_eq!(
            found.lines,
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
            old: false,
            log: ["a", "b", "c", "panic: no database"].map(str::to_owned).to_vec(),
        };
        assert_eq!(
            super::found(std::slice::from_ref(&finding)).lines,
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
        assert_eq!(super::found(&vec![finding; 3]).lines.len(), LINES);
        assert_eq!(cut(&"x".repeat(5000)).chars().count(), WIDTH + 1);
    }
}
