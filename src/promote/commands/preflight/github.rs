//! GitHub's part of `preflight`: rules and protection of the branch, how pull requests are merged, and the environments that people approve.

use crate::githost::{BranchRules, DeployBranches, DeployEnvironment, Environments, Protection, Rules, Run};
use crate::model::{BranchName, EnvironmentName, Fault, Timestamp};
use crate::report::CheckState;

use crate::promote::commands::checks::Checks;

/// An environment whose people are to be checked.
pub(super) struct Wanted {
    pub(super) environment: EnvironmentName,
    /// The GitHub environment that promote.yaml names for it.
    pub(super) named: Option<String>,
    /// How many approvals its gate wants.
    pub(super) approvals: Option<usize>,
}

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

/// Checks the GitHub environment of each environment, with how many approvals its gate wants.
pub(super) async fn environments(host: Option<(&Run, &dyn Environments)>, wanted: &[Wanted], checks: &mut Checks) {
    let Some((run, host)) = host else {
        if wanted.iter().any(|wanted| wanted.approvals.is_some()) {
            checks.skipped(
                "environment",
                "",
                "not checked outside of a workflow: run `preflight` as a step to check who approves",
            );
        }
        return;
    };
    for Wanted {
        environment,
        named,
        approvals: count,
    } in wanted
    {
        let wanted = named.as_deref().unwrap_or(environment.as_str());
        let mut name = run.environment_of(named.as_deref(), environment.as_str());
        if let Some(input) = run
            .environment
            .as_deref()
            .filter(|input| !input.eq_ignore_ascii_case(wanted))
            && count.is_some()
            && (named.is_some() || matches!(host.environment(wanted).await, Ok(Some(_))))
        {
            let why = format!(
                "`github-environment` names {input}, but only the approvals of the GitHub environment {wanted} count"
            );
            let hint =
                format!("drop the input, or set `github-environment: {input}` for {environment} in promote.yaml");
            checks.warning(
                "environment",
                format!("{wanted} of {}", run.place.repository()),
                Fault::refused(why).hint(hint),
            );
            name = wanted;
        }
        let object = format!("{name} of {}", run.place.repository());
        match host.environment(name).await {
            Ok(None) => match count {
                None => checks.ok("environment", object, "GitHub has no such environment: nobody has to approve"),
                Some(count) => checks.warning(
                    "environment",
                    object,
                    Fault::refused(format!("`approvals: {count}`, and GitHub has no such environment"))
                        .hint("create it with required reviewers in Settings → Environments; a job that names it creates it without"),
                ),
            },
            Ok(Some(found)) => {
                for (state, said, hint) in findings(&found, *count) {
                    if state == CheckState::Ok {
                        checks.ok("environment", &object, said);
                    } else {
                        checks.warning("environment", &object, Fault::refused(said).hint(hint));
                    }
                }
            }
            Err(fault) => {
                let hints: Vec<String> = fault.hints.iter().map(|hint| format!(" → {hint}")).collect();
                checks.skipped("environment", object, format!("not checked: {fault}{}", hints.concat()));
            }
        }
    }
}

/// Says what an environment asks for, and what of it falls short of a rule of `count` people.
fn findings(found: &DeployEnvironment, count: Option<usize>) -> Vec<(CheckState, String, &'static str)> {
    let branches = match &found.branches {
        DeployBranches::Any => "every branch can deploy".to_owned(),
        DeployBranches::Protected => "protected branches can deploy".to_owned(),
        DeployBranches::Named(names) => format!("{} can deploy", names.join(", ")),
    };
    let reviewers = if found.reviewers.is_empty() {
        "no reviewers".to_owned()
    } else {
        format!("reviewers: {}", found.reviewers.join(", "))
    };
    let wait = if found.wait_minutes == 0 {
        "no wait timer".to_owned()
    } else {
        format!("wait timer {} minutes", found.wait_minutes)
    };
    let mut all = vec![(CheckState::Ok, format!("{reviewers}; {wait}; {branches}"), "")];
    let mut warn = |said: String, hint| all.push((CheckState::Warning, said, hint));
    if let Some(count) = count.filter(|count| !found.teams && found.reviewers.len() < *count) {
        warn(
            format!("`approvals: {count}`, and {} people can approve", found.reviewers.len()),
            "add required reviewers to the environment in Settings → Environments, a team for example",
        );
    }
    let mut warn = |said: &str, hint| all.push((CheckState::Warning, said.to_owned(), hint));
    if !found.reviewers.is_empty() && !found.prevents_self_review {
        warn(
            "who triggers the run can approve it",
            "select \"Prevent self-review\" in Settings → Environments",
        );
    }
    if count.is_some() || !found.reviewers.is_empty() {
        match &found.branches {
            DeployBranches::Any => warn(
                "a workflow of any branch can deploy",
                "limit the environment to `main` under \"Deployment branches and tags\" in Settings → Environments",
            ),
            DeployBranches::Protected => warn(
                "every branch can deploy while the repository has no protected branch",
                "name the branch under \"Deployment branches and tags\" in Settings → Environments",
            ),
            DeployBranches::Named(_) => {}
        }
        if found.admins_bypass {
            warn(
                "administrators can bypass the rules of the environment",
                "clear \"Allow administrators to bypass\" in Settings → Environments",
            );
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(found: &DeployEnvironment, count: Option<usize>) -> Vec<String> {
        findings(found, count).into_iter().map(|(_, said, _)| said).collect()
    }

    #[test]
    fn an_environment_as_it_should_be_has_no_warning() {
        let mut found = DeployEnvironment {
            reviewers: vec!["ann".to_owned(), "bob".to_owned()],
            prevents_self_review: true,
            wait_minutes: 30,
            branches: DeployBranches::Named(vec!["main".to_owned()]),
            ..DeployEnvironment::default()
        };
        assert_eq!(
            said(&found, Some(2)),
            ["reviewers: ann, bob; wait timer 30 minutes; main can deploy"]
        );
        assert_eq!(said(&found, Some(3)).len(), 2);
        found.teams = true;
        assert_eq!(said(&found, Some(3)).len(), 1);
        found.branches = DeployBranches::Protected;
        found.prevents_self_review = false;
        found.admins_bypass = true;
        assert_eq!(said(&found, Some(2)).len(), 4);
        assert_eq!(said(&DeployEnvironment::default(), None).len(), 1);
    }

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
