//! The nouns of a promotion: values that parse once at the edge and mean the same everywhere.
//! Knows no clock, file system, network or format of anybody else.

mod application;
mod application_id;
mod canary;
mod clock;
mod command;
mod commit;
mod event;
mod fault;
mod health;
mod image;
pub mod json;
pub mod limits;
mod name;
mod operation;
mod outcome;
mod pin_change;
mod repository_identity;
mod resource;
mod secret;
mod sync_window;
mod system;
mod tree;
mod unseen;
mod url;

pub use application::{AppSnapshot, AppSource, Condition, Hydration};
pub use application_id::ApplicationId;
pub use canary::{Analysis, AnalysisTemplate, Canary, StepKind};
pub use clock::{Clock, Timestamp, counted, in_words};
pub use command::{Command, Part};
pub use commit::{BranchName, CommitName, CommitSha, RefName, RepoPath, short};
pub use event::{Event, Milestone};
pub use fault::Fault;
pub use health::{Health, SyncState};
pub use image::{Digest, Parts, Reference, Repository, Tag, is_docker_hub};
pub use name::{AppName, ClusterName, EnvironmentName};
pub use operation::{Operation, Phase, SyncResult};
pub use outcome::Outcome;
pub use pin_change::PinChange;
/// What the editor has already; it is a crate of its own and knows nothing else of ours.
pub use promote_manifest::{Pin, Syntax, nearest};
pub use repository_identity::RepoIdentity;
pub use resource::{Managed, Resource, ResourceId};
pub use secret::{Secret, is_loopback, looks_like_token, may_carry_secret, without_tokens};
pub use sync_window::{SyncWindow, SyncWindows, WindowKind};
pub use system::{of_io, without_number};
pub use tree::{Happening, Node, Said};
pub use unseen::unseen;
pub use url::read_url;
