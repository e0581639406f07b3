//! Whether an image that was promoted is among those that are deployed.

use crate::model::{Managed, Parts};

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

/// Whether `found` is another version of `wanted`: of the same repository or a mirror of it, with another digest, or where one of them has
/// none, another tag. A digest alone says nothing of a tag.
pub(in crate::assess) fn is_other_version(wanted: &str, found: &str) -> bool {
    let (wanted, found) = (Parts::of(wanted), Parts::of(found));
    let differ = |one: Option<&str>, other: Option<&str>| one.zip(other).map(|(one, other)| one != other);
    let version = differ(wanted.digest, found.digest).or_else(|| differ(wanted.tag, found.tag));
    version == Some(true) && same_place(&wanted, &found)
}

/// Whether a reference has a digest and no tag, as some webhooks make it.
pub(super) fn is_digest_alone(reference: &str) -> bool {
    let parts = Parts::of(reference);
    parts.tag.is_none() && parts.digest.is_some()
}

/// Returns the image that an object still names in the place of one of `wanted`, which it is to run: the sync left it out, or something in
/// the cluster has changed it back. Hooks are as their last run left them.
pub(in crate::assess) fn left_behind<'m>(wanted: &[String], managed: &'m Managed) -> Option<&'m String> {
    let targets = || managed.images.iter();
    let ours = || targets().filter(|image| named(wanted, image));
    (managed.live_images.iter())
        .filter(|_| !managed.hook)
        .find(|live| !targets().any(|image| same(image, live)) && ours().any(|image| is_other_version(image, live)))
}

/// Returns the workload whose pods still run another version of one of `wanted`, as far as `running` says, and what they run.
pub(in crate::assess) fn kept<'m, 'r>(
    wanted: &[String],
    running: &'r [String],
    managed: &'m [Managed],
) -> Option<(&'m Managed, &'r String)> {
    missing(wanted, &running.iter()).into_iter().find_map(|image| {
        let other = running.iter().find(|found| is_other_version(image, found))?;
        let is_its = |workload: &&Managed| workload.images.iter().any(|target| same(image, target));
        let workload = managed.iter().find(|one| one.may_keep_pods && is_its(one))?;
        Some((workload, other))
    })
}

/// Returns the repository of a reference.
pub(super) fn repository(reference: &str) -> &str {
    Parts::of(reference).repository
}

/// Whether a workload that names `found` runs `wanted`: the same repository or a mirror of it, and the same content. A webhook may
/// have put the digest to the tag, or taken the digest in its place.
pub(super) fn same(wanted: &str, found: &str) -> bool {
    let (wanted, found) = (Parts::of(wanted), Parts::of(found));
    let version = match wanted.digest {
        Some(_) => wanted.digest == found.digest,
        None => wanted.tag == found.tag && (wanted.tag.is_some() || found.digest.is_none()),
    };
    version && same_place(&wanted, &found)
}

/// Whether two references name the same repository, or one a mirror of the other, whatever their versions.
pub(super) fn same_repository(wanted: &str, found: &str) -> bool {
    same_place(&Parts::of(wanted), &Parts::of(found))
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
    fn another_version_is_one_that_is_known_to_differ() {
        for (wanted, found) in [
            ("myorg/api:v2", "myorg/api:v1"),
            ("myorg/api:v2", "mirror.corp/myorg/api:v1@sha256:aa"),
            ("myorg/api:v2@sha256:aa", "myorg/api:v2@sha256:bb"),
            ("myorg/api@sha256:aa", "myorg/api@sha256:bb"),
        ] {
            assert!(is_other_version(wanted, found), "{wanted} {found}");
        }
        for (wanted, found) in [
            ("myorg/api:v2", "myorg/api@sha256:aa"),
            ("myorg/api:v2@sha256:aa", "myorg/api:v1@sha256:aa"),
            ("myorg/api@sha256:aa", "myorg/api:v1"),
            ("myorg/api:v2", "myorg/web:v1"),
        ] {
            assert!(!is_other_version(wanted, found), "{wanted} {found}");
        }
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
