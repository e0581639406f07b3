//! GitHub as the host: the rules of a branch, and the end of the token in the head of the same answer.

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::{BranchRules, Rules};
use crate::github::GitHub;
use crate::model::{BranchName, Fault, Timestamp};

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
/// A repository on GitHub.
pub(super) struct Host {
    api: GitHub,
}

impl Host {
    pub(super) const fn new(api: GitHub) -> Self {
        Self { api }
    }
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
}

#[async_trait(?Send)]
impl Rules for Host {
    async fn rules(&self, branch: &BranchName) -> Result<BranchRules, Fault> {
        let what = format!("read the rules of {branch}");
        let reply = self.api.get(&["rules", "branches", branch.as_str()], &[]).await;
        let reply = reply.map_err(|failure| failure.fault(&what))?;
        let token_until = expiration(&reply.headers);
        let rules: Vec<Rule> = reply.read("list of rules")?;
        let stands = STANDS_AGAINST
            .iter()
            .filter(|kind| rules.iter().any(|rule| rule.kind == **kind));
        Ok(BranchRules {
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
