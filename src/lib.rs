//! Promotes an immutable image to an environment of a GitOps infra-repo and follows exactly that commit until it is live.
//!
//! The modules are ranked; a file imports its own folder or a lower rank (held by `tests/it/architecture.rs`):
//! `model` (0), `manifest`, `assess`, `report`, `inputs`, `http`, `journal`, `clock` (1), `plan`, `github` (2),
//! `infrarepo`, `githost`, `delivery`, `metrics`, `registry` (3), `promote`, `set_image` (4), `runner` (5), `cli` (6).

pub mod assess;
pub mod cli;
pub mod clock;
pub mod delivery;
pub mod githost;
pub mod github;
pub mod http;
pub mod infrarepo;
pub mod inputs;
pub mod journal;
pub mod metrics;
pub mod model;
pub mod plan;
pub mod promote;
pub mod registry;
pub mod report;
pub mod runner;
pub mod set_image;

pub use promote_manifest as manifest;
