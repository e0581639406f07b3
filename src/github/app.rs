//! Tokens of a GitHub App: each for one repository and with the least permissions, minted when it is needed, renewed in a long run, and
//! revoked at its end.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::minted::Minted as MintedTokens;
use super::{Failure, GitHub, Place};
use crate::http::{Client, Fixed, Tokens};
use crate::journal::Journal;
use crate::model::{Clock, Event, Fault, Secret, Timestamp};

/// How long a JWT is good for; GitHub takes ten minutes at most. It is dated back, as GitHub advises, because clocks differ.
const JWT_LIFE: u64 = 540;
const DATED_BACK: u64 = 60;
/// How often a fresh token is tried: GitHub does not know it everywhere at once.
const PROBES: u32 = 12;
/// The pause between two tries.
const PROBE_PAUSE: Duration = Duration::from_millis(250);
/// How long one look waits for a token that is being minted.
const MINTING_PAUSE: Duration = Duration::from_millis(50);

/// The private key of an App.
#[derive(Clone)]
pub struct AppKey(Rc<RsaKeyPair>);

impl fmt::Debug for AppKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AppKey(***)")
    }
}

impl AppKey {
    /// Reads the PEM text that GitHub generates (PKCS#1), or PKCS#8.
    ///
    /// # Errors
    /// Says what is wrong, as the end of a sentence; nothing of the text is repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "is not the private key of a GitHub App: use the PEM file that GitHub generated";
        // A secret that was stored with `\n` as two letters is a common mistake, and clear.
        let text = text.replace("\\n", "\n");
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let begin = lines.next().unwrap_or_default().to_owned();
        let body: String = lines.take_while(|line| !line.starts_with("-----END")).collect();
        let der = STANDARD.decode(body).map_err(|_| FORM.to_owned())?;
        let key = match begin.as_str() {
            "-----BEGIN RSA PRIVATE KEY-----" => RsaKeyPair::from_der(&der),
            "-----BEGIN PRIVATE KEY-----" => RsaKeyPair::from_pkcs8(&der),
            _ => return Err(FORM.to_owned()),
        };
        key.map(|key| Self(Rc::new(key))).map_err(|_| FORM.to_owned())
    }
}

/// An App, and what its tokens may do.
#[derive(Clone, Debug)]
pub struct App {
    /// The client id, or the id.
    pub client_id: String,
    /// Its key.
    pub key: AppKey,
    /// The permissions that are asked for, as `contents` → `write`.
    pub permissions: Vec<(&'static str, &'static str)>,
    /// The tokens that were minted so far.
    pub minted: MintedTokens,
}

/// What the App shows of itself: a JWT that it signs.
struct Jwt {
    app: App,
    clock: Rc<dyn Clock>,
    journal: Rc<dyn Journal>,
}

impl fmt::Debug for Jwt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Jwt").field("app", &self.app).finish_non_exhaustive()
    }
}

#[async_trait(?Send)]
impl Tokens for Jwt {
    async fn token(&self) -> Result<Secret, Fault> {
        let jwt = jwt(&self.app, self.clock.wall().unix_seconds())?;
        self.journal.tell(Event::Mask(jwt.clone()));
        Ok(jwt)
    }

    fn valid_until(&self) -> Option<Timestamp> {
        None
    }
}

