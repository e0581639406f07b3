//! Why GitHub's API did not do what it was asked: a refusal in its own words, or no answer. Decides which of them may be asked again.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Answer, retry_after};
use crate::model::{Fault, Outcome, Timestamp, json};

/// How long promote waits after a secondary limit that names no time: GitHub asks for a minute.
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
const UNNAMED: Duration = Duration::from_secs(60);

/// A request that did not do what it was sent for.
#[derive(Debug)]
pub enum Failure {
    /// No usable answer: whether GitHub did it is not known.
    Lost(Fault),
    /// GitHub did not do it because of a limit, and can be asked again after this time.
    Limited(Refusal, Duration),
    /// GitHub did not do it.
    Refused(Refusal),
}

/// What GitHub said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer; 200 for an error of GraphQL.
    pub status: u16,
    /// The kind of a GraphQL error, such as `STALE_DATA`.
    pub kind: Option<String>,
    /// The words.
    pub message: String,
    /// The host, with the request's id where there is one.
    pub place: String,
}

impl Failure {
    /// Whether asking again can help, and how long GitHub wants to be left alone before.
    #[expect(clippy::option_option, reason = "what the retry asks: whether, and after how long")]
    pub(super) fn passes(&self) -> Option<Option<Duration>> {
        match self {
            // A token that cannot be had is no lost answer.
            Self::Lost(fault) => (fault.outcome == Outcome::Unreachable).then_some(None),
            Self::Limited(_, wait) => Some(Some(*wait)),
            Self::Refused(_) => None,
        }
    }

    /// Returns what GitHub said, if it said something.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Lost(_) => None,
            Self::Limited(refusal, _) | Self::Refused(refusal) => Some(refusal),
        }
    }

    /// Whether it is the answer to a question about something that is not there, or that the token does not see.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        let missing = |refusal: &Refusal| refusal.status == 404 || refusal.kind.as_deref() == Some("NOT_FOUND");
        self.refusal().is_some_and(missing)
    }

    /// Makes the fault that ends the run; `what` is what was to be done, as in `read the rules of main`.
    #[must_use]
    pub fn fault(self, what: &str) -> Fault {
        match self {
            Self::Lost(mut fault) => {
                fault.message = format!("{what}: {}", fault.message);
                fault
            }
            Self::Limited(said, wait) => Fault::unreachable(format!(
                "{what}: the rate limit of {} is reached ({})",
                said.place, said.message
            ))
            .hint(format!("run the step again in {}s", wait.as_secs())),
            Self::Refused(said) => said.fault(what),
        }
    }
}

impl Refusal {
    /// Makes the fault that ends the run; `what` is what was to be done.
    #[must_use]
    pub fn fault(self, what: &str) -> Fault {
        let Self {
            status,
            kind,
            message,
            place,
        } = self;
        let word = kind.unwrap_or_else(|| status.to_string());
        match (status, word.as_str()) {
            (401, _) => Fault::denied(format!("{what}: {place} rejected the token (401): {message}"))
                .hint("create a token, and store it in the secret that the step uses"),
            (403, _) | (_, "FORBIDDEN" | "INSUFFICIENT_SCOPES") => Fault::denied(format!(
                "{what}: the token has no permission at {place} ({word}): {message}"
            ))
            .hint("grant the permissions that docs/setup.md lists for this `via`"),
            (404, _) | (_, "NOT_FOUND") => Fault::denied(format!(
                "{what}: {place} has no such object, or the token does not see it ({word}): {message}"
            ))
            .hint("install the App on the repository, or grant the token access to it"),
            _ => Fault::denied(format!("{what}: {place} refused ({word}): {message}")),
        }
    }

    /// Whether the words contain a part, whatever its case.
    #[must_use]
    pub fn says(&self, part: &str) -> bool {
        self.message.to_ascii_lowercase().contains(part)
    }
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<Value>,
}

/// Sorts an answer of the REST API that is no success.
pub(super) fn of_status(place: String, answer: &Answer, now: Timestamp) -> Failure {
    let status = answer.status;
    let said: Said = json::from_slice(&answer.body).unwrap_or_default();
    let message = words(&said, status);
    if status.is_server_error() {
        return Failure::Lost(Fault::unreachable(format!(
            "{place} answered {}: {message}",
            status.as_u16()
        )));
    }
    let refusal = Refusal {
        status: status.as_u16(),
        kind: None,
        message,
        place,
    };
    match limit(status, &answer.headers, &refusal, now) {
        Some(wait) => Failure::Limited(refusal, wait),
        None => Failure::Refused(refusal),
    }
}

