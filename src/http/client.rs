//! The client: TLS on ring with built-in roots and the user's `ca-bundle`, proxies from the environment, no redirects.
//!
//! Who sends a request decides about its timeout, its retries and whether a redirect is followed: a secret never crosses to another host.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::{Opened, Problem, Proxies, Request, trust};
use crate::model::{Fault, Timestamp, limits};

/// How long a server may say nothing.
pub(super) const SILENCE: Duration = limits::SILENCE.time();

/// The one client. Its copies share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    /// Whether the user trusts more than what is built in.
    bundled: bool,
    /// What servers say that it is now.
    dates: Rc<Dates>,
}

/// The newest time that a server gave with an answer, and when that came.
#[derive(Debug, Default)]
struct Dates(Cell<Option<(Timestamp, tokio::time::Instant)>>);

impl Client {
    /// Returns the time by the clock of the server that answered last: the runner's own can be wrong by minutes. `None` before a server has
    /// given one.
    #[must_use]
    pub fn server_time(&self) -> Option<Timestamp> {
        let (at, came) = self.dates.0.get()?;
        Some(Timestamp::at_unix(
            at.unix_seconds().saturating_add(came.elapsed().as_secs()),
        ))
    }

    fn note_date(&self, response: &reqwest::Response) {
        let date = response.headers().get(reqwest::header::DATE);
        let date = date.and_then(|date| date.to_str().ok()).and_then(Timestamp::parse_http);
        if let Some(date) = date {
            self.dates.0.set(Some((date, tokio::time::Instant::now())));
        }
    }

    /// Sends a request, and returns its answer as soon as the head is there.
    ///
    /// # Errors
    /// The server cannot be reached, is not trusted, or does not answer in time.
    pub async fn open(&self, request: Request) -> Result<Opened, Problem> {
        let Request {
            method,
            url,
            headers,
            body,
            limit,
        } = request;
        let mut sent = self.inner.request(method, url).headers(headers);
        if let Some(limit) = limit {
            sent = sent.timeout(limit);
        }
        if let Some(body) = body {
            sent = sent.body(body);
        }
        let response = sent.send().await;
        let response = response.map_err(|error| Problem::of(error, limit, self.bundled))?;
        self.note_date(&response);
        Ok(Opened::new(response, limit))
    }
}

/// What all connections of a run have in common.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// PEM text with certificates that are trusted besides the built-in roots.
    pub ca_bundle: Option<String>,
    /// What they go through.
    pub proxies: Proxies,
}

/// Builds the client.
///
/// HTTP/1.1 only: Argo CD's own listener routes h2 to gRPC, and git needs no more.
///
/// # Errors
/// The bundle holds no certificate, or one that cannot be read.
pub fn client(connections: &Connections) -> Result<Client, Fault> {
    let ca_bundle = connections.ca_bundle.as_deref();
    let proxies = connections.proxies.clone();
    reqwest::Client::builder()
        .tls_backend_preconfigured(trust::configuration(ca_bundle)?)
        .http1_only()
        .no_proxy()
        .proxy(reqwest::Proxy::custom(move |url| proxies.of(url).cloned()))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(limits::CONNECT.time())
        .read_timeout(SILENCE)
        .user_agent(concat!("promote-action/", env!("CARGO_PKG_VERSION")))
        .build()
        .map(|inner| Client {
            inner,
            bundled: ca_bundle.is_some(),
            dates: Rc::default(),
        })
        .map_err(|error| Fault::bug("build the HTTP client").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(pem: &str) -> Connections {
        Connections {
            ca_bundle: Some(pem.to_owned()),
            ..Connections::default()
        }
    }

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        assert!(
            client(&bundle("nothing"))
                .unwrap_err()
                .to_string()
                .contains("no certificate")
        );
        assert!(client(&Connections::default()).is_ok());
    }
}
