//! Which repository an address names: two that name one are equal, whatever the protocol, user, port of ssh, or spelling of the host. Pure.
//!
//! Argo CD's own comparison does not equate the ssh and https forms; this one has to, as both sides name one repository each its own way.

use std::fmt;

use percent_encoding::percent_decode_str;

/// A repository, by its address without what does not distinguish repositories, and by further addresses that the user gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoIdentity {
    name: String,
    aliases: Vec<String>,
}

/// Other names of hosts: for ssh on the port of https, and such as they had before.
const HOSTS: [(&str, &str); 8] = [
    ("www.github.com", "github.com"),
    ("ssh.github.com", "github.com"),
    ("www.gitlab.com", "gitlab.com"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("www.bitbucket.org", "bitbucket.org"),
    ("altssh.bitbucket.org", "bitbucket.org"),
    ("ssh.codeberg.org", "codeberg.org"),
    ("ssh.gitea.com", "gitea.com"),
];

impl RepoIdentity {
    /// Returns what `address` names: `https://…`, `ssh://…`, `git@host:path`, `file://…` or a path.
    #[must_use]
    pub fn of(address: &str) -> Self {
        Self {
            name: name(address),
            aliases: Vec::new(),
        }
    }

    /// Adds addresses that name the same repository.
    #[must_use]
    pub fn with_aliases<'a>(mut self, addresses: impl IntoIterator<Item = &'a str>) -> Self {
        self.aliases.extend(addresses.into_iter().map(name));
        self
    }

    /// Whether both name one repository, by an address of either.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let mut ours = std::iter::once(&self.name).chain(&self.aliases);
        ours.any(|name| *name == other.name || other.aliases.contains(name))
    }
}

impl fmt::Display for RepoIdentity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name.trim_start_matches('/'))
    }
}

fn name(address: &str) -> String {
    let lower = address.trim().to_ascii_lowercase();
    if let Some(name) = codecommit_helper(&lower) {
        return name;
    }
    let (scheme, rest) = lower.split_once("://").unwrap_or(("", &lower));
    let (authority, path) = split(scheme, rest);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let over_ssh = scheme.contains("ssh") || (scheme.is_empty() && !host.is_empty());
    let host = without_port(scheme, host).trim_end_matches('.');
    let host = HOSTS
        .iter()
        .find(|(other, _)| *other == host)
        .map_or(host, |(_, host)| *host);
    let path = percent_decode_str(path).decode_utf8_lossy().to_lowercase();
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let Some(last) = parts.last_mut() {
        *last = last.strip_suffix(".git").unwrap_or(last);
    }
    parts.retain(|part| !part.is_empty());
    if let Some(name) = azure(host, user, &parts) {
        return name;
    }
    let parts = if over_ssh { parts } else { bitbucket(parts) };
    format!("{host}/{}", parts.join("/"))
}

/// Splits host and path; a path of this machine has no host.
fn split<'a>(scheme: &str, rest: &'a str) -> (&'a str, &'a str) {
    match (scheme, rest.split_once('/')) {
        ("", _) if !rest.starts_with(['/', '.']) && rest.contains(':') => {
            // The host may be an IP address in brackets, with the port inside them.
            let end = rest.find(']').map_or(0, |end| end + 1);
            match rest.get(end..).and_then(|after| after.find(':')) {
                Some(colon) => (
                    rest.get(..end + colon).unwrap_or_default(),
                    rest.get(end + colon + 1..).unwrap_or_default(),
                ),
                None => (rest, ""),
            }
        }
        ("file", Some((_, path))) if rest.starts_with("localhost/") => ("", path),
        ("" | "file", _) => ("", rest),
        (_, None) => (rest, ""),
        (_, Some(parts)) => parts,
    }
}

/// Returns a host without a port that adds nothing: that of its scheme, and any of ssh, since the https form has another.
fn without_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    let (bare, port) = match host.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        // `[host:port]:path` is the short form of ssh with a port.
        Some((inside, after)) if scheme.is_empty() && after.is_empty() => match inside.split_once(':') {
            Some((name, port)) if !port.contains(':') => (name, Some(port)),
            _ => (inside, None),
        },
        Some((inside, after)) => (inside, after.strip_prefix(':')),
        None => host
            .rsplit_once(':')
            .map_or((host, None), |(name, port)| (name, Some(port))),
    };
    match (scheme, port) {
        (_, None) | ("" | "ssh" | "git+ssh" | "ssh+git", Some(_)) | ("https", Some("443")) | ("http", Some("80")) => {
            bare
        }
        _ => host,
    }
}

