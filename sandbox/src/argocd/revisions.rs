//! Which sources an application has, and which revision of each is meant: one source, several, or the branch that a hydrator writes.

use serde_json::{Value, json};

use super::World;
use super::application::App;

/// Returns the sources that an application is synced from.
pub(crate) fn sources(spec: &Value) -> Vec<Value> {
    let hydrator = &spec["sourceHydrator"];
    if hydrator.is_object() {
        return vec![
            json!({"repoURL": hydrator["drySource"]["repoURL"], "path": hydrator["syncSource"]["path"],
            "targetRevision": hydrator["syncSource"]["targetBranch"]}),
        ];
    }
    match spec["sources"].as_array() {
        Some(several) if !several.is_empty() => several.clone(),
        _ => vec![spec["source"].clone()],
    }
}

/// The sources of an application with a revision of each, in the order of its `spec`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Revisions {
    several: bool,
    pub(crate) all: Vec<(Value, String)>,
}

impl Revisions {
    /// Reads what an operation asks for.
    pub(crate) fn of_operation(spec: &Value, operation: &Value) -> Self {
        let sync = &operation["sync"];
        let sources = sources(spec);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let named: Vec<String> = match sync["revisions"].as_array() {
            Some(all) => all.iter().map(text).collect(),
            None => vec![text(&sync["revision"])],
        };
        Self {
            several: is_several(spec),
            all: sources.into_iter().zip(named).collect(),
        }
    }

    /// Returns them under the names that they have in a comparison, an operation, its result and the history.
    pub(crate) fn named(&self) -> Value {
        let revisions: Vec<&String> = self.all.iter().map(|(_, revision)| revision).collect();
        let sources: Vec<&Value> = self.all.iter().map(|(source, _)| source).collect();
        match (self.several, self.all.as_slice()) {
            (false, [(source, revision), ..]) => json!({"revision": revision, "source": source}),
            _ => json!({"revisions": revisions, "sources": sources}),
        }
    }

    /// The same without the sources, as `status.sync` has it.
    pub(crate) fn bare(&self) -> Value {
        let mut named = self.named();
        super::application::remove(&mut named, "source");
        super::application::remove(&mut named, "sources");
        named
    }

    /// Whether an operation was for exactly these.
    pub(crate) fn are_of(&self, operation: &Value) -> bool {
        let (named, sync) = (self.named(), &operation["sync"]);
        named["revision"] == sync["revision"] && named["revisions"] == sync["revisions"]
    }

    /// Returns them as people read them.
    pub(crate) fn shown(&self) -> String {
        let all: Vec<&str> = self.all.iter().map(|(_, revision)| revision.as_str()).collect();
        all.join(", ")
    }
}

fn is_several(spec: &Value) -> bool {
    spec["sources"].as_array().is_some_and(|all| !all.is_empty()) && !spec["sourceHydrator"].is_object()
}

/// Returns what a comparison says it was made with.
pub(crate) fn compared_to(spec: &Value) -> Value {
    if is_several(spec) {
        return json!({"source": {"repoURL": ""}, "sources": spec["sources"], "destination": spec["destination"]});
    }
    json!({"source": sources(spec)[0], "destination": spec["destination"]})
}

impl World {
    /// Resolves what an application follows; `instead` takes the place of what a single source follows.
    pub(crate) fn resolve(&self, app: &App, instead: Option<&str>) -> Result<Revisions, String> {
        let spec = app.look(|state| state.spec().clone());
        let mut all = Vec::new();
        for source in sources(&spec) {
            let text = |name: &str| source[name].as_str().unwrap_or_default().to_owned();
            let follows = text("targetRevision");
            let revision = match instead {
                // A chart's revision is its version.
                _ if source["chart"].is_string() => follows,
                Some(instead) => instead.to_owned(),
                None => self.sources.resolve(&text("repoURL"), &follows)?,
            };
            all.push((source, revision));
        }
        Ok(Revisions {
            several: is_several(&spec),
            all,
        })
    }
}
