//! Arguments, validation, rules, and templates made into one.

use promote_action::assess::analysis::merge::{Additions, Template, follow, merge};
use promote_action::assess::analysis::template::{Argument, Metric, Reference, Spec, decode};
use promote_action::assess::analysis::validate::{self, Usage};
use promote_action::assess::analysis::{Problem, admission, arguments, document};
use serde_json::{Value as Json, json};

use super::{Answer, Case};

fn problem(problem: &Problem) -> Json {
    json!({"ok": false, "class": problem.word()})
}

/// Drops empty maps, which the recording leaves out.
fn pruned(json: Json) -> Json {
    match json {
        Json::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, pruned(value)))
            .filter(|(_, value)| !value.is_null() && *value != json!({}))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Json::Array(items) => items.into_iter().map(pruned).collect(),
        other => other,
    }
}

fn of<T: serde::Serialize>(value: &T) -> Json {
    pruned(serde_json::to_value(value).unwrap())
}

fn list<T: serde::de::DeserializeOwned>(json: &Json) -> Vec<T> {
    if json.is_null() {
        Vec::new()
    } else {
        decode(json).unwrap()
    }
}

fn templates(input: &Json) -> Vec<Template> {
    let read = |name: &str, cluster: bool| {
        let all = input[name].as_array().cloned().unwrap_or_default();
        all.into_iter().map(move |template| Template {
            name: template["name"].as_str().unwrap().to_owned(),
            cluster,
            spec: decode(&template["spec"]).unwrap(),
        })
    };
    read("templates", false)
        .chain(read("cluster_templates", true))
        .collect()
}

fn merged(input: &Json, templates: &[Template]) -> Json {
    let additions = Additions {
        args: list::<Argument>(&input["args"]),
        dry_run: list(&input["dry_run"]),
        retention: list(&input["measurement_retention"]),
    };
    match merge(templates, &additions) {
        Ok(spec) => {
            let spec = of(&spec);
            if spec == json!({}) {
                json!({"ok": true, "spec": {}})
            } else {
                json!({"ok": true, "spec": spec})
            }
        }
        Err(refused) => problem(&refused),
    }
}

/// Runs a case.
pub(super) fn answer(case: &Case) -> Answer {
    let input = &case.input;
    let names: Vec<&str> = input["metric_names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let is = match input["op"].as_str() {
        Some("resolve") => match decode::<Metric>(&input["metric"]) {
            Err(_) => json!({"ok": false, "class": "bad_json"}),
            Ok(metric) => match arguments::resolve(&metric, &list(&input["args"])) {
                Ok(metric) => json!({"ok": true, "metric": of(&metric)}),
                Err(refused) => problem(&refused),
            },
        },
        Some("validate") => match decode::<Vec<Metric>>(&input["metrics"]) {
            Err(_) => json!({"ok": false, "class": "bad_json"}),
            Ok(metrics) => match validate::metrics(&metrics) {
                Ok(()) => {
                    let counts = metrics
                        .iter()
                        .map(|metric| (metric.name.clone(), json!(metric.effective_count())));
                    json!({"ok": true, "counts": counts.collect::<serde_json::Map<_, _>>()})
                }
                Err(refused) => problem(&refused),
            },
        },
        Some("dry_run") => match validate::dry_run(&list(&input["dry_run"]), &names) {
            Ok(matched) if matched.is_empty() => json!({"ok": true}),
            Ok(matched) => json!({"ok": true, "matched": matched}),
            Err(refused) => problem(&refused),
        },
        Some("retention") => match validate::retention(&list(&input["measurement_retention"]), &names) {
            Ok(limits) if limits.is_empty() => json!({"ok": true}),
            Ok(limits) => json!({"ok": true, "limits": limits}),
            Err(refused) => problem(&refused),
        },
        Some("merge") => merged(input, &templates(input)),
        Some("nested") => {
            let root = Reference {
                template_name: input["root"].as_str().unwrap().to_owned(),
                cluster_scope: input["root_cluster"] == true,
            };
            match follow(&root, &templates(input)) {
                Ok(found) => merged(input, &found),
                Err(refused) => problem(&refused),
            }
        }
        Some("inline") => {
            let spec: Spec = decode(&input["template"]["spec"]).unwrap();
            let background = input["usage"] == "BackgroundAnalysis";
            match validate::in_rollout(&spec, if background { Usage::Background } else { Usage::Step }) {
                Ok(()) => json!({"ok": true}),
                Err(refused) => problem(&refused),
            }
        }
        Some("admit") => match document::read(input["yaml"].as_str().unwrap()) {
            Err(_) => json!({"ok": false, "class": "yaml"}),
            Ok(documents) => {
                let admission = admission::admit(documents.first().unwrap());
                let ok = admission.refused.is_empty();
                let mut is = json!({"ok": ok});
                if !ok {
                    is["class"] = "schema".into();
                }
                if !admission.pruned.is_empty() {
                    is["pruned"] = json!(admission.pruned);
                }
                is
            }
        },
        other => return Answer::Different(format!("unknown op {other:?}")),
    };
    if is["class"] == "not_evaluated" {
        return Answer::NotEvaluated(is.to_string());
    }
    let mut expected = case.expected.clone();
    for words in ["message", "messages"] {
        expected.as_object_mut().unwrap().remove(words);
    }
    Answer::of(&is.to_string(), &expected.to_string())
}
