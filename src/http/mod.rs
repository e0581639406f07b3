//! HTTP for every room that asks a server: one client, one bounded reader of answers, one retry, one kind of problem, and sources of tokens.
//! What a status means, and which words go with it, is decided by who asks.

mod answer;
mod client;
mod headers;
mod problem;
mod proxy;
mod request;
mod retry;
mod token;
mod trust;

pub use answer::{Answer, Opened};
pub use client::{Client, Connections, client};
pub use headers::{is_header_name, is_header_value, media_type, retry_after};
pub use problem::Problem;
pub use proxy::Proxies;
pub use request::Request;
pub use retry::{Patience, patiently};
pub use token::{Fixed, Tokens};
pub use trust::Untrusted;
