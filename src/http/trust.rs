//! Which servers are trusted: those whose chain leads to a built-in root or to one of `ca-bundle`, and those whose own certificate stands
//! there, byte for byte. Says in words why another one is not.

use std::error::Error;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{AlertDescription, CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

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

/// Checks chains as webpki does. Besides, a server's own certificate is taken that the user has given as it is, whoever issued it, for the
/// names that it is for and as long as it is valid.
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
            // The chain is looked at after the dates, so they are right.
            Err(error) if is_of_chain(&error) && self.given.contains(own) => {
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

/// Whether an error is about who issued a certificate, not about the certificate itself.
fn is_of_chain(error: &rustls::Error) -> bool {
    let of_chain = |why: &CertificateError| {
        matches!(
            why,
            CertificateError::UnknownIssuer
                | CertificateError::BadSignature
                | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
        )
    };
    is_of_authority(error) || matches!(error, rustls::Error::InvalidCertificate(why) if of_chain(why))
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
    let why = match error {
        rustls::Error::InvalidCertificate(why) => why,
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            return Some(Untrusted {
                what: "it ended the TLS handshake: it has no cipher, key type or TLS version in common with promote".to_owned(),
                hint: "have the host offer TLS 1.2 or 1.3 with an RSA, P-256, P-384 or Ed25519 key (not P-521), and ask for no client certificate".to_owned(),
            });
        }
        _ => return None,
    };
    let (what, hint) = match why {
        CertificateError::NotValidForNameContext { expected, presented } => {
            return Some(of_others(expected, presented));
        }
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id, ..
        } => {
            return Some(unsupported(signature_algorithm_id, &[]));
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            public_key_algorithm_id,
        } => return Some(unsupported(signature_algorithm_id, public_key_algorithm_id)),
        CertificateError::UnknownIssuer if given => (
            "its certificate leads neither to `ca-bundle` nor to a built-in root",
            "add the certificate of the authority that issued it to `ca-bundle` (the last one that `openssl s_client -showcerts -connect HOST:443` shows, or the one above it)",
        ),
        CertificateError::UnknownIssuer => (
            "its certificate was issued by an authority that is not built in",
            "give the certificate of that authority as `ca-bundle`",
        ),
        CertificateError::NotValidForName => ("its certificate is not for this host name", NAMES),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its certificate has expired",
            "renew the certificate on the host, and check the clock of this machine",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "its certificate is not valid yet",
            "check the clock of this machine and of the host",
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

/// What to do about a certificate for other names.
const NAMES: &str = "have the host use a certificate that names it as a subject alternative name (a common name does not count), or use the name that it has";

/// Says for which names a certificate is, in place of the one that was asked for.
fn of_others(expected: &ServerName<'_>, presented: &[String]) -> Untrusted {
    let asked = expected.to_str();
    // Each is in the words of the library: `DnsName("git.example.com")`.
    let plain = |name: &String| {
        let inside = name
            .split_once('(')
            .map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        inside.trim_matches('"').to_owned()
    };
    let names: Vec<String> = presented.iter().take(3).map(plain).collect();
    if names.is_empty() {
        return Untrusted {
            what: "its certificate is not for this host name: it has no subject alternative name".to_owned(),
            hint: format!(
                "have the host use a certificate with the subject alternative name {asked} (a common name does not count)"
            ),
        };
    }
    Untrusted {
        what: format!(
            "its certificate is for {}, not for this host name ({asked})",
            names.join(", ")
        ),
        hint: format!(
            "use a name that the certificate has, or have the host use one with the subject alternative name {asked}"
        ),
    }
}

/// Algorithms that are not checked: how each identifier begins, and its name.
const SIGNATURES: [(&[u8], &str); 7] = [
    (
        &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        "ECDSA with SHA-512",
    ),
    (
        &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01],
        "ECDSA with SHA-224",
    ),
    (
        &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
        "ECDSA with SHA-1",
    ),
    (
        &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
        "RSA with SHA-1",
    ),
    (
        &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
        "RSA with MD5",
    ),
    (
        &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
        "RSA-PSS with other parameters than SHA-256, SHA-384 or SHA-512",
    ),
    (&[0x06, 0x03, 0x2b, 0x65, 0x71], "Ed448"),
];
/// The curve P-521, somewhere in the identifier of a key.
const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
/// An RSA key for RSA-PSS alone.
const PSS: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

/// Names the signature or key that cannot be checked, by their identifiers in DER.
fn unsupported(signature: &[u8], key: &[u8]) -> Untrusted {
    let holds = |part: &[u8]| key.windows(part.len()).any(|window| window == part);
    if holds(P521) || holds(PSS) {
        let name = if holds(P521) { "a P-521 key" } else { "an RSA-PSS key" };
        return Untrusted {
            what: format!("its certificate is signed by {name}, which promote cannot check"),
            hint: "have the host use a chain with RSA (PKCS #1), P-256, P-384 or Ed25519 keys only".to_owned(),
        };
    }
    let name = SIGNATURES.iter().find(|(begin, _)| signature.starts_with(begin));
    let name = name.map_or("an algorithm that is not known", |(_, name)| name);
    let p521 = if name == "ECDSA with SHA-512" {
        ", as keys on P-521 make them"
    } else {
        ""
    };
    Untrusted {
        what: format!("a certificate of its chain is signed with {name}{p521}, which promote cannot check"),
        hint: "have the authority sign with SHA-256 or SHA-384 and an RSA (PKCS #1), P-256, P-384 or Ed25519 key"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_checked_is_named() {
        let sha512 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
        let sha256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
        let of_p521 = [&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], P521].concat();
        assert!(unsupported(&sha512, &[]).what.contains("ECDSA with SHA-512"));
        assert!(unsupported(&sha256, &of_p521).what.contains("a P-521 key"));
        assert!(unsupported(&sha256, PSS).what.contains("an RSA-PSS key"));
        assert!(unsupported(&[0x06], &[]).hint.contains("SHA-256"));
    }

    #[test]
    fn the_names_of_a_certificate_are_shown() {
        let asked = ServerName::try_from("git.corp.test").unwrap();
        let said = of_others(&asked, &["DnsName(\"git.other.test\")".to_owned()]);
        assert_eq!(
            said.what,
            "its certificate is for git.other.test, not for this host name (git.corp.test)"
        );
        assert!(of_others(&asked, &[]).what.contains("no subject alternative name"));
    }
}
