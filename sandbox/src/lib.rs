//! Stand-ins of the outside world: a real git server and an Argo CD, on loopback, for tests, the demo and for use by hand.

pub mod argocd;
pub mod dex;
mod exchange;
pub mod front;
pub mod git;
pub mod github;
pub mod prometheus;
pub mod registry;
mod whole;

pub use whole::{Options, Sandbox, overlay};
