//! The pure rooms of the program and the readers of git's protocol, compiled on their own: what is fuzzed needs no network, and builds in
//! less than a minute.
#![allow(dead_code, reason = "a target calls only a part of the files that it shares with the program")]

#[path = "../../src/model/mod.rs"]
pub mod model;

pub use promote_manifest as manifest;

#[path = "../../src/assess/mod.rs"]
pub mod assess;
#[path = "../../src/inputs/mod.rs"]
pub mod inputs;
#[path = "../../src/plan/mod.rs"]
pub mod plan;

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

/// What reads the answers of Argo CD, and the events of its streams.
#[path = "../../src/delivery"]
pub mod delivery {
    pub mod change;
    pub mod problem;

    pub use change::Change;
    pub use problem::Problem;

    #[path = "argocd"]
    pub mod argocd {
        mod answer;
        mod bounded;
        mod convert;
        mod frames;
        mod managed;
        mod wire;

        use super::Change;

        /// Reads `bytes` as a stream, `piece` at a time.
        pub fn stream(bytes: &[u8], piece: usize) -> Vec<Change> {
            let mut frames = frames::Frames::default();
            bytes.chunks(piece.max(1)).flat_map(|piece| frames.take(piece)).collect()
        }

        /// Reads `bytes` as each of the answers.
        pub fn answers(bytes: &[u8]) {
            let _ = bounded::from_slice::<wire::Application>(bytes).map(convert::snapshot);
            if let Ok(list) = bounded::from_slice::<wire::ApplicationList>(bytes) {
                let _: Vec<_> = list.items.into_iter().map(convert::listed).collect();
            }
            if let Ok(list) = bounded::from_slice::<wire::ManagedResources>(bytes) {
                let _: Vec<_> = list.items.into_iter().map(managed::managed).collect();
            }
            let _ = bounded::from_slice::<wire::Tree>(bytes).map(convert::tree);
            let _ = bounded::from_slice::<wire::Windows>(bytes).map(convert::windows);
            let _ = bounded::from_slice::<bounded::Any>(bytes);
            let _ = answer::words(bytes);
        }
    }
}
