//! The GitHub environments of `preflight`: who approves, and what falls short of the gate `approvals`.

use crate::githost::{DeployBranches, DeployEnvironment, Environments, Run};
use crate::model::{EnvironmentName, Fault};
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

/// Checks the GitHub environment of each environment, with how many approvals its gate wants.
pub(super) async fn check(host: Option<(&Run, &dyn Environments)>, wanted: &[Wanted], checks: &mut Checks) {
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
    for wanted in wanted {
        let count = wanted.approvals;
        let name = counted(run, host, wanted, checks).await;
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
                for (state, said, hint) in findings(&found, count) {
                    if state == CheckState::Ok {
                        checks.ok("environment", &object, said);
                    } else {
                        checks.warning("environment", &object, Fault::refused(said).hint(hint));
                    }
                }
            }
            Err(fault) => {
                let hints: Vec<String> = fault.hints.iter().map(|hint| format!("\n→ {hint}")).collect();
                checks.skipped("environment", object, format!("not checked: {fault}{}", hints.concat()));
            }
        }
    }
}

/// Returns the GitHub environment to look at, and warns of an input that names one whose approvals do not count.
async fn counted<'a>(run: &'a Run, host: &dyn Environments, wanted: &'a Wanted, checks: &mut Checks) -> &'a str {
    let Wanted { environment, named, .. } = wanted;
    let own = named.as_deref().unwrap_or(environment.as_str());
    let other = (run.environment.as_deref()).filter(|input| !input.eq_ignore_ascii_case(own));
    let Some(input) = other else { return own };
    let is_there = named.is_some() || matches!(host.environment(own).await, Ok(Some(_)));
    if wanted.approvals.is_none() || !is_there {
        return run.environment_of(named.as_deref(), environment.as_str());
    }
    let why =
        format!("`github-environment` names {input}, but only the approvals of the GitHub environment {own} count");
    let hint = format!("drop the input, or set `github-environment: {input}` for {environment} in promote.yaml");
    let object = format!("{own} of {}", run.place.repository());
    checks.warning("environment", object, Fault::refused(why).hint(hint));
    own
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
}
