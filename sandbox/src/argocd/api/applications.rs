//! Reading, listing, refreshing and syncing applications.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::World;
use super::super::accounts::Account;
use super::super::application::{App, State};
use super::super::revisions::{Revisions, sources};
use super::super::source::is_commit;
use super::{Ask, Reply, refuse};
use crate::git::lock;

/// The object as a client gets it: without the empty annotations that taking the last one away leaves.
pub(crate) fn shown(object: &Value) -> Value {
    let mut object = object.clone();
    if object["metadata"]["annotations"]
        .as_object()
        .is_none_or(serde_json::Map::is_empty)
        && let Some(meta) = object["metadata"].as_object_mut()
    {
        meta.remove("annotations");
    }
    object
}

pub(crate) async fn get(world: &World, ask: &Ask, app: &App) -> Reply {
    if let Some(kind) = ask.query("refresh") {
        let (_, mut frames) = app.watch();
        world.annotate(app, if kind == "hard" { "hard" } else { "normal" });
        // Blocks until the controller has taken the annotation away, for ever when it is down.
        while app.look(State::refresh_pending) {
            if let Err(tokio::sync::broadcast::error::RecvError::Closed) = frames.recv().await {
                break;
            }
        }
    }
    Reply::Json(200, app.look(|state| shown(&state.object)))
}

/// The list has no health of resources, and `fields` knows only these paths.
pub(crate) fn list(world: &World, ask: &Ask, account: &Account) -> Reply {
    const FIELDS: [&str; 14] = [
        "items.metadata.name",
        "items.metadata.namespace",
        "items.metadata.annotations",
        "items.metadata.labels",
        "items.metadata.creationTimestamp",
        "items.metadata.deletionTimestamp",
        "items.spec",
        "items.operation.sync",
        "items.status.sync.status",
        "items.status.sync.revision",
        "items.status.health",
        "items.status.operationState",
        "items.status.summary",
        "items.status.resources",
    ];
    let version = json!({"resourceVersion": "1000"});
    if !account.may("applications/get") {
        return Reply::Json(200, json!({"metadata": version, "items": null}));
    }
    let wanted = |state: &State| {
        let is = |query: &str, value: &Value| ask.value(query).is_none_or(|wanted| *value == json!(wanted));
        is("name", &state.object["metadata"]["name"])
            && is("appNamespace", &state.object["metadata"]["namespace"])
            && sources(state.spec())
                .iter()
                .any(|source| is("repo", &source["repoURL"]))
            && account.acts_in(&state.project())
            && (is("projects", &state.spec()["project"]) && is("project", &state.spec()["project"]))
    };
    let apps = world.all();
    let objects = apps
        .iter()
        .filter_map(|app| app.look(|state| wanted(state).then(|| without_health(&shown(&state.object)))));
    let items: Vec<Value> = match ask.query("fields") {
        None => objects.collect(),
        Some(fields) => {
            let fields: Vec<&str> = fields.split(',').filter(|field| FIELDS.contains(field)).collect();
            let paths: Vec<&str> = fields.iter().filter_map(|field| field.strip_prefix("items.")).collect();
            objects.map(|object| only(&object, &paths)).collect()
        }
    };
    Reply::Json(200, json!({"metadata": version, "items": items}))
}

/// Keeps what the dotted paths name.
pub(crate) fn only(object: &Value, paths: &[&str]) -> Value {
    let mut kept = json!({});
    for path in paths {
        let pointer = format!("/{}", path.replace('.', "/"));
        let Some(found) = object.pointer(&pointer) else {
            continue;
        };
        let mut at = &mut kept;
        for part in path.split('.') {
            at = &mut at[part];
        }
        *at = found.clone();
    }
    kept
}

fn without_health(object: &Value) -> Value {
    let mut object = object.clone();
    let rows = object.pointer_mut("/status/resources").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
        row.remove("health");
    }
    object
}

pub(crate) fn sync(world: &World, ask: &Ask, account: &Account, app: &App) -> Reply {
    if let Err(why) = well_formed(&ask.body) {
        return refuse(3, why);
    }
    // Before the rights: whoever may see it is told of the window.
    if !world.may_sync_now(&app.name, true) {
        return refuse(7, "cannot sync: blocked by sync window");
    }
    let project = app.look(|state| state.project());
    if !account.may("applications/sync") {
        let (who, issued) = (&account.name, &account.issued);
        let why = format!(
            "permission denied: applications, sync, {project}/{}, sub: {who}, iat: {issued}",
            app.name
        );
        return refuse(7, why);
    }
    let (automated, target, url) = app.look(|state| (state.automated(), state.target_revision(), state.url()));
    let asked = ask.body["revision"].as_str().unwrap_or_default();
    if automated && !asked.is_empty() && asked != target {
        return refuse(
            9,
            format!("Cannot sync to {asked}: auto-sync currently set to {target}"),
        );
    }
    let found = if is_commit(asked) || is_short(asked) {
        world.resolve(app, Some(asked))
    } else if asked.is_empty() {
        world.resolve(app, None)
    } else {
        let found = world.sources.resolve(&url, asked);
        found.and_then(|revision| world.resolve(app, Some(&revision)))
    };
    let revisions = match found {
        Ok(revisions) => revisions,
        Err(why) => {
            return refuse(
                9,
                format!("error resolving repo revision: rpc error: code = Unknown desc = {why}"),
            );
        }
    };
    if app.look(State::operation_pending) {
        return refuse(9, "another operation is already in progress");
    }
    world.operation(app, manual(app, &ask.body, &revisions, &account.name));
    Reply::Json(200, without_health(&app.look(|state| shown(&state.object))))
}

