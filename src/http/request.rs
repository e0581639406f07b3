//! A request, as every room writes it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::model::Secret;

/// One request. Redirects are not followed: who sends it decides what one means.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) limit: Option<Duration>,
}

impl Request {
    /// Begins a request.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            limit: None,
        }
    }

    /// Begins a GET.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// Begins a POST.
    #[must_use]
    pub fn post(url: Url, body: Vec<u8>) -> Self {
        Self::new(Method::POST, url).body(body)
    }

    /// Sets what is sent.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    /// Bounds the whole exchange, from the connection to the last byte. Without it, only a silence ends it.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets a header of our own, which is no secret.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets several headers.
    #[must_use]
    pub fn headers(mut self, headers: &HeaderMap) -> Self {
        for (name, value) in headers {
            self.headers.insert(name, value.clone());
        }
        self
    }

    /// Sends a token as a bearer does. A token that no header can carry is left out, and the server says that it wants one.
    #[must_use]
    pub fn bearer(self, token: &Secret) -> Self {
        self.authorization(&format!("Bearer {}", token.expose()))
    }

    /// Sends a user and a password.
    #[must_use]
    pub fn basic(self, user: &str, password: &Secret) -> Self {
        let both = STANDARD.encode(format!("{user}:{}", password.expose()));
        self.authorization(&format!("Basic {both}"))
    }

    fn authorization(mut self, text: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(text) {
            value.set_sensitive(true);
            self.headers.insert(AUTHORIZATION, value);
        }
        self
    }
}
