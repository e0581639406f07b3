//! Reads what is GitHub's: where its API is, the App whose tokens open the infra-repo, and which run of a workflow this is.

use std::rc::Rc;

use super::place::Place;
use crate::githost::Run;
use crate::githost::inputs::{COMMENT, DEPLOYMENT, EXCLUDE_AUTHORS, GITHUB_ENVIRONMENT};
use crate::github::{self, App, AppKey};
use crate::http::{Fixed, Tokens};
use crate::infrarepo::Address;
use crate::infrarepo::inputs::{APP_CLIENT_ID, APP_PRIVATE_KEY, GITHUB_TOKEN, INFRA_REPO, TOKEN};
use crate::inputs::{Reader, value};
use crate::model::is_loopback;
use crate::promote::Shows;

/// Whether an App is given, rightly or not, so that no other token is needed.
pub(super) fn by_app(reader: &Reader<'_>) -> bool {
    [&APP_CLIENT_ID, &APP_PRIVATE_KEY]
        .iter()
        .any(|spec| reader.given(spec).is_some())
}

/// Reads the App whose tokens open the infra-repo.
pub(super) fn app(reader: &Reader<'_>, github: Option<&github::Place>) -> Option<App> {
    let client_id = reader.parsed(&APP_CLIENT_ID, |text| {
        if text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            Ok(text.to_owned())
        } else {
            Err("is not the client ID of a GitHub App".to_owned())
        }
    });
    let key = reader.parsed(&APP_PRIVATE_KEY, AppKey::parse);
    let given = |spec| reader.given(spec).is_some();
    if given(&APP_CLIENT_ID) != given(&APP_PRIVATE_KEY) {
        reader.require(&APP_CLIENT_ID, ", but `github-app-private-key` is given");
        reader.require(&APP_PRIVATE_KEY, ", but `github-app-client-id` is given");
    }
    let (client_id, key) = (client_id?, key?);
    if given(&TOKEN) {
        reader.mistake("`token` and `github-app-private-key` are both given: drop one of them".to_owned());
    }
    if github.is_none() && given(&INFRA_REPO) {
        reader.mistake(
            "`github-app-client-id` is given, and `infra-repo` is not on GitHub: write it as `owner/name`, or give `token`".to_owned(),
        );
    }
    Some(App {
        client_id,
        key,
        permissions: vec![("contents", "write")],
        minted: github::Minted::default(),
    })
}

/// Reads which run of a workflow this is, and how its approvals count.
pub(super) fn run(reader: &Reader<'_>, place: &Place<'_>) -> Option<Run> {
    let environment = reader.parsed(&GITHUB_ENVIRONMENT, value::github_environment);
    let exclude_authors = reader.boolean(&EXCLUDE_AUTHORS).unwrap_or_default();
    let token = reader.secret(&GITHUB_TOKEN);
    let (server, repository) = (place.github_server()?, place.repository()?);
    let address = url::Url::parse(&format!("{}/{repository}", server.trim_end_matches('/'))).ok()?;
    let at = match place.github_api() {
        Some((rest, graphql)) => {
            let (rest, graphql) = addresses(reader, rest, graphql)?;
            github::Place::at(&address, rest, graphql)?
        }
        None => github::Place::of(&address)?,
    };
    place.workflow_run(
        at,
        token.map(|token| -> Rc<dyn Tokens> { Rc::new(Fixed::new(token)) }),
        environment,
        exclude_authors,
    )
}

/// Returns where GitHub's API is for the infra-repo, if its host is a GitHub.
pub(super) fn api(reader: &Reader<'_>, place: &Place<'_>, address: &Address) -> Option<github::Place> {
    let Address::Http { url, github, .. } = address else {
        return None;
    };
    let server = place.github_server().and_then(|server| url::Url::parse(server).ok());
    let laptops = !place.in_step && url.host_str() == Some(place.laptop_host());
    let given = place
        .github_api()
        .map(|(rest, graphql)| addresses(reader, rest, graphql));
    let same = server.is_some_and(|server| server.origin() == url.origin());
    let here = |(rest, _): &(url::Url, url::Url)| is_loopback(url) && is_loopback(rest);
    match given {
        Some(None) if same || laptops || is_loopback(url) => None,
        Some(Some(api)) if same || (laptops && url.host_str() != Some("github.com")) || here(&api) => {
            github::Place::at(url, api.0, api.1)
        }
        _ if *github || laptops => github::Place::of(url),
        _ => None,
    }
}

/// Reads the addresses of the APIs that the run was given.
fn addresses(reader: &Reader<'_>, rest: &str, graphql: Option<&str>) -> Option<(url::Url, url::Url)> {
    let read = |name: &str, text: &str| {
        let url = url::Url::parse(text).map_err(|error| format!("is not a URL: {error}"));
        let url = url.and_then(|url| match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            _ => Err("is not https: plain http is only for this machine".to_owned()),
        });
        url.map_err(|why| reader.mistake(format!("`{name}` {why}"))).ok()
    };
    let rest_url = read("GITHUB_API_URL", rest.trim_end_matches('/'))?;
    let graphql = if let Some(text) = graphql {
        read("GITHUB_GRAPHQL_URL", text)?
    } else {
        let root = rest.trim_end_matches('/');
        let root = root.strip_suffix("/v3").unwrap_or(root);
        read("GITHUB_API_URL", &format!("{root}/graphql"))?
    };
    Some((rest_url, graphql))
}

/// Reads what the source repository shows of the promotion: that of the run, by its token.
pub(super) fn shows(reader: &Reader<'_>, place: &Place<'_>, run: Option<&Run>) -> Shows {
    let deployment = reader.boolean(&DEPLOYMENT).unwrap_or_default();
    let comment = reader.boolean(&COMMENT).unwrap_or_default();
    for (spec, set) in [(&DEPLOYMENT, deployment), (&COMMENT, comment)] {
        if set && (run.is_none() || !place.in_step) {
            let why = "needs a run of a GitHub workflow: leave it out on a laptop";
            reader.wrong(spec, "true", why);
        } else if set && run.is_some_and(|run| run.token.is_none()) && !reader.refuse_empty(&GITHUB_TOKEN) {
            reader.require(&GITHUB_TOKEN, &format!(", but `{}` is true", spec.name));
        }
    }
    Shows { deployment, comment }
}
