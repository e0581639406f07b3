//! The operations: picked up, run, retried, terminated. One patch of `operationState` takes `.operation` away at the end;
//! the patch of sync and health comes later.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::application::{App, REFRESH, State, remove};
use super::compare::{self, Key, Target};
use super::controller::{with, write_health};
use super::revisions::Revisions;
use super::workload::{Fate, Workload, images, runs};

/// Returns the name of the Job that a sync of the application runs first.
fn hook_of(app: &App) -> String {
    let name = app.name.split('-').next().unwrap_or_default();
    format!("{name}-migrate")
}

/// How one attempt ended.
struct Attempt {
    phase: &'static str,
    message: String,
    result: Value,
}

impl World {
    /// Runs the operations of an application, one after the other.
    pub(crate) async fn operation_loop(self: Arc<Self>, app: Arc<App>) {
        loop {
            app.operate.notified().await;
            self.wait_while_down().await;
            self.clock.pass(0.03).await;
            let operation = app.look(|state| state.object["operation"].clone());
            if operation.is_object() {
                self.operate(&app, &operation).await;
            }
        }
    }

    async fn operate(&self, app: &App, operation: &Value) {
        // A termination that came too late for the operation before is not meant for this one.
        let _ = tokio::time::timeout(Duration::ZERO, app.terminate.notified()).await;
        let started = self.clock.stamp_now();
        self.say(app, "OperationStarted", &initiated(operation));
        app.patch(self.next_version(), |state| {
            state.object["status"]["operationState"] =
                json!({"operation": operation, "phase": "Running", "startedAt": started});
        });
        let limit = operation["retry"]["limit"].as_u64().unwrap_or(0);
        let mut retries = 0;
        loop {
            let attempt = tokio::select! {
                attempt = self.attempt(app, operation) => attempt,
                () = app.terminate.notified() => self.terminated(app).await,
            };
            let retry = matches!(attempt.phase, "Failed" | "Error") && retries < limit && attempt.message != TERMINATED;
            if !retry {
                self.finish(app, attempt, retries).await;
                return self.follow(app, operation).await;
            }
            retries += 1;
            if !self.wait_for_retry(app, operation, &attempt, retries).await {
                let attempt = self.terminated(app).await;
                self.finish(app, attempt, retries).await;
                return self.after_operation(app).await;
            }
        }
    }

    /// Waits between two attempts: the phase stays Running, `finishedAt` is set. Returns false when it was terminated.
    async fn wait_for_retry(&self, app: &App, operation: &Value, attempt: &Attempt, retries: u64) -> bool {
        let backoff = &operation["retry"]["backoff"];
        let base = backoff["duration"]
            .as_str()
            .and_then(|text| humantime::parse_duration(text).ok());
        let factor = backoff["factor"].as_u64().unwrap_or(2);
        let most = backoff["maxDuration"]
            .as_str()
            .and_then(|text| humantime::parse_duration(text).ok());
        let power = u32::try_from(factor.saturating_pow(u32::try_from(retries).unwrap_or(9))).unwrap_or(u32::MAX);
        let wait = base.unwrap_or(Duration::from_secs(5)) * power.min(1 << 16);
        let wait = wait.min(most.unwrap_or(Duration::from_secs(180)));
        let now = self.clock.now();
        let message = format!(
            "{}. Retrying attempt #{retries} at {}.",
            attempt.message,
            self.clock.time_of_day(now + wait)
        );
        let finished = self.clock.stamp(now);
        app.patch(self.next_version(), |state| {
            let op = &mut state.object["status"]["operationState"];
            op["message"] = json!(message);
            op["syncResult"] = attempt.result.clone();
            op["finishedAt"] = json!(finished);
            op["retryCount"] = json!(retries);
        });
        tokio::select! {
            () = self.clock.sleep(wait) => {}
            () = app.terminate.notified() => return false,
        }
        app.patch(self.next_version(), |state| {
            let op = &mut state.object["status"]["operationState"];
            op["message"] = json!(format!("Retrying operation. Attempt #{retries}"));
            remove(op, "finishedAt");
        });
        true
    }

