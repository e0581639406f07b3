//! The seam to metrics: what a query returns now. Prometheus, and any server that answers with JSON.
//!
//! How a value is judged is decided in `assess::analysis`; what kind of request is made, too. Here it is sent.

mod exchange;
pub mod inputs;
mod oauth;
mod prometheus;
mod web;

use async_trait::async_trait;
use url::Url;

use crate::assess::analysis::template::Provider;
use crate::assess::analysis::{Phase, Trouble, TroubleKind, Value};
use crate::http::Client;
use crate::model::Secret;

/// What a query returned.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The value.
    pub value: Value,
    /// The value as the controller stores it.
    pub stored: String,
    /// What the server warned of.
    pub warnings: Vec<String>,
    /// The phase, where the conditions are not asked: a web answer that is no JSON.
    pub phase: Option<Phase>,
}

/// Measures.
#[async_trait(?Send)]
pub trait Measure {
    /// Asks for the value of a metric whose arguments are put in. `now` is in nanoseconds since 1970.
    ///
    /// # Errors
    /// There is no value, with the reason.
    async fn measure(&self, provider: &Provider, now: i128) -> Result<Reading, Trouble>;
}

/// Where metrics come from, apart from what a template says.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The Prometheus that takes the place of every template's own.
    pub prometheus_url: Option<Url>,
    /// Its token.
    pub prometheus_token: Option<Secret>,
    /// Headers for it.
    pub prometheus_headers: Vec<(String, Secret)>,
    /// The Prometheus of templates that have none.
    pub otherwise: Option<String>,
    /// Keys for templates that ask for signatures of AWS.
    pub aws: Option<AwsKeys>,
}

/// Keys of an AWS account.
#[derive(Clone, Debug)]
pub struct AwsKeys {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Secret,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
}

/// The servers that are asked over HTTP.
#[derive(Debug)]
pub struct Servers {
    http: Client,
    settings: Settings,
}

impl Servers {
    /// Makes the clients. Sends nothing.
    #[must_use]
    pub fn new(http: Client, settings: Settings) -> Self {
        Self { http, settings }
    }
}

#[async_trait(?Send)]
impl Measure for Servers {
    async fn measure(&self, provider: &Provider, now: i128) -> Result<Reading, Trouble> {
        if let Some(prometheus) = &provider.prometheus {
            return prometheus::measure(&self.http, &self.settings, prometheus, now).await;
        }
        if let Some(web) = &provider.web {
            return web::measure(&self.http, web).await;
        }
        let name = provider.other.keys().next().map_or("none", String::as_str);
        Err(Trouble::new(
            TroubleKind::NoProvider,
            format!("promote measures with `prometheus` and `web`, not with `{name}`"),
        ))
    }
}
