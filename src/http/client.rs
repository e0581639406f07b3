//! The client: TLS on ring with built-in roots and the user's `ca-bundle`, proxies from the environment, no redirects.
//!
//! Who sends a request decides about its timeout, its retries and whether a redirect is followed: a secret never crosses to another host.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Opened, Problem, Request};
use crate::model::{Fault, limits};

/// How long a server may say nothing.
pub(super) const SILENCE: Duration = limits::SILENCE.time();

/// The one client. Its copies share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
}

impl Client {
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
        let response = response.map_err(|error| Problem::of(error, limit, false))?;
        Ok(Opened::new(response, limit))
    }
}

/// Builds the client. `ca_bundle` is PEM text, added to the built-in roots for every connection.
///
/// HTTP/1.1 only: Argo CD's own listener routes h2 to gRPC, and git needs no more.
///
/// # Errors
/// The bundle holds no certificate, or one that cannot be read.
pub fn client(ca_bundle: Option<&str>) -> Result<Client, Fault> {
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = ca_bundle {
        let wrong = |why: String| {
            Fault::invalid(format!("`ca-bundle` {why}"))
                .hint("give PEM text (-----BEGIN CERTIFICATE-----) or the path of a file that holds it")
        };
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| wrong(format!("is not PEM: {error}")))?;
            roots
                .add(certificate)
                .map_err(|error| wrong(format!("holds a certificate that cannot be used: {error}")))?;
            count += 1;
        }
        if count == 0 {
            return Err(wrong("holds no certificate".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::bug("set up TLS").because(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(limits::CONNECT.time())
        .read_timeout(SILENCE)
        .user_agent(concat!("promote-action/", env!("CARGO_PKG_VERSION")))
        .build()
        .map(|inner| Client { inner })
        .map_err(|error| Fault::bug("build the HTTP client").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        assert!(
            client(Some("nothing"))
                .unwrap_err()
                .to_string()
                .contains("no certificate")
        );
        assert!(client(None).is_ok());
    }
}
