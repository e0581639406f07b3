//! Opens an ssh connection: reaches the host, recognises it, and logs in with a key or the keys of ssh-agent. Runs no command.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{
    Algorithm, EcdsaCurve, HashAlg, PrivateKeyWithHashAlg, PublicKey, PublicKeyBase64, PublicKeyOrCertificate,
};
use russh::{Preferred, cipher, compression, kex, mac};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::key::SshKey;
use super::known_hosts::{Known, KnownHosts};
use crate::infrarepo::SshAddress;
use crate::infrarepo::git::carrier::CallError;
use crate::model::{Fault, limits};

/// How long the host may take to take a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the host may take to agree on keys, and again to let us in.
const HANDSHAKE: Duration = limits::GIT_HANDSHAKE.time();

/// How hosts are recognised, and what opens them.
#[derive(Clone, Debug)]
pub struct SshAccess {
    /// Which keys a host may show.
    pub known_hosts: KnownHosts,
    /// What opens it.
    pub identity: Identity,
}

/// As whom a connection is opened.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The key that was given.
    Key(SshKey),
    /// The keys of ssh-agent, which listens at this path: only outside a step.
    Agent(PathBuf),
}

/// Decides whether a host is the one that is meant.
pub(super) struct Doorkeeper {
    known: Known,
}

/// Why a connection is not opened.
#[derive(Debug)]
pub(super) enum Stop {
    /// The host showed a key that does not belong to it.
    Host(Box<PublicKey>),
    /// Anything else.
    Ssh(russh::Error),
}

impl From<russh::Error> for Stop {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl client::Handler for Doorkeeper {
    type Error = Stop;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Stop> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            // Certificates are not asked for.
            return Ok(false);
        };
        let among = |keys: &[PublicKey]| keys.iter().any(|known| known.key_data() == key.key_data());
        if among(&self.known.keys) && !among(&self.known.revoked) {
            Ok(true)
        } else {
            Err(Stop::Host(Box::new(key.clone())))
        }
    }
}

/// Opens a connection on which commands can be run.
pub(super) async fn connect(address: &SshAddress, access: &SshAccess) -> Result<Handle<Doorkeeper>, CallError> {
    let host = address.known_as();
    let reached = timeout(CONNECT, TcpStream::connect((address.host.as_str(), address.port))).await;
    let stream = match reached {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreached(&host, error.into())),
        Err(_) => {
            let why = anyhow::anyhow!("no connection within {}s", CONNECT.as_secs());
            return Err(unreached(&host, why));
        }
    };
    // A request is small and its answer awaited.
    let _ = stream.set_nodelay(true);
    let known = access.known_hosts.of(&host, &address.host);
    let config = Arc::new(config(&known));
    let doorkeeper = Doorkeeper { known: known.clone() };
    let mut handle = match timeout(HANDSHAKE, client::connect_stream(config, stream, doorkeeper)).await {
        Ok(Ok(handle)) => handle,
        Ok(Err(stop)) => return Err(stopped(stop, &host, &known)),
        Err(_) => return Err(late(&host)),
    };
    match timeout(HANDSHAKE, log_in(&mut handle, address, &access.identity)).await {
        Ok(let_in) => let_in.map(|()| handle),
        Err(_) => Err(late(&host)),
    }
}

