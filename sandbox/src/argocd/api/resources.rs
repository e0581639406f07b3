//! What is inside an application: tree, live objects, differences, actions, events, logs, manifests, revisions.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::World;
use super::super::accounts::Account;
use super::super::application::App;
use super::super::compare::Key;
use super::super::source::is_commit;
use super::super::tree::{METRIC, tree, uid};
use super::super::workload::Fate;
use super::{Ask, Reply, refuse, stream_refusal};

pub(crate) fn get(world: &Arc<World>, ask: &Ask, account: &Account, app: &Arc<App>, rest: &[&str]) -> Reply {
    match rest {
        ["resource-tree"] => Reply::Json(200, tree(world, app)),
        ["managed-resources"] => managed(world, ask, app),
        ["resource"] => live(world, ask, app),
        ["resource", "actions"] => actions(world, ask, app),
        ["events"] => events(world, ask, app),
        ["manifests"] => manifests(world, ask, app),
        ["revisions", revision, "metadata"] => revision_metadata(world, app, revision),
        ["logs"] => logs(world, ask, account, app, None),
        ["pods", pod, "logs"] => logs(world, ask, account, app, Some(pod)),
        _ => Reply::Text(404, "Not Found\n"),
    }
}

pub(crate) fn post(world: &Arc<World>, ask: &Ask, account: &Account, app: &Arc<App>, rest: &[&str]) -> Reply {
    let action = match rest {
        ["resource", "actions"] => ask.body.as_str(),
        ["resource", "actions", "v2"] => ask.body["action"].as_str(),
        _ => return Reply::Text(404, "Not Found\n"),
    };
    if !account.may("applications/action") {
        return refuse(7, "permission denied");
    }
    let key = match wanted(ask, app) {
        Ok(key) => key,
        Err(reply) => return reply,
    };
    let action = action.unwrap_or_default();
    let known = app.change(|state| {
        let workload = state.workloads.get_mut(&key);
        workload.is_some_and(|workload| workload.act(action, world.clock.now()))
    });
    if !known {
        return refuse(2, "error getting Lua resource action: built-in script does not exist");
    }
    app.live.notify_one();
    Reply::Json(200, json!({}))
}

/// Runs an action on every Rollout of an application, as a person with kubectl would.
pub(crate) fn act(world: &World, app: &App, action: &str) {
    app.change(|state| {
        for workload in state.workloads.values_mut() {
            workload.act(action, world.clock.now());
        }
    });
    app.live.notify_one();
}

