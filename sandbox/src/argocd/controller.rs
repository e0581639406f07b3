//! The application controller: refreshes and compares, syncs automated applications, and notices what changes in the cluster.
//! The order of its patches is the recorded order of the real one: `.operation` first, then one patch of sync, health and resources.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::application::{App, REFRESH, State, remove};
use super::clock::Moment;
use super::compare::{self, Target};
use super::render::render;
use super::workload::runs;

impl World {
    /// Renders what an application is at a revision.
    pub(crate) fn target(&self, app: &App, revision: &str) -> Result<Target, String> {
        let (url, path, namespace) = app.look(|state| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                state.url(),
                text(&state.spec()["source"]["path"]),
                text(&state.spec()["destination"]["namespace"]),
            )
        });
        let tree = self.sources.tree(&url, revision)?;
        let mut objects = render(&tree, &path)?;
        for object in &mut objects {
            let key = compare::Key::of(object, &namespace);
            let id = format!("{}:{}/{}:{}/{}", app.name, key.group, key.kind, key.namespace, key.name);
            object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = json!(id);
        }
        Ok(Target::new(revision, objects, &namespace))
    }

    /// Applies a target as if it had been synced and healthy for long: how an application is when the stand-in starts.
    pub(crate) fn settle(&self, app: &App) {
        let found = app.look(|state| (state.url(), state.target_revision()));
        let Ok(target) = self
            .sources
            .resolve(&found.0, &found.1)
            .and_then(|revision| self.target(app, &revision))
        else {
            return;
        };
        let clock = self.clock;
        let long_ago = |minutes: u64| clock.stamp_before(Duration::from_secs(60 * minutes));
        app.patch(self.next_version(), |state| {
            state.live = target.objects.clone();
            for (key, object) in target.objects.iter().filter(|(_, object)| runs(object)) {
                let workload = super::workload::Workload::create(object, clock.now(), true);
                state.workloads.insert(key.clone(), workload);
            }
            let source = state.spec()["source"].clone();
            let automated = state.automated();
            let by = if automated { json!({"automated": true}) } else { json!({"username": "admin"}) };
            let results: Vec<Value> = target.objects.iter().map(|(key, object)| super::operation::applied(key, object, "created")).collect();
            let images = compare::images(state);
            state.object["status"] = json!({
                "history": [{"id": 0, "revision": target.revision, "source": source, "initiatedBy": by,
                    "deployStartedAt": long_ago(31), "deployedAt": long_ago(30)}],
                "operationState": {
                    "operation": {"sync": {"revision": target.revision, "source": source}, "initiatedBy": by, "retry": {}},
                    "phase": "Succeeded", "message": "successfully synced (all tasks run)",
                    "syncResult": {"resources": results, "revision": target.revision, "source": source},
                    "startedAt": long_ago(31), "finishedAt": long_ago(30),
                },
                "sourceType": "Kustomize", "summary": {"images": images},
                "resourceHealthSource": "appTree", "controllerNamespace": "argocd", "sourceHydrator": {},
                "health": {"status": "Healthy", "lastTransitionTime": long_ago(30)}, "reconciledAt": long_ago(1),
            });
            write_status(state, &target, clock.now(), None);
            state.target = Some(target);
        });
    }

    /// Refreshes an application when it is asked to, when an operation has ended and when its timer fires.
    pub(crate) async fn refresh_loop(self: Arc<Self>, app: Arc<App>) {
        loop {
            let timer = async {
                match self.options.reconcile {
                    Some(period) => self.clock.sleep(period).await,
                    None => std::future::pending().await,
                }
            };
            let asked = tokio::select! {
                () = app.refresh.notified() => true,
                () = timer => false,
            };
            self.wait_while_down().await;
            // A refresh that came while another ran was merged with it and is not done twice.
            if asked && !app.look(State::refresh_pending) {
                continue;
            }
            self.compare(&app).await;
        }
    }

    /// Compares an application with the tip of its branch, and starts a sync where it is automated.
    pub(crate) async fn compare(&self, app: &App) {
        self.clock.pass(0.2).await;
        let (url, wanted) = app.look(|state| (state.url(), state.target_revision()));
        let found = self.sources.resolve(&url, &wanted);
        let target = match found.and_then(|revision| self.target(app, &revision)) {
            Ok(target) => target,
            Err(why) => return self.comparison_error(app, &wanted, &why),
        };
        if let Some(operation) = app.look(|state| automatic(state, &target)) {
            self.operation(app, operation);
            self.clock.pass(0.01).await;
        }
        let at = self.clock.stamp_now();
        app.patch(self.next_version(), |state| {
            for workload in state.workloads.values_mut() {
                workload.advance(self.clock.now());
            }
            write_status(state, &target, self.clock.now(), Some(&at));
            write_health(state, &target, self.clock.now(), &at);
            remove(&mut state.object["metadata"]["annotations"], REFRESH);
            state.target = Some(target);
        });
    }

    fn comparison_error(&self, app: &App, revision: &str, why: &str) {
        let at = self.clock.stamp_now();
        app.patch(self.next_version(), |state| {
            let message = format!(
                "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = {why}"
            );
            let sync = json!({"status": "Unknown", "revision": revision, "comparedTo": compared_to(state)});
            state.object["status"]["sync"] = sync;
            state.object["status"]["conditions"] =
                json!([{"type": "ComparisonError", "message": message, "lastTransitionTime": at}]);
            state.object["status"]["reconciledAt"] = json!(at);
            remove(&mut state.object["metadata"]["annotations"], REFRESH);
        });
    }

    /// Puts `.operation` and takes the old operation's state away, in one patch.
    pub(crate) fn operation(&self, app: &App, operation: Value) {
        app.patch(self.next_version(), |state| {
            state.object["operation"] = operation;
            remove(&mut state.object["status"], "operationState");
        });
        app.operate.notify_one();
    }

    /// Notices what changes by itself in the cluster: the health is written without a new `reconciledAt`.
    pub(crate) async fn health_loop(self: Arc<Self>, app: Arc<App>) {
        loop {
            let now = self.clock.now();
            let next = app.look(|state| {
                let all = state
                    .workloads
                    .values()
                    .filter_map(|workload| workload.next_change(now));
                all.min()
            });
            let due = async {
                match next {
                    // A little later than due, so that it has happened.
                    Some(at) => {
                        self.clock
                            .sleep(at.saturating_sub(now) + Duration::from_millis(60))
                            .await
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = app.live.notified() => self.clock.pass(0.15).await,
                () = due => {}
            }
            self.wait_while_down().await;
            let at = self.clock.stamp_now();
            app.patch(self.next_version(), |state| {
                for workload in state.workloads.values_mut() {
                    workload.advance(self.clock.now());
                }
                if let Some(target) = state.target.clone() {
                    write_status(state, &target, self.clock.now(), None);
                    write_health(state, &target, self.clock.now(), &at);
                }
            });
        }
    }
}

fn compared_to(state: &State) -> Value {
    json!({"source": state.spec()["source"], "destination": state.spec()["destination"]})
}

/// Writes sync, resources, images and conditions; `reconciled` only where it was a comparison with git.
pub(crate) fn write_status(state: &mut State, target: &Target, now: Moment, reconciled: Option<&str>) {
    let (out_of_sync, _) = compare::differs(state, target);
    // An error of comparing stays until git has been compared with again.
    let broken = state.object["status"]["sync"]["status"] == "Unknown";
    if !broken || reconciled.is_some() {
        let status = if out_of_sync { "OutOfSync" } else { "Synced" };
        let sync = json!({"status": status, "revision": target.revision, "comparedTo": compared_to(state)});
        state.object["status"]["sync"] = sync;
    }
    let resources = compare::resources(state, target, now);
    state.object["status"]["resources"] = json!(resources);
    state.object["status"]["summary"]["images"] = json!(compare::images(state));
    if let Some(at) = reconciled {
        state.object["status"]["reconciledAt"] = json!(at);
        remove(&mut state.object["status"], "conditions");
        if let Some(message) = failed_before(state, target) {
            state.object["status"]["conditions"] =
                json!([{"type": "SyncError", "message": message, "lastTransitionTime": at}]);
        }
    }
}

/// Writes the health; its time changes only with it.
pub(crate) fn write_health(state: &mut State, target: &Target, now: Moment, at: &str) {
    let health = compare::app_health(state, target, now);
    if state.object["status"]["health"]["status"] != health {
        state.object["status"]["health"] = json!({"status": health, "lastTransitionTime": at});
    }
}

/// The last operation was for this revision and failed: the controller will not try it again.
fn failed_before(state: &State, target: &Target) -> Option<String> {
    let last = &state.object["status"]["operationState"];
    let (out_of_sync, _) = compare::differs(state, target);
    let failed = matches!(last["phase"].as_str(), Some("Failed" | "Error"));
    let same = last["operation"]["sync"]["revision"] == json!(target.revision);
    (failed && same && out_of_sync && state.automated()).then(|| {
        let message = last["message"].as_str().unwrap_or_default();
        format!("Failed last sync attempt to [{}]: {message}", target.revision)
    })
}

/// Returns the operation that the controller starts by itself.
fn automatic(state: &State, target: &Target) -> Option<Value> {
    let (out_of_sync, only_prune) = compare::differs(state, target);
    let policy = &state.spec()["syncPolicy"];
    let prune = policy["automated"]["prune"] == json!(true);
    let last = &state.object["status"]["operationState"];
    let tried = last["operation"]["sync"]["revision"] == json!(target.revision) && last["finishedAt"].is_string();
    let heals = policy["automated"]["selfHeal"] == json!(true) && last["phase"] == "Succeeded";
    let wanted = state.automated() && out_of_sync && (prune || !only_prune) && (!tried || heals);
    if !wanted || state.operation_pending() {
        return None;
    }
    let mut sync = json!({"revision": target.revision, "source": state.spec()["source"]});
    if prune {
        sync["prune"] = json!(true);
    }
    let retry = if policy["retry"].is_object() {
        policy["retry"].clone()
    } else {
        json!({"limit": 5})
    };
    Some(json!({"sync": sync, "initiatedBy": {"automated": true}, "retry": retry}))
}