/// Azure DevOps: `dev.azure.com/ORG/PROJECT/_git/REPO`, the domain of an organisation from before, and both of ssh, which have other paths.
/// A project's repository of the same name can be left out. On one's own server, `_git` and `_ssh` distinguish the two.
fn azure(host: &str, user: &str, parts: &[&str]) -> Option<String> {
    let mut parts: Vec<&str> = parts.to_vec();
    let organisation;
    match host {
        "ssh.dev.azure.com" | "vs-ssh.visualstudio.com" => {
            let first = parts.first()?;
            // `v3/ORG/PROJECT/REPO`; in older ones the user is the organisation.
            if first.starts_with('v') && first.len() == 2 {
                parts.remove(0);
                organisation = parts.first()?.to_string();
                parts.remove(0);
            } else {
                organisation = user.to_owned();
            }
        }
        "dev.azure.com" => {
            organisation = parts.first()?.to_string();
            parts.remove(0);
        }
        _ => {
            if let Some(name) = host.strip_suffix(".visualstudio.com") {
                organisation = name.to_owned();
            } else {
                let kind = parts.iter_mut().find(|part| matches!(**part, "_git" | "_ssh"))?;
                *kind = "_git";
                return Some(format!("{host}/{}", parts.join("/")));
            }
        }
    }
    parts.retain(|part| !matches!(*part, "_git" | "_ssh" | "_full" | "_optimized" | "defaultcollection"));
    let (project, repository) = match parts.as_slice() {
        [one] => (*one, *one),
        [project, repository] => (*project, *repository),
        _ => return None,
    };
    Some(format!("dev.azure.com/{organisation}/{project}/{repository}"))
}

/// Bitbucket Data Center: over https `[CONTEXT/]scm/PROJECT/REPO`, over ssh `PROJECT/REPO`; in the browser `projects/PROJECT/repos/REPO`.
fn bitbucket(parts: Vec<&str>) -> Vec<&str> {
    if let [.., "scm", project, repository] = parts.as_slice() {
        return vec![*project, *repository];
    }
    for window in parts.windows(4) {
        if let ["projects", project, "repos", repository] = window {
            return vec![*project, *repository];
        }
    }
    parts
}

