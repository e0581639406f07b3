//! The one HTTP client: TLS on ring with built-in roots and the user's `ca-bundle`, proxies from the environment, no redirects.
//!
//! Who sends a request decides about its timeout, its retries and whether a redirect is followed: a secret never crosses to another host.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::model::{Fault, Timestamp};

/// Builds the client. `ca_bundle` is PEM text, added to the built-in roots for every connection.
///
/// HTTP/1.1 only: Argo CD's own listener routes h2 to gRPC, and git needs no more.
///
/// # Errors
/// The bundle holds no certificate, or one that cannot be read.
pub fn client(ca_bundle: Option<&str>) -> Result<reqwest::Client, Fault> {
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
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(60))
        .user_agent(concat!("promote-action/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Fault::bug("build the HTTP client").because(error))
}

/// Tells whether HTTP allows a header of that name.
#[must_use]
pub fn is_header_name(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok()
}

/// Tells whether a header can have that value.
#[must_use]
pub fn is_header_value(value: &str) -> bool {
    !value.is_empty() && HeaderValue::from_str(value).is_ok()
}

/// Returns how long a server wants to be left alone: seconds, or a date, which is held against the server's own.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let after = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(date(after)?.since(date(text(DATE)?)?))
}

/// Reads a date as every server of today writes it (`Sun, 06 Nov 1994 08:49:37 GMT`), RFC 9110 §5.6.7.
fn date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).filter(|_| words.next() == Some("GMT"))
}

/// Returns the error of a request without the address, which may hold what should not be shown twice.
#[must_use]
pub fn cause(error: reqwest::Error) -> anyhow::Error {
    anyhow::Error::new(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_in_seconds_or_by_its_own_clock_when_to_come_again() {
        let asked = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(after).unwrap());
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_str(date).unwrap());
            }
            retry_after(&headers).map(|after| after.as_secs())
        };
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(asked("7", None), Some(7));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(30));
        assert_eq!(asked("Sat, 05 Nov 1994 08:50:07 GMT", now), Some(0));
        for (after, date) in [
            ("Sun, 06 Nov 1994 08:50:07 GMT", None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some("now")),
            ("Sunday, 06-Nov-94 08:49:37 GMT", now),
            ("Sun, 06 Now 1994 08:50:07 GMT", now),
            ("Sun, 06 Nov 1994 08:50:07 CET", now),
            ("-1", now),
            ("soon", now),
        ] {
            assert_eq!(asked(after, date), None, "{after}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

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
