//! A scripted HTTP server on loopback, which writes down what it is asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};

/// The server; it ends with the process.
pub(crate) struct Server {
    pub(crate) host: String,
    asked: Arc<Mutex<Vec<Json>>>,
}

/// Names that every client sets in its own way.
const OF_THE_CLIENT: [&str; 6] = [
    "accept",
    "accept-encoding",
    "content-length",
    "user-agent",
    "connection",
    "host",
];

impl Server {
    /// Starts one that answers as the input of a case says.
    pub(crate) fn start(input: &Json) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (input, host_of_server, log) = (input.clone(), host.clone(), asked.clone());
        if input["down"] == true {
            // Nobody listens any more once this is dropped.
            drop(listener);
            return Self { host, asked };
        }
        std::thread::spawn(move || {
            let mut count = 0;
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                serve(stream, &input, &host_of_server, &log, &mut count);
            }
        });
        Self { host, asked }
    }

    /// Returns the requests in their order.
    pub(crate) fn asked(&self) -> Vec<Json> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, input: &Json, host: &str, log: &Mutex<Vec<Json>>, count: &mut usize) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if !line.contains("HTTP/1.") {
            let _ = writer.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request");
            return;
        }
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length: usize = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        if input["tls"] == true {
            let said = "Client sent an HTTP request to an HTTPS server.\n";
            let _ = writer.write_all(format!("HTTP/1.0 400 Bad Request\r\n\r\n{said}").as_bytes());
            return;
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request = json!({"method": method, "path": path, "host": headers["host"].replace(host, "$HOST")});
        if !query.is_empty() {
            request["query"] = pairs(query);
        }
        if !body.is_empty() {
            request["form"] = pairs(std::str::from_utf8(&body).unwrap());
        }
        let kept = headers
            .iter()
            .filter(|(name, _)| !OF_THE_CLIENT.contains(&name.as_str()));
        let kept: BTreeMap<_, _> = kept
            .map(|(name, value)| (name.clone(), value.replace(host, "$HOST")))
            .collect();
        if !kept.is_empty() {
            request["headers"] = json!(kept);
        }
        log.lock().unwrap().push(request);
        let replies = match &input["paths"][path] {
            Json::Null => &input["replies"],
            found => found,
        };
        let reply = match replies.as_array() {
            Some(list) => list
                .get((*count).min(list.len().saturating_sub(1)))
                .cloned()
                .unwrap_or_default(),
            None => replies.clone(),
        };
        if input["paths"][path].is_null() {
            *count += 1;
        }
        if !answer(&mut writer, &reply, host) {
            return;
        }
    }
}

/// Answers; `false` where the connection is cut.
fn answer(writer: &mut TcpStream, reply: &Json, host: &str) -> bool {
    std::thread::sleep(Duration::from_millis(reply["delay_ms"].as_u64().unwrap_or(0)));
    if reply["close"] == true {
        return false;
    }
    let status = reply["status"].as_u64().unwrap_or(200);
    let body = reply["body"].as_str().unwrap_or_default().replace("$HOST", host);
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    let kind = reply["content_type"].as_str().unwrap_or("application/json");
    write!(head, "Content-Type: {kind}\r\n").unwrap();
    for (name, value) in reply["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap();
        write!(
            head,
            "{name}: {}\r\n",
            value
                .replace("$SERVER", &format!("http://{host}"))
                .replace("$HOST", host)
        )
        .unwrap();
    }
    if status == 204 {
        head += "\r\n";
        return writer.write_all(head.as_bytes()).is_ok();
    }
    write!(head, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    writer.write_all(head.as_bytes()).is_ok()
}

fn pairs(text: &str) -> Json {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        all.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    json!(all)
}
