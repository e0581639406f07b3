//! The calls of the seam, one by one, over Argo CD's REST API.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::Value;

use crate::delivery::{Changes, Drive, Observe, Problem, Refresh, Scope};
use crate::model::{Analysis, AppSnapshot, ApplicationId, Canary, Happening, Node, Resource, ResourceId, SyncWindows};

use super::client::{ArgoCd, Call, REFRESH};
use super::{analysis, convert, object, rollout, wire};

/// The name of the note that marks an operation as ours.
const NONCE: &str = "promote-action";
/// How many lines of a log are asked for.
const LINES: &str = "8";

impl ArgoCd {
    /// Returns the query that every call about one application carries.
    fn about<'a>(&'a self, id: &'a ApplicationId) -> Vec<(&'a str, &'a str)> {
        let namespace = id.namespace().map(|namespace| ("appNamespace", namespace));
        let project = self.asked_project().map(|project| ("project", project));
        namespace.into_iter().chain(project).collect()
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        id: &ApplicationId,
        what: &[&str],
        more: &[(&str, &str)],
    ) -> Result<T, Problem> {
        let mut path = vec!["api", "v1", "applications", id.name()];
        path.extend(what);
        let mut query = self.about(id);
        query.extend(more);
        self.call(Call::get(&path).with(query)).await
    }

    /// Asks whether we may do something with an application.
    async fn may(&self, what: &str, project: &str, namespace: Option<&str>, name: &str) -> Result<bool, Problem> {
        let mut path = vec!["api", "v1", "account", "can-i", "applications", what, project];
        if let Some(namespace) = namespace {
            let settings: ServerNamespace = self.call(Call::get(&["api", "v1", "settings"])).await?;
            if !settings.controller_namespace.is_empty() && settings.controller_namespace != namespace {
                path.push(namespace);
            }
        }
        path.push(name);
        let can: wire::CanI = self.call(Call::get(&path)).await?;
        Ok(can.value == "yes")
    }

    /// Reads an object of the cluster.
    async fn object(&self, id: &ApplicationId, resource: &ResourceId, version: &str) -> Result<Value, Problem> {
        let query = [
            ("namespace", resource.namespace.as_str()),
            ("resourceName", resource.name.as_str()),
            ("version", version),
            ("group", resource.group.as_str()),
            ("kind", resource.kind.as_str()),
        ];
        let manifest: wire::Manifest = self.read(id, &["resource"], &query).await?;
        serde_json::from_str(&manifest.manifest)
            .map_err(|error| Problem::Refused(format!("the object of {resource} is no JSON: {error}")))
    }
}

#[async_trait(?Send)]
impl Observe for ArgoCd {
    fn server(&self) -> String {
        self.address()
    }

    fn project(&self) -> Option<&str> {
        self.asked_project()
    }

    fn page(&self, id: &ApplicationId) -> String {
        match id.namespace() {
            Some(namespace) => self.url(&["applications", namespace, id.name()]).to_string(),
            None => self.url(&["applications", id.name()]).to_string(),
        }
    }

    async fn version(&self) -> Result<String, Problem> {
        let version: wire::Version = self.call(Call::get(&["api", "version"])).await?;
        match version.version.as_str() {
            "" => Err(Problem::Foreign(
                "the answer names no version, as Argo CD's does".to_owned(),
            )),
            version => Ok(version.to_owned()),
        }
    }

    async fn whoami(&self) -> Result<String, Problem> {
        let who: wire::UserInfo = self.call(Call::get(&["api", "v1", "session", "userinfo"])).await?;
        if who.logged_in {
            Ok(who.username)
        } else {
            // The server answers 200 to a forged or expired token, and says nothing of a user.
            Err(self.explained(Problem::Token("the server does not know this token".to_owned())))
        }
    }

    async fn application(&self, id: &ApplicationId) -> Result<AppSnapshot, Problem> {
        let app: wire::Application = self.read(id, &[], &[]).await?;
        named(app)
    }

    async fn applications(&self) -> Result<Vec<AppSnapshot>, Problem> {
        let query = vec![("fields", "items.metadata.name,items.metadata.namespace,items.spec")];
        let list: wire::ApplicationList = self.call(Call::get(&["api", "v1", "applications"]).with(query)).await?;
        Ok((list.items.unwrap_or_default().into_iter())
            .map(convert::snapshot)
            .collect())
    }

    async fn may_sync(&self, app: &AppSnapshot) -> Result<bool, Problem> {
        self.may("sync", &app.project, Some(&app.namespace), &app.name).await
    }

    async fn may_see(&self, id: &ApplicationId) -> Result<bool, Problem> {
        let name = self.whoami().await?;
        // A right to all projects is a right to one that is called `*`; a role of a project has none outside it.
        let project = name.strip_prefix("proj:").and_then(|role| role.split(':').next());
        self.may("get", project.unwrap_or("*"), id.namespace(), id.name()).await
    }

    async fn refresh(&self, id: &ApplicationId, how: Refresh) -> Result<AppSnapshot, Problem> {
        let how = match how {
            Refresh::Normal => "normal",
            Refresh::Hard => "hard",
        };
        let path = ["api", "v1", "applications", id.name()];
        let mut query = self.about(id);
        query.push(("refresh", how));
        let mut call = Call::get(&path).with(query);
        call.limit = REFRESH;
        named(self.call(call).await?)
    }

