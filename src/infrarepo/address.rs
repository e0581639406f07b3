//! Where an infra-repo is: the forms of the input `infra-repo`, read once. Touches no file and no network.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::model::{CommitSha, looks_like_token, may_carry_secret, read_url};

mod ssh;

pub use ssh::SshAddress;

const FORMS: &str = "write `owner/name`, https://…, git@HOST:PATH, ssh://…, file://… or the path of a bare repository";

/// The place of an infra-repo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Smart HTTP.
    Http {
        /// No user, no password, no query, no `/` at the end.
        url: Url,
        /// Whether the host is GitHub: github.com, or the server that the run is on.
        github: bool,
        /// The user that the address names: sent with the token, and never shown.
        user: Option<String>,
    },
    /// Git over ssh.
    Ssh {
        /// Host, user and path.
        ssh: SshAddress,
        /// Whether the host is GitHub, as for [`Address::Http`].
        github: bool,
    },
    /// A bare repository on this machine.
    Folder(PathBuf),
}

impl Address {
    /// Reads any form of the input `infra-repo`. `github_server` is the address of the GitHub that the run is on, if it is on one.
    ///
    /// # Errors
    /// Says what is wrong and what would be right, as the end of a sentence. A user or password in the text is never repeated.
    pub fn parse(text: &str, github_server: Option<&str>) -> Result<Self, String> {
        if text.trim() != text || text.is_empty() || text.chars().any(char::is_control) {
            return Err(format!("is empty or has spaces around it: {FORMS}"));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return from_url(text, &scheme.to_ascii_lowercase(), rest, github_server);
        }
        if let Some(short) = SshAddress::from_short(text) {
            return Ok(over_ssh(short?, github_server));
        }
        let first = text.split('/').next().unwrap_or_default();
        if first.contains(':') {
            return Err(format!("has a `:` in it and no user before it: {FORMS}"));
        }
        if let Some((owner, name)) = owner_and_name(text) {
            let server = github_server.unwrap_or("https://github.com");
            return http_url(
                &format!("{}/{owner}/{name}", server.trim_end_matches('/')),
                github_server,
            );
        }
        if text
            .split('/')
            .any(|part| part.split_once('@').is_some_and(|(user, _)| user.contains(':')))
            || (text.starts_with("//") && text.contains('@'))
        {
            return Err(format!(
                "has a user or password in it, and no scheme before them: {FORMS}"
            ));
        }
        Ok(Self::Folder(PathBuf::from(text)))
    }

