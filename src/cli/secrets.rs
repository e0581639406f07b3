//! Reads what servers and promote know each other by: the login of registries, and the certificates that are trusted.

use url::Url;

use super::place::Place;
use crate::http::{self, Connections};
use crate::inputs::Reader;
use crate::promote::inputs::CA_BUNDLE;
use crate::registry;
use crate::registry::Login;
use crate::registry::inputs::{REGISTRY, REGISTRY_PASSWORD, REGISTRY_USERNAME};

/// Reads as whom registries are asked.
pub(super) fn registry_login(reader: &Reader<'_>) -> registry::Settings {
    let (user, password) = (reader.text(&REGISTRY_USERNAME), reader.secret(&REGISTRY_PASSWORD));
    if user.is_none() && password.is_some() {
        reader.require(&REGISTRY_USERNAME, ", but `registry-password` is given");
    }
    if user.is_some() && password.is_none() {
        reader.require(&REGISTRY_PASSWORD, ", but `registry-username` is given");
    }
    let host = reader.text(&REGISTRY);
    if let Some(host) = host.as_deref().filter(|host| !is_host(host)) {
        reader.wrong(
            &REGISTRY,
            host,
            "is not a host such as `ghcr.io` or `registry.example.com:5000`",
        );
    }
    if host.is_some() && user.is_none() && password.is_none() {
        reader.require(&REGISTRY_USERNAME, ", but `registry` is given");
    }
    registry::Settings {
        login: user
            .zip(password)
            .map(|(user, password)| Login { user, password, host }),
    }
}

/// Whether this is a host alone, with a port or without.
fn is_host(text: &str) -> bool {
    Url::parse(&format!("https://{text}/")).is_ok_and(|url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", url.host_str().unwrap_or_default()).eq_ignore_ascii_case(text)
    })
}

fn bundle(pem: &str) -> Connections {
    Connections {
        ca_bundle: Some(pem.to_owned()),
        ..Connections::default()
    }
}

/// Reads the certificates that are trusted besides the built-in ones.
pub(super) fn ca_bundle(reader: &Reader<'_>, place: &Place<'_>) -> Option<String> {
    let given = reader.given(&CA_BUNDLE)?;
    let pem = if given.text.contains("-----BEGIN") {
        given.text.clone()
    } else {
        match place.read(&given.text) {
            Ok(pem) => pem,
            Err(why) => {
                reader.wrong(&CA_BUNDLE, &given.text, &why);
                return None;
            }
        }
    };
    if let Err(fault) = http::client(&bundle(&pem)) {
        reader.mistake(format!(
            "{fault} ({}): give PEM text, or the path of a file that holds it",
            given.origin
        ));
    }
    Some(pem)
}
