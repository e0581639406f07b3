//! Where an infra-repo is: the forms of the input `infra-repo`, read once.

use std::path::PathBuf;

use reqwest::Url;

/// The place of an infra-repo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Smart HTTP. No user, no password, no query.
    Http(Url),
    /// A bare repository on this machine.
    Folder(PathBuf),
}
