//! What an object of the cluster says of why it is not well, and since when: how containers ended, what an analysis measured.

use serde_json::Value;

use crate::model::{Said, Timestamp};

use super::convert::time;

/// Returns what an object says of itself.
pub(super) fn said_by(object: &Value) -> Said {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    Said {
        lines: match kind {
            "Pod" => ends(object),
            "AnalysisRun" => measurements(object),
            _ => Vec::new(),
        },
        since: match kind {
            "AnalysisRun" => time(object.pointer("/status/completedAt").and_then(Value::as_str)),
            _ => since(object),
        },
    }
}

/// Returns since when one of its conditions says that it is not well: the newest one, since that is the state it is in now.
fn since(object: &Value) -> Option<Timestamp> {
    const GOOD: [&str; 7] = [
        "Ready",
        "ContainersReady",
        "PodScheduled",
        "Initialized",
        "Available",
        "Progressing",
        "Synced",
    ];
    const BAD: [&str; 3] = ["Failed", "ReplicaFailure", "Stalled"];
    let tells = |condition: &&Value| match (text(condition, "/type"), text(condition, "/status")) {
        (kind, "False") => GOOD.contains(&kind),
        (kind, "True") => BAD.contains(&kind),
        _ => false,
    };
    (list(object, "/status/conditions").iter())
        .filter(tells)
        .filter_map(|condition| time(Some(text(condition, "/lastTransitionTime"))))
        .max()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn ends(pod: &Value) -> Vec<String> {
    ["/status/initContainerStatuses", "/status/containerStatuses"]
        .iter()
        .flat_map(|path| list(pod, path))
        .filter_map(|container| {
            let ended =
                (container.pointer("/state/terminated")).or_else(|| container.pointer("/lastState/terminated"))?;
            let code = ended.get("exitCode").and_then(Value::as_i64)?;
            let (reason, message) = (text(ended, "/reason"), text(ended, "/message"));
            let message = if message.is_empty() {
                String::new()
            } else {
                format!(": {message}")
            };
            (code != 0).then(|| {
                let name = text(container, "/name");
                format!("container {name} ended with exit code {code} ({reason}){message}")
            })
        })
        .collect()
}

fn measurements(run: &Value) -> Vec<String> {
    list(run, "/status/metricResults")
        .iter()
        .filter(|metric| !matches!(text(metric, "/phase"), "Successful" | "Running" | "Pending"))
        .map(|metric| {
            let taken: Vec<String> = (list(metric, "/measurements").iter().rev().take(5).rev())
                .map(|taken| match text(taken, "/value") {
                    "" => format!("{} ({})", text(taken, "/phase"), text(taken, "/message")),
                    value => format!("{value} {}", text(taken, "/phase")),
                })
                .collect();
            let query = text(metric, "/metadata/ResolvedPrometheusQuery");
            let of = if query.is_empty() {
                String::new()
            } else {
                format!(" of {query}")
            };
            format!("metric {} measured {}{of}", text(metric, "/name"), taken.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_says_how_it_ended() {
        let pod = serde_json::json!({"kind": "Pod", "status": {"containerStatuses": [
            {"name": "api", "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
            {"name": "side", "state": {"running": {}}}
        ]}});
        assert_eq!(
            said_by(&pod).lines,
            ["container api ended with exit code 137 (OOMKilled)"]
        );
    }

    #[test]
    fn an_analysis_says_what_it_measured() {
        let run = serde_json::json!({"kind": "AnalysisRun", "status": {"metricResults": [
            {"name": "success-rate", "phase": "Failed", "metadata": {"ResolvedPrometheusQuery": "rate(x)"},
             "measurements": [{"phase": "Successful", "value": "[0.99]"}, {"phase": "Failed", "value": "[0.5]"}]},
            {"name": "latency", "phase": "Successful", "measurements": []}
        ]}});
        let said = said_by(&run).lines;
        assert_eq!(
            said,
            ["metric success-rate measured [0.99] Successful, [0.5] Failed of rate(x)"]
        );
    }

    #[test]
    fn a_state_holds_since_its_condition_changed_and_not_since_the_object_was_made() {
        let condition = |kind: &str, status: &str, at: &str| serde_json::json!({"type": kind, "status": status, "lastTransitionTime": at});
        let object = |conditions: &[Value]| {
            let made = "2026-01-01T00:00:00Z";
            serde_json::json!({"kind": "Deployment", "metadata": {"creationTimestamp": made}, "status": {"conditions": conditions}})
        };
        let (early, late) = ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z");
        let failing = object(&[
            condition("Available", "True", early),
            condition("Progressing", "False", late),
        ]);
        assert_eq!(said_by(&failing).since, Timestamp::parse(late));
        assert_eq!(said_by(&object(&[condition("Available", "True", early)])).since, None);
        assert_eq!(said_by(&object(&[])).since, None);
    }
}