/// Syncs an application to the tip of its branch, as `admin`.
pub(crate) fn sync_by_hand(world: &World, app: &App) -> Result<(), String> {
    let revisions = world.resolve(app, None)?;
    if app.look(State::operation_pending) {
        return Err("another operation is already in progress".to_owned());
    }
    world.operation(app, manual(app, &Value::Null, &revisions, "admin"));
    Ok(())
}

fn is_short(text: &str) -> bool {
    (7..40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn well_formed(body: &Value) -> Result<(), String> {
    for name in ["prune", "dryRun"] {
        if !body[name].is_null() && !body[name].is_boolean() {
            return Err(format!(
                "json: cannot unmarshal string into Go struct field ApplicationSyncRequest.{name} of type bool"
            ));
        }
    }
    Ok(())
}

fn manual(app: &App, body: &Value, revisions: &Revisions, account: &str) -> Value {
    let policy = app.look(|state| state.spec()["syncPolicy"].clone());
    let mut sync = revisions.named();
    for name in ["prune", "dryRun"] {
        if body[name] == json!(true) {
            sync[name] = json!(true);
        }
    }
    if body["resources"].as_array().is_some_and(|list| !list.is_empty()) {
        sync["resources"] = body["resources"].clone();
    }
    if body["strategy"].is_object() {
        sync["syncStrategy"] = body["strategy"].clone();
    }
    let options = if body["syncOptions"]["items"].is_array() {
        &body["syncOptions"]["items"]
    } else {
        &policy["syncOptions"]
    };
    if options.is_array() {
        sync["syncOptions"] = options.clone();
    }
    let retry = [&body["retryStrategy"], &policy["retry"]]
        .into_iter()
        .find(|retry| retry.is_object());
    let mut operation = json!({"sync": sync, "initiatedBy": {"username": account}});
    operation["retry"] = retry.cloned().unwrap_or_else(|| json!({}));
    if body["infos"].as_array().is_some_and(|infos| !infos.is_empty()) {
        operation["info"] = body["infos"].clone();
    }
    operation
}

/// Goes back to a row of the history: hooks are skipped, and the application is out of sync with its branch afterwards.
pub(crate) fn rollback(world: &World, ask: &Ask, account: &Account, app: &App) -> Reply {
    if !account.may("applications/sync") {
        return refuse(7, "permission denied");
    }
    if app.look(State::automated) {
        return refuse(9, "rollback cannot be initiated when auto-sync is enabled");
    }
    let id = ask.body["id"].as_i64().unwrap_or(0);
    let row = app.look(|state| {
        let history = state.object["status"]["history"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        history.into_iter().find(|row| row["id"] == json!(id))
    });
    if let Some(row) = row {
        if app.look(State::operation_pending) {
            return refuse(9, "another operation is already in progress");
        }
        let revisions = app.look(|state| Revisions::of_operation(state.spec(), &json!({"sync": row})));
        let body = json!({"prune": ask.body["prune"], "dryRun": ask.body["dryRun"], "strategy": {"apply": {}}});
        world.operation(app, manual(app, &body, &revisions, &account.name));
        return Reply::Json(200, without_health(&app.look(|state| shown(&state.object))));
    }
    let namespace = app.look(|state| {
        state.object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    refuse(
        3,
        format!(
            "application {namespace}/{} does not have deployment with id {id}",
            app.name
        ),
    )
}

pub(crate) fn terminate(world: &World, account: &Account, app: &App) -> Reply {
    if !account.may("applications/sync") {
        return refuse(7, "permission denied");
    }
    let running = app.patch(world.next_version(), |state| {
        let pending = state.operation_pending();
        let op = &mut state.object["status"]["operationState"];
        if !pending || !op.is_object() {
            return false;
        }
        op["phase"] = json!("Terminating");
        true
    });
    if running {
        app.terminate.notify_one();
        Reply::Json(200, json!({}))
    } else {
        refuse(3, "Unable to terminate operation. No operation is in progress")
    }
}

pub(crate) fn windows(world: &World, app: &Arc<App>) -> Reply {
    let mut answer = json!({"canSync": world.may_sync_now(&app.name, true)});
    let windows = lock(&world.windows).get(&app.name).cloned().unwrap_or_default();
    let listed = |only_active: bool| -> Vec<Value> {
        let fits = windows.iter().filter(|window| window.active || !only_active);
        fits.map(|window| {
            json!({"kind": window.kind, "schedule": window.schedule, "duration": window.duration, "manualSync": window.manual})
        })
        .collect()
    };
    for (name, rows) in [("activeWindows", listed(true)), ("assignedWindows", listed(false))] {
        if !rows.is_empty() {
            answer[name] = json!(rows);
        }
    }
    Reply::Json(200, answer)
}
