//! Signatures for Amazon Managed Prometheus (AWS Signature Version 4), as the controller's client makes them.

use std::fmt::Write as _;

use reqwest::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use ring::{digest, hmac};

use crate::assess::analysis::{Trouble, TroubleKind};
use crate::metrics::AwsKeys;
use crate::metrics::exchange::Request;
use crate::model::Timestamp;

const SERVICE: &str = "aps";

/// Signs a request.
///
/// # Errors
/// A key cannot be put into a header.
pub(super) fn sign(request: &mut Request, region: &str, keys: &AwsKeys, now: i128) -> Result<(), Trouble> {
    let seconds = u64::try_from(now.div_euclid(1_000_000_000)).unwrap_or(0);
    let stamp: String = Timestamp::at_unix(seconds).to_string().replace(['-', ':'], "");
    let day = stamp.get(..8).unwrap_or_default().to_owned();
    set(request, HeaderName::from_static("x-amz-date"), &stamp)?;
    if let Some(token) = &keys.session_token {
        set(request, HeaderName::from_static("x-amz-security-token"), token.expose())?;
    }
    let (signed, canonical) = canonical(request);
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}");
    let mut key = format!("AWS4{}", keys.secret_access_key.expose()).into_bytes();
    for part in [day.as_str(), region, SERVICE, "aws4_request", text.as_str()] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes())
            .as_ref()
            .to_vec();
    }
    let (id, signature) = (&keys.access_key_id, hex(&key));
    let value = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}");
    set(request, AUTHORIZATION, &value)
}

fn set(request: &mut Request, name: HeaderName, text: &str) -> Result<(), Trouble> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Trouble::new(TroubleKind::BadHeader, "the keys of AWS hold what no header can carry"))?;
    value.set_sensitive(true);
    request.headers.insert(name, value);
    Ok(())
}

/// Writes what is signed: the names of the headers, and the whole text.
fn canonical(request: &Request) -> (String, String) {
    let port = request.url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", request.url.host_str().unwrap_or_default());
    let mut headers: Vec<(String, String)> = (request.headers.iter())
        .filter(|(name, _)| *name != HOST && *name != AUTHORIZATION)
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).trim().to_owned(),
            )
        })
        .collect();
    headers.push(("host".to_owned(), host));
    if request.body.is_some() {
        // The client names this header and sends none: a request that may be sent twice.
        headers.push(("idempotency-key".to_owned(), String::new()));
    }
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let mut listed = String::new();
    for (name, value) in &headers {
        let _ = writeln!(listed, "{name}:{value}");
    }
    let mut query: Vec<(String, String)> = request
        .url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    query.sort();
    let query = super::super::exchange::encoded(&query).replace('+', "%20");
    let body = request.body.as_deref().unwrap_or_default();
    let payload = hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
    let (method, path) = (&request.method, request.url.path());
    (
        names.clone(),
        format!("{method}\n{path}\n{query}\n{listed}\n{names}\n{payload}"),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