    async fn stream(&self, scope: &Scope) -> Result<Box<dyn Changes>, Problem> {
        self.open_stream(scope).await
    }

    async fn target_images(&self, id: &ApplicationId) -> Result<Vec<String>, Problem> {
        let managed: wire::ManagedResources = self.read(id, &["managed-resources"], &[]).await?;
        let mut images = Vec::new();
        for item in managed.items.unwrap_or_default() {
            if let Ok(target) = serde_json::from_str::<Value>(&item.target_state) {
                convert::images_in(&target, &mut images);
            }
        }
        images.sort();
        images.dedup();
        Ok(images)
    }

    async fn windows(&self, id: &ApplicationId) -> Result<SyncWindows, Problem> {
        Ok(convert::windows(self.read(id, &["syncwindows"], &[]).await?))
    }

    async fn tree(&self, id: &ApplicationId) -> Result<Vec<Node>, Problem> {
        let tree: wire::Tree = self.read(id, &["resource-tree"], &[]).await?;
        Ok(convert::tree(tree))
    }

    async fn events(&self, id: &ApplicationId, node: &Node) -> Result<Vec<Happening>, Problem> {
        let query = [
            ("resourceUID", node.uid.as_str()),
            ("resourceName", node.id.name.as_str()),
            ("resourceNamespace", node.id.namespace.as_str()),
        ];
        let events: wire::Events = self.read(id, &["events"], &query).await?;
        let mut events: Vec<Happening> = (events.items.unwrap_or_default().into_iter())
            .map(convert::happening)
            .collect();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    async fn logs(&self, id: &ApplicationId, pod: &Node, before: bool) -> Result<Vec<String>, Problem> {
        let path = [
            "api",
            "v1",
            "applications",
            id.name(),
            "pods",
            pod.id.name.as_str(),
            "logs",
        ];
        let mut query = self.about(id);
        query.push(("namespace", pod.id.namespace.as_str()));
        query.push(("tailLines", LINES));
        if before {
            query.push(("previous", "true"));
        }
        let answer = self.send(Call::get(&path).with(query)).await?;
        if answer.status != 200 {
            return Err(self.explained(answer.problem()));
        }
        let lines = serde_json::Deserializer::from_slice(&answer.body).into_iter::<wire::LogFrame>();
        Ok((lines.map_while(Result::ok))
            .map(|frame| frame.result)
            .filter(|line| !line.last && !line.content.is_empty())
            .map(|line| line.content)
            .collect())
    }

    async fn said_by(&self, id: &ApplicationId, node: &Node) -> Result<Vec<String>, Problem> {
        if !matches!(node.id.kind.as_str(), "Pod" | "AnalysisRun") {
            return Ok(Vec::new());
        }
        self.object(id, &node.id, &node.version)
            .await
            .map(|object| object::said_by(&object))
    }

    async fn rollout(&self, id: &ApplicationId, rollout: &Resource) -> Result<Canary, Problem> {
        self.object(id, &rollout.id, &rollout.version)
            .await
            .map(|object| rollout::canary_of(&object))
    }

    async fn analysis_length(&self, id: &ApplicationId, rollout: &Resource, analysis: &Analysis) -> Duration {
        let mut wanted = analysis.templates.clone();
        let mut templates = Vec::new();
        let mut at = 0;
        while let Some(template) = wanted.get(at) {
            at += 1;
            let resource = analysis::resource(template, &rollout.id);
            if let Ok(object) = self.object(id, &resource, &rollout.version).await {
                // A template may name others, and in the end itself.
                let others = analysis::templates(object.get("spec").unwrap_or(&Value::Null));
                let new: Vec<_> = others.into_iter().filter(|other| !wanted.contains(other)).collect();
                wanted.extend(new);
                templates.push(object);
            }
        }
        analysis::length(&templates, &analysis.arguments)
    }
}

#[async_trait(?Send)]
impl Drive for ArgoCd {
    async fn sync(&self, id: &ApplicationId, nonce: &str) -> Result<AppSnapshot, Problem> {
        // No revision: the server resolves the branch's tip. One of ours could already be older than what runs.
        let mut body = serde_json::json!({"infos": [{"name": NONCE, "value": nonce}]});
        if let Some(fields) = body.as_object_mut() {
            for (name, value) in self.about(id) {
                fields.insert(name.to_owned(), value.into());
            }
        }
        let path = ["api", "v1", "applications", id.name(), "sync"];
        let mut call = Call::get(&path);
        call.method = Method::POST;
        call.body = Some(body);
        named(self.call(call).await?)
    }
}

/// An application without a name is none: some proxies answer `{}` to all.
fn named(app: wire::Application) -> Result<AppSnapshot, Problem> {
    if app.metadata.name.is_empty() {
        return Err(Problem::Foreign("the answer is JSON, but no application".to_owned()));
    }
    Ok(convert::snapshot(app))
}

/// Where the server's own applications are.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServerNamespace {
    controller_namespace: String,
}
