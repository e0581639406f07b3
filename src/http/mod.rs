//! HTTP for every room that asks a server: one client, one bounded reader of answers, one retry, one kind of problem, and sources of tokens.
//! What a status means, and which words go with it, is decided by who asks.

mod answer;
mod client;
mod headers;
mod problem;
mod request;
mod retry;
mod token;

pub use answer::{Answer, Opened};
pub use client::{Client, client};
pub use headers::{is_header_name, is_header_value, media_type, retry_after};
pub use problem::Problem;
pub use request::Request;
pub use retry::{Patience, patiently};
pub use token::{Fixed, Tokens};
