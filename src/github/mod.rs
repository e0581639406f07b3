//! GitHub's API for one repository: REST and GraphQL, each answer bounded and read into types of this project. Knows no promotion.
//!
//! What reads is asked again while GitHub does not answer. What writes is sent again only after a limit, which says that nothing was done:
//! after a lost answer, whoever sent it looks.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::{Answer, Client, Patience, Request, Tokens, patiently};
use crate::model::{Clock, Fault, json as budgeted, limits};

mod app;
mod failure;
mod minted;
mod oidc;
mod place;

pub use app::{App, AppKey, AppTokens};
pub use failure::{Failure, Refusal};
pub use minted::{Minted, revoke};
pub use oidc::{Login, OidcTokens};
pub use place::Place;

/// How patient a question is.
const PATIENCE: Patience = Patience {
    tries: 4,
    first: Duration::from_millis(300),
};

/// A repository, as the API of its GitHub knows it.
#[derive(Clone)]
pub struct GitHub {
    place: Place,
    http: Client,
    token: Option<Rc<dyn Tokens>>,
    clock: Rc<dyn Clock>,
    writing: Rc<Writing>,
}

/// What is known of the writes of a client and its clones.
#[derive(Debug, Default)]
struct Writing {
    /// Whether no write is sent any more.
    halted: Cell<bool>,
    /// Whether one was sent, and it is not known what became of it.
    in_doubt: Cell<bool>,
}

/// An answer that is a success.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The host that gave it.
    pub host: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; `Null` where there is none.
    pub body: Value,
}

impl Reply {
    /// Reads the body; `what` says what it should be.
    ///
    /// # Errors
    /// It is something else.
    pub fn read<T: DeserializeOwned>(self, what: &str) -> Result<T, Fault> {
        serde_json::from_value(self.body)
            .map_err(|error| Fault::unreachable(format!("the answer of {} is no {what}", self.host)).because(error))
    }
}

impl GitHub {
    /// Makes the client. `token` is sent to both addresses of the place and nowhere else.
    #[must_use]
    pub fn new(place: Place, http: Client, token: Option<Rc<dyn Tokens>>, clock: Rc<dyn Clock>) -> Self {
        Self {
            place,
            http,
            token,
            clock,
            writing: Rc::default(),
        }
    }

    /// Lets no write begin from now on, not even the repetition of one: the run was cancelled. What is under way may end.
    pub fn halt(&self) {
        self.writing.halted.set(true);
    }

    /// Whether a write was sent that has no answer, and nobody has looked since what became of it.
    #[must_use]
    pub fn in_doubt(&self) -> bool {
        self.writing.in_doubt.get()
    }

    /// Notes that it is known what became of a write whose answer was lost.
    pub fn known_now(&self) {
        self.writing.in_doubt.set(false);
    }

