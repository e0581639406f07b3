//! The pure rooms of the program and the readers of git's protocol, compiled on their own: what is fuzzed needs no network, and builds in
//! less than a minute.

#[path = "../../src/model/mod.rs"]
pub mod model;

pub use promote_manifest as manifest;

/// What reads addresses, and the words of a git server.
#[path = "../../src/infrarepo"]
pub mod infrarepo {
    pub mod address;
    pub mod git {
        pub mod pack;
        pub mod packet;
        pub mod push;
        pub mod reference;
        pub mod request;
    }
}
