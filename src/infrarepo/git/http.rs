//! Git's smart HTTP: credentials, redirects on the same host, bounded bodies, and what each status means. Tries nothing again.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use reqwest::{StatusCode, Url};

use super::carrier::{CallError, Carrier, Service};
use super::hosts::Host;
use super::request;
use crate::http::{Client, Opened, Problem, Request, Tokens, media_type, retry_after};
use crate::model::{Fault, limits};

/// One repository on a host.
pub(in crate::infrarepo) struct Http {
    client: Client,
    place: String,
    /// Where it is; a redirect changes this.
    base: RefCell<Url>,
    host: Host,
    /// The user that was given, which is no secret.
    user: Option<String>,
    token: Option<Rc<dyn Tokens>>,
}

impl Http {
    /// Makes the carrier of a repository. Sends nothing.
    pub(in crate::infrarepo) fn new(
        client: Client,
        url: &Url,
        github: bool,
        user: Option<String>,
        token: Option<Rc<dyn Tokens>>,
    ) -> Self {
        let mut base = url.clone();
        if github && !url.path().to_ascii_lowercase().ends_with(".git") {
            base.set_path(&format!("{}.git", url.path()));
        }
        let host = if github {
            Host::GitHub
        } else {
            Host::named(url.host_str().unwrap_or_default())
        };
        Self {
            client,
            place: url.to_string(),
            base: RefCell::new(base),
            host,
            user,
            token,
        }
    }

