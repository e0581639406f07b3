//! Several servers as one engine: each application is asked of the server of its environment, and nothing of one server is sent to another.

use std::time::Duration;

use async_trait::async_trait;

use super::{Access, Action, Changes, Drive, Engine, Inspect, Observe, Problem, Refresh, Scope};
use crate::delivery::Change;
use crate::model::{
    Analysis, AppSnapshot, ApplicationId, Canary, Happening, Managed, Node, Resource, Said, SyncWindows,
};

/// The server of an environment.
pub(super) struct Server {
    /// The environment.
    pub(super) environment: String,
    /// Whether the run is about that environment.
    pub(super) asked: bool,
    /// The server.
    pub(super) engine: Box<dyn Engine>,
}

/// The servers by environment.
pub(super) struct Several(pub(super) Vec<Server>);

impl Several {
    /// Returns the servers that the run is about.
    fn asked(&self) -> impl Iterator<Item = &Server> {
        self.0.iter().filter(|server| server.asked)
    }

    fn at(&self, environment: Option<&str>) -> Result<&dyn Engine, Problem> {
        let mut servers = self.0.iter();
        let found = servers.find(|server| Some(server.environment.as_str()) == environment);
        found.map(|server| server.engine.as_ref()).ok_or_else(|| {
            Problem::Refused(format!(
                "`argocd-server` has no line for environment {}",
                environment.unwrap_or("(none)")
            ))
        })
    }

    fn of(&self, id: &ApplicationId) -> Result<(&dyn Engine, String), Problem> {
        Ok((
            self.at(id.environment())?,
            id.environment().unwrap_or_default().to_owned(),
        ))
    }

    fn joined(&self, of: impl Fn(&dyn Engine) -> String) -> String {
        let mut all: Vec<String> = self.asked().map(|server| of(server.engine.as_ref())).collect();
        all.dedup();
        all.join(", ")
    }
}

/// Says which server's an application is.
fn from(environment: String, app: AppSnapshot) -> AppSnapshot {
    AppSnapshot {
        environment: Some(environment),
        ..app
    }
}

#[async_trait(?Send)]
impl Access for Several {
    fn server(&self) -> String {
        self.joined(|engine| engine.server())
    }

    fn project(&self) -> Option<&str> {
        self.0.first().and_then(|server| server.engine.project())
    }

    fn is_one(&self) -> bool {
        false
    }

    async fn version(&self) -> Result<String, Problem> {
        let mut all = Vec::new();
        for server in self.asked() {
            all.push(format!("{} in {}", server.engine.version().await?, server.environment));
        }
        Ok(all.join(", "))
    }

    /// One server that is away, or rejects its token, hides no other: what it does not answer is reported for its own applications.
    async fn whoami(&self) -> Result<String, Problem> {
        let (mut names, mut problem) = (Vec::new(), None);
        for server in self.asked() {
            match server.engine.whoami().await {
                Ok(name) => names.push(name),
                Err(other) => problem = problem.or(Some(other)),
            }
        }
        names.dedup();
        match problem {
            Some(problem) if names.is_empty() => Err(problem),
            _ => Ok(names.join(", ")),
        }
    }

    async fn may_sync(&self, app: &AppSnapshot) -> Result<bool, Problem> {
        self.at(app.environment.as_deref())?.may_sync(app).await
    }

    async fn may(&self, resource: &str, verb: &str, app: &AppSnapshot) -> Result<bool, Problem> {
        self.at(app.environment.as_deref())?.may(resource, verb, app).await
    }

    async fn may_act(&self, id: &ApplicationId, action: Action) -> Result<bool, Problem> {
        self.of(id)?.0.may_act(id, action).await
    }

    async fn may_see(&self, id: &ApplicationId) -> Result<bool, Problem> {
        self.of(id)?.0.may_see(id).await
    }
}

#[async_trait(?Send)]
impl Observe for Several {
    fn page(&self, id: &ApplicationId) -> String {
        self.of(id).map(|(engine, _)| engine.page(id)).unwrap_or_default()
    }

