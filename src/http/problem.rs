//! Why there is no answer, or not all of it.

use std::fmt;
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

    /// Returns the error that led to it, to be told as the cause.
    #[must_use]
    pub fn into_cause(self) -> anyhow::Error {
        match self {
            Self::Unreached(error) | Self::Broken(error) => error,
            other => anyhow::Error::msg(other.to_string()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted(why) => out.write_str(&why.what),
            Self::Unreached(error) | Self::Broken(error) => {
                let mut said = String::new();
                for part in error.chain() {
                    let part = part.to_string();
                    // Several libraries repeat the source's text in their own.
                    if !said.contains(&part) {
                        said = if said.is_empty() {
                            part
                        } else {
                            format!("{said}: {part}")
                        };
                    }
                }
                out.write_str(&said)
            }
            Self::Slow(limit) => write!(out, "no answer in {} s", limit.as_secs()),
            Self::Trickle { during } => write!(out, "next to nothing came for {} s", during.as_secs()),
            Self::TooLarge(most) if *most >= 1 << 20 => write!(out, "the answer is longer than {} MiB", most >> 20),
            Self::TooLarge(most) => write!(out, "the answer is longer than {most} bytes"),
        }
    }
}
