//! Deployments of GitHub. Those of promotions carry their apps and their run in the payload, so that each is found again.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Deployment, DeploymentState, DeploymentStatus, Host, NewDeployment};
use crate::github::Failure;
use crate::model::Fault;

/// The key of the payload.
const KEY: &str = "promote-action";
/// How many deployments of an environment are looked through.
const PAGE: &str = "30";
/// How many of them have their statuses read.
const LOOKS: usize = 5;
/// How often the request to make one is sent while its answers are lost and there is none.
const SENDS: u32 = 3;
/// The longest description, in characters.
const LONGEST: usize = 140;

#[derive(Deserialize)]
struct Wire {
    id: u64,
    #[serde(default)]
    sha: String,
    #[serde(default, rename = "ref")]
    name: String,
    #[serde(default)]
    payload: Value,
}

#[derive(Default, Deserialize)]
struct Payload {
    #[serde(default)]
    apps: Vec<String>,
    #[serde(default)]
    run: String,
}

#[derive(Deserialize)]
struct WireStatus {
    state: String,
    #[serde(default)]
    log_url: Option<String>,
    #[serde(default)]
    target_url: Option<String>,
}

impl Wire {
    /// Returns what a promotion wrote into it; `None` for the deployment of somebody else.
    fn own(&self) -> Option<Payload> {
        let payload = match &self.payload {
            // GitHub gives it back as it was sent: an object, or the text of one.
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            other => other.clone(),
        };
        serde_json::from_value(payload.get(KEY)?.clone()).ok()
    }

    fn is_of(&self, commit: &str) -> bool {
        self.sha == commit || self.name == commit
    }
}

impl Host {
    /// Returns the newest deployments of an environment, the newest first.
    async fn deployments(&self, environment: &str) -> Result<Vec<Wire>, Fault> {
        let query = [("environment", environment), ("per_page", PAGE)];
        let reply = self.api.get(&["deployments"], &query).await;
        let what = format!("read the deployments of {environment} (`deployments: read`)");
        let reply = reply.map_err(|failure| failure.fault(&what))?;
        let mut all: Vec<Wire> = reply.read("list of deployments")?;
        all.sort_by_key(|one| std::cmp::Reverse(one.id));
        Ok(all)
    }

    async fn statuses(&self, deployment: u64) -> Result<Vec<WireStatus>, Fault> {
        let id = deployment.to_string();
        let reply = self.api.get(&["deployments", &id, "statuses"], &[]).await;
        let reply = reply.map_err(|failure| failure.fault(&format!("read the statuses of deployment {id}")))?;
        reply.read("list of statuses")
    }

    pub(super) async fn find_of_job(&self, environment: &str) -> Result<Option<String>, Fault> {
        let page = format!("/actions/runs/{}", self.run.id);
        let of_run = |url: &Option<String>| {
            let rest = url
                .as_deref()
                .and_then(|url| url.split_once(&page))
                .map(|(_, rest)| rest);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let all = self.deployments(environment).await?;
        for one in all.iter().filter(|one| one.own().is_none()).take(LOOKS) {
            let statuses = self.statuses(one.id).await?;
            if statuses
                .iter()
                .any(|status| of_run(&status.log_url) || of_run(&status.target_url))
            {
                return Ok(Some(self.run.page.clone()));
            }
        }
        Ok(None)
    }

    pub(super) async fn make_deployment(
        &self,
        new: &NewDeployment,
        only_found: bool,
    ) -> Result<Option<Deployment>, Fault> {
        let mut lost = None;
        for _ in 0..SENDS {
            let all = self.deployments(&new.environment).await?;
            let found = all.iter().filter(|one| one.is_of(&new.commit)).find_map(|one| {
                let own = one.own().filter(|own| own.apps == new.apps)?;
                let earlier = own.run != new.run;
                (!earlier || only_found).then_some(Deployment { id: one.id, earlier })
            });
            if found.is_some() || only_found {
                return Ok(found);
            }
            match self.post(new).await {
                Ok(id) => return Ok(Some(Deployment { id, earlier: false })),
                Err(Failure::Lost(fault)) => lost = Some(fault),
                Err(failure) => return Err(failure.fault("make the deployment (`deployments: write`)")),
            }
        }
        let why = lost.map(|fault| fault.to_string()).unwrap_or_default();
        Err(Fault::unreachable(format!("make the deployment: {why}")))
    }

    async fn post(&self, new: &NewDeployment) -> Result<u64, Failure> {
        // Nothing is to be merged or waited for: the promotion has its own gates.
        let body = json!({"ref": new.commit, "environment": new.environment, "auto_merge": false, "required_contexts": [],
            "description": short(&new.description), "payload": {KEY: {"apps": new.apps, "run": new.run}}});
        let reply = self.api.write(Method::POST, &["deployments"], &body).await?;
        // 202 has a message and no deployment.
        let wire: Wire = reply.read("deployment").map_err(Failure::Lost)?;
        Ok(wire.id)
    }

    pub(super) async fn set_status(&self, deployment: u64, status: &DeploymentStatus) -> Result<(), Fault> {
        let id = deployment.to_string();
        // GitHub would make the deployments of every other app of the environment inactive, too.
        let mut body = json!({"state": status.state.name(), "description": short(&status.description), "log_url": status.log_url,
            "auto_inactive": false});
        if let (Some(url), Some(fields)) = (&status.environment_url, body.as_object_mut()) {
            fields.insert("environment_url".to_owned(), json!(url));
        }
        // The same status twice says the same.
        let set = self
            .api
            .make(Method::POST, &["deployments", &id, "statuses"], &body)
            .await;
        set.map(drop)
            .map_err(|failure| failure.fault(&format!("set the status of deployment {id} to {}", status.state.name())))
    }

    pub(super) async fn find_replaced(&self, deployment: u64, new: &NewDeployment) -> Result<Vec<u64>, Fault> {
        let all = self.deployments(&new.environment).await?;
        let mut found = Vec::new();
        for one in all.iter().filter(|one| one.id < deployment) {
            let own = one.own();
            if own
                .as_ref()
                .is_some_and(|own| !own.apps.iter().all(|app| new.apps.contains(app)))
            {
                continue;
            }
            if found.len() >= LOOKS {
                break;
            }
            let newest = self.statuses(one.id).await?.into_iter().next();
            let state = newest.map(|status| status.state);
            let replaced = match state.as_deref() {
                Some("success") => true,
                Some("in_progress" | "queued" | "pending") | None => own.is_some(),
                _ => false,
            };
            if replaced {
                found.push(one.id);
            }
            if state.as_deref() == Some(DeploymentState::Inactive.name()) {
                // Those before it were made inactive with it.
                break;
            }
        }
        Ok(found)
    }
}

/// Returns as much of a text as GitHub takes, on one line.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let cut: String = line.chars().take(LONGEST - 1).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_read_back_as_object_and_as_text() {
        let wire = |payload: Value| Wire {
            id: 1,
            sha: String::new(),
            name: String::new(),
            payload,
        };
        let payload = json!({"promote-action": {"apps": ["api"], "run": "r"}});
        for payload in [payload.clone(), json!(payload.to_string())] {
            assert_eq!(wire(payload).own().unwrap().apps, ["api"]);
        }
        for payload in [json!({}), json!(""), Value::Null, json!([1]), json!("{\"x\":1}")] {
            assert!(wire(payload).own().is_none());
        }
    }

    #[test]
    fn a_description_is_cut_to_what_github_takes() {
        assert_eq!(short("a\n b"), "a b");
        assert_eq!(short(&"é".repeat(200)).chars().count(), 140);
    }
}
