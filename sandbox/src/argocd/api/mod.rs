//! The REST API: what every request must have, what every refusal looks like, and which endpoint answers.

mod applications;
mod ask;
mod resources;
mod server;
mod streams;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::accounts::Account;
use super::application::App;
use super::exchange::Asked;
use super::{OWN_NAMESPACE, World};
use ask::{pairs, segments};
use server::{dex, settings, userinfo, version};

pub(crate) use applications::sync_by_hand;
pub(crate) use ask::Ask;
pub(crate) use resources::act;

/// What is answered.
pub(crate) enum Reply {
    Json(u16, Value),
    /// Several JSON documents, one a line: logs.
    Lines(Vec<Value>),
    Text(u16, &'static str),
    Raw(u16, String, String),
    /// Not now: the status, and after how many seconds again.
    Busy(u16, u32),
    Stream(streams::Streamed),
}

/// Makes the refusal of a gRPC status.
pub(crate) fn refuse(code: u8, message: impl Into<String>) -> Reply {
    let status = match code {
        16 => 401,
        7 => 403,
        5 => 404,
        3 | 9 => 400,
        _ => 500,
    };
    let message = message.into();
    Reply::Json(status, json!({"error": message, "code": code, "message": message}))
}

/// Returns the whole API.
pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().fallback(serve).with_state(world)
}

async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let line = parts.uri.path_and_query().map_or("/", |line| line.as_str()).to_owned();
    let bytes = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let agent = parts
        .headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let agent = agent.unwrap_or_default().to_owned();
    let extra = parts.headers.keys().map(ToString::to_string);
    let extra = extra.filter(|name| name.starts_with("x-")).collect();
    let parsed = serde_json::from_slice(&bytes);
    let broken = !bytes.is_empty() && parsed.is_err();
    let ask = Ask {
        path: segments(parts.uri.path()),
        query: pairs(parts.uri.query().unwrap_or_default()),
        method: parts.method,
        headers: parts.headers,
        line,
        body: parsed.unwrap_or_default(),
        raw: String::from_utf8_lossy(&bytes).into_owned(),
    };
    if world.faults.hangs(&ask.line) {
        std::future::pending::<()>().await;
    }
    let reply = match canned(&world, &ask) {
        Some(reply) => reply,
        None => answer(&world, &ask, broken).await,
    };
    let path = ask
        .line
        .strip_prefix(&world.options.root_path)
        .unwrap_or(&ask.line)
        .to_owned();
    let status = match &reply {
        Reply::Json(status, _) | Reply::Text(status, _) | Reply::Raw(status, ..) | Reply::Busy(status, _) => *status,
        Reply::Lines(_) | Reply::Stream(_) => 200,
    };
    world.exchanges.keep(Asked {
        method: ask.method.to_string(),
        path: path.clone(),
        body: ask.body.clone(),
        status,
        agent,
        extra,
    });
    match &reply {
        // A request that cannot be read is not described, nor is the refusal of a stream.
        Reply::Json(status, value) if readable(value) && !broken => {
            world
                .exchanges
                .write(ask.method.as_str(), &path, &ask.body, *status, value);
        }
        Reply::Lines(values) => {
            let values = json!(values);
            world
                .exchanges
                .write(ask.method.as_str(), &path, &ask.body, 200, &values);
        }
        _ => {}
    }
    respond(reply)
}

fn readable(answer: &Value) -> bool {
    let unread = answer["message"].as_str().is_some_and(|why| why.starts_with("json: "));
    !unread && answer["error"]["grpc_code"].is_null()
}

