//! TLS before a server, with a certificate of an authority that nobody knows unless told.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::proxy::listen;

/// What a server shows as its own certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// One that an authority issued.
    Issued,
    /// One that an authority with a P-384 key issued.
    IssuedByP384,
    /// One that an authority issued whose certificate nobody is given: its own is.
    IssuedByUnknown,
    /// One that is signed by itself and says that it is an authority, as `openssl req -x509` makes it.
    SelfSignedAuthority,
    /// One that is signed by itself and is no authority.
    SelfSigned,
}

/// Ends TLS and passes the bytes on to one server.
pub struct TlsFront {
    address: SocketAddr,
    authority: String,
    _stop: oneshot::Sender<()>,
}

impl TlsFront {
    /// Starts it before `server`, with a certificate for `names` (host names or IP addresses).
    ///
    /// # Errors
    /// The port cannot be had, or a name is none.
    pub fn start(server: SocketAddr, names: &[&str]) -> anyhow::Result<Self> {
        Self::showing(Shown::Issued, server, names)
    }

    /// Starts it with another kind of certificate. Its own is what [`TlsFront::authority`] returns if nobody else issued it.
    ///
    /// # Errors
    /// As [`TlsFront::start`].
    pub fn showing(shown: Shown, server: SocketAddr, names: &[&str]) -> anyhow::Result<Self> {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (certificate, key, authority) = match shown {
            Shown::Issued | Shown::IssuedByP384 | Shown::IssuedByUnknown => {
                let mut params = CertificateParams::default();
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                let key = if shown == Shown::IssuedByP384 {
                    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?
                } else {
                    KeyPair::generate()?
                };
                let authority = params.self_signed(&key)?.pem();
                let issuer = Issuer::new(params, key);
                let key = KeyPair::generate()?;
                let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
                let own = certificate.pem();
                let given = if shown == Shown::IssuedByUnknown {
                    own
                } else {
                    authority
                };
                (certificate, key, given)
            }
            Shown::SelfSignedAuthority | Shown::SelfSigned => {
                let mut params = CertificateParams::new(names)?;
                params.is_ca = match shown {
                    Shown::SelfSigned => IsCa::ExplicitNoCa,
                    _ => IsCa::Ca(BasicConstraints::Unconstrained),
                };
                let key = KeyPair::generate()?;
                let certificate = params.self_signed(&key)?;
                let pem = certificate.pem();
                (certificate, key, pem)
            }
        };
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .context("use the certificate")?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (address, stop) = listen(move |client| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut client) = acceptor.accept(client).await else {
                    return;
                };
                let Ok(mut upstream) = TcpStream::connect(server).await else {
                    return;
                };
                let _ = upstream.set_nodelay(true);
                let _ = copy_bidirectional(&mut client, &mut upstream).await;
            }
        })?;
        Ok(Self {
            address,
            authority,
            _stop: stop,
        })
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the authority's certificate as PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}
