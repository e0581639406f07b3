//! Talks git's protocol over a carrier: finds out how the server talks when it must, and asks again when an answer is lost.
//! Holds no objects and decides nothing about branches.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::carrier::{CallError, Carrier, Service};
use super::packet::Broken;
use super::push::{self, Report};
use super::reference::{self, Dialect, Reference};
use super::request::{self, Fetch, Fetched, Filter};
use super::tree::sha256;
use crate::http::{self, Patience};
use crate::journal::Journal;
use crate::model::{Clock, Fault, in_words, limits};

/// How patient a question is that changes nothing.
const PATIENCE: Patience = Patience {
    tries: 4,
    first: Duration::from_millis(300),
};

/// A conversation with one repository.
pub(super) struct Talk {
    carrier: Box<dyn Carrier>,
    clock: Rc<dyn Clock>,
    journal: Rc<dyn Journal>,
    /// How the server talks, once it had to be asked. Until then v2 with filters is taken for granted: it saves a round trip.
    dialect: RefCell<Option<Dialect>>,
}

impl Talk {
    pub(super) fn new(carrier: Box<dyn Carrier>, clock: Rc<dyn Clock>, journal: Rc<dyn Journal>) -> Self {
        Self {
            carrier,
            clock,
            journal,
            dialect: RefCell::new(None),
        }
    }

    pub(super) fn place(&self) -> String {
        self.carrier.place()
    }

    pub(super) fn journal(&self) -> &dyn Journal {
        &*self.journal
    }

    /// Returns the references whose names begin with one of `prefixes`.
    pub(super) async fn references(&self, prefixes: &[&str]) -> Result<Vec<Reference>, Fault> {
        let ask = async |dialect: &Dialect| {
            if dialect.v2 {
                let request = request::ls_refs(prefixes);
                let bytes = self
                    .carrier
                    .call(Service::UploadPack, request, limits::GIT_LISTED.bytes())
                    .await?;
                return reference::listing(&bytes).map_err(|broken| self.broken(broken));
            }
            let bytes = self.carrier.advertisement(Service::UploadPack).await?;
            let mut all = reference::advertisement(&bytes)
                .map_err(|broken| self.broken(broken))?
                .references;
            all.retain(|reference| prefixes.iter().any(|prefix| reference.name.starts_with(prefix)));
            Ok(all)
        };
        let asked = self.in_its_dialect(ask).await;
        asked.map_err(|error| error.into_fault(&self.place()))
    }

    /// Asks for what the server says to those who are about to write, and writes nothing.
    pub(super) async fn may_write(&self) -> Result<(), Fault> {
        let asked = self
            .patiently(async || self.carrier.advertisement(Service::ReceivePack).await)
            .await;
        let bytes = asked.map_err(|error| error.into_fault(&self.place()))?;
        match reference::advertisement(&bytes) {
            Ok(_) => Ok(()),
            Err(broken @ Broken::Server(_)) => {
                Err(Fault::denied(format!("{} does not allow writes", self.place())).because(broken))
            }
            Err(broken) => Err(self.unreadable(broken)),
        }
    }

    /// Fetches; `most` bounds the answer, in bytes, if the server can leave out what it is asked to.
    pub(super) async fn fetch(&self, fetch: &Fetch, most: usize) -> Result<Fetched, CallError> {
        self.in_its_dialect(async |dialect: &Dialect| {
            let mut fetch = fetch.clone();
            let mut most = most;
            if !dialect.filter && fetch.filter != Filter::Everything {
                fetch.filter = Filter::Everything;
                most = limits::GIT_UNFILTERED.bytes();
            }
            let request = if dialect.v2 {
                fetch.version_2()
            } else {
                fetch.version_0(&dialect.offered)
            };
            let bytes = self.carrier.call(Service::UploadPack, request, most).await?;
            let read = if dialect.v2 {
                request::fetched_2(&bytes)
            } else {
                request::fetched_0(&bytes)
            };
            read.map_err(|broken| self.broken(broken))
        })
        .await
    }

    /// Sends a push once.
    pub(super) async fn push(&self, request: Vec<u8>, reference: &str) -> Result<Report, CallError> {
        let bytes = self
            .carrier
            .call(Service::ReceivePack, request, limits::GIT_REPORTED.bytes())
            .await?;
        push::report(&bytes, reference).map_err(|broken| CallError::Lost {
            fault: self.unreadable(broken),
            after: None,
        })
    }

