//! What is asked of Prometheus, and what its answers mean, as the controller's own client has both.

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;
use url::Url;

use super::expression::{self, FailureKind};
use super::golang::{parse_duration, parse_float};
use super::template::Prometheus;
use super::trouble::{Trouble, TroubleKind};
use super::value::Value;
use crate::model::json;

/// A query may take this many seconds, unless the template says otherwise.
const SECONDS: i64 = 30;

/// A request to Prometheus.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The address with the path of the API.
    pub url: Url,
    /// The form, in the order of its names.
    pub form: Vec<(String, String)>,
}

/// Returns the address of a metric, or the one that takes its place.
///
/// # Errors
/// There is none, or it is no URL with scheme and host.
pub fn address(prometheus: &Prometheus, otherwise: Option<&str>) -> Result<Url, Trouble> {
    let text = Some(prometheus.address.as_str())
        .filter(|address| !address.is_empty())
        .or(otherwise.filter(|address| !address.is_empty()))
        .ok_or_else(|| Trouble::new(TroubleKind::NoAddress, "no address of Prometheus is set"))?;
    let wrong = || {
        Trouble::new(
            TroubleKind::NotUrl,
            format!("`{text}` is not a URL such as https://prometheus.example.com"),
        )
    };
    let clean = !text.contains(|c: char| c.is_ascii_control() || matches!(c, '{' | '}'))
        && text.split_once("://").is_some_and(|(scheme, rest)| {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            !scheme.is_empty() && !host.is_empty() && !host.contains(' ')
        });
    Url::parse(text)
        .ok()
        .filter(|url| clean && url.has_host())
        .ok_or_else(wrong)
}

/// Returns the seconds that a query may take.
///
/// # Errors
/// It is less than nothing.
pub fn timeout(prometheus: &Prometheus) -> Result<u64, Trouble> {
    let seconds = prometheus.timeout.unwrap_or(SECONDS);
    u64::try_from(seconds)
        .map_err(|_| Trouble::new(TroubleKind::BadTimeout, format!("`timeout: {seconds}` is below 0")))
}

/// Makes the request for a metric. `now` is in nanoseconds since 1970.
///
/// # Errors
/// A time of the range query cannot be evaluated.
pub fn question(prometheus: &Prometheus, address: &Url, now: i128) -> Result<Question, Trouble> {
    let mut form: Vec<(String, String)> = address
        .query_pairs()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let mut set = |name: &str, value: String| {
        form.retain(|(known, _)| known != name);
        form.push((name.to_owned(), value));
    };
    set("query", prometheus.query.clone());
    let api = if let Some(range) = &prometheus.range_query {
        set("start", seconds(end(&range.start, "start", now)?));
        set("end", seconds(end(&range.end, "end", now)?));
        let step = parse_duration(&range.step).ok_or_else(|| {
            let message = format!("`rangeQuery.step: {}` is no duration such as `1m`", range.step);
            Trouble::new(TroubleKind::RangeTime, message)
        })?;
        set("step", seconds(step.into()));
        "api/v1/query_range"
    } else {
        set("time", seconds(now));
        "api/v1/query"
    };
    form.sort();
    let mut url = address.clone();
    url.set_fragment(None);
    url.set_path(&joined(address.path(), api));
    Ok(Question { url, form })
}

fn end(text: &str, name: &str, now: i128) -> Result<i128, Trouble> {
    expression::time(text, now).map_err(|failure| {
        let kind = match failure.kind {
            FailureKind::Controller(_) => TroubleKind::RangeTime,
            FailureKind::NotEvaluated => TroubleKind::NotEvaluated,
        };
        Trouble::new(kind, format!("`rangeQuery.{name}: {text}`: {failure}"))
    })
}

/// Writes nanoseconds as seconds with a fraction.
fn seconds(nanoseconds: i128) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (whole, fraction) = (
        nanoseconds.unsigned_abs() / 1_000_000_000,
        nanoseconds.unsigned_abs() % 1_000_000_000,
    );
    let fraction = format!("{fraction:09}");
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// Joins paths without empty parts, `.` and `..`.
fn joined(path: &str, api: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').chain(api.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// What Prometheus answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The result.
    pub value: Value,
    /// What it warned of: a partial answer among them.
    pub warnings: Vec<String>,
}

