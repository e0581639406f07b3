//! Why a resource is as it is: its events, its log, what its object says.

use async_trait::async_trait;

use crate::delivery::{Inspect, Problem};
use crate::model::{ApplicationId, Happening, Node, Said, limits};

use super::client::{ArgoCd, Call};
use super::{convert, object, wire};

/// How many lines of a log are asked for.
const LINES: &str = "8";
/// How many are taken, whatever comes.
const MOST_LINES: usize = 64;

#[async_trait(?Send)]
impl Inspect for ArgoCd {
    async fn events(&self, id: &ApplicationId, node: &Node) -> Result<Vec<Happening>, Problem> {
        let query = [
            ("resourceUID", node.uid.as_str()),
            ("resourceName", node.id.name.as_str()),
            ("resourceNamespace", node.id.namespace.as_str()),
        ];
        let events: wire::Events = self.read(id, &["events"], &query, limits::ARGOCD_OBJECT).await?;
        let about = |name: &str| name.is_empty() || name == node.id.name;
        let mut events: Vec<Happening> = (events.items.into_iter())
            .filter(|event| about(&event.involved_object.name))
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
        let answer = self
            .send(Call::get(&path).with(query).most(limits::ARGOCD_OBJECT))
            .await?;
        if answer.status != 200 {
            return Err(self.explained(answer.problem()));
        }
        let lines = serde_json::Deserializer::from_slice(&answer.body).into_iter::<wire::LogFrame>();
        Ok((lines.map_while(Result::ok).take(MOST_LINES))
            .map(|frame| frame.result)
            .filter(|line| line.pod.is_empty() || line.pod == pod.id.name)
            .filter(|line| !line.last && !line.content.is_empty())
            .map(|line| line.content)
            .collect())
    }

    async fn said_by(&self, id: &ApplicationId, node: &Node) -> Result<Said, Problem> {
        self.object(id, &node.id, &node.version)
            .await
            .map(|object| object::said_by(&object))
    }
}
