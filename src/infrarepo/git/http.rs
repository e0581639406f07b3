//! Git's smart HTTP: credentials, redirects on the same host, bounded bodies, and what each status means. Tries nothing again.

use std::cell::RefCell;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};

use super::carrier::{CallError, Carrier, Service};
use super::request;
use crate::http::{cause, retry_after};
use crate::infrarepo::HostWords;
use crate::infrarepo::github::GitHub;
use crate::model::{BranchName, Fault, Secret};

/// How many redirects are followed.
const MOST_HOPS: usize = 5;
/// How much of the answer to `info/refs` is read: a v0 server names all its references there.
const MOST_ADVERTISED: usize = 64 * 1024 * 1024;
/// How long one exchange may take from its first byte to its last.
const EXCHANGE: Duration = Duration::from_secs(300);

/// One repository on a host.
pub(in crate::infrarepo) struct Http {
    client: reqwest::Client,
    place: String,
    /// Where it is; a redirect changes this.
    base: RefCell<Url>,
    user: &'static str,
    token: Option<Secret>,
    /// GitHub's own words, where the host is GitHub.
    github: Option<GitHub>,
}

impl Http {
    pub(in crate::infrarepo) fn new(client: reqwest::Client, url: &Url, github: bool, token: Option<Secret>) -> Self {
        let mut base = url.clone();
        if github && !url.path().to_ascii_lowercase().ends_with(".git") {
            base.set_path(&format!("{}.git", url.path()));
        }
        let user = match url.host_str() {
            Some("bitbucket.org") => "x-token-auth",
            _ => "x-access-token",
        };
        Self {
            client,
            place: url.to_string(),
            base: RefCell::new(base),
            user,
            token,
            github: github.then(|| GitHub::of(url)).flatten(),
        }
    }

    /// Sends until the answer is no redirect, and returns it if it is git's.
    async fn exchange(&self, asked: &Asked) -> Result<Response, CallError> {
        for _ in 0..MOST_HOPS {
            let url = self.url(asked);
            let response = self.request(asked, url.clone()).send().await;
            let response = response.map_err(|error| self.unsent(error))?;
            if !response.status().is_redirection() {
                return self.judge(asked, response).await;
            }
            self.redirect(&url, asked, &response)?;
        }
        Err(CallError::Final(Fault::unreachable(format!(
            "{} redirects without an end",
            self.place
        ))))
    }

    fn url(&self, asked: &Asked) -> Url {
        let mut url = self.base.borrow().clone();
        url.set_path(&format!("{}/{}", url.path().trim_end_matches('/'), asked.suffix()));
        if asked.body.is_none() {
            url.set_query(Some(&format!("service={}", asked.service.name())));
        }
        url
    }

    fn request(&self, asked: &Asked, url: Url) -> RequestBuilder {
        let method = if asked.body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = self.client.request(method, url).timeout(EXCHANGE);
        if let Some(token) = &self.token {
            request = request.basic_auth(self.user, Some(token.expose()));
        }
        if asked.service == Service::UploadPack {
            request = request.header("git-protocol", "version=2");
        }
        if let Some(body) = &asked.body {
            request = request
                .header(CONTENT_TYPE, format!("application/x-{}-request", asked.service.name()))
                .header("accept", asked.answer_type())
                .body(body.clone());
        }
        request
    }

    fn unsent(&self, error: reqwest::Error) -> CallError {
        let error = cause(error);
        let text = format!("{error:#}").to_ascii_lowercase();
        let fault = Fault::unreachable(format!("{} cannot be reached", self.place));
        if text.contains("certificate") {
            let hint = "give the certificate of the host's authority as `ca-bundle`";
            return CallError::Final(fault.because(error).hint(hint));
        }
        let hint = "check `infra-repo`, and whether this machine may reach that host (`HTTPS_PROXY` and `NO_PROXY` are obeyed)";
        CallError::Lost {
            fault: fault.because(error).hint(hint),
            after: None,
        }
    }

