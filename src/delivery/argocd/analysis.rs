//! Finds from the templates of an analysis how long it takes, by the rules of the controller of Argo Rollouts.
//! Knows nothing of how a measurement ends.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::model::{AnalysisTemplate, ResourceId};

use super::duration::duration;

/// The values of arguments by name; `None` = a value that only the cluster knows.
type Arguments = BTreeMap<String, Option<String>>;

/// Returns the templates that an analysis, or another template, names.
pub(super) fn templates(of: &Value) -> Vec<AnalysisTemplate> {
    let template = |template: &Value| {
        Some(AnalysisTemplate {
            name: template.get("templateName")?.as_str()?.to_owned(),
            cluster_wide: template.get("clusterScope").and_then(Value::as_bool).unwrap_or(false),
        })
    };
    list(of, "templates").filter_map(template).collect()
}

/// Returns the arguments that an analysis gives, or that a template has.
pub(super) fn arguments(of: &Value) -> Arguments {
    let argument = |argument: &Value| {
        let value = argument.get("value").and_then(Value::as_str).map(str::to_owned);
        Some((argument.get("name")?.as_str()?.to_owned(), value))
    };
    list(of, "args").filter_map(argument).collect()
}

/// Returns where a template of a Rollout is.
pub(super) fn resource(template: &AnalysisTemplate, rollout: &ResourceId) -> ResourceId {
    let (kind, namespace) = if template.cluster_wide {
        ("ClusterAnalysisTemplate", "")
    } else {
        ("AnalysisTemplate", rollout.namespace.as_str())
    };
    ResourceId {
        group: rollout.group.clone(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: template.name.clone(),
    }
}

/// What a template says of how long its analysis takes.
#[derive(Debug, Default)]
pub(super) struct Template {
    /// The templates that it names.
    pub(super) others: Vec<AnalysisTemplate>,
    arguments: Arguments,
    metrics: Vec<Metric>,
}

/// The fields of a metric, as they stand there; some name arguments.
#[derive(Debug)]
struct Metric {
    delay: Option<Value>,
    interval: Option<Value>,
    count: Option<Value>,
}

/// Keeps of a template's object what decides the length of its analysis: a few short fields.
pub(super) fn lengths_of(object: &Value) -> Template {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let metric = |metric: &Value| {
        let short = |name: &str| {
            metric
                .get(name)
                .filter(|value| value.is_number() || value.is_string())
                .cloned()
        };
        Metric {
            delay: short("initialDelay"),
            interval: short("interval"),
            count: short("count"),
        }
    };
    Template {
        others: templates(spec),
        arguments: arguments(spec),
        metrics: list(spec, "metrics").map(metric).collect(),
    }
}

/// Returns how long an analysis of these templates takes when nothing fails: its longest metric, from the initial delay to the last
/// measurement. What hangs on an argument without a known value, and a metric without an end, counts for nothing.
pub(super) fn length(templates: &[Template], given: &Arguments) -> Duration {
    let mut values = Arguments::new();
    for (name, value) in templates.iter().flat_map(|template| &template.arguments) {
        // An argument of several templates has the value of the one that has one.
        let known = values.entry(name.clone()).or_default();
        *known = known.take().or_else(|| value.clone());
    }
    for (name, value) in &mut values {
        if let Some(given) = given.get(name) {
            value.clone_from(given);
        }
    }
    let metrics = templates.iter().flat_map(|template| &template.metrics);
    let lengths = metrics.map(|metric| {
        let field = |field: &Option<Value>| filled(field.as_ref()?, &values);
        let time = |of: &Option<Value>| field(of).and_then(|value| duration(&value)).unwrap_or_default();
        let count = field(&metric.count).and_then(|value| number(&value));
        let gaps = count.unwrap_or(1).saturating_sub(1);
        let between = time(&metric.interval).saturating_mul(u32::try_from(gaps).unwrap_or(u32::MAX));
        time(&metric.delay).saturating_add(between)
    });
    lengths.max().unwrap_or_default()
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Returns a field with the values of the arguments in it, such as `{{args.seconds}}s`.
fn filled(field: &Value, values: &Arguments) -> Option<Value> {
    let Some(mut rest) = field.as_str() else {
        return Some(field.clone());
    };
    let mut text = String::new();
    while let Some((before, tag)) = rest.split_once("{{") {
        let (tag, after) = tag.split_once("}}")?;
        let value = values.get(tag.trim().strip_prefix("args.")?)?;
        text = text + before + value.as_deref()?;
        rest = after;
    }
    Some((text + rest).into())
}

/// A count is a number or a text of one.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(metrics: &Value) -> Value {
        let args = json!([{"name": "every", "value": "30s"}, {"name": "seconds"}, {"name": "hash"}]);
        json!({"spec": {"args": args, "metrics": metrics}})
    }

    fn seconds(metrics: &Value) -> u64 {
        length(&[lengths_of(&template(metrics))], &Arguments::new()).as_secs()
    }

    #[test]
    fn the_longest_metric_is_the_length() {
        let rate = json!({"initialDelay": "20s", "interval": "20s", "count": 3});
        let once = json!({"initialDelay": "5s"});
        assert_eq!(seconds(&json!([rate, once])), 60);
        assert_eq!(seconds(&json!([once])), 5);
        assert_eq!(seconds(&json!([])), 0);
    }

    #[test]
    fn arguments_have_the_values_of_the_analysis_or_else_of_the_template() {
        let metrics = json!([{"interval": "{{args.every}}", "count": "{{ args.times }}"},
            {"initialDelay": "{{args.seconds}}s"}]);
        let analysis = json!({"args": [{"name": "every", "value": "1m"}, {"name": "seconds", "value": "100"},
            {"name": "nobody asks", "value": "9h"}]});
        let times = json!({"spec": {"args": [{"name": "times", "value": "5"}, {"name": "every"}]}});
        let templates = [template(&metrics), times].map(|one| lengths_of(&one));
        assert_eq!(length(&templates, &Arguments::new()).as_secs(), 120);
        assert_eq!(length(&templates, &arguments(&analysis)).as_secs(), 240);
        assert_eq!(length(&templates[..1], &arguments(&analysis)).as_secs(), 100);
    }

    #[test]
    fn a_value_that_only_the_cluster_knows_counts_for_nothing() {
        let metrics = json!([{"interval": "{{ args.every }}", "count": 5}]);
        let from = json!({"podTemplateHashValue": "Latest"});
        let analysis = json!({"args": [{"name": "every", "valueFrom": from}]});
        assert_eq!(
            length(&[lengths_of(&template(&metrics))], &arguments(&analysis)).as_secs(),
            0
        );
        assert_eq!(seconds(&json!([{"interval": "{{ args.hash }}", "count": 5}])), 0);
    }

    #[test]
    fn a_metric_without_an_end_counts_for_nothing() {
        assert_eq!(seconds(&json!([{"interval": "1m"}])), 0);
    }
}
