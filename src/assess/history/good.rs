//! Which versions are known to be good: the question behind the gates `after` and `soak`, and behind every way back.

use crate::model::Timestamp;

use super::{EventKind, Line, Record};

/// A version that an app had in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// The newest line about it that has its pins, or else the newest one about it.
    pub line: &'a Line,
    /// The newest line about it: how it ended.
    pub last: &'a Line,
    /// Whether it is known to be good.
    pub good: bool,
}

impl Record {
    /// Returns the newest line that says these images were live and healthy, unless a later line says that they failed.
    #[must_use]
    pub fn known_good(&self, images: &[String]) -> Option<&Line> {
        let mut about = self.newest_first().filter(|line| line.is_about(images));
        about
            .find(|line| line.event.is_good() || line.event.is_bad())
            .filter(|line| line.event.is_good())
    }

    /// Whether a line that cannot be read is newer than what can be read of these images: it can say that they failed.
    #[must_use]
    pub fn is_in_doubt(&self, images: &[String]) -> bool {
        let mut about = (self.lines.iter().rev()).map(|kept| kept.line.as_ref());
        let first = about.find(|line| line.is_none_or(|line| line.is_about(images)));
        first == Some(None)
    }

    /// Returns since when these images are live without another version, a failure or a line that cannot be read in between; `None` when the
    /// record does not say that they are live now.
    #[must_use]
    pub fn live_since(&self, images: &[String]) -> Option<Timestamp> {
        let mut since = None;
        for line in self.lines.iter().rev() {
            let Some(line) = &line.line else { break };
            let neutral = matches!(line.event, EventKind::Other(_) | EventKind::Resumed);
            if neutral && line.is_about(images) {
                continue;
            }
            if !line.is_about(images) || !line.event.is_good() {
                break;
            }
            since = Some(line.at);
        }
        since
    }

    /// Whether the newest line is `verified`, and about these images.
    #[must_use]
    pub fn is_verified(&self, images: &[String]) -> bool {
        (self.newest()).is_some_and(|line| line.event == EventKind::Verified && line.is_about(images))
    }

    /// Returns each version that the record knows, the one that was there last first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version<'_>> {
        let mut versions: Vec<Version<'_>> = Vec::new();
        for line in self.newest_first().filter(|line| !line.images.is_empty()) {
            let same = |version: &&mut Version<'_>| same_images(&version.last.images, &line.images);
            match versions.iter_mut().find(same) {
                None => versions.push(Version {
                    line,
                    last: line,
                    good: self.known_good(&line.images).is_some(),
                }),
                Some(version) if version.line.pins.is_empty() && !line.pins.is_empty() => version.line = line,
                Some(_) => {}
            }
        }
        versions
    }

    /// Returns the newest version that is known to be good and that `wanted` takes.
    #[must_use]
    pub fn newest_known_good(&self, wanted: impl Fn(&Line) -> bool) -> Option<Version<'_>> {
        let mut versions: Vec<Version<'_>> = self.versions().into_iter().filter(|version| version.good).collect();
        // What was good last counts, and not what was tried last.
        versions.sort_by_key(|version| {
            let good = self.known_good(&version.last.images);
            std::cmp::Reverse(
                good.and_then(|good| self.newest_first().position(|line| line == good))
                    .map(std::cmp::Reverse),
            )
        });
        versions.into_iter().find(|version| wanted(version.line))
    }
}

