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
use super::revisions::{Revisions, compared_to};
use super::workload::{merge, runs};

impl World {
    /// Renders what an application is at revisions. A chart, and a source that others only refer to, add nothing.
    pub(crate) fn target(&self, app: &App, revisions: &Revisions) -> Result<Target, String> {
        let namespace = app.look(|state| {
            let namespace = state.spec()["destination"]["namespace"].as_str();
            namespace.unwrap_or_default().to_owned()
        });
        let mut objects = Vec::new();
        for (source, revision) in &revisions.all {
            if source["chart"].is_string() {
                continue;
            }
            let tree = self
                .sources
                .tree(source["repoURL"].as_str().unwrap_or_default(), revision)?;
            if let Some(path) = source["path"].as_str() {
                objects.extend(render(&tree, path)?);
            }
        }
        for object in &mut objects {
            let key = compare::Key::of(object, &namespace);
            let id = format!("{}:{}/{}:{}/{}", app.name, key.group, key.kind, key.namespace, key.name);
            object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = json!(id);
        }
        Ok(Target::new(revisions, objects, &namespace))
    }

    /// Applies a target as if it had been synced and healthy for long: how an application is when the stand-in starts.
    pub(crate) fn settle(&self, app: &App) {
        let found = self.resolve(app, None);
        let Ok(target) = found.and_then(|revisions| self.target(app, &revisions)) else {
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
            let automated = state.automated();
            let by = if automated {
                json!({"automated": true})
            } else {
                json!({"username": "admin"})
            };
            let results: Vec<Value> = target
                .objects
                .iter()
                .map(|(key, object)| super::operation::applied(key, object, "created"))
                .collect();
            let images = compare::images(state);
            state.object["status"] = json!({
                "history": [with(&target.revisions, json!({"id": 0, "initiatedBy": by,
                    "deployStartedAt": long_ago(31), "deployedAt": long_ago(30)}))],
                "operationState": {
                    "operation": {"sync": target.revisions.named(), "initiatedBy": by, "retry": {}},
                    "phase": "Succeeded", "message": "successfully synced (all tasks run)",
                    "syncResult": with(&target.revisions, json!({"resources": results})),
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
            self.faults.wake(&app.name);
            if app.look(State::operation_pending) {
                app.operate.notify_one();
            }
            if self.hydrate(&app).await {
                self.compare(&app).await;
            }
        }
    }

    /// Compares an application with the tip of its branch, and starts a sync where it is automated.
    pub(crate) async fn compare(&self, app: &App) {
        self.clock.pass(0.2).await;
        let found = self.resolve(app, None);
        let target = match found.and_then(|revisions| self.target(app, &revisions)) {
            Ok(target) => target,
            Err(why) => return self.comparison_error(app, &why),
        };
        let operation = app.look(|state| automatic(state, &target));
        // A closed window leaves no trace but a line in the controller's log.
        if let Some(operation) = operation.filter(|_| self.may_sync_now(&app.name, false)) {
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

    fn comparison_error(&self, app: &App, why: &str) {
        let at = self.clock.stamp_now();
        app.patch(self.next_version(), |state| {
            let message = format!(
                "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = {why}"
            );
            // Not a commit: what could not be resolved stands there.
            let follows = state.target_revision();
            let sync = json!({"status": "Unknown", "revision": follows, "comparedTo": compared_to(state.spec())});
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
        if !self.faults.is_left_lying(&app.name) {
            app.operate.notify_one();
        }
    }

    /// Notices what changes by itself in the cluster: the health is written without a new `reconciledAt`.
    pub(crate) async fn health_loop(self: Arc<Self>, app: Arc<App>) {
        // What is due since then has not been noticed, however long ago that is: a busy machine takes its time.
        let mut noticed = self.clock.now();
        loop {
            let next = app.look(|state| {
                let all = state
                    .workloads
                    .values()
                    .filter_map(|workload| workload.next_change(noticed));
                all.min()
            });
            let due = async {
                match next {
                    // A little later than due, so that it has happened.
                    Some(at) => {
                        self.clock
                            .sleep(at.saturating_sub(self.clock.now()) + Duration::from_millis(60))
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
            noticed = self.clock.now();
            let at = self.clock.stamp(noticed);
            app.patch(self.next_version(), |state| {
                for workload in state.workloads.values_mut() {
                    workload.advance(noticed);
                }
                if let Some(target) = state.target.clone() {
                    write_status(state, &target, noticed, None);
                    write_health(state, &target, noticed, &at);
                }
            });
        }
    }
}

/// Adds revisions and their sources to an object.
pub(crate) fn with(revisions: &Revisions, mut object: Value) -> Value {
    merge(&mut object, revisions.named());
    object
}

/// Writes sync, resources, images and conditions; `reconciled` only where it was a comparison with git.
pub(crate) fn write_status(state: &mut State, target: &Target, now: Moment, reconciled: Option<&str>) {
    let (out_of_sync, _) = compare::differs(state, target);
    // An error of comparing stays until git has been compared with again.
    let broken = state.object["status"]["sync"]["status"] == "Unknown";
    if !broken || reconciled.is_some() {
        let status = if out_of_sync { "OutOfSync" } else { "Synced" };
        let mut sync = json!({"status": status, "comparedTo": compared_to(state.spec())});
        merge(&mut sync, target.revisions.bare());
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
    let same = target.revisions.are_of(&last["operation"]);
    (failed && same && out_of_sync && state.automated()).then(|| {
        let message = last["message"].as_str().unwrap_or_default();
        format!("Failed last sync attempt to [{}]: {message}", target.revisions.shown())
    })
}

/// Returns the operation that the controller starts by itself.
fn automatic(state: &State, target: &Target) -> Option<Value> {
    let (out_of_sync, only_prune) = compare::differs(state, target);
    let policy = &state.spec()["syncPolicy"];
    let prune = policy["automated"]["prune"] == json!(true);
    let last = &state.object["status"]["operationState"];
    let tried = target.revisions.are_of(&last["operation"]) && last["finishedAt"].is_string();
    let heals = policy["automated"]["selfHeal"] == json!(true) && last["phase"] == "Succeeded";
    let wanted = state.automated() && out_of_sync && (prune || !only_prune) && (!tried || heals);
    if !wanted || state.operation_pending() {
        return None;
    }
    let mut sync = target.revisions.named();
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
