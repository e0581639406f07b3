//! Why nothing could be measured.

use std::fmt;

/// What kind of trouble a measurement met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// A condition could not be evaluated.
    Condition,
    /// An answer that is none.
    BadResponse,
    /// Prometheus itself refused the query.
    Prometheus,
    /// The server answered with 5xx.
    ServerError,
    /// The server answered with 4xx.
    ClientError,
    /// No answer came in time.
    Timeout,
    /// The server cannot be reached.
    Connect,
    /// TLS failed.
    Tls,
    /// Too many redirects.
    Redirect,
    /// A header that HTTP does not allow.
    BadHeader,
    /// An address that is no URL.
    NotUrl,
    /// No address at all.
    NoAddress,
    /// A timeout below 0.
    BadTimeout,
    /// A time of a range query that is none.
    RangeTime,
    /// The token could not be fetched.
    Oauth2,
    /// The client for the token is not complete.
    Oauth2Incomplete,
    /// No provider that is measured here.
    NoProvider,
    /// The controller can measure this, `promote` cannot.
    NotEvaluated,
}

impl TroubleKind {
    /// Returns the word for it in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::BadResponse => "bad_response",
            Self::Prometheus => "prometheus_error",
            Self::ServerError => "server_error",
            Self::ClientError => "client_error",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Redirect => "redirect",
            Self::BadHeader => "bad_header",
            Self::NotUrl => "not_url",
            Self::NoAddress => "no_address",
            Self::BadTimeout => "bad_timeout",
            Self::RangeTime => "range_time",
            Self::Oauth2 => "oauth2",
            Self::Oauth2Incomplete => "oauth2_incomplete",
            Self::NoProvider => "no_provider",
            Self::NotEvaluated => "not_evaluated",
        }
    }
}

/// Why nothing could be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The kind.
    pub kind: TroubleKind,
    /// What happened, as a phrase without secrets.
    pub message: String,
}

impl Trouble {
    /// Makes one.
    #[must_use]
    pub fn new(kind: TroubleKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}
