//! An infra-repo behind git's own protocol, or in a bare folder: readers of the protocol, objects in memory, and the two implementations.
//! Runs no git program, writes no file but the objects of a bare folder, and reads nobody's git configuration.

mod ancestry;
mod carrier;
mod folder;
mod hosts;
mod http;
mod landing;
pub mod pack;
pub mod packet;
pub mod push;
pub mod reference;
pub(super) mod rejection;
mod remote;
pub mod request;
mod ssh;
mod store;
mod talk;
mod tree;

pub(super) use folder::Folder;
pub(super) use http::Http;
pub(super) use remote::Remote;
pub(super) use ssh::Ssh;
pub use ssh::{Identity, KnownHosts, SshAccess, SshKey};
