//! One call to Argo CD: address, credentials, content type, time limit, and the answer or its problem.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;

use crate::delivery::{Problem, Settings};
use crate::http::{self, Client, Opened, Request};
use crate::model::limits::Limit;
use crate::model::{Fault, Outcome, limits, may_carry_secret};

use super::answer::Answer;

/// Longer answers are taken apart on another thread: this one has signals and other answers to listen to.
const LONG: usize = 256 << 10;

/// Argo CD's server, as one client of it.
#[derive(Debug)]
pub(in crate::delivery) struct ArgoCd {
    http: Client,
    settings: Settings,
    headers: HeaderMap,
}

/// A call.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The parts of the path after the root path.
    pub(super) path: &'a [&'a str],
    pub(super) query: Vec<(&'a str, &'a str)>,
    pub(super) body: Option<serde_json::Value>,
    pub(super) limit: Duration,
    /// The most bytes of a good answer.
    pub(super) most: usize,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &'a [&'a str]) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            body: None,
            limit: limits::ARGOCD_CALL.time(),
            most: limits::ARGOCD_ONE.bytes(),
        }
    }

    /// Bounds the bytes of a good answer.
    pub(super) const fn most(mut self, most: Limit) -> Self {
        self.most = most.bytes();
        self
    }

    pub(super) fn with(mut self, query: Vec<(&'a str, &'a str)>) -> Self {
        self.query = query;
        self
    }
}

impl ArgoCd {
    /// Makes the client of a server. Sends nothing.
    ///
    /// # Errors
    /// The server's address may not carry a secret, or a header cannot be sent.
    pub(in crate::delivery) fn new(http: Client, settings: Settings) -> Result<Self, Fault> {
        may_carry_secret(&settings.server)
            .map_err(|why| Fault::invalid(format!("`argocd-server` {} {why}", shown(&settings.server))))?;
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", settings.token.expose());
        headers.insert(reqwest::header::AUTHORIZATION, secret_value(&bearer, "argocd-token")?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &settings.headers {
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                Fault::invalid(format!(
                    "`argocd-headers` has {name:?}, which is not a name of a header"
                ))
            })?;
            headers.insert(header, secret_value(value.expose(), "argocd-headers")?);
        }
        Ok(Self {
            http,
            settings,
            headers,
        })
    }

    pub(super) fn asked_project(&self) -> Option<&str> {
        self.settings.project.as_deref()
    }

    /// Returns the server's address without anything that could be a credential.
    pub(super) fn address(&self) -> String {
        shown(&self.settings.server)
    }

    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.settings.server.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Makes a call and returns the JSON of its answer.
    pub(super) async fn call<T: DeserializeOwned + Send + 'static>(&self, call: Call<'_>) -> Result<T, Problem> {
        let answer = self.send(call).await?;
        let read = if answer.body.len() > LONG {
            let read = tokio::task::spawn_blocking(move || answer.json()).await;
            read.unwrap_or_else(|error| Err(Problem::Foreign(format!("the answer could not be read: {error}"))))
        } else {
            answer.json()
        };
        read.map_err(|problem| self.explained(problem))
    }

    /// Makes a call and returns its answer, good or not.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Answer, Problem> {
        let request = self.signed(self.request(&call)).await?;
        let opened = self.http.open(request.within(call.limit)).await?;
        read(opened, call.most).await
    }

    pub(super) fn request(&self, call: &Call<'_>) -> Request {
        let mut url = self.url(call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = Request::new(call.method.clone(), url).headers(&self.headers);
        if call.method != Method::GET {
            // Exactly this: with a charset the server answers 415.
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let body = call.body.as_ref().map_or_else(String::new, ToString::to_string);
            request = request.body(body.into_bytes());
        }
        request
    }

    pub(super) async fn open(&self, request: Request) -> Result<Opened, Problem> {
        Ok(self.http.open(self.signed(request).await?).await?)
    }

    /// Puts the token of this moment into a request, where tokens are made in the run.
    async fn signed(&self, request: Request) -> Result<Request, Problem> {
        let Some(tokens) = &self.settings.tokens else {
            return Ok(request);
        };
        match tokens.token().await {
            Ok(token) => Ok(request.bearer(&token)),
            Err(fault) if fault.outcome == Outcome::Unreachable => Err(Problem::Passing {
                why: fault.to_string(),
                after: None,
            }),
            Err(fault) => Err(Problem::Token(fault.to_string())),
        }
    }

    /// Adds to a problem with the token when it ended.
    pub(super) fn explained(&self, problem: Problem) -> Problem {
        match problem {
            Problem::Token(said) => match self.settings.token.valid_until() {
                Some(at) => Problem::Token(format!("{said} (the token is valid until {at})")),
                None => Problem::Token(said),
            },
            other => other,
        }
    }
}

/// Returns an address without user, password, query and fragment.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or_default())
}

fn secret_value(text: &str, input: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Fault::invalid(format!(
            "`{input}` holds a character that a header cannot carry, such as a line break inside it"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn head(opened: &Opened) -> Answer {
    Answer {
        status: opened.status().as_u16(),
        content_type: opened.header(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase(),
        retry_after: http::retry_after(opened.headers()),
        redirect: opened
            .header(LOCATION)
            .and_then(|to| opened.url().join(to).ok())
            .map(|to| to.origin().ascii_serialization()),
        body: Vec::new(),
    }
}

/// Reads an answer to its end; of one that is no success, a little.
pub(super) async fn read(opened: Opened, most: usize) -> Result<Answer, Problem> {
    let mut answer = head(&opened);
    answer.body = if opened.status().is_success() {
        opened.whole(most).await?.body
    } else {
        opened.words().await
    };
    Ok(answer)
}

impl From<http::Problem> for Problem {
    fn from(problem: http::Problem) -> Self {
        let why = problem.to_string();
        match problem {
            http::Problem::TooLarge(_) => Self::Foreign(why),
            http::Problem::Slow(_) | http::Problem::Trickle { .. } => Self::Slow(why),
            _ => Self::Passing { why, after: None },
        }
    }
}
