//! One application: the object that clients see, what is applied, and everybody who watches. Every change of the object is one patch,
//! and every patch is one frame, as with the real one.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast};

use super::compare::{Key, Target};
use super::workload::Workload;
use crate::git::lock;

/// What happened to an application, for its watchers.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// `ADDED`, `MODIFIED`, `DELETED`.
    pub(crate) kind: &'static str,
    pub(crate) application: Value,
}

/// An application and those who wait for it.
pub(crate) struct App {
    pub(crate) name: String,
    state: Mutex<State>,
    frames: broadcast::Sender<Frame>,
    /// Somebody set the refresh annotation, or an operation ended.
    pub(crate) refresh: Notify,
    /// `.operation` was set.
    pub(crate) operate: Notify,
    /// Something was applied, or acted upon.
    pub(crate) live: Notify,
    /// The running operation is to end.
    pub(crate) terminate: Notify,
}

/// What is behind the object.
pub(crate) struct State {
    /// The Application, as it is in the cluster.
    pub(crate) object: Value,
    /// What was applied.
    pub(crate) live: BTreeMap<Key, Value>,
    /// Those of it that run pods.
    pub(crate) workloads: BTreeMap<Key, Workload>,
    /// The last target that was compared with.
    pub(crate) target: Option<Target>,
    /// Hooks of the last operation: (Job's name, health, message).
    pub(crate) hooks: Vec<(String, &'static str, String)>,
    /// Events of the application: (reason, message, time).
    pub(crate) events: Vec<(&'static str, String, String)>,
}

impl State {
    pub(crate) fn spec(&self) -> &Value {
        &self.object["spec"]
    }

    /// Returns the project that the application is in.
    pub(crate) fn project(&self) -> String {
        self.spec()["project"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns whether the application syncs by itself.
    pub(crate) fn automated(&self) -> bool {
        let automated = &self.spec()["syncPolicy"]["automated"];
        automated.is_object() && automated["enabled"] != json!(false)
    }

    /// Returns the address of the (first) source.
    pub(crate) fn url(&self) -> String {
        let source = &super::revisions::sources(self.spec())[0];
        source["repoURL"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns what the (first) source follows.
    pub(crate) fn target_revision(&self) -> String {
        let source = &super::revisions::sources(self.spec())[0];
        source["targetRevision"].as_str().unwrap_or("HEAD").to_owned()
    }

    pub(crate) fn refresh_pending(&self) -> bool {
        self.object["metadata"]["annotations"][REFRESH].is_string()
    }

    pub(crate) fn operation_pending(&self) -> bool {
        self.object["operation"].is_object()
    }
}

/// The annotation that asks for a refresh.
pub(crate) const REFRESH: &str = "argocd.argoproj.io/refresh";
/// The other one, which nobody takes away from an application without a hydrator.
pub(crate) const HYDRATE: &str = "argocd.argoproj.io/hydrate";

impl App {
    pub(crate) fn new(name: &str, object: Value) -> Self {
        Self {
            name: name.to_owned(),
            state: Mutex::new(State {
                object,
                live: BTreeMap::new(),
                workloads: BTreeMap::new(),
                target: None,
                hooks: Vec::new(),
                events: Vec::new(),
            }),
            frames: broadcast::channel(1000).0,
            refresh: Notify::new(),
            operate: Notify::new(),
            live: Notify::new(),
            terminate: Notify::new(),
        }
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    /// Changes what is behind the object, without a frame.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.state))
    }

    /// Changes the object in one patch: one new resource version and one frame, or nothing when nothing changed.
    pub(crate) fn patch<T>(&self, version: u64, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.state);
        let before = state.object.clone();
        let result = change(&mut state);
        if state.object != before {
            let meta = &mut state.object["metadata"];
            meta["resourceVersion"] = json!(version.to_string());
            meta["generation"] = json!(meta["generation"].as_u64().unwrap_or(0) + 1);
            // Nobody listening is no error.
            let _ = self.frames.send(Frame {
                kind: "MODIFIED",
                application: state.object.clone(),
            });
        }
        result
    }

    /// Returns the object and everything that will happen to it.
    pub(crate) fn watch(&self) -> (Value, broadcast::Receiver<Frame>) {
        let state = lock(&self.state);
        (state.object.clone(), self.frames.subscribe())
    }

    /// Tells the watchers that it is gone.
    pub(crate) fn deleted(&self) {
        let application = self.look(|state| state.object.clone());
        let _ = self.frames.send(Frame {
            kind: "DELETED",
            application,
        });
    }
}

/// Takes a key out of a map inside a JSON value.
pub(crate) fn remove(value: &mut Value, key: &str) {
    if let Some(map) = value.as_object_mut() {
        map.remove(key);
    }
}