/// Returns what we speak: nothing old, nothing compressed, and first the types of key that are known of the host.
fn config(known: &Known) -> client::Config {
    const KEX: [kex::Name; 7] = [
        kex::MLKEM768X25519_SHA256,
        kex::CURVE25519,
        kex::CURVE25519_PRE_RFC_8731,
        kex::ECDH_SHA2_NISTP256,
        kex::ECDH_SHA2_NISTP384,
        kex::EXTENSION_SUPPORT_AS_CLIENT,
        kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    ];
    const CIPHER: [cipher::Name; 5] = [
        cipher::CHACHA20_POLY1305,
        cipher::AES_256_GCM,
        cipher::AES_128_GCM,
        cipher::AES_256_CTR,
        cipher::AES_128_CTR,
    ];
    const MAC: [mac::Name; 4] = [
        mac::HMAC_SHA256_ETM,
        mac::HMAC_SHA512_ETM,
        mac::HMAC_SHA256,
        mac::HMAC_SHA512,
    ];
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    let mut key = vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ];
    let is_known = |kind: &Algorithm| {
        let mut kinds = known.keys.iter().map(PublicKey::algorithm);
        kinds.any(|other| other == *kind || (is_rsa(&other) && is_rsa(kind)))
    };
    key.sort_by_key(|kind| !is_known(kind));
    client::Config {
        preferred: Preferred {
            kex: Cow::Borrowed(&KEX),
            key: Cow::Owned(key),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Borrowed(&CIPHER),
            mac: Cow::Borrowed(&MAC),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        ..client::Config::default()
    }
}

async fn log_in(handle: &mut Handle<Doorkeeper>, address: &SshAddress, identity: &Identity) -> Result<(), CallError> {
    let host = address.known_as();
    match identity {
        Identity::Key(key) => {
            let hash = rsa_hash(handle, &key.0.algorithm()).await;
            let key = PrivateKeyWithHashAlg::new(Arc::clone(&key.0), hash);
            let result = handle.authenticate_publickey(&address.user, key).await;
            let result = result.map_err(|error| broke_off(&host, error))?;
            verdict(&result, handle.is_closed(), address)
        }
        Identity::Agent(socket) => log_in_by_agent(handle, address, socket).await,
    }
}

async fn log_in_by_agent(
    handle: &mut Handle<Doorkeeper>,
    address: &SshAddress,
    socket: &Path,
) -> Result<(), CallError> {
    let silent = |error: russh::keys::Error| {
        let fault = Fault::denied("ssh-agent (SSH_AUTH_SOCK) cannot be asked for its keys".to_owned());
        CallError::Final(fault.because(error).hint("start ssh-agent, or give --ssh-key-file"))
    };
    let mut agent = AgentClient::connect_uds(socket).await.map_err(silent)?;
    let identities = agent.request_identities().await.map_err(silent)?;
    if identities.is_empty() {
        let fault = Fault::denied("ssh-agent holds no key".to_owned());
        return Err(CallError::Final(
            fault.hint("add one with ssh-add, or give --ssh-key-file"),
        ));
    }
    for identity in identities {
        let AgentIdentity::PublicKey { key, .. } = identity else {
            continue;
        };
        let hash = rsa_hash(handle, &key.algorithm()).await;
        let result = handle
            .authenticate_publickey_with(&address.user, key, hash, &mut agent)
            .await;
        match result {
            Ok(AuthResult::Success) => return Ok(()),
            // A key that the agent does not sign with is passed over, as a refused one.
            Ok(_) | Err(_) if !handle.is_closed() => {}
            _ => break,
        }
    }
    let fault = Fault::denied(format!("{} accepts none of the keys of ssh-agent", address.known_as()));
    Err(CallError::Final(fault.hint(
        "add the key that the host knows with ssh-add, or give --ssh-key-file; a host ends the connection after some keys it does not know",
    )))
}

/// Returns the hash that an RSA key signs with: the best that the host names, never SHA-1.
async fn rsa_hash(handle: &Handle<Doorkeeper>, kind: &Algorithm) -> Option<HashAlg> {
    if !is_rsa(kind) {
        return None;
    }
    let best = handle.best_supported_rsa_hash().await.ok().flatten().flatten();
    Some(best.unwrap_or(HashAlg::Sha256))
}

fn is_rsa(kind: &Algorithm) -> bool {
    matches!(kind, Algorithm::Rsa { .. })
}