fn respond(reply: Reply) -> Response {
    let build = |status: u16, kind: &str, body: Body| {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Ok(kind) = kind.parse() {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        response
    };
    match reply {
        Reply::Json(status, value) => build(status, "application/json", Body::from(value.to_string())),
        Reply::Text(status, text) => build(status, "text/plain; charset=utf-8", Body::from(text)),
        Reply::Raw(status, kind, body) => build(status, &kind, Body::from(body)),
        Reply::Busy(status, seconds) => {
            let mut response = build(status, "text/plain; charset=utf-8", Body::from("busy\n"));
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
        Reply::Lines(values) => {
            let text: String = values.iter().map(|value| format!("{value}\n")).collect();
            build(200, "application/json", Body::from(text))
        }
        Reply::Stream(stream) => {
            let kind = stream.content_type();
            build(200, kind, stream.into_body())
        }
    }
}

fn canned(world: &World, ask: &Ask) -> Option<Reply> {
    let (row, retry_after) = world.faults.instead(&ask.line)?;
    Some(match retry_after {
        Some(seconds) => Reply::Busy(row.status, seconds),
        None => Reply::Raw(row.status, row.content_type, row.body),
    })
}

async fn answer(world: &Arc<World>, ask: &Ask, broken: bool) -> Reply {
    let root = segments(&world.options.root_path);
    let Some(path) = ask.path.strip_prefix(root.as_slice()) else {
        return Reply::Text(404, "404 page not found\n");
    };
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if !matches!(path.as_slice(), ["api", "version"] | ["api", "v1", ..]) {
        return match path.as_slice() {
            ["api", "dex", "token"] if ask.method == Method::POST => dex(world, ask),
            [] => Reply::Raw(200, "text/html; charset=utf-8".to_owned(), PAGE.to_owned()),
            _ => Reply::Text(404, "404 page not found\n"),
        };
    }
    let json = ask
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json");
    if ask.method != Method::GET && !json {
        return Reply::Text(415, "Invalid content type\n");
    }
    if broken {
        let why = "invalid character 'n' looking for beginning of object key string";
        return refuse(3, why);
    }
    let account = world.accounts.check(ask.token());
    match (ask.method.as_str(), path.as_slice()) {
        ("GET", ["api", "version"]) => Reply::Json(200, version(account.is_ok())),
        ("GET", ["api", "v1", "session", "userinfo"]) => Reply::Json(200, userinfo(account.ok().as_ref())),
        ("GET", ["api", "v1", "settings"]) => Reply::Json(200, settings(world, account.is_ok())),
        (method, ["api", "v1", rest @ ..]) => match account {
            Ok(account) => endpoint(world, ask, &account, method, rest).await,
            Err(why) if rest.first() == Some(&"stream") => stream_refusal(16, 401, "Unauthorized", &why),
            Err(why) if known(rest) => refuse(16, why),
            Err(_) => Reply::Text(404, "Not Found\n"),
        },
        _ => Reply::Text(405, "Method Not Allowed\n"),
    }
}

fn known(rest: &[&str]) -> bool {
    matches!(rest, ["applications" | "account", ..])
}

async fn endpoint(world: &Arc<World>, ask: &Ask, account: &Account, method: &str, rest: &[&str]) -> Reply {
    match (method, rest) {
        ("GET", ["account", "can-i", resource, action, project, ..]) => {
            let action = action.split('/').next().unwrap_or_default();
            let yes = action != "action" && account.may(&format!("{resource}/{action}")) && account.acts_in(project);
            Reply::Json(200, json!({"value": if yes { "yes" } else { "no" }}))
        }
        ("GET", ["applicationsets", name]) => set(world, account, name),
        ("GET", ["applications"]) => applications::list(world, ask, account),
        ("GET", ["stream", "applications"]) => streams::applications(world, ask, account).await,
        ("GET", ["stream", "applications", name, "resource-tree"]) => streams::tree(world, ask, account, name),
        (method, ["applications", name, rest @ ..]) => match find(world, ask, account, name) {
            Ok(app) => application(world, ask, account, &app, method, rest).await,
            Err(reply) => reply,
        },
        _ => Reply::Text(404, "Not Found\n"),
    }
}

/// A set of applications: its name and its strategy.
fn set(world: &World, account: &Account, name: &str) -> Reply {
    let found = crate::git::lock(&world.sets).get(name).cloned();
    match found.filter(|_| account.may("applicationsets/get")) {
        Some(strategy) if strategy.is_empty() => Reply::Json(200, json!({"metadata": {"name": name}, "spec": {}})),
        Some(strategy) => Reply::Json(
            200,
            json!({"metadata": {"name": name}, "spec": {"strategy": {"type": strategy, "rollingSync": {"steps": []}}}}),
        ),
        None => refuse(7, "permission denied"),
    }
}

async fn application(
    world: &Arc<World>,
    ask: &Ask,
    account: &Account,
    app: &Arc<App>,
    method: &str,
    rest: &[&str],
) -> Reply {
    match (method, rest) {
        ("GET", []) => applications::get(world, ask, app).await,
        ("POST", ["sync"]) => applications::sync(world, ask, account, app),
        ("POST", ["rollback"]) => applications::rollback(world, ask, account, app),
        ("DELETE", ["operation"]) => applications::terminate(world, account, app),
        ("GET", ["syncwindows"]) => applications::windows(world, app),
        ("GET", rest) => resources::get(world, ask, account, app, rest),
        ("POST", ["resource", "actions" | "actions/v2", ..]) => resources::post(world, ask, account, app, rest),
        (_, ["sync" | "rollback" | "operation"]) => Reply::Text(405, "Method Not Allowed\n"),
        _ => Reply::Text(404, "Not Found\n"),
    }
}

/// Finds the application, or refuses: without `project` nobody learns whether it is missing or hidden.
fn find(world: &World, ask: &Ask, account: &Account, name: &str) -> Result<Arc<App>, Reply> {
    let namespace = ask.value("appNamespace").filter(|name| *name != OWN_NAMESPACE);
    let app = match namespace {
        Some(namespace) => world.app(&format!("{namespace}/{name}")),
        None => world.app(name),
    };
    let project = ask.value("project");
    let allowed = |project: &str| account.may("applications/get") && account.acts_in(project);
    let fits = |app: &Arc<App>| {
        let its = app.look(|state| state.project());
        allowed(&its) && project.is_none_or(|wanted| wanted == its)
    };
    match app.filter(fits) {
        Some(app) => Ok(app),
        None if project.is_some_and(allowed) => {
            Err(refuse(5, format!("applications.argoproj.io \"{name}\" not found")))
        }
        None => Err(refuse(7, "permission denied")),
    }
}

/// The refusal of a stream has another form.
pub(crate) fn stream_refusal(code: u8, status: u16, words: &str, message: &str) -> Reply {
    let error = json!({"grpc_code": code, "http_code": status, "message": message, "http_status": words});
    Reply::Json(status, json!({"error": error}))
}

const PAGE: &str =
    "<!doctype html><html lang=\"en\"><head><title>Argo CD</title></head><body><div id=\"app\"></div></body></html>\n";
