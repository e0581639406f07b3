//! GitHub's REST API for one repository: where it is, one request, one bounded answer. Knows no rule and no pull request.

use std::rc::Rc;

use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use url::Url;

use crate::http::{Answer, Client, Request, Tokens};
use crate::model::{Fault, limits};

/// A repository, as the API of its GitHub knows it.
#[derive(Clone, Debug)]
pub struct GitHub {
    /// `…/repos/OWNER/NAME`.
    repository: Url,
    http: Client,
    token: Option<Rc<dyn Tokens>>,
}

impl GitHub {
    /// Returns where the API of a repository is, by the address that git has for it.
    #[must_use]
    pub fn of(address: &Url, http: Client, token: Option<Rc<dyn Tokens>>) -> Option<Self> {
        let parts: Vec<&str> = address.path_segments()?.filter(|part| !part.is_empty()).collect();
        let [before @ .., owner, name] = parts.as_slice() else {
            return None;
        };
        let host = address.host_str()?;
        let mut repository = address.clone();
        if host == "github.com" || host.ends_with(".ghe.com") {
            repository.set_host(Some(&format!("api.{host}"))).ok()?;
            repository.set_path("");
        } else {
            repository.set_path(&[before, &["api", "v3"]].concat().join("/"));
        }
        let name = name.strip_suffix(".git").unwrap_or(name);
        let mut segments = repository.path_segments_mut().ok()?;
        segments.pop_if_empty().extend(["repos", *owner, name]);
        drop(segments);
        Some(Self {
            repository,
            http,
            token,
        })
    }

    /// Returns the API's host, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        self.repository.host_str().unwrap_or_default()
    }

    /// Asks for something of the repository, by the parts of its path.
    ///
    /// # Errors
    /// `unreachable`: no answer, or one that is too long or too slow. A status that is no success is an answer.
    pub async fn get(&self, path: &[&str]) -> Result<Answer, Fault> {
        let mut url = self.repository.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        let mut request = Request::get(url)
            .within(limits::GITHUB_CALL.time())
            .header(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
            .header(
                HeaderName::from_static("x-github-api-version"),
                HeaderValue::from_static("2022-11-28"),
            );
        if let Some(token) = &self.token {
            request = request.bearer(&token.token().await?);
        }
        let unanswered = |problem: crate::http::Problem| {
            Fault::unreachable(format!("{} does not answer", self.host())).because(problem.into_cause())
        };
        let opened = self.http.open(request).await.map_err(unanswered)?;
        opened.whole(limits::GITHUB_ANSWER.bytes()).await.map_err(unanswered)
    }

    /// Reads the JSON of an answer; `what` says what it should be.
    ///
    /// # Errors
    /// It is something else.
    pub fn json<T: DeserializeOwned>(&self, answer: &Answer, what: &str) -> Result<T, Fault> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| Fault::unreachable(format!("the answer of {} is no {what}", self.host())).because(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_by_the_address_of_git() {
        let http = crate::http::client(&crate::http::Connections::default()).unwrap();
        for (address, api) in [
            ("https://github.com/o/r", "https://api.github.com/repos/o/r"),
            ("https://github.com/o/r.git", "https://api.github.com/repos/o/r"),
            ("https://t.ghe.com/o/r", "https://api.t.ghe.com/repos/o/r"),
            ("https://ghes.example/o/r", "https://ghes.example/api/v3/repos/o/r"),
            ("http://127.0.0.1:8080/o/r", "http://127.0.0.1:8080/api/v3/repos/o/r"),
            (
                "https://ghes.example/git/o/r",
                "https://ghes.example/git/api/v3/repos/o/r",
            ),
        ] {
            let found = GitHub::of(&address.parse().unwrap(), http.clone(), None).unwrap();
            assert_eq!(found.repository.as_str(), api, "{address}");
        }
        assert!(GitHub::of(&"https://github.com/o".parse().unwrap(), http, None).is_none());
    }
}
