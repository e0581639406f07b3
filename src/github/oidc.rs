//! A login at Argo CD from the OIDC token of a job: GitHub says which repository, branch and environment the job is of, and Argo CD's Dex
//! exchanges that for a token of its own (RFC 8693). No secret is stored.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::http::{Answer, Client, Patience, Request, Tokens, patiently};
use crate::journal::Journal;
use crate::model::{Clock, Event, Fault, Outcome, Secret, Timestamp, json, limits};

/// The type of the token that is given and wanted, RFC 8693 §3.
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// The grant, RFC 8693 §2.1.
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What Argo CD needs in it.
const SCOPE: &str = "openid email profile groups federated:id";
/// The life of a token that does not say it.
const UNSAID: Duration = Duration::from_secs(600);
/// How long one look waits for a token that is being exchanged.
const PAUSE: Duration = Duration::from_millis(50);
/// How patient an exchange is: the same token twice has no effect.
const PATIENCE: Patience = Patience {
    tries: 4,
    first: Duration::from_millis(300),
};

/// What a login is made of.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where the job asks for its OIDC token, with the query that GitHub gave it.
    pub request_url: Url,
    /// The token for that.
    pub request_token: Secret,
    /// Argo CD, with its root path.
    pub server: Url,
    /// The client of Dex.
    pub client_id: String,
    /// The connector of Dex.
    pub connector: String,
}

/// Logins at one Argo CD.
pub struct OidcTokens {
    login: Login,
    http: Client,
    clock: Rc<dyn Clock>,
    journal: Rc<dyn Journal>,
    current: RefCell<Option<(Secret, Duration, Duration)>>,
    busy: Cell<bool>,
}

impl fmt::Debug for OidcTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OidcTokens")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

impl OidcTokens {
    /// Asks for nothing yet.
    #[must_use]
    pub fn new(login: Login, http: Client, clock: Rc<dyn Clock>, journal: Rc<dyn Journal>) -> Self {
        Self {
            login,
            http,
            clock,
            journal,
            current: RefCell::default(),
            busy: Cell::new(false),
        }
    }

    async fn ask(&self, request: Request, whom: &str) -> Result<Answer, Fault> {
        let passing = |fault: &Fault| (fault.outcome == Outcome::Unreachable).then_some(None);
        let ask = async || {
            let unanswered = |problem: crate::http::Problem| {
                Fault::unreachable(format!("{whom} does not answer")).because(problem.into_cause())
            };
            let request = request.clone().within(limits::GITHUB_CALL.time());
            let opened = self.http.open(request).await.map_err(unanswered)?;
            let answer = opened.whole(limits::GITHUB_ANSWER.bytes()).await.map_err(unanswered)?;
            if answer.status.is_server_error() || answer.status.as_u16() == 429 {
                return Err(Fault::unreachable(format!(
                    "{whom} answered {}",
                    answer.status.as_u16()
                )));
            }
            Ok(answer)
        };
        patiently(&self.clock, PATIENCE, ask, passing, |_, _| {}).await
    }

    /// Gets the OIDC token of the job.
    async fn subject(&self) -> Result<Secret, Fault> {
        let mut url = self.login.request_url.clone();
        let audience = self.login.server.as_str().trim_end_matches('/').to_owned();
        url.query_pairs_mut().append_pair("audience", &audience);
        let answer = self
            .ask(
                Request::get(url).bearer(&self.login.request_token),
                "GitHub's OIDC provider",
            )
            .await?;
        if !answer.status.is_success() {
            return Err(Fault::denied(format!(
                "GitHub gave this job no OIDC token ({})",
                answer.status.as_u16()
            ))
            .hint("give the job `permissions: id-token: write`"));
        }
        let body: Value = json::value(&answer.body).unwrap_or_default();
        let token = body["value"].as_str().map(Secret::new);
        let token = token.ok_or_else(|| Fault::unreachable("GitHub's OIDC provider sent no token"))?;
        self.journal.tell(Event::Mask(token.clone()));
        Ok(token)
    }

    /// Exchanges it. Returns the token with its life.
    async fn exchange(&self) -> Result<(Secret, Duration), Fault> {
        let subject = self.subject().await?;
        let login = &self.login;
        let mut url = login.server.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "dex", "token"]);
        }
        let form = Serializer::new(String::new())
            .append_pair("grant_type", EXCHANGE)
            .append_pair("connector_id", &login.connector)
            .append_pair("scope", SCOPE)
            .append_pair("requested_token_type", ID_TOKEN)
            .append_pair("subject_token", subject.expose())
            .append_pair("subject_token_type", ID_TOKEN)
            .finish();
        // A public client: it has a name and no password.
        let request = Request::post(url, form.into_bytes())
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .basic(&login.client_id, &Secret::new(""));
        let answer = self.ask(request, "Argo CD's Dex").await?;
        let body: Value = json::value(&answer.body).unwrap_or_default();
        if !answer.status.is_success() {
            return Err(refused(login, &answer, &body));
        }
        let token = body["access_token"].as_str().map(Secret::new);
        let token = token.ok_or_else(|| Fault::unreachable("Argo CD's Dex sent no token"))?;
        self.journal.tell(Event::Mask(token.clone()));
        let said = body["expires_in"].as_u64().map(Duration::from_secs);
        let life = said.or_else(|| token.valid_until().map(|at| at.since(self.clock.wall())));
        Ok((token, life.unwrap_or(UNSAID)))
    }
}

/// The fault for an exchange that Dex refused, RFC 6749 §5.2.
fn refused(login: &Login, answer: &Answer, body: &Value) -> Fault {
    let error = body["error"].as_str().unwrap_or("no error code");
    let said = body["error_description"].as_str().unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
    let status = answer.status.as_u16();
    let fault = Fault::denied(format!(
        "Argo CD's Dex did not exchange the OIDC token of this job ({status}, {error}): {said}"
    ));
    match (status, error) {
        (404, _) => fault.hint("enable Dex in Argo CD: `dex.config` in argocd-cm"),
        (_, "invalid_client") => fault.hint(format!(
            "set `argocd-oidc-client-id` to a client of Dex ({} is none)",
            login.client_id
        )),
        (_, "unsupported_grant_type") => fault.hint("update Argo CD: its Dex does not know the token exchange"),
        _ => fault.hint(format!(
            "check that Dex has the connector {} with the issuer of this GitHub (docs/setup.md)",
            login.connector
        )),
    }
}

#[async_trait(?Send)]
impl Tokens for OidcTokens {
    async fn token(&self) -> Result<Secret, Fault> {
        while self.busy.get() {
            self.clock.sleep(PAUSE).await;
        }
        let current = self.current.borrow().clone();
        let now = self.clock.now();
        if let Some((token, _, _)) = current.as_ref().filter(|(_, renew, _)| now < *renew) {
            return Ok(token.clone());
        }
        self.busy.set(true);
        let exchanged = self.exchange().await;
        self.busy.set(false);
        match (exchanged, current) {
            (Ok((token, life)), _) => {
                self.current
                    .replace(Some((token.clone(), now + life * 2 / 3, now + life)));
                Ok(token)
            }
            (Err(_), Some((token, _, ends))) if now < ends => Ok(token),
            (Err(fault), _) => Err(fault),
        }
    }

    fn valid_until(&self) -> Option<Timestamp> {
        None
    }
}
