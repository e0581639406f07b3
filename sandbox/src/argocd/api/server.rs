//! What the server says of itself, and the login that it passes on to Dex.

use axum::http::header;
use serde_json::{Value, json};

use super::ask::{Ask, pairs};
use super::{Account, Reply, World};

pub(super) fn version(known: bool) -> Value {
    if known {
        json!({"Version": "v3.5.1", "BuildDate": "1970-01-01T00:00:00Z", "GitTreeState": "clean", "GoVersion": "go1.26.8",
            "Compiler": "gc", "Platform": "linux/amd64", "KustomizeVersion": "v5.8.1 unknown", "JsonnetVersion": "v0.21.0"})
    } else {
        json!({"Version": "v3.5.1"})
    }
}

pub(super) fn userinfo(account: Option<&Account>) -> Value {
    account.map_or_else(
        || json!({}),
        |account| json!({"loggedIn": true, "username": account.name, "iss": "argocd"}),
    )
}

pub(super) fn settings(world: &World, known: bool) -> Value {
    let mut settings = json!({"url": world.url, "appLabelKey": "app.kubernetes.io/instance", "trackingMethod": "annotation",
        "googleAnalytics": {"anonymizeUsers": true}, "kustomizeOptions": {}, "help": {}});
    if known {
        settings["passwordPattern"] = json!("^.{8,32}$");
        settings["controllerNamespace"] = json!("argocd");
    }
    settings
}

/// Dex behind Argo CD: exchanges the OIDC token of a job whose audience is this server for a login as `ci` (RFC 8693).
pub(super) fn dex(world: &World, ask: &Ask) -> Reply {
    const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
    let refuse =
        |status: u16, error: &str, why: &str| Reply::Json(status, json!({"error": error, "error_description": why}));
    let form = pairs(&ask.raw);
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let client = ask
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    // `argo-cd-cli:`, a client without a password.
    if client != Some("Basic YXJnby1jZC1jbGk6") {
        return refuse(401, "invalid_client", "Invalid client credentials.");
    }
    if field("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" {
        return refuse(400, "unsupported_grant_type", "");
    }
    if field("connector_id") != "github-actions" {
        return refuse(400, "invalid_request", "Requested connector does not exist.");
    }
    if field("subject_token_type") != ID_TOKEN || field("requested_token_type") != ID_TOKEN {
        return refuse(400, "invalid_request", "Invalid token type.");
    }
    if field("subject_token") != format!("id-token-for-{}", world.url) {
        return refuse(401, "access_denied", "");
    }
    let Some(token) = world.accounts.token("ci") else {
        return refuse(500, "server_error", "");
    };
    Reply::Json(
        200,
        json!({"access_token": token, "issued_token_type": ID_TOKEN, "token_type": "bearer", "expires_in": 86_399}),
    )
}