    /// Waits before the next attempt: as long as the server asks, or longer each time with jitter.
    pub(super) async fn pause(&self, attempt: u32, after: Option<Duration>, fault: &Fault) {
        let pause = after.map_or_else(|| backoff(attempt), |after| after.min(limits::RETRY_AFTER.time()));
        self.again(fault, pause);
        self.clock.sleep(pause).await;
    }

    fn again(&self, fault: &Fault, wait: Duration) {
        self.journal
            .progress(format!("{fault}; asking again in {}", in_words(wait)));
    }

    fn broken(&self, broken: Broken) -> CallError {
        let known = self.dialect.borrow().is_some();
        match broken {
            Broken::Server(said) if known && said.contains("not our ref") => CallError::Final(
                Fault::denied(format!("{} did not send the requested commits", self.place()))
                    .because(Broken::Server(said))
                    .hint("if a branch was moved meanwhile, run it again; protocol v2 gives more than tips (for sshd: `AcceptEnv GIT_PROTOCOL`)"),
            ),
            Broken::Server(_) if known => {
                CallError::Final(Fault::denied(format!("{} refuses", self.place())).because(broken))
            }
            _ if known => CallError::Lost {
                fault: self.unreadable(broken),
                after: None,
            },
            _ => CallError::Strange(self.unreadable(broken)),
        }
    }

    fn unreadable(&self, broken: Broken) -> Fault {
        Fault::unreachable(format!("the answer of {} cannot be read", self.place())).because(broken)
    }

    async fn in_its_dialect<T>(&self, ask: impl AsyncFn(&Dialect) -> Result<T, CallError>) -> Result<T, CallError> {
        let known = self.dialect.borrow().clone();
        let assumed = known.clone().unwrap_or(Dialect {
            v2: true,
            filter: true,
            ..Dialect::default()
        });
        match self.patiently(async || ask(&assumed).await).await {
            Err(CallError::Strange(fault)) if known.is_none() => {
                self.journal.debug(format!("{fault}; asking the server how it talks"));
                let dialect = self.discover().await?;
                self.patiently(async || ask(&dialect).await).await
            }
            answer => answer,
        }
    }

    async fn discover(&self) -> Result<Dialect, CallError> {
        let bytes = self
            .patiently(async || self.carrier.advertisement(Service::UploadPack).await)
            .await?;
        let dialect = reference::advertisement(&bytes)
            .map_err(|broken| CallError::Final(self.unreadable(broken)))?
            .dialect;
        if dialect.sha256 {
            return Err(CallError::Final(sha256(&self.place())));
        }
        let version = if dialect.v2 { "v2" } else { "v0" };
        let filters = if dialect.filter { "with" } else { "without" };
        self.journal.debug(format!(
            "{} talks protocol {version} {filters} partial clones",
            self.place()
        ));
        *self.dialect.borrow_mut() = Some(dialect.clone());
        Ok(dialect)
    }

    async fn patiently<T>(&self, ask: impl AsyncFn() -> Result<T, CallError>) -> Result<T, CallError> {
        let passing = |error: &CallError| match error {
            CallError::Lost { after, .. } => Some(*after),
            CallError::Unsent(_) => Some(None),
            CallError::Final(_) | CallError::Strange(_) | CallError::Untouched(_) | CallError::TooLarge(_) => None,
        };
        let told = |error: &CallError, wait| {
            if let CallError::Lost { fault, .. } | CallError::Unsent(fault) = error {
                self.again(fault, wait);
            }
        };
        let bound = limits::GIT_QUESTION.time();
        let asked = http::patiently(&self.clock, PATIENCE, ask, passing, told);
        tokio::time::timeout(bound, asked).await.unwrap_or_else(|_| {
            Err(CallError::Lost {
                fault: Fault::unreachable(format!("{} has not answered within {}s", self.place(), bound.as_secs())),
                after: None,
            })
        })
    }
}

/// Returns a wait that doubles with each attempt from 0.4 s on, of which a random half is taken off.
fn backoff(attempt: u32) -> Duration {
    let whole = Duration::from_millis(400 << attempt.saturating_sub(1).min(6));
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    whole / 2 + (whole / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
