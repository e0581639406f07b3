//! Everything before the first write: the snapshot, the plan, and the look at the applications.

pub(super) mod applications;
pub(super) mod expiry;
pub(super) mod live;
pub(super) mod plan;
pub(super) mod precheck;
pub(super) mod rerun;
pub(super) mod snapshot;
mod source;
