//! The HTTP side: authentication, canned answers, and `git http-backend` run as CGI with bodies streamed both ways.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use http_body_util::BodyExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::Semaphore;

use super::{GitHostOptions, Quirk, lock};

/// One request that the host has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The status answered; 0 while it is being worked on.
    pub status: u16,
    /// Bytes of the request's body.
    pub up: u64,
    /// Bytes of the answer's body.
    pub down: u64,
    /// Whether it carried an `Authorization` header.
    pub authorized: bool,
}

/// An answer given instead of git's, to requests that match.
#[derive(Clone, Debug)]
pub struct Canned {
    /// What the path with its query must contain.
    pub path: String,
    /// How many requests are answered so.
    pub times: usize,
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

struct Row {
    method: String,
    path: String,
    authorized: bool,
    status: AtomicU16,
    up: AtomicU64,
    down: AtomicU64,
}

/// Somebody whose token is good.
struct Guest {
    name: String,
    writes: bool,
}

/// What all requests share.
pub(super) struct State {
    root: PathBuf,
    git: PathBuf,
    user: Option<String>,
    token: Mutex<Option<String>>,
    /// A token that opens everything but `git-receive-pack`.
    reader: Mutex<Option<String>>,
    protocol_v2: bool,
    quirk: Option<Quirk>,
    workers: Arc<Semaphore>,
    rows: Mutex<Vec<Arc<Row>>>,
    canned: Mutex<VecDeque<Canned>>,
}

impl State {
    pub(super) fn new(root: &Path, options: &GitHostOptions) -> anyhow::Result<Self> {
        let out = std::process::Command::new("git")
            .arg("--exec-path")
            .output()
            .context("run git --exec-path")?;
        let folder = String::from_utf8(out.stdout).context("read git --exec-path")?;
        Ok(Self {
            root: root.to_owned(),
            git: Path::new(folder.trim()).join("git-http-backend"),
            user: options.user.clone(),
            token: Mutex::new(options.token.clone()),
            reader: Mutex::default(),
            protocol_v2: options.protocol_v2 && options.quirk != Some(Quirk::MultiAck),
            quirk: options.quirk,
            workers: Arc::new(Semaphore::new(options.workers)),
            rows: Mutex::default(),
            canned: Mutex::default(),
        })
    }

    pub(super) fn requests(&self) -> Vec<Seen> {
        let seen = |row: &Arc<Row>| Seen {
            method: row.method.clone(),
            path: row.path.clone(),
            status: row.status.load(Ordering::SeqCst),
            up: row.up.load(Ordering::SeqCst),
            down: row.down.load(Ordering::SeqCst),
            authorized: row.authorized,
        };
        lock(&self.rows).iter().map(seen).collect()
    }

    pub(super) fn forget(&self) {
        lock(&self.rows).clear();
    }

    pub(super) fn can(&self, canned: Canned) {
        lock(&self.canned).push_back(canned);
    }

    pub(super) fn forget_answers(&self) {
        lock(&self.canned).clear();
    }

    pub(super) fn set_token(&self, token: Option<&str>) {
        *lock(&self.token) = token.map(str::to_owned);
    }

    pub(super) fn set_reader(&self, token: &str) {
        *lock(&self.reader) = Some(token.to_owned());
    }

    fn take_canned(&self, path: &str) -> Option<Canned> {
        let mut all = lock(&self.canned);
        let at = all.iter().position(|canned| path.contains(&canned.path))?;
        let canned = all.get_mut(at)?;
        canned.times = canned.times.saturating_sub(1);
        if canned.times == 0 {
            all.remove(at)
        } else {
            Some(canned.clone())
        }
    }

    /// Whether the request may pass: any user name (or the chosen one) with the token as password.
    fn knows(&self, headers: &HeaderMap) -> Option<Guest> {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|value| base64::engine::general_purpose::STANDARD.decode(value).ok())
            .and_then(|value| String::from_utf8(value).ok());
        let Some(token) = lock(&self.token).clone() else {
            return Some(Guest {
                name: "anonymous".to_owned(),
                writes: true,
            });
        };
        let given = given?;
        let (user, password) = given.split_once(':')?;
        let writes = password == token;
        let right = writes || lock(&self.reader).as_deref() == Some(password);
        let known = right && self.user.as_ref().is_none_or(|only| only == user);
        known.then(|| Guest {
            name: user.to_owned(),
            writes,
        })
    }
}

pub(super) async fn serve(listener: std::net::TcpListener, state: Arc<State>) -> anyhow::Result<()> {
    let app = axum::Router::new().fallback(move |request: Request| {
        let state = Arc::clone(&state);
        async move { answer(&state, request).await }
    });
    axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?;
    Ok(())
}

