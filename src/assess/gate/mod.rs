//! Gates: what an environment asks for before a promotion may go into it. One file for each gate, one row of a table for each file.
//! Pure: what was seen and what is configured in, a reading out. Judged for one environment at a time, with all of its apps.

use std::time::Duration;

use crate::model::{AppName, EnvironmentName, Timestamp};

mod after;
mod analysis;
pub mod approvals;
mod earlier;
mod image;
mod newer;
mod soak;
mod sync_window;
mod verified;
pub mod windows;

pub use analysis::Measured;
pub use approvals::Approvals;
pub use earlier::{Earlier, Standing, same};
pub use image::{Found, Image, Pulled};
pub use newer::{Between, Descent, Replacement};
pub use sync_window::Deployed;
pub use windows::Windows;

/// A gate.
pub struct Gate {
    /// Its name: the key of promote.yaml.
    pub name: &'static str,
    /// The word of `allow` with which a run skips it, where the environment lists that; `None` = it cannot be skipped.
    pub skip: Option<&'static str>,
    /// Whether it is there: configured, or a default that concerns what was seen.
    pub is_set: fn(&Settings, &Evidence) -> bool,
    /// Judges it.
    pub judge: fn(&Evidence, &Settings) -> Reading,
}

/// Every gate, in the order in which they are shown.
pub const GATES: [Gate; 9] = [
    approvals::GATE,
    after::GATE,
    soak::GATE,
    verified::GATE,
    windows::GATE,
    image::GATE,
    newer::GATE,
    analysis::GATE,
    sync_window::GATE,
];

/// Gates that are skipped: a set of rows of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skips(u32);

impl Skips {
    /// Adds the gate that a word such as `skip-soak` skips. Returns false if there is none.
    pub fn add(&mut self, word: &str) -> bool {
        let at = TABLE.iter().position(|gate| gate.skip == Some(word));
        if let Some(at) = at {
            self.0 |= 1 << at;
        }
        at.is_some()
    }

    /// Whether a gate is one of them.
    #[must_use]
    pub fn has(self, gate: &str) -> bool {
        self.gates().any(|one| one.name == gate)
    }

    /// Returns the words of those that `other` lacks.
    #[must_use]
    pub fn without(self, other: Self) -> Vec<&'static str> {
        Self(self.0 & !other.0).gates().filter_map(|gate| gate.skip).collect()
    }

    fn gates(self) -> impl Iterator<Item = &'static Gate> {
        let rows = TABLE.iter().enumerate();
        rows.filter(move |(at, _)| self.0 & (1 << at) != 0)
            .map(|(_, gate)| gate)
    }
}

/// The table, at one place.
const TABLE: &[Gate] = &GATES;

/// The keys of an environment that are gates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `windows`.
    pub windows: Option<Windows>,
    /// `sync-window`; not said is `true` wherever there is an Argo CD server.
    pub sync_window: Option<bool>,
    /// `after`: the environments that must run the images first.
    pub after: Vec<EnvironmentName>,
    /// `soak`: for how long they must have run there.
    pub soak: Option<Duration>,
    /// `verified`.
    pub verified: bool,
    /// `newer`.
    pub newer: bool,
    /// `image`.
    pub image: Option<Image>,
    /// `analysis`: the names, each with its line in promote.yaml.
    pub analysis: Vec<(String, usize)>,
    /// `approvals`: how many people.
    pub approvals: Option<usize>,
    /// `github-environment`: the GitHub environment whose approvals count; `None`: the one of the same name.
    pub github_environment: Option<String>,
}

/// What could be read, or why not.
pub type Seen<T> = Result<T, String>;

/// All that gates of one environment are judged by. What no configured gate needs is empty.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The environment.
    pub environment: EnvironmentName,
    /// The time that is judged for.
    pub now: Timestamp,
    /// When what servers said was read: it holds then, and later only as far as it says so itself.
    pub at: Timestamp,
    /// The apps that are promoted to this environment.
    pub places: Vec<Place>,
    /// Who approved the run or its pull request; `None`: there is nobody who could be asked.
    pub approvals: Option<Seen<Approvals>>,
}

