//! A stand-in of a registry: the reading half of the OCI distribution API, as strict as real ones are about who asks and what is accepted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

mod answers;

use answers::serve;

/// Who can pull.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// Everybody, without a token.
    #[default]
    Open,
    /// Everybody, with a token of the token service.
    AnonymousToken,
    /// This user, by name and password at every request.
    Basic(&'static str, &'static str),
    /// This user, with a token of the token service.
    Token(&'static str, &'static str),
}

/// The family that a manifest belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The Open Container Initiative's types.
    Oci,
    /// Docker's types.
    Docker,
}

impl Family {
    fn manifest(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        }
    }

    fn index(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.index.v1+json",
            Self::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    fn configuration(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.config.v1+json",
            Self::Docker => "application/vnd.docker.container.image.v1+json",
        }
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path with its query.
    pub target: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    host: String,
    access: Access,
    /// Manifests by repository, and by tag or digest: their type and their bytes.
    manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    /// Blobs by digest.
    blobs: BTreeMap<String, Vec<u8>>,
    /// Repositories that answer 403 to whoever asks.
    closed: Vec<String>,
    /// Where blobs are instead.
    blobs_at: Option<String>,
    /// A status that every request gets, instead of an answer.
    down: Option<u16>,
    /// The digest in the header is another one than that of the body.
    wrong_header: bool,
    /// Bodies are not what their digest says.
    spoiled: bool,
    asked: Vec<Asked>,
}

/// A running stand-in. It ends with the process.
#[derive(Clone, Debug)]
pub struct Registry {
    host: String,
    state: Arc<Mutex<State>>,
}

/// Returns the digest of some bytes.
fn digest_of(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in digest(&SHA256, bytes).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Registry {
    /// Starts one on loopback.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let host = listener.local_addr()?.to_string();
        let state = State {
            host: host.clone(),
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || while serve(&stream, &shared).unwrap_or(false) {});
            }
        });
        Ok(Self { host, state })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns its host with the port, which the names of its images begin with.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sets who can pull.
    pub fn access(&self, access: Access) {
        self.with(|state| state.access = access);
    }

    /// Answers everything with this status; `None` answers again.
    pub fn fail(&self, status: Option<u16>) {
        self.with(|state| state.down = status);
    }

    /// Answers 403 for a repository.
    pub fn close(&self, repository: &str) {
        self.with(|state| state.closed.push(repository.to_owned()));
    }

    /// Sends whoever asks for a blob to another host, with 307.
    pub fn blobs_at(&self, host: &str) {
        self.with(|state| state.blobs_at = Some(host.to_owned()));
    }

    /// Names another digest in the header of a manifest than its own.
    pub fn wrong_header(&self, wrong: bool) {
        self.with(|state| state.wrong_header = wrong);
    }

    /// Answers with other bytes than the digest says.
    pub fn spoil(&self, spoiled: bool) {
        self.with(|state| state.spoiled = spoiled);
    }

    /// Returns the requests that came.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.with(|state| state.asked.clone())
    }

    /// Keeps an image for one platform, under a tag if one is given, and returns its digest.
    pub fn push(
        &self,
        repository: &str,
        tag: Option<&str>,
        family: Family,
        platform: &str,
        labels: &[(&str, &str)],
    ) -> String {
        let (os, architecture, variant) = parts(platform);
        let labels: serde_json::Map<String, Value> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let mut configuration = json!({"os": os, "architecture": architecture, "config": {"Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": []}});
        if let Some(variant) = variant {
            configuration["variant"] = json!(variant);
        }
        let configuration = configuration.to_string().into_bytes();
        let manifest = json!({"schemaVersion": 2, "mediaType": family.manifest(),
            "config": {"mediaType": family.configuration(), "size": configuration.len(), "digest": digest_of(&configuration)},
            "layers": []});
        self.with(|state| state.blobs.insert(digest_of(&configuration), configuration));
        self.keep(repository, tag, family.manifest(), &manifest)
    }

    /// Keeps an index of images that are there, each with its platform, under a tag; with an attestation as `buildx` adds one. Returns its
    /// digest.
    pub fn push_index(&self, repository: &str, tag: &str, family: Family, images: &[(&str, &str)]) -> String {
        let mut manifests: Vec<Value> = images
            .iter()
            .map(|(digest, platform)| {
                let (os, architecture, variant) = parts(platform);
                let mut platform = json!({"os": os, "architecture": architecture});
                if let Some(variant) = variant {
                    platform["variant"] = json!(variant);
                }
                json!({"mediaType": family.manifest(), "size": 2, "digest": digest, "platform": platform})
            })
            .collect();
        let of = images.first().map(|(digest, _)| *digest);
        manifests.push(
            json!({"mediaType": family.manifest(), "size": 2, "digest": digest_of(b"attestation"),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of}}),
        );
        let index = json!({"schemaVersion": 2, "mediaType": family.index(), "manifests": manifests});
        self.keep(repository, Some(tag), family.index(), &index)
    }

    /// Returns the digest of what a tag names.
    #[must_use]
    pub fn digest(&self, repository: &str, tag: &str) -> Option<String> {
        let key = (repository.to_owned(), tag.to_owned());
        self.with(|state| state.manifests.get(&key).map(|(_, bytes)| digest_of(bytes)))
    }

    fn keep(&self, repository: &str, tag: Option<&str>, kind: &str, manifest: &Value) -> String {
        let bytes = manifest.to_string().into_bytes();
        let digest = digest_of(&bytes);
        self.with(|state| {
            for name in [Some(digest.as_str()), tag].into_iter().flatten() {
                let key = (repository.to_owned(), name.to_owned());
                state.manifests.insert(key, (kind.to_owned(), bytes.clone()));
            }
        });
        digest
    }
}

fn parts(platform: &str) -> (&str, &str, Option<&str>) {
    let mut parts = platform.splitn(3, '/');
    let (os, architecture) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (os, architecture, parts.next())
}
