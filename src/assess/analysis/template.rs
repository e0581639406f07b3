//! The types of an AnalysisTemplate of `argoproj.io/v1alpha1`, as Argo Rollouts 1.10 has them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::golang::{parse_duration, parse_int};

/// The spec of a template, and of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// What is measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// What `{{args.NAME}}` stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Argument>,
    /// Which metrics do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dry_run: Vec<DryRun>,
    /// How many measurements of a metric are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measurement_retention: Vec<Retention>,
    /// Templates that belong to this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Reference>,
    /// The run is to end.
    #[serde(skip_serializing_if = "is_default")]
    pub terminate: bool,
}

/// A metric. The order of the fields is the controller's: an argument's tag that has no end runs into the next one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// The time between measurements.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub interval: String,
    /// The time before the first one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub initial_delay: String,
    /// How many measurements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Number>,
    /// When a measurement is good.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub success_condition: String,
    /// When a measurement is bad.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure_condition: String,
    /// How many may be bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<Number>,
    /// How many may be neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inconclusive_limit: Option<Number>,
    /// How many in a row may be errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_error_limit: Option<Number>,
    /// Where it is measured.
    pub provider: Provider,
    /// How many in a row must be good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_success_limit: Option<Number>,
}

/// Where a metric is measured: one field of these.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provider {
    /// Prometheus and what speaks its API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Prometheus>,
    /// Any server that answers with JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    /// What is not measured here.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// The providers that the controller knows besides Prometheus and web.
pub const OTHER_PROVIDERS: [&str; 10] = [
    "kayenta",
    "datadog",
    "wavefront",
    "newRelic",
    "job",
    "cloudWatch",
    "graphite",
    "influxdb",
    "skywalking",
    "plugin",
];

/// A query to Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prometheus {
    /// Its URL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The query.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// How to log in.
    pub authentication: Authentication,
    /// Seconds that a query may take; 30 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Its certificate is not checked.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// Headers of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// A query over a span of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_query: Option<RangeQuery>,
}

/// The span of a range query: expressions for both ends, and a duration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RangeQuery {
    /// Its start.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// Its end.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub end: String,
    /// Its resolution.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
}

/// A header.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// How to log in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Authentication {
    /// Signatures of AWS.
    pub sigv4: Sigv4,
    /// Client credentials.
    pub oauth2: Oauth2,
}

/// Signatures of AWS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sigv4 {
    /// The region.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The profile.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub profile: String,
    /// The role.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role_arn: String,
}

/// Client credentials of OAuth 2.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Oauth2 {
    /// Where the token is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token_url: String,
    /// The client.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// Its secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_secret: String,
    /// The scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// A request to any server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Web {
    /// `GET`, `POST` or `PUT`; `GET` without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The address.
    pub url: String,
    /// Headers of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// A body of text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Seconds that it may take; 10 without it.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout_seconds: i64,
    /// What of the answer is the result.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub json_path: String,
    /// The certificate is not checked.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// A body of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_body: Option<serde_json::Value>,
    /// How to log in.
    pub authentication: Authentication,
}

/// An argument.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where the controller finds its value in the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<serde_json::Value>,
}

/// Metrics that do not count, by a regular expression.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DryRun {
    /// The regular expression.
    pub metric_name: String,
}

/// How many measurements of metrics are kept, by a regular expression.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Retention {
    /// The regular expression.
    pub metric_name: String,
    /// How many.
    pub limit: i32,
}

/// A template that belongs to another one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reference {
    /// Its name.
    pub template_name: String,
    /// It is a ClusterAnalysisTemplate.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster_scope: bool,
}

/// A number that may be written as a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Number {
    /// A number.
    Int(i32),
    /// A text.
    Text(String),
}

impl Number {
    /// Returns the number; a text that is none counts as 0.
    #[must_use]
    pub fn value(&self) -> i64 {
        match self {
            Self::Int(value) => i64::from(*value),
            Self::Text(text) => parse_int(text).unwrap_or(0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::Text(text)),
            serde_json::Value::Number(number) => number
                .as_i64()
                .and_then(|value| i32::try_from(value).ok())
                .map(Self::Int)
                .ok_or_else(|| D::Error::custom(format!("{number} is no whole number of 32 bits"))),
            other => Err(D::Error::custom(format!("{other} is neither a number nor a text"))),
        }
    }
}

impl Metric {
    /// Returns how many measurements end the metric; `None` if none does.
    #[must_use]
    pub fn effective_count(&self) -> Option<i64> {
        match self.count.as_ref().map_or(0, Number::value) {
            0 if self.interval.is_empty() => Some(1),
            0 => None,
            count => Some(count),
        }
    }

    /// Returns the interval in nanoseconds; `None` without one.
    #[must_use]
    pub fn interval_nanoseconds(&self) -> Option<i64> {
        parse_duration(&self.interval)
    }

    /// Returns a limit by its field, or what holds without it.
    #[must_use]
    pub(super) fn limit(field: Option<&Number>, otherwise: i64) -> i64 {
        field.map_or(otherwise, Number::value)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Reads a part of a template from JSON. Fields that do not exist are dropped, and so are nulls.
///
/// # Errors
/// A field has another type.
pub fn decode<T: serde::de::DeserializeOwned>(json: &serde_json::Value) -> Result<T, String> {
    serde_json::from_value(without_nulls(json)).map_err(|error| error.to_string())
}

fn without_nulls(json: &serde_json::Value) -> serde_json::Value {
    match json {
        serde_json::Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        serde_json::Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
