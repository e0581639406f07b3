//! The inputs that say which Argo CD server is asked, and as whom.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `argocd-server`.
pub const ARGOCD_SERVER: InputSpec = InputSpec {
    name: "argocd-server",
    kind: InputKind::Address,
    absent: "Required for `wait`; otherwise, without it promote watches nothing",
    help: "Address of Argo CD, with its root path if it has one. Without a scheme, promote uses https. Where environments have servers of their own: `ENVIRONMENT=ADDRESS` for each, by comma or line.",
    common: true,
    example: "https://argocd.example.com",
    laptop: &["ARGOCD_SERVER"],
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-token`.
pub const ARGOCD_TOKEN: InputSpec = InputSpec {
    name: "argocd-token",
    kind: InputKind::Secret,
    absent: "Required when `argocd-server` is set",
    help: "Argo CD API token. Needs `applications, get`, and `applications, sync` for applications without automated sync. With a server for each environment: one line `ENVIRONMENT=TOKEN` for each.",
    common: true,
    example: "${{ secrets.ARGOCD_TOKEN }}",
    laptop: &["ARGOCD_AUTH_TOKEN"],
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-auth`.
pub const ARGOCD_AUTH: InputSpec = InputSpec {
    name: "argocd-auth",
    kind: InputKind::Choice(&["token", "github-oidc"]),
    default: Some("token"),
    help: "How promote logs in to Argo CD. `token` sends `argocd-token`. `github-oidc` exchanges the OIDC token of the job at Argo CD's Dex, \
           so that no secret is stored. The job needs `id-token: write`.",
    example: "github-oidc",
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-oidc-client-id`.
pub const ARGOCD_OIDC_CLIENT_ID: InputSpec = InputSpec {
    name: "argocd-oidc-client-id",
    default: Some("argo-cd-cli"),
    help: "Client of Argo CD's Dex that `argocd-auth: github-oidc` uses.",
    example: "argo-cd-cli",
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-oidc-connector`.
pub const ARGOCD_OIDC_CONNECTOR: InputSpec = InputSpec {
    name: "argocd-oidc-connector",
    default: Some("github-actions"),
    help: "Connector of Argo CD's Dex that trusts the issuer of the job's OIDC token.",
    example: "github-actions",
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-headers`.
pub const ARGOCD_HEADERS: InputSpec = InputSpec {
    name: "argocd-headers",
    kind: InputKind::SecretLines,
    absent: "Default: none",
    help: "Headers that promote sends with every request to Argo CD, one `Name: value` a line, for a proxy in front of it. With a server for each environment: lines `ENVIRONMENT=Name: value`. The values are secrets.",
    example: "CF-Access-Client-Id: ${{ secrets.CF_ID }}",
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-project`.
pub const ARGOCD_PROJECT: InputSpec = InputSpec {
    name: "argocd-project",
    absent: "Default: none; a token of a project role knows its project",
    help: "Argo CD project of the applications. With it, promote distinguishes a missing application from one that the token has no permission to see. A missing application that no other application's folder explains has 60s from the push to appear.",
    example: "payments",
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 7] = [
    ARGOCD_SERVER,
    ARGOCD_TOKEN,
    ARGOCD_AUTH,
    ARGOCD_OIDC_CLIENT_ID,
    ARGOCD_OIDC_CONNECTOR,
    ARGOCD_HEADERS,
    ARGOCD_PROJECT,
];
