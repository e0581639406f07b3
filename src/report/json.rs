//! The report as the JSON document of the contract, whole, or as short as an output must be.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Report;
use crate::model::unseen;

/// Returns the report as one JSON document.
#[must_use]
pub fn json(report: &Report) -> String {
    let text = serde_json::to_string_pretty(report).unwrap_or_else(|_| "{}".to_owned());
    harmless(&text)
}

/// Returns the report on one line, of at most `most` bytes: what people need least is left out first.
#[must_use]
pub fn short_json(report: &Report, most: usize) -> String {
    let whole = harmless(&serde_json::to_string(report).unwrap_or_default());
    if whole.len() <= most {
        return whole;
    }
    let mut value = serde_json::to_value(report).unwrap_or_default();
    let line = |value: &Value| harmless(&value.to_string());
    let cuts: [fn(&mut Value); 8] = [
        count_healthy,
        |value| keep(value, "measurements", 20),
        |value| keep(value, "timeline", 20),
        |value| keep(value, "released", 0),
        |value| keep(value, "applications", 50),
        |value| keep(value, "changes", 50),
        |value| keep(value, "checks", 50),
        shorten,
    ];
    for cut in cuts {
        if line(&value).len() <= most {
            break;
        }
        cut(&mut value);
    }
    let text = line(&value);
    if text.len() <= most {
        return text;
    }
    json!({
        "schema": report.schema,
        "command": report.command(),
        "outcome": report.outcome(),
        "exit_code": report.exit_code(),
    })
    .to_string()
}

/// `##[` is a command of the runner wherever it stands in a line, some control characters one of a terminal, and characters that are
/// not seen change how a line reads; in JSON all of them have another spelling.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("##[", "#\\u0023[").chars() {
        // JSON itself has written the control characters below a blank so; line ends are its own.
        if unseen(c) || ('\u{7f}'..='\u{9f}').contains(&c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Replaces the applications that are live by their number.
fn count_healthy(value: &mut Value) {
    let Some(Value::Array(rows)) = value.get_mut("applications") else {
        return;
    };
    let before = rows.len();
    rows.retain(|row| row.get("live") != Some(&Value::Bool(true)));
    let left_out = before - rows.len();
    note(value, "healthy_applications", left_out);
}

/// Keeps the first rows of a list, and says how many are left out.
fn keep(value: &mut Value, key: &str, most: usize) {
    let Some(Value::Array(rows)) = value.get_mut(key) else {
        return;
    };
    let left_out = rows.len().saturating_sub(most);
    rows.truncate(most);
    if left_out > 0 {
        note(value, &format!("{key}_left_out"), left_out);
    }
}

fn note(value: &mut Value, key: &str, count: usize) {
    if let Value::Object(map) = value {
        map.insert(key.to_owned(), Value::from(count));
    }
}

/// Cuts texts to what a screen holds.
fn shorten(value: &mut Value) {
    const MOST: usize = 2000;
    let cut = |text: &mut String| {
        if let Some((end, _)) = text.char_indices().nth(MOST) {
            text.truncate(end);
            text.push('…');
        }
    };
    for key in ["reason", "hints", "warnings"] {
        match value.get_mut(key) {
            Some(Value::String(text)) => cut(text),
            Some(Value::Array(rows)) => {
                rows.truncate(3);
                for row in rows {
                    if let Value::String(text) = row {
                        cut(text);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{application, report};
    use super::*;
    use crate::model::Outcome;

    #[test]
    fn the_document_has_the_fields_of_the_contract() {
        let value: Value = serde_json::from_str(&json(&report(Outcome::Promoted))).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let right = [
            "app",
            "applications",
            "changes",
            "command",
            "duration_seconds",
            "environment",
            "exit_code",
            "gates",
            "hints",
            "infra_repo",
            "measurements",
            "outcome",
            "reason",
            "riding_along",
            "schema",
            "superseded_by",
            "timeline",
            "warnings",
        ];
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(keys, right);
        assert_eq!(value["superseded_by"], Value::Null);
    }

    #[test]
    fn commands_of_the_runner_and_of_a_terminal_are_spelled_otherwise() {
        let mut report = report(Outcome::Denied);
        let told = "x ##[error]y \u{9b}2J\u{7f} \u{202e}b\u{200b}c\u{feff}\u{e0041}\u{1f642}";
        report.reason = told.to_owned();
        for text in [json(&report), short_json(&report, 10_000)] {
            assert!(!text.contains("##[") && !text.contains(['\u{9b}', '\u{7f}']));
            assert!(!text.chars().any(unseen) && text.contains("\\u202e"), "{text}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["reason"], told);
        }
    }

    #[test]
    fn healthy_applications_are_counted_when_there_are_too_many() {
        let mut report = report(Outcome::RolloutFailed);
        report.applications = (0..600).map(|n| application(&format!("api-{n}"), n != 7)).collect();
        let text = short_json(&report, 64 * 1024);
        assert!(text.len() <= 64 * 1024);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["healthy_applications"], 599);
        assert_eq!(value["applications"][0]["name"], "api-7");
    }

    #[test]
    fn whatever_the_report_it_fits() {
        let mut report = report(Outcome::Invalid);
        report.reason = "ä".repeat(100_000);
        report.warnings = vec!["w".repeat(50_000); 9];
        let text = short_json(&report, 64 * 1024);
        assert!(text.len() <= 64 * 1024);
        assert!(text.contains("\"outcome\":\"invalid\""));
    }
}
