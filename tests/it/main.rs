//! The one test binary. Modules are named by what they hold still.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start processes, read files and wait for servers"
)]

mod action;
mod architecture;
mod cli;
mod contract;
mod docs;
mod manifest;
mod scenarios;
mod secrets;
mod support;
mod traces;
