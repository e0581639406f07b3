//! Image references: repository, tag, digest. Parsed strictly, compared the way Docker resolves them.

use std::fmt;

/// A repository, with registry and port if it has them: `myorg/api`, `localhost:5000/team/api`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository(String);

impl Repository {
    /// Reads a repository by the grammar of distribution's reference package.
    ///
    /// # Errors
    /// Says what a repository looks like, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (Some(first), rest),
            _ => (None, text),
        };
        let host_fine = host.is_none_or(|host| {
            let (name, port) = host.split_once(':').map_or((host, None), |(n, p)| (n, Some(p)));
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
                && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
        });
        if text.len() <= 255 && (host_fine && path.split('/').all(is_component) || is_placeholder(text)) {
            Ok(Self(text.to_owned()))
        } else if text.chars().any(|c| c.is_ascii_uppercase()) {
            Err("is not an image repository: it must be lower case".to_owned())
        } else {
            Err("is not an image repository such as `myorg/api` or `registry.example.com/team/api`".to_owned())
        }
    }

    /// Returns the text as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads what precedes tag and digest: a repository, or the name of a kustomize entry, which can be any text that stands for an image
    /// in manifests: `$(API)`, `ghcr.io/Acme/API`, `(.*)/api`, `api@sha256:…`.
    ///
    /// # Errors
    /// Says what a repository looks like, as the end of a sentence.
    pub fn named(text: &str) -> Result<Self, String> {
        Self::parse(text).or_else(|why| {
            let (path, digest) = text
                .split_once('@')
                .map_or((text, None), |(path, digest)| (path, Some(digest)));
            let marked = path
                .chars()
                .any(|c| c.is_ascii_uppercase() || r"$(){}[]*+?|^\".contains(c));
            let strange = |c: char| c.is_whitespace() || c.is_control() || "\"'`,".contains(c);
            let fine = (marked || digest.is_some())
                && digest.is_none_or(|digest| Digest::parse(digest).is_ok())
                && !path.is_empty()
                && text.len() <= 512
                && !text.contains("//")
                && !text.chars().any(strange);
            if fine { Ok(Self(text.to_owned())) } else { Err(why) }
        })
    }

    /// Whether a text is a repository, or a name in capitals: what an entry that is added can be named.
    #[must_use]
    pub fn is_image(text: &str) -> bool {
        Self::parse(text).is_ok() || Self::holds_version(text)
    }

    /// Whether a text is a repository with a tag: the name of an entry that matches that tag alone.
    #[must_use]
    pub fn holds_version(text: &str) -> bool {
        let parts = Parts::of(text);
        let tagged = parts.digest.is_none() && parts.tag.is_some_and(|tag| Tag::parse(tag).is_ok());
        tagged && Self::parse(parts.repository).is_ok()
    }

    /// Reads the name of a kustomize entry that holds a tag itself, such as `alpine:3.20`.
    fn with_tag(repository: &str, tag: &str) -> Result<Self, String> {
        Ok(Self(format!("{}:{}", Self::parse(repository)?, Tag::parse(tag)?)))
    }

    /// Whether both name one repository: `docker.io/` and `library/` are implied.
    #[must_use]
    pub fn same_as(&self, other: &str) -> bool {
        Self::is_same(&self.0, other)
    }

    /// The same for texts.
    #[must_use]
    pub fn is_same(one: &str, other: &str) -> bool {
        normalised(one) == normalised(other)
    }
}

/// The names of Docker Hub's registry.
const DOCKER_HUB: [&str; 4] = [
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
];

/// Whether a host is Docker Hub's registry, by any of its names.
#[must_use]
pub fn is_docker_hub(host: &str) -> bool {
    DOCKER_HUB.contains(&host)
}

/// Returns host and path of a repository without what is implied: Docker Hub's names and `library/`, and the port of https.
fn normalised(text: &str) -> (&str, &str) {
    let (host, path) = match text.split_once('/') {
        Some((first, rest)) if is_host(first) => (first.strip_suffix(":443").unwrap_or(first), rest),
        _ => ("", text),
    };
    if !host.is_empty() && !is_docker_hub(host) {
        return (host, path);
    }
    match path.strip_prefix("library/") {
        Some(rest) if !rest.contains('/') => ("", rest),
        _ => ("", path),
    }
}

/// The first part is a host if it has a dot or a port, or is `localhost`.
fn is_host(first: &str) -> bool {
    first.contains('.') || first.contains(':') || first == "localhost"
}

