//! An application, as Argo CD's JSON has it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::bounded::{List, Texts};

/// An application.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Application {
    pub(in crate::delivery::argocd) metadata: Metadata,
    pub(in crate::delivery::argocd) spec: Spec,
    pub(in crate::delivery::argocd) status: Status,
    pub(in crate::delivery::argocd) operation: Option<Operation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct Metadata {
    pub(in crate::delivery::argocd) name: String,
    pub(in crate::delivery::argocd) namespace: String,
    pub(in crate::delivery::argocd) uid: String,
    pub(in crate::delivery::argocd) resource_version: String,
    pub(in crate::delivery::argocd) deletion_timestamp: Option<String>,
    pub(in crate::delivery::argocd) annotations: Texts,
    pub(in crate::delivery::argocd) owner_references: List<Owner, 100>,
}

/// What an object was made by.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Owner {
    pub(in crate::delivery::argocd) kind: String,
    pub(in crate::delivery::argocd) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct Spec {
    pub(in crate::delivery::argocd) project: String,
    pub(in crate::delivery::argocd) source: Option<Source>,
    pub(in crate::delivery::argocd) sources: List<Source, 100>,
    pub(in crate::delivery::argocd) source_hydrator: Option<SourceHydrator>,
    pub(in crate::delivery::argocd) sync_policy: Option<SyncPolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct Source {
    #[serde(rename = "repoURL")]
    pub(in crate::delivery::argocd) repo_url: String,
    pub(in crate::delivery::argocd) path: String,
    pub(in crate::delivery::argocd) target_revision: String,
    pub(in crate::delivery::argocd) chart: String,
    pub(in crate::delivery::argocd) kustomize: Option<Box<RawValue>>,
    pub(in crate::delivery::argocd) helm: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct SourceHydrator {
    pub(in crate::delivery::argocd) dry_source: Source,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct SyncPolicy {
    pub(in crate::delivery::argocd) automated: Option<Automated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Automated {
    pub(in crate::delivery::argocd) enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct Status {
    pub(in crate::delivery::argocd) sync: Sync,
    pub(in crate::delivery::argocd) health: Option<Health>,
    pub(in crate::delivery::argocd) resources: List<Resource>,
    pub(in crate::delivery::argocd) conditions: List<Condition, 1_000>,
    pub(in crate::delivery::argocd) reconciled_at: Option<String>,
    pub(in crate::delivery::argocd) operation_state: Option<OperationState>,
    pub(in crate::delivery::argocd) history: List<History, 1_000>,
    pub(in crate::delivery::argocd) summary: Summary,
    pub(in crate::delivery::argocd) source_hydrator: Option<HydratorStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Sync {
    pub(in crate::delivery::argocd) status: String,
    pub(in crate::delivery::argocd) revision: String,
    pub(in crate::delivery::argocd) revisions: List<String, 100>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Health {
    pub(in crate::delivery::argocd) status: String,
    pub(in crate::delivery::argocd) message: String,
    #[serde(rename = "lastTransitionTime")]
    pub(in crate::delivery::argocd) since: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct Resource {
    pub(in crate::delivery::argocd) group: String,
    pub(in crate::delivery::argocd) version: String,
    pub(in crate::delivery::argocd) kind: String,
    pub(in crate::delivery::argocd) namespace: String,
    pub(in crate::delivery::argocd) name: String,
    pub(in crate::delivery::argocd) status: String,
    pub(in crate::delivery::argocd) health: Option<Health>,
    pub(in crate::delivery::argocd) requires_pruning: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Condition {
    #[serde(rename = "type")]
    pub(in crate::delivery::argocd) kind: String,
    pub(in crate::delivery::argocd) message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Summary {
    pub(in crate::delivery::argocd) images: List<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct History {
    pub(in crate::delivery::argocd) revision: String,
    pub(in crate::delivery::argocd) revisions: List<String, 100>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct OperationState {
    pub(in crate::delivery::argocd) phase: String,
    pub(in crate::delivery::argocd) message: String,
    pub(in crate::delivery::argocd) operation: Operation,
    pub(in crate::delivery::argocd) started_at: Option<String>,
    pub(in crate::delivery::argocd) finished_at: Option<String>,
    pub(in crate::delivery::argocd) retry_count: u32,
    pub(in crate::delivery::argocd) sync_result: Option<SyncResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Operation {
    pub(in crate::delivery::argocd) sync: Option<SyncOperation>,
    pub(in crate::delivery::argocd) info: List<Note, 1_000>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct SyncOperation {
    pub(in crate::delivery::argocd) revision: String,
    pub(in crate::delivery::argocd) revisions: List<String, 100>,
    pub(in crate::delivery::argocd) dry_run: bool,
    pub(in crate::delivery::argocd) resources: List<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct Note {
    pub(in crate::delivery::argocd) name: String,
    pub(in crate::delivery::argocd) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct SyncResult {
    pub(in crate::delivery::argocd) revision: String,
    pub(in crate::delivery::argocd) revisions: List<String, 100>,
    pub(in crate::delivery::argocd) resources: List<ResourceResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct ResourceResult {
    pub(in crate::delivery::argocd) group: String,
    pub(in crate::delivery::argocd) kind: String,
    pub(in crate::delivery::argocd) namespace: String,
    pub(in crate::delivery::argocd) name: String,
    pub(in crate::delivery::argocd) status: String,
    pub(in crate::delivery::argocd) message: String,
    pub(in crate::delivery::argocd) hook_type: String,
    pub(in crate::delivery::argocd) hook_phase: String,
    pub(in crate::delivery::argocd) images: List<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::delivery::argocd) struct HydratorStatus {
    pub(in crate::delivery::argocd) current_operation: Option<HydrateOperation>,
    pub(in crate::delivery::argocd) last_compared_dry_revision: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::delivery::argocd) struct HydrateOperation {
    pub(in crate::delivery::argocd) phase: String,
    pub(in crate::delivery::argocd) message: String,
    #[serde(rename = "drySHA")]
    pub(in crate::delivery::argocd) dry: String,
    #[serde(rename = "hydratedSHA")]
    pub(in crate::delivery::argocd) hydrated: String,
}
