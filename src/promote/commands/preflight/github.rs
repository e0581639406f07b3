//! GitHub's part of `preflight`: rules and protection of the branch, and how pull requests are merged.

use crate::githost::{BranchRules, Protection, Rules};
use crate::model::{BranchName, Fault, Timestamp};

use crate::promote::commands::checks::Checks;

/// Checks what the host knows of the branch, and returns the end of the token if it says that, too.
pub(super) async fn branch(host: Option<&dyn Rules>, branch: &BranchName, checks: &mut Checks) -> Option<Timestamp> {
    let host = host?;
    let (rules, protection) = (host.rules(branch).await, host.protection(branch).await);
    let mut kinds: Vec<String> = Vec::new();
    let mut until = None;
    match rules {
        Ok(rules) => {
            until = rules.token_until;
            kinds.extend(rules.rules.iter().cloned());
            rulesets(branch, &rules, checks);
        }
        Err(fault) => checks.warning("rules", branch.to_string(), fault),
    }
    match protection {
        Ok(Protection::None) => checks.ok("protection", branch.to_string(), "no branch protection blocks a push"),
        Ok(Protection::Hidden) => checks.skipped(
            "protection",
            branch.to_string(),
            "the branch is protected; the token does not see how: that needs `administration: read`",
        ),
        Ok(Protection::Seen(found)) => {
            kinds.extend(found.rules.iter().cloned());
            if found.rules.is_empty() {
                checks.ok(
                    "protection",
                    branch.to_string(),
                    "branch protection does not block a push",
                );
            } else {
                let why = format!("branch protection blocks a push: {}", words(&found));
                checks.warning(
                    "protection",
                    branch.to_string(),
                    advised(Fault::refused(why), &found.rules),
                );
            }
        }
        Err(fault) => checks.skipped("protection", branch.to_string(), format!("not checked: {fault}")),
    }
    pull_requests(
        host,
        branch,
        suits(&kinds).is_some_and(|way| way.contains("pull-request")),
        checks,
    )
    .await;
    until
}

fn rulesets(branch: &BranchName, rules: &BranchRules, checks: &mut Checks) {
    if rules.rules.is_empty() {
        return checks.ok("rules", branch.to_string(), "no ruleset blocks a push");
    }
    let why = format!(
        "rulesets block a push unless the token is on the bypass list, which GitHub does not report: {}",
        words(rules)
    );
    let fault = advised(Fault::refused(why), &rules.rules);
    let hint = "add the App or the owner of the token to the bypass list of the ruleset";
    checks.warning("rules", branch.to_string(), fault.hint(hint));
}

/// Names rules, with what they want.
fn words(rules: &BranchRules) -> String {
    let word = |kind: &String| match (kind.as_str(), rules.reviews) {
        ("pull_request", Some(1)) => "pull_request (1 approval)".to_owned(),
        ("pull_request", Some(count)) if count > 1 => format!("pull_request ({count} approvals)"),
        ("required_status_checks", _) if !rules.checks.is_empty() => {
            format!("required_status_checks ({})", rules.checks.join(", "))
        }
        (kind, _) => kind.to_owned(),
    };
    rules.rules.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn advised(fault: Fault, kinds: &[String]) -> Fault {
    match suits(kinds) {
        Some(way) => fault.hint(way),
        None => fault,
    }
}

/// Returns which `via` suits the rules of a branch.
fn suits(rules: &[String]) -> Option<&'static str> {
    let has = |kinds: &[&str]| rules.iter().any(|rule| kinds.contains(&rule.as_str()));
    if has(&["merge_queue"]) {
        return Some("set `via: pull-request` with `merge: auto`: the branch has a merge queue");
    }
    if has(&[
        "pull_request",
        "required_status_checks",
        "required_deployments",
        "workflows",
        "code_scanning",
    ]) {
        return Some("set `via: pull-request`: the branch takes changes by pull requests");
    }
    has(&["required_signatures"]).then_some("set `via: api`: GitHub then signs the commit")
}

/// Checks what `via: pull-request` needs. Where the branch takes pushes, what is missing is only named.
async fn pull_requests(host: &dyn Rules, branch: &BranchName, needed: bool, checks: &mut Checks) {
    let object = branch.to_string();
    match host.pull_requests().await {
        Ok(()) => checks.ok("pull requests", &object, "the token can read pull requests"),
        Err(fault) => missing("pull requests", &object, needed, &fault, checks),
    }
    match host.settings().await {
        Ok(settings) => {
            let methods = settings.methods.join(", ");
            match settings.auto_merge {
                Some(false) if needed => checks.warning(
                    "merge",
                    &object,
                    Fault::refused(format!("the repository allows {methods}, and no auto-merge"))
                        .hint("allow auto-merge in Settings → General → Pull Requests, or set `merge: now`"),
                ),
                Some(false) => checks.ok("merge", &object, format!("allowed: {methods}; no auto-merge")),
                Some(true) => checks.ok("merge", &object, format!("allowed: {methods}, auto-merge")),
                None => checks.skipped(
                    "merge",
                    &object,
                    "GitHub shows how pull requests are merged only to tokens with `contents: write`",
                ),
            }
        }
        Err(fault) => checks.skipped("merge", &object, format!("not checked: {fault}")),
    }
}

fn missing(check: &'static str, object: &str, needed: bool, fault: &Fault, checks: &mut Checks) {
    let hint = "grant the token `pull-requests: write`";
    if needed {
        checks.warning(check, object, Fault::denied(fault.to_string()).hint(hint));
    } else {
        checks.skipped(check, object, format!("only `via: pull-request` needs it: {fault}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_the_way_that_suits_it() {
        let way = |kinds: &[&str]| {
            let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            suits(&kinds).unwrap_or_default()
        };
        assert!(way(&["pull_request", "merge_queue"]).contains("merge: auto"));
        assert!(way(&["required_status_checks"]).contains("via: pull-request"));
        assert!(way(&["required_signatures"]).contains("via: api"));
        assert_eq!(way(&["update"]), "");
    }
}
