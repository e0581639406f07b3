//! The seam to the environments of the repository of a run: who has to approve a job, how long it waits, and which branches may deploy.
//! GitHub. Changes nothing.

use std::rc::Rc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::Run;
use crate::github::GitHub;
use crate::http::Client;
use crate::model::{Clock, Fault};

/// An environment of GitHub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeployEnvironment {
    /// The users and teams one of whom has to approve; teams as `team NAME`.
    pub reviewers: Vec<String>,
    /// Whether a team is among them.
    pub teams: bool,
    /// Whether who triggered the run cannot approve it.
    pub prevents_self_review: bool,
    /// How many minutes a job waits.
    pub wait_minutes: u64,
    /// Which branches may deploy.
    pub branches: DeployBranches,
    /// Whether administrators can pass the rules.
    pub admins_bypass: bool,
}

/// Which branches and tags may deploy to an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeployBranches {
    /// Every one.
    #[default]
    Any,
    /// The protected branches; every branch where none is protected.
    Protected,
    /// Those that fit one of these patterns.
    Named(Vec<String>),
}

/// Reads environments.
#[async_trait(?Send)]
pub trait Environments {
    /// Returns the environment of that name; `None` where there is none.
    ///
    /// # Errors
    /// GitHub refuses or gives no answer.
    async fn environment(&self, name: &str) -> Result<Option<DeployEnvironment>, Fault>;
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    protection_rules: Vec<Rule>,
    #[serde(default)]
    deployment_branch_policy: Option<Policy>,
    #[serde(default)]
    can_admins_bypass: Option<bool>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    wait_timer: u64,
    #[serde(default)]
    prevent_self_review: bool,
    #[serde(default)]
    reviewers: Vec<Reviewer>,
}

#[derive(Deserialize)]
struct Reviewer {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    reviewer: Value,
}

#[derive(Deserialize)]
struct Policy {
    #[serde(default)]
    custom_branch_policies: bool,
}

#[derive(Deserialize)]
struct Patterns {
    branch_policies: Vec<Pattern>,
}

#[derive(Deserialize)]
struct Pattern {
    name: String,
}

struct Host {
    api: GitHub,
}

/// Opens the environments of the repository of a run.
#[must_use]
pub fn open(run: &Run, http: &Client, clock: &Rc<dyn Clock>) -> Box<dyn Environments> {
    let api = GitHub::new(run.place.clone(), http.clone(), run.token.clone(), Rc::clone(clock));
    Box::new(Host { api })
}

impl Host {
    async fn branches(&self, name: &str, policy: Option<&Policy>) -> Result<DeployBranches, Fault> {
        match policy {
            None => Ok(DeployBranches::Any),
            Some(policy) if !policy.custom_branch_policies => Ok(DeployBranches::Protected),
            Some(_) => {
                let path = ["environments", name, "deployment-branch-policies"];
                let what = format!("read the deployment branches of the environment {name} (`actions: read`)");
                let reply = self.api.get(&path, &[("per_page", "100")]).await;
                let all: Patterns = reply
                    .map_err(|failure| failure.fault(&what))?
                    .read("list of branches")?;
                let names = all.branch_policies.into_iter().map(|one| one.name);
                Ok(DeployBranches::Named(names.collect()))
            }
        }
    }
}

#[async_trait(?Send)]
impl Environments for Host {
    async fn environment(&self, name: &str) -> Result<Option<DeployEnvironment>, Fault> {
        let wire: Wire = match self.api.get(&["environments", name], &[]).await {
            Ok(reply) => reply.read("environment")?,
            Err(failure) if failure.is_missing() => return Ok(None),
            Err(failure) => return Err(failure.fault(&format!("read the environment {name} (`actions: read`)"))),
        };
        let mut found = DeployEnvironment {
            branches: self.branches(name, wire.deployment_branch_policy.as_ref()).await?,
            admins_bypass: wire.can_admins_bypass.unwrap_or(false),
            ..DeployEnvironment::default()
        };
        for rule in wire.protection_rules {
            match rule.kind.as_str() {
                "wait_timer" => found.wait_minutes = rule.wait_timer,
                "required_reviewers" => {
                    found.prevents_self_review = rule.prevent_self_review;
                    for one in rule.reviewers {
                        let text = |key: &str| {
                            one.reviewer
                                .get(key)
                                .and_then(Value::as_str)
                                .unwrap_or_default()
                                .to_owned()
                        };
                        if one.kind == "Team" {
                            found.teams = true;
                            found.reviewers.push(format!("team {}", text("slug")));
                        } else {
                            found.reviewers.push(text("login"));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Some(found))
    }
}
