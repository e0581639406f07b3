//! What git hosts differ in besides git: which user a token is sent with, and what a right is called. Pure.

use reqwest::header::HeaderMap;

/// A kind of host, known by its name or by how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    GitHub,
    GitLab,
    Bitbucket,
    Azure,
    Gitea,
    CodeCommit,
    Other,
}

/// Hosts by the end of their names.
const BY_NAME: [(&str, Host); 9] = [
    ("github.com", Host::GitHub),
    (".ghe.com", Host::GitHub),
    ("gitlab.com", Host::GitLab),
    ("bitbucket.org", Host::Bitbucket),
    ("dev.azure.com", Host::Azure),
    (".visualstudio.com", Host::Azure),
    ("codeberg.org", Host::Gitea),
    ("gitea.com", Host::Gitea),
    (".amazonaws.com", Host::CodeCommit),
];

/// Hosts by the beginning of a header's name that only they send.
const BY_HEADER: [(&str, Host); 7] = [
    ("x-github-", Host::GitHub),
    ("x-gitlab-", Host::GitLab),
    ("gitlab-", Host::GitLab),
    ("x-arequestid", Host::Bitbucket),
    ("x-vss-", Host::Azure),
    ("x-tfs-", Host::Azure),
    ("x-amzn-", Host::CodeCommit),
];

impl Host {
    /// Returns what the host at a name is.
    pub(super) fn named(name: &str) -> Self {
        let is = |known: &str| {
            name == known.trim_start_matches('.') || name.ends_with(&format!(".{}", known.trim_start_matches('.')))
        };
        BY_NAME
            .iter()
            .find(|(known, _)| is(known))
            .map_or(Self::Other, |(_, host)| *host)
    }

    /// Returns what has answered, by what it says of itself.
    pub(super) fn answering(self, headers: &HeaderMap) -> Self {
        if self != Self::Other {
            return self;
        }
        let named = |name: &str| BY_HEADER.iter().find(|(begin, _)| name.starts_with(begin));
        if let Some((_, host)) = headers.keys().find_map(|name| named(name.as_str())) {
            return *host;
        }
        let cookies = headers.get_all("set-cookie").iter();
        let is_gitea = |cookie: &str| cookie.starts_with("i_like_gitea") || cookie.starts_with("i_like_forgejo");
        if cookies.filter_map(|cookie| cookie.to_str().ok()).any(is_gitea) {
            return Self::Gitea;
        }
        Self::Other
    }

    /// Returns the user that a token is sent with where none was given. Most hosts do not look at it.
    pub(super) const fn user(self) -> &'static str {
        match self {
            Self::Bitbucket => "x-token-auth",
            Self::GitLab => "oauth2",
            _ => "x-access-token",
        }
    }

    /// Returns how to let a token read or write, in the words of the host.
    pub(super) const fn grant(self, write: bool) -> &'static str {
        match (self, write) {
            (Self::GitHub, false) => "grant `contents: read` on the infra-repo to the token",
            (Self::GitHub, true) => "grant `contents: write` on the infra-repo to the token",
            (Self::GitLab, false) => "give the token the scope `read_repository` and a role in the project",
            (Self::GitLab, true) => {
                "give the token the scope `write_repository` and a role that can push to the branch (Developer or Maintainer)"
            }
            (Self::Bitbucket, false) => "give the token the permission Repositories: Read",
            (Self::Bitbucket, true) => "give the token the permission Repositories: Write",
            (Self::Azure, false) => "give the token the scope Code: Read",
            (Self::Azure, true) => {
                "give the token the scope Code: Read & write, and its owner the permission Contribute"
            }
            (Self::Gitea, false) => "give the token the scope `read:repository`",
            (Self::Gitea, true) => "give the token the scope `write:repository`",
            (Self::CodeCommit, false) => "give the IAM user of the credentials `codecommit:GitPull` on the repository",
            (Self::CodeCommit, true) => "give the IAM user of the credentials `codecommit:GitPush` on the repository",
            (Self::Other, false) => "let the token read the infra-repo on its host",
            (Self::Other, true) => "let the token push to the infra-repo on its host",
        }
    }

    /// Whether hosts of this kind have tokens that are valid only with a certain user name.
    pub(super) const fn wants_names(self) -> bool {
        !matches!(self, Self::GitHub | Self::Azure | Self::Gitea)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_name_or_by_its_answer() {
        for (name, host) in [
            ("github.com", Host::GitHub),
            ("acme.ghe.com", Host::GitHub),
            ("notgithub.com", Host::Other),
            ("github.com.evil.example", Host::Other),
            ("acme.visualstudio.com", Host::Azure),
            ("git-codecommit.eu-west-1.amazonaws.com", Host::CodeCommit),
            ("git.corp.test", Host::Other),
        ] {
            assert_eq!(Host::named(name), host, "{name}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-gitlab-meta", "{}".parse().unwrap());
        assert_eq!(Host::Other.answering(&headers), Host::GitLab);
        assert_eq!(Host::GitHub.answering(&headers), Host::GitHub);
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", "i_like_gitea=1; Path=/".parse().unwrap());
        assert_eq!(Host::Other.answering(&headers), Host::Gitea);
        assert_eq!(Host::Other.answering(&HeaderMap::new()), Host::Other);
    }
}
