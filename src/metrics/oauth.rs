//! A token for client credentials (OAuth 2, RFC 6749 §4.4), as the controller's client fetches it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use super::exchange::{Request, encoded, send};
use crate::assess::analysis::template::Oauth2;
use crate::assess::analysis::{Trouble, TroubleKind};
use crate::http::Client;
use crate::model::json;

/// Adds the token to headers, unless a template has its own. Without a `tokenUrl` there is none.
pub(super) async fn authorize(http: &Client, oauth: &Oauth2, headers: &mut HeaderMap) -> Result<(), Trouble> {
    if oauth.token_url.is_empty() {
        return Ok(());
    }
    let token = token(http, oauth, headers).await?;
    if !headers.contains_key(AUTHORIZATION) {
        headers.insert(AUTHORIZATION, secret(&format!("Bearer {token}"))?);
    }
    Ok(())
}

/// Checks that the client is complete.
pub(super) fn check(oauth: &Oauth2) -> Result<(), Trouble> {
    let missing = oauth.client_id.is_empty() || oauth.client_secret.is_empty();
    if !oauth.token_url.is_empty() && missing {
        let message = "`oauth2` needs `clientId` and `clientSecret` with `tokenUrl`";
        return Err(Trouble::new(TroubleKind::Oauth2Incomplete, message));
    }
    Ok(())
}

fn refused(why: &str) -> Trouble {
    Trouble::new(TroubleKind::Oauth2, format!("the token endpoint {why}"))
}

fn secret(text: &str) -> Result<HeaderValue, Trouble> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| refused("answered with a token that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

async fn token(http: &Client, oauth: &Oauth2, headers: &HeaderMap) -> Result<String, Trouble> {
    let url = Url::parse(&oauth.token_url).map_err(|_| refused("has an address that is not a URL"))?;
    let mut form = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
    if !oauth.scopes.is_empty() {
        form.push(("scope".to_owned(), oauth.scopes.join(" ")));
    }
    let escaped = |text: &str| {
        encoded(&[(String::new(), text.to_owned())])
            .trim_start_matches('=')
            .to_owned()
    };
    let basic = STANDARD.encode(format!(
        "{}:{}",
        escaped(&oauth.client_id),
        escaped(&oauth.client_secret)
    ));
    let mut with_basic = headers.clone();
    if !headers.contains_key(AUTHORIZATION) {
        with_basic.insert(AUTHORIZATION, secret(&format!("Basic {basic}"))?);
    }
    let mut answer = send(http, Request::form(url.clone(), &with_basic, &form).confidential())
        .await
        .map_err(unreachable)?;
    if !(200..300).contains(&answer.status) {
        form.push(("client_id".to_owned(), oauth.client_id.clone()));
        form.push(("client_secret".to_owned(), oauth.client_secret.clone()));
        form.sort();
        answer = send(http, Request::form(url, headers, &form).confidential())
            .await
            .map_err(unreachable)?;
    }
    if !(200..300).contains(&answer.status) {
        return Err(refused(&format!("answered {}", answer.status)));
    }
    let json: serde_json::Value =
        json::value(&answer.body).map_err(|_| refused("answered with something that is not JSON"))?;
    match json.get("access_token").and_then(serde_json::Value::as_str) {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => Err(refused("answered without an `access_token`")),
    }
}

fn unreachable(trouble: Trouble) -> Trouble {
    match trouble.kind {
        // A chain of redirects and a timeout are what they are, whoever answers.
        TroubleKind::Redirect | TroubleKind::Timeout => trouble,
        _ => refused(&format!("cannot be reached: {trouble}")),
    }
}
