//! Turns Argo CD's JSON into the model's nouns. Lenient: what is absent or unknown becomes the noun's "not known".

use crate::model::{
    AppSnapshot, AppSource, CommitSha, Condition, Happening, Health, Hydration, Node, Operation, Phase, RepoIdentity,
    Resource, ResourceId, SyncResult, SyncState, SyncWindow, SyncWindows, Timestamp, WindowKind,
};

use super::bounded::{self, List};
use super::wire;

/// Reads an application from Argo CD's JSON: an answer's body, or the `application` of a stream's frame.
///
/// # Errors
/// Says what is wrong with the JSON.
pub fn snapshot_of(json: &serde_json::Value) -> Result<AppSnapshot, String> {
    bounded::fund(usize::MAX);
    <wire::Application as serde::Deserialize>::deserialize(json)
        .map(snapshot)
        .map_err(|error| error.to_string())
}

/// Reads an application's resource tree from Argo CD's JSON.
///
/// # Errors
/// Says what is wrong with the JSON.
pub fn tree_of(json: &serde_json::Value) -> Result<Vec<Node>, String> {
    bounded::fund(usize::MAX);
    <wire::Tree as serde::Deserialize>::deserialize(json)
        .map(tree)
        .map_err(|error| error.to_string())
}

/// Reads an application's sync windows from Argo CD's JSON.
///
/// # Errors
/// Says what is wrong with the JSON.
pub fn windows_of(json: &serde_json::Value) -> Result<SyncWindows, String> {
    bounded::fund(usize::MAX);
    <wire::Windows as serde::Deserialize>::deserialize(json)
        .map(windows)
        .map_err(|error| error.to_string())
}

pub(super) fn tree(tree: wire::Tree) -> Vec<Node> {
    tree.nodes.into_iter().map(node).collect()
}

pub(super) fn snapshot(app: wire::Application) -> AppSnapshot {
    let wire::Application {
        metadata,
        spec,
        status,
        operation,
    } = app;
    let annotations = metadata.annotations;
    let annotation = |name: &str| annotations.get(&format!("argocd.argoproj.io/{name}"));
    let hydrated = spec.source_hydrator.is_some();
    AppSnapshot {
        environment: None,
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        version: metadata.resource_version.parse().ok(),
        project: spec.project,
        // `hydrate` is never cleared on an application without a hydrator: only `refresh` is a pending refresh.
        refresh_pending: annotation("refresh").is_some(),
        skips_reconcile: annotation("skip-reconcile").is_some_and(|value| value == "true"),
        deleting: metadata.deletion_timestamp.is_some(),
        path_filtered: annotation("manifest-generate-paths").is_some(),
        set: (metadata.owner_references.into_iter())
            .find(|owner| owner.kind == "ApplicationSet")
            .map(|owner| owner.name),
        sources: sources(spec.source_hydrator, spec.sources.into_vec(), spec.source),
        automated: spec
            .sync_policy
            .and_then(|policy| policy.automated)
            .is_some_and(|automated| automated.enabled.unwrap_or(true)),
        revisions: revisions(status.sync.revision, status.sync.revisions),
        sync: sync_state(&status.sync.status),
        health: status.health.as_ref().map_or(Health::Unknown, |h| health(&h.status)),
        health_since: status.health.as_ref().and_then(|h| time(h.since.as_deref())),
        health_message: status.health.map(|h| h.message).unwrap_or_default(),
        reconciled_at: time(status.reconciled_at.as_deref()),
        operation_requested: operation.is_some(),
        operation: status.operation_state.map(operation_state),
        conditions: (status.conditions.into_iter())
            .map(|condition| Condition {
                kind: condition.kind,
                message: condition.message,
            })
            .collect(),
        resources: status.resources.into_iter().map(resource).collect(),
        images: status.summary.images.into_vec(),
        last_synced: (status.history.into_vec().pop())
            .map(|last| revisions(last.revision, last.revisions))
            .unwrap_or_default(),
        hydration: hydrated.then(|| hydration(status.source_hydrator.unwrap_or_default())),
    }
}

