//! Manifests and indexes of both families, Docker's and OCI's; digests are worked out here, whatever the registry says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ring::digest::{SHA256, SHA512, digest};
use serde_json::Value as Json;

use crate::model::{Digest, json};

/// The types that are asked for.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                                   application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// A manifest, or an index of several.
pub(super) struct Manifest {
    pub(super) digest: Digest,
    /// Of an index: its images.
    pub(super) images: Vec<One>,
    /// Of an image: the digest of its configuration.
    pub(super) configuration: Option<String>,
}

/// One image of an index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct One {
    pub(super) digest: String,
    pub(super) platform: Option<String>,
}

/// Reads a manifest. `said` is the registry's own word for its digest, `asked` what it was asked for: a tag or a digest.
///
/// # Errors
/// A digest is another one, or it is no manifest. As the end of a sentence about the registry.
pub(super) fn read(body: &[u8], said: Option<&str>, asked: &str) -> Result<Manifest, String> {
    let named = [asked, said.unwrap_or_default()]
        .into_iter()
        .find(|name| Digest::parse(name).is_ok());
    for expected in [Some(asked), said]
        .into_iter()
        .flatten()
        .filter(|name| Digest::parse(name).is_ok())
    {
        check(body, expected)?;
    }
    let algorithm = named.map_or("sha256", |name| name.split(':').next().unwrap_or("sha256"));
    let computed = hashed(body, algorithm);
    let json: Json = json::value(body).map_err(|_| "answered with something that is not a manifest".to_owned())?;
    let images = json.get("manifests").and_then(Json::as_array);
    let configuration = json.pointer("/config/digest").and_then(Json::as_str).map(str::to_owned);
    if images.is_none() && configuration.is_none() {
        return Err(match json.get("schemaVersion").and_then(Json::as_u64) {
            Some(1) => "answered with a manifest of the first version, which promote does not read".to_owned(),
            _ => "answered with something that is not a manifest".to_owned(),
        });
    }
    Ok(Manifest {
        digest: Digest::parse(&computed).map_err(|why| format!("answered with a digest that {why}"))?,
        images: images.into_iter().flatten().filter_map(one).collect(),
        configuration,
    })
}

/// Reads an entry of an index; `None` for what is no image, such as an attestation.
fn one(entry: &Json) -> Option<One> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Json::as_str);
    let attached = entry
        .get("annotations")
        .and_then(|annotations| annotations.get("vnd.docker.reference.type"))
        .is_some();
    if attached || text("/platform/os") == Some("unknown") {
        return None;
    }
    Some(One {
        digest: text("/digest")?.to_owned(),
        platform: entry.get("platform").and_then(platform),
    })
}

/// Writes a platform as `os/architecture[/variant]`.
pub(super) fn platform(json: &Json) -> Option<String> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let mut platform = format!("{}/{}", text("os")?, text("architecture")?);
    if let Some(variant) = text("variant") {
        let _ = write!(platform, "/{variant}");
    }
    Some(platform)
}

/// Returns the labels in a configuration.
pub(super) fn labels(json: &Json) -> BTreeMap<String, String> {
    let labels = json.pointer("/config/Labels").and_then(Json::as_object);
    let texts = labels.into_iter().flatten();
    texts
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Checks that content has a digest.
///
/// # Errors
/// It has another one. As the end of a sentence about the registry.
pub(super) fn check(body: &[u8], expected: &str) -> Result<(), String> {
    let algorithm = expected.split(':').next().unwrap_or_default();
    let computed = hashed(body, algorithm);
    if computed == expected {
        Ok(())
    } else {
        Err(format!(
            "answered with content whose digest is {computed}, not {expected}"
        ))
    }
}

fn hashed(body: &[u8], algorithm: &str) -> String {
    let (name, of) = match algorithm {
        "sha512" => ("sha512", digest(&SHA512, body)),
        _ => ("sha256", digest(&SHA256, body)),
    };
    let mut out = format!("{name}:");
    for byte in of.as_ref() {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attestations_are_no_images() {
        let index = serde_json::json!({"schemaVersion": 2, "manifests": [
            {"digest": "sha256:a", "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
            {"digest": "sha256:b", "platform": {"os": "unknown", "architecture": "unknown"},
             "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        ]});
        let body = index.to_string().into_bytes();
        let read = read(&body, None, "v1").unwrap();
        assert_eq!(
            read.images,
            [One {
                digest: "sha256:a".to_owned(),
                platform: Some("linux/arm/v7".to_owned())
            }]
        );
        let wrong = format!("sha256:{}", "0".repeat(64));
        assert!(super::read(&body, Some(&wrong), "v1").is_err());
        assert!(super::read(&body, None, &wrong).is_err());
        assert!(super::read(&body, Some(read.digest.as_str()), "v1").is_ok());
        assert!(super::read(b"<html>", None, "v1").is_err());
        assert!(super::read(b"{}", None, "v1").is_err());
    }
}
