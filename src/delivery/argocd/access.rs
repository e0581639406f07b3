//! Which server this is, whose token is sent, and what it permits.

use async_trait::async_trait;

use crate::delivery::{Access, Problem};
use crate::model::{AppSnapshot, ApplicationId};

use super::client::{ArgoCd, Call};
use super::wire;

impl ArgoCd {
    /// Asks whether the token permits something on an application.
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
        self.may("sync", &app.project, Some(&app.namespace), &app.name).await
    }

    async fn may_see(&self, id: &ApplicationId) -> Result<bool, Problem> {
        let name = self.whoami().await?;
        // A right to all projects is a right to one that is called `*`; a role of a project has none outside it.
        let project = name.strip_prefix("proj:").and_then(|role| role.split(':').next());
        self.may("get", project.unwrap_or("*"), id.namespace(), id.name()).await
    }
}

/// Where the server's own applications are.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServerNamespace {
    controller_namespace: String,
}
