//! The two ways to write an ssh address, `ssh://user@host:port/path` and `user@host:path`, read as git reads them. Touches no network.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

/// The user of every git host that has but one.
const USER: &str = "git";
/// Where sshd listens by default.
const PORT: u16 = 22;
/// What another name of a host stands for: GitHub, GitLab and Bitbucket take ssh on the port of https there.
const OTHER_NAMES: [(&str, &str); 3] = [
    ("ssh.github.com", "github.com"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("altssh.bitbucket.org", "bitbucket.org"),
];

/// A repository behind sshd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshAddress {
    /// Who logs in; `git` unless the address says another.
    pub user: String,
    /// The host's name or IP address, in lower case and without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path as the server's git gets it.
    pub path: String,
    /// The address as it was given.
    text: String,
}

impl SshAddress {
    /// Reads `ssh://…`.
    ///
    /// # Errors
    /// Says what is wrong, as the end of a sentence. A password is never repeated.
    pub(super) fn from_url(text: &str) -> Result<Self, String> {
        // `git+ssh://` is another word for the same.
        let plain = text.split_once("://").map_or(text, |(_, rest)| rest);
        let url = Url::parse(&format!("ssh://{plain}")).map_err(|error| format!("is not a URL: {error}"))?;
        if url.password().is_some() {
            return Err("has a password in it: ssh opens the infra-repo by `ssh-key`".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("has a `?` or `#` in it: give the address that `git clone` takes".to_owned());
        }
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            text.map(std::borrow::Cow::into_owned)
                .map_err(|_| "is not UTF-8 once its %-signs are read".to_owned())
        };
        let path = decoded(url.path())?;
        // Git, too, takes `/~` for the folder of a user.
        let path = path
            .strip_prefix('/')
            .filter(|rest| rest.starts_with('~'))
            .unwrap_or(&path);
        let host = url.host_str().unwrap_or_default();
        Self::new(
            text,
            &decoded(url.username())?,
            host.trim_start_matches('[').trim_end_matches(']'),
            url.port().unwrap_or(PORT),
            path,
        )
    }

    /// Reads `user@host:path`. `None`: it is of another form.
    pub(super) fn from_short(text: &str) -> Option<Result<Self, String>> {
        let (user, rest) = text.split_once('@')?;
        let (host, path) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once("]:")?,
            None => rest.split_once(':')?,
        };
        if user.contains('/') || host.contains('/') {
            return None;
        }
        Some(if user.contains(':') {
            Err("has a password in it: ssh opens the infra-repo by `ssh-key`".to_owned())
        } else {
            Self::new(text, user, host, PORT, path)
        })
    }

    fn new(text: &str, user: &str, host: &str, port: u16, path: &str) -> Result<Self, String> {
        // A dash at the front would be an option of the program on the other side.
        let odd = |part: &str| part.starts_with('-') || part.chars().any(char::is_control);
        let in_names = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        if host.is_empty() || odd(host) || odd(user) || !host.chars().all(in_names) {
            return Err("names no host: write ssh://git@HOST/PATH or git@HOST:PATH".to_owned());
        }
        if path.trim_matches('/').is_empty() || odd(path) {
            return Err("names a host and no repository: add its path".to_owned());
        }
        Ok(Self {
            user: if user.is_empty() { USER } else { user }.to_owned(),
            host: host.to_ascii_lowercase(),
            port,
            path: path.to_owned(),
            text: text.to_owned(),
        })
    }

    /// Returns the host as a file of known hosts names it.
    #[must_use]
    pub fn known_as(&self) -> String {
        if self.port == PORT {
            self.host.clone()
        } else {
            format!("[{}]:{}", self.host, self.port)
        }
    }

    /// Returns the address of the repository's web page, if the host has the one that its kind has.
    pub(super) fn page(&self) -> Option<Url> {
        let other = OTHER_NAMES.iter().find(|(name, _)| *name == self.host);
        let host = other.map_or(self.host.as_str(), |(_, host)| host);
        Url::parse(&format!("https://{host}/{}", self.path.trim_matches('/'))).ok()
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(address: &SshAddress) -> (&str, &str, u16, &str) {
        (&address.user, &address.host, address.port, &address.path)
    }

    #[test]
    fn both_forms_are_read_as_git_reads_them() {
        for (text, expected) in [
            ("ssh://git@github.com/a/b.git", ("git", "github.com", 22, "/a/b.git")),
            ("ssh://Host.example/a", ("git", "host.example", 22, "/a")),
            ("ssh://me@host:2222/srv/a%20b", ("me", "host", 2222, "/srv/a b")),
            ("ssh://host/~me/a", ("git", "host", 22, "~me/a")),
            ("git+ssh://git@[::1]:2222/a", ("git", "::1", 2222, "/a")),
        ] {
            assert_eq!(parts(&SshAddress::from_url(text).unwrap()), expected, "{text}");
        }
        for (text, expected) in [
            ("git@github.com:a/b.git", ("git", "github.com", 22, "a/b.git")),
            ("me@host:/srv/a", ("me", "host", 22, "/srv/a")),
            ("git@[::1]:a", ("git", "::1", 22, "a")),
            ("git@host:~me/a", ("git", "host", 22, "~me/a")),
        ] {
            let address = SshAddress::from_short(text).unwrap().unwrap();
            assert_eq!(parts(&address), expected, "{text}");
            assert_eq!(address.to_string(), text);
        }
        for path in ["a/b", "/a@b:c", "./a@b:c", "a/b@c:d"] {
            assert_eq!(SshAddress::from_short(path), None, "{path}");
        }
    }

    #[test]
    fn what_would_be_an_option_on_the_other_side_is_refused() {
        for text in [
            "ssh://-oProxyCommand=x/a",
            "ssh://git@host/",
            "ssh://git@host",
            "ssh:///a",
        ] {
            assert!(SshAddress::from_url(text).is_err(), "{text}");
        }
        for text in [
            "git@-oProxyCommand=x:a",
            "-x@host:a",
            "git@host:-x",
            "git@host:",
            "git@:a",
            "git@me@host:a",
        ] {
            assert!(SshAddress::from_short(text).unwrap().is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_is_known_by_its_port_too() {
        let known = |text| SshAddress::from_url(text).unwrap().known_as();
        assert_eq!(known("ssh://git@host/a"), "host");
        assert_eq!(known("ssh://git@host:22/a"), "host");
        assert_eq!(known("ssh://git@host:2222/a"), "[host]:2222");
    }
}
