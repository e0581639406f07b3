//! One request, taken apart.

use axum::http::{HeaderMap, Method, header};
use serde_json::Value;

/// One request, taken apart.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// What was asked, as it stands in the record.
    pub(crate) line: String,
    /// `Null` without a body.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) raw: String,
}

impl Ask {
    /// Returns a value of the query; empty counts as there.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns a value of the query, or of the body of a POST.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let given = self.query(name).or_else(|| self.body[name].as_str());
        given.filter(|value| !value.is_empty())
    }

    pub(super) fn token(&self) -> Option<&str> {
        let bearer = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        bearer.strip_prefix("Bearer ")
    }

    pub(crate) fn accepts_events(&self) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        accept == Some("text/event-stream")
    }
}

pub(super) fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(unescape).collect()
}

pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (unescape(key), unescape(&value.replace('+', " "))))
        .collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        if byte != b'%' {
            bytes.push(byte);
        } else if let (Some(high), Some(low)) = (hex(rest.next()), hex(rest.next())) {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
