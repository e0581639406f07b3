//! Reads what is to become of a managed resource: the images that it is to run, and those that it names now.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use crate::model::{Managed, Parts, Repository, Tag};

use super::bounded::{self, Any};
use super::convert::id;
use super::wire;

/// Reads a managed resource. A state that cannot be read counts as one that is not there.
pub(super) fn managed(resource: wire::ManagedResource) -> Managed {
    let state = |text: &str| bounded::from_slice::<Any>(text.as_bytes()).unwrap_or_default().0;
    let (target, live) = (state(&resource.target_state), state(&resource.live_state));
    Managed {
        id: id(resource.group, resource.kind, resource.namespace, resource.name),
        hook: resource.hook,
        wanted: !target.is_null(),
        target: fingerprint(&target),
        images: images_of(&target),
        live_images: images_of(&live),
        may_keep_pods: may_keep_pods(&live),
    }
}

fn may_keep_pods(live: &Value) -> bool {
    let text = |path| live.pointer(path).and_then(Value::as_str);
    let is_late = text("/kind") == Some("Rollout") || text("/spec/updateStrategy/type") == Some("OnDelete");
    is_late && live.pointer("/spec/replicas").and_then(Value::as_u64) != Some(0)
}

/// Distinguishes two targets: everything of a manifest but its labels and annotations, some of which name the commit or the time.
fn fingerprint(target: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, value) in target.as_object().into_iter().flatten() {
        if name != "metadata" && name != "status" {
            name.hash(&mut hasher);
            value.to_string().hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Returns the images that a manifest makes run, each once: what its `spec` says under the names that images have.
fn images_of(manifest: &Value) -> Vec<String> {
    let mut images = Vec::new();
    let kind = manifest.get("kind").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "ConfigMap" | "Secret")
        && let Some(spec) = manifest.get("spec").or_else(|| manifest.get("template"))
    {
        images_in(spec, &mut images);
    }
    images.sort();
    images.dedup();
    images
}

fn images_in(manifest: &Value, into: &mut Vec<String>) {
    match manifest {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_image(name, text) => into.push(text.clone()),
                    other => images_in(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| images_in(item, into)),
        _ => {}
    }
}

/// Whether a field names an image: `image` of a container, `reference` of a volume, or what custom resources have, such as `imageName` or
/// `runnerImage`, where the text looks like one.
fn is_image(name: &str, text: &str) -> bool {
    let parts = Parts::of(text);
    let is_versioned = match parts.tag {
        Some(tag) => Tag::parse(tag).is_ok(),
        None => parts.digest.is_some(),
    };
    let name = name.to_ascii_lowercase();
    let may_be = name == "reference" || name == "imagename" || name.ends_with("image");
    name == "image" || may_be && is_versioned && Repository::parse(parts.repository).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_wherever_a_manifest_names_it() {
        let all = |spec: serde_json::Value| images_of(&serde_json::json!({"kind": "Deployment", "spec": spec}));
        let volume = serde_json::json!({"volumes": [{"name": "model", "image": {"reference": "myorg/model:v1", "pullPolicy": "Always"}}]});
        assert_eq!(
            all(serde_json::json!({"template": {"spec": volume}})),
            ["myorg/model:v1"]
        );
        assert_eq!(
            all(serde_json::json!({"imageName": "ghcr.io/pg:16", "imagePullPolicy": "Always"})),
            ["ghcr.io/pg:16"]
        );
        assert_eq!(
            all(serde_json::json!({"runnerImage": "myorg/runner@sha256:aa"})),
            ["myorg/runner@sha256:aa"]
        );
        for other in ["secret", "https://example.com/a:b", "a b:c", "12:30:00"] {
            assert!(all(serde_json::json!({"reference": other})).is_empty(), "{other}");
        }
    }

    #[test]
    fn pods_may_stay_where_nobody_replaces_them() {
        let with =
            |kind: &str, spec: serde_json::Value| may_keep_pods(&serde_json::json!({"kind": kind, "spec": spec}));
        let on_delete =
            |replicas: u32| serde_json::json!({"replicas": replicas, "updateStrategy": {"type": "OnDelete"}});
        assert!(with("StatefulSet", on_delete(2)) && !with("StatefulSet", on_delete(0)));
        assert!(with("Rollout", serde_json::json!({})) && !with("Rollout", serde_json::json!({"replicas": 0})));
        assert!(!with("Deployment", serde_json::json!({"replicas": 2})) && !may_keep_pods(&Value::Null));
    }
}