async fn answer(state: &Arc<State>, request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(String::new, |path| path.as_str().to_owned());
    let row = Arc::new(Row {
        method: request.method().to_string(),
        path: path.clone(),
        authorized: request.headers().contains_key(header::AUTHORIZATION),
        status: AtomicU16::new(0),
        up: AtomicU64::new(0),
        down: AtomicU64::new(0),
    });
    lock(&state.rows).push(Arc::clone(&row));
    let response = if let Some(canned) = state.take_canned(&path) {
        drain(request, &row).await;
        from_can(&canned)
    } else if let Some(guest) = state.knows(request.headers()) {
        if !guest.writes && path.contains("git-receive-pack") {
            drain(request, &row).await;
            row.status.store(403, Ordering::SeqCst);
            return plain(StatusCode::FORBIDDEN, "Write access to repository not granted.\n");
        }
        quirky(state, request, &guest.name, &row)
            .await
            .unwrap_or_else(|error| plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}\n")))
    } else {
        drain(request, &row).await;
        let mut response = plain(StatusCode::UNAUTHORIZED, "who are you?\n");
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"sandbox\""),
        );
        response
    };
    row.status.store(response.status().as_u16(), Ordering::SeqCst);
    response
}

/// Answers as a host does that is not git's own server.
async fn quirky(state: &State, request: Request, user: &str, row: &Arc<Row>) -> anyhow::Result<Response> {
    match state.quirk {
        None => run(state, request, user, row).await,
        Some(Quirk::MultiAck) => {
            let fetch = request.method() == "POST" && request.uri().path().ends_with("git-upload-pack");
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
            if fetch && !String::from_utf8_lossy(first).contains("multi_ack") {
                let text = "The Git protocol sent is not as expected (clients must support multi-ack).\n";
                return Ok(plain(StatusCode::BAD_REQUEST, text));
            }
            run(state, Request::from_parts(head, Body::from(body)), user, row).await
        }
        Some(Quirk::ContentType) => {
            let mut response = run(state, request, user, row).await?;
            if let Some(kind) = response.headers().get(header::CONTENT_TYPE) {
                let kind = format!(
                    "{} ; charset=UTF-8",
                    kind.to_str()?.replace("application", "Application")
                );
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::try_from(kind)?);
            }
            Ok(response)
        }
    }
}

async fn drain(request: Request, row: &Row) {
    if let Ok(body) = request.into_body().collect().await {
        row.up.store(body.to_bytes().len() as u64, Ordering::SeqCst);
    }
}

fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn from_can(canned: &Canned) -> Response {
    let mut response = Response::new(Body::from(canned.body.clone()));
    *response.status_mut() = StatusCode::from_u16(canned.status).unwrap_or(StatusCode::IM_A_TEAPOT);
    for (name, value) in &canned.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Runs the CGI program for one request. The worker's permit lives as long as the program.
async fn run(state: &State, request: Request, user: &str, row: &Arc<Row>) -> anyhow::Result<Response> {
    let permit = Arc::clone(&state.workers).acquire_owned().await?;
    let mut child = command(state, &request, user)
        .spawn()
        .context("start git http-backend")?;
    let stdin = child.stdin.take().context("git http-backend has no stdin")?;
    let stdout = child.stdout.take().context("git http-backend has no stdout")?;
    let fed = tokio::spawn(feed(request.into_body(), stdin, Arc::clone(row)));
    let ended = tokio::spawn(async move {
        // The program spins for ever on a body that ends too early; a real web server stops it then, too.
        let whole = fed.await.unwrap_or(false);
        if !whole {
            let _ = child.start_kill();
        }
        let _ = child.wait().await;
        drop(permit);
    });
    let mut stdout = BufReader::new(stdout);
    let (status, headers) = cgi_head(&mut stdout).await?;
    let (send, receive) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(4);
    let row = Arc::clone(row);
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let part = match stdout.read(&mut buffer).await {
                Ok(0) => break,
                Ok(n) => Ok(Bytes::copy_from_slice(buffer.get(..n).unwrap_or_default())),
                Err(error) => Err(error),
            };
            let count = part.as_ref().map_or(0, Bytes::len) as u64;
            row.down.fetch_add(count, Ordering::SeqCst);
            if send.send(part).await.is_err() {
                break;
            }
        }
        // The program is waited for before the answer ends: who has the answer sees what it did.
        let _ = ended.await;
        drop(send);
    });
    let stream = tokio_stream::wrappers::ReceiverStream::new(receive);
    let mut response = Response::new(Body::from_stream(stream));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn command(state: &State, request: &Request, user: &str) -> Command {
    let mut command = Command::new(&state.git);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &state.root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", &state.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("REQUEST_METHOD", request.method().as_str())
        .env("PATH_INFO", request.uri().path())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("REMOTE_USER", user)
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (name, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-length", "CONTENT_LENGTH"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(value) = value
            && (state.protocol_v2 || variable != "GIT_PROTOCOL")
        {
            command.env(variable, value);
        }
    }
    command
}

/// Passes the body on; returns whether it was whole.
async fn feed(mut body: Body, mut stdin: ChildStdin, row: Arc<Row>) -> bool {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        if let Ok(part) = frame.into_data() {
            row.up.fetch_add(part.len() as u64, Ordering::SeqCst);
            // A program that has read enough closes its end; the rest of the body is of no interest then.
            let _ = stdin.write_all(&part).await;
        }
    }
    true
}

async fn cgi_head(out: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> anyhow::Result<(StatusCode, HeaderMap)> {
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    loop {
        let mut line = String::new();
        if out.read_line(&mut line).await? == 0 {
            bail!("git http-backend ended without an answer");
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').context("git http-backend sent no CGI header")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            status = StatusCode::from_bytes(code.as_bytes())?;
        } else {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
    }
}
