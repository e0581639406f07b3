//! Reads the inputs of Argo CD: the server, and the secrets that go to it.

use url::Url;

use crate::delivery::Settings;
use crate::delivery::inputs::{ARGOCD_HEADERS, ARGOCD_PROJECT, ARGOCD_SERVER, ARGOCD_TOKEN};
use crate::inputs::Reader;
use crate::model::{may_carry_secret, read_url};

use super::headers::{Own, headers};

/// The headers that promote sets itself.
const OWN: Own = Own {
    names: &["authorization", "host"],
    instead: "use `argocd-token` for the token and `argocd-server` for the host",
};

/// Tells whether a server is given, right or wrong.
pub(super) fn is_given(reader: &Reader<'_>) -> bool {
    reader.given(&ARGOCD_SERVER).is_some()
}

/// Reads server and secrets; `None` without a server, or when something is wrong.
pub(super) fn settings(reader: &Reader<'_>) -> Option<Settings> {
    let project = reader.text(&ARGOCD_PROJECT);
    let headers = headers(reader, &ARGOCD_HEADERS, &OWN);
    if !is_given(reader) {
        for spec in [ARGOCD_TOKEN, ARGOCD_HEADERS] {
            if reader.given(&spec).is_some() && !reader.refuse_empty(&ARGOCD_SERVER) {
                reader.wrong(
                    &spec,
                    "",
                    "is given, but no `argocd-server` that it is for: give both, or neither",
                );
            }
        }
        return None;
    }
    reader.require(&ARGOCD_TOKEN, ", but `argocd-server` is given");
    Some(Settings {
        server: reader.parsed(&ARGOCD_SERVER, server)?,
        token: reader.secret(&ARGOCD_TOKEN)?,
        headers,
        project,
    })
}

/// Reads the server's address; without a scheme it is https.
fn server(text: &str) -> Result<Url, String> {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url =
        read_url(&whole).map_err(|error| format!("is no address such as `https://argocd.example.com`: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or password: give the token as `argocd-token`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("holds more than host and root path: drop what follows `?` or `#`".to_owned());
    }
    may_carry_secret(&url)?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_scheme_is_https_and_keeps_its_root_path() {
        assert_eq!(
            server("argocd.example.com/root").unwrap().as_str(),
            "https://argocd.example.com/root"
        );
        assert_eq!(
            server("argocd.example.com:8443").unwrap().as_str(),
            "https://argocd.example.com:8443/"
        );
        assert!(server("http://127.0.0.1:80").is_ok());
    }

    #[test]
    fn a_server_that_would_leak_is_refused() {
        for text in [
            "http://argocd.example.com",
            "https://me:pw@argocd.example.com",
            "https://argocd.example.com/?token=x",
            "ftp://argocd.example.com",
            "https://",
        ] {
            assert!(server(text).is_err(), "{text}");
        }
    }
}
