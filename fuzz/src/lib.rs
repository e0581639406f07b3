//! The pure rooms of the program, compiled on their own: what is fuzzed needs no git, no network and no C, and builds in seconds.

#[path = "../../src/manifest/mod.rs"]
pub mod manifest;
#[path = "../../src/model/mod.rs"]
pub mod model;