    async fn attempt(&self, app: &App, operation: &Value) -> Attempt {
        self.clock.pass(0.4).await;
        let revisions = app.look(|state| Revisions::of_operation(state.spec(), operation));
        let failed = |phase, message: String, resources: Value| Attempt {
            phase,
            message,
            result: with(&revisions, json!({"resources": resources})),
        };
        let target = match self.target(app, &revisions) {
            Ok(target) => target,
            Err(why) => {
                let why = format!(
                    "ComparisonError: Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = {why}"
                );
                return failed("Error", why, json!([]));
            }
        };
        let all: Vec<String> = target.objects.values().flat_map(images).collect();
        let fate = Fate::of(&all);
        if matches!(fate, Fate::HookFails | Fate::HookHangs) && operation["sync"]["dryRun"] != json!(true) {
            self.begin_hook(app, &target);
            if fate == Fate::HookHangs {
                // Only a termination ends it.
                std::future::pending::<()>().await;
            }
            let resources = self.failing_hook(app, &all).await;
            let message = "one or more synchronization tasks completed unsuccessfully, reason: Job has reached the specified backoff limit";
            return failed("Failed", message.to_owned(), resources);
        }
        self.clock.pass(0.6).await;
        let (message, resources) = self.apply(app, operation, &target);
        Attempt {
            phase: "Succeeded",
            message,
            result: with(&revisions, json!({"resources": resources})),
        }
    }

    /// A PreSync Job begins: the operation waits for it.
    fn begin_hook(&self, app: &App, target: &Target) {
        let job = hook_of(app);
        let now = self.clock.now();
        app.patch(self.next_version(), |state| {
            let op = &mut state.object["status"]["operationState"];
            op["message"] = json!(format!("waiting for completion of hook batch/Job/{job}"));
            state.hooks = vec![(job.clone(), "Progressing", String::new())];
            let resources = compare::resources(state, target, now);
            state.object["status"]["resources"] = json!(resources);
        });
    }

    /// The PreSync Job exits 1: nothing of the revision is applied.
    async fn failing_hook(&self, app: &App, all: &[String]) -> Value {
        let job = hook_of(app);
        self.clock.pass(3.0).await;
        let why = "Job has reached the specified backoff limit";
        app.change(|state| state.hooks = vec![(job.clone(), "Degraded", why.to_owned())]);
        let namespace = app.look(|state| state.spec()["destination"]["namespace"].clone());
        json!([{"group": "batch", "version": "v1", "kind": "Job", "namespace": namespace, "name": job, "message": why,
            "hookType": "PreSync", "hookPhase": "Failed", "syncPhase": "PreSync", "images": all}])
    }

    fn apply(&self, app: &App, operation: &Value, target: &Target) -> (String, Vec<Value>) {
        let sync = &operation["sync"];
        let now = self.clock.now();
        if sync["dryRun"] == json!(true) {
            return ("successfully synced (all tasks run)".to_owned(), Vec::new());
        }
        let chosen = |key: &Key| match sync["resources"].as_array() {
            Some(list) if !list.is_empty() => list
                .iter()
                .any(|row| row["kind"] == json!(key.kind) && row["name"] == json!(key.name)),
            _ => true,
        };
        let templates: Vec<Value> = target
            .objects
            .values()
            .filter(|object| object["kind"] == "AnalysisTemplate")
            .cloned()
            .collect();
        app.patch(self.next_version(), |state| {
            state.hooks.clear();
            let mut rows = Vec::new();
            for (key, object) in target.objects.iter().filter(|(key, _)| chosen(key)) {
                let what = match state.live.get(key) {
                    None => "created",
                    Some(live) if live == object => "unchanged",
                    Some(_) => "configured",
                };
                rows.push(applied(key, object, what));
                state.live.insert(key.clone(), object.clone());
                if runs(object) {
                    match state.workloads.get_mut(key) {
                        Some(workload) => workload.update(object, &templates, now),
                        None => drop(
                            state
                                .workloads
                                .insert(key.clone(), Workload::create(object, now, false)),
                        ),
                    }
                }
            }
            if sync["prune"] == json!(true) {
                state.live.retain(|key, _| target.objects.contains_key(key));
                state.workloads.retain(|key, _| target.objects.contains_key(key));
            }
            let partial = sync["resources"].as_array().is_some_and(|list| !list.is_empty());
            if !partial {
                self.write_history(state, operation, &target.revisions);
            }
            let tasks = if rows.is_empty() {
                "no more tasks"
            } else {
                "all tasks run"
            };
            (format!("successfully synced ({tasks})"), rows)
        })
    }