    /// Returns the web page of a commit, for hosts that are known to have one.
    #[must_use]
    pub fn commit_url(&self, commit: &CommitSha) -> Option<String> {
        let (url, github) = match self {
            Self::Http { url, github, .. } => (url.clone(), *github),
            Self::Ssh { ssh, github } => (ssh.page()?, *github),
            Self::Folder(_) => return None,
        };
        let page = match url.host_str() {
            _ if github => "commit",
            Some("gitlab.com") => "-/commit",
            Some("bitbucket.org") => "commits",
            _ => return None,
        };
        Some(format!("{}/{page}/{commit}", url.as_str().trim_end_matches(".git")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { url, .. } => out.write_str(url.as_str()),
            Self::Ssh { ssh, .. } => ssh.fmt(out),
            Self::Folder(path) => write!(out, "{}", path.display()),
        }
    }
}

/// Whether a text holds a user name or password before a host, so that whoever shows it leaves it out.
#[must_use]
pub fn holds_credentials(text: &str) -> bool {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    if scheme.contains('@') {
        return true;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let ssh = scheme.contains("ssh");
    // The user of an ssh address is part of it, and no secret. `git@host:path` has no scheme.
    !user.is_empty() && user != "git" && (!ssh || user.contains(':'))
}

/// Splits `owner/name`: exactly two parts of the letters that GitHub knows, so that `./a/b`, `/a/b` and `a/b/c` are paths.
fn owner_and_name(text: &str) -> Option<(&str, &str)> {
    let (owner, name) = text.split_once('/')?;
    let good = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    (good(owner) && good(name)).then_some((owner, name))
}

fn from_url(text: &str, scheme: &str, rest: &str, github_server: Option<&str>) -> Result<Address, String> {
    match scheme {
        "https" | "http" => http_url(text, github_server),
        "file" => {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            if !path.starts_with('/') {
                return Err("has a host in a file:// address: write file:///PATH".to_owned());
            }
            let path = percent_decode_str(path)
                .decode_utf8()
                .map_err(|_| "is not a path in UTF-8".to_owned())?;
            Ok(Address::Folder(PathBuf::from(path.into_owned())))
        }
        "ssh" | "git+ssh" | "ssh+git" => Ok(over_ssh(SshAddress::from_url(text)?, github_server)),
        "git" => Err("is a git:// address, which nothing protects on its way: use https://HOST/OWNER/NAME".to_owned()),
        // A password may stand before the `://`, too.
        other if other.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) => {
            Err(format!("has the scheme {other:?}: {FORMS}"))
        }
        _ => Err(format!("is not a URL: {FORMS}")),
    }
}

fn http_url(text: &str, github_server: Option<&str>) -> Result<Address, String> {
    // The parser's error says nothing of the text, which may hold a password.
    let mut url = read_url(text).map_err(|error| format!("is not a URL: {error}"))?;
    if url.password().is_some() {
        return Err("has a password in it: leave it out, and give `token`".to_owned());
    }
    let user = percent_decode_str(url.username())
        .decode_utf8()
        .map_err(|_| "has a user in it that is not UTF-8".to_owned())?
        .into_owned();
    user_name(&user)?;
    if url.set_username("").is_err() {
        return Err("names no host: write https://HOST/OWNER/NAME".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a `?` or `#` in it: give the address that `git clone` takes".to_owned());
    }
    may_carry_secret(&url)?;
    let path = url.path().trim_end_matches('/').to_owned();
    if path.is_empty() {
        return Err("names a host and no repository: add its path".to_owned());
    }
    url.set_path(&path);
    if url.host_str() == Some("www.github.com") {
        // It redirects every request to the host without it.
        let _ = url.set_host(Some("github.com"));
    }
    let server = github_server.and_then(|server| Url::parse(server).ok());
    let github = url.host_str() == Some("github.com") || server.is_some_and(|server| server.origin() == url.origin());
    let user = Some(user).filter(|user| !user.is_empty());
    Ok(Address::Http { url, github, user })
}

/// Checks a user name that is sent with a token: it is no secret, and shows in no message all the same.
///
/// # Errors
/// Says what is wrong, as the end of a sentence; the name is not repeated.
pub fn user_name(text: &str) -> Result<(), String> {
    // The tokens of Azure DevOps, and hashes, are long and of letters and digits alone.
    let long = text.len() >= 40 && text.chars().all(|c| c.is_ascii_alphanumeric());
    if long || looks_like_token(text) {
        return Err("has a token in the place of a user: leave it out, and give it as `token`".to_owned());
    }
    if text.contains(':') || text.chars().any(char::is_control) {
        return Err("has a user that cannot be sent: it holds a `:` or a control character".to_owned());
    }
    Ok(())
}

fn over_ssh(ssh: SshAddress, github_server: Option<&str>) -> Address {
    let server = github_server.and_then(|server| Url::parse(server).ok());
    let page = ssh.page();
    let host = page.as_ref().and_then(Url::host_str);
    let github = host == Some("github.com") || server.is_some_and(|server| server.host_str() == host);
    Address::Ssh { ssh, github }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Address::parse(text, None).unwrap().to_string()
    }

    #[test]
    fn every_form_of_the_contract_is_read() {
        assert_eq!(shown("myorg/infra-repo"), "https://github.com/myorg/infra-repo");
        assert_eq!(
            shown("https://www.github.com/myorg/infra"),
            "https://github.com/myorg/infra"
        );
        assert_eq!(
            shown("https://git.example.com/a/b/c.git/"),
            "https://git.example.com/a/b/c.git"
        );
        assert_eq!(
            shown("http://127.0.0.1:8080/infra.git"),
            "http://127.0.0.1:8080/infra.git"
        );
        assert_eq!(
            shown("http://git.tools.svc/infra.git"),
            "http://git.tools.svc/infra.git"
        );
        assert_eq!(shown("file:///srv/a%20b.git"), "/srv/a b.git");
        assert_eq!(shown("file://localhost/srv/a.git"), "/srv/a.git");
        for path in ["/srv/infra.git", "./a/b", "../infra.git", "a/b/c.git", "infra.git"] {
            assert_eq!(
                Address::parse(path, None),
                Ok(Address::Folder(PathBuf::from(path))),
                "{path}"
            );
        }
    }

    #[test]
    fn owner_and_name_are_on_the_server_of_the_run() {
        let address = Address::parse("myorg/infra", Some("https://github.example.com/")).unwrap();
        assert_eq!(address.to_string(), "https://github.example.com/myorg/infra");
        let commit = CommitSha::parse(&"a".repeat(40)).unwrap();
        assert_eq!(
            address.commit_url(&commit),
            Some(format!("https://github.example.com/myorg/infra/commit/{commit}"))
        );
    }

    #[test]
    fn commit_pages_are_named_only_where_they_are_known() {
        let commit = CommitSha::parse(&"b".repeat(40)).unwrap();
        let page = |text: &str| Address::parse(text, None).unwrap().commit_url(&commit);
        assert_eq!(
            page("https://github.com/a/b.git"),
            Some(format!("https://github.com/a/b/commit/{commit}"))
        );
        assert_eq!(
            page("https://gitlab.com/a/b"),
            Some(format!("https://gitlab.com/a/b/-/commit/{commit}"))
        );
        assert_eq!(
            page("https://bitbucket.org/a/b"),
            Some(format!("https://bitbucket.org/a/b/commits/{commit}"))
        );
        for ours in [
            "git@github.com:a/b.git",
            "ssh://git@github.com/a/b",
            "ssh://git@ssh.github.com:443/a/b.git",
        ] {
            assert_eq!(
                page(ours),
                Some(format!("https://github.com/a/b/commit/{commit}")),
                "{ours}"
            );
        }
        assert_eq!(
            page("git@gitlab.com:a/b/c.git"),
            Some(format!("https://gitlab.com/a/b/c/-/commit/{commit}"))
        );
        assert_eq!(page("https://git.example.com/a/b"), None);
        assert_eq!(page("git@git.example.com:a/b"), None);
        assert_eq!(page("/srv/a.git"), None);
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in [
            "https://user:hunter2@github.com/a/b",
            "https://ghp_hunter2@github.com/a/b",
            "https://x:hunter2@[/a",
            "ftp://x:hunter2@host/a",
            "x:hunter2@host://a",
            "ssh://git:hunter2@host/a",
            "x:hunter2@host:a/b",
        ] {
            let said = Address::parse(text, None).unwrap_err();
            assert!(!said.contains("hunter2"), "{said}");
            assert!(holds_credentials(text), "{text}");
        }
        for text in [
            "git@github.com:a/b.git",
            "ssh://git@host/a",
            "ssh://me@host/a",
            "https://host/a@b",
            "a/b",
            "/a@b/c",
        ] {
            assert!(!holds_credentials(text), "{text}");
        }
    }

    #[test]
    fn a_user_without_a_password_is_taken_and_not_shown() {
        let address = Address::parse("https://deploy%2Bbot@git.example.com/a/b", None).unwrap();
        assert_eq!(address.to_string(), "https://git.example.com/a/b");
        assert!(matches!(address, Address::Http { user: Some(user), .. } if user == "deploy+bot"));
        for text in [
            "https://glpat-abcdefgh@host/a/b",
            "https://GITHUB_PAT_11A@host/a/b",
            "https://0123456789abcdef0123456789abcdef01234567@host/a/b",
            "https://a%3Ab@host/a/b",
        ] {
            let said = Address::parse(text, None).unwrap_err();
            assert!(!said.contains("abcdef") && !said.contains("11A"), "{said}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_what_would_be_right() {
        for (text, part) in [
            ("", "is empty"),
            ("github.com:a/b.git", "no user"),
            ("ssh://git@github.com", "no repository"),
            ("ssh://git@github.com/a?x", "git clone"),
            ("http://git.example.com/a", "use https"),
            ("https://github.com", "no repository"),
            ("https://github.com/a/b?x=1", "git clone"),
            ("git://host/a", "https"),
            ("file://host/a", "file:///PATH"),
            ("svn://host/a", "owner/name"),
        ] {
            let said = Address::parse(text, None).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