/// Reads an answer.
///
/// # Errors
/// Prometheus or what stands before it refused, or the answer is none.
pub fn answered(status: u16, body: &[u8]) -> Result<Answered, Trouble> {
    let of_api = matches!(status, 400 | 422);
    match status {
        _ if of_api => {}
        200..=299 => {}
        400..=499 => {
            return Err(Trouble::new(
                TroubleKind::ClientError,
                format!("the server answered {status}"),
            ));
        }
        500..=599 => {
            return Err(Trouble::new(
                TroubleKind::ServerError,
                format!("the server answered {status}"),
            ));
        }
        _ => return Err(bad(&format!("the server answered {status}"))),
    }
    let json: Json = if status == 204 {
        Json::Null
    } else {
        json::value(body).map_err(|error| bad(&format!("the answer is no JSON ({error})")))?
    };
    let text = |name: &str| match json.get(name) {
        None | Some(Json::Null) => Ok(""),
        Some(Json::String(text)) => Ok(text.as_str()),
        Some(_) => Err(bad(&format!("`{name}` of the answer is no text"))),
    };
    if !(json.is_object() || json.is_null()) {
        return Err(bad("the answer is no JSON object"));
    }
    let (state, kind, error) = (text("status")?, text("errorType")?, text("error")?);
    let warnings = match json.get("warnings") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.ok_or_else(|| bad("`warnings` of the answer has something that is no text"))?
        }
        Some(_) => return Err(bad("`warnings` of the answer is no list")),
    };
    if state == "error" {
        return Err(Trouble::new(TroubleKind::Prometheus, format!("{kind}: {error}")));
    }
    if of_api && state == "success" {
        return Err(bad(&format!("the server answered {status} and says that it succeeded")));
    }
    let value = result(json.get("data").unwrap_or(&Json::Null))?;
    Ok(Answered { value, warnings })
}

fn bad(why: &str) -> Trouble {
    Trouble::new(TroubleKind::BadResponse, why)
}

/// Reads `data` of an answer.
fn result(data: &Json) -> Result<Value, Trouble> {
    let kind = data.get("resultType").and_then(Json::as_str).unwrap_or_default();
    let result = data.get("result").unwrap_or(&Json::Null);
    match kind {
        "scalar" => {
            let pair = result.as_array().ok_or_else(|| bad("a scalar is no pair"))?;
            stamped(pair.first())?;
            let text = pair.get(1).and_then(Json::as_str).unwrap_or_default();
            Ok(Value::Float(sample(text)?))
        }
        "vector" | "matrix" => {
            let series = result.as_array().ok_or_else(|| bad("the result is no list"))?;
            let mut numbers = Vec::new();
            for one in series.iter().filter(|one| !one.is_null()) {
                let fields = one.as_object().ok_or_else(|| bad("a series is no JSON object"))?;
                match (kind, fields.get("value"), fields.get("values")) {
                    ("vector", None | Some(Json::Null), _) => numbers.push(0.0),
                    ("vector", Some(pair), _) => numbers.push(number(pair)?),
                    (_, _, None | Some(Json::Null)) => {}
                    (_, _, Some(Json::Array(pairs))) => {
                        for pair in pairs {
                            numbers.push(number(pair)?);
                        }
                    }
                    _ => return Err(bad("the values of a series are no list")),
                }
            }
            Ok(Value::floats(numbers))
        }
        other => Err(bad(&format!("the result is of type `{other}`"))),
    }
}

/// Reads a time and its value; a pair without a value counts as 0.
fn number(pair: &Json) -> Result<f64, Trouble> {
    let pair = match pair {
        Json::Null => return Ok(0.0),
        Json::Array(pair) => pair,
        _ => return Err(bad("a sample is no pair")),
    };
    stamped(pair.first())?;
    match pair.get(1) {
        None => Ok(0.0),
        Some(Json::String(text)) => sample(text),
        Some(other) => Err(bad(&format!("the value of a sample is {other}, which is no text"))),
    }
}

fn stamped(time: Option<&Json>) -> Result<(), Trouble> {
    match time {
        None | Some(Json::Number(_)) => Ok(()),
        Some(other) => Err(bad(&format!("the time of a sample is {other}"))),
    }
}

fn sample(text: &str) -> Result<f64, Trouble> {
    parse_float(text).ok_or_else(|| bad(&format!("the value of a sample is \"{text}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_seconds() {
        for (nanoseconds, text) in [
            (0, "0"),
            (1_500_000_000, "1.5"),
            (-250_000_000, "-0.25"),
            (60_000_000_000, "60"),
        ] {
            assert_eq!(seconds(nanoseconds), text);
        }
    }

    #[test]
    fn a_form_keeps_what_the_address_says() {
        let prometheus = Prometheus {
            address: "http://p/prom/?tenant=a&query=x".to_owned(),
            query: "up".to_owned(),
            ..Prometheus::default()
        };
        let question = question(&prometheus, &address(&prometheus, None).unwrap(), 1_000_000_000).unwrap();
        assert_eq!(question.url.as_str(), "http://p/prom/api/v1/query?tenant=a&query=x");
        let form: Vec<String> = question
            .form
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(form, ["query=up", "tenant=a", "time=1"]);
    }
}
