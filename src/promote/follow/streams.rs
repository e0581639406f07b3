//! Listens to the streams of changes, opens them again when they break, and returns whether they can be relied upon.
//! Knows applications by name only; what a change means is not known here.

use std::time::Duration;

use crate::delivery::{Change, Changes, Observe, Problem, Scope};
use crate::model::{AppSnapshot, ApplicationId, Clock};

use crate::promote::underway::{Underway, backoff};

/// Up to so many applications have a stream each; more share one of all that the token may see.
const OWN: usize = 4;
/// Three keepalives: a stream that was silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(45);

/// What a stream has to say.
pub(in crate::promote) enum Heard {
    /// An application, as it is now.
    Seen(Box<AppSnapshot>),
    /// It is gone, or the stream broke: look for yourself.
    Look(Option<Box<AppSnapshot>>),
    /// The server rejects the token.
    Denied(Problem),
}

enum Came {
    Opened(Result<Box<dyn Changes>, Problem>),
    Next(Box<dyn Changes>, Change),
}

/// One stream, as it stands.
struct Line {
    scope: Scope,
    /// Counts its connections: what an older one still says is not listened to.
    connection: u32,
    open: bool,
    connecting: bool,
    failures: u32,
    heard: Duration,
    retry: Duration,
}

/// All streams of a wait.
pub(in crate::promote) struct Listening<'a> {
    observe: &'a dyn Observe,
    lines: Vec<Line>,
    underway: Underway<'a, (usize, u32, Came)>,
}

impl<'a> Listening<'a> {
    pub(in crate::promote) fn new(observe: &'a dyn Observe, ids: &[ApplicationId], now: Duration) -> Self {
        let scopes: Vec<Scope> = if ids.len() <= OWN || !observe.is_one() {
            ids.iter().cloned().map(Scope::One).collect()
        } else {
            vec![Scope::All]
        };
        let line = |scope| Line {
            scope,
            connection: 0,
            open: false,
            connecting: false,
            failures: 0,
            heard: now,
            retry: now,
        };
        Self {
            observe,
            lines: scopes.into_iter().map(line).collect(),
            underway: Underway::new(),
        }
    }

    /// Opens what is not open, and gives up what is silent.
    pub(in crate::promote) fn tend(&mut self, now: Duration) {
        for (at, line) in self.lines.iter_mut().enumerate() {
            if line.open && now >= line.heard.saturating_add(SILENCE) {
                line.open = false;
                line.retry = now;
            }
            if !line.open && !line.connecting && now >= line.retry {
                line.connecting = true;
                line.connection += 1;
                let (observe, scope, connection) = (self.observe, line.scope.clone(), line.connection);
                self.underway
                    .add(async move { (at, connection, Came::Opened(observe.stream(&scope).await)) });
            }
        }
    }

    /// Whether every change arrives.
    pub(in crate::promote) fn is_live(&self) -> bool {
        self.lines.iter().all(|line| line.open)
    }

    /// Returns what is heard next. May be dropped at any point.
    pub(in crate::promote) async fn next(&mut self, clock: &dyn Clock) -> Heard {
        loop {
            let (at, connection, came) = self.underway.next().await;
            if let Some(heard) = self.take(at, connection, came, clock.now()) {
                return heard;
            }
        }
    }

    fn take(&mut self, at: usize, connection: u32, came: Came, now: Duration) -> Option<Heard> {
        let line = self.lines.get_mut(at).filter(|line| line.connection == connection)?;
        line.connecting = false;
        let (stream, change) = match came {
            Came::Opened(Ok(stream)) => {
                line.open = true;
                line.heard = now;
                self.listen(at, connection, stream);
                return None;
            }
            Came::Opened(Err(problem)) => return line.broken(problem, now),
            Came::Next(stream, change) => (stream, change),
        };
        line.heard = now;
        let heard = match change {
            Change::Broken(problem) => return line.broken(problem, now),
            Change::Alive => None,
            Change::Deleted(app) => Some(Heard::Look(Some(app))),
            Change::Seen(app) => {
                line.failures = 0;
                Some(Heard::Seen(app))
            }
        };
        self.listen(at, connection, stream);
        heard
    }

    fn listen(&mut self, at: usize, connection: u32, mut stream: Box<dyn Changes>) {
        self.underway.add(async move {
            let change = stream.next().await;
            (at, connection, Came::Next(stream, change))
        });
    }
}

impl Line {
    /// The end of a stream is normal: servers restart, proxies cut. What was missed is looked for.
    fn broken(&mut self, problem: Problem, now: Duration) -> Option<Heard> {
        let was_open = self.open;
        self.open = false;
        self.failures += 1;
        self.retry = now.saturating_add(backoff(self.failures, None));
        match problem {
            Problem::Token(_) => Some(Heard::Denied(problem)),
            _ if was_open => Some(Heard::Look(None)),
            _ => None,
        }
    }
}
