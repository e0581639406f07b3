//! The seam to registries: whether an image is there, its digest, its platforms, its labels. Knows nothing of overlays or gates.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::http::Client;
use crate::model::{Digest, Fault, Reference, Secret, is_docker_hub};

pub mod inputs;
mod oci;

pub use oci::host;

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The digest of what the reference names: of the index, where there is one.
    pub digest: Digest,
    /// The platforms it is built for, each as `os/architecture[/variant]`, in their order. Attestations are none.
    pub platforms: Vec<String>,
    /// The labels of the image; of an index, those of its first platform.
    pub labels: BTreeMap<String, String>,
}

/// Reads images.
#[async_trait(?Send)]
pub trait Images {
    /// Returns the digest of what a reference names. One request, where the registry asks for no token.
    ///
    /// # Errors
    /// It is not there, the registry rejects the credentials, or gives no usable answer.
    async fn digest(&self, image: &Reference) -> Result<Digest, Problem>;

    /// Returns what is known of an image.
    ///
    /// # Errors
    /// As [`Images::digest`].
    async fn image(&self, image: &Reference) -> Result<Image, Problem>;
}

/// As whom registries are asked.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Without one, anonymously.
    pub login: Option<Login>,
}

/// The user of a registry.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name.
    pub user: String,
    /// Its password or token.
    pub password: Secret,
    /// The host of the only registry that gets them; without it, whichever the image names.
    pub host: Option<String>,
}

impl Settings {
    /// Returns the login for a registry's host, as people write it.
    #[must_use]
    pub fn login(&self, host: &str) -> Option<&Login> {
        let is_same = |own: &str| own.eq_ignore_ascii_case(host) || (is_docker_hub(own) && is_docker_hub(host));
        self.login
            .as_ref()
            .filter(|login| login.host.as_deref().is_none_or(is_same))
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The registry does not have it, or hides it from who may not see it.
    Missing(String),
    /// The registry rejects the credentials, or wants some.
    Denied(String),
    /// No usable answer.
    Unreachable(String),
}

impl Problem {
    /// Returns the end that this problem means for a run.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing(why) => Fault::refused(why.clone()).hint("push the image first, or check its name and tag"),
            Self::Denied(why) => Fault::denied(why.clone())
                .hint("give `registry-username` and `registry-password` that can pull the image"),
            Self::Unreachable(why) => {
                Fault::unreachable(why.clone()).hint("check that the registry is reachable from here")
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(why) | Self::Denied(why) | Self::Unreachable(why) => out.write_str(why),
        }
    }
}

/// Opens registries. Sends nothing.
#[must_use]
pub fn open(client: Client, settings: Settings) -> impl Images {
    oci::Registries::new(client, settings)
}
