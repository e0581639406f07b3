//! The one reader of answers: bounded in bytes and in time, and at a rate that a living server always has.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName};
use url::Url;

use super::Problem;
use crate::model::limits;

/// An answer whose head came.
#[derive(Debug)]
pub struct Opened {
    response: reqwest::Response,
    limit: Option<Duration>,
    taken: usize,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Opened {
    pub(super) fn new(response: reqwest::Response, limit: Option<Duration>) -> Self {
        Self {
            response,
            limit,
            taken: 0,
        }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Returns all headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Returns a header as text; `None` if it is not there or no text.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Returns the address that answered.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.response.url()
    }

    /// Returns the next piece; `None` at the end. `most` bounds all pieces together, in bytes.
    ///
    /// # Errors
    /// It is too large, too slow, or breaks off.
    pub async fn more(&mut self, most: usize) -> Result<Option<Vec<u8>>, Problem> {
        let piece = self.response.chunk().await;
        let piece = piece.map_err(|error| Problem::of(error, self.limit, false))?;
        let Some(piece) = piece else { return Ok(None) };
        self.taken = self.taken.saturating_add(piece.len());
        if self.taken > most {
            return Err(Problem::TooLarge(most));
        }
        Ok(Some(piece.into()))
    }

    /// Reads the rest, at most `most` bytes, and at a rate that a living server always has. `go_on` looks at what is there after each piece, and may end it.
    ///
    /// # Errors
    /// As [`Opened::more`]; too large also when `go_on` ends it.
    pub async fn rest(&mut self, most: usize, mut go_on: impl FnMut(&[u8]) -> bool) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        let during = limits::RATE_WINDOW.time();
        loop {
            let enough = out.len() + limits::RATE.bytes();
            let some = async {
                while out.len() < enough {
                    let Some(piece) = self.more(most).await? else {
                        return Ok(true);
                    };
                    out.extend_from_slice(&piece);
                    if !go_on(&out) {
                        return Err(Problem::TooLarge(most));
                    }
                }
                Ok(false)
            };
            match tokio::time::timeout(during, some).await {
                Ok(Ok(true)) => return Ok(out),
                Ok(Ok(false)) => {}
                Ok(Err(problem)) => return Err(problem),
                Err(_) => return Err(Problem::Trickle { during }),
            }
        }
    }

    /// Reads it whole, at most `most` bytes.
    ///
    /// # Errors
    /// As [`Opened::more`].
    pub async fn whole(mut self, most: usize) -> Result<Answer, Problem> {
        let body = self.rest(most, |_| true).await?;
        Ok(Answer {
            status: self.status(),
            headers: self.headers().clone(),
            body,
        })
    }

    /// Reads what an error says: a little of it, for a short time. Never fails: what came is what there is.
    pub async fn words(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let most = limits::ERROR_BODY.bytes();
        let read = async {
            while let Ok(Some(piece)) = self.more(usize::MAX).await {
                let room = most.saturating_sub(out.len());
                out.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
                if out.len() == most {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(limits::ERROR_TIME.time(), read).await;
        out
    }
}
