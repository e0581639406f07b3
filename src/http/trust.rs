//! Which servers are trusted: those whose chain leads to a built-in root or to one of `ca-bundle`, and those whose own certificate stands
//! there, byte for byte. Says in words why another one is not.

use std::error::Error;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::model::Fault;

/// Why a server is not trusted, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    /// What is wrong with its certificate.
    pub what: String,
    /// What to do; never what was done already.
    pub hint: String,
}

/// Makes the configuration of TLS.
pub(super) fn configuration(ca_bundle: Option<&str>) -> Result<rustls::ClientConfig, Fault> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let given = ca_bundle.map(certificates).transpose()?.unwrap_or_default();
    for certificate in &given {
        roots
            .add(certificate.clone())
            .map_err(|error| wrong(&format!("holds a certificate that cannot be used: {error}")))?;
    }
    let failed = |error: rustls::Error| Fault::bug("set up TLS").because(error);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    if given.is_empty() {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Fault::bug("set up TLS").because(error))?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { chains, given }))
        .with_no_client_auth())
}

fn wrong(why: &str) -> Fault {
    Fault::invalid(format!("`ca-bundle` {why}"))
        .hint("give PEM text (-----BEGIN CERTIFICATE-----) or the path of a file that holds it")
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let read = read.map_err(|error| wrong(&format!("is not PEM: {error}")))?;
    if read.is_empty() {
        return Err(wrong("holds no certificate"));
    }
    Ok(read)
}

/// Checks chains as webpki does. Webpki takes no certificate of an authority for a server's own; here one is taken that the user has given
/// as it is, for the names that it is for and as long as it is valid.
#[derive(Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.chains.verify_server_cert(own, others, name, ocsp, now) {
            // It is checked after the dates, so they are right.
            Err(error) if is_of_authority(&error) && self.given.contains(own) => {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Whether a server showed the certificate of an authority as its own. Webpki says so in an error of its own, which rustls wraps.
fn is_of_authority(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::Other(other))
        if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// Returns why TLS does not trust a server, if that is what an error is about. `given`: whether there is a `ca-bundle`.
pub(super) fn untrusted(error: &(dyn Error + 'static), given: bool) -> Option<Untrusted> {
    explained(tls_error(error)?, given)
}

/// Returns the error of TLS that led to an error.
pub(super) fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let found = error.downcast_ref::<rustls::Error>();
        let found = found.or_else(|| inside?.downcast_ref::<rustls::Error>());
        if found.is_some() {
            return found;
        }
        next = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

fn explained(error: &rustls::Error, given: bool) -> Option<Untrusted> {
    let rustls::Error::InvalidCertificate(why) = error else {
        return None;
    };
    let (what, hint) = match why {
        CertificateError::UnknownIssuer if given => (
            "its certificate leads neither to `ca-bundle` nor to a built-in root",
            "add the certificate of the authority that issued it to `ca-bundle` (the last one that `openssl s_client -showcerts -connect HOST:443` shows, or the one above it)",
        ),
        CertificateError::UnknownIssuer => (
            "its certificate was issued by an authority that is not built in",
            "give the certificate of that authority as `ca-bundle`",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its certificate is not for this host name",
            "have the host use a certificate that names it as a subject alternative name (a common name does not count), or use the name that it has",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its certificate has expired",
            "renew the certificate on the host, and check the clock of this machine",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "its certificate is not valid yet",
            "check the clock of this machine and of the host",
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            "its certificate, or one above it, has a key or signature that promote cannot check, such as P-521",
            "have the host use a chain with RSA, P-256, P-384 or Ed25519 keys only",
        ),
        CertificateError::BadSignature => (
            "its certificate is not signed by the authority that it names",
            "compare the certificate that the host shows with the one of its authority",
        ),
        CertificateError::Revoked => ("its certificate was revoked", "renew the certificate on the host"),
        CertificateError::Other(_) if is_of_authority(error) => (
            "it shows the certificate of an authority as its own",
            "add exactly this certificate to `ca-bundle`, or have the host issue one for itself with `CA:FALSE`",
        ),
        _ => (
            "its certificate cannot be used",
            "look at it with `openssl s_client -showcerts -connect HOST:443`",
        ),
    };
    Some(Untrusted {
        what: what.to_owned(),
        hint: hint.to_owned(),
    })
}
