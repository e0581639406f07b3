//! Why there is no answer, or not all of it.

use std::fmt;
use std::io;
use std::time::Duration;

use super::trust::{self, Untrusted};

/// What went wrong between the request and the last byte of its answer. What the server did meanwhile is not known, unless the request
/// never left.
#[derive(Debug)]
pub enum Problem {
    /// The server's certificate is not trusted. Nothing was sent.
    Untrusted(Untrusted),
    /// No connection. Nothing was sent.
    Unreached(anyhow::Error),
    /// The time for the whole exchange was over.
    Slow(Duration),
    /// So little came for so long that it counts as nothing.
    Trickle {
        /// How long.
        during: Duration,
    },
    /// The connection broke off, before the answer or in it.
    Broken(anyhow::Error),
    /// The answer is longer than this, in bytes.
    TooLarge(usize),
}

impl Problem {
    /// Sorts an error of the client. The address is taken out of it: it can hold what should not be shown twice.
    pub(super) fn of(error: reqwest::Error, limit: Option<Duration>, bundled: bool) -> Self {
        let connecting = error.is_connect();
        if error.is_timeout() && !connecting {
            // Without a bound of its own, the answer only ever stops for the client's longest silence.
            return Self::Slow(limit.unwrap_or(super::client::SILENCE));
        }
        if let Some(why) = trust::untrusted(&error, bundled) {
            return Self::Untrusted(why);
        }
        let error = anyhow::Error::new(error.without_url());
        if connecting {
            Self::Unreached(error)
        } else {
            Self::Broken(error)
        }
    }

    /// Returns it in words, as the cause of a fault.
    #[must_use]
    pub fn into_cause(self) -> anyhow::Error {
        anyhow::Error::msg(self.to_string())
    }

    /// Whether the two sides could not agree on TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        match self {
            Self::Untrusted(_) => true,
            Self::Unreached(error) | Self::Broken(error) => trust::tls_error(error.as_ref()).is_some(),
            _ => false,
        }
    }
}

/// Says what broke a connection, in the words that people look for. What no structure names is in the words of the innermost error: those
/// around it only repeat which layer passed it on.
fn in_words(error: &anyhow::Error) -> String {
    if let Some(error) = trust::tls_error(error.as_ref()) {
        return match error {
            rustls::Error::InvalidMessage(_) => "the port does not speak TLS: is it one for `http://`?".to_owned(),
            other => other.to_string(),
        };
    }
    let known = error.chain().find_map(|part| {
        let kind = part.downcast_ref::<io::Error>()?.kind();
        Some(match kind {
            io::ErrorKind::ConnectionRefused => "connection refused",
            io::ErrorKind::ConnectionReset => "the other side reset the connection",
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "the other side closed the connection",
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "no route to the host",
            io::ErrorKind::TimedOut => "no answer to the attempt to connect",
            _ => return None,
        })
    });
    if let Some(known) = known {
        return known.to_owned();
    }
    let said = error.root_cause().to_string();
    // The resolver gives no kind of its own.
    if said.contains("lookup address") || error.chain().any(|part| part.to_string() == "dns error") {
        return "the name of the host does not resolve".to_owned();
    }
    crate::model::without_number(&said).to_owned()
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted(why) => out.write_str(&why.what),
            Self::Unreached(error) | Self::Broken(error) => out.write_str(&in_words(error)),
            Self::Slow(limit) => write!(out, "no answer in {}s", limit.as_secs()),
            Self::Trickle { during } => write!(out, "almost no data arrived for {}s", during.as_secs()),
            Self::TooLarge(most) if *most >= 1 << 20 => write!(out, "the answer is longer than {} MiB", most >> 20),
            Self::TooLarge(most) => write!(out, "the answer is longer than {most} bytes"),
        }
    }
}