    /// Returns where it is.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the API's host, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        self.place.host()
    }

    /// Returns the time.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Returns the parts of a path below the repository.
    fn below<'a>(&'a self, path: &[&'a str]) -> Vec<&'a str> {
        [&["repos", &self.place.owner, &self.place.name], path].concat()
    }

    /// Asks for something of the repository, by the parts of its path; asks again while there is no answer.
    ///
    /// # Errors
    /// GitHub refuses, or gives no usable answer.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Reply, Failure> {
        self.get_any(&self.below(path), query).await
    }

    /// The same for something that is not of the repository.
    ///
    /// # Errors
    /// As [`GitHub::get`].
    pub async fn get_any(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Reply, Failure> {
        self.again(async || self.send(Method::GET, path, query, None).await, |_| true)
            .await
    }

    /// Sends something that changes the repository, by the parts of its path. It is sent again only after a limit.
    ///
    /// # Errors
    /// GitHub refuses, or it is not known what it did.
    pub async fn write(&self, method: Method, path: &[&str], body: &Value) -> Result<Reply, Failure> {
        let path = self.below(path);
        let limited = |failure: &Failure| matches!(failure, Failure::Limited(..));
        self.again(
            async || self.send(method.clone(), &path, &[], Some(body)).await,
            limited,
        )
        .await
    }

    /// Sends something that has no effect of its own, such as an object of git; sends it again while there is no answer.
    ///
    /// # Errors
    /// As [`GitHub::get`].
    pub async fn make(&self, method: Method, path: &[&str], body: &Value) -> Result<Reply, Failure> {
        self.make_any(method, &self.below(path), body).await
    }

    /// The same for something that is not of the repository.
    ///
    /// # Errors
    /// As [`GitHub::get`].
    pub async fn make_any(&self, method: Method, path: &[&str], body: &Value) -> Result<Reply, Failure> {
        self.again(
            async || self.send(method.clone(), path, &[], Some(body)).await,
            |_| true,
        )
        .await
    }

    /// Revokes the token itself, which is one of an App. It is sent once.
    ///
    /// # Errors
    /// As [`GitHub::write`].
    pub async fn revoke(&self) -> Result<Reply, Failure> {
        self.send(Method::DELETE, &["installation", "token"], &[], None).await
    }

    /// Asks GraphQL for something, and returns `data`; asks again while there is no answer.
    ///
    /// # Errors
    /// As [`GitHub::get`].
    pub async fn query(&self, query: &str, variables: &Value) -> Result<Value, Failure> {
        self.again(async || self.graphql(query, variables, false).await, |_| true)
            .await
    }

    /// Has GraphQL change something, and returns `data`. It is sent again only after a limit.
    ///
    /// # Errors
    /// As [`GitHub::write`].
    pub async fn mutate(&self, query: &str, variables: &Value) -> Result<Value, Failure> {
        let limited = |failure: &Failure| matches!(failure, Failure::Limited(..));
        self.again(async || self.graphql(query, variables, true).await, limited)
            .await
    }

    async fn again<T>(
        &self,
        ask: impl AsyncFn() -> Result<T, Failure>,
        may: impl Fn(&Failure) -> bool,
    ) -> Result<T, Failure> {
        let passing = |failure: &Failure| failure.passes().filter(|_| may(failure));
        patiently(&self.clock, PATIENCE, ask, passing, |_, _| {}).await
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Reply, Failure> {
        let changes = method != Method::GET;
        let mut request = Request::new(method, self.place.url(path, query));
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.to_string().into_bytes());
        }
        let answer = self.exchange(request, changes).await?;
        if !answer.status.is_success() {
            return Err(failure::of_status(self.named(&answer), &answer, self.clock.wall()));
        }
        let body = if answer.body.is_empty() {
            Value::Null
        } else {
            self.json(&answer)?
        };
        Ok(Reply {
            host: self.host().to_owned(),
            headers: answer.headers,
            body,
        })
    }

    async fn graphql(&self, query: &str, variables: &Value, changes: bool) -> Result<Value, Failure> {
        let body = json!({"query": query, "variables": variables});
        let request = Request::post(self.place.graphql.clone(), body.to_string().into_bytes())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = self.exchange(request, changes).await?;
        if !answer.status.is_success() {
            return Err(failure::of_status(self.named(&answer), &answer, self.clock.wall()));
        }
        let mut all = self.json(&answer)?;
        match all.get("errors").and_then(Value::as_array) {
            Some(errors) if !errors.is_empty() => {
                let failure = failure::of_errors(self.named(&answer), &answer, errors, self.clock.wall());
                if changes && matches!(failure, Failure::Lost(_)) {
                    self.writing.in_doubt.set(true);
                }
                Err(failure)
            }
            _ => Ok(all.get_mut("data").map(Value::take).unwrap_or_default()),
        }
    }

    /// Sends one request and reads its answer whole. `changes` says whether it changes something.
    async fn exchange(&self, request: Request, changes: bool) -> Result<Answer, Failure> {
        let mut request = request
            .within(limits::GITHUB_CALL.time())
            .header(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
            .header(
                HeaderName::from_static("x-github-api-version"),
                HeaderValue::from_static("2022-11-28"),
            );
        if let Some(token) = &self.token {
            request = request.bearer(&token.token().await.map_err(Failure::Lost)?);
        }
        if changes {
            if self.writing.halted.get() {
                let why = "the run was cancelled before the request was sent";
                return Err(Failure::Lost(Fault::unreachable(why)));
            }
            self.writing.in_doubt.set(true);
        }
        let unanswered = |problem: crate::http::Problem| {
            Failure::Lost(Fault::unreachable(format!("{} does not answer", self.host())).because(problem.into_cause()))
        };
        let opened = self.http.open(request).await.map_err(unanswered)?;
        let answer = opened.whole(limits::GITHUB_ANSWER.bytes()).await.map_err(unanswered)?;
        // A server that is not well can have done it all the same.
        if changes && !answer.status.is_server_error() {
            self.known_now();
        }
        Ok(answer)
    }

    fn json(&self, answer: &Answer) -> Result<Value, Failure> {
        budgeted::value(&answer.body).map_err(|error| {
            Failure::Lost(
                Fault::unreachable(format!("the answer of {} is not JSON", self.named(answer))).because(error),
            )
        })
    }

    /// Returns the host with the id of the request, which GitHub's support asks for.
    fn named(&self, answer: &Answer) -> String {
        let id = answer
            .headers
            .get("x-github-request-id")
            .and_then(|id| id.to_str().ok());
        match id {
            Some(id) => format!("{} (request {id})", self.host()),
            None => self.host().to_owned(),
        }
    }
}