fn same_images(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|image| other.contains(image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::history::testing::line;

    /// A record of `event image` lines, one a minute.
    fn record(lines: &[(&str, &str)]) -> Record {
        let mut record = Record::default();
        for (minute, (event, image)) in (0..).zip(lines) {
            let at = Timestamp::at_unix(minute * 60).to_string();
            record.push(line(event, &at, &[&format!("myorg/api:{image}")]));
        }
        record
    }

    fn images(tag: &str) -> Vec<String> {
        vec![format!("myorg/api:{tag}")]
    }

    fn newest_good(record: &Record, not: &str) -> Option<String> {
        let version = record.newest_known_good(|line| !line.is_about(&images(not)))?;
        Some(version.line.images.join(","))
    }

    #[test]
    fn good_is_what_was_live_and_did_not_fail_since() {
        for (lines, good) in [
            (&[("live", "v1")][..], true),
            (&[("verified", "v1")], true),
            (&[("reverted", "v1")], true),
            (&[("live", "v1"), ("failed", "v1")], false),
            (&[("live", "v1"), ("breached", "v1")], false),
            (&[("live", "v1"), ("rolled-back", "v1")], false),
            (&[("live", "v1"), ("timed-out", "v1")], true),
            (&[("live", "v1"), ("superseded", "v1")], true),
            (&[("live", "v1"), ("failed", "v2")], true),
            (&[("failed", "v1"), ("live", "v1")], true),
            (&[("failed", "v1")], false),
            (&[("celebrated", "v1")], false),
            (&[], false),
        ] {
            assert_eq!(record(lines).known_good(&images("v1")).is_some(), good, "{lines:?}");
        }
        assert_eq!(record(&[("live", "v1")]).known_good(&[]), None);
    }

    #[test]
    fn the_version_to_go_back_to_is_the_newest_good_one() {
        let bad = record(&[("live", "v1"), ("failed", "v2"), ("failed", "v3")]);
        assert_eq!(newest_good(&bad, "v3").as_deref(), Some("myorg/api:v1"));
        let good = record(&[("live", "v1"), ("live", "v2"), ("live", "v3")]);
        assert_eq!(newest_good(&good, "v3").as_deref(), Some("myorg/api:v2"));
        // v1 is back since, and timed out later: it is newer than v2.
        let back = record(&[("live", "v1"), ("live", "v2"), ("reverted", "v1"), ("live", "v3")]);
        assert_eq!(newest_good(&back, "v3").as_deref(), Some("myorg/api:v1"));
        let tried = record(&[("live", "v1"), ("live", "v2"), ("timed-out", "v1"), ("failed", "v3")]);
        assert_eq!(newest_good(&tried, "v3").as_deref(), Some("myorg/api:v2"));
        assert_eq!(newest_good(&record(&[("failed", "v1")]), "v2"), None);
    }

    #[test]
    fn a_version_is_live_since_nothing_else_was_there() {
        let minute = |n: u64| Some(Timestamp::at_unix(n * 60));
        for (lines, since) in [
            (&[("live", "v1")][..], minute(0)),
            (&[("live", "v1"), ("verified", "v1")], minute(0)),
            (&[("live", "v1"), ("live", "v2"), ("live", "v1")], minute(2)),
            (&[("live", "v1"), ("failed", "v1"), ("live", "v1")], minute(2)),
            (&[("live", "v1"), ("resumed", "v1"), ("verified", "v1")], minute(0)),
            (&[("live", "v1"), ("failed", "v1")], None),
            (&[("live", "v1"), ("timed-out", "v2")], None),
        ] {
            assert_eq!(record(lines).live_since(&images("v1")), since, "{lines:?}");
        }
    }

    #[test]
    fn each_version_is_listed_once_with_how_it_ended() {
        let record = record(&[("live", "v1"), ("live", "v2"), ("failed", "v2"), ("live", "v1")]);
        let versions = record.versions();
        let shown: Vec<(&str, &str, bool)> = versions
            .iter()
            .map(|version| (version.line.images[0].as_str(), version.last.event.name(), version.good))
            .collect();
        assert_eq!(
            shown,
            [("myorg/api:v1", "live", true), ("myorg/api:v2", "failed", false)]
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_may_say_that_a_version_failed() {
        let damaged = |lines: &[(&str, &str)], at: usize| {
            let text = record(lines).file();
            let mut lines: Vec<&str> = text.lines().collect();
            lines.insert(at, "{\"v\":1,\"at\":\"2026-");
            Record::parse(lines.join("\n").as_bytes())
        };
        let v1 = images("v1");
        let two = [("live", "v1"), ("live", "v1")];
        assert!(damaged(&two, 2).is_in_doubt(&v1) && damaged(&two, 2).live_since(&v1).is_none());
        assert!(!damaged(&two, 1).is_in_doubt(&v1) && !record(&two).is_in_doubt(&v1));
        assert_eq!(damaged(&two, 1).live_since(&v1), Some(Timestamp::at_unix(60)));
        assert_eq!(damaged(&two, 0).live_since(&v1), Some(Timestamp::at_unix(0)));
        assert!(!Record::default().is_in_doubt(&v1));
    }

    #[test]
    fn only_the_newest_line_can_say_verified() {
        assert!(record(&[("live", "v1"), ("verified", "v1")]).is_verified(&images("v1")));
        assert!(!record(&[("verified", "v1"), ("live", "v2")]).is_verified(&images("v1")));
        assert!(!record(&[("verified", "v1"), ("failed", "v1")]).is_verified(&images("v1")));
    }
}