/// What was seen of one app that is promoted to the environment.
#[derive(Clone, Debug)]
pub struct Place {
    /// The app.
    pub app: AppName,
    /// The references that it gets.
    pub images: Vec<String>,
    /// How it is in each environment of `after`.
    pub earlier: Vec<Earlier>,
    /// Its Argo CD applications; `None` without a server.
    pub deployed: Option<Vec<Deployed>>,
    /// The analyses, each measured once.
    pub analyses: Vec<Measured>,
    /// What registries have of its images.
    pub pulled: Vec<Pulled>,
    /// Its images that change, with the commits that they are built from.
    pub replaced: Vec<Replacement>,
}

/// How a gate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It lets the promotion pass.
    Open(
        /// Why.
        String,
    ),
    /// It does not.
    Closed(Closed),
    /// What it needs could not be read, so it does not.
    Unknown(
        /// Why.
        String,
    ),
}

/// Why a gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Why.
    pub why: String,
    /// When it opens by itself, if that is known.
    pub until: Option<Timestamp>,
    /// What would open it: an action, or to wait.
    pub opens: String,
}

impl Reading {
    /// A gate that somebody has to open.
    #[must_use]
    pub fn closed(why: impl Into<String>, opens: impl Into<String>) -> Self {
        Self::Closed(Closed {
            why: why.into(),
            until: None,
            opens: opens.into(),
        })
    }

    /// A gate that opens by itself.
    #[must_use]
    pub fn until(why: impl Into<String>, at: Timestamp) -> Self {
        Self::until_local(why, at, &at.to_string())
    }

    /// The same for people who read the time otherwise: `local`.
    #[must_use]
    pub fn until_local(why: impl Into<String>, at: Timestamp, local: &str) -> Self {
        Self::Closed(Closed {
            why: why.into(),
            until: Some(at),
            opens: format!("wait until {local}"),
        })
    }