/// Finds the resource that is asked for, which must be one that was applied.
fn wanted(ask: &Ask, app: &App) -> Result<Key, Reply> {
    let text = |name: &str| {
        ask.query(name)
            .or_else(|| ask.body[name].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let key = Key {
        group: text("group"),
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("resourceName"),
    };
    if app.look(|state| state.live.contains_key(&key)) {
        return Ok(key);
    }
    let why = format!(
        "{} {} {} not found as part of application {}",
        key.kind, key.group, key.name, app.name
    );
    Err(refuse(3, why))
}

fn live(world: &World, ask: &Ask, app: &App) -> Reply {
    let key = match wanted(ask, app) {
        Ok(key) => key,
        Err(reply) => return grown(world, ask, app).unwrap_or(reply),
    };
    let object = app.look(|state| {
        let mut object = match state.workloads.get(&key) {
            Some(workload) => workload.object(&world.clock, world.clock.now()),
            None => state.live.get(&key).cloned().unwrap_or_default(),
        };
        object["metadata"]["uid"] = json!(uid(&format!("{}/{}/{}", key.kind, key.namespace, key.name)));
        object["metadata"]["resourceVersion"] = state.object["metadata"]["resourceVersion"].clone();
        object
    });
    Reply::Json(200, json!({"manifest": object.to_string()}))
}

/// What grew from an applied resource: a ReplicaSet, a Pod, an AnalysisRun.
fn grown(world: &World, ask: &Ask, app: &App) -> Option<Reply> {
    let tree = tree(world, app);
    let is =
        |node: &&Value| node["kind"] == json!(ask.query("kind")) && node["name"] == json!(ask.query("resourceName"));
    let node = tree["nodes"].as_array()?.iter().find(is)?;
    let group = node["group"]
        .as_str()
        .map_or(String::new(), |group| format!("{group}/"));
    let api = format!("{group}{}", node["version"].as_str().unwrap_or_default());
    let mut object = json!({"apiVersion": api, "kind": node["kind"], "metadata": {
        "name": node["name"], "namespace": node["namespace"], "uid": node["uid"], "creationTimestamp": node["createdAt"]}});
    if node["kind"] == "AnalysisRun" {
        let failed = node["health"]["status"] == "Degraded";
        object["spec"] = json!({"metrics": [{"name": METRIC, "provider": {}}]});
        object["status"] = if failed {
            let at = world.clock.stamp_now();
            let taken =
                |phase: &str, value: &str| json!({"phase": phase, "value": value, "startedAt": at, "finishedAt": at});
            json!({"phase": "Failed", "message": node["health"]["message"], "metricResults": [{"name": METRIC,
                "phase": "Failed", "count": 2, "successful": 1, "failed": 1,
                "measurements": [taken("Successful", "[0.99]"), taken("Failed", "[0.62]")]}]})
        } else {
            json!({"phase": "Running", "metricResults": []})
        };
    }
    Some(Reply::Json(200, json!({"manifest": object.to_string()})))
}

fn managed(world: &World, ask: &Ask, app: &App) -> Reply {
    let items: Vec<Value> = app.look(|state| {
        let Some(target) = &state.target else { return Vec::new() };
        let is = |name: &str, value: &str| ask.query(name).is_none_or(|wanted| wanted == value);
        let fits = |key: &&Key| {
            is("kind", &key.kind) && is("group", &key.group) && is("name", &key.name) && is("namespace", &key.namespace)
        };
        let mut keys: Vec<&Key> = target.objects.keys().chain(state.live.keys()).filter(fits).collect();
        keys.sort();
        keys.dedup();
        let row = |key: &Key| {
            let text = |object: Option<&Value>| object.map_or_else(|| "null".to_owned(), Value::to_string);
            let live = match state.workloads.get(key) {
                Some(workload) => Some(workload.object(&world.clock, world.clock.now())),
                None => state.live.get(key).cloned(),
            };
            let (wanted, normalized) = (target.objects.get(key), state.live.get(key));
            let mut row = json!({"kind": key.kind, "namespace": key.namespace, "name": key.name,
                "targetState": text(wanted), "liveState": text(live.as_ref()), "normalizedLiveState": text(normalized),
                "predictedLiveState": text(wanted), "resourceVersion": state.object["metadata"]["resourceVersion"]});
            if !key.group.is_empty() {
                row["group"] = json!(key.group);
            }
            if wanted != normalized {
                row["modified"] = json!(true);
            }
            row
        };
        keys.into_iter().map(row).collect()
    });
    Reply::Json(200, json!({"items": items}))
}

fn actions(world: &World, ask: &Ask, app: &App) -> Reply {
    let key = match wanted(ask, app) {
        Ok(key) => key,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let view = app.look(|state| state.workloads.get(&key).and_then(|workload| workload.canary(now)));
    let Some((view, ..)) = view else {
        return Reply::Json(200, json!({"actions": [{"name": "restart"}]}));
    };
    let (moving, paused, aborted) = (
        view.phase != "Healthy",
        view.phase == "Paused",
        view.aborted_at.is_some(),
    );
    let rows = [
        ("skip-current-step", moving && !aborted),
        ("abort", moving && !aborted),
        ("pause", moving && !aborted),
        ("promote-full", moving),
        ("restart", true),
        ("resume", paused),
        ("retry", aborted),
    ];
    let row = |(name, enabled): (&str, bool)| {
        let mut row = json!({"name": name});
        if !enabled {
            row["disabled"] = json!(true);
        }
        row
    };
    Reply::Json(200, json!({"actions": rows.map(row)}))
}

fn events(world: &World, ask: &Ask, app: &App) -> Reply {
    let version = json!({"resourceVersion": "1000"});
    let about: Vec<&str> = ["resourceUID", "resourceName", "resourceNamespace"]
        .iter()
        .filter_map(|name| ask.query(name))
        .collect();
    if about.len() == 3 {
        return Reply::Json(200, json!({"metadata": version, "items": events_of(world, ask, app)}));
    }
    if !about.is_empty() {
        let name = ask.query("resourceName").unwrap_or_default();
        return refuse(3, format!("{name} not found as part of application {}", app.name));
    }
    let items: Vec<Value> = app.look(|state| {
        let row = |(number, (reason, message, at)): (usize, &(&str, String, String))| {
            json!({"metadata": {"name": format!("{}.{number:x}", app.name), "namespace": "argocd", "creationTimestamp": at},
                "involvedObject": {"kind": "Application", "namespace": "argocd", "name": app.name, "uid": state.object["metadata"]["uid"]},
                "reason": reason, "message": message, "source": {"component": "argocd-application-controller"},
                "firstTimestamp": at, "lastTimestamp": at, "count": 1, "type": "Normal", "eventTime": null})
        };
        state.events.iter().enumerate().map(row).collect()
    });
    let _ = world;
    Reply::Json(200, json!({"metadata": version, "items": items}))
}

/// What the kubelet tells of a pod that is never ready: that its probe failed. Of everything else there is nothing.
fn events_of(world: &World, ask: &Ask, app: &App) -> Option<Value> {
    let tree = tree(world, app);
    let is = |node: &&Value| {
        node["kind"] == "Pod"
            && node["uid"] == json!(ask.query("resourceUID"))
            && node["health"]["status"] == "Progressing"
    };
    let pod = tree["nodes"].as_array()?.iter().find(is)?;
    let images: Vec<String> = serde_json::from_value(pod["images"].clone()).ok()?;
    if Fate::of(&images) != Fate::Never {
        return None;
    }
    let at = world.clock.stamp_now();
    let name = pod["name"].as_str().unwrap_or_default();
    Some(
        json!([{"metadata": {"name": format!("{name}.1"), "namespace": pod["namespace"], "creationTimestamp": pod["createdAt"]},
        "involvedObject": {"kind": "Pod", "namespace": pod["namespace"], "name": name, "uid": pod["uid"]},
        "reason": "Unhealthy", "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": pod["createdAt"], "lastTimestamp": at, "count": 3, "type": "Warning", "eventTime": null}]),
    )
}

fn manifests(world: &World, ask: &Ask, app: &App) -> Reply {
    let found = world.resolve(app, ask.value("revision"));
    match found.and_then(|revisions| world.target(app, &revisions)) {
        Ok(target) => {
            let texts: Vec<String> = target.objects.values().map(Value::to_string).collect();
            Reply::Json(
                200,
                json!({"manifests": texts, "revision": target.revisions.shown(), "sourceType": "Kustomize"}),
            )
        }
        Err(why) => refuse(2, why),
    }
}

fn revision_metadata(world: &World, app: &App, revision: &str) -> Reply {
    if !is_commit(revision) {
        return refuse(2, format!("revision {revision} must be resolved"));
    }
    match world
        .sources
        .commit(&app.look(super::super::application::State::url), revision)
    {
        Ok(commit) => Reply::Json(
            200,
            json!({"author": commit.author, "date": commit.date, "message": commit.message}),
        ),
        Err(why) => refuse(2, why),
    }
}

/// Three lines of every pod that fits, and a last frame that says that it is the last.
fn logs(world: &World, ask: &Ask, account: &Account, app: &App, pod: Option<&str>) -> Reply {
    if !account.may("logs/get") {
        let project = app.look(|state| state.spec()["project"].as_str().unwrap_or_default().to_owned());
        let (who, issued) = (&account.name, &account.issued);
        let why = format!(
            "permission denied: logs, get, {project}/{}, sub: {who}, iat: {issued}",
            app.name
        );
        return stream_refusal(7, 403, "Forbidden", &why);
    }
    let pod = pod.or_else(|| ask.value("podName"));
    let tree = tree(world, app);
    let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
    let pods: Vec<&str> = nodes
        .iter()
        .filter(|node| node["kind"] == "Pod")
        .filter_map(|node| node["name"].as_str())
        .filter(|name| pod.is_none_or(|wanted| wanted == *name))
        .collect();
    if pods.is_empty() {
        return Reply::Lines(Vec::new());
    }
    let at = world.clock.stamp_now();
    let frame = |content: String, pod: &str, last: bool| json!({"result": {"content": content, "timeStamp": at, "last": last, "timeStampStr": at, "podName": pod}});
    let lines = |pod: &&str| {
        (0..3)
            .map(|n| frame(format!("{pod} line {n}"), pod, false))
            .collect::<Vec<_>>()
    };
    let mut frames: Vec<Value> = pods.iter().flat_map(lines).collect();
    frames.push(frame(String::new(), "", true));
    Reply::Lines(frames)
}
