//! Which keys a host may show: lines in the format of OpenSSH's `known_hosts`, and GitHub's own keys. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use russh::keys::{PublicKey, parse_public_key_base64};

/// GitHub's keys, as it publishes them ("GitHub's SSH key fingerprints"); the port of https has the same.
const GITHUB: &str = "\
github.com,[ssh.github.com]:443 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
github.com,[ssh.github.com]:443 ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=
github.com,[ssh.github.com]:443 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCj7ndNxQowgcQnjshcLrqPEiiphnt+VTTvDP6mHBL9j1aNUkY4Ue1gvwnGLVlOhGeYrnZaMgRK6+PKCUXaDbC7qtbW8gIkhL7aGCsOr/C56SJMy/BCZfxd1nWzAOxSDPgVsmerOBYfNqltV9/hWCqBywINIR+5dIg6JTJ72pcEpEjcYgXkE2YEFXV1JHnsKgbLWNlhScqb2UmyRkQyytRLtL+38TGxkxCflmO+5Z8CSSNY7GidjMIZ7Q4zMjA2n1nGrlTDkzwDCsw+wqFPGQA179cnfGWOWRVruj16z6XyvxvjJwbz0wQZ75XK5tKSb7FNyeIEs4TT4jk+S4dhPeAUC5y+bDYirYgM4GC7uEnztnZyaVWQ7B381AK4Qdrwt51ZqExKbQpTUNn+EjqoTwvqNj4kqx5QUCI0ThS/YkOxJCXmPUWZbhjpCg56i+2aB6CmK2JGhn57K5mj0MNdBXA4/WnwH6XoPWJzK5Nyu2zB3nAZp+S5hpQs+p1vN1/wsjk=
";

/// The keys of hosts.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts(Vec<Line>);

#[derive(Clone, Debug)]
struct Line {
    revoked: bool,
    hosts: String,
    key: PublicKey,
}

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The keys that it may show.
    pub(super) keys: Vec<PublicKey>,
    /// The keys that nobody may show there any more.
    pub(super) revoked: Vec<PublicKey>,
}

impl KnownHosts {
    /// Returns GitHub's keys with those of `lines` added.
    ///
    /// # Errors
    /// Says which line is not of the format, as the end of a sentence.
    pub fn parse(lines: &str) -> Result<Self, String> {
        let mut known = Self::default();
        known.add(GITHUB)?;
        known.add(lines)?;
        Ok(known)
    }

    fn add(&mut self, lines: &str) -> Result<(), String> {
        for (number, line) in lines.lines().enumerate() {
            match read(line) {
                Ok(line) => self.0.extend(line),
                Err(why) => return Err(format!("has a line {} that {why}", number + 1)),
            }
        }
        Ok(())
    }

    /// Adds the lines of a person's own file; those that cannot be used are passed over, as OpenSSH does.
    #[must_use]
    pub fn with_own(mut self, lines: &str) -> Self {
        self.0
            .extend(lines.lines().filter_map(|line| read(line).ok().flatten()));
        self
    }

    /// Returns what is known of a host. `name` is the host, or `[host]:port` where the port is not ssh's own.
    pub(super) fn of(&self, name: &str, host: &str) -> Known {
        let mut known = Known::default();
        for line in &self.0 {
            // Like OpenSSH's: a key that is known for the host holds on its other ports, too.
            if fits(&line.hosts, name) || fits(&line.hosts, host) {
                let list = if line.revoked {
                    &mut known.revoked
                } else {
                    &mut known.keys
                };
                list.push(line.key.clone());
            }
        }
        known
    }
}

/// Reads a line; `None` if it says nothing that is of use: a comment, or an authority whose certificates are not asked for.
fn read(line: &str) -> Result<Option<Line>, String> {
    const FORM: &str = "is not of the form `HOST TYPE KEY`, as `ssh-keyscan HOST` prints it";
    let mut words = line.split_whitespace();
    let mut hosts = match words.next() {
        Some(word) if !word.starts_with('#') && word != "@cert-authority" => word,
        _ => return Ok(None),
    };
    let revoked = hosts == "@revoked";
    if revoked {
        hosts = words.next().ok_or(FORM)?;
    }
    let (kind, key) = words.next().zip(words.next()).ok_or(FORM)?;
    let key = parse_public_key_base64(key).map_err(|_| FORM)?;
    // The type is in the key, too: a line whose two types differ was not written by a program.
    if key.algorithm().as_str() != kind {
        return Err(format!("says {kind}, and its key is of type {}", key.algorithm()));
    }
    let hosts = hosts.to_owned();
    Ok(Some(Line { revoked, hosts, key }))
}

