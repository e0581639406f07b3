//! A forward proxy, as `HTTPS_PROXY` and `HTTP_PROXY` name one: every host that it is asked for is the same server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::lock;
use super::proxy::{end_of_head, listen};

/// A proxy that tunnels `CONNECT` and passes plain requests on.
pub struct ForwardProxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _stop: oneshot::Sender<()>,
}

impl ForwardProxy {
    /// Starts it; whatever host is asked for, `server` answers.
    ///
    /// # Errors
    /// The port cannot be had.
    pub fn start(server: SocketAddr) -> anyhow::Result<Self> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        let (address, stop) = listen(move |client| {
            let seen = Arc::clone(&shared);
            async move {
                let _ = pass(client, server, &seen).await;
            }
        })?;
        Ok(Self {
            address,
            seen,
            _stop: stop,
        })
    }

    /// Returns its address, as a proxy variable names it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the first line of what each connection asked for first.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        lock(&self.seen).clone()
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, seen: &Mutex<Vec<String>>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    while end_of_head(&bytes).is_none() {
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next().unwrap_or_default().to_owned();
    let tunnel = line.starts_with("CONNECT ");
    lock(seen).push(line);
    let mut upstream = TcpStream::connect(server).await?;
    upstream.set_nodelay(true)?;
    if tunnel {
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    } else {
        upstream.write_all(&bytes).await?;
    }
    copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}