    /// Whether it lets the promotion pass.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// Returns why it is as it is.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Open(why) | Self::Unknown(why) | Self::Closed(Closed { why, .. }) => why,
        }
    }

    /// Returns when it opens by itself, if that is known.
    #[must_use]
    pub const fn opens_at(&self) -> Option<Timestamp> {
        match self {
            Self::Closed(closed) => closed.until,
            Self::Open(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns what would open it; `None` where it is open, or where that is not known.
    #[must_use]
    pub fn opens(&self) -> Option<&str> {
        match self {
            Self::Closed(closed) => Some(&closed.opens),
            Self::Open(_) | Self::Unknown(_) => None,
        }
    }

    /// Joins the readings of several apps into one: not known if one is not, closed if one is, until the last of them opens.
    #[must_use]
    pub fn all(readings: &[Self]) -> Self {
        let unknown = readings.iter().any(|one| matches!(one, Self::Unknown(_)));
        let shut = readings.iter().any(|one| !one.is_open());
        let said = |kept: &dyn Fn(&Self) -> bool| {
            let mut words: Vec<&str> = Vec::new();
            for reading in readings.iter().filter(|one| kept(one)) {
                if !words.contains(&reading.why()) {
                    words.push(reading.why());
                }
            }
            words.join("; ")
        };
        if unknown {
            return Self::Unknown(said(&|one| !one.is_open()));
        }
        if !shut {
            return Self::Open(said(&|_| true));
        }
        let closed = || {
            readings.iter().filter_map(|one| match one {
                Self::Closed(closed) => Some(closed),
                Self::Open(_) | Self::Unknown(_) => None,
            })
        };
        let known = closed().all(|one| one.until.is_some());
        let last = closed().max_by_key(|one| one.until).filter(|_| known);
        let opens = last.map_or_else(
            || {
                let mut actions: Vec<&str> = Vec::new();
                for one in closed().filter(|one| one.until.is_none()) {
                    if !actions.contains(&one.opens.as_str()) {
                        actions.push(&one.opens);
                    }
                }
                actions.join("; ")
            },
            |last| last.opens.clone(),
        );
        Self::Closed(Closed {
            why: said(&|one| !one.is_open()),
            until: last.and_then(|last| last.until),
            opens,
        })
    }
}

impl Evidence {
    /// Judges each app for itself, and joins the readings.
    fn each(&self, judge: impl Fn(&Place) -> Reading) -> Reading {
        Reading::all(&self.places.iter().map(judge).collect::<Vec<_>>())
    }
}

/// Judges every gate that is set, in the order of the table.
#[must_use]
pub fn judge(evidence: &Evidence, settings: &Settings) -> Vec<(&'static Gate, Reading)> {
    let set = TABLE.iter().filter(|gate| (gate.is_set)(settings, evidence));
    set.map(|gate| (gate, (gate.judge)(evidence, settings))).collect()
}

/// Returns the next moment at which an open gate can close by the calendar; `None` where none does. Gates that servers are asked for can close
/// at any time.
#[must_use]
pub fn closes_at(evidence: &Evidence, settings: &Settings) -> Option<Timestamp> {
    windows::closes_at(evidence, settings)
}

/// How many times a forecast looks at a later moment.
const LOOKS: u32 = 200;

/// Returns the earliest moment from now on at which every gate of all environments could be open, as far as gates open by themselves; `None`
/// if one of them does not, or if they are never seen open together. `skipped` names gates that do not count.
///
/// Each gate is judged again at the moment at which the last one opens, until all are open at once: a window can close before a soak ends.
#[must_use]
pub fn opens_at(environments: &[(Evidence, &Settings)], skipped: &dyn Fn(&str) -> bool) -> Option<Timestamp> {
    let mut then = environments.to_vec();
    let mut now = then.iter().map(|(evidence, _)| evidence.now).max()?;
    for _ in 0..LOOKS {
        let mut shut = Vec::new();
        for (evidence, settings) in &mut then {
            evidence.now = now;
            let readings = judge(evidence, settings).into_iter();
            shut.extend(
                readings
                    .filter(|(gate, reading)| !skipped(gate.name) && !reading.is_open())
                    .map(|(_, reading)| reading.opens_at()),
            );
        }
        if shut.is_empty() {
            return Some(now);
        }
        let all: Option<Vec<Timestamp>> = shut.into_iter().collect();
        now = all?.into_iter().max().filter(|next| *next > now)?;
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// Evidence of one app at a time, without anything seen.
    pub(crate) fn evidence(now: &str) -> Evidence {
        Evidence {
            environment: EnvironmentName::parse("production").unwrap(),
            now: at(now),
            at: at(now),
            places: vec![Place {
                app: AppName::parse("api").unwrap(),
                images: vec!["myorg/api:v2".to_owned()],
                earlier: Vec::new(),
                deployed: None,
                analyses: Vec::new(),
                pulled: Vec::new(),
                replaced: Vec::new(),
            }],
            approvals: None,
        }
    }

    /// An environment that pins and runs the images, known good since a time.
    pub(crate) fn earlier(since: Option<&str>) -> Earlier {
        Earlier {
            environment: EnvironmentName::parse("staging").unwrap(),
            pinned: Ok(Ok(())),
            record: Ok(Standing {
                known_good: true,
                live_since: since.map(at),
                verified: false,
            }),
            live: Ok(Ok(())),
        }
    }

    /// Judges one app by how it is in an environment before.
    pub(crate) fn judged_by(gate: &Gate, earlier: Earlier) -> Reading {
        let mut evidence = evidence("2026-11-24T12:00:00Z");
        evidence.places[0].earlier = vec![earlier];
        (gate.judge)(&evidence, &Settings::default())
    }

    #[test]
    fn several_apps_are_as_open_as_the_least_open_of_them() {
        let open = || Reading::Open("a".to_owned());
        let unknown = || Reading::Unknown("u".to_owned());
        let soon = || Reading::until("s", at("2026-01-01T00:00:00Z"));
        let later = || Reading::until("l", at("2026-01-02T00:00:00Z"));
        assert_eq!(Reading::all(&[open(), open()]), open());
        assert_eq!(
            Reading::all(&[open(), soon(), unknown()]),
            Reading::Unknown("s; u".to_owned())
        );
        let both = Reading::all(&[soon(), later(), open()]);
        assert_eq!(both.opens_at(), Some(at("2026-01-02T00:00:00Z")));
        assert_eq!(both.why(), "s; l");
        let never = Reading::all(&[soon(), Reading::closed("c", "do it")]);
        assert_eq!(never, Reading::closed("s; c", "do it"));
    }

    #[test]
    fn every_gate_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = GATES.iter().map(|gate| gate.name).collect();
        assert_eq!(names.len(), GATES.len());
        for gate in &GATES {
            let word = format!("skip-{}", gate.name);
            assert!(gate.skip.is_none_or(|skip| skip == word), "{word}");
            let mut skips = Skips::default();
            assert_eq!(skips.add(&word), gate.skip.is_some());
            assert_eq!(skips.has(gate.name), gate.skip.is_some());
        }
    }
}
