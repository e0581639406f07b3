//! Holds a value against a JSON Schema: the words that our schemas use, and no others.

use serde_json::Value;

/// Returns what is wrong with the value, each with its place. `closed`: a property that the schema does not name is a mistake, too.
pub(crate) fn mistakes(schema: &Value, value: &Value, closed: bool) -> Vec<String> {
    let mut out = Vec::new();
    check(schema, value, closed, "$", &mut out);
    out
}

fn check(schema: &Value, value: &Value, closed: bool, at: &str, out: &mut Vec<String>) {
    for (word, says) in schema.as_object().unwrap() {
        let right = match word.as_str() {
            "type" => match says {
                Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
                kind => is(kind, value),
            },
            "const" => says == value,
            "enum" => says.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
            "required" => says.as_array().unwrap().iter().all(|name| {
                let there = value
                    .as_object()
                    .is_none_or(|map| map.contains_key(name.as_str().unwrap()));
                if !there {
                    out.push(format!("{at}: {name} is missing"));
                }
                there
            }),
            "pattern" => value.as_str().is_none_or(|text| pattern(says.as_str().unwrap(), text)),
            // Looked at below, and what is for people.
            "properties" | "additionalProperties" | "propertyNames" | "items" | "description" | "title" | "$schema" => {
                true
            }
            "format" => value
                .as_str()
                .is_none_or(|text| humantime::parse_rfc3339_weak(text).is_ok()),
            other => panic!("the schema uses a word that this reader does not know: {other}"),
        };
        if !right {
            out.push(format!("{at}: {value} is not {word} {says}"));
        }
    }
    if let Value::Object(map) = value {
        for (name, value) in map {
            let at = format!("{at}.{name}");
            if schema["propertyNames"]["pattern"]
                .as_str()
                .is_some_and(|form| !pattern(form, name))
            {
                out.push(format!("{at}: such a name cannot be"));
            }
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(known), _) => check(known, value, closed, &at, out),
                (None, rest @ Value::Object(_)) => check(rest, value, closed, &at, out),
                (None, Value::Null) if !closed => {}
                (None, _) => out.push(format!("{at}: no such property")),
            }
        }
    }
    if let (Value::Array(rows), Some(items)) = (value, schema.get("items")) {
        for (number, row) in rows.iter().enumerate() {
            check(items, row, closed, &format!("{at}[{number}]"), out);
        }
    }
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    }
}

/// The two patterns of our schemas; a third must be told here.
fn pattern(form: &str, text: &str) -> bool {
    match form {
        "^[A-Za-z0-9][A-Za-z0-9._-]*$" => {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        }
        "^ *([0-9]+ *[A-Za-z]+ *)+$" => humantime::parse_duration(text).is_ok(),
        other => panic!("the schema uses a pattern that this reader does not know: {other}"),
    }
}
