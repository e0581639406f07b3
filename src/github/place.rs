//! Where GitHub's API is for one repository. Pure.

use url::Url;

/// The addresses of the API, and the repository as the API names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The root of the REST API, without a `/` at its end.
    pub rest: Url,
    /// Where GraphQL is asked.
    pub graphql: Url,
    /// The account or organization.
    pub owner: String,
    /// The repository's name.
    pub name: String,
}

impl Place {
    /// Returns where the API of a repository is, by the address that git has for it, as GitHub lays out its hosts.
    #[must_use]
    pub fn of(address: &Url) -> Option<Self> {
        let parts: Vec<&str> = address.path_segments()?.filter(|part| !part.is_empty()).collect();
        let [before @ .., _, _] = parts.as_slice() else {
            return None;
        };
        let host = address.host_str()?;
        let (mut rest, mut graphql) = (address.clone(), address.clone());
        if host == "github.com" || host.ends_with(".ghe.com") {
            for url in [&mut rest, &mut graphql] {
                url.set_host(Some(&format!("api.{host}"))).ok()?;
            }
            rest.set_path("");
            graphql.set_path("graphql");
        } else {
            rest.set_path(&[before, &["api", "v3"]].concat().join("/"));
            graphql.set_path(&[before, &["api", "graphql"]].concat().join("/"));
        }
        Self::at(address, rest, graphql)
    }

    /// The same with the addresses that a run was given for its own GitHub.
    #[must_use]
    pub fn at(address: &Url, rest: Url, graphql: Url) -> Option<Self> {
        let mut parts = address.path_segments()?.rev().filter(|part| !part.is_empty());
        let (name, owner) = (parts.next()?, parts.next()?);
        let name = name.strip_suffix(".git").unwrap_or(name);
        Some(Self {
            rest,
            graphql,
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Returns another repository `owner/name` on the same GitHub.
    #[must_use]
    pub fn beside(&self, repository: &str) -> Self {
        let (owner, name) = repository.split_once('/').unwrap_or((&self.owner, repository));
        Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
            ..self.clone()
        }
    }

    /// Returns the API's host, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        self.rest.host_str().unwrap_or_default()
    }

    /// Returns `owner/name`.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Returns the address of something of the REST API by the parts of its path.
    #[must_use]
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.rest.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_by_the_address_of_git() {
        for (address, api, graphql) in [
            (
                "https://github.com/o/r",
                "https://api.github.com/",
                "https://api.github.com/graphql",
            ),
            (
                "https://github.com/o/r.git",
                "https://api.github.com/",
                "https://api.github.com/graphql",
            ),
            (
                "https://t.ghe.com/o/r",
                "https://api.t.ghe.com/",
                "https://api.t.ghe.com/graphql",
            ),
            (
                "https://ghes.example/o/r",
                "https://ghes.example/api/v3",
                "https://ghes.example/api/graphql",
            ),
            (
                "http://127.0.0.1:8080/o/r",
                "http://127.0.0.1:8080/api/v3",
                "http://127.0.0.1:8080/api/graphql",
            ),
            (
                "https://ghes.example/git/o/r",
                "https://ghes.example/git/api/v3",
                "https://ghes.example/git/api/graphql",
            ),
        ] {
            let found = Place::of(&address.parse().unwrap()).unwrap();
            assert_eq!(
                (found.rest.as_str(), found.graphql.as_str()),
                (api, graphql),
                "{address}"
            );
            assert_eq!(found.repository(), "o/r", "{address}");
        }
        assert!(Place::of(&"https://github.com/o".parse().unwrap()).is_none());
        let found = Place::of(&"https://ghes.example/o/r".parse().unwrap()).unwrap();
        let url = found.url(
            &["repos", "o", "r", "git", "ref", "heads", "a/b"],
            &[("per_page", "100")],
        );
        assert_eq!(
            url.as_str(),
            "https://ghes.example/api/v3/repos/o/r/git/ref/heads/a%2Fb?per_page=100"
        );
    }
}
