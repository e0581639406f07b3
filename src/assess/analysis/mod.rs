//! Analyses as the Argo Rollouts controller judges them, without a controller: a template's metrics, what was measured, and
//! the phases that follow. Pure: the moment and the measured value are arguments.

pub mod admission;
pub mod advice;
pub mod arguments;
pub mod document;
pub mod expression;
pub mod golang;
pub mod jsonpath;
pub mod load;
pub mod measurement;
pub mod merge;
pub mod problem;
pub mod prometheus;
pub mod run;
pub mod template;
pub mod trouble;
pub mod validate;
pub mod value;

pub use measurement::{Conditions, Phase, Unjudged, Which};
pub use problem::Problem;
pub use trouble::{Trouble, TroubleKind};
pub use value::Value;
