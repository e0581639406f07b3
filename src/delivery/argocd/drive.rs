//! What changes an application: syncs, the end of an operation, actions on its Rollouts.

use async_trait::async_trait;
use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::delivery::{Action, Drive, Problem};
use crate::model::{AppSnapshot, ApplicationId, Resource};

use super::answer::Answer;
use super::client::{ArgoCd, Call};

/// The name of the note that marks an operation as this run's.
const NONCE: &str = "promote-action";

impl ArgoCd {
    async fn change(
        &self,
        method: Method,
        id: &ApplicationId,
        what: &[&str],
        query: Vec<(&str, &str)>,
        body: Option<Value>,
    ) -> Result<Answer, Problem> {
        let mut path = vec!["api", "v1", "applications", id.name()];
        path.extend(what);
        let mut call = Call::get(&path).with(query);
        call.method = method;
        call.body = body;
        self.send(call).await
    }

    /// Adds to a body what distinguishes the application from others of its name.
    fn with_identity(&self, id: &ApplicationId, mut body: Value) -> Value {
        if let Some(fields) = body.as_object_mut() {
            for (name, value) in self.about(id) {
                fields.insert(name.to_owned(), value.into());
            }
        }
        body
    }
}

#[async_trait(?Send)]
impl Drive for ArgoCd {
    async fn sync(&self, id: &ApplicationId, nonce: &str, prune: bool) -> Result<AppSnapshot, Problem> {
        // No revision: the server resolves the branch's tip. The promotion's commit could already be older than what runs.
        let body = self.with_identity(id, json!({"infos": [{"name": NONCE, "value": nonce}], "prune": prune}));
        let answer = self.change(Method::POST, id, &["sync"], Vec::new(), Some(body)).await?;
        self.asked_for(id, answer.json().map_err(|problem| self.explained(problem))?)
    }

    async fn terminate(&self, id: &ApplicationId) -> Result<bool, Problem> {
        let query = self.about(id);
        let answer = self.change(Method::DELETE, id, &["operation"], query, None).await?;
        match answer.json::<IgnoredAny>() {
            Ok(_) => Ok(true),
            Err(Problem::Refused(said)) if said.contains("No operation is in progress") => Ok(false),
            Err(problem) => Err(self.explained(problem)),
        }
    }

    async fn act(&self, id: &ApplicationId, rollout: &Resource, action: Action) -> Result<(), Problem> {
        self.run(id, rollout, action).await
    }
}

impl ArgoCd {
    /// Asks for an action on a Rollout.
    pub(super) async fn run(&self, id: &ApplicationId, rollout: &Resource, action: Action) -> Result<(), Problem> {
        let fields = [
            ("namespace", rollout.id.namespace.as_str()),
            ("resourceName", rollout.id.name.as_str()),
            ("version", rollout.version.as_str()),
            ("group", rollout.id.group.as_str()),
            ("kind", rollout.id.kind.as_str()),
        ];
        let mut body: serde_json::Map<String, Value> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        body.insert("action".to_owned(), json!(action.name()));
        let body = self.with_identity(id, Value::Object(body));
        let path = ["resource", "actions", "v2"];
        let mut answer = self.change(Method::POST, id, &path, Vec::new(), Some(body)).await?;
        // Servers before 3.1 do not have that endpoint. Their refusal is none of Argo CD's own: the router makes it.
        if matches!(answer.status, 404 | 405 | 501) && !matches!(answer.problem(), Problem::Missing(_)) {
            let query = fields.into_iter().chain(self.about(id)).collect();
            let body = Some(json!(action.name()));
            answer = self
                .change(Method::POST, id, &["resource", "actions"], query, body)
                .await?;
        }
        answer
            .json::<Value>()
            .map(drop)
            .map_err(|problem| self.explained(lost_sight(problem)))
    }
}

/// The server looks a Rollout up in caches that can lack it for a moment: that passes.
fn lost_sight(problem: Problem) -> Problem {
    let passes = ["is not permitted to manage", "not found as part of application"];
    match problem {
        Problem::Refused(why) | Problem::Forbidden(why) if passes.iter().any(|words| why.contains(words)) => {
            Problem::Passing { why, after: None }
        }
        other => other,
    }
}
