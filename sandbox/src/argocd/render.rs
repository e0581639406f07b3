//! The small part of `kustomize build` that an infra-repo of the usual layout needs: resources, components, namespace, labels, replicas, images,
//! patches. Anything else is refused, so that nobody takes this for the real one.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::source::Tree;

const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kustomization {
    #[serde(default, rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(default, rename = "kind")]
    _kind: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    components: Vec<String>,
    #[serde(default)]
    images: Vec<Image>,
    #[serde(default)]
    labels: Vec<Labels>,
    #[serde(default)]
    replicas: Vec<Replicas>,
    #[serde(default)]
    patches: Vec<Patch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Image {
    name: String,
    #[serde(default)]
    new_name: Option<String>,
    #[serde(default)]
    new_tag: Option<String>,
    #[serde(default)]
    tag_suffix: Option<String>,
    #[serde(default)]
    digest: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Labels {
    pairs: Map<String, Value>,
    #[serde(default)]
    include_templates: bool,
}

#[derive(Deserialize)]
struct Replicas {
    name: String,
    count: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    patch: Option<String>,
}

/// Renders the kustomization in `folder`, or the files in it where there is none.
///
/// The error reads like the repo-server's.
pub(crate) fn render(tree: &Tree, folder: &str) -> Result<Vec<Value>, String> {
    let folder = folder.trim_matches('/');
    if !tree.keys().any(|path| path.starts_with(&format!("{folder}/"))) {
        return Err(format!("{folder}: app path does not exist"));
    }
    let kustomization = |path: &String| NAMES.iter().any(|name| *path == format!("{folder}/{name}"));
    if !tree.keys().any(kustomization) {
        let files = tree.iter().filter(|(path, _)| {
            path.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|name| !name.contains('/'))
        });
        let all: Result<Vec<Vec<Value>>, String> = files.map(|(path, text)| documents(path, text)).collect();
        return all.map(|all| all.concat());
    }
    build(tree, folder, Vec::new(), 0)
        .map_err(|why| format!("`kustomize build <path to cached source>/{folder}` failed exit status 1: Error: {why}"))
}

/// Builds a kustomization over `objects`: none for an overlay, what is there so far for a component.
fn build(tree: &Tree, folder: &str, mut objects: Vec<Value>, depth: usize) -> Result<Vec<Value>, String> {
    let file = NAMES.iter().map(|name| format!("{folder}/{name}"));
    let (file, text) = file
        .filter_map(|path| tree.get(&path).map(|text| (path, text)))
        .next()
        .ok_or_else(|| {
            format!("unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{folder}'")
        })?;
    let invalid = |error: &dyn std::fmt::Display| format!("invalid Kustomization {file}: {error}");
    // By way of JSON: a number is no string there, and a tag that is a number is an error, as in kustomize.
    let fields: Value = serde_yaml::from_str(text).map_err(|error| invalid(&error))?;
    let kustomization: Kustomization = serde_json::from_value(fields).map_err(|error| invalid(&error))?;
    if depth > 8 {
        return Err(format!("cycle detected at {folder}"));
    }
    for resource in &kustomization.resources {
        let path = join(folder, resource)?;
        if let Some(text) = tree.get(&path) {
            objects.extend(documents(&path, text)?);
        } else if tree.keys().any(|known| known.starts_with(&format!("{path}/"))) {
            objects.extend(build(tree, &path, Vec::new(), depth + 1)?);
        } else {
            return Err(format!(
                "accumulating resources: accumulation err='accumulating resources from '{resource}': no such file or directory'"
            ));
        }
    }
    for component in &kustomization.components {
        objects = build(tree, &join(folder, component)?, objects, depth + 1)?;
    }
    for patch in &kustomization.patches {
        let text = match (&patch.path, &patch.patch) {
            (Some(path), None) => tree
                .get(&join(folder, path)?)
                .ok_or_else(|| format!("failed to get the patch file from path({path}): no such file or directory"))?,
            (None, Some(inline)) => inline,
            _ => return Err("patches need one of path and patch".to_owned()),
        };
        for patch in documents("patch", text)? {
            apply_patch(&mut objects, patch)?;
        }
    }
    for object in &mut objects {
        transform(object, &kustomization);
    }
    Ok(objects)
}

fn documents(path: &str, text: &str) -> Result<Vec<Value>, String> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).map_err(|error| format!("{path}: {error}")))
        .filter(|document| document.as_ref() != Ok(&Value::Null))
        .map(|document| {
            let object = document?;
            if object["kind"].is_string() && object["metadata"]["name"].is_string() {
                Ok(object)
            } else {
                Err(format!("{path}: missing metadata.name in object"))
            }
        })
        .collect()
}

fn apply_patch(objects: &mut Vec<Value>, mut patch: Value) -> Result<(), String> {
    let same =
        |object: &Value| object["kind"] == patch["kind"] && object["metadata"]["name"] == patch["metadata"]["name"];
    let at = objects.iter().position(same);
    let at = at.ok_or_else(|| format!("no matches for Id {}.{}", patch["kind"], patch["metadata"]["name"]))?;
    let directive = patch.as_object_mut().and_then(|patch| patch.remove("$patch"));
    if directive == Some(json!("delete")) {
        objects.remove(at);
    } else if let Some(object) = objects.get_mut(at) {
        merge(object, patch);
    }
    Ok(())
}

