//! One request to the stand-in and its answer: what holds for all of them, whatever they ask for.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::{Ask, Reply, World, graphql, rest, run};
use crate::argocd::Asked;
use crate::git::lock;

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let two = |bytes: &mut std::str::Bytes<'_>| {
            let digits = [bytes.next()?, bytes.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
        };
        match byte {
            b'%' => out.extend(two(&mut bytes)),
            b'+' => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Takes a request apart, has it answered, and keeps both.
pub(super) async fn serve(State(world): State<Arc<World>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let line = parts.uri.path_and_query().map_or("/", |line| line.as_str()).to_owned();
    let bytes = to_bytes(body, 64 << 20).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let root = world.options.root_path.clone();
    let path = parts.uri.path().strip_prefix(&root).unwrap_or(parts.uri.path());
    let ask = Ask {
        method: parts.method.to_string(),
        path: path.split('/').filter(|part| !part.is_empty()).map(decoded).collect(),
        query: pairs.map(|(key, value)| (decoded(key), decoded(value))).collect(),
        headers: parts.headers,
        body,
    };
    let agent = ask
        .headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let known = format!(
        "{} {line} {}",
        ask.method,
        ask.body["query"].as_str().unwrap_or_default()
    );
    let shared = Arc::clone(&world);
    let (ask, reply) = tokio::task::spawn_blocking(move || {
        let reply = answer(&shared, &ask, &known);
        (ask, reply)
    })
    .await
    .unwrap_or_else(|_| std::process::abort());
    world.exchanges.keep(Asked {
        method: ask.method.clone(),
        path: line.clone(),
        body: ask.body.clone(),
        status: reply.status,
        agent,
        extra: Vec::new(),
    });
    // The description has no assignees, no OIDC, and no body for a reviewer who is refused.
    let undescribed = line.contains("/assignees")
        || line.contains("/oidc")
        || (line.ends_with("/requested_reviewers") && reply.status == 422);
    if !undescribed {
        world
            .exchanges
            .write(&ask.method, &line, &ask.body, reply.status, &reply.body);
    }
    let empty = reply.body.is_null();
    let mut response = Response::new(if empty {
        Body::empty()
    } else {
        Body::from(reply.body.to_string())
    });
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    if !empty {
        set("content-type", "application/json; charset=utf-8");
    }
    set("x-github-request-id", &format!("ABCD:{}", world.next()));
    set("x-ratelimit-remaining", "4999");
    for (name, value) in &reply.headers {
        set(name, value);
    }
    response
}

fn answer(world: &Arc<World>, ask: &Ask, known: &str) -> Reply {
    if !ask.headers.contains_key(header::USER_AGENT) {
        return Reply::refuse(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        );
    }
    if let Some(row) = lock(&world.busy)
        .iter_mut()
        .find(|row| row.1 > 0 && known.contains(&row.0))
    {
        row.1 -= 1;
        let mut reply = Reply::refuse(
            row.2,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        );
        reply.headers.push(("retry-after", row.3.to_string()));
        return reply;
    }
    let overtaker = {
        let mut all = lock(&world.overtakers);
        all.iter()
            .position(|row| known.contains(&row.0))
            .map(|at| all.remove(at))
    };
    if let Some((_, path, content)) = overtaker {
        let _ = world.git.commit(
            &world.options.repository,
            "main",
            &[(path.as_str(), content.as_str())],
            "Overtake",
        );
    }
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["graphql"] | ["api", "graphql"] => graphql::serve(world, ask),
        ["oidc", ..] => run::oidc(world, ask),
        _ => rest::serve(world, ask, &path),
    }
}
