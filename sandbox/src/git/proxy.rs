//! What lies between: a proxy that harms chosen HTTP exchanges, and a relay that makes every byte late.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{lock, on_own_thread};

/// What happens to one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes before the server hears of the request.
    CutBefore,
    /// The server does its work; the connection closes instead of the answer.
    CutAfter,
    /// The answer ends in the middle of its body, and the connection closes.
    Truncate,
    /// The server hears nothing, and the answer is this status.
    Status(u16),
    /// The server does its work, and the answer is this status.
    StatusAfter(u16),
    /// The server hears nothing, and the answer asks to come again in a second: 429.
    Limit,
    /// The server does its work, and the answer redirects to another port of the same machine.
    RedirectAfter,
    /// The server hears nothing, and the answer is a report on a push: `unpack ok` and this line.
    Report(&'static str),
    /// The server does its work, and the answer is a report on a push: `unpack ok` and this line.
    ReportAfter(&'static str),
    /// The answer comes later by this.
    Delay(Duration),
    /// The answer comes in pieces of a few bytes.
    Slow,
    /// Only half of the request reaches the server before its connection is half-closed; the answer, if any, is passed on.
    HalfClosed,
}

struct Plan {
    faults: Vec<(usize, Fault)>,
    count: usize,
    seen: Vec<String>,
}

/// An HTTP/1.1 proxy before one server; each request is a new connection to it.
pub struct FaultyProxy {
    address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    _stop: oneshot::Sender<()>,
}

impl FaultyProxy {
    /// Starts it before `server`. Each of `faults` harms one exchange, counted from 0.
    ///
    /// # Errors
    /// The port cannot be had.
    pub fn start(server: SocketAddr, faults: &[(usize, Fault)]) -> anyhow::Result<Self> {
        let plan = Arc::new(Mutex::new(Plan {
            faults: faults.to_vec(),
            count: 0,
            seen: Vec::new(),
        }));
        let shared = Arc::clone(&plan);
        let (address, stop) = listen(move |client| {
            let plan = Arc::clone(&shared);
            async move {
                let _ = exchange(client, server, &plan).await;
            }
        })?;
        Ok(Self {
            address,
            plan,
            _stop: stop,
        })
    }

    /// Returns the address of a repository as seen through this.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}.git", self.address)
    }

    /// Returns the first line of every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        lock(&self.plan).seen.clone()
    }
}

/// What went through a relay.
#[derive(Debug, Default)]
struct Passed {
    connections: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

/// A relay of bytes that come out `delay` after they went in, each way.
pub struct Relay {
    address: SocketAddr,
    passed: Arc<Passed>,
    _stop: oneshot::Sender<()>,
}

impl Relay {
    /// Starts it before `server`; a round trip takes twice `delay` longer.
    ///
    /// # Errors
    /// The port cannot be had.
    pub fn start(server: SocketAddr, delay: Duration) -> anyhow::Result<Self> {
        let passed = Arc::new(Passed::default());
        let shared = Arc::clone(&passed);
        let (address, stop) = listen(move |client| {
            let passed = Arc::clone(&shared);
            async move {
                passed.connections.fetch_add(1, Ordering::SeqCst);
                // The handshake of a connection takes a round trip, too; this end of it is on loopback.
                tokio::time::sleep(2 * delay).await;
                let Ok(upstream) = TcpStream::connect(server).await else {
                    return;
                };
                let _ = upstream.set_nodelay(true);
                let (client_in, client_out) = client.into_split();
                let (server_in, server_out) = upstream.into_split();
                tokio::join!(
                    late(client_in, server_out, delay, &passed.up),
                    late(server_in, client_out, delay, &passed.down)
                );
            }
        })?;
        Ok(Self {
            address,
            passed,
            _stop: stop,
        })
    }

    /// Returns the connections and the bytes up and down since the last time this was asked.
    #[must_use]
    pub fn passed(&self) -> (u64, u64, u64) {
        let Passed { connections, up, down } = &*self.passed;
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        (take(connections), take(up), take(down))
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

pub(super) fn listen<F, H>(handle: H) -> anyhow::Result<(SocketAddr, oneshot::Sender<()>)>
where
    H: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let stop = on_own_thread(move || async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (client, _) = listener.accept().await?;
            client.set_nodelay(true)?;
            tokio::spawn(handle(client));
        }
    })?;
    Ok((address, stop))
}

