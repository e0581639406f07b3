//! The streams: server-sent events with keepalives, or lines of JSON without. Headers go out with the first frame, not before.

use std::sync::Arc;

use axum::body::Body;
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::super::World;
use super::super::accounts::Account;
use super::super::application::{App, Frame};
use super::super::tree;
use super::applications::{only, shown};
use super::{Ask, Reply, find};

type Sent = Result<String, std::convert::Infallible>;

/// A stream that has begun.
pub(crate) struct Streamed {
    events: bool,
    body: Body,
}

impl Streamed {
    pub(crate) fn content_type(&self) -> &'static str {
        if self.events {
            "text/event-stream"
        } else {
            "application/json"
        }
    }

    pub(crate) fn into_body(self) -> Body {
        self.body
    }
}

/// Writes frames in one of the two framings, and the record of them when the reader is gone.
struct Writer {
    world: Arc<World>,
    path: String,
    events: bool,
    to: mpsc::Sender<Sent>,
    last: Value,
    frames: Vec<Value>,
}

impl Writer {
    fn open(world: &Arc<World>, ask: &Ask) -> (Self, Streamed) {
        let (to, from) = mpsc::channel(1000);
        let writer = Self {
            world: Arc::clone(world),
            path: ask
                .line
                .strip_prefix(&world.options.root_path)
                .unwrap_or(&ask.line)
                .to_owned(),
            events: ask.accepts_events(),
            to,
            last: Value::Null,
            frames: Vec::new(),
        };
        let body = Body::from_stream(ReceiverStream::new(from));
        let streamed = Streamed {
            events: writer.events,
            body,
        };
        (writer, streamed)
    }

    /// Sends a frame, unless it is the same as the one before. Returns false when nobody reads.
    async fn frame(&mut self, result: Value) -> bool {
        if result == self.last {
            return !self.to.is_closed();
        }
        let frame = json!({"result": result});
        let text = if self.events {
            format!("data: {frame} \n\n\n")
        } else {
            format!("{frame}\n")
        };
        self.last = result;
        if self.is_muted() {
            return !self.to.is_closed();
        }
        self.frames.push(frame);
        self.to.send(Ok(text)).await.is_ok()
    }

    fn is_muted(&self) -> bool {
        self.world.faults.is_muted()
    }

    /// Sends a keepalive, which only events have.
    async fn keep_alive(&self) -> bool {
        if self.events && !self.is_muted() {
            self.to.send(Ok(":\n".to_owned())).await.is_ok()
        } else {
            !self.to.is_closed()
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let frames = json!(self.frames);
        self.world
            .exchanges
            .write("GET", &self.path, &Value::Null, 200, &frames);
    }
}

/// The applications, or the one, that a stream is about, as far as they are shown to the account.
fn about(world: &World, ask: &Ask, account: &Account) -> Vec<Arc<App>> {
    match ask.query("name") {
        Some(name) => find(world, ask, account, name).ok().into_iter().collect(),
        None if account.may("applications/get") => (world.all().into_iter())
            .filter(|app| account.acts_in(&app.look(|state| state.project())))
            .collect(),
        None => Vec::new(),
    }
}

/// It begins with what there is; one on something missing or hidden answers nothing at all, no header either, until it is there.
pub(crate) async fn applications(world: &Arc<World>, ask: &Ask, account: &Account) -> Reply {
    loop {
        let made = world.created.notified();
        if !about(world, ask, account).is_empty() {
            break;
        }
        made.await;
    }
    let (writer, streamed) = Writer::open(world, ask);
    tokio::spawn(watch(writer, ask.clone(), account.clone()));
    Reply::Stream(streamed)
}

async fn watch(mut writer: Writer, ask: Ask, account: Account) {
    let fields = ask.query("fields");
    let fields: Option<Vec<&str>> = fields.map(|fields| fields.split(',').collect());
    let result = |kind: &str, object: &Value| {
        let whole = json!({"type": kind, "application": shown(object)});
        match &fields {
            None => whole,
            Some(fields) => {
                let paths: Vec<&str> = fields
                    .iter()
                    .filter_map(|field| field.strip_prefix("result."))
                    .collect();
                only(&whole, &paths)
            }
        }
    };
    let (merged, mut next) = mpsc::channel::<Frame>(1000);
    let world = Arc::clone(&writer.world);
    let mut watched: Vec<Arc<App>> = Vec::new();
    loop {
        let made = world.created.notified();
        for app in about(&world, &ask, &account) {
            if watched.iter().any(|known| Arc::ptr_eq(known, &app)) {
                continue;
            }
            let (object, frames) = app.watch();
            if !writer.frame(result("ADDED", &object)).await {
                return;
            }
            tokio::spawn(forward(frames, merged.clone()));
            watched.push(app);
        }
        tokio::pin!(made);
        loop {
            let alive = tokio::select! {
                Some(frame) = next.recv() => writer.frame(result(frame.kind, &frame.application)).await,
                () = world.clock.pass(15.0) => writer.keep_alive().await,
                () = writer.to.closed() => return,
                () = world.faults.cut.notified() => return,
                () = &mut made => break,
            };
            if !alive {
                return;
            }
        }
    }
}

async fn forward(mut frames: broadcast::Receiver<Frame>, to: mpsc::Sender<Frame>) {
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => frame,
            () = to.closed() => return,
        };
        let alive = match frame {
            Ok(frame) => to.send(frame).await.is_ok(),
            // Events are dropped for a slow reader, silently.
            Err(broadcast::error::RecvError::Lagged(_)) => true,
            Err(broadcast::error::RecvError::Closed) => false,
        };
        if !alive {
            return;
        }
    }
}

/// Frames are whole trees, sent when something changed.
pub(crate) fn tree(world: &Arc<World>, ask: &Ask, account: &Account, name: &str) -> Reply {
    let app = match find(world, ask, account, name) {
        Ok(app) => app,
        Err(reply) => return reply,
    };
    let (mut writer, streamed) = Writer::open(world, ask);
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let mut quiet = 0.0;
        loop {
            if !writer.frame(tree::tree(&world, &app)).await {
                return;
            }
            world.clock.pass(0.5).await;
            quiet += 0.5;
            if quiet >= 15.0 {
                quiet = 0.0;
                if !writer.keep_alive().await {
                    return;
                }
            }
        }
    });
    Reply::Stream(streamed)
}
