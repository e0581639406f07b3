//! The one test binary. Modules are named by what they hold still.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start processes, read files and wait for servers"
)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "what goes wrong in a test ends it; this holds for what several tests share, too"
)]

mod action;
mod analysis;
mod architecture;
mod cli;
mod contract;
mod docs;
mod hostile;
mod layouts;
mod manifest;
mod preflight;
mod scenarios;
mod secrets;
mod support;
mod traces;