    /// Sends until the answer is no redirect, and returns it if it is git's.
    async fn exchange(&self, asked: &Asked) -> Result<Opened, CallError> {
        for _ in 0..limits::GIT_REDIRECTS.things() {
            let url = self.url(asked);
            let request = self.request(asked, url.clone()).await.map_err(CallError::Final)?;
            let response = self.client.open(request).await;
            let response = response.map_err(|problem| self.unsent(problem))?;
            if !response.status().is_redirection() {
                return self.judge(asked, response).await;
            }
            self.redirect(&url, asked, &response)?;
        }
        Err(CallError::Final(Fault::unreachable(format!(
            "{} redirects in a loop",
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

    async fn request(&self, asked: &Asked, url: Url) -> Result<Request, Fault> {
        let mut request = match &asked.body {
            Some(body) => Request::post(url, body.clone()),
            None => Request::get(url),
        }
        .within(asked.service.time());
        if let Some(token) = &self.token {
            request = request.basic(self.user.as_deref().unwrap_or(self.host.user()), &token.token().await?);
        }
        if asked.service == Service::UploadPack {
            let version = HeaderValue::from_static("version=2");
            request = request.header(HeaderName::from_static("git-protocol"), version);
        }
        if asked.body.is_some() {
            let (sent, wanted) = match asked.service {
                Service::UploadPack => (
                    "application/x-git-upload-pack-request",
                    "application/x-git-upload-pack-result",
                ),
                Service::ReceivePack => (
                    "application/x-git-receive-pack-request",
                    "application/x-git-receive-pack-result",
                ),
            };
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static(sent))
                .header(ACCEPT, HeaderValue::from_static(wanted));
        }
        Ok(request)
    }

    fn unsent(&self, problem: Problem) -> CallError {
        let fault = Fault::unreachable(format!("{} cannot be reached", self.place));
        if let Problem::Untrusted(why) = problem {
            return CallError::Untouched(fault.because(anyhow::Error::msg(why.what)).hint(why.hint));
        }
        let hint =
            "check `infra-repo`, and that this machine can reach the host (promote uses `HTTPS_PROXY` and `NO_PROXY`)";
        if matches!(problem, Problem::Unreached(_)) {
            return CallError::Unsent(fault.because(problem.into_cause()).hint(hint));
        }
        CallError::Lost {
            fault: fault.because(problem.into_cause()).hint(hint),
            after: None,
        }
    }

    /// Takes the new address, if it is the same host's: a secret never crosses to another, and without one nobody is sent elsewhere unasked.
    fn redirect(&self, from: &Url, asked: &Asked, response: &Opened) -> Result<(), CallError> {
        let status = response.status();
        let place = &self.place;
        let to = response.header(LOCATION).and_then(|to| from.join(to).ok());
        let Some(to) = to else {
            let fault = Fault::unreachable(format!("{place} redirects ({status}) without an address"));
            return Err(CallError::Final(fault));
        };
        if to.origin() != from.origin() {
            let what = match (to.host_str() == from.host_str(), to.scheme() == from.scheme()) {
                (false, _) => format!("another host ({})", to.host_str().unwrap_or("none")),
                (true, false) => format!("another scheme ({}://{})", to.scheme(), to.host_str().unwrap_or("none")),
                (true, true) => {
                    let port = to.port_or_known_default().unwrap_or_default();
                    format!("another port of its host ({port})")
                }
            };
            let message = format!("{place} redirects to {what}, which promote does not follow");
            let hint = "set `infra-repo` to the new address, with the token of that host";
            return Err(CallError::Final(Fault::denied(message).hint(hint)));
        }
        let suffix = format!("/{}", asked.suffix());
        let Some(path) = to.path().strip_suffix(suffix.as_str()) else {
            let message = format!("{place} redirects to a page of its host instead of answering git");
            let hint = if self.token.is_some() {
                "check the address, and that `token` is valid there: a host that wants a login first redirects to its page"
            } else {
                "check the address; a host that wants a login first needs `token`"
            };
            return Err(CallError::Strange(Fault::denied(message).hint(hint)));
        };
        self.base.borrow_mut().set_path(path);
        Ok(())
    }

    async fn judge(&self, asked: &Asked, response: Opened) -> Result<Opened, CallError> {
        let host = self.host.answering(response.headers());
        let status = response.status();
        let after = retry_after(response.headers());
        // Azure DevOps answers with its page to sign in, as 203, where a token is not valid.
        if host == Host::Azure && status == StatusCode::NON_AUTHORITATIVE_INFORMATION {
            let said = first_line(response).await;
            return Err(self.refused(host, asked, StatusCode::UNAUTHORIZED, &said, after));
        }
        if status.is_success() {
            let kind = response.header(CONTENT_TYPE).unwrap_or("no type").to_owned();
            if media_type(&kind) == asked.answer_type() {
                return Ok(response);
            }
            let message = format!("{} answers with {kind:?}, not as a git server does", self.place);
            let hint = "check the URL: a login page or a proxy in front can answer instead";
            return Err(CallError::Strange(Fault::unreachable(message).hint(hint)));
        }
        let said = first_line(response).await;
        Err(self.refused(host, asked, status, &said, after))
    }

    fn refused(&self, host: Host, asked: &Asked, status: StatusCode, said: &str, after: Option<Duration>) -> CallError {
        let place = &self.place;
        let limited = said.to_ascii_lowercase().contains("rate limit") || after.is_some();
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(". The server said: {said:?}")
        };
        let write = asked.service == Service::ReceivePack;
        let verb = if write { "write to" } else { "read" };
        match status.as_u16() {
            401 if self.token.is_none() => CallError::Final(
                Fault::denied(format!("{place} requires authentication (401){said}"))
                    .hint("give `token`, a token for the host of the infra-repo"),
            ),
            401 => CallError::Final(
                self.with_name(
                    host,
                    Fault::denied(format!("{place} rejected the token (401){said}"))
                        .hint("check that `token` is for this host, has not expired, and was not revoked"),
                ),
            ),
            403 if !limited => CallError::Final(self.with_name(
                host,
                Fault::denied(format!("the token cannot {verb} {place} (403){said}")).hint(host.grant(write)),
            )),
            404 | 410 => {
                let (why, hint) = if self.token.is_some() {
                    ("or the token cannot see it", host.grant(write))
                } else {
                    (
                        "or cannot be seen without a token",
                        "give `token` if the repository is private",
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

    /// Adds the way out for tokens that are valid only with their user name.
    fn with_name(&self, host: Host, fault: Fault) -> Fault {
        match &self.user {
            None if host.wants_names() => fault.hint(format!(
                "if the token belongs to a user name, set `username` (without it, {} is sent)",
                self.host.user()
            )),
            Some(_) => fault.hint("check that `username` is the one that the token belongs to"),
            None => fault,
        }
    }

    async fn body(&self, asked: &Asked, mut response: Opened, most: usize) -> Result<Vec<u8>, CallError> {
        let mut size = request::Size::new(most);
        let read = if asked.service == Service::ReceivePack {
            // A hook of the server may take its time, and the server says only that it lives.
            patient(&mut response, most).await
        } else {
            response.rest(most, |so_far| size.fits(so_far)).await
        };
        read.map_err(|problem| match problem {
            Problem::TooLarge(most) => CallError::TooLarge(most),
            other => CallError::Lost {
                fault: Fault::unreachable(format!("the answer of {} broke off", self.place))
                    .because(other.into_cause()),
                after: None,
            },
        })
    }
}

/// Reads an answer without a least rate.
async fn patient(response: &mut Opened, most: usize) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    while let Some(piece) = response.more(most).await? {
        out.extend_from_slice(&piece);
    }
    Ok(out)
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

/// Returns the first words of an error, if they are plain text: hosts say there what is not permitted.
async fn first_line(response: Opened) -> String {
    // Azure DevOps says why in a header, percent-encoded (microsoft/azure-pipelines-agent#1559).
    let header = response.header(HeaderName::from_static("x-tfs-serviceerror"));
    let header = header.map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
    let text = match header {
        Some(text) => text,
        None if media_type(response.header(CONTENT_TYPE).unwrap_or_default()) == "text/plain" => {
            String::from_utf8_lossy(&response.words().await).into_owned()
        }
        None => return String::new(),
    };
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
        self.body(&asked, response, limits::GIT_ADVERTISED.bytes()).await
    }

    async fn call(&self, service: Service, request: Vec<u8>, most: usize) -> Result<Vec<u8>, CallError> {
        let asked = Asked {
            service,
            body: Some(request),
        };
        let response = self.exchange(&asked).await?;
        self.body(&asked, response, most).await
    }
}