/// The address that git's helper for AWS CodeCommit takes: `codecommit::REGION://[PROFILE@]REPO`.
fn codecommit_helper(address: &str) -> Option<String> {
    let (region, name) = address.strip_prefix("codecommit::")?.split_once("://")?;
    let name = name.rsplit_once('@').map_or(name, |(_, name)| name);
    Some(format!("git-codecommit.{region}.amazonaws.com/v1/repos/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(addresses: &[&str]) {
        let first = RepoIdentity::of(addresses[0]);
        for address in addresses {
            assert!(
                first.is(&RepoIdentity::of(address)),
                "{address} is {}, not {first}",
                RepoIdentity::of(address)
            );
        }
    }

    #[test]
    fn one_repository_has_many_addresses() {
        one(&[
            "https://github.com/MyOrg/infra-repo",
            "https://github.com/myorg/infra-repo.git",
            "https://x-access-token@github.com:443/myorg/infra-repo/",
            "https://www.github.com/myorg/infra-repo",
            "git://github.com/myorg/infra-repo.git",
            "git@github.com:myorg/infra-repo.git",
            "git@github.com:/myorg/infra-repo.git",
            "ssh://git@github.com/myorg/infra-repo",
            "ssh://git@github.com:22/myorg/infra-repo.git",
            "ssh://git@ssh.github.com:443/myorg/infra-repo.git",
            "git+ssh://git@github.com/myorg/infra-repo",
        ]);
        one(&[
            "https://gitlab.com/group/sub/infra.git",
            "git@altssh.gitlab.com:group/sub/infra",
            "ssh://git@altssh.gitlab.com:443/group/sub/infra.git",
        ]);
        one(&["file:///srv/infra.git", "/srv/infra", "file://localhost/srv/infra.git"]);
        one(&[
            "ssh://git@[fd00::1]:2222/a/b",
            "git@[fd00::1]:a/b",
            "https://[fd00::1]/a/b",
        ]);
        one(&[
            "codecommit::eu-west-1://me@infra",
            "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/infra",
            "ssh://APKA1@git-codecommit.eu-west-1.amazonaws.com/v1/repos/infra",
        ]);
    }

    #[test]
    fn azure_has_two_domains_and_other_paths_for_ssh() {
        one(&[
            "https://dev.azure.com/acme/shop/_git/infra",
            "https://acme@dev.azure.com/acme/shop/_git/infra",
            "https://dev.azure.com/acme/Shop/_git/_optimized/infra",
            "git@ssh.dev.azure.com:v3/acme/shop/infra",
            "ssh://git@ssh.dev.azure.com/v3/acme/shop/infra",
            "ssh://git@ssh.dev.azure.com:22/v3/acme/shop/infra",
            "https://acme.visualstudio.com/shop/_git/infra",
            "https://acme.visualstudio.com/DefaultCollection/shop/_git/infra",
            "acme@vs-ssh.visualstudio.com:v3/acme/shop/infra",
            "ssh://acme@vs-ssh.visualstudio.com:22/shop/_ssh/infra",
            "ssh://acme@acme.visualstudio.com:22/shop/_ssh/infra",
        ]);
        one(&[
            "https://dev.azure.com/acme/_git/shop",
            "https://dev.azure.com/acme/shop/_git/shop",
            "git@ssh.dev.azure.com:v3/acme/shop/shop",
        ]);
        one(&[
            "https://dev.azure.com/acme/My%20Shop/_git/infra",
            "git@ssh.dev.azure.com:v3/acme/My Shop/infra",
        ]);
        one(&[
            "https://tfs.corp.test/tfs/DefaultCollection/shop/_git/infra",
            "ssh://tfs.corp.test:22/tfs/DefaultCollection/shop/_ssh/infra",
        ]);
    }

    #[test]
    fn bitbucket_on_ones_own_server_has_other_paths_for_ssh() {
        one(&[
            "https://bitbucket.corp.test/scm/plat/infra.git",
            "https://bitbucket.corp.test/bitbucket/scm/plat/infra.git",
            "https://bitbucket.corp.test/projects/PLAT/repos/infra/browse",
            "ssh://git@bitbucket.corp.test:7999/plat/infra.git",
        ]);
        one(&[
            "https://bb.corp.test/scm/~me/infra",
            "ssh://git@bb.corp.test:7999/~me/infra.git",
        ]);
    }

    #[test]
    fn others_are_others() {
        let one = RepoIdentity::of("https://github.com/myorg/infra-repo");
        for address in [
            "https://github.com/myorg/infra",
            "https://ghe.example/myorg/infra-repo",
            "http://github.com:8080/myorg/infra-repo",
            "https://evil.example/github.com/myorg/infra-repo",
            "https://ssh.github.com.evil.example/myorg/infra-repo",
            "",
        ] {
            assert!(!one.is(&RepoIdentity::of(address)), "{address}");
        }
        let azure = RepoIdentity::of("https://dev.azure.com/acme/shop/_git/infra");
        for address in [
            "https://dev.azure.com/acme/shop/_git/infra2",
            "https://dev.azure.com/other/shop/_git/infra",
            "git@ssh.dev.azure.com:v3/acme/infra/shop",
            "https://shop.visualstudio.com/acme/_git/infra",
            "https://dev.azure.com.evil.example/acme/shop/_git/infra",
        ] {
            assert!(!azure.is(&RepoIdentity::of(address)), "{address}");
        }
        let git = RepoIdentity::of("git@git.corp.test:scm/a/b");
        assert!(!git.is(&RepoIdentity::of("git@git.corp.test:a/b")));
    }

    #[test]
    fn what_nobody_can_know_is_said_by_an_alias() {
        let ours = RepoIdentity::of("https://git.corp.test/plat/infra").with_aliases([
            "git@git-ssh.corp.test:plat/infra.git",
            "http://gitea.git.svc:3000/plat/infra",
        ]);
        for address in [
            "https://git.corp.test/plat/infra.git",
            "ssh://git@git-ssh.corp.test:2222/plat/infra",
            "http://gitea.git.svc:3000/plat/infra.git",
        ] {
            assert!(ours.is(&RepoIdentity::of(address)), "{address}");
            assert!(RepoIdentity::of(address).is(&ours), "{address}");
        }
        assert!(!ours.is(&RepoIdentity::of("http://gitea.git.svc:3000/plat/other")));
    }
}
