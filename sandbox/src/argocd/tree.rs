//! The resource tree: what was applied and everything that grew from it, pod by pod.

use serde_json::{Value, json};

use super::World;
use super::application::{App, State};
use super::canary::assessed;
use super::clock::Moment;
use super::compare::{self, Key, health_of};
use super::workload::{Fate, Health, ReplicaSet, Workload};

/// The metric of every analysis.
pub(crate) const METRIC: &str = "success-rate";

/// Returns a stable identifier in the form of a UUID.
pub(crate) fn uid(text: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut digits = String::new();
    for round in 0_u8..2 {
        for byte in text.bytes().chain([round]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        digits += &format!("{hash:016x}");
    }
    let part = |from: usize, to: usize| &digits[from..to];
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

/// Returns the whole tree of an application.
pub(crate) fn tree(world: &World, app: &App) -> Value {
    let now = world.clock.now();
    let created = world.clock.stamp_before(std::time::Duration::from_secs(1860));
    let nodes = app.look(|state| {
        let mut nodes = Vec::new();
        for (key, object) in &state.live {
            let mut node = node(
                &key.group,
                &compare::version(object),
                &key.kind,
                &key.namespace,
                &key.name,
            );
            node["createdAt"] = json!(created);
            if let Some(health) = health_of(state, key, now) {
                node["health"] = health.json();
            }
            if let Some(workload) = state.workloads.get(key) {
                node["info"] = json!([{"name": "Revision", "value": format!("Rev:{}", workload.current.revision)}]);
                nodes.extend(grown(world, key, &node, workload, now));
            }
            nodes.push(node);
        }
        nodes.extend(missing(state));
        nodes
    });
    json!({"nodes": nodes, "orphanedNodes": null, "hosts": null})
}

fn missing(state: &State) -> Vec<Value> {
    let target = state.target.iter().flat_map(|target| target.objects.iter());
    target
        .filter(|(key, _)| !state.live.contains_key(key))
        .map(|(key, object)| {
            let version = compare::version(object);
            let mut node = json!({"version": version, "kind": key.kind, "namespace": key.namespace, "name": key.name,
                "health": {"status": "Missing"}});
            if !key.group.is_empty() {
                node["group"] = json!(key.group);
            }
            node
        })
        .collect()
}

fn node(group: &str, version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    let mut node = json!({"version": version, "kind": kind, "namespace": namespace, "name": name,
        "uid": uid(&format!("{kind}/{namespace}/{name}")), "resourceVersion": "1000"});
    if !group.is_empty() {
        node["group"] = json!(group);
    }
    node
}

fn parent(node: &Value) -> Value {
    let mut parent = json!({});
    for key in ["group", "version", "kind", "namespace", "name", "uid"] {
        if node[key].is_string() {
            parent[key] = node[key].clone();
        }
    }
    json!([parent])
}

/// Replica sets, pods and analysis runs.
fn grown(world: &World, key: &Key, owner: &Value, workload: &Workload, now: Moment) -> Vec<Value> {
    let mut nodes = Vec::new();
    let (new, ready) = workload.new_pods(now);
    let settled = workload
        .stable
        .as_ref()
        .is_some_and(|stable| stable.hash == workload.current.hash);
    let old = workload.stable.as_ref().filter(|_| !settled);
    let sets = [(
        Some(&workload.current),
        if settled { workload.replicas() } else { new },
        ready || settled,
    )];
    let olds = [(
        old,
        workload.replicas().saturating_sub(if ready { new } else { new / 2 }),
        true,
    )];
    for (set, count, ready) in sets.into_iter().chain(olds) {
        let Some(set) = set else { continue };
        let name = format!("{}-{}", workload.name(), set.hash);
        let mut replicas = node("apps", "v1", "ReplicaSet", &key.namespace, &name);
        replicas["parentRefs"] = parent(owner);
        replicas["info"] = json!([{"name": "Revision", "value": format!("Rev:{}", set.revision)}]);
        replicas["createdAt"] = json!(world.clock.stamp(set.since));
        let waiting = format!("Waiting for rollout to finish: 0 out of {count} new replicas are available...");
        let health = if ready {
            Health::new("Healthy", "")
        } else {
            Health::new("Progressing", waiting)
        };
        replicas["health"] = health.json();
        for number in 0..count {
            nodes.push(pod(world, &replicas, set, number, ready, now));
        }
        nodes.push(replicas);
    }
    if let Some((view, ..)) = workload.canary(now)
        && let Some((end, phase)) = view.analysis
    {
        let name = format!("{}-{}-{end}", workload.name(), workload.current.hash);
        let mut run = node("argoproj.io", "v1alpha1", "AnalysisRun", &key.namespace, &name);
        run["parentRefs"] = parent(owner);
        run["createdAt"] = json!(world.clock.stamp_now());
        run["health"] = match phase {
            "Failed" => Health::new("Degraded", assessed(METRIC)).json(),
            _ => json!({"status": "Progressing"}),
        };
        nodes.push(run);
    }
    nodes
}

fn pod(world: &World, owner: &Value, set: &ReplicaSet, number: u32, ready: bool, now: Moment) -> Value {
    let name = format!("{}-{}", owner["name"].as_str().unwrap_or_default(), suffix(number));
    let namespace = owner["namespace"].as_str().unwrap_or_default();
    let mut pod = node("", "v1", "Pod", namespace, &name);
    let age = now.saturating_sub(set.since).as_secs();
    let image = set.images.first().map_or("", String::as_str);
    let (reason, health) = match Fate::of(&set.images) {
        _ if ready => ("Running", Health::new("Healthy", "")),
        Fate::Bad if age >= 1 => (
            "ImagePullBackOff",
            Health::new("Degraded", format!("Back-off pulling image \"{image}\"")),
        ),
        Fate::Crash if age >= 12 => {
            let message = "back-off 10s restarting failed container";
            ("CrashLoopBackOff", Health::new("Degraded", message))
        }
        _ if age < 1 => ("ContainerCreating", Health::new("Progressing", "")),
        _ => ("Running", Health::new("Progressing", "")),
    };
    let containers = format!("{}/{}", if ready { set.images.len() } else { 0 }, set.images.len());
    pod["parentRefs"] = parent(owner);
    pod["info"] = json!([{"name": "Status Reason", "value": reason}, {"name": "Node", "value": "node-1"},
        {"name": "Containers", "value": containers}]);
    if Fate::of(&set.images) == Fate::Crash && age >= 6 {
        let restart = json!({"name": "Restart Count", "value": (age / 10 + 1).to_string()});
        pod["info"]
            .as_array_mut()
            .into_iter()
            .for_each(|info| info.push(restart.clone()));
    }
    pod["images"] = json!(set.images);
    pod["health"] = health.json();
    pod["createdAt"] = json!(world.clock.stamp(set.since));
    pod
}

fn suffix(number: u32) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash = u64::from(number) + 7;
    (0..5)
        .map(|_| {
            hash = hash.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            char::from(LETTERS[usize::try_from((hash >> 33) % 27).unwrap_or_default()])
        })
        .collect()
}
