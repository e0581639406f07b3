//! Tells whether an image that was promoted is among those that are deployed.

use crate::model::Repository;

/// Tells whether `image`, as a workload names it, is one of `wanted`.
pub(super) fn named(wanted: &[String], image: &str) -> bool {
    wanted.iter().any(|one| same(one, image))
}

/// Returns those of `wanted` that are not in `found`.
pub(super) fn missing<'a>(wanted: &'a [String], found: &[&[String]]) -> Vec<&'a String> {
    (wanted.iter())
        .filter(|one| {
            !found
                .iter()
                .flat_map(|images| images.iter())
                .any(|image| same(one, image))
        })
        .collect()
}

/// Returns an image of the same repository, whatever its tag.
pub(super) fn sibling<'a>(wanted: &str, found: &[&'a [String]]) -> Option<&'a String> {
    let (repository, _) = split(wanted);
    (found.iter().flat_map(|images| images.iter())).find(|image| same_repository(repository, split(image).0))
}

/// Returns the repository of a reference.
pub(super) fn repository(reference: &str) -> &str {
    split(reference).0
}

fn same(one: &str, other: &str) -> bool {
    let ((a, tag_a), (b, tag_b)) = (split(one), split(other));
    tag_a == tag_b && same_repository(a, b)
}

fn same_repository(one: &str, other: &str) -> bool {
    one == other || Repository::parse(one).is_ok_and(|repository| repository.same_as(other))
}

/// Splits a reference before its tag or digest. A colon before the last slash is a port.
fn split(reference: &str) -> (&str, &str) {
    let name_end = reference.find('@').unwrap_or(reference.len());
    let slash = reference
        .get(..name_end)
        .and_then(|name| name.rfind('/'))
        .map_or(0, |at| at + 1);
    let tag = reference
        .get(slash..name_end)
        .and_then(|last| last.find(':'))
        .map(|at| slash + at);
    let at = tag.unwrap_or(name_end);
    reference.split_at_checked(at).unwrap_or((reference, ""))
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
        assert!(!same("myorg/api:v1", "myorg/api:v1@sha256:aa"));
        assert!(!same("localhost:5000/api", "localhost:5001/api"));
        assert_eq!(split("localhost:5000/api"), ("localhost:5000/api", ""));
    }
}
