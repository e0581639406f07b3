//! One request with its redirects, as the controller's client follows them, except that credentials stay with their host.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, REFERER};
use reqwest::{Method, Url};

use crate::assess::analysis::template::Header;
use crate::assess::analysis::{Trouble, TroubleKind};
use crate::http::{self, Client, Problem};
use crate::model::{is_loopback, limits, may_carry_secret};

/// After this many requests a chain of redirects ends.
const REQUESTS: usize = limits::METRICS_REQUESTS.things();
/// The most that is read of an answer, in bytes.
const MOST: usize = limits::METRICS_ANSWER.bytes();

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
    /// Whether the body can hold a secret. Then it goes to no other host.
    pub(super) confidential: bool,
}

impl Request {
    /// Makes a POST of a form without secrets.
    pub(super) fn form(url: Url, headers: &HeaderMap, form: &[(String, String)]) -> Self {
        let mut headers = headers.clone();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        Self {
            method: Method::POST,
            url,
            headers,
            body: Some(encoded(form)),
            confidential: false,
        }
    }

    /// Marks the body as one that can hold a secret.
    pub(super) fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }
}

/// Writes a form.
pub(super) fn encoded(form: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

/// Makes headers of a template's; of one name the last counts, and `Host` counts for nothing.
pub(super) fn headers(list: &[Header]) -> Result<HeaderMap, Trouble> {
    let mut headers = HeaderMap::new();
    for Header { key, value } in list {
        let wrong = |what: &str| {
            Trouble::new(
                TroubleKind::BadHeader,
                format!("the header `{key}` has {what} that HTTP does not allow"),
            )
        };
        let name = HeaderName::from_bytes(key.as_bytes()).map_err(|_| wrong("a name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong("a value"))?;
        if name != reqwest::header::HOST {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// Runs requests within a time.
///
/// # Errors
/// The time is over.
pub(super) async fn within<T>(
    limit: Duration,
    requests: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let over = || Trouble::new(TroubleKind::Timeout, format!("no answer within {}s", limit.as_secs()));
    if limit.is_zero() {
        return Err(over());
    }
    tokio::time::timeout(limit, requests)
        .await
        .unwrap_or_else(|_| Err(over()))
}

/// Sends a request, follows redirects, and returns the last answer.
pub(super) async fn send(http: &Client, request: Request) -> Result<Answer, Trouble> {
    let origin = request.url.origin();
    let mut request = request;
    for _ in 0..REQUESTS {
        // User and password of the address come before, so that a header of the template wins.
        let mut sent = http::Request::new(request.method.clone(), request.url.clone()).headers(&request.headers);
        if let Some(body) = &request.body {
            sent = sent.body(body.clone().into_bytes());
        }
        let response = http.open(sent).await.map_err(|problem| failed(&problem))?;
        let status = response.status().as_u16();
        let location = response.header(LOCATION);
        let target = location.and_then(|location| request.url.join(location).ok());
        let Some(target) = target.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308)) else {
            return Ok(Answer {
                status,
                body: response.whole(MOST).await.map_err(|problem| failed(&problem))?.body,
            });
        };
        if matches!(status, 301..=303) {
            request.method = Method::GET;
            request.body = None;
            request.headers.remove(CONTENT_TYPE);
        }
        let carries_secret = request.confidential && request.body.is_some();
        if !may_follow(&request.url, &target) || (carries_secret && target.origin() != origin) {
            let host = target.host_str().unwrap_or_default();
            return Err(Trouble::new(
                TroubleKind::Redirect,
                format!(
                    "it redirects to {}://{host}, where promote does not follow it",
                    target.scheme()
                ),
            ));
        }
        refer(&mut request, &target);
        if target.origin() != origin {
            request.headers = without_credentials(&request.headers);
        }
        request.url = target;
    }
    Err(Trouble::new(
        TroubleKind::Redirect,
        format!("more than {REQUESTS} redirects"),
    ))
}

/// Whether a redirect leads to where the template itself could have: not to plain http of another network, and to this machine or into the
/// cluster only from there. Who answers for an address must not choose what else is read from here.
fn may_follow(from: &Url, to: &Url) -> bool {
    let is_in_cluster = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
    };
    may_carry_secret(to).is_ok()
        && (!is_loopback(to) || is_loopback(from))
        && (!is_in_cluster(to) || is_in_cluster(from) || is_loopback(from))
}

/// Keeps what describes the request; anything else may be somebody's credential.
fn without_credentials(headers: &HeaderMap) -> HeaderMap {
    let kept = [CONTENT_TYPE, REFERER];
    kept.into_iter()
        .filter_map(|name| Some((name.clone(), headers.get(&name)?.clone())))
        .collect()
}

/// Notes where a redirect comes from, without user and password, and not from https to http. Another host gets no path and no query, which can
/// hold a secret.
fn refer(request: &mut Request, target: &Url) {
    request.headers.remove(REFERER);
    if request.url.scheme() == "https" && target.scheme() == "http" {
        return;
    }
    let mut from = request.url.clone();
    let _ = from.set_username("");
    let _ = from.set_password(None);
    from.set_fragment(None);
    if target.origin() != from.origin() {
        from.set_path("");
        from.set_query(None);
    }
    if let Ok(value) = HeaderValue::from_str(from.as_str()) {
        request.headers.insert(REFERER, value);
    }
}

/// Says why a request failed.
fn failed(problem: &Problem) -> Trouble {
    let kind = match problem {
        Problem::Slow(_) => TroubleKind::Timeout,
        Problem::TooLarge(_) => TroubleKind::BadResponse,
        problem if problem.is_tls() => TroubleKind::Tls,
        _ => TroubleKind::Connect,
    };
    Trouble::new(kind, problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_no_further_in_than_the_address() {
        let follows = |from: &str, to: &str| may_follow(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        for (from, to) in [
            ("https://metrics.example", "https://other.example/x"),
            ("http://127.0.0.1:1", "http://127.0.0.1:2"),
            ("http://127.0.0.1:1", "https://metrics.example"),
            ("http://prometheus.monitoring.svc:9090", "http://thanos.monitoring.svc"),
        ] {
            assert!(follows(from, to), "{from} {to}");
        }
        for (from, to) in [
            ("https://metrics.example", "http://metrics.example"),
            ("https://metrics.example", "http://169.254.169.254/latest"),
            ("http://127.0.0.1:1", "http://10.0.0.1/"),
            ("https://metrics.example", "http://127.0.0.1:8080/"),
            ("https://metrics.example", "https://localhost/"),
            ("https://metrics.example", "http://api.internal.svc/"),
            ("http://prometheus.monitoring.svc", "http://127.0.0.1/"),
            ("https://metrics.example", "file:///etc/passwd"),
        ] {
            assert!(!follows(from, to), "{from} {to}");
        }
    }
}
