//! What promote.yaml may hold, derived from its keys: as rows of the reference page, and as JSON Schema for editors.
//! Never read by the binary itself, whose mistakes have lines and nearest names.

use serde_json::{Map, Value as Json, json};

use super::keys::{Info, Shape, Value, root};

/// Returns every key with what it says, for the reference page: `environments[].name`, `apps.NAME.images`.
#[must_use]
pub fn reference() -> Vec<(String, String)> {
    fn walk(before: &str, shape: &Shape, rows: &mut Vec<(String, String)>) {
        match shape {
            Shape::Leaf(_) => {}
            Shape::List(item) => walk(&format!("{before}[]"), item, rows),
            Shape::Each(value) => walk(&format!("{before}.NAME"), value, rows),
            Shape::Keys(known) => {
                for key in known {
                    let path = format!("{before}.{}", key.name).trim_start_matches('.').to_owned();
                    rows.push((path.clone(), key.help.clone()));
                    walk(&path, &key.shape, rows);
                }
            }
        }
    }
    let mut rows = Vec::new();
    walk("", &whole(), &mut rows);
    rows
}

fn whole() -> Shape {
    Shape::Keys(root().into_iter().map(|key| key.info).collect())
}

/// Returns the JSON Schema (draft 7, which editors know best) of the file.
#[must_use]
pub fn schema() -> Json {
    let mut schema = shape(&whole());
    if let Json::Object(map) = &mut schema {
        map.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        map.insert("title".to_owned(), json!("promote.yaml"));
        map.insert("type".to_owned(), json!("object"));
    }
    schema
}

/// A name of an app or an environment.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";

fn shape(of: &Shape) -> Json {
    match of {
        Shape::Leaf(value) => leaf(*value),
        Shape::List(item) => json!({"type": ["array", "null"], "items": shape(item)}),
        Shape::Each(value) => {
            json!({"type": ["object", "null"], "additionalProperties": shape(value), "propertyNames": {"pattern": NAME}})
        }
        Shape::Keys(known) => keys(known),
    }
}

fn keys(known: &[Info]) -> Json {
    let properties: Map<String, Json> = known
        .iter()
        .map(|key| {
            let mut property = shape(&key.shape);
            if let Json::Object(map) = &mut property {
                map.insert("description".to_owned(), json!(key.help));
            }
            (key.name.to_owned(), property)
        })
        .collect();
    let required: Vec<&str> = known.iter().filter(|key| key.required).map(|key| key.name).collect();
    // Where nothing is required, an empty value says nothing, too.
    if required.is_empty() {
        json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false})
    } else {
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }
}

fn leaf(value: Value) -> Json {
    match value {
        Value::Version => json!({"const": 1}),
        Value::Number => json!({"type": "integer", "minimum": 1}),
        Value::Bool => json!({"type": "boolean"}),
        Value::Text => json!({"type": "string"}),
        Value::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Value::Name => json!({"type": "string", "pattern": NAME}),
        Value::OneOrMore => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        Value::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Value::Duration => json!({"type": "string", "pattern": "^ *([0-9]+ *[A-Za-z]+ *)+$"}),
        Value::Choice(words) => json!({"enum": words}),
        Value::Choices(words) => json!({"type": "array", "items": {"enum": words}}),
    }
}
