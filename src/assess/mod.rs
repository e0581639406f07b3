//! Observations in, verdicts with reasons out. Pure: time is an argument, nothing is asked for here.

pub mod analysis;
pub mod diagnosis;
pub mod effect;
mod finished;
pub mod gate;
pub mod history;
pub mod rollout;
pub mod source;
pub mod window;
