//! Tells from an `AnalysisTemplate` how long an analysis takes, by the rules of the controller of Argo Rollouts.

use std::time::Duration;

use serde_json::Value;

use super::rollout::duration;

/// Returns how long an analysis of this template takes when nothing fails: its longest metric, from the initial delay to the last measurement.
/// What is left to an argument without a value, and a metric without an end, counts for nothing.
pub(super) fn length(template: &Value) -> Duration {
    let metrics = template.pointer("/spec/metrics").and_then(Value::as_array);
    let lengths = metrics.into_iter().flatten().map(|metric| {
        let delay = given(template, metric, "initialDelay").and_then(|value| duration(&value));
        let interval = given(template, metric, "interval").and_then(|value| duration(&value));
        let count = given(template, metric, "count").and_then(|value| number(&value));
        let between = interval.unwrap_or_default();
        let gaps = count.unwrap_or(1).saturating_sub(1);
        delay
            .unwrap_or_default()
            .saturating_add(between.saturating_mul(u32::try_from(gaps).unwrap_or(u32::MAX)))
    });
    lengths.max().unwrap_or_default()
}

/// Returns a field of a metric; the value of the argument where it is one, such as `{{args.interval}}`.
fn given(template: &Value, metric: &Value, field: &str) -> Option<Value> {
    let value = metric.get(field)?;
    let name = value
        .as_str()
        .and_then(|text| text.trim().strip_prefix("{{")?.strip_suffix("}}"))
        .and_then(|inner| inner.trim().strip_prefix("args."));
    let Some(name) = name else { return Some(value.clone()) };
    let args = template.pointer("/spec/args").and_then(Value::as_array)?;
    let arg = args
        .iter()
        .find(|arg| arg.get("name").and_then(Value::as_str) == Some(name))?;
    arg.get("value").cloned()
}

/// A count is a number or a text of one.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(metrics: &Value) -> u64 {
        let args = serde_json::json!([{"name": "every", "value": "30s"}, {"name": "unknown"}]);
        length(&serde_json::json!({"spec": {"args": args, "metrics": metrics}})).as_secs()
    }

    #[test]
    fn the_longest_metric_is_the_length() {
        let rate = serde_json::json!({"initialDelay": "20s", "interval": "20s", "count": 3});
        let once = serde_json::json!({"initialDelay": "5s"});
        assert_eq!(seconds(&serde_json::json!([rate, once])), 60);
        assert_eq!(seconds(&serde_json::json!([once])), 5);
        assert_eq!(seconds(&serde_json::json!([])), 0);
    }

    #[test]
    fn arguments_have_the_values_of_the_template() {
        let every = serde_json::json!([{"interval": "{{args.every}}", "count": "5"}]);
        assert_eq!(seconds(&every), 120);
        let unknown = serde_json::json!([{"interval": "{{ args.unknown }}", "count": 5}]);
        assert_eq!(seconds(&unknown), 0);
    }

    #[test]
    fn a_metric_without_an_end_counts_for_nothing() {
        assert_eq!(seconds(&serde_json::json!([{"interval": "1m"}])), 0);
    }
}
