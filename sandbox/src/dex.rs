//! A stand-in of Dex, behind an Argo CD, and of the provider of a job's OIDC tokens: tokens signed with keys of their own, which whoever
//! verifies them reads here.
//!
//! As strict as Dex about an exchange (RFC 8693): the client, the grant, the connector, the types, and the token of the job, whose
//! signature, issuer, audience and expiry are verified.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The client of command lines, which Argo CD adds to its Dex: it has no password.
const CLIENT: &str = "argo-cd-cli";
/// The connector that trusts the provider of the jobs' tokens.
const CONNECTOR: &str = "github-actions";

/// How it is set up.
#[derive(Clone, Debug)]
pub struct DexOptions {
    /// Where it listens, such as `127.0.0.1:5556`.
    pub listen: String,
    /// The Argo CD that it serves: its tokens are of the issuer `ARGOCD/api/dex`, and it takes tokens of jobs for this audience.
    pub argocd: String,
    /// Whom the token of a job is about.
    pub subject: String,
    /// The groups that a login gets.
    pub groups: Vec<String>,
    /// How long the tokens live, in seconds.
    pub life: u64,
}

/// A key with the tokens that it signs.
struct Issuer {
    url: String,
    key: EcdsaKeyPair,
}

impl Issuer {
    fn new(url: String) -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let broken = |_| anyhow::anyhow!("no key can be made");
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(broken)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random);
        let key = key.map_err(|why| anyhow::anyhow!("the key that was made is no key: {why}"))?;
        Ok(Self { url, key })
    }

    fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&json!({"alg": "ES256", "kid": "one"})), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes());
        let signature = signature.map_err(|_| anyhow::anyhow!("a token cannot be signed"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Returns the claims of a token of this issuer for an audience, or what is wrong with it.
    fn verify(&self, token: &str, audience: &str) -> Result<Value, &'static str> {
        let (text, signature) = token.rsplit_once('.').ok_or("malformed jwt")?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "malformed jwt")?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref());
        key.verify(text.as_bytes(), &signature)
            .map_err(|_| "failed to verify signature")?;
        let claims = text.split('.').nth(1).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| "malformed jwt")?;
        let claims: Value = serde_json::from_slice(&claims).map_err(|_| "malformed jwt")?;
        if claims["iss"] != json!(self.url) {
            return Err("id token issued by a different provider");
        }
        if claims["aud"] != json!(audience) {
            return Err("expected another audience");
        }
        if claims["exp"].as_u64().is_none_or(|at| at <= now()) {
            return Err("token is expired");
        }
        Ok(claims)
    }

    /// Returns the public key as RFC 7517 has it.
    fn keys(&self) -> Value {
        let public = self.key.public_key().as_ref();
        let half = |from: usize| URL_SAFE_NO_PAD.encode(public.get(from..from + 32).unwrap_or_default());
        json!({"keys": [{"use": "sig", "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "one", "x": half(1), "y": half(33)}]})
    }

    fn discovery(&self) -> Value {
        let url = &self.url;
        json!({"issuer": url, "authorization_endpoint": format!("{url}/auth"), "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"], "grant_types_supported": ["authorization_code", EXCHANGE]})
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

struct World {
    options: DexOptions,
    dex: Issuer,
    jobs: Issuer,
}

/// A running stand-in. It ends with the process.
#[derive(Clone, Debug)]
pub struct Dex {
    url: String,
}

impl Dex {
    /// Starts one.
    ///
    /// # Errors
    /// It cannot listen there.
    pub fn start(options: DexOptions) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(&options.listen)?;
        let url = format!("http://{}", listener.local_addr()?);
        let world = Arc::new(World {
            dex: Issuer::new(format!("{}/api/dex", options.argocd))?,
            jobs: Issuer::new(format!("{url}/jobs"))?,
            options,
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let world = Arc::clone(&world);
                std::thread::spawn(move || serve(&stream, &world));
            }
        });
        Ok(Self { url })
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

struct Ask {
    method: String,
    path: String,
    query: String,
    authorization: String,
    body: String,
}

fn read(stream: &TcpStream) -> std::io::Result<Ask> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let (path, query) = words
        .next()
        .map(|target| target.split_once('?').unwrap_or((target, "")))
        .unwrap_or_default();
    let (path, query) = (path.to_owned(), query.to_owned());
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => value.trim().clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Ask {
        method,
        path,
        query,
        authorization,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn serve(mut stream: &TcpStream, world: &World) {
    let Ok(ask) = read(stream) else { return };
    let (status, body) = match (ask.method.as_str(), ask.path.as_str()) {
        ("GET", "/api/dex/.well-known/openid-configuration") => (200, world.dex.discovery()),
        ("GET", "/api/dex/keys") => (200, world.dex.keys()),
        ("POST", "/api/dex/token") => exchange(world, &ask),
        ("GET", "/jobs/.well-known/openid-configuration") => (200, world.jobs.discovery()),
        ("GET", "/jobs/keys") => (200, world.jobs.keys()),
        ("GET", "/jobs/token") => job(world, &ask),
        _ => (404, json!({"error": "not_found"})),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    drop(
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes())),
    );
}

/// Returns a field of a form or a query.
fn field(form: &str, name: &str) -> String {
    let value = form
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_default();
    let mut bytes = value.bytes();
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The token of a job, for the audience that it asks for.
fn job(world: &World, ask: &Ask) -> (u16, Value) {
    if ask.authorization != "Bearer request-token" {
        return (401, json!({"message": "Unauthorized"}));
    }
    let subject = &world.options.subject;
    let claims = json!({"iss": world.jobs.url, "sub": subject, "aud": field(&ask.query, "audience"), "iat": now(), "exp": now() + 300});
    match world.jobs.sign(&claims) {
        Ok(token) => (200, json!({"value": token, "count": 1})),
        Err(_) => (500, json!({})),
    }
}

fn refuse(status: u16, error: &str, why: &str) -> (u16, Value) {
    (status, json!({"error": error, "error_description": why}))
}

fn exchange(world: &World, ask: &Ask) -> (u16, Value) {
    let field = |name| field(&ask.body, name);
    let basic = ask.authorization.strip_prefix("Basic ").unwrap_or_default();
    if STANDARD.decode(basic).ok() != Some(format!("{CLIENT}:").into_bytes()) {
        return refuse(401, "invalid_client", "Invalid client credentials.");
    }
    if field("grant_type") != EXCHANGE {
        return refuse(400, "unsupported_grant_type", "");
    }
    if field("connector_id") != CONNECTOR {
        return refuse(400, "invalid_request", "Requested connector does not exist.");
    }
    if field("subject_token_type") != ID_TOKEN || field("requested_token_type") != ID_TOKEN {
        return refuse(400, "invalid_request", "Invalid token type.");
    }
    if !field("scope").split(' ').any(|scope| scope == "openid") {
        return refuse(400, "invalid_scope", "Missing required scope(s) [\"openid\"].");
    }
    let subject = match world.jobs.verify(&field("subject_token"), &world.options.argocd) {
        Ok(claims) => claims["sub"].clone(),
        Err(_) => return refuse(401, "access_denied", ""),
    };
    let login = json!({"iss": world.dex.url, "sub": URL_SAFE_NO_PAD.encode(format!("{subject}@{CONNECTOR}")), "aud": CLIENT, "iat": now(),
        "exp": now() + world.options.life, "groups": world.options.groups, "name": subject,
        "federated_claims": {"connector_id": CONNECTOR, "user_id": subject}});
    match world.dex.sign(&login) {
        Ok(token) => (
            200,
            json!({"access_token": token, "issued_token_type": ID_TOKEN, "token_type": "bearer", "expires_in": world.options.life}),
        ),
        Err(_) => refuse(500, "server_error", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> anyhow::Result<World> {
        Ok(World {
            options: DexOptions {
                listen: String::new(),
                argocd: "http://argocd".to_owned(),
                subject: "repo:myorg/api:environment:production".to_owned(),
                groups: vec!["deployers".to_owned()],
                life: 60,
            },
            dex: Issuer::new("http://argocd/api/dex".to_owned())?,
            jobs: Issuer::new("http://dex/jobs".to_owned())?,
        })
    }

    fn asked(world: &World, token: &str, connector: &str) -> (u16, Value) {
        exchange(
            world,
            &Ask {
                method: "POST".to_owned(),
                path: String::new(),
                query: String::new(),
                authorization: format!("Basic {}", STANDARD.encode("argo-cd-cli:")),
                body: format!(
                    "grant_type={EXCHANGE}&connector_id={connector}&scope=openid+groups&requested_token_type={ID_TOKEN}&subject_token={token}&subject_token_type={ID_TOKEN}"
                ),
            },
        )
    }

    #[test]
    fn only_a_token_of_the_jobs_provider_for_this_argo_cd_is_exchanged() -> anyhow::Result<()> {
        let world = world()?;
        let claims = |audience: &str, ends: u64| json!({"iss": "http://dex/jobs", "sub": "repo:myorg/api:environment:production", "aud": audience, "exp": ends});
        let right = world.jobs.sign(&claims("http://argocd", now() + 60))?;
        let (status, body) = asked(&world, &right, CONNECTOR);
        assert_eq!(status, 200, "{body}");
        let login = world
            .dex
            .verify(body["access_token"].as_str().unwrap_or_default(), CLIENT);
        assert_eq!(
            login.map(|claims| claims["federated_claims"]["user_id"].clone()),
            Ok(json!("repo:myorg/api:environment:production"))
        );
        assert_eq!(asked(&world, &right, "gitlab").0, 400);
        for (token, why) in [
            (
                world.jobs.sign(&claims("http://other", now() + 60))?,
                "another audience",
            ),
            (world.jobs.sign(&claims("http://argocd", now() - 1))?, "over"),
            (world.dex.sign(&claims("http://argocd", now() + 60))?, "another key"),
            ("x.y.z".to_owned(), "no token"),
        ] {
            assert_eq!(asked(&world, &token, CONNECTOR).0, 401, "{why}");
        }
        Ok(())
    }
}
