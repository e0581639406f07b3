//! The seam to the engine that deploys: read an application, refresh it, sync it, follow it.
//! Knows nothing of git or of what was promoted.

use reqwest::Url;

use crate::model::Secret;

/// Which server, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server, with its root path if there is one.
    pub server: Url,
    /// The bearer token.
    pub token: Secret,
    /// Headers for a proxy before it; the values are secret.
    pub headers: Vec<(String, Secret)>,
    /// The project, which tells "missing" from "not allowed".
    pub project: Option<String>,
}
