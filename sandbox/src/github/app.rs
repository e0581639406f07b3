//! A GitHub App: its installation, and the tokens that it mints, which a moment after are not known yet.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Ask, GitHub, Permissions, Reply, World, lock};

/// What is known of Apps.
#[derive(Default)]
pub(crate) struct Apps {
    /// The client id or id that a JWT must name.
    issuer: Mutex<Option<String>>,
    /// The bodies that tokens were asked for with, and the tokens.
    minted: Mutex<Vec<(Value, String)>>,
    revoked: Mutex<Vec<String>>,
    /// How long a token lives, in seconds.
    life: Mutex<u64>,
    /// How often a fresh token is refused as unknown.
    lag: Mutex<u32>,
}

impl GitHub {
    /// Installs an App that is known by this client id. Its tokens live so many seconds, and are unknown at their first `lag` uses.
    pub fn install(&self, client_id: &str, life: u64, lag: u32) {
        let apps = &self.world.apps;
        *lock(&apps.issuer) = Some(client_id.to_owned());
        *lock(&apps.life) = life;
        *lock(&apps.lag) = lag;
    }

    /// Returns what tokens were asked for with, and the tokens.
    #[must_use]
    pub fn minted(&self) -> Vec<(Value, String)> {
        lock(&self.world.apps.minted).clone()
    }

    /// Returns the tokens that were revoked.
    #[must_use]
    pub fn revoked(&self) -> Vec<String> {
        lock(&self.world.apps.revoked).clone()
    }
}

/// Checks a JWT's form and claims. The signature is for the tests of who makes it.
fn claims(world: &World, ask: &Ask) -> Result<(), Reply> {
    let refused = |why: &str| Err(Reply::refuse(401, why));
    let Some(issuer) = lock(&world.apps.issuer).clone() else {
        return refused("Integration not found");
    };
    let token = ask.bearer().unwrap_or_default();
    let parts: Vec<Value> = (token.split('.').take(2))
        .filter_map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok())
        .collect();
    let [head, claims] = parts.as_slice() else {
        return refused("A JSON web token could not be decoded");
    };
    if head["alg"] != "RS256" || token.split('.').count() != 3 {
        return refused("A JSON web token could not be decoded");
    }
    let (issued, ends) = (
        claims["iat"].as_u64().unwrap_or_default(),
        claims["exp"].as_u64().unwrap_or_default(),
    );
    let now = world.now();
    if claims["iss"] != json!(issuer) {
        return refused("'Issuer' claim ('iss') must be an Integer or a client id that is known");
    }
    if issued > now {
        return refused(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        );
    }
    if ends <= now || ends > now + 600 {
        return refused("'Expiration time' claim ('exp') is too far in the future");
    }
    Ok(())
}

pub(super) fn serve(world: &World, ask: &Ask, path: &[&str]) -> Reply {
    if let ("DELETE", ["installation", "token"]) = (ask.method.as_str(), path) {
        let bearer = ask.bearer().unwrap_or_default().to_owned();
        let known = lock(&world.tokens).iter().any(|(token, _)| *token == bearer);
        if !known {
            return Reply::refuse(401, "Bad credentials");
        }
        lock(&world.tokens).retain(|(token, _)| *token != bearer);
        lock(&world.apps.revoked).push(bearer);
        return Reply::json(204, Value::Null);
    }
    if let ("GET", ["installation", "repositories"]) = (ask.method.as_str(), path) {
        if let Err(reply) = world.may(ask, "metadata", "read") {
            return reply;
        }
        let mut lag = lock(&world.apps.lag);
        if *lag > 0 {
            *lag -= 1;
            return Reply::refuse(404, "Not Found");
        }
        return Reply::json(
            200,
            json!({"total_count": 1, "repositories": [world.repository_json()]}),
        );
    }
    if let Err(reply) = claims(world, ask) {
        return reply;
    }
    match (ask.method.as_str(), path) {
        ("GET", ["repos", owner, name, "installation"]) if format!("{owner}/{name}") == world.options.name => {
            Reply::json(
                200,
                json!({"id": 77, "account": super::user(owner), "repository_selection": "selected", "app_id": 7, "app_slug": "promote",
                "target_id": 1, "target_type": "Organization", "permissions": {}, "events": [], "single_file_name": null,
                "access_tokens_url": format!("{}/app/installations/77/access_tokens", world.url), "html_url": world.url,
                "repositories_url": world.url, "created_at": world.stamp(), "updated_at": world.stamp(),
                "suspended_by": null, "suspended_at": null}),
            )
        }
        ("POST", ["app", "installations", "77", "access_tokens"]) => {
            let permissions: Permissions = serde_json::from_value(ask.body["permissions"].clone()).unwrap_or_default();
            let ends = world.now() + *lock(&world.apps.life);
            let token = format!("ghs_{:036}", world.next());
            let mut granted = permissions.clone();
            granted.insert("metadata".to_owned(), "read".to_owned());
            lock(&world.tokens).push((token.clone(), Some(granted.clone())));
            world.git.let_read(&token);
            lock(&world.apps.minted).push((ask.body.clone(), token.clone()));
            Reply::json(
                201,
                json!({"token": token, "expires_at": super::time(ends), "permissions": granted, "repository_selection": "selected"}),
            )
        }
        _ => Reply::refuse(404, "Not Found"),
    }
}
