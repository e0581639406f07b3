//! Keeps what was asked and answered: for tests in memory, and as lines of JSON that a checker of the published description reads.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;
use serde_json::{Value, json};

use crate::git::lock;

/// One request, as tests look at it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The body, if it was JSON.
    pub body: Value,
    /// The status of the answer.
    pub status: u16,
    /// The `User-Agent`.
    pub agent: String,
    /// The names of its headers that begin with `x-`, in small letters.
    pub extra: Vec<String>,
}

/// The record of all exchanges.
pub(crate) struct Exchanges {
    asked: Mutex<Vec<Asked>>,
    file: Option<Mutex<File>>,
}

impl Exchanges {
    /// Opens the record; lines are added to `file`, if one is given.
    pub(crate) fn open(file: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| {
            let file = File::options().create(true).append(true).open(path);
            file.with_context(|| format!("open {}", path.display()))
        };
        Ok(Self {
            asked: Mutex::default(),
            file: file.map(open).transpose()?.map(Mutex::new),
        })
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }

    pub(crate) fn keep(&self, asked: Asked) {
        lock(&self.asked).push(asked);
    }

    /// Writes a line. Only JSON is described: plain-text refusals and what cannot be parsed are left out.
    pub(crate) fn write(&self, method: &str, path: &str, request: &Value, status: u16, response: &Value) {
        let Some(file) = &self.file else { return };
        let mut line = json!({"method": method, "path": described(path), "status": status, "response": response});
        if !request.is_null() {
            line["request"] = request.clone();
        }
        // One write, so that lines of several servers do not mix; a full disk must not end a test.
        let _ = lock(file).write_all(format!("{line}\n").as_bytes());
    }
}

/// Takes `fields` off: the server has it, its description has not.
fn described(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let kept: Vec<&str> = query.split('&').filter(|part| !part.starts_with("fields=")).collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}
