//! How applications are: the calls that only read, one by one, over Argo CD's REST API.

use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::delivery::{Changes, Observe, Problem, Refresh, Scope};
use crate::model::limits::Limit;
use crate::model::{
    Analysis, AppSnapshot, ApplicationId, Canary, Managed, Node, Resource, ResourceId, SyncWindows, limits,
};

use super::bounded::{self, Any};
use super::client::{ArgoCd, Call};
use super::{analysis, convert, managed, rollout, wire};

impl ArgoCd {
    /// Returns the query that every call about one application carries.
    pub(super) fn about<'a>(&'a self, id: &'a ApplicationId) -> Vec<(&'a str, &'a str)> {
        let namespace = id.namespace().map(|namespace| ("appNamespace", namespace));
        let project = self.asked_project().map(|project| ("project", project));
        namespace.into_iter().chain(project).collect()
    }

    pub(super) async fn read<T: DeserializeOwned + Send + 'static>(
        &self,
        id: &ApplicationId,
        what: &[&str],
        more: &[(&str, &str)],
        most: Limit,
    ) -> Result<T, Problem> {
        let mut path = vec!["api", "v1", "applications", id.name()];
        path.extend(what);
        let mut query = self.about(id);
        query.extend(more);
        self.call(Call::get(&path).with(query).most(most)).await
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
        let manifest: wire::Manifest = self.read(id, &["resource"], &query, limits::ARGOCD_OBJECT).await?;
        let Any(object) = bounded::from_slice(manifest.manifest.as_bytes()).map_err(|error| {
            Problem::Refused(format!(
                "the object of {resource} cannot be read: {}",
                crate::model::json::in_words(&error)
            ))
        })?;
        let is = |path: &str, wanted: &str| {
            let found = object.pointer(path).and_then(Value::as_str);
            found.is_some_and(|found| found == wanted)
        };
        // What is not in a namespace has none.
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
        let elsewhere = namespace.is_some_and(|found| !resource.namespace.is_empty() && found != resource.namespace);
        let version = object
            .pointer("/apiVersion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let (group, _) = version.split_once('/').unwrap_or_default();
        let of_group = version.is_empty() || group == resource.group;
        if is("/kind", &resource.kind) && is("/metadata/name", &resource.name) && !elsewhere && of_group {
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
        let app: wire::Application = self.read(id, &[], &[], limits::ARGOCD_MANY).await?;
        self.asked_for(id, app)
    }

    async fn applications(&self) -> Result<Vec<AppSnapshot>, Problem> {
        let query = vec![("fields", "items.metadata.name,items.metadata.namespace,items.spec")];
        let list: wire::ApplicationList = self
            .call(
                Call::get(&["api", "v1", "applications"])
                    .with(query)
                    .most(limits::ARGOCD_MANY),
            )
            .await?;
        Ok(list.items.into_iter().map(convert::listed).collect())
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
        call.limit = limits::ARGOCD_REFRESH.time();
        self.asked_for(id, self.call(call).await?)
    }

    async fn stream(&self, scope: &Scope) -> Result<Box<dyn Changes>, Problem> {
        self.open_stream(scope).await
    }

    async fn managed(&self, id: &ApplicationId) -> Result<Vec<Managed>, Problem> {
        let managed: wire::ManagedResources = self.read(id, &["managed-resources"], &[], limits::ARGOCD_MANY).await?;
        let mut all = Vec::new();
        for (number, item) in managed.items.into_iter().enumerate() {
            // A manifest can be long: others want to be heard between two.
            if number % 64 == 63 {
                tokio::task::yield_now().await;
            }
            all.push(managed::managed(item));
        }
        Ok(all)
    }

    async fn rolls_out(&self, set: &str, app: &AppSnapshot) -> Result<bool, Problem> {
        let path = ["api", "v1", "applicationsets", set];
        let query = vec![("appsetNamespace", app.namespace.as_str())];
        let found: wire::ApplicationSet = self.call(Call::get(&path).with(query)).await?;
        let elsewhere = !found.metadata.namespace.is_empty() && found.metadata.namespace != app.namespace;
        if found.metadata.name != set || elsewhere {
            return Err(Problem::Foreign(
                "the answer is about another ApplicationSet".to_owned(),
            ));
        }
        Ok(found
            .spec
            .strategy
            .is_some_and(|strategy| strategy.kind == "RollingSync"))
    }

    async fn windows(&self, id: &ApplicationId) -> Result<SyncWindows, Problem> {
        Ok(convert::windows(
            self.read(id, &["syncwindows"], &[], limits::ARGOCD_OBJECT).await?,
        ))
    }

    async fn tree(&self, id: &ApplicationId) -> Result<Vec<Node>, Problem> {
        let tree: wire::Tree = self.read(id, &["resource-tree"], &[], limits::ARGOCD_MANY).await?;
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
        while let Some(template) = wanted.get(templates.len()) {
            if wanted.len() > limits::ARGOCD_TEMPLATES.things() {
                return Duration::ZERO;
            }
            let resource = analysis::resource(template, &rollout.id);
            let object = self.object(id, &resource, &rollout.version).await;
            // Of a template only what tells its length is kept.
            let template = object.map(|object| analysis::lengths_of(&object)).unwrap_or_default();
            // It may name others, and in the end itself.
            let new: Vec<_> = template
                .others
                .iter()
                .filter(|other| !wanted.contains(other))
                .cloned()
                .collect();
            wanted.extend(new);
            templates.push(template);
        }
        analysis::length(&templates, &analysis.arguments)
    }
}

impl ArgoCd {
    /// Returns the application of an answer, which must be about the one that was asked for: some proxies answer `{}` to all, or from a
    /// cache of another page.
    pub(super) fn asked_for(&self, id: &ApplicationId, app: wire::Application) -> Result<AppSnapshot, Problem> {
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
        if let Some(project) = self.asked_project().filter(|project| *project != app.spec.project) {
            return Err(Problem::Foreign(format!(
                "the answer to a request about application {id} of project {project} is about one of project {}",
                app.spec.project
            )));
        }
        Ok(convert::snapshot(app))
    }
}
