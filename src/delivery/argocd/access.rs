//! Which server this is, whose token is sent, and what it permits.

use async_trait::async_trait;

use crate::delivery::{Access, Action, Problem};
use crate::model::{AppSnapshot, ApplicationId, Resource, ResourceId};

use super::client::{ArgoCd, Call};
use super::wire;

impl ArgoCd {
    /// Asks whether the token permits something, such as `applications`, `sync`, on an application.
    async fn can_i(
        &self,
        (resource, verb): (&str, &str),
        project: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<bool, Problem> {
        let mut path = vec!["api", "v1", "account", "can-i", resource, verb, project];
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
}

#[async_trait(?Send)]
impl Access for ArgoCd {
    fn server(&self) -> String {
        self.address()
    }

    fn project(&self) -> Option<&str> {
        self.asked_project()
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
            Err(self.explained(Problem::Token("the server rejected the token (401)".to_owned())))
        }
    }

    async fn may_sync(&self, app: &AppSnapshot) -> Result<bool, Problem> {
        self.may("applications", "sync", app).await
    }

    async fn may(&self, resource: &str, verb: &str, app: &AppSnapshot) -> Result<bool, Problem> {
        self.can_i((resource, verb), &app.project, Some(&app.namespace), &app.name)
            .await
    }

    async fn may_act(&self, id: &ApplicationId, action: Action) -> Result<bool, Problem> {
        let nowhere = Resource {
            id: ResourceId {
                group: "argoproj.io".to_owned(),
                kind: "Rollout".to_owned(),
                namespace: "default".to_owned(),
                // No object of Kubernetes can have this name.
                name: "(is this permitted?)".to_owned(),
            },
            version: "v1alpha1".to_owned(),
            ..Resource::default()
        };
        match self.run(id, &nowhere, action).await {
            // It was found to be missing, so the right was there.
            Err(Problem::Passing { why, .. }) if why.contains("not found as part of application") => Ok(true),
            Err(Problem::Forbidden(_)) => Ok(false),
            Err(problem) => Err(problem),
            Ok(()) => Err(Problem::Refused(
                "the server acted on a Rollout that does not exist".to_owned(),
            )),
        }
    }

    async fn may_see(&self, id: &ApplicationId) -> Result<bool, Problem> {
        let name = self.whoami().await?;
        // A right to all projects is a right to one that is called `*`; a role of a project has none outside it.
        let project = name.strip_prefix("proj:").and_then(|role| role.split(':').next());
        self.can_i(
            ("applications", "get"),
            project.unwrap_or("*"),
            id.namespace(),
            id.name(),
        )
        .await
    }
}

/// Where the server's own applications are.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServerNamespace {
    controller_namespace: String,
}
