//! Parts of a run that contract tests and benches drive on their own. Nothing else uses these paths.
#![doc(hidden)]

pub use super::follow::{FollowPorts, Followed, follow};
pub use super::followee::{Candidate, FollowRequest, Followee, Which};
pub use super::prepare::precheck::precheck;
