//! The story of a promotion: snapshot, plan, look before writing, land, sync, wait, report.
//! Decides nothing itself: `plan` and `assess` do; it asks the ports and reports to the journal.

mod acting;
mod analyses;
mod cancel;
mod commands;
mod follow;
mod followee;
pub mod inputs;
mod job;
mod land;
mod lineage;
mod pasted;
mod ports;
mod prepare;
mod proposal;
mod rights;
mod run;
pub mod testing;
mod timeline;
mod underway;

pub use crate::plan::Identity;
pub use job::{
    Abort, Common, History, Hold, HoldChange, Job, Landing, Promote, Proposing, Resume, Rollback, Shows, Since, Status,
    Verify, Via, Wait,
};
pub use ports::Cancel;
pub use run::run;