/// Whether a list of patterns means a host: at least one fits, and none that begins with `!`.
fn fits(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return fits_hash(hashed, name).unwrap_or_default();
    }
    let mut fitting = false;
    for pattern in hosts.split(',') {
        let (not, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
        if like(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes()) {
            if not {
                return false;
            }
            fitting = true;
        }
    }
    fitting
}

/// Whether `SALT|HASH` is the HMAC of a name (`HashKnownHosts` of OpenSSH; its SHA-1 hides names, it guards nothing).
fn fits_hash(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let (salt, hash) = (STANDARD.decode(salt).ok()?, STANDARD.decode(hash).ok()?);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    Some(hmac::verify(&key, name.as_bytes(), &hash).is_ok())
}

/// Whether a name is like a pattern with `*` and `?`. Goes back to the last `*` only, so it ends soon.
fn like(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = name.get(in_name) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(wanted) if wanted == letter || *wanted == b'?' => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((back, from)) = star else { return false };
                star = Some((back, from + 1));
                at = back + 1;
                in_name = from + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::HashAlg;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeGdHEDZAxv0";

    fn count(lines: &str, name: &str) -> (usize, usize) {
        let host = name.trim_start_matches('[').split(']').next().unwrap();
        let known = KnownHosts::parse(lines).unwrap().of(name, host);
        (known.keys.len(), known.revoked.len())
    }

    #[test]
    fn githubs_keys_are_those_whose_fingerprints_it_publishes() {
        for (name, host) in [("github.com", "github.com"), ("[ssh.github.com]:443", "ssh.github.com")] {
            let known = KnownHosts::parse("").unwrap().of(name, host);
            let shown: Vec<String> = known
                .keys
                .iter()
                .map(|key| key.fingerprint(HashAlg::Sha256).to_string())
                .collect();
            assert_eq!(
                shown,
                [
                    "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
                    "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
                    "SHA256:uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s",
                ],
                "{name}"
            );
        }
        assert_eq!(count("", "github.com.evil.example"), (0, 0));
    }

    #[test]
    fn hosts_are_named_by_pattern_port_and_hash() {
        let lines =
            format!("git.example.com,10.0.0.7 {KEY} comment\n[other.example]:2222 {KEY}\n*.corp,!bad.corp {KEY}");
        for name in [
            "git.example.com",
            "10.0.0.7",
            "[other.example]:2222",
            "a.corp",
            "[git.example.com]:2222",
        ] {
            assert_eq!(count(&lines, name), (1, 0), "{name}");
        }
        for name in ["example.com", "other.example", "[other.example]:22", "bad.corp", "corp"] {
            assert_eq!(count(&lines, name), (0, 0), "{name}");
        }
        // Written by `ssh-keygen -H` for `host.example` and `[host.example]:2222`.
        let hashed = format!(
            "|1|rqUu6SBSrvLkkSWG4Iun5lVwVrM=|{} {KEY}",
            hash("rqUu6SBSrvLkkSWG4Iun5lVwVrM=", "host.example")
        );
        assert_eq!(count(&hashed, "host.example"), (1, 0));
        assert_eq!(count(&hashed, "other.example"), (0, 0));
    }

    fn hash(salt: &str, name: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &STANDARD.decode(salt).unwrap());
        STANDARD.encode(hmac::sign(&key, name.as_bytes()))
    }

    #[test]
    fn comments_and_authorities_say_nothing_and_a_revoked_key_is_kept_apart() {
        let lines = format!("# hello\n\n@cert-authority *.example {KEY}\n@revoked a.example {KEY}\n");
        assert_eq!(count(&lines, "a.example"), (0, 1));
        assert_eq!(count(&lines, "b.example"), (0, 0));
    }

    #[test]
    fn a_line_that_is_none_is_named_and_passed_over_in_a_persons_own_file() {
        for (line, part) in [
            ("git.example.com", "line 2 that is not of the form"),
            ("git.example.com ssh-ed25519 AAAA", "line 2 that is not of the form"),
            (KEY, "line 2 that is not of the form"),
            (&KEY.replace("ssh-ed25519", "host ssh-rsa"), "says ssh-rsa"),
        ] {
            let said = KnownHosts::parse(&format!("\n{line}")).unwrap_err();
            assert!(said.contains(part), "{line}: {said}");
        }
        let own = KnownHosts::default().with_own(&format!("nonsense\nhost {KEY}"));
        assert_eq!(own.of("host", "host").keys.len(), 1);
    }

    #[test]
    fn patterns_end_soon_on_hostile_names() {
        let stars = "*a".repeat(60);
        assert!(!like(stars.as_bytes(), "a".repeat(40).as_bytes()));
        assert!(like(b"*", b"") && like(b"a?c*", b"abcd") && !like(b"a?c", b"ac"));
    }
}
