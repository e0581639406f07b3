//! Argo CD over its REST API: the adapter behind the seam of `delivery`.
//! Decides nothing: it asks, and hands on what was answered in the model's words.

mod access;
mod analysis;
mod answer;
mod bounded;
mod client;
mod convert;
mod drive;
mod duration;
mod frames;
mod inspect;
mod managed;
mod object;
mod read;
mod rollout;
mod stream;
mod wire;

pub(super) use client::ArgoCd;
pub use convert::{snapshot_of, tree_of, windows_of};
pub use rollout::canary_of;