fn sources(
    hydrator: Option<wire::SourceHydrator>,
    many: Vec<wire::Source>,
    one: Option<wire::Source>,
) -> Vec<AppSource> {
    match (hydrator, one) {
        (Some(hydrator), _) => vec![source(hydrator.dry_source)],
        (None, one) if many.is_empty() => one.map(source).into_iter().collect(),
        _ => many.into_iter().map(source).collect(),
    }
}

/// Reads one of a list of all applications: what it is and deploys, nothing of how it is.
pub(super) fn listed(listed: wire::Listed) -> AppSnapshot {
    snapshot(wire::Application {
        metadata: listed.metadata,
        spec: listed.spec,
        ..wire::Application::default()
    })
}

fn source(source: wire::Source) -> AppSource {
    let tools = [("kustomize", &source.kustomize), ("helm", &source.helm)];
    let set = tools
        .into_iter()
        .filter_map(|(tool, set)| Some(format!("\"{tool}\": {}", set.as_ref()?.get())));
    let set: Vec<String> = set.collect();
    AppSource {
        overrides: if set.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", set.join(", "))
        },
        chart: !source.chart.is_empty() || source.repo_url.starts_with("oci://"),
        repository: RepoIdentity::of(&source.repo_url),
        repo_url: source.repo_url,
        path: source.path,
        target_revision: source.target_revision,
    }
}

fn revisions(one: String, many: List<String, 100>) -> Vec<String> {
    if !many.is_empty() {
        many.into_vec()
    } else if one.is_empty() {
        Vec::new()
    } else {
        vec![one]
    }
}

pub(super) fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(Timestamp::parse)
}

fn sync_state(text: &str) -> SyncState {
    match text {
        "Synced" => SyncState::Synced,
        "OutOfSync" => SyncState::OutOfSync,
        _ => SyncState::Unknown,
    }
}

pub(super) fn health(text: &str) -> Health {
    match text {
        "Healthy" => Health::Healthy,
        "Suspended" => Health::Suspended,
        "Progressing" => Health::Progressing,
        "Missing" => Health::Missing,
        "Degraded" => Health::Degraded,
        _ => Health::Unknown,
    }
}

fn phase(text: &str) -> Phase {
    match text {
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        "Error" => Phase::Error,
        "Terminating" => Phase::Terminating,
        // A word we do not know is no end: keep waiting.
        _ => Phase::Running,
    }
}

fn operation_state(state: wire::OperationState) -> Operation {
    let sync = state.operation.sync.unwrap_or_default();
    let result = state.sync_result.unwrap_or_default();
    let asked = revisions(sync.revision, sync.revisions);
    let resolved = revisions(result.revision, result.revisions);
    // Somebody's short name stays short in what was asked; the result has it in full.
    let full = |all: &[String]| !all.is_empty() && all.iter().all(|one| CommitSha::parse(one).is_some());
    Operation {
        phase: phase(&state.phase),
        message: state.message,
        revisions: if full(&asked) || resolved.is_empty() {
            asked
        } else {
            resolved
        },
        started_at: time(state.started_at.as_deref()),
        finished_at: time(state.finished_at.as_deref()),
        retries: state.retry_count,
        dry_run: sync.dry_run,
        partial: !sync.resources.is_empty(),
        notes: (state.operation.info.into_iter())
            .map(|note| (note.name, note.value))
            .collect(),
        results: (result.resources.into_iter()).map(sync_result).collect(),
    }
}

fn sync_result(result: wire::ResourceResult) -> SyncResult {
    // Ordinary resources carry `hookPhase` too; only hooks have a type.
    let hook = !result.hook_type.is_empty();
    SyncResult {
        failed: result.status == "SyncFailed" || matches!(result.hook_phase.as_str(), "Failed" | "Error"),
        resource: id(result.group, result.kind, result.namespace, result.name),
        hook,
        message: result.message,
        images: result.images.into_vec(),
    }
}