/// Signs a JWT at a time, in seconds since 1970.
fn jwt(app: &App, now: u64) -> Result<Secret, Fault> {
    let claims = json!({"iss": app.client_id, "iat": now.saturating_sub(DATED_BACK), "exp": now + JWT_LIFE});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
    let key = &app.key.0;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| Fault::bug("sign with the key of the GitHub App"))?;
    Ok(Secret::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

/// A token, and when another one is minted.
#[derive(Clone, Debug)]
struct Minted {
    token: Secret,
    renew: Duration,
    ends: Duration,
}

/// Mints tokens of an App for one repository.
pub struct AppTokens {
    place: Place,
    app: App,
    http: Client,
    clock: Rc<dyn Clock>,
    journal: Rc<dyn Journal>,
    /// The App itself, as GitHub knows it.
    api: GitHub,
    installation: RefCell<Option<u64>>,
    current: RefCell<Option<Minted>>,
    minting: Cell<bool>,
}

impl fmt::Debug for AppTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AppTokens")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

impl AppTokens {
    /// Mints nothing yet.
    #[must_use]
    pub fn new(place: Place, app: App, http: Client, clock: Rc<dyn Clock>, journal: Rc<dyn Journal>) -> Self {
        let shown = Jwt {
            app: app.clone(),
            clock: Rc::clone(&clock),
            journal: Rc::clone(&journal),
        };
        let api = GitHub::new(place.clone(), http.clone(), Some(Rc::new(shown)), Rc::clone(&clock));
        Self {
            place,
            app,
            http,
            clock,
            journal,
            api,
            installation: RefCell::default(),
            current: RefCell::default(),
            minting: Cell::new(false),
        }
    }

    async fn mint(&self) -> Result<Minted, Fault> {
        let repository = self.place.repository();
        let known = *self.installation.borrow();
        let installation = if let Some(id) = known {
            id
        } else {
            let reply = self.api.get(&["installation"], &[]).await;
            let reply = reply.map_err(|failure| Self::missing(failure, &repository))?;
            let id = reply.body["id"].as_u64();
            id.ok_or_else(|| Fault::unreachable("the answer of GitHub's API names no installation of the App"))?
        };
        self.installation.replace(Some(installation));
        let permissions: serde_json::Map<String, Value> = (self.app.permissions.iter())
            .map(|(name, level)| ((*name).to_owned(), json!(level)))
            .collect();
        let body = json!({"repositories": [self.place.name], "permissions": permissions});
        let id = installation.to_string();
        let path = ["app", "installations", &id, "access_tokens"];
        let begun = self.clock.now();
        // A token that is minted twice is one too many, and no harm: it ends by itself.
        let reply = self.api.make_any(Method::POST, &path, &body).await;
        let reply = reply.map_err(|failure| {
            let wanted: Vec<String> = self
                .app
                .permissions
                .iter()
                .map(|(name, level)| format!("{name}: {level}"))
                .collect();
            failure
                .fault(&format!("mint a token of the GitHub App for {repository}"))
                .hint(format!("grant the App these permissions: {}", wanted.join(", ")))
        })?;
        let text = reply.body["token"].as_str();
        let token = text
            .map(Secret::new)
            .ok_or_else(|| Fault::unreachable("the answer of GitHub's API has no token"))?;
        self.journal.tell(Event::Mask(token.clone()));
        self.app.minted.note(token.clone());
        let ends = reply.body["expires_at"].as_str().and_then(Timestamp::parse);
        let life = ends.map_or(Duration::from_secs(3600), |ends| ends.since(self.clock.wall()));
        self.probe(&token).await?;
        Ok(Minted {
            token,
            renew: begun + life * 2 / 3,
            ends: begun + life,
        })
    }

    fn missing(failure: Failure, repository: &str) -> Fault {
        if failure.is_missing() {
            return Fault::denied(format!("the GitHub App is not installed on {repository}"))
                .hint("install the App on the repository: Settings → GitHub Apps → Install");
        }
        if failure.refusal().is_some_and(|said| said.status == 401) {
            return failure
                .fault("show the GitHub App to GitHub")
                .hint("check that `github-app-client-id` and `github-app-private-key` are of the same App");
        }
        failure.fault(&format!("look for the installation of the GitHub App on {repository}"))
    }

    /// Waits until GitHub knows the token.
    async fn probe(&self, token: &Secret) -> Result<(), Fault> {
        let fixed: Rc<dyn Tokens> = Rc::new(Fixed::new(token.clone()));
        let api = GitHub::new(
            self.place.clone(),
            self.http.clone(),
            Some(fixed),
            Rc::clone(&self.clock),
        );
        let mut said = None;
        for _ in 0..PROBES {
            match api
                .get_any(&["installation", "repositories"], &[("per_page", "1")])
                .await
            {
                Ok(_) => return Ok(()),
                Err(failure)
                    if failure
                        .refusal()
                        .is_some_and(|said| matches!(said.status, 401 | 403 | 404)) =>
                {
                    said = Some(failure);
                }
                Err(failure) => return Err(failure.fault("try the token of the GitHub App")),
            }
            self.clock.sleep(PROBE_PAUSE).await;
        }
        Err(said.map_or_else(
            || Fault::unreachable("GitHub does not know the token of the App"),
            |failure| failure.fault("try the token of the GitHub App"),
        ))
    }
}

#[async_trait(?Send)]
impl Tokens for AppTokens {
    async fn token(&self) -> Result<Secret, Fault> {
        while self.minting.get() {
            self.clock.sleep(MINTING_PAUSE).await;
        }
        let current = self.current.borrow().clone();
        let now = self.clock.now();
        if let Some(minted) = current.as_ref().filter(|minted| now < minted.renew) {
            return Ok(minted.token.clone());
        }
        self.minting.set(true);
        let minted = self.mint().await;
        self.minting.set(false);
        match (minted, current) {
            (Ok(minted), _) => {
                self.current.replace(Some(minted.clone()));
                Ok(minted.token)
            }
            // The one that is there is good for a while.
            (Err(_), Some(minted)) if now < minted.ends => Ok(minted.token),
            (Err(fault), _) => Err(fault),
        }
    }

    fn valid_until(&self) -> Option<Timestamp> {
        None
    }

    async fn end(&self) {
        self.current.take();
        for token in self.app.minted.take() {
            let fixed: Rc<dyn Tokens> = Rc::new(Fixed::new(token));
            let api = GitHub::new(
                self.place.clone(),
                self.http.clone(),
                Some(fixed),
                Rc::clone(&self.clock),
            );
            if let Err(failure) = api.revoke().await {
                let fault = failure.fault("revoke the token of the GitHub App");
                self.journal.tell(Event::Debug(fault.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        for text in [
            "",
            "hunter2",
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n",
        ] {
            let why = AppKey::parse(text).unwrap_err();
            assert!(why.contains("PEM file") && !why.contains("hunter2"), "{why}");
        }
    }
}
