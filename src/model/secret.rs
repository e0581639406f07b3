//! A value that must reach no log, report, error, argument or file.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Timestamp;

/// A secret text; zeroed when dropped, and never shown by `Debug` or `Display`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns until when a JSON web token says that it is valid: Argo CD's are such, and the newer ones that GitHub mints.
    /// `None` for every other secret, and for a token without an end. Nothing of the token is shown.
    #[must_use]
    pub fn valid_until(&self) -> Option<Timestamp> {
        use base64::Engine as _;
        let payload = self.expose().split('.').nth(1)?;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
        let claims: serde_json::Value = super::json::value(&bytes.ok()?).ok()?;
        Some(Timestamp::at_unix(claims.get("exp")?.as_u64()?))
    }

    /// Returns the text, for the one place that sends it to the host it belongs to.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(***)")
    }
}

/// How tokens of hosts begin, in lower case: one that stands in the place of something else is a secret all the same.
const TOKENS: [&str; 13] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "glrt-",
    "glcbt-",
    "atbb",
    "atatt",
    "eyj",
];

/// Whether a text begins as the tokens of known hosts, or a JSON web token, do.
#[must_use]
pub fn looks_like_token(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    TOKENS.iter().any(|begin| lower.starts_with(begin)) && (text.len() >= 16 || text.contains(['_', '-']))
}

/// Returns a text with `***` in the place of each word that looks like a token.
#[must_use]
pub fn without_tokens(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let (mut out, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let begin = rest.find(is_word).unwrap_or(rest.len());
        let (between, from) = rest.split_at(begin);
        let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        out.push_str(between);
        out.push_str(if looks_like_token(word) && word.len() >= 16 {
            "***"
        } else {
            word
        });
        rest = after;
    }
    out
}

/// Whether a URL names this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

/// Checks that a secret may be sent to `url`: https, or plain http to this machine or inside the cluster.
///
/// # Errors
/// Says why not, as the end of a sentence.
pub fn may_carry_secret(url: &Url) -> Result<(), String> {
    // A final dot ends a complete name: `gitea.tools.svc.cluster.local.`.
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let loopback = is_loopback(url);
    let in_cluster = host.ends_with(".svc") || host.ends_with(".svc.cluster.local");
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback || in_cluster => Ok(()),
        "http" => Err(format!(
            "is plain http to {host}: secrets go over http only to loopback and cluster-internal (*.svc, *.svc.cluster.local) hosts; use https"
        )),
        other => Err(format!("has the scheme {other:?}: it must be https")),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_from_it() {
        let until = |claims: &str| {
            let payload = URL_SAFE_NO_PAD.encode(claims);
            let ends = |token: String| Secret::new(token).valid_until().map(|at| at.to_string());
            let ours = ends(format!("head.{payload}.signature"));
            assert_eq!(ours, ends(format!("ghs_123_head.{payload}.signature")));
            ours
        };
        assert_eq!(
            until(r#"{"exp":1795421775,"sub":"ci"}"#).as_deref(),
            Some("2026-11-23T08:16:15Z")
        );
        assert_eq!(until(r#"{"sub":"ci"}"#), None);
        assert_eq!(
            until(r#"{"exp":18446744073709551615}"#).as_deref(),
            Some("9999-12-31T23:59:59Z")
        );
        for other in ["", "ghp_abc", "a.b.c", "github_pat_11A"] {
            assert_eq!(Secret::new(other).valid_until(), None, "{other}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_and_the_cluster() {
        for url in [
            "https://a.example",
            "http://127.0.0.1:1",
            "http://[::1]/",
            "http://localhost:8080",
            "http://argocd-server.argocd.svc",
            "http://a.b.svc.cluster.local",
            "http://a.b.svc.cluster.local.",
        ] {
            assert_eq!(may_carry_secret(&Url::parse(url).unwrap()), Ok(()), "{url}");
        }
        for url in [
            "http://a.example",
            "http://10.0.0.1",
            "http://svc",
            "ftp://a.example",
            "http://localhost.evil.example",
        ] {
            assert!(may_carry_secret(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }
}