async fn late(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin + Send + 'static,
    delay: Duration,
    count: &AtomicU64,
) {
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel::<(tokio::time::Instant, Vec<u8>)>();
    let writer = tokio::spawn(async move {
        while let Some((at, bytes)) = receive.recv().await {
            tokio::time::sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer.get(..n).unwrap_or_default().to_vec();
        count.fetch_add(n as u64, Ordering::SeqCst);
        if send.send((tokio::time::Instant::now() + delay, bytes)).is_err() {
            break;
        }
    }
    drop(send);
    let _ = writer.await;
}

/// Passes one request on; every answer says `connection: close`, so there is one to a connection.
async fn exchange(mut client: TcpStream, server: SocketAddr, plan: &Mutex<Plan>) -> anyhow::Result<()> {
    let Some(request) = read_request(&mut client).await? else {
        return Ok(());
    };
    let fault = {
        let mut plan = lock(plan);
        let at = plan.count;
        plan.count += 1;
        plan.seen.push(request.first_line());
        plan.faults.iter().find(|(n, _)| *n == at).map(|(_, fault)| *fault)
    };
    let whole = request.all();
    let half = whole.len() - request.body.len().div_ceil(2);
    let answer = match fault {
        Some(Fault::CutBefore) => return Ok(()),
        Some(Fault::Status(status)) => bare(status),
        Some(Fault::Limit) => {
            b"HTTP/1.1 429 Fault\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()
        }
        Some(Fault::Report(line)) => report(line),
        Some(Fault::HalfClosed) => ask(server, whole.get(..half).unwrap_or_default(), true).await?,
        _ => ask(server, &whole, false).await?,
    };
    match fault {
        Some(Fault::CutAfter) => return Ok(()),
        Some(Fault::StatusAfter(status)) => client.write_all(&bare(status)).await?,
        Some(Fault::ReportAfter(line)) => client.write_all(&report(line)).await?,
        Some(Fault::RedirectAfter) => {
            let to = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            client.write_all(to.as_bytes()).await?;
        }
        Some(Fault::Truncate) => {
            let head = end_of_head(&answer).unwrap_or(0);
            let half = head + (answer.len() - head) / 2;
            client.write_all(answer.get(..half).unwrap_or_default()).await?;
        }
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            client.write_all(&answer).await?;
        }
        Some(Fault::Slow) => {
            for piece in answer.chunks(7.max(answer.len() / 200)) {
                client.write_all(piece).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        _ => client.write_all(&answer).await?,
    }
    client.shutdown().await?;
    Ok(())
}

fn bare(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} Fault\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

fn report(line: &str) -> Vec<u8> {
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let body = format!("{}{}0000", packet("unpack ok\n"), packet(&format!("{line}\n")));
    let kind = "application/x-git-receive-pack-result";
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// Sends the whole request on a new connection and reads until the server closes it.
async fn ask(server: SocketAddr, request: &[u8], half_close: bool) -> anyhow::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(server).await?;
    upstream.write_all(request).await?;
    if half_close {
        upstream.shutdown().await?;
    }
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    Ok(answer)
}

struct Request {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    fn all(&self) -> Vec<u8> {
        [self.head.as_slice(), self.body.as_slice()].concat()
    }

    fn first_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.head);
        text.lines().next().unwrap_or_default().to_owned()
    }
}

pub(super) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

async fn read_request(client: &mut TcpStream) -> anyhow::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(head) = end_of_head(&bytes) {
            break head;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8(bytes.get(..head).unwrap_or_default().to_vec())?;
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>())
        .context("read content-length")?;
    while bytes.len() < head + length {
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let lines = text.lines().filter(|line| {
        !line.is_empty()
            && !line
                .split_once(':')
                .is_some_and(|(n, _)| n.eq_ignore_ascii_case("connection"))
    });
    let head_text = lines.map(|line| format!("{line}\r\n")).collect::<String>() + "connection: close\r\n\r\n";
    Ok(Some(Request {
        head: head_text.into_bytes(),
        body: bytes.split_off(head),
    }))
}