    fn write_history(&self, state: &mut State, operation: &Value, revisions: &Revisions) {
        let at = self.clock.stamp_now();
        let started = state.object["status"]["operationState"]["startedAt"].clone();
        let mut history = state.object["status"]["history"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let id = history
            .last()
            .and_then(|last| last["id"].as_u64())
            .map_or(0, |id| id + 1);
        let row =
            json!({"id": id, "deployStartedAt": started, "deployedAt": at, "initiatedBy": operation["initiatedBy"]});
        history.push(with(revisions, row));
        let keep = history.len().saturating_sub(10);
        state.object["status"]["history"] = json!(history.split_off(keep));
    }

    async fn terminated(&self, app: &App) -> Attempt {
        self.clock.pass(0.2).await;
        app.patch(self.next_version(), |state| {
            state.object["status"]["operationState"]["message"] = json!("operation is terminating");
        });
        self.clock.pass(0.2).await;
        let result = app.look(|state| state.object["status"]["operationState"]["syncResult"].clone());
        Attempt {
            phase: "Failed",
            message: TERMINATED.to_owned(),
            result,
        }
    }

    /// Does what comes after the end: a comparison, or first the same once more. Then the sync is what it was before, and so is the health.
    async fn follow(&self, app: &App, operation: &Value) {
        if self.faults.comes_again(&app.name) {
            self.clock.pass(0.04).await;
            self.operation(app, operation.clone());
        } else {
            self.after_operation(app).await;
        }
    }

    /// Writes the end.
    async fn finish(&self, app: &App, attempt: Attempt, retries: u64) {
        let at = self.clock.stamp_now();
        let mut message = attempt.message;
        if retries > 0 && attempt.phase != "Succeeded" && message != TERMINATED {
            message += &format!(" (retried {retries} times).");
        }
        self.say(
            app,
            "OperationCompleted",
            &format!("Sync operation {}: {message}", attempt.phase.to_lowercase()),
        );
        app.patch(self.next_version(), |state| {
            let op = &mut state.object["status"]["operationState"];
            op["phase"] = json!(attempt.phase);
            op["message"] = json!(message);
            if attempt.result.is_object() {
                op["syncResult"] = attempt.result;
            }
            op["finishedAt"] = json!(at);
            remove(&mut state.object, "operation");
        });
    }

    /// Writes what the controller sees next: first the health and the sync of what it knows, then a comparison.
    async fn after_operation(&self, app: &App) {
        app.live.notify_one();
        self.clock.pass(0.15).await;
        app.patch(self.next_version(), |state| {
            if let Some(target) = state.target.clone() {
                let at = self.clock.stamp_now();
                super::controller::write_status(state, &target, self.clock.now(), None);
                write_health(state, &target, self.clock.now(), &at);
            }
        });
        self.clock.pass(0.1).await;
        self.compare(app).await;
    }

    /// Keeps an event of the application.
    pub(crate) fn say(&self, app: &App, reason: &'static str, message: &str) {
        let at = self.clock.stamp_now();
        app.change(|state| state.events.push((reason, message.to_owned(), at)));
    }

    /// Asks for a refresh as an annotation does.
    pub(crate) fn annotate(&self, app: &App, kind: &str) {
        app.patch(self.next_version(), |state| {
            state.object["metadata"]["annotations"][REFRESH] = json!(kind);
            state.object["metadata"]["annotations"][super::application::HYDRATE] = json!("normal");
        });
        app.refresh.notify_one();
    }
}

const TERMINATED: &str = "Operation terminated";

fn initiated(operation: &Value) -> String {
    let revision = operation["sync"]["revision"]
        .as_str()
        .or_else(|| operation["sync"]["revisions"][0].as_str())
        .unwrap_or_default();
    match operation["initiatedBy"]["username"].as_str() {
        Some(user) => format!("{user} initiated sync to '{revision}'"),
        None => format!("Initiated automated sync to '{revision}'"),
    }
}

/// Returns the row of `syncResult.resources` of something that was applied.
pub(crate) fn applied(key: &Key, object: &Value, what: &str) -> Value {
    let kind = key.kind.to_lowercase();
    let group = if key.group.is_empty() {
        String::new()
    } else {
        format!(".{}", key.group)
    };
    let mut row = json!({"group": key.group, "version": compare::version(object), "kind": key.kind,
        "namespace": key.namespace, "name": key.name, "status": "Synced", "hookPhase": "Running", "syncPhase": "Sync",
        "message": format!("{kind}{group}/{} {what}", key.name)});
    let images = images(object);
    if !images.is_empty() {
        row["images"] = json!(images);
    }
    row
}
