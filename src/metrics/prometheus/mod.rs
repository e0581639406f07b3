//! Prometheus: the query by POST as a form, by GET where that is refused.

mod sigv4;

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::exchange::{Request, encoded, headers, send, within};
use super::{AwsKeys, Reading, Settings, oauth};
use crate::assess::analysis::prometheus::{address, answered, question, timeout};
use crate::assess::analysis::template::{Prometheus, Sigv4};
use crate::assess::analysis::{Trouble, TroubleKind};
use crate::http::Client;

/// Measures.
pub(super) async fn measure(
    http: &Client,
    settings: &Settings,
    prometheus: &Prometheus,
    now: i128,
) -> Result<Reading, Trouble> {
    let replaced = settings.prometheus_url.clone();
    let ours = replaced.is_some();
    let address = replaced.map_or_else(|| address(prometheus, settings.otherwise.as_deref()), Ok)?;
    let limit = Duration::from_secs(timeout(prometheus)?);
    let authentication = &prometheus.authentication;
    oauth::check(&authentication.oauth2)?;
    let signature = signature(prometheus, &address, settings)?;
    let question = question(prometheus, &address, now)?;
    within(limit, async {
        let mut headers = if ours {
            own(settings)?
        } else {
            headers(&prometheus.headers)?
        };
        if !ours {
            oauth::authorize(http, &authentication.oauth2, &mut headers).await?;
        }
        let mut asked = Request::form(question.url.clone(), &headers, &question.form);
        if let Some((region, keys)) = signature {
            sigv4::sign(&mut asked, region, keys, now)?;
        }
        let mut answer = send(http, asked).await?;
        if matches!(answer.status, 405 | 501) {
            let mut url = question.url;
            url.set_query(Some(&encoded(&question.form)));
            let mut again = Request {
                method: Method::GET,
                url,
                headers,
                body: None,
                confidential: false,
            };
            if let Some((region, keys)) = signature {
                sigv4::sign(&mut again, region, keys, now)?;
            }
            answer = send(http, again).await?;
        }
        let answered = answered(answer.status, &answer.body)?;
        Ok(Reading {
            stored: answered.value.stored(),
            value: answered.value,
            warnings: answered.warnings,
            phase: None,
        })
    })
    .await
}

/// Returns the region and the keys to sign with, where the address is one of Amazon's and the template asks for it.
fn signature<'a>(
    prometheus: &'a Prometheus,
    address: &url::Url,
    settings: &'a Settings,
) -> Result<Option<(&'a str, &'a AwsKeys)>, Trouble> {
    let sigv4 = &prometheus.authentication.sigv4;
    if *sigv4 == Sigv4::default() || !address.as_str().contains("aps-workspaces") {
        return Ok(None);
    }
    if !sigv4.profile.is_empty() || !sigv4.role_arn.is_empty() || sigv4.region.is_empty() {
        let message = "promote signs requests to Amazon Managed Prometheus by `sigv4.region`, not by profile or role";
        return Err(Trouble::new(TroubleKind::NotEvaluated, message));
    }
    match &settings.aws {
        Some(keys) => Ok(Some((&sigv4.region, keys))),
        None => Err(Trouble::new(
            TroubleKind::NotEvaluated,
            "`sigv4` needs the keys of an AWS account",
        )),
    }
}

/// Makes the headers for the Prometheus of the settings; those of a template are for the template's own.
fn own(settings: &Settings) -> Result<HeaderMap, Trouble> {
    let mut headers = HeaderMap::new();
    let wrong = |what: &str| {
        Trouble::new(
            TroubleKind::BadHeader,
            format!("`{what}` holds what no header can carry"),
        )
    };
    let secret = |text: &str, what: &str| {
        let mut value = HeaderValue::from_str(text).map_err(|_| wrong(what))?;
        value.set_sensitive(true);
        Ok::<_, Trouble>(value)
    };
    if let Some(token) = &settings.prometheus_token {
        headers.insert(
            AUTHORIZATION,
            secret(&format!("Bearer {}", token.expose()), "prometheus-token")?,
        );
    }
    for (name, value) in &settings.prometheus_headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("prometheus-headers"))?;
        headers.insert(name, secret(value.expose(), "prometheus-headers")?);
    }
    Ok(headers)
}