    /// Takes the new address, if it is the same host's: a secret never crosses to another, and without one nobody is sent elsewhere unasked.
    fn redirect(&self, from: &Url, asked: &Asked, response: &Response) -> Result<(), CallError> {
        let status = response.status();
        let place = &self.place;
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| from.join(to).ok());
        let Some(to) = to else {
            let fault = Fault::unreachable(format!("{place} redirects ({status}) to nowhere"));
            return Err(CallError::Final(fault));
        };
        if to.origin() != from.origin() {
            let host = to.host_str().unwrap_or("nothing");
            let message = format!("{place} redirects to another host ({host}), which is not followed");
            let hint = "set `infra-repo` to the new address, with the token of that host";
            return Err(CallError::Final(Fault::denied(message).hint(hint)));
        }
        let suffix = format!("/{}", asked.suffix());
        let Some(path) = to.path().strip_suffix(suffix.as_str()) else {
            let message = format!("{place} redirects to a page of its host instead of answering git");
            let hint = "check the address; a host that wants a login first needs `token`";
            return Err(CallError::Strange(Fault::denied(message).hint(hint)));
        };
        self.base.borrow_mut().set_path(path);
        Ok(())
    }

    async fn judge(&self, asked: &Asked, response: Response) -> Result<Response, CallError> {
        let status = response.status();
        let after = retry_after(response.headers());
        if status.is_success() {
            let kind = response.headers().get(CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("no type").to_owned();
            if kind == asked.answer_type() {
                return Ok(response);
            }
            let message = format!("{} answers with {kind:?}, not as a git server does", self.place);
            let hint = "check the address; a login page or a proxy in front may answer instead";
            return Err(CallError::Strange(Fault::unreachable(message).hint(hint)));
        }
        let said = first_line(response).await;
        let limited = said.to_ascii_lowercase().contains("rate limit") || after.is_some();
        Err(self.refused(asked.service, status, &said, limited, after))
    }

    fn refused(
        &self,
        service: Service,
        status: StatusCode,
        said: &str,
        limited: bool,
        after: Option<Duration>,
    ) -> CallError {
        let place = &self.place;
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        };
        let verb = if service == Service::ReceivePack {
            "write to"
        } else {
            "read"
        };
        let level = if service == Service::ReceivePack {
            "write"
        } else {
            "read"
        };
        let grant = format!("grant `contents: {level}` on the infra-repo to the token");
        match status.as_u16() {
            401 if self.token.is_none() => CallError::Final(
                Fault::denied(format!("{place} wants to know who asks (401){said}"))
                    .hint("give `token`: a token for the host of the infra-repo"),
            ),
            401 => CallError::Final(
                Fault::denied(format!("{place} does not accept the token (401){said}"))
                    .hint("check that `token` is for this host, is not expired, and was not revoked"),
            ),
            403 if !limited => {
                CallError::Final(Fault::denied(format!("the token may not {verb} {place} (403){said}")).hint(grant))
            }
            404 | 410 => {
                let (why, hint) = if self.token.is_some() {
                    ("or the token cannot see it", grant)
                } else {
                    (
                        "or cannot be seen without a token",
                        "give `token` if the repository is private".to_owned(),
                    )
                };
                CallError::Strange(
                    Fault::denied(format!("{place} is missing, {why} ({})", status.as_u16()))
                        .hint("check the spelling of `infra-repo`")
                        .hint(hint),
                )
            }
            403 | 408 | 429 | 500.. => CallError::Lost {
                fault: Fault::unreachable(format!("{place} cannot answer now ({status}){said}")),
                after,
            },
            _ => CallError::Strange(Fault::unreachable(format!("{place} answers with {status}{said}"))),
        }
    }

    async fn body(&self, mut response: Response, most: usize) -> Result<Vec<u8>, CallError> {
        let mut out = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(part)) if out.len() + part.len() > most => return Err(CallError::TooLarge(most)),
                Ok(Some(part)) => {
                    out.extend_from_slice(&part);
                    if !request::fits(&out, most) {
                        return Err(CallError::TooLarge(most));
                    }
                }
                Ok(None) => return Ok(out),
                Err(error) => {
                    return Err(CallError::Lost {
                        fault: Fault::unreachable(format!("the answer of {} broke off", self.place))
                            .because(cause(error)),
                        after: None,
                    });
                }
            }
        }
    }
}

/// One request, to be sent again at another address after a redirect.
struct Asked {
    service: Service,
    /// `None` asks for `info/refs`.
    body: Option<Vec<u8>>,
}

impl Asked {
    fn suffix(&self) -> &'static str {
        if self.body.is_some() {
            self.service.name()
        } else {
            "info/refs"
        }
    }

    fn answer_type(&self) -> String {
        let end = if self.body.is_some() { "result" } else { "advertisement" };
        format!("application/x-{}-{end}", self.service.name())
    }
}

/// Returns the first words of an error's body, if it is plain text: hosts tell there what is not permitted.
async fn first_line(mut response: Response) -> String {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/plain")) {
        return String::new();
    }
    let part = response.chunk().await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&part);
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[async_trait(?Send)]
impl Carrier for Http {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn advertisement(&self, service: Service) -> Result<Vec<u8>, CallError> {
        let asked = Asked { service, body: None };
        let response = self.exchange(&asked).await?;
        self.body(response, MOST_ADVERTISED).await
    }

    async fn host(&self, branch: &BranchName) -> Result<Option<HostWords>, Fault> {
        match &self.github {
            Some(github) => github.words(&self.client, self.token.as_ref(), branch).await.map(Some),
            None => Ok(None),
        }
    }

    async fn call(&self, service: Service, request: Vec<u8>, most: usize) -> Result<Vec<u8>, CallError> {
        let asked = Asked {
            service,
            body: Some(request),
        };
        let response = self.exchange(&asked).await?;
        self.body(response, most).await
    }
}
