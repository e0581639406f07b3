//! What GitHub's API tells of a token and of the rules of a branch: two things that git's own protocol does not say before a push.
//! Changes nothing, and knows no more of the API.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::{Client, Url};
use serde::Deserialize;

use super::HostWords;
use crate::http::cause;
use crate::model::{BranchName, Fault, Secret, Timestamp};

/// The kinds of rules that a push without bypass does not pass, or may not pass.
/// <https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch>
const STANDS_AGAINST: [&str; 12] = [
    "pull_request",
    "merge_queue",
    "update",
    "required_signatures",
    "required_status_checks",
    "required_deployments",
    "workflows",
    "code_scanning",
    "commit_message_pattern",
    "commit_author_email_pattern",
    "committer_email_pattern",
    "file_path_restriction",
];
/// How long the answer may take.
const CALL: Duration = Duration::from_secs(20);
/// How much of the answer is read.
const MOST: usize = 1 << 20;

/// A repository, as the API of its GitHub knows it.
pub(super) struct GitHub {
    /// `…/repos/OWNER/NAME`.
    repository: Url,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
}

impl GitHub {
    /// Returns where the API of a repository is, by the address that git has for it.
    pub(super) fn of(address: &Url) -> Option<Self> {
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
        Some(Self { repository })
    }

    /// Asks for the rules of a branch; the answer's head tells when the token ends.
    pub(super) async fn words(
        &self,
        client: &Client,
        token: Option<&Secret>,
        branch: &BranchName,
    ) -> Result<HostWords, Fault> {
        let mut url = self.repository.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(["rules", "branches", branch.as_str()]);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut request = client
            .get(url)
            .timeout(CALL)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        let unanswered = |error| Fault::unreachable(format!("{host} does not answer")).because(cause(error));
        let mut response = request.send().await.map_err(unanswered)?;
        let status = response.status();
        let token_until = expiration(response.headers());
        if !status.is_success() {
            return Err(Fault::unreachable(format!(
                "{host} does not tell the rules of {branch} ({status})"
            )));
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(unanswered)? {
            if body.len() + part.len() > MOST {
                return Err(Fault::unreachable(format!(
                    "the answer of {host} is longer than {MOST} bytes"
                )));
            }
            body.extend_from_slice(&part);
        }
        let rules: Vec<Rule> = serde_json::from_slice(&body)
            .map_err(|error| Fault::unreachable(format!("the answer of {host} is no list of rules")).because(error))?;
        let stands = STANDS_AGAINST
            .iter()
            .filter(|kind| rules.iter().any(|rule| rule.kind == **kind));
        Ok(HostWords {
            token_until,
            rules: stands.map(ToString::to_string).collect(),
        })
    }
}

/// Reads `2026-12-31 23:59:59 UTC`, or with an offset such as `-0700`, which personal tokens have an end in.
fn expiration(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("github-authentication-token-expiration")?.to_str().ok()?;
    let mut parts = text.split(' ');
    let (day, time) = (parts.next()?, parts.next()?);
    let at = Timestamp::parse(&format!("{day}T{time}Z"))?.unix_seconds();
    let offset = match parts.next() {
        None | Some("UTC" | "+0000") => 0,
        Some(zone) => {
            let (sign, digits) = zone.split_at_checked(1)?;
            let (hours, minutes) = digits.split_at_checked(2)?;
            let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if sign == "-" { -seconds } else { seconds }
        }
    };
    Some(Timestamp::at_unix(at.checked_add_signed(-offset)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_by_the_address_of_git() {
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
            let found = GitHub::of(&address.parse().unwrap()).unwrap();
            assert_eq!(found.repository.as_str(), api, "{address}");
        }
        assert!(GitHub::of(&"https://github.com/o".parse().unwrap()).is_none());
    }

    #[test]
    fn the_end_of_a_personal_token_has_a_zone() {
        let end = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("github-authentication-token-expiration", text.parse().unwrap());
            expiration(&headers).map(|at| at.to_string())
        };
        assert_eq!(end("2026-12-31 23:59:59 UTC").as_deref(), Some("2026-12-31T23:59:59Z"));
        assert_eq!(
            end("2026-12-31 17:00:00 -0700").as_deref(),
            Some("2027-01-01T00:00:00Z")
        );
        assert_eq!(
            end("2026-12-31 17:00:00 +0130").as_deref(),
            Some("2026-12-31T15:30:00Z")
        );
        for odd in ["", "soon", "2026-12-31", "2026-12-31 x UTC", "2026-12-31 17:00:00 é"] {
            assert_eq!(end(odd), None, "{odd}");
        }
    }
}
