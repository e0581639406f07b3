//! Argo CD's JSON, only the fields that are read; every one may be absent. Every list and map has a bound that no real server meets.

mod application;

use serde::Deserialize;

use crate::model::limits;

use super::bounded::{Any, List};

pub(super) use application::*;

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

/// Whose token it is.
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
    pub(super) involved_object: Involved,
}

/// What an event is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Involved {
    pub(super) name: String,
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
    #[serde(rename = "podName")]
    pub(super) pod: String,
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
