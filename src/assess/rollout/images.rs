//! Whether an image that was promoted is among those that are deployed.

use crate::model::Parts;

/// Whether `image`, as a workload names it, is one of `wanted`.
pub(in crate::assess) fn named(wanted: &[String], image: &str) -> bool {
    wanted.iter().any(|one| same(one, image))
}

/// Returns those of `wanted` that are not among `found`.
pub(in crate::assess) fn missing<'a, 'f>(
    wanted: &'a [String],
    found: &(impl Iterator<Item = &'f String> + Clone),
) -> Vec<&'a String> {
    (wanted.iter())
        .filter(|one| !found.clone().any(|image| same(one, image)))
        .collect()
}

/// Returns an image of the same repository, whatever its tag.
pub(in crate::assess) fn sibling<'f>(wanted: &str, mut found: impl Iterator<Item = &'f String>) -> Option<&'f String> {
    let wanted = Parts::of(wanted);
    found.find(|image| same_place(&wanted, &Parts::of(image)))
}

/// Returns the repository of a reference.
pub(super) fn repository(reference: &str) -> &str {
    Parts::of(reference).repository
}

/// Whether a workload that names `found` runs `wanted`: the same repository or a mirror of it, and the same content. A webhook may
/// have put the digest to the tag, or taken the digest in its place.
fn same(wanted: &str, found: &str) -> bool {
    let (wanted, found) = (Parts::of(wanted), Parts::of(found));
    let version = match wanted.digest {
        Some(_) => wanted.digest == found.digest,
        None => wanted.tag == found.tag && (wanted.tag.is_some() || found.digest.is_none()),
    };
    version && same_place(&wanted, &found)
}

fn same_place(wanted: &Parts<'_>, found: &Parts<'_>) -> bool {
    wanted.same_repository(found) || is_mirror(wanted.repository, found.repository)
}

/// Whether `other` is a copy of a repository in another registry: its path ends with the whole path of the repository.
fn is_mirror(one: &str, other: &str) -> bool {
    let path = match one.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => path,
        _ => one,
    };
    path.contains('/') && other.strip_suffix(path).is_some_and(|before| before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_implies_makes_no_difference() {
        assert!(same("myorg/api:v1", "docker.io/myorg/api:v1"));
        assert!(same("redis:7", "docker.io/library/redis:7"));
        assert!(same(
            "localhost:5000/api:v1@sha256:aa",
            "localhost:5000/api:v1@sha256:aa"
        ));
        assert!(!same("myorg/api:v1", "myorg/api:v2"));
        assert!(!same("myorg/api:v1@sha256:aa", "myorg/api:v1"));
        assert!(!same("localhost:5000/api", "localhost:5001/api"));
    }

    #[test]
    fn what_a_webhook_makes_of_a_reference_is_the_same_image() {
        for found in [
            "myorg/api:v1@sha256:aa",
            "mirror.corp/myorg/api:v1",
            "mirror.corp:5000/cache/myorg/api:v1@sha256:aa",
        ] {
            assert!(same("myorg/api:v1", found), "{found}");
        }
        assert!(same("ghcr.io/myorg/api:v1", "mirror.corp/ghcr/myorg/api:v1"));
        assert!(same("myorg/api:v1@sha256:aa", "myorg/api@sha256:aa"));
        assert!(same("myorg/api@sha256:aa", "mirror.corp/myorg/api:v1@sha256:aa"));
        for other in [
            "mirror.corp/myorg/api:v2",
            "mirror.corp/notmyorg/api:v1",
            "mirror.corp/myorg/api-debug:v1",
            "myorg/api:v1@sha256:bb",
        ] {
            assert!(!same("myorg/api:v1@sha256:aa", other), "{other}");
        }
        assert!(!same("myorg/api", "myorg/api@sha256:aa"));
    }
}
