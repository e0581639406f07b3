//! A stand-in of Prometheus: answers the queries it was given values for, as strictly as the real one reads a request.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::exchange::{self, Request};

/// What a query returns.
#[derive(Clone, Debug)]
pub enum Series {
    /// One sample of each series, as Prometheus writes numbers: `0.97`, `NaN`.
    Vector(Vec<&'static str>),
    /// One number.
    Scalar(&'static str),
}

#[derive(Debug, Default)]
struct State {
    series: BTreeMap<String, Series>,
    /// What every other query returns.
    otherwise: Option<Series>,
    token: Option<String>,
    /// A status that every request gets, instead of an answer.
    down: Option<u16>,
    /// Where every request is sent instead.
    elsewhere: Option<String>,
    /// How many more requests get that status; `None` = all.
    down_for: Option<usize>,
    /// The body of every answer ends in the middle.
    cut: bool,
    warnings: Vec<String>,
    asked: usize,
    /// Answers everything with an error that repeats the `Authorization` of the request.
    echoes: bool,
}

/// A running stand-in. It ends with the process.
#[derive(Clone, Debug)]
pub struct Prometheus {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Prometheus {
    /// Starts one on loopback.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || while serve(&stream, &shared).unwrap_or(false) {});
            }
        });
        Ok(Self { url, state })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets what a query returns from now on.
    pub fn set(&self, query: &str, series: Series) {
        self.with(|state| state.series.insert(query.to_owned(), series));
    }

    /// Sets what every query returns that nothing else was set for.
    pub fn otherwise(&self, series: Series) {
        self.with(|state| state.otherwise = Some(series));
    }

    /// Wants this token from now on.
    pub fn want_token(&self, token: &str) {
        self.with(|state| state.token = Some(token.to_owned()));
    }

    /// Answers everything with this status; `None` answers again.
    pub fn fail(&self, status: Option<u16>) {
        self.with(|state| (state.down, state.down_for) = (status, None));
    }

    /// Answers the next requests with this status.
    pub fn fail_next(&self, count: usize, status: u16) {
        self.with(|state| (state.down, state.down_for) = (Some(status), Some(count)));
    }

    /// Answers everything from now on with an error that repeats the `Authorization` of the request, as a server in debug mode does.
    pub fn echo(&self) {
        self.with(|state| state.echoes = true);
    }

    /// Ends the connection in the middle of every answer.
    pub fn cut(&self, cut: bool) {
        self.with(|state| state.cut = cut);
    }

    /// Sends everybody to another address, with 307.
    pub fn redirect(&self, to: &str) {
        self.with(|state| state.elsewhere = Some(to.to_owned()));
    }

    /// Warns with every answer from now on.
    pub fn warn(&self, warning: &str) {
        self.with(|state| state.warnings.push(warning.to_owned()));
    }

    /// Returns how many requests came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.with(|state| state.asked)
    }
}

/// Answers one request; `false` at the end of the connection.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<bool> {
    let Some(request) = exchange::next(stream)? else {
        return Ok(false);
    };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.asked += 1;
    match state.down_for {
        Some(0) => (state.down, state.down_for) = (None, None),
        Some(left) => state.down_for = Some(left - 1),
        None => {}
    }
    let (status, location, answer) = answered(&state, &request);
    let text = answer.to_string();
    let location = location
        .map(|location| format!("Location: {location}\r\n"))
        .unwrap_or_default();
    let head = format!("HTTP/1.1 {status} Stand-in\r\nContent-Type: application/json\r\n{location}");
    let mut writer = stream;
    let sent = if state.cut {
        text.split_at(text.len() / 2).0
    } else {
        &text
    };
    writer.write_all(format!("{head}Content-Length: {}\r\n\r\n{sent}", text.len()).as_bytes())?;
    if state.cut {
        stream.shutdown(std::net::Shutdown::Both)?;
    }
    Ok(!state.cut)
}

fn answered(state: &State, request: &Request) -> (u16, Option<String>, Value) {
    let Request {
        method,
        target,
        headers,
        body,
    } = request;
    let body = String::from_utf8_lossy(body);
    let bad = |why: &str| {
        (
            400,
            None,
            json!({"status": "error", "errorType": "bad_data", "error": why}),
        )
    };
    let (path, in_url) = target.split_once('?').unwrap_or((target, ""));
    if let Some(elsewhere) = &state.elsewhere {
        return (307, Some(format!("{elsewhere}{target}")), json!({}));
    }
    let wanted = state.token.as_ref().map(|token| format!("Bearer {token}"));
    if wanted.is_some() && headers.get("authorization") != wanted.as_ref() {
        return (401, None, json!({}));
    }
    if state.echoes {
        let sent = headers.get("authorization").map_or("", String::as_str);
        return bad(&format!("debug: got {sent} of you"));
    }
    if let Some(status) = state.down {
        return (status, None, json!({}));
    }
    let form = headers.get("content-type").map(String::as_str) == Some("application/x-www-form-urlencoded");
    let parameters = match method.as_str() {
        "POST" if form => parameters(&format!("{in_url}&{body}")),
        "GET" => parameters(in_url),
        "POST" => parameters(in_url),
        _ => return (405, None, json!({})),
    };
    let number = |name: &str| {
        parameters
            .get(name)
            .is_some_and(|value| value.parse::<f64>().is_ok_and(f64::is_finite))
    };
    let range = match path {
        "/api/v1/query" => false,
        "/api/v1/query_range" => true,
        _ => return (404, None, json!({})),
    };
    let times: &[&str] = if range { &["start", "end", "step"] } else { &["time"] };
    if !times.iter().all(|name| number(name)) {
        return bad("invalid parameter: cannot parse a time to a valid timestamp");
    }
    let known = |query: &String| state.series.get(query).or(state.otherwise.as_ref());
    let series = match parameters.get("query").map(known) {
        Some(Some(series)) => series,
        _ => return bad("invalid parameter \"query\": parse error"),
    };
    let data = match (series, range) {
        (Series::Scalar(value), false) => json!({"resultType": "scalar", "result": [1.5, value]}),
        (Series::Scalar(value), true) => {
            json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, value]]}]})
        }
        (Series::Vector(values), _) => {
            let one = |value: &&str| {
                if range {
                    json!({"metric": {}, "values": [[1, value]]})
                } else {
                    json!({"metric": {}, "value": [1.5, value]})
                }
            };
            let kind = if range { "matrix" } else { "vector" };
            json!({"resultType": kind, "result": values.iter().map(one).collect::<Vec<_>>()})
        }
    };
    let mut answer = json!({"status": "success", "data": data});
    if !state.warnings.is_empty() {
        answer["warnings"] = json!(state.warnings);
    }
    (200, None, answer)
}

/// Reads a form.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => {
                let digits =
                    [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                let [Some(high), Some(low)] = digits else { continue };
                u8::try_from(high * 16 + low).unwrap_or(b'?')
            }
            other => other,
        };
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
