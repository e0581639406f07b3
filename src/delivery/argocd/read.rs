//! How applications are: the calls that only read, one by one, over Argo CD's REST API.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::delivery::{Changes, Observe, Problem, Refresh, Scope};
use crate::model::{Analysis, AppSnapshot, ApplicationId, Canary, Node, Resource, ResourceId, SyncWindows};

use super::client::{ArgoCd, Call, REFRESH};
use super::{analysis, convert, rollout, wire};

impl ArgoCd {
    /// Returns the query that every call about one application carries.
    pub(super) fn about<'a>(&'a self, id: &'a ApplicationId) -> Vec<(&'a str, &'a str)> {
        let namespace = id.namespace().map(|namespace| ("appNamespace", namespace));
        let project = self.asked_project().map(|project| ("project", project));
        namespace.into_iter().chain(project).collect()
    }

    pub(super) async fn read<T: serde::de::DeserializeOwned>(
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

    /// Reads an object of the cluster.
    pub(super) async fn object(
        &self,
        id: &ApplicationId,
        resource: &ResourceId,
        version: &str,
    ) -> Result<Value, Problem> {
        let query = [
            ("namespace", resource.namespace.as_str()),
            ("resourceName", resource.name.as_str()),
            ("version", version),
            ("group", resource.group.as_str()),
            ("kind", resource.kind.as_str()),
        ];
        let manifest: wire::Manifest = self.read(id, &["resource"], &query).await?;
        let object: Value = serde_json::from_str(&manifest.manifest)
            .map_err(|error| Problem::Refused(format!("the object of {resource} is no JSON: {error}")))?;
        let is = |path: &str, wanted: &str| {
            let found = object.pointer(path).and_then(Value::as_str);
            found.is_some_and(|found| found == wanted)
        };
        if is("/kind", &resource.kind) && is("/metadata/name", &resource.name) {
            return Ok(object);
        }
        Err(Problem::Foreign(format!(
            "the answer to a request about {resource} is about another object"
        )))
    }
}

#[async_trait(?Send)]
impl Observe for ArgoCd {
    fn page(&self, id: &ApplicationId) -> String {
        match id.namespace() {
            Some(namespace) => self.url(&["applications", namespace, id.name()]).to_string(),
            None => self.url(&["applications", id.name()]).to_string(),
        }
    }

    async fn application(&self, id: &ApplicationId) -> Result<AppSnapshot, Problem> {
        let app: wire::Application = self.read(id, &[], &[]).await?;
        asked_for(id, app)
    }

    async fn applications(&self) -> Result<Vec<AppSnapshot>, Problem> {
        let query = vec![("fields", "items.metadata.name,items.metadata.namespace,items.spec")];
        let list: wire::ApplicationList = self.call(Call::get(&["api", "v1", "applications"]).with(query)).await?;
        Ok((list.items.unwrap_or_default().into_iter())
            .map(convert::snapshot)
            .collect())
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
        asked_for(id, self.call(call).await?)
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

/// Returns the application of an answer, which must be about the one that was asked for: some proxies answer `{}` to all, or from a cache
/// of another page.
pub(super) fn asked_for(id: &ApplicationId, app: wire::Application) -> Result<AppSnapshot, Problem> {
    let found = &app.metadata;
    if found.name.is_empty() {
        return Err(Problem::Foreign("the answer is JSON, but no application".to_owned()));
    }
    let elsewhere = id.namespace().is_some_and(|namespace| namespace != found.namespace);
    if found.name != id.name() || elsewhere {
        let (namespace, name) = (&found.namespace, &found.name);
        return Err(Problem::Foreign(format!(
            "the answer to a request about application {id} is about {namespace}/{name}"
        )));
    }
    Ok(convert::snapshot(app))
}