/// Sorts the errors of an answer of GraphQL.
pub(super) fn of_errors(place: String, answer: &Answer, errors: &[Value], now: Timestamp) -> Failure {
    let first = errors.first();
    let kind = first.and_then(|error| error.get("type")?.as_str()).map(str::to_owned);
    let each = errors.iter().filter_map(|error| error.get("message")?.as_str());
    let message = plain(&each.collect::<Vec<_>>().join("; "));
    let refusal = Refusal {
        status: answer.status.as_u16(),
        kind,
        message,
        place,
    };
    let limited = refusal.kind.as_deref() == Some("RATE_LIMITED") || refusal.says("secondary rate limit");
    if limited {
        let wait = asked(&answer.headers, now).unwrap_or(UNNAMED);
        return Failure::Limited(refusal, wait);
    }
    // What GitHub says when it broke: nothing is known then.
    if refusal.kind.is_none() && refusal.says("something went wrong while executing your query") {
        return Failure::Lost(Fault::unreachable(format!("{}: {}", refusal.place, refusal.message)));
    }
    Failure::Refused(refusal)
}

/// Returns how long a limit asks to wait, if this is one.
fn limit(status: StatusCode, headers: &HeaderMap, said: &Refusal, now: Timestamp) -> Option<Duration> {
    if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::FORBIDDEN {
        return None;
    }
    let named = asked(headers, now);
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || named.is_some()
        || said.says("rate limit")
        || said.says("abuse detection");
    limited.then(|| named.unwrap_or(UNNAMED))
}

/// Returns the wait that the headers ask for: `retry-after`, or the end of the hour whose requests are used up.
fn asked(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after(headers).or_else(|| {
        text("x-ratelimit-remaining").filter(|left| *left == "0")?;
        let reset = text("x-ratelimit-reset")?.parse().ok()?;
        Some(Timestamp::at_unix(reset).since(now))
    })
}

fn words(said: &Said, status: StatusCode) -> String {
    let detail = |error: &Value| match error {
        Value::String(text) => Some(text.clone()),
        error => {
            let field = error.get("field").and_then(Value::as_str).unwrap_or_default();
            let code = error.get("code").and_then(Value::as_str).unwrap_or_default();
            let named = error.get("message").and_then(Value::as_str).map(str::to_owned);
            named.or_else(|| Some(format!("{field} {code}").trim().to_owned()))
        }
    };
    let mut all = said.message.clone();
    for text in said.errors.iter().filter_map(detail).filter(|text| !text.is_empty()) {
        all = if all.is_empty() { text } else { format!("{all}: {text}") };
    }
    if all.is_empty() {
        status.canonical_reason().unwrap_or("no message").clone_into(&mut all);
    }
    plain(&all)
}

/// Returns the words on one line and bounded.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(600).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            body: body.as_bytes().to_vec(),
        }
    }

    fn sorted(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        of_status("h".to_owned(), &answer(status, headers, body), Timestamp::at_unix(1000))
    }

    #[test]
    fn a_limit_is_waited_for_and_a_missing_permission_is_not() {
        let waits = |failure: Failure| match failure {
            Failure::Limited(_, wait) => Some(wait.as_secs()),
            _ => None,
        };
        assert_eq!(waits(sorted(429, &[("retry-after", "7")], "{}")), Some(7));
        let primary = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")];
        assert_eq!(waits(sorted(403, &primary, "{}")), Some(30));
        let secondary = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        assert_eq!(waits(sorted(403, &[], secondary)), Some(60));
        let rights = sorted(
            403,
            &[("x-ratelimit-remaining", "7")],
            r#"{"message":"Resource not accessible by integration"}"#,
        );
        assert!(rights.passes().is_none());
        assert!(rights.fault("read x").to_string().contains("has no permission"));
    }

    #[test]
    fn a_server_that_broke_leaves_open_what_it_did() {
        assert!(matches!(sorted(502, &[], "<html>"), Failure::Lost(_)));
        let errors =
            [serde_json::json!({"message": "Something went wrong while executing your query. Please include `A:1`"})];
        let lost = of_errors("h".to_owned(), &answer(200, &[], ""), &errors, Timestamp::at_unix(0));
        assert!(matches!(lost, Failure::Lost(_)), "{lost:?}");
    }

    #[test]
    fn details_are_part_of_the_words() {
        let body = r#"{"message":"Validation Failed","errors":[{"message":"A pull request already exists for o:b."},{"field":"head","code":"invalid"}]}"#;
        let failure = sorted(422, &[], body);
        assert_eq!(
            failure.refusal().unwrap().message,
            "Validation Failed: A pull request already exists for o:b.: head invalid"
        );
    }
}
