//! The inputs that say which Argo CD server is asked, and as whom.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `argocd-server`.
pub const ARGOCD_SERVER: InputSpec = InputSpec {
    name: "argocd-server",
    kind: InputKind::Address,
    absent: "the commit is landed and nothing is watched",
    help: "The address of Argo CD, with its root path if it has one; without a scheme it is https.",
    example: "https://argocd.example.com",
    laptop: &["ARGOCD_SERVER"],
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-token`.
pub const ARGOCD_TOKEN: InputSpec = InputSpec {
    name: "argocd-token",
    kind: InputKind::Secret,
    absent: "required with `argocd-server`",
    help: "The token of an Argo CD account that may get, and where it is to trigger them sync, the applications.",
    example: "${{ secrets.ARGOCD_TOKEN }}",
    laptop: &["ARGOCD_AUTH_TOKEN"],
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-headers`.
pub const ARGOCD_HEADERS: InputSpec = InputSpec {
    name: "argocd-headers",
    kind: InputKind::SecretLines,
    absent: "none",
    help: "Lines `Name: value` that are sent with every request to Argo CD, for a proxy before it. The values are secrets.",
    example: "CF-Access-Client-Id: ${{ secrets.CF_ID }}",
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// `argocd-project`.
pub const ARGOCD_PROJECT: InputSpec = InputSpec {
    name: "argocd-project",
    absent: "only who may see applications of every project, or has the token of a project's role, knows",
    help: "The project of the applications: with it Argo CD tells an application that is missing from one that the token may not see. One \
           that is missing, and whose folder no other application deploys, may still be created: it has 60 s from landing to appear.",
    example: "payments",
    part: Part::Delivery,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 4] = [ARGOCD_SERVER, ARGOCD_TOKEN, ARGOCD_HEADERS, ARGOCD_PROJECT];
