//! GitHub as the host: the rules of a branch, and the end of the token in the head of the same answer.

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::{BranchRules, MergeSettings, Protection, Rules};
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
    #[serde(default)]
    parameters: Value,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    protected: bool,
}

#[derive(Deserialize)]
struct Repository {
    #[serde(default, rename = "allow_auto_merge")]
    auto: Option<bool>,
    #[serde(default, rename = "allow_squash_merge")]
    squash: Option<bool>,
    #[serde(default, rename = "allow_merge_commit")]
    merge: Option<bool>,
    #[serde(default, rename = "allow_rebase_merge")]
    rebase: Option<bool>,
}

/// Returns the names of required checks, as rulesets or the protection of a branch list them.
fn contexts(list: &Value) -> Vec<String> {
    let name = |check: &Value| {
        let named = check.as_str().or_else(|| check.get("context")?.as_str());
        named.map(str::to_owned)
    };
    list.as_array().into_iter().flatten().filter_map(name).collect()
}

/// Reads the protection of a branch into the words of rulesets.
/// <https://docs.github.com/en/rest/branches/branch-protection#get-branch-protection>
fn protection(found: &Value) -> BranchRules {
    let mut rules = BranchRules::default();
    let mut add = |kind: &str| rules.rules.push(kind.to_owned());
    let on = |key: &str| {
        found
            .get(key)
            .and_then(|value| value.get("enabled")?.as_bool())
            .unwrap_or(false)
    };
    let reviews = found
        .get("required_pull_request_reviews")
        .filter(|value| value.is_object());
    if reviews.is_some() {
        add("pull_request");
    }
    let checks = found.get("required_status_checks").filter(|value| value.is_object());
    if checks.is_some() {
        add("required_status_checks");
    }
    if on("required_signatures") {
        add("required_signatures");
    }
    if found.get("restrictions").is_some_and(Value::is_object) || on("lock_branch") {
        add("update");
    }
    rules.reviews = reviews.and_then(|value| value.get("required_approving_review_count")?.as_u64());
    rules.checks = checks
        .and_then(|value| value.get("contexts"))
        .map(contexts)
        .unwrap_or_default();
    rules
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
        let of = |kind: &str, key: &str| {
            let mut all = rules.iter().filter(|rule| rule.kind == kind);
            all.find_map(|rule| rule.parameters.get(key).cloned())
        };
        Ok(BranchRules {
            token_until,
            rules: stands.map(ToString::to_string).collect(),
            reviews: of("pull_request", "required_approving_review_count").and_then(|count| count.as_u64()),
            checks: of("required_status_checks", "required_status_checks")
                .map(|list| contexts(&list))
                .unwrap_or_default(),
        })
    }

    async fn protection(&self, branch: &BranchName) -> Result<Protection, Fault> {
        let what = format!("read the protection of {branch}");
        let reply = self.api.get(&["branches", branch.as_str()], &[]).await;
        let read: Branch = reply.map_err(|failure| failure.fault(&what))?.read("branch")?;
        if !read.protected {
            return Ok(Protection::None);
        }
        match self.api.get(&["branches", branch.as_str(), "protection"], &[]).await {
            Ok(reply) => Ok(Protection::Seen(protection(&reply.body))),
            // A ruleset protects a branch, too.
            Err(failure) if failure.refusal().is_some_and(|said| said.says("not protected")) => Ok(Protection::None),
            Err(failure) if failure.refusal().is_some_and(|said| matches!(said.status, 403 | 404)) => {
                Ok(Protection::Hidden)
            }
            Err(failure) => Err(failure.fault(&what)),
        }
    }

    async fn settings(&self) -> Result<MergeSettings, Fault> {
        let reply = self.api.get(&[], &[]).await;
        let reply = reply.map_err(|failure| failure.fault("read the settings of the repository"))?;
        let found: Repository = reply.read("repository")?;
        let methods = [
            ("squash", found.squash),
            ("merge", found.merge),
            ("rebase", found.rebase),
        ];
        let allowed = methods.iter().filter(|(_, allowed)| *allowed == Some(true));
        Ok(MergeSettings {
            auto_merge: found.auto,
            methods: allowed.map(|(name, _)| *name).collect(),
        })
    }

    async fn pull_requests(&self) -> Result<(), Fault> {
        let reply = self.api.get(&["pulls"], &[("per_page", "1")]).await;
        reply.map(drop).map_err(|failure| failure.fault("read pull requests"))
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