fn verdict(result: &AuthResult, closed: bool, address: &SshAddress) -> Result<(), CallError> {
    let host = address.known_as();
    let fault = match result {
        AuthResult::Success => return Ok(()),
        AuthResult::Failure { partial_success: true, .. } => {
            Fault::denied(format!("{host} accepts the key and asks for a second factor, which promote cannot give"))
                .hint("let the host take the deploy key alone")
        }
        // A refusal names the methods that are left; this one was cut off.
        AuthResult::Failure { remaining_methods, .. } if closed && remaining_methods.is_empty() => {
            return Err(CallError::Lost {
                fault: Fault::unreachable(format!("{host} ended the connection before it checked the key")),
                after: None,
            });
        }
        AuthResult::Failure { .. } => Fault::denied(format!("the deploy key is not accepted by {host}")).hint(format!(
            "add the public half of `ssh-key` to the infra-repo as a deploy key with write access, and check the user ({}) of the address",
            address.user
        )),
    };
    Err(CallError::Final(fault))
}

fn unreached(host: &str, why: anyhow::Error) -> CallError {
    let fault = Fault::unreachable(format!("{host} cannot be reached"));
    let hint = "check `infra-repo`, and that this machine can reach the host over SSH (promote uses no proxy for SSH)";
    CallError::Lost {
        fault: fault.because(why).hint(hint),
        after: None,
    }
}

fn late(host: &str) -> CallError {
    let fault = Fault::unreachable(format!(
        "{host} did not finish the ssh handshake within {}s",
        HANDSHAKE.as_secs()
    ));
    CallError::Lost { fault, after: None }
}

fn broke_off(host: &str, error: russh::Error) -> CallError {
    CallError::Lost {
        fault: Fault::unreachable(format!("the connection to {host} broke off")).because(error),
        after: None,
    }
}

fn stopped(stop: Stop, host: &str, known: &Known) -> CallError {
    match stop {
        Stop::Host(key) => CallError::Final(stranger(host, &key, known)),
        Stop::Ssh(error @ russh::Error::NoCommonAlgo { .. }) => {
            let fault = Fault::denied(format!("{host} offers only ciphers or keys that are too old to trust"));
            let hint = "let the host offer curve25519 or ecdh, chacha20-poly1305, aes-gcm or aes-ctr, and an ed25519, ecdsa or rsa-sha2 key";
            CallError::Final(fault.because(error).hint(hint))
        }
        Stop::Ssh(russh::Error::WrongServerSig) => CallError::Final(Fault::denied(format!(
            "{host} shows a host key that it cannot sign with: someone can be between this run and the host"
        ))),
        Stop::Ssh(error) => CallError::Lost {
            fault: Fault::unreachable(format!("{host} does not answer as an ssh server does")).because(error),
            after: None,
        },
    }
}

/// Says what is wrong with the key that a host showed, and what to do. Nothing was sent to that host.
fn stranger(host: &str, key: &PublicKey, known: &Known) -> Fault {
    let print = |key: &PublicKey| format!("{} ({})", key.fingerprint(HashAlg::Sha256), key.algorithm());
    let shown = print(key);
    if known.revoked.iter().any(|revoked| revoked.key_data() == key.key_data()) {
        return Fault::denied(format!(
            "{host} shows a host key that is revoked: {shown}. Nothing was sent to it"
        ))
        .hint("ask the owner of the host: someone who shows a revoked key can have stolen it");
    }
    if known.keys.is_empty() {
        return Fault::denied(format!("the host key of {host} is not known: it shows {shown}")).hint(format!(
            "compare that with what the host's owner publishes; if it is the same, add this line to `ssh-known-hosts`: {host} {} {}",
            key.algorithm(),
            key.public_key_base64()
        ));
    }
    let expected: Vec<String> = known.keys.iter().map(print).collect();
    Fault::denied(format!(
        "THE HOST KEY OF {host} HAS CHANGED: it shows {shown}, and the known key is {}. Someone can be between this run and the host; promote sent nothing",
        expected.join(", ")
    ))
    .hint("do not go on before the host's owner confirms the new key; then replace the host's lines in `ssh-known-hosts`")
}
