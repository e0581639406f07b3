//! What stands in front of a server and misbehaves at chosen requests: hangs, drips, asks for patience, or answers by itself. Every other
//! request is passed on, with its answer.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::git::lock;

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Not at all: the connection stays open.
    Hangs,
    /// With a head that promises much, and a byte now and then. The content type is given.
    Drips(&'static str),
    /// With 503 and the wish to be left alone for so many seconds.
    Busy(u32),
    /// With this: a status, further lines of the head (each with its line end), and a body.
    Says(u16, String, Arc<Vec<u8>>),
    /// By the server, whose answer is held back for this time.
    Late(Duration),
    /// With JSON that is made of the request.
    Makes(fn(&str) -> String),
}

/// Which requests are answered, and how.
#[derive(Clone, Debug)]
struct Rule {
    /// What their first line or body contains.
    part: String,
    /// How many of them are passed on before.
    spared: usize,
    manner: Manner,
}

/// A server in front of another one. It ends with the process.
#[derive(Clone, Debug)]
pub struct Front {
    address: SocketAddr,
    rules: Arc<Mutex<Vec<Rule>>>,
    met: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// Starts one on loopback, before `server`.
    ///
    /// # Errors
    /// No port is free.
    pub fn before(server: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let front = Self {
            address: listener.local_addr()?,
            rules: Arc::default(),
            met: Arc::default(),
        };
        let shared = front.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let front = shared.clone();
                std::thread::spawn(move || front.serve(client, server));
            }
        });
        Ok(front)
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its address as a URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests whose first line or body contains `part` in this manner, from now on.
    pub fn on(&self, part: &str, manner: Manner) {
        self.after(0, part, manner);
    }

    /// The same after so many of them were passed on.
    pub fn after(&self, spared: usize, part: &str, manner: Manner) {
        let part = part.to_owned();
        lock(&self.rules).push(Rule { part, spared, manner });
    }

    /// Returns how a request is answered; `None` where it is passed on.
    fn manner(&self, asked: &str) -> Option<Manner> {
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| asked.contains(rule.part.as_str()))?;
        if rule.spared == 0 {
            return Some(rule.manner.clone());
        }
        rule.spared -= 1;
        None
    }

    /// Returns the first line of each request that was not passed on.
    #[must_use]
    pub fn met(&self) -> Vec<String> {
        lock(&self.met).clone()
    }

    fn serve(&self, mut client: TcpStream, server: SocketAddr) -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let (mut lines, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim_end().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
            if !name.eq_ignore_ascii_case("connection") {
                lines.push(line);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let first = lines.first().cloned().unwrap_or_default();
        let asked = format!("{first}{}", String::from_utf8_lossy(&body));
        let Some(manner) = self.manner(&asked) else {
            return pass(&mut client, server, &lines, &body);
        };
        lock(&self.met).push(first);
        if let Manner::Late(pause) = manner {
            let mut held = Vec::new();
            pass(&mut held, server, &lines, &body)?;
            std::thread::sleep(pause);
            return client.write_all(&held);
        }
        answer(&mut client, &manner, &asked)
    }
}

fn answer(client: &mut TcpStream, manner: &Manner, asked: &str) -> std::io::Result<()> {
    match manner {
        Manner::Hangs => loop {
            // Nothing more comes from the client than the end of the connection.
            if client.read(&mut [0; 64])? == 0 {
                return Ok(());
            }
        },
        Manner::Late(pause) => {
            std::thread::sleep(*pause);
            Ok(())
        }
        Manner::Drips(kind) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 999999\r\n\r\n");
            client.write_all(head.as_bytes())?;
            loop {
                client.write_all(b" ")?;
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        Manner::Busy(seconds) => {
            let head = format!(
                "HTTP/1.1 503 Busy\r\nretry-after: {seconds}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            client.write_all(head.as_bytes())
        }
        Manner::Makes(make) => {
            let body = make(asked).into_bytes();
            let headers = "content-type: application/json\r\n".to_owned();
            answer(client, &Manner::Says(200, headers, Arc::new(body)), asked)
        }
        Manner::Says(status, headers, body) => {
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
            client.write_all(head.as_bytes())?;
            client.write_all(body)
        }
    }
}

/// Passes a request on, and the answer back: up to its length, if it says one, else to the end of the connection.
fn pass(client: &mut impl Write, server: SocketAddr, lines: &[String], body: &[u8]) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(format!("{}connection: close\r\n\r\n", lines.concat()).as_bytes())?;
    upstream.write_all(body)?;
    let mut reader = BufReader::new(upstream);
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim_end().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<u64>().ok();
        }
        if !name.eq_ignore_ascii_case("connection") {
            client.write_all(line.as_bytes())?;
        }
    }
    client.write_all(b"connection: close\r\n\r\n")?;
    let mut left = length.unwrap_or(u64::MAX);
    let mut buffer = [0; 16 * 1024];
    while left > 0 {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        client.write_all(buffer.get(..count).unwrap_or_default())?;
        left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
    }
    Ok(())
}
