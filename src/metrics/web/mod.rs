//! Any server that answers with JSON: the web provider.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use url::Url;

use super::exchange::{Request, headers, send, within};
use super::{Reading, oauth};
use crate::assess::analysis::template::Web;
use crate::assess::analysis::{Phase, Trouble, TroubleKind, Value, jsonpath};
use crate::http::Client;
use crate::model::json;

/// A request may take this many seconds, unless the template says otherwise.
const SECONDS: u64 = 10;

/// Measures.
pub(super) async fn measure(http: &Client, web: &Web) -> Result<Reading, Trouble> {
    let request = request(web)?;
    oauth::check(&web.authentication.oauth2)?;
    let seconds = u64::try_from(web.timeout_seconds)
        .ok()
        .filter(|seconds| *seconds > 0)
        .unwrap_or(SECONDS);
    within(Duration::from_secs(seconds), async {
        let mut request = request;
        oauth::authorize(http, &web.authentication.oauth2, &mut request.headers).await?;
        let answer = send(http, request).await?;
        match answer.status {
            200..=299 => read(web, &answer.body),
            status => {
                let kind = if status >= 500 {
                    TroubleKind::ServerError
                } else {
                    TroubleKind::ClientError
                };
                Err(Trouble::new(kind, format!("the server answered {status}")))
            }
        }
    })
    .await
}

fn request(web: &Web) -> Result<Request, Trouble> {
    let url = Url::parse(&web.url)
        .ok()
        .filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| {
        let message = format!("`url: {}` is not a URL such as https://api.example.com/status", web.url);
        Trouble::new(TroubleKind::NotUrl, message)
    })?;
    let method = match web.method.as_str() {
        "" | "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        other => {
            let message = format!("`method: {other}` is none of GET, POST, PUT");
            return Err(Trouble::new(TroubleKind::BadHeader, message));
        }
    };
    let body = match (&web.json_body, web.body.as_str()) {
        (None, "") => None,
        (Some(json), "") => Some(json.to_string()),
        (None, body) => Some(body.to_owned()),
        (Some(_), _) => {
            return Err(Trouble::new(
                TroubleKind::BadHeader,
                "`body` and `jsonBody` exclude each other",
            ));
        }
    };
    if body.is_some() && method == Method::GET {
        return Err(Trouble::new(
            TroubleKind::BadHeader,
            "a body needs `method: POST` or `method: PUT`",
        ));
    }
    let mut headers = headers(&web.headers)?;
    if web.json_body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(Request {
        method,
        url,
        headers,
        body,
        confidential: true,
    })
}

fn read(web: &Web, body: &[u8]) -> Result<Reading, Trouble> {
    let json = match json::value(body) {
        Ok(json) => json,
        // It is JSON, and too much of it.
        Err(error) if error.is_data() => {
            let why = format!("the answer cannot be read ({error})");
            return Err(Trouble::new(TroubleKind::BadResponse, why));
        }
        Err(_) => {
            // What is no JSON is a good measurement, whatever the conditions are.
            let text = String::from_utf8_lossy(body);
            return Ok(Reading {
                value: Value::text(&text),
                stored: text.into_owned(),
                warnings: Vec::new(),
                phase: Some(Phase::Successful),
            });
        }
    };
    let picked = jsonpath::pick(&web.json_path, &json)?;
    Ok(Reading {
        value: Value::from_json(&picked),
        stored: picked.to_string(),
        warnings: Vec::new(),
        phase: None,
    })
}
