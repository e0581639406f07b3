//! Durations as Argo Rollouts writes them.

use std::time::Duration;

use serde_json::Value;

/// A number of seconds, a text of one, or `10s`, `5m`, `1h30m`.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(seconds) => seconds.as_u64().map(Duration::from_secs),
        Value::String(text) => match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => humantime::parse_duration(text).ok(),
        },
        _ => None,
    }
}
