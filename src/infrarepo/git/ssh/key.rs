//! Reads a private key from its text. The key stays in memory; nothing here shows or writes it.

use std::fmt;
use std::sync::Arc;

use russh::keys::{self, PrivateKey};

/// A private key without a passphrase.
#[derive(Clone)]
pub struct SshKey(pub(super) Arc<PrivateKey>);

impl fmt::Debug for SshKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SshKey(***)")
    }
}

impl SshKey {
    /// Reads OpenSSH's format, PKCS#8, PKCS#1 (RSA) and SEC1 (EC), all as PEM text.
    ///
    /// # Errors
    /// Says what the text is instead, as the end of a sentence, and nothing of its content.
    pub fn parse(text: &str) -> Result<Self, String> {
        // What was pasted into a form may be indented or have the line ends of another system.
        let text: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let first = text.first().copied().unwrap_or_default();
        if first.starts_with("ssh-") || first.starts_with("ecdsa-") || first.contains("PUBLIC KEY") {
            return Err("is a public key: give the private one that belongs to it".to_owned());
        }
        if first.starts_with("PuTTY-") {
            return Err("is in PuTTY's format: `puttygen KEY -O private-openssh` makes the other".to_owned());
        }
        let encrypted = first.contains("ENCRYPTED") || text.get(1).is_some_and(|line| line.contains("ENCRYPTED"));
        match keys::decode_secret_key(&text.join("\n"), None) {
            _ if encrypted => Err(locked()),
            Err(keys::Error::KeyIsEncrypted) => Err(locked()),
            Ok(key) => Ok(Self(Arc::new(key))),
            Err(_) => Err(
                "is not a private key that can be read: give the whole file, from its first line with `BEGIN` to its last with `END`, \
                 with its line ends"
                    .to_owned(),
            ),
        }
    }
}

fn locked() -> String {
    "is encrypted with a passphrase, which nobody can type here: create a separate key without one \
     (ssh-keygen -t ed25519 -N '' -f deploy-key), and keep it as a secret"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_private_key_is_told_without_a_word_of_it() {
        for (text, part) in [
            ("ssh-ed25519 AAAAhunter2 me@host", "public key"),
            ("-----BEGIN PUBLIC KEY-----\nhunter2", "public key"),
            ("PuTTY-User-Key-File-3: ssh-ed25519\nhunter2", "PuTTY"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2", "passphrase"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,hunter2",
                "passphrase",
            ),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2", "not a private key"),
            ("hunter2", "not a private key"),
            ("", "not a private key"),
        ] {
            let said = SshKey::parse(text).unwrap_err();
            assert!(said.contains(part) && !said.contains("hunter2"), "{text}: {said}");
        }
    }
}