    async fn application(&self, id: &ApplicationId) -> Result<AppSnapshot, Problem> {
        let (engine, name) = self.of(id)?;
        Ok(from(name, engine.application(id).await?))
    }

    async fn applications(&self) -> Result<Vec<AppSnapshot>, Problem> {
        let (mut all, mut problem) = (Vec::new(), None);
        for server in self.asked() {
            match server.engine.applications().await {
                Ok(apps) => all.extend(apps.into_iter().map(|app| from(server.environment.clone(), app))),
                Err(other) => problem = problem.or(Some(other)),
            }
        }
        match problem {
            Some(problem) if all.is_empty() => Err(problem),
            _ => Ok(all),
        }
    }

    async fn refresh(&self, id: &ApplicationId, how: Refresh) -> Result<AppSnapshot, Problem> {
        let (engine, name) = self.of(id)?;
        Ok(from(name, engine.refresh(id, how).await?))
    }

    async fn stream(&self, scope: &Scope) -> Result<Box<dyn Changes>, Problem> {
        let Scope::One(id) = scope else {
            return Err(Problem::Refused("several servers have no stream in common".to_owned()));
        };
        let (engine, name) = self.of(id)?;
        Ok(Box::new(Named(name, engine.stream(scope).await?)))
    }

    async fn managed(&self, id: &ApplicationId) -> Result<Vec<Managed>, Problem> {
        self.of(id)?.0.managed(id).await
    }

    async fn rolls_out(&self, set: &str, app: &AppSnapshot) -> Result<bool, Problem> {
        self.at(app.environment.as_deref())?.rolls_out(set, app).await
    }

    async fn windows(&self, id: &ApplicationId) -> Result<SyncWindows, Problem> {
        self.of(id)?.0.windows(id).await
    }

    async fn tree(&self, id: &ApplicationId) -> Result<Vec<Node>, Problem> {
        self.of(id)?.0.tree(id).await
    }

    async fn rollout(&self, id: &ApplicationId, rollout: &Resource) -> Result<Canary, Problem> {
        self.of(id)?.0.rollout(id, rollout).await
    }

    async fn analysis_length(&self, id: &ApplicationId, rollout: &Resource, analysis: &Analysis) -> Duration {
        match self.of(id) {
            Ok((engine, _)) => engine.analysis_length(id, rollout, analysis).await,
            Err(_) => Duration::ZERO,
        }
    }
}

#[async_trait(?Send)]
impl Inspect for Several {
    async fn events(&self, id: &ApplicationId, node: &Node) -> Result<Vec<Happening>, Problem> {
        self.of(id)?.0.events(id, node).await
    }

    async fn logs(&self, id: &ApplicationId, pod: &Node, before: bool) -> Result<Vec<String>, Problem> {
        self.of(id)?.0.logs(id, pod, before).await
    }

    async fn said_by(&self, id: &ApplicationId, node: &Node) -> Result<Said, Problem> {
        self.of(id)?.0.said_by(id, node).await
    }
}

#[async_trait(?Send)]
impl Drive for Several {
    async fn sync(&self, id: &ApplicationId, nonce: &str, prune: bool) -> Result<AppSnapshot, Problem> {
        let (engine, name) = self.of(id)?;
        Ok(from(name, engine.sync(id, nonce, prune).await?))
    }

    async fn terminate(&self, id: &ApplicationId) -> Result<bool, Problem> {
        self.of(id)?.0.terminate(id).await
    }

    async fn act(&self, id: &ApplicationId, rollout: &Resource, action: Action) -> Result<(), Problem> {
        self.of(id)?.0.act(id, rollout, action).await
    }
}

/// A stream of one server, with the environment that the server is for.
struct Named(String, Box<dyn Changes>);

#[async_trait(?Send)]
impl Changes for Named {
    async fn next(&mut self) -> Change {
        match self.1.next().await {
            Change::Seen(app) => Change::Seen(Box::new(from(self.0.clone(), *app))),
            Change::Deleted(app) => Change::Deleted(Box::new(from(self.0.clone(), *app))),
            other => other,
        }
    }
}
