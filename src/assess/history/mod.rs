//! The record of one app in one environment: what was live there, when, and how it ended. Lines in, lines and answers out.
//!
//! A line is one JSON document. What this version does not understand stays as it was written: damaged lines, unknown events, unknown fields.

mod figures;
mod good;
mod line;

pub use figures::{Figures, figures, percentile};
pub use good::Version;
pub use line::{EventKind, Line, RecordedPin};

/// How many lines a file has at most; older ones remain in the history of the reference.
pub const MOST_LINES: usize = 200;

/// The record of one app in one environment, the newest line last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    lines: Vec<Kept>,
}

/// A line as it was written, with what it says if that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    text: String,
    line: Option<Line>,
}

impl Record {
    /// Reads a file of the record. A line that cannot be read is kept, and counts for nothing.
    #[must_use]
    pub fn parse(file: &[u8]) -> Self {
        let text = String::from_utf8_lossy(file);
        // Whatever else stands before a line feed is a part of its line, and stays.
        let lines = text.split('\n').filter(|line| !line.trim().is_empty());
        Self {
            lines: lines
                .map(|text| Kept {
                    text: text.to_owned(),
                    line: Line::parse(text),
                })
                .collect(),
        }
    }

    /// Adds the newest line.
    pub fn push(&mut self, line: Line) {
        self.lines.push(Kept {
            text: line.text(),
            line: Some(line),
        });
    }

    /// Returns the file: the newest [`MOST_LINES`] lines, each as it was written.
    #[must_use]
    pub fn file(&self) -> String {
        let mut text = String::new();
        for kept in self.lines.iter().skip(self.lines.len().saturating_sub(MOST_LINES)) {
            text.push_str(&kept.text);
            text.push('\n');
        }
        text
    }

    /// Returns the lines that can be read, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().rev().filter_map(|kept| kept.line.as_ref())
    }

    /// Returns the newest line that can be read.
    #[must_use]
    pub fn newest(&self) -> Option<&Line> {
        self.newest_first().next()
    }

    /// Returns how many lines cannot be read.
    #[must_use]
    pub fn damaged(&self) -> usize {
        self.lines.iter().filter(|kept| kept.line.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::line;
    use super::*;

    #[test]
    fn the_end_of_a_foreign_line_stays_as_it_was_written() {
        let text = "x\r\r\n{\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"live\",\"images\":[]}\r\n";
        let record = Record::parse(text.as_bytes());
        assert_eq!((record.file().as_str(), record.damaged()), (text, 1));
        assert!(record.newest().is_some());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut record = Record::default();
        record.push(Line {
            schema: Some("42".to_owned()),
            reason: "two\nlines \"quoted\"".to_owned(),
            seconds: Some(12.5),
            ..line("live", "2026-01-01T00:00:00Z", &["myorg/api:v1", "myorg/web:v1"])
        });
        record.push(line("failed", "2026-01-02T00:00:00Z", &["myorg/api:v2"]));
        let file = record.file();
        assert_eq!(file.lines().count(), 2);
        assert_eq!(Record::parse(file.as_bytes()), record);
        assert_eq!(record.newest().unwrap().event, EventKind::Failed);
    }

    #[test]
    fn the_fields_stand_in_the_order_that_is_documented() {
        let one = line("live", "2026-01-01T00:00:00Z", &["myorg/api:v1"]);
        assert_eq!(
            one.text(),
            "{\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"live\",\"commit\":null,\"images\":[\"myorg/api:v1\"],\"pins\":[],\
             \"schema\":null,\"by\":\"octo\",\"run\":\"run-1\",\"reason\":\"\",\"seconds\":null}"
        );
    }

    #[test]
    fn damaged_lines_unknown_events_and_unknown_fields_are_kept_as_they_are() {
        let file = "{\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"live\",\"images\":[\"a:1\"],\"colour\":\"blue\"}\n\
                    {\"v\":1,\"at\":\"2026-\n\n\
                    {\"v\":1,\"at\":\"2026-01-02T00:00:00Z\",\"event\":\"celebrated\",\"images\":[\"a:1\"]}\n\
                    <<<<<<< HEAD\n";
        let mut record = Record::parse(file.as_bytes());
        assert_eq!(record.damaged(), 2);
        let event = EventKind::Other("celebrated".to_owned());
        assert_eq!(record.newest().unwrap().event, event);
        record.push(line("live", "2026-01-03T00:00:00Z", &["a:2"]));
        let kept = record.file();
        for text in file.lines().filter(|text| !text.is_empty()) {
            assert!(kept.contains(text), "{text}");
        }
    }

    #[test]
    fn a_long_file_keeps_its_newest_lines() {
        let mut file = String::new();
        for n in 0..10_000_u32 {
            let at = crate::model::Timestamp::at_unix(u64::from(n) * 60).to_string();
            file.push_str(&line("live", &at, &[&format!("a:{n}")]).text());
            file.push('\n');
        }
        let mut record = Record::parse(file.as_bytes());
        record.push(line("live", "2026-01-03T00:00:00Z", &["a:last"]));
        let again = Record::parse(record.file().as_bytes());
        assert_eq!(again.newest_first().count(), MOST_LINES);
        assert_eq!(again.newest().unwrap().images, ["a:last"]);
        assert_eq!(again.newest_first().last().unwrap().images, ["a:9801"]);
    }

    #[test]
    fn bytes_that_are_no_text_harm_only_their_line() {
        let mut file = line("live", "2026-01-01T00:00:00Z", &["a:1"]).text().into_bytes();
        file.extend(b"\n\xff\xfe\n");
        let record = Record::parse(&file);
        assert_eq!((record.newest_first().count(), record.damaged()), (1, 1));
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::{EventKind, Line};
    use crate::model::Timestamp;

    /// A line about these images.
    pub(in crate::assess) fn line(event: &str, at: &str, images: &[&str]) -> Line {
        Line {
            at: Timestamp::parse(at).unwrap(),
            event: EventKind::parse(event),
            commit: None,
            images: images.iter().map(|image| (*image).to_owned()).collect(),
            pins: Vec::new(),
            schema: None,
            by: "octo".to_owned(),
            run: "run-1".to_owned(),
            reason: String::new(),
            seconds: None,
            of: None,
        }
    }
}
