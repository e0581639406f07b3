//! Argo CD's JSON, only the fields that are read; every one may be absent. Every list and map has a bound that no real server meets.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::limits;

use super::bounded::{Any, List, Texts};

/// An application.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Application {
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
    pub(super) status: Status,
    pub(super) operation: Option<Operation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) deletion_timestamp: Option<String>,
    pub(super) annotations: Texts,
    pub(super) owner_references: List<Owner, 100>,
}

/// What an object was made by.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) project: String,
    pub(super) source: Option<Source>,
    pub(super) sources: List<Source, 100>,
    pub(super) source_hydrator: Option<SourceHydrator>,
    pub(super) sync_policy: Option<SyncPolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Source {
    #[serde(rename = "repoURL")]
    pub(super) repo_url: String,
    pub(super) path: String,
    pub(super) target_revision: String,
    pub(super) chart: String,
    pub(super) kustomize: Option<Box<RawValue>>,
    pub(super) helm: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SourceHydrator {
    pub(super) dry_source: Source,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncPolicy {
    pub(super) automated: Option<Automated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Automated {
    pub(super) enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) sync: Sync,
    pub(super) health: Option<Health>,
    pub(super) resources: List<Resource>,
    pub(super) conditions: List<Condition, 1_000>,
    pub(super) reconciled_at: Option<String>,
    pub(super) operation_state: Option<OperationState>,
    pub(super) history: List<History, 1_000>,
    pub(super) summary: Summary,
    pub(super) source_hydrator: Option<HydratorStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sync {
    pub(super) status: String,
    pub(super) revision: String,
    pub(super) revisions: List<String, 100>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Health {
    pub(super) status: String,
    pub(super) message: String,
    #[serde(rename = "lastTransitionTime")]
    pub(super) since: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) health: Option<Health>,
    pub(super) requires_pruning: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    pub(super) images: List<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct History {
    pub(super) revision: String,
    pub(super) revisions: List<String, 100>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OperationState {
    pub(super) phase: String,
    pub(super) message: String,
    pub(super) operation: Operation,
    pub(super) started_at: Option<String>,
    pub(super) finished_at: Option<String>,
    pub(super) retry_count: u32,
    pub(super) sync_result: Option<SyncResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Operation {
    pub(super) sync: Option<SyncOperation>,
    pub(super) info: List<Note, 1_000>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SyncOperation {
    pub(super) revision: String,
    pub(super) revisions: List<String, 100>,
    pub(super) dry_run: bool,
    pub(super) resources: List<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncResult {
    pub(super) revision: String,
    pub(super) revisions: List<String, 100>,
    pub(super) resources: List<ResourceResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceResult {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) message: String,
    pub(super) hook_type: String,
    pub(super) hook_phase: String,
    pub(super) images: List<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct HydratorStatus {
    pub(super) current_operation: Option<HydrateOperation>,
    pub(super) last_compared_dry_revision: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HydrateOperation {
    pub(super) phase: String,
    pub(super) message: String,
    #[serde(rename = "drySHA")]
    pub(super) dry: String,
    #[serde(rename = "hydratedSHA")]
    pub(super) hydrated: String,
}

/// A frame of the stream of applications.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    pub(super) result: Option<FrameResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FrameResult {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) application: Application,
}

/// An application in a list of all: which it is, and what it deploys.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listed {
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
}

/// A list of applications.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApplicationList {
    pub(super) items: List<Listed, { limits::ARGOCD_APPLICATIONS.things() }>,
}

/// Who we are to the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UserInfo {
    pub(super) logged_in: bool,
    pub(super) username: String,
}

/// The answer of can-i.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CanI {
    pub(super) value: String,
}

/// What is managed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ManagedResources {
    pub(super) items: List<ManagedResource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ManagedResource {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) target_state: String,
    pub(super) live_state: String,
    pub(super) hook: bool,
}

/// An `ApplicationSet`, as far as it matters who syncs its applications.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApplicationSet {
    pub(super) metadata: Metadata,
    pub(super) spec: SetSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SetSpec {
    pub(super) strategy: Option<SetStrategy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SetStrategy {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// The sync windows.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Windows {
    pub(super) can_sync: bool,
    #[serde(rename = "activeWindows")]
    pub(super) active: List<Window, 1_000>,
    #[serde(rename = "assignedWindows")]
    pub(super) assigned: List<Window, 1_000>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Window {
    pub(super) kind: String,
    pub(super) schedule: String,
    pub(super) duration: String,
    pub(super) time_zone: String,
    pub(super) manual_sync: bool,
}

/// The tree.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tree {
    pub(super) nodes: List<Node, { limits::ARGOCD_NODES.things() }>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Node {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) parent_refs: List<ParentRef, 100>,
    pub(super) health: Option<Health>,
    pub(super) info: List<Note, 1_000>,
    pub(super) images: List<String>,
    pub(super) created_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ParentRef {
    pub(super) uid: String,
}

/// The server's version.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Version {
    pub(super) version: String,
}

/// Events of the cluster.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Events {
    pub(super) items: List<Event>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) last_timestamp: Option<String>,
}

/// One line of a log, as it is streamed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogFrame {
    pub(super) result: LogLine,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LogLine {
    pub(super) content: String,
    pub(super) last: bool,
}

/// An object of the cluster, as text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    pub(super) manifest: String,
}

/// An error: of one call (`error` is a text) or of a stream (`error` is an object).
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: Option<Any>,
    #[serde(default)]
    pub(super) message: String,
}
