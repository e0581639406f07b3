//! Reads the inputs of Argo CD: the server, and the secrets that go to it.

use url::Url;

use crate::delivery::inputs::{
    ARGOCD_AUTH, ARGOCD_HEADERS, ARGOCD_OIDC_CLIENT_ID, ARGOCD_OIDC_CONNECTOR, ARGOCD_PROJECT, ARGOCD_SERVER,
    ARGOCD_TOKEN,
};
use crate::delivery::{Servers, Settings};
use crate::github::Login;
use crate::inputs::Reader;
use crate::model::{EnvironmentName, Secret, may_carry_secret, read_url};

use super::headers::{Own, headers, headers_of_each};
use super::place::Place;

/// The headers that promote sets itself.
const OWN: Own = Own {
    names: &["authorization", "host"],
    instead: "use `argocd-token` for the token and `argocd-server` for the host",
};

/// Whether a server is given, right or wrong.
pub(super) fn is_given(reader: &Reader<'_>) -> bool {
    reader.given(&ARGOCD_SERVER).is_some()
}

/// Reads servers and secrets; `None` without a server, or when something is wrong. `asked` are the environments that the run is about.
pub(super) fn settings(
    reader: &Reader<'_>,
    place: &Place<'_>,
    asked: &[EnvironmentName],
) -> Option<(Servers, Option<Login>)> {
    let oidc = reader.choice(&ARGOCD_AUTH, &[("token", false), ("github-oidc", true)]);
    let client_id = reader.parsed(&ARGOCD_OIDC_CLIENT_ID, word);
    let connector = reader.parsed(&ARGOCD_OIDC_CONNECTOR, word);
    let project = reader.text(&ARGOCD_PROJECT);
    if !is_given(reader) {
        for spec in [ARGOCD_TOKEN, ARGOCD_HEADERS] {
            if reader.given(&spec).is_some() && !reader.refuse_empty(&ARGOCD_SERVER) {
                reader.wrong(&spec, "", "is given without `argocd-server`: set both, or neither");
            }
        }
        return None;
    }
    let of = |server, token, headers| Settings {
        server,
        token,
        tokens: None,
        headers,
        project: project.clone(),
    };
    let lines = reader
        .given(&ARGOCD_SERVER)
        .and_then(|given| by_environment(given.text.split([',', '\n'])));
    let of_all = || headers(reader, &ARGOCD_HEADERS, &OWN);
    if oidc == Some(true) {
        if reader.given(&ARGOCD_TOKEN).is_some() {
            reader.mistake("`argocd-token` and `argocd-auth: github-oidc` are both given: drop one of them".to_owned());
        }
        if lines.is_some() {
            let why = "has a server for each environment, and `argocd-auth: github-oidc` is for one server: give `argocd-token`";
            reader.wrong(&ARGOCD_SERVER, "", why);
            return None;
        }
        let server = reader.parsed(&ARGOCD_SERVER, server)?;
        let login = login(reader, place, server.clone(), client_id?, connector?)?;
        return Some((Servers::One(of(server, Secret::new(""), of_all())), Some(login)));
    }
    reader.require(&ARGOCD_TOKEN, ", but `argocd-server` is given");
    let token = || reader.secret(&ARGOCD_TOKEN);
    let servers = if let Some(lines) = lines {
        each(reader, &lines, &token()?, asked, of)?
    } else {
        let (address, token) = (reader.parsed(&ARGOCD_SERVER, server), token());
        let headers = of_all();
        Servers::One(of(address?, token?, headers))
    };
    Some((servers, None))
}

/// Reads a server with its token and headers for each environment.
fn each(
    reader: &Reader<'_>,
    lines: &[(EnvironmentName, &str)],
    token: &Secret,
    asked: &[EnvironmentName],
    of: impl Fn(Url, Secret, Vec<(String, Secret)>) -> Settings,
) -> Option<Servers> {
    let Some(tokens) = by_environment(token.expose().lines()) else {
        let why = "must have a line `ENVIRONMENT=TOKEN` for each line of `argocd-server`";
        reader.wrong(&ARGOCD_TOKEN, "", why);
        return None;
    };
    let known: Vec<&EnvironmentName> = lines.iter().map(|(environment, _)| environment).collect();
    let headers = headers_of_each(reader, &ARGOCD_HEADERS, &OWN, &known);
    let mut each = Vec::new();
    for (environment, address) in lines {
        let token = tokens.iter().find(|(name, _)| name == environment);
        match (server(address), token) {
            (Ok(url), Some((_, token))) => {
                let own = headers.iter().filter(|(of, _)| of == environment);
                let own = own.map(|(_, header)| header.clone()).collect();
                each.push((environment.clone(), of(url, Secret::new(*token), own)));
            }
            (Err(why), _) => reader.wrong(&ARGOCD_SERVER, address, &format!("({environment}) {why}")),
            (_, None) => reader.wrong(
                &ARGOCD_TOKEN,
                "",
                &format!("has no line for {environment}, which `argocd-server` has"),
            ),
        }
    }
    for environment in asked
        .iter()
        .filter(|name| lines.iter().all(|(known, _)| known != *name))
    {
        reader.wrong(
            &ARGOCD_SERVER,
            "",
            &format!("has no line for environment {environment}"),
        );
    }
    Some(Servers::Each {
        servers: each,
        about: asked.to_vec(),
    })
}

/// Reads lines `ENVIRONMENT=VALUE`; `None` for lines that are something else.
fn by_environment<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<(EnvironmentName, &'a str)>> {
    let lines = lines.map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((EnvironmentName::parse(name.trim()).ok()?, value.trim()))
    });
    lines.collect::<Option<Vec<_>>>().filter(|lines| !lines.is_empty())
}

/// Reads what a login by the OIDC token of the job needs.
fn login(reader: &Reader<'_>, place: &Place<'_>, server: Url, client_id: String, connector: String) -> Option<Login> {
    let Some((url, token)) = place.oidc() else {
        reader.mistake(
            "`argocd-auth` is `github-oidc`, and this job can get no OIDC token: give the job `permissions: id-token: write`".to_owned(),
        );
        return None;
    };
    let url = Url::parse(url).map_err(|error| format!("is not a URL: {error}"));
    let url = url.and_then(|url| may_carry_secret(&url).map(|()| url));
    let request_url = url
        .map_err(|why| reader.mistake(format!("`ACTIONS_ID_TOKEN_REQUEST_URL` {why}")))
        .ok()?;
    Some(Login {
        request_url,
        request_token: Secret::new(token),
        server,
        client_id,
        connector,
    })
}

/// Reads a name of Dex.
fn word(text: &str) -> Result<String, String> {
    if text.chars().all(|c| c.is_ascii_graphic() && c != ':') {
        Ok(text.to_owned())
    } else {
        Err("has spaces, a `:` or letters that are not ASCII: it must be an ID of Dex".to_owned())
    }
}

/// Reads the server's address; without a scheme it is https.
fn server(text: &str) -> Result<Url, String> {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url =
        read_url(&whole).map_err(|error| format!("is not an address such as `https://argocd.example.com`: {error}"))?;
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
