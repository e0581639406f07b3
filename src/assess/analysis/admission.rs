//! What the API server does with a template before the controller sees it: fields that it does not know vanish, and fields
//! of another type are refused.

use serde_json::Value as Json;

/// What came of looking at a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// Fields that vanish, by their paths.
    pub pruned: Vec<String>,
    /// What is refused.
    pub refused: Vec<String>,
}

enum Schema {
    Text,
    Integer,
    Boolean,
    /// A whole number or a text.
    Number,
    List(&'static Schema),
    Object(&'static [(&'static str, Schema)], &'static [&'static str]),
    /// Whatever is there.
    Anything,
}

use Schema::{Anything, Boolean, Integer, List, Number, Object, Text};

const TEXTS: Schema = List(&Text);
const AUTHENTICATION: Schema = Object(
    &[
        (
            "oauth2",
            Object(
                &[
                    ("clientId", Text),
                    ("clientSecret", Text),
                    ("scopes", TEXTS),
                    ("tokenUrl", Text),
                ],
                &[],
            ),
        ),
        (
            "sigv4",
            Object(&[("profile", Text), ("region", Text), ("roleArn", Text)], &[]),
        ),
    ],
    &[],
);
const HEADERS: Schema = List(&Object(&[("key", Text), ("value", Text)], &["key", "value"]));
const PROMETHEUS: Schema = Object(
    &[
        ("address", Text),
        ("authentication", AUTHENTICATION),
        ("headers", HEADERS),
        ("insecure", Boolean),
        ("query", Text),
        (
            "rangeQuery",
            Object(&[("end", Text), ("start", Text), ("step", Text)], &[]),
        ),
        ("timeout", Integer),
    ],
    &[],
);
const WEB: Schema = Object(
    &[
        ("authentication", AUTHENTICATION),
        ("body", Text),
        ("headers", HEADERS),
        ("insecure", Boolean),
        ("jsonBody", Anything),
        ("jsonPath", Text),
        ("method", Text),
        ("timeoutSeconds", Integer),
        ("url", Text),
    ],
    &["url"],
);
/// Providers that are not measured here are not looked into.
const PROVIDER: Schema = Object(
    &[
        ("cloudWatch", Anything),
        ("datadog", Anything),
        ("graphite", Anything),
        ("influxdb", Anything),
        ("job", Anything),
        ("kayenta", Anything),
        ("newRelic", Anything),
        ("plugin", Anything),
        ("prometheus", PROMETHEUS),
        ("skywalking", Anything),
        ("wavefront", Anything),
        ("web", WEB),
    ],
    &[],
);
const METRIC: Schema = Object(
    &[
        ("consecutiveErrorLimit", Number),
        ("consecutiveSuccessLimit", Number),
        ("count", Number),
        ("failureCondition", Text),
        ("failureLimit", Number),
        ("inconclusiveLimit", Number),
        ("initialDelay", Text),
        ("interval", Text),
        ("name", Text),
        ("provider", PROVIDER),
        ("successCondition", Text),
    ],
    &["name", "provider"],
);
const VALUE_FROM: Schema = Object(
    &[
        ("fieldRef", Object(&[("fieldPath", Text)], &["fieldPath"])),
        (
            "secretKeyRef",
            Object(&[("key", Text), ("name", Text)], &["key", "name"]),
        ),
    ],
    &[],
);
const SPEC: Schema = Object(
    &[
        (
            "args",
            List(&Object(
                &[("name", Text), ("value", Text), ("valueFrom", VALUE_FROM)],
                &["name"],
            )),
        ),
        ("dryRun", List(&Object(&[("metricName", Text)], &["metricName"]))),
        (
            "measurementRetention",
            List(&Object(
                &[("limit", Integer), ("metricName", Text)],
                &["limit", "metricName"],
            )),
        ),
        ("metrics", List(&METRIC)),
        (
            "templates",
            List(&Object(&[("clusterScope", Boolean), ("templateName", Text)], &[])),
        ),
    ],
    &[],
);
const TEMPLATE: Schema = Object(
    &[
        ("apiVersion", Text),
        ("kind", Text),
        ("metadata", Anything),
        ("spec", SPEC),
    ],
    &["spec"],
);

/// Looks at a manifest of an AnalysisTemplate or ClusterAnalysisTemplate.
#[must_use]
pub fn admit(manifest: &Json) -> Admission {
    let mut admission = Admission::default();
    look(manifest, &TEMPLATE, "", &mut admission);
    admission.pruned.sort();
    admission.refused.sort();
    admission
}

fn look(value: &Json, schema: &Schema, path: &str, admission: &mut Admission) {
    let inside = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    let wanted = match (schema, value) {
        (Anything, _) | (Text | Number, Json::String(_)) | (Boolean, Json::Bool(_)) => return,
        (Integer | Number, Json::Number(number)) if number.is_i64() || number.is_u64() => return,
        (List(item), Json::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                look(value, item, &format!("{path}[{index}]"), admission);
            }
            return;
        }
        (Object(fields, required), Json::Object(values)) => {
            for (name, value) in values {
                match fields.iter().find(|(known, _)| known == name) {
                    Some((_, schema)) => look(value, schema, &inside(name), admission),
                    None => admission.pruned.push(inside(name)),
                }
            }
            for name in required.iter().filter(|name| !values.contains_key(**name)) {
                admission.refused.push(format!("{}: required", inside(name)));
            }
            return;
        }
        (Text, _) => "a text",
        (Integer, _) => "a whole number",
        (Boolean, _) => "true or false",
        (Number, _) => "a whole number or a text",
        (List(_), _) => "a list",
        (Object(..), _) => "a map",
    };
    if let Json::Object(values) = value {
        admission.pruned.extend(values.keys().map(|name| inside(name)));
    }
    admission.refused.push(format!("{path}: must be {wanted}, not {value}"));
}
