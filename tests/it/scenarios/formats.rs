//! One app in a format of its own for each environment: every command reads and writes each of them, and versions go from one to the next.

use serde_json::{Value, json};

use crate::support::{Ran, World};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The environments with their format, the file of the app, and its text.
const ROWS: [(&str, &str, &str, &str); 5] = [
    (
        "one",
        "kustomize",
        "k/api/one/kustomization.yaml",
        "images:\n- name: myorg/api\n  newTag: v1\n",
    ),
    (
        "two",
        "values",
        "v/api/values-two.yaml",
        "image:\n  repository: myorg/api # ours\n  tag: v1\n  digest: \"\"\n",
    ),
    (
        "three",
        "manifests",
        "m/three/api.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: api, image: myorg/api:v1}\n",
    ),
    (
        "four",
        "argocd",
        "a/four/api.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api-four}\nspec:\n  source:\n    repoURL: https://example.com/x\n    path: x\n    kustomize:\n      images:\n      - myorg/api:v1\n",
    ),
    (
        "five",
        "argocd",
        "a/five/api.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api-five}\nspec:\n  source:\n    repoURL: https://example.com/x\n    chart: x\n    helm:\n      values: |\n        image:\n          repository: myorg/api\n          tag: v1\n",
    ),
];

fn path(format: &str) -> &str {
    match format {
        "kustomize" => "k/{app}/{environment}",
        "values" => "v/{app}/values-{environment}.yaml",
        "manifests" => "m/{environment}/{app}.yaml",
        _ => "a/{environment}/{app}.yaml",
    }
}

/// A world whose environments each have another format, with their names.
struct Formats(World, Vec<&'static str>);

impl Formats {
    fn new() -> Self {
        let world = World::at_speed(200.0);
        let mut config = vec!["version: 1\nenvironments:".to_owned()];
        for (name, format, file, text) in ROWS {
            config.push(format!(
                "- {{name: {name}, format: {format}, path: \"{}\"}}",
                path(format)
            ));
            world.sandbox.commit(file, text, "add it").unwrap();
        }
        world
            .sandbox
            .commit("promote.yaml", &(config.join("\n") + "\n"), "configure")
            .unwrap();
        Self(world, ROWS.iter().map(|row| row.0).collect())
    }

    fn run(&self, words: &str) -> Ran {
        self.0.land(&format!("{words} --app api --output json"))
    }

    fn file(&self, name: &str) -> String {
        let row = ROWS.iter().find(|row| row.0 == name).unwrap();
        self.0.sandbox.git(&["show", &format!("main:{}", row.2)]).unwrap()
    }
}

#[test]
fn one_commit_and_one_plan_touch_every_format() {
    let formats = Formats::new();
    let commits = formats.0.commits();
    let all = formats.1.join(",");
    let plan = formats
        .run(&format!("plan --environment {all} --image myorg/api:1.10"))
        .ends("planned", 0);
    assert_eq!(plan["changes"].as_array().unwrap().len(), ROWS.len(), "{plan:#}");
    let promote = format!("--environment {all} --image myorg/api:1.10");
    let report = formats.run(&promote).ends("landed", 0);
    assert_eq!(formats.0.commits(), commits + 1);
    assert_eq!(report["changes"], plan["changes"]);
    for name in &formats.1 {
        assert!(formats.file(name).contains("1.10"), "{}", formats.file(name));
    }
    formats.run(&promote).ends("no-change", 0);
}

#[test]
fn every_command_works_with_every_format_and_between_them() {
    let formats = Formats::new();
    let names = &formats.1;
    let run = |words: &str| formats.run(words);
    // From each to the next.
    for pair in names.windows(2) {
        let [from, to] = pair else { continue };
        let tag = format!("from-{from}");
        run(&format!("--environment {from} --tag {tag}")).ends("landed", 0);
        let report = run(&format!("--environment {to} --from {from}")).ends("landed", 0);
        assert_eq!(report["changes"][0]["after"], format!("myorg/api:{tag}"), "{to}");
        run(&format!("--environment {to} --from {from}")).ends("no-change", 0);
    }
    // A digest has a place in each but in one that has no key for it.
    let image = format!("--image myorg/api:v5@{DIGEST}");
    for name in &names[..4] {
        run(&format!("--environment {name} {image}")).ends("landed", 0);
        assert!(formats.file(name).contains(DIGEST), "{}", formats.file(name));
    }
    run(&format!("--environment five {image}")).ends("invalid", 2);
    // What only reads.
    let report = run("status").ends("ok", 0);
    let rows: Vec<(&str, &str)> = (report["status"].as_array().unwrap().iter())
        .map(|row| (row["environment"].as_str().unwrap(), row["images"][0].as_str().unwrap()))
        .collect();
    let expected = format!("myorg/api:v5@{DIGEST}");
    let of = |name: &&str| {
        if *name == "five" {
            "myorg/api:from-four"
        } else {
            expected.as_str()
        }
    };
    let wanted: Vec<_> = names.iter().map(|name| (*name, of(name))).collect();
    assert_eq!(rows.len(), wanted.len());
    assert!(wanted.iter().all(|row| rows.contains(row)), "{rows:?}");
    let report = run("history --limit 100").ends("ok", 0);
    for name in names {
        let rows = report["history"].as_array().unwrap().iter();
        assert!(rows.filter(|row| row["environment"] == *name).count() >= 1, "{name}");
    }
    run("preflight").report();
    // Back to what each had, as it was written.
    for (name, .., text) in ROWS {
        run(&format!("rollback --environment {name} --to v1 --hold false --yes")).ends("landed", 0);
        let (now, then) = (formats.file(name), text.trim_end());
        let same = now.trim_end().replace("'v1'", "v1").replace("\"v1\"", "v1");
        assert_eq!(same, then, "{name}");
    }
}

const MANIFEST: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: api, image: myorg/api:v1}\n";

