//! Cuts a stream of bytes into Argo CD's frames: server-sent events, or a line of JSON each where a proxy changed that.
//! Knows nothing of connections and time.

use crate::delivery::{Change, Problem};
use crate::model::limits;

use super::{answer, bounded, convert, wire};

/// The bytes that came and are not a whole frame yet.
#[derive(Debug, Default)]
pub(super) struct Frames {
    line: Vec<u8>,
    data: Vec<u8>,
}

impl Frames {
    /// Takes bytes, and returns what they complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Change> {
        let mut changes = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                changes.extend(self.whole(line.trim_ascii_end()));
            }
        }
        if self.line.len().max(self.data.len()) > limits::ARGOCD_FRAME.bytes() {
            changes.push(broken("a frame is too long".to_owned()));
        }
        changes
    }

    fn whole(&mut self, line: &[u8]) -> Option<Change> {
        match line {
            [] if self.data.is_empty() => None,
            [] => Some(change(&std::mem::take(&mut self.data))),
            [b':', ..] => Some(Change::Alive),
            [b'{', ..] => Some(change(line)),
            _ => {
                let data = line.strip_prefix(b"data:")?;
                self.data.extend_from_slice(data.trim_ascii_start());
                None
            }
        }
    }
}

fn change(json: &[u8]) -> Change {
    match bounded::from_slice::<wire::Frame>(json) {
        Ok(wire::Frame {
            result: Some(result), ..
        }) if !result.application.metadata.name.is_empty() => {
            let app = Box::new(convert::snapshot(result.application));
            if result.kind == "DELETED" {
                Change::Deleted(app)
            } else {
                Change::Seen(app)
            }
        }
        // With `fields`, an error is reduced to `{}`.
        _ => broken(answer::words(json).unwrap_or_else(|| "a frame that is not an application".to_owned())),
    }
}

fn broken(why: String) -> Change {
    Change::Broken(Problem::Passing { why, after: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(changes: Vec<Change>) -> Vec<String> {
        changes
            .into_iter()
            .map(|change| match change {
                Change::Alive => "alive".to_owned(),
                Change::Seen(app) => app.name,
                Change::Deleted(app) => format!("-{}", app.name),
                Change::Broken(problem) => format!("broken: {}", problem.why()),
            })
            .collect()
    }

    const FRAME: &str = r#"data: {"result":{"type":"MODIFIED","application":{"metadata":{"name":"api"}}}} "#;

    #[test]
    fn events_are_cut_wherever_the_bytes_break() {
        let text = format!(":\n{FRAME}\n\n\n:\n");
        let whole = named(Frames::default().take(text.as_bytes()));
        assert_eq!(whole, ["alive", "api", "alive"]);
        let mut frames = Frames::default();
        let bytewise: Vec<String> = text.bytes().flat_map(|byte| named(frames.take(&[byte]))).collect();
        assert_eq!(bytewise, whole);
    }

    #[test]
    fn lines_of_json_are_frames_too() {
        let text = r#"{"result":{"type":"DELETED","application":{"metadata":{"name":"api"}}}}"#;
        assert_eq!(named(Frames::default().take(format!("{text}\n").as_bytes())), ["-api"]);
    }

    #[test]
    fn s76_an_error_or_nothing_breaks_the_stream() {
        let error = r#"data: {"error":{"grpc_code":16,"http_code":401,"message":"token expired"}}"#;
        let text = format!("{error}\n\ndata: {{}}\n\n");
        let changes = named(Frames::default().take(text.as_bytes()));
        assert_eq!(
            changes,
            ["broken: token expired", "broken: a frame that is not an application"]
        );
    }
}
