//! Compares what git says with what is applied, and assesses the health: the contents of `status.sync`, `status.resources`,
//! `status.health`. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::application::State;
use super::clock::Moment;
use super::revisions::Revisions;
use super::workload::Health;

/// Group, kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    /// Reads the key of an object; `namespace` is the application's destination.
    pub(crate) fn of(object: &Value, namespace: &str) -> Self {
        let api = object["apiVersion"].as_str().unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            group: api.split_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: text(&object["kind"]).unwrap_or_default(),
            namespace: text(&object["metadata"]["namespace"]).unwrap_or_else(|| namespace.to_owned()),
            name: text(&object["metadata"]["name"]).unwrap_or_default(),
        }
    }
}

/// What revisions render to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) revisions: Revisions,
    pub(crate) objects: BTreeMap<Key, Value>,
}

impl Target {
    pub(crate) fn new(revisions: &Revisions, objects: Vec<Value>, namespace: &str) -> Self {
        let objects = objects.into_iter().map(|object| (Key::of(&object, namespace), object));
        Self {
            revisions: revisions.clone(),
            objects: objects.collect(),
        }
    }
}

/// Returns the version part of an object's `apiVersion`.
pub(crate) fn version(object: &Value) -> String {
    let api = object["apiVersion"].as_str().unwrap_or_default();
    api.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Returns whether anything differs from `target`, and whether all that differs is only to be pruned.
pub(crate) fn differs(state: &State, target: &Target) -> (bool, bool) {
    let changed = target
        .objects
        .iter()
        .any(|(key, object)| state.live.get(key) != Some(object));
    let extra = state.live.keys().any(|key| !target.objects.contains_key(key));
    (changed || extra, extra && !changed)
}

/// Returns `status.resources`, with the health of each.
pub(crate) fn resources(state: &State, target: &Target, now: Moment) -> Vec<Value> {
    let mut rows = Vec::new();
    let keys = target.objects.keys().chain(state.live.keys());
    let mut keys: Vec<&Key> = keys.collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (wanted, live) = (target.objects.get(key), state.live.get(key));
        let object = wanted.or(live).cloned().unwrap_or_default();
        let mut row =
            json!({"version": version(&object), "kind": key.kind, "namespace": key.namespace, "name": key.name});
        if !key.group.is_empty() {
            row["group"] = json!(key.group);
        }
        row["status"] = json!(if wanted == live { "Synced" } else { "OutOfSync" });
        if wanted.is_none() {
            row["requiresPruning"] = json!(true);
        }
        if let Some(health) = health_of(state, key, now) {
            row["health"] = health.json();
        }
        rows.push(row);
    }
    for (name, health, message) in &state.hooks {
        let namespace = &state.spec()["destination"]["namespace"];
        rows.push(
            json!({"group": "batch", "version": "v1", "kind": "Job", "namespace": namespace, "name": name,
            "hook": true, "health": Health::new(health, message.clone()).json()}),
        );
    }
    rows
}

/// Returns the health of one resource; `None` = nobody has an opinion.
pub(crate) fn health_of(state: &State, key: &Key, now: Moment) -> Option<Health> {
    if !state.live.contains_key(key) {
        return Some(Health::new("Missing", ""));
    }
    match state.workloads.get(key) {
        Some(workload) => Some(workload.health(now)),
        None if key.kind == "Service" => Some(Health::new("Healthy", "")),
        None => None,
    }
}

/// Returns the application's health: the worst of its resources. Missing counts only when nothing is there.
pub(crate) fn app_health(state: &State, target: &Target, now: Moment) -> &'static str {
    const ORDER: [&str; 6] = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"];
    if state.live.is_empty() && !target.objects.is_empty() {
        return "Missing";
    }
    let worst = state.live.keys().filter_map(|key| health_of(state, key, now));
    worst
        .filter_map(|health| ORDER.iter().position(|status| *status == health.status))
        .max()
        .map_or("Healthy", |at| ORDER[at])
}

/// Returns the images that run, sorted, each once.
pub(crate) fn images(state: &State) -> Vec<String> {
    let mut all: Vec<String> = state
        .workloads
        .values()
        .flat_map(super::workload::Workload::images)
        .collect();
    all.sort();
    all.dedup();
    all
}