#[test]
fn an_application_that_reads_the_file_is_followed() {
    let world = World::at_speed(200.0);
    world.sandbox.commit("deploy/dev/api.yaml", MANIFEST, "add it").unwrap();
    let read = |spec: &mut Value| spec["source"]["path"] = json!("deploy/dev");
    world.sandbox.argocd.edit("api-dev", read);
    let file = "--app api --environment dev --settle 200ms --path deploy/{environment}/{app}.yaml";
    world
        .live(&format!("{file} --format manifests --tag v2"))
        .ends("promoted", 0);
    let by_source = format!("{file} --format manifests --application by-source --tag v3");
    let report = world.live(&by_source).ends("promoted", 0);
    assert_eq!(report["applications"][0]["name"], "api-dev", "{report:#}");
    // A file beside that folder is none of it.
    world
        .sandbox
        .commit("deploy/dev-eu/api.yaml", MANIFEST, "add another")
        .unwrap();
    let beside = "--app api --environment dev --path deploy/{environment}-eu/{app}.yaml --format manifests --tag v2";
    let report = world.live(beside).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("api-dev deploys deploy/dev, not deploy/dev-eu"),
        "{reason}"
    );
}

#[test]
fn a_values_file_is_found_where_the_application_lists_it() {
    let world = World::at_speed(200.0);
    let commit = |file: &str, text: &str| world.sandbox.commit(file, text, "add it").unwrap();
    commit("charts/web/values.yaml", "image: {repository: myorg/api, tag: v0}\n");
    commit("envs/dev.yaml", "image:\n  repository: myorg/api\n  tag: v1\n");
    commit("envs/all.yaml", "image:\n  tag: v0\n");
    let plan = |source: Value| {
        let alone = source.is_object();
        world.sandbox.argocd.edit("api-dev", |spec| {
            spec["source"] = if alone { source.clone() } else { Value::Null };
            spec["sources"] = if alone { Value::Null } else { source };
        });
        world.live("plan --app api --environment dev --format values --path envs/{environment}.yaml --tag v2")
    };
    let spec = world.sandbox.argocd.application("api-dev").unwrap()["spec"].clone();
    let source = |more: Value| {
        let mut source = spec["source"].clone();
        source["path"] = json!("charts/web");
        for (name, value) in more.as_object().unwrap() {
            source[name] = value.clone();
        }
        source
    };
    let listed = |files: &[&str]| source(json!({"helm": {"valueFiles": files}}));
    let report = plan(listed(&["../../envs/dev.yaml"])).ends("planned", 0);
    assert!(!report["warnings"].to_string().contains("no effect"), "{report:#}");
    let chart = json!({"repoURL": "https://charts.example.com", "chart": "web", "targetRevision": "1.2.3",
        "helm": {"valueFiles": ["$values/envs/dev.yaml"]}});
    let mut values = source(json!({"ref": "values"}));
    values.as_object_mut().unwrap().remove("path");
    plan(json!([chart, values])).ends("planned", 0);
    // Helm takes the value of the last file.
    let report = plan(listed(&["../../envs/dev.yaml", "/envs/all.yaml"])).ends("planned", 0);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("envs/all.yaml:2, a later value file, sets myorg/api:v0"),
        "{warnings}"
    );
    for files in [&["values.yaml"][..], &[]] {
        let report = plan(listed(files)).ends("refused", 3);
        let reason = report["reason"].as_str().unwrap();
        assert!(
            reason.contains("api-dev deploys charts/web, not envs/dev.yaml"),
            "{reason}"
        );
    }
}