/// Merges maps and replaces everything else; lists of named things (containers) are merged by name.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    _ if value.is_null() => drop(into.remove(&key)),
                    Some(old) => merge(old, value),
                    None => drop(into.insert(key, value)),
                }
            }
        }
        (Value::Array(into), Value::Array(from)) if from.iter().all(|item| item["name"].is_string()) => {
            for item in from {
                match into.iter_mut().find(|old| old["name"] == item["name"]) {
                    Some(old) => merge(old, item),
                    None => into.push(item),
                }
            }
        }
        (into, from) => *into = from,
    }
}

fn transform(object: &mut Value, kustomization: &Kustomization) {
    if let Some(namespace) = &kustomization.namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    for labels in &kustomization.labels {
        for (key, value) in &labels.pairs {
            object["metadata"]["labels"][key] = value.clone();
            if labels.include_templates && object["spec"]["template"].is_object() {
                object["spec"]["template"]["metadata"]["labels"][key] = value.clone();
            }
        }
    }
    for replicas in &kustomization.replicas {
        if object["metadata"]["name"] == json!(replicas.name) && object["spec"]["replicas"].is_u64() {
            object["spec"]["replicas"] = json!(replicas.count);
        }
    }
    for container in containers_mut(object) {
        if let Some(image) = container["image"].as_str() {
            container["image"] = json!(pinned(image, &kustomization.images));
        }
    }
}

fn containers_mut(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    object
        .pointer_mut("/spec/template/spec")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|spec| spec.iter_mut())
        .filter(|(key, _)| matches!(key.as_str(), "containers" | "initContainers"))
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
}

fn pinned(image: &str, entries: &[Image]) -> String {
    let (named, _) = image.split_once('@').unwrap_or((image, ""));
    let slash = named.rfind('/').map_or(0, |at| at + 1);
    let colon = named[slash..].find(':').map(|at| slash + at);
    let (name, tag) = colon.map_or((named, ""), |at| (&named[..at], &named[at + 1..]));
    let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
        return image.to_owned();
    };
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let digest = filled(&entry.digest);
    let tag = filled(&entry.new_tag).or_else(|| Some(tag.to_owned()).filter(|tag| !tag.is_empty() && digest.is_none()));
    let mut out = filled(&entry.new_name).unwrap_or_else(|| name.to_owned());
    if let Some(tag) = tag {
        out += &format!(":{tag}{}", entry.tag_suffix.as_deref().unwrap_or_default());
    }
    if let Some(digest) = digest {
        out += &format!("@{digest}");
    }
    out
}

/// Joins `relative` to `folder` as far as the root of the repository.
fn join(folder: &str, relative: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(
                parts
                    .pop()
                    .ok_or_else(|| format!("security; file '{relative}' is not in or below the root"))?,
            ),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Tree {
        fn walk(root: &std::path::Path, folder: &std::path::Path, tree: &mut Tree) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(root, &path, tree);
                } else {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    tree.insert(name, std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/infra-repo");
        let mut tree = Tree::new();
        walk(&root, &root, &mut tree);
        tree
    }

    #[test]
    fn the_example_renders_as_kustomize_does() {
        let tree = example();
        let kinds = |path: &str| -> Vec<String> {
            let objects = render(&tree, path).unwrap();
            objects
                .iter()
                .map(|object| object["kind"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(kinds("apps/api/overlays/dev"), ["ConfigMap", "Deployment", "Service"]);
        assert_eq!(
            kinds("apps/api/overlays/production"),
            ["ConfigMap", "Service", "Rollout", "AnalysisTemplate"]
        );
        let dev = render(&tree, "apps/api/overlays/dev").unwrap();
        assert_eq!(dev[0]["data"]["LOG_LEVEL"], "debug");
        assert_eq!(dev[0]["metadata"]["namespace"], "dev");
        assert_eq!(
            dev[1]["spec"]["template"]["spec"]["containers"][0]["image"],
            "myorg/api:4f9d2c1"
        );
        let web = render(&tree, "apps/web/overlays/dev").unwrap();
        let containers = &web[0]["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers[0]["image"], "registry.example.com/shop/web:2.8.0-rc.1");
        assert!(
            containers[1]["image"]
                .as_str()
                .unwrap()
                .starts_with("nginx:1.29.1-alpine@sha256:")
        );
    }

    #[test]
    fn a_tag_that_is_a_number_is_an_error_as_in_kustomize() {
        let mut tree = Tree::new();
        let text = "resources: []\nimages: [{name: a, newTag: 1234567}]\n";
        tree.insert("x/kustomization.yaml".to_owned(), text.to_owned());
        assert!(render(&tree, "x").unwrap_err().contains("invalid Kustomization"));
        assert!(render(&tree, "y").unwrap_err().contains("app path does not exist"));
    }
}