/// A name in capitals, such as `WEB_IMAGE`, that stands for an image in manifests until kustomize puts one in its place.
fn is_placeholder(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

fn is_component(part: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    edge(part.bytes().next())
        && edge(part.bytes().next_back())
        && part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        && !part.contains("..")
        && !part.contains("___")
}

impl fmt::Display for Repository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A tag: at most 128 of `[A-Za-z0-9_.-]`, not beginning with `.` or `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// Reads a tag.
    ///
    /// # Errors
    /// Says what a tag looks like, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let first = text.bytes().next();
        let right = first.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
            && text.len() <= 128
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if right {
            Ok(Self(text.to_owned()))
        } else if Digest::split(text).is_some() {
            Err("is a digest, not a tag: give it as `digest`".to_owned())
        } else if let Some((tag, digest)) = text.split_once('@') {
            Err(format!(
                "is a tag and a digest: give {tag:?} as `tag` and {digest:?} as `digest`"
            ))
        } else if text.contains(['/', ':']) {
            Err("is an image, not a tag: give it as `image`".to_owned())
        } else {
            Err(
                "is not a tag: at most 128 letters, digits, `_`, `.` and `-`, and not `.` or `-` at the start"
                    .to_owned(),
            )
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the commit that the tag names, as the hexadecimal digits that it has of it, at least 7: `a3f1c8b`, `sha-a3f1c8b`.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        let name = self.0.strip_prefix("sha-").unwrap_or(&self.0);
        (name.len() <= 40 && looks_like_commit(name)).then_some(name)
    }

    /// Whether the tag looks as if it moves from build to build: it has a word such as `latest`, a branch's or an
    /// environment's name, and none that could be a version or a commit (`staging-latest`, `latest-dev`).
    #[must_use]
    pub fn looks_mutable(&self) -> bool {
        const MOVING: [&str; 31] = [
            "latest",
            "main",
            "master",
            "trunk",
            "head",
            "dev",
            "develop",
            "development",
            "devel",
            "stage",
            "staging",
            "prod",
            "production",
            "test",
            "testing",
            "qa",
            "uat",
            "preview",
            "nightly",
            "edge",
            "stable",
            "canary",
            "snapshot",
            "release",
            "next",
            "current",
            "beta",
            "alpha",
            "rc",
            "lts",
            "default",
        ];
        let lower = self.0.to_ascii_lowercase();
        let moves = lower.split(['-', '_', '.']).any(|part| MOVING.contains(&part));
        moves && !names_a_build(&lower)
    }
}

/// Whether a word with a digit in it, or an abbreviated commit, names one build: `main-a3f1c8b`, `v1.2.3-beta`. A platform or the version of a
/// runtime names none: `latest-amd64`, `latest-py3.12`, `latest-node-20`.
fn names_a_build(tag: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let has_digit = |part: &str| part.bytes().any(|b| b.is_ascii_digit());
    let tag = tag
        .replace("x86_64", "x86")
        .replace("arm64_v8", "arm64")
        .replace("arm_v", "armv");
    let mut of_runtime = false;
    for word in tag.split(['-', '_']) {
        let name = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let is_version = of_runtime && is_number(word.strip_prefix('v').unwrap_or(word));
        let is_platform = PLATFORMS.contains(&word) || RUNTIMES.contains(&name);
        if !is_version && !is_platform && word.split('.').any(|part| has_digit(part) || looks_like_commit(part)) {
            return true;
        }
        of_runtime = RUNTIMES.contains(&word) || PLATFORMS.contains(&word);
    }
    false
}

/// Processors with a digit in their name, as platforms of images spell them.
const PLATFORMS: [&str; 22] = [
    "amd64", "arm64", "arm64v8", "arm32v5", "arm32v6", "arm32v7", "armv5", "armv6", "armv7", "armv7l", "armv8",
    "aarch64", "x86", "x64", "i386", "i686", "386", "ppc64le", "ppc64", "s390x", "riscv64", "mips64le",
];

/// What the version of stands in tags: runtimes and systems.
const RUNTIMES: [&str; 32] = [
    "alpine",
    "debian",
    "ubuntu",
    "ubi",
    "el",
    "rhel",
    "centos",
    "fedora",
    "amazonlinux",
    "al",
    "wolfi",
    "windows",
    "ltsc",
    "node",
    "nodejs",
    "py",
    "python",
    "cp",
    "java",
    "jdk",
    "jre",
    "openjdk",
    "go",
    "golang",
    "php",
    "ruby",
    "dotnet",
    "net",
    "cuda",
    "gcc",
    "clang",
    "arm",
];

/// Seven or more hexadecimal digits: an abbreviated commit, even one without a decimal digit.
fn looks_like_commit(part: &str) -> bool {
    part.len() >= 7 && part.bytes().all(|b| b.is_ascii_hexdigit())
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A digest: `sha256:` and 64 lower-case hexadecimal digits, or `sha512:` and 128.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// Reads a digest.
    ///
    /// # Errors
    /// Says what a digest looks like, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (digits, hex) = match Self::split(text) {
            Some(("sha512", hex)) => (128, hex),
            Some((_, hex)) => (64, hex),
            None => (64, ""),
        };
        if hex.len() == digits && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "is not a digest: it must be `sha256:` and 64 lower-case hexadecimal digits, or `sha512:` and 128"
                    .to_owned(),
            )
        }
    }

    /// Splits a text that begins as a digest does into the algorithm and what follows it, right or not.
    #[must_use]
    pub fn split(text: &str) -> Option<(&str, &str)> {
        (text.split_once(':')).filter(|(algorithm, _)| matches!(*algorithm, "sha256" | "sha512"))
    }

    /// Returns the text, with its algorithm.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The parts of a reference as they stand in a text, whether they are right or not: what a cluster or a file says is compared, not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// What precedes tag and digest.
    pub repository: &'a str,
    /// What follows the last colon that is not a port's.
    pub tag: Option<&'a str>,
    /// What follows the `@`.
    pub digest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Splits a reference. The only place that knows where its parts end.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is a port's.
        let slash = named.rfind('/').map_or(0, |at| at + 1);
        let colon = named.get(slash..).and_then(|last| last.find(':'));
        let (repository, tag) = match colon.and_then(|at| named.split_at_checked(slash + at)) {
            Some((repository, tag)) => (repository, tag.strip_prefix(':')),
            None => (named, None),
        };
        Self {
            repository,
            tag,
            digest,
        }
    }

    /// Whether both name one repository: `docker.io/` and `library/` are implied.
    #[must_use]
    pub fn same_repository(&self, other: &Self) -> bool {
        normalised(self.repository) == normalised(other.repository)
    }
}

/// `name[:tag][@sha256:…]`; `name` is a repository, or the name of a kustomize entry that holds a tag (`alpine:3.20:TAG`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What precedes tag and digest.
    pub repository: Repository,
    /// The tag, if there is one.
    pub tag: Option<Tag>,
    /// The digest, if there is one.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Reads a reference.
    ///
    /// # Errors
    /// Says which part is wrong, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Parts::of(text);
        let held = parts.tag.and_then(|tag| tag.rsplit_once(':'));
        if let Some((_, tag)) = held {
            parts.tag = Some(tag);
        }
        let digest = parts
            .digest
            .map(|digest| Digest::parse(digest).map_err(|why| format!("has the digest {digest:?}, which {why}")));
        let tag = parts
            .tag
            .map(|tag| Tag::parse(tag).map_err(|why| format!("has the tag {tag:?}, which {why}")));
        let (digest, tag) = (digest.transpose()?, tag.transpose()?);
        let repository = match held {
            Some((held, _)) => Repository::with_tag(parts.repository, held)?,
            None => Repository::parse(parts.repository)?,
        };
        Ok(Self {
            repository,
            tag,
            digest,
        })
    }

    /// Reads a reference, or the name of a kustomize entry with a version behind it, as [`Repository::named`] knows names.
    ///
    /// # Errors
    /// Says which part of a reference is wrong, as the end of a sentence.
    pub fn named(text: &str) -> Result<Self, String> {
        Self::parse(text).or_else(|why| Self::of_entry(text).ok_or(why))
    }

    /// Reads what is no image, but the name of a kustomize entry with a version behind it.
    fn of_entry(text: &str) -> Option<Self> {
        let held = (text.rsplit_once('@')).and_then(|(name, digest)| Some((name, Digest::parse(digest).ok()?)));
        let (rest, digest) = match held {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        // What ends in a digest now is a name that holds one.
        let holds = (rest.rsplit_once('@')).is_some_and(|(_, digest)| Digest::parse(digest).is_ok());
        let tagged = (rest.rsplit_once(':')).and_then(|(name, tag)| Some((name, Tag::parse(tag).ok()?)));
        let (name, tag) = match tagged.filter(|_| !holds) {
            Some((name, tag)) => (name, Some(tag)),
            None => (rest, None),
        };
        if tag.is_none() && digest.is_none() {
            return None;
        }
        Some(Self {
            repository: Repository::named(name).ok()?,
            tag,
            digest,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(out, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_not_a_tag() {
        let image = Reference::parse("localhost:5000/team/api:v1").unwrap();
        assert_eq!(image.repository.as_str(), "localhost:5000/team/api");
        assert_eq!(image.tag.unwrap().as_str(), "v1");
    }

    #[test]
    fn an_entry_whose_name_holds_a_tag_can_be_named() {
        let image = Reference::parse("localhost:5000/agent:node-1:node-2").unwrap();
        assert_eq!(image.repository.as_str(), "localhost:5000/agent:node-1");
        assert_eq!(image.tag.as_ref().unwrap().as_str(), "node-2");
        assert_eq!(image.to_string(), "localhost:5000/agent:node-1:node-2");
        assert!(Reference::parse("agent:a:b:c").is_err() && Reference::parse("agent::b").is_err());
    }

    #[test]
    fn an_entry_can_be_named_whatever_its_name_is() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let held = format!("api:v1@{digest}");
        // Elsewhere a reference is a reference.
        assert!(Reference::parse("$(API):v2").is_err());
        for name in ["$(API)", "ghcr.io/Acme/API", "(.*)/api", held.as_str()] {
            for (version, tag, with_digest) in [
                (":v2".to_owned(), Some("v2"), false),
                (format!(":v2@{digest}"), Some("v2"), true),
                (format!("@{digest}"), None, true),
            ] {
                let image = Reference::named(&format!("{name}{version}")).unwrap();
                assert_eq!(image.repository.as_str(), name, "{name}{version}");
                assert_eq!(image.tag.as_ref().map(Tag::as_str), tag, "{name}{version}");
                assert_eq!(image.digest.is_some(), with_digest, "{name}{version}");
            }
        }
        for text in [
            "MyOrg/api",
            "my org/API:v1",
            "https://ghcr.io/Acme/API:v1",
            "myorg//api:v1",
            "api@sha256:AA:v2",
        ] {
            assert!(Reference::named(text).is_err(), "{text}");
        }
    }

    #[test]
    fn parts_are_found_in_any_text() {
        for (text, repository, tag, digest) in [
            ("localhost:5000/api", "localhost:5000/api", None, None),
            (
                "localhost:5000/api:v1@sha256:aa",
                "localhost:5000/api",
                Some("v1"),
                Some("sha256:aa"),
            ),
            ("API@x", "API", None, Some("x")),
            ("é:", "é", Some(""), None),
            ("", "", None, None),
        ] {
            let right = Parts {
                repository,
                tag,
                digest,
            };
            assert_eq!(Parts::of(text), right, "{text}");
        }
    }

    #[test]
    fn docker_hub_is_implied() {
        let nginx = Repository::parse("nginx").unwrap();
        assert!(nginx.same_as("docker.io/library/nginx"));
        assert!(!nginx.same_as("docker.io/myorg/nginx"));
    }

    #[test]
    fn a_name_in_capitals_stands_for_an_image() {
        for text in ["WEB_IMAGE", "API", "IMAGE-1"] {
            assert!(Repository::parse(text).is_ok(), "{text}");
        }
        for text in ["WebImage", "MYORG/API", "_A", "MyOrg/api"] {
            assert!(Repository::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn digests_of_both_algorithms_are_read() {
        for (algorithm, digits) in [("sha256", 64), ("sha512", 128)] {
            assert!(Digest::parse(&format!("{algorithm}:{}", "0a".repeat(digits / 2))).is_ok());
            assert!(Digest::parse(&format!("{algorithm}:{}", "0a".repeat(digits / 2 + 1))).is_err());
        }
        assert!(Digest::parse(&format!("sha1:{}", "0a".repeat(32))).is_err());
    }

    #[test]
    fn moving_tags_are_recognised_and_builds_are_not() {
        for tag in [
            "latest",
            "main",
            "master",
            "dev",
            "staging-latest",
            "latest-alpine",
            "Latest",
            "dev-latest",
            "feature-main",
            "latest-amd64",
            "main-arm64",
            "main-arm64-v8",
            "edge-x86_64",
            "latest-py3",
            "latest-py3.12-alpine3.19",
            "latest-node-20",
        ] {
            assert!(Tag::parse(tag).unwrap().looks_mutable(), "{tag}");
        }
        for tag in [
            "a3f1c8b",
            "v1.2.3",
            "main-a3f1c8b",
            "v1.2.3-beta",
            "20240101",
            "deadbeef",
            "abc1234",
            "1.10",
            "edge-cafebabe",
            "main-a3f1c8b-amd64",
            "main-42-arm64",
            "nightly-20261127",
            "v1.2.3-beta-py3",
            "main-go1a2b3c4",
        ] {
            assert!(!Tag::parse(tag).unwrap().looks_mutable(), "{tag}");
        }
    }
}
