//! What the registry answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Access, Asked, State, digest_of};
use crate::exchange;

/// An answer.
struct Reply {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Reply {
    fn refuse(status: u16, code: &str) -> Self {
        let body = json!({"errors": [{"code": code, "message": "refused by the stand-in"}]});
        Self {
            status,
            headers: vec!["Content-Type: application/json".to_owned()],
            body: body.to_string().into_bytes(),
        }
    }

    fn with(mut self, header: String) -> Self {
        self.headers.push(header);
        self
    }
}

/// Answers one request; `false` at the end of the connection.
pub(super) fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<bool> {
    let Some(request) = exchange::next(stream)? else {
        return Ok(false);
    };
    let (target, headers) = (request.target.as_str(), &request.headers);
    let reply = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked.push(Asked {
            target: target.to_owned(),
            authorization: headers.get("authorization").cloned(),
        });
        match request.method.as_str() {
            "GET" => answered(&state, target, headers),
            _ => Reply::refuse(405, "UNSUPPORTED"),
        }
    };
    let mut head = format!("HTTP/1.1 {} Stand-in\r\n", reply.status);
    for header in &reply.headers {
        let _ = write!(head, "{header}\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n", reply.body.len());
    let mut writer = stream;
    writer.write_all(head.as_bytes())?;
    writer.write_all(&reply.body)?;
    Ok(true)
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The token for one repository: good there and nowhere else.
fn token(repository: &str) -> String {
    format!("token-for-{}", repository.replace('/', "-"))
}

fn answered(state: &State, target: &str, headers: &BTreeMap<String, String>) -> Reply {
    if let Some(status) = state.down {
        return Reply::refuse(status, "UNAVAILABLE");
    }
    let authorization = headers.get("authorization");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path == "/token" {
        return granted(state, query, authorization);
    }
    let Some((repository, kind, name)) = place(path) else {
        return Reply::refuse(404, "NOT_FOUND");
    };
    let challenge = match state.access {
        Access::Open => None,
        Access::Basic(user, password) => {
            (authorization != Some(&basic(user, password))).then(|| "Basic realm=\"stand-in\"".to_owned())
        }
        Access::AnonymousToken | Access::Token(..) => {
            let wanted = format!("Bearer {}", token(repository));
            (authorization != Some(&wanted)).then(|| {
                format!(
                    "Bearer realm=\"http://{}/token\",service=\"stand-in\",scope=\"repository:{repository}:pull\"",
                    state.host
                )
            })
        }
    };
    // A blob of another registry, which that one sent people to: whoever holds the address can read it.
    let is_storage = kind == "blobs" && query == "signed=yes";
    if let Some(challenge) = challenge.filter(|_| !is_storage) {
        return Reply::refuse(401, "UNAUTHORIZED").with(format!("WWW-Authenticate: {challenge}"));
    }
    if state.closed.iter().any(|closed| closed == repository) {
        return Reply::refuse(403, "DENIED");
    }
    match kind {
        "manifests" => manifest(state, repository, name, headers),
        _ => blob(state, path, name),
    }
}

/// Splits `/v2/NAME/manifests/REFERENCE` and the same for blobs.
fn place(path: &str) -> Option<(&str, &str, &str)> {
    let (rest, name) = path.strip_prefix("/v2/")?.rsplit_once('/')?;
    let (repository, kind) = rest.rsplit_once('/')?;
    matches!(kind, "manifests" | "blobs").then_some((repository, kind, name))
}

fn granted(state: &State, query: &str, authorization: Option<&String>) -> Reply {
    let allowed = match state.access {
        Access::AnonymousToken => authorization.is_none(),
        Access::Token(user, password) => authorization == Some(&basic(user, password)),
        Access::Open | Access::Basic(..) => false,
    };
    let of = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(known, _)| *known == name).map(|(_, value)| value);
        found.unwrap_or_default().replace("%3A", ":").replace("%2F", "/")
    };
    let scope = of("scope");
    let repository = scope
        .strip_prefix("repository:")
        .and_then(|rest| rest.strip_suffix(":pull"));
    match repository {
        Some(repository) if allowed && of("service") == "stand-in" => Reply {
            status: 200,
            headers: vec!["Content-Type: application/json".to_owned()],
            body: json!({"token": token(repository), "expires_in": 60})
                .to_string()
                .into_bytes(),
        },
        _ => Reply::refuse(401, "UNAUTHORIZED"),
    }
}

fn manifest(state: &State, repository: &str, name: &str, headers: &BTreeMap<String, String>) -> Reply {
    let found = state.manifests.get(&(repository.to_owned(), name.to_owned()));
    let accepted = headers.get("accept").map(String::as_str).unwrap_or_default();
    match found {
        None => Reply::refuse(404, "MANIFEST_UNKNOWN"),
        // A registry that may not answer with the type that it has answers that it has none.
        Some((kind, _)) if !accepted.split(',').any(|one| one.trim() == kind) => Reply::refuse(404, "MANIFEST_UNKNOWN"),
        Some((kind, bytes)) => {
            let said = digest_of(if state.wrong_header { b"other" } else { bytes });
            Reply {
                status: 200,
                headers: vec![
                    format!("Content-Type: {kind}"),
                    format!("Docker-Content-Digest: {said}"),
                ],
                body: spoiled(state, bytes),
            }
        }
    }
}

fn blob(state: &State, path: &str, name: &str) -> Reply {
    if let Some(host) = &state.blobs_at {
        return Reply::refuse(307, "").with(format!("Location: http://{host}{path}?signed=yes"));
    }
    match state.blobs.get(name) {
        None => Reply::refuse(404, "BLOB_UNKNOWN"),
        Some(bytes) => Reply {
            status: 200,
            headers: vec!["Content-Type: application/octet-stream".to_owned()],
            body: spoiled(state, bytes),
        },
    }
}

fn spoiled(state: &State, bytes: &[u8]) -> Vec<u8> {
    let more: &[u8] = if state.spoiled { b" " } else { b"" };
    [bytes, more].concat()
}