pub(super) fn id(group: String, kind: String, namespace: String, name: String) -> ResourceId {
    ResourceId {
        group,
        kind,
        namespace,
        name,
    }
}

fn resource(resource: wire::Resource) -> Resource {
    Resource {
        id: id(resource.group, resource.kind, resource.namespace, resource.name),
        version: resource.version,
        sync: sync_state(&resource.status),
        health: (resource.health.as_ref())
            .filter(|h| !h.status.is_empty())
            .map(|h| health(&h.status)),
        health_message: resource.health.map(|h| h.message).unwrap_or_default(),
        requires_pruning: resource.requires_pruning,
    }
}

fn hydration(status: wire::HydratorStatus) -> Hydration {
    let current = status.current_operation.unwrap_or_default();
    Hydration {
        phase: current.phase,
        message: current.message,
        dry: CommitSha::parse(&current.dry),
        hydrated: CommitSha::parse(&current.hydrated),
        compared: CommitSha::parse(&status.last_compared_dry_revision),
    }
}

fn node(node: wire::Node) -> Node {
    Node {
        id: id(node.group, node.kind, node.namespace, node.name),
        version: node.version,
        uid: node.uid,
        parents: (node.parent_refs.into_iter()).map(|parent| parent.uid).collect(),
        health: (node.health.as_ref())
            .filter(|h| !h.status.is_empty())
            .map(|h| health(&h.status)),
        message: node.health.map(|h| h.message).unwrap_or_default(),
        details: (node.info.into_iter()).map(|note| (note.name, note.value)).collect(),
        images: node.images.into_vec(),
        created_at: time(node.created_at.as_deref()),
    }
}

pub(super) fn happening(event: wire::Event) -> Happening {
    Happening {
        warning: event.kind == "Warning",
        reason: event.reason,
        message: event.message,
        at: time(event.last_timestamp.as_deref()),
    }
}

pub(super) fn windows(windows: wire::Windows) -> SyncWindows {
    let all = |list: List<wire::Window, 1_000>| list.into_iter().map(window).collect();
    SyncWindows {
        manual_possible: windows.can_sync,
        active: all(windows.active),
        assigned: all(windows.assigned),
    }
}

fn window(window: wire::Window) -> SyncWindow {
    SyncWindow {
        kind: if window.kind == "allow" {
            WindowKind::Allow
        } else {
            WindowKind::Deny
        },
        schedule: window.schedule,
        time_zone: window.time_zone,
        duration: window.duration,
        manual: window.manual_sync,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_is_an_application_that_is_not_green() {
        let app = snapshot_of(&serde_json::json!({})).unwrap();
        assert_eq!((app.sync, app.health), (SyncState::Unknown, Health::Unknown));
        assert!(app.operation.is_none() && !app.automated);
    }

    #[test]
    fn automated_but_not_enabled_is_manual() {
        let app = |automated: serde_json::Value| {
            snapshot_of(&serde_json::json!({"spec": {"syncPolicy": {"automated": automated}}})).unwrap()
        };
        assert!(app(serde_json::json!({})).automated);
        assert!(!app(serde_json::json!({"enabled": false})).automated);
        assert!(!app(serde_json::Value::Null).automated);
    }

    #[test]
    fn a_short_revision_is_replaced_by_the_full_one_of_the_result() {
        let full = "a".repeat(40);
        let app = snapshot_of(&serde_json::json!({"status": {"operationState": {
            "operation": {"sync": {"revision": "aaaaaaa"}}, "syncResult": {"revision": full}}}}))
        .unwrap();
        assert_eq!(app.operation.unwrap().revisions, [full]);
    }

    #[test]
    fn a_hydrate_annotation_is_no_pending_refresh() {
        let app = |name: &str| {
            let annotations = serde_json::json!({(format!("argocd.argoproj.io/{name}")): "normal"});
            snapshot_of(&serde_json::json!({"metadata": {"annotations": annotations}})).unwrap()
        };
        assert!(!app("hydrate").refresh_pending);
        assert!(app("refresh").refresh_pending);
    }
}
