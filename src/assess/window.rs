//! When a closed sync window opens: the schedules of Argo CD, which are cron with a length, looked at minute by minute.
//! Knows UTC only; a schedule of another zone is shown as it is written.

use crate::model::{SyncWindow, SyncWindows, Timestamp, WindowKind};

/// How far ahead is looked.
const HORIZON: u64 = 8 * 24 * 60;
/// The longest window that is understood.
const LONGEST: u64 = 7 * 24 * 60;

/// Whether a sync is possible now, by what the server says of now.
#[must_use]
pub fn is_open_now(windows: &SyncWindows, automated: bool) -> bool {
    if !automated {
        return windows.manual_possible;
    }
    let is = |window: &&SyncWindow, kind| window.kind == kind;
    let denied = windows.active.iter().any(|window| is(&window, WindowKind::Deny));
    let allow_exists = windows.assigned.iter().any(|window| is(&window, WindowKind::Allow));
    let allowed = windows.active.iter().any(|window| is(&window, WindowKind::Allow));
    !denied && (!allow_exists || allowed)
}

/// Whether a sync is possible at a time, by the schedules; `None` when they are not understood.
#[must_use]
pub fn is_open_at(windows: &SyncWindows, automated: bool, at: Timestamp) -> Option<bool> {
    let minute = at.unix_seconds() / 60;
    let mut play = Play::of(windows, automated, minute)?;
    Some(play.is_open(minute))
}

/// Returns when a sync is possible again, to the minute; `None` when that is not within eight days or is not known.
#[must_use]
pub fn opens(windows: &SyncWindows, automated: bool, now: Timestamp) -> Option<Timestamp> {
    let present = now.unix_seconds() / 60;
    let mut play = Play::of(windows, automated, present)?;
    (present + 1..present + HORIZON)
        .find(|minute| play.is_open(*minute))
        .map(|minute| Timestamp::at_unix(minute * 60))
}

/// The schedules of an application's windows, played minute by minute.
struct Play<'a> {
    all: Vec<(&'a SyncWindow, Schedule, u64)>,
    automated: bool,
    /// Until which minute each window is active.
    until: Vec<u64>,
    /// The next minute to be played.
    next: u64,
}

impl<'a> Play<'a> {
    /// Begins long enough before `present` for every window that can be active then; `None` when a schedule is not understood.
    fn of(windows: &'a SyncWindows, automated: bool, present: u64) -> Option<Self> {
        let all: Vec<(&SyncWindow, Schedule, u64)> = (windows.assigned.iter())
            .map(|window| {
                let utc = matches!(window.time_zone.as_str(), "" | "UTC" | "Etc/UTC");
                let minutes = humantime::parse_duration(&window.duration).ok()?.as_secs() / 60;
                let schedule = Schedule::parse(&window.schedule).filter(|_| utc && minutes <= LONGEST)?;
                Some((window, schedule, minutes))
            })
            .collect::<Option<_>>()?;
        Some(Self {
            until: vec![0; all.len()],
            all,
            automated,
            next: present.saturating_sub(LONGEST),
        })
    }

    /// Plays on to a minute, which is not before the one that was asked about last, and returns whether a sync is possible in it.
    fn is_open(&mut self, minute: u64) -> bool {
        while self.next <= minute {
            let time = Minute::of(self.next);
            for ((_, schedule, length), until) in self.all.iter().zip(&mut self.until) {
                if schedule.matches(&time) {
                    *until = self.next + length;
                }
            }
            self.next += 1;
        }
        let active = |kind: WindowKind| {
            let both = self.all.iter().zip(&self.until);
            both.filter(move |((window, ..), until)| window.kind == kind && minute < **until)
                .map(|((window, ..), _)| *window)
        };
        is_open(
            &self.all,
            active(WindowKind::Deny),
            active(WindowKind::Allow),
            self.automated,
        )
    }
}

/// Argo CD's rule: an active deny closes, unless it is no matter of manual syncs; an allow that is not active closes as well.
fn is_open<'a>(
    all: &[(&SyncWindow, Schedule, u64)],
    denies: impl Iterator<Item = &'a SyncWindow>,
    mut allows: impl Iterator<Item = &'a SyncWindow>,
    automated: bool,
) -> bool {
    let exempt = |window: &SyncWindow| !automated && window.manual;
    let mut denies = denies;
    if denies.any(|window| !exempt(window)) {
        return false;
    }
    let mut of_allow = all
        .iter()
        .filter(|(window, ..)| window.kind == WindowKind::Allow)
        .peekable();
    of_allow.peek().is_none() || allows.next().is_some() || of_allow.any(|(window, ..)| exempt(window))
}

/// A minute of the calendar, in UTC.
struct Minute {
    of_hour: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
}

impl Minute {
    /// Works out the date from the minutes since 1970, by the usual shift to a year that begins in March.
    fn of(minutes: u64) -> Self {
        let days = minutes / (24 * 60);
        let shifted = days + 719_468;
        let of_era = shifted % 146_097;
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        Self {
            of_hour: minutes % 60,
            hour: minutes / 60 % 24,
            day: of_year - (153 * month + 2) / 5 + 1,
            month: if month < 10 { month + 3 } else { month - 9 },
            weekday: (days + 4) % 7,
        }
    }
}

/// A schedule of five fields, each a set of numbers.
struct Schedule {
    fields: [Vec<u64>; 5],
    /// Day of the month and day of the week both restrict: then one of them is enough.
    either: bool,
}

impl Schedule {
    fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return None;
        };
        let months = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ];
        let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        Some(Self {
            either: !is_any(day) && !is_any(weekday),
            fields: [
                field(minute, 0, 59, &[])?,
                field(hour, 0, 23, &[])?,
                field(day, 1, 31, &[])?,
                field(month, 1, 12, &months)?,
                field(weekday, 0, 7, &weekdays)?
                    .into_iter()
                    .map(|day| day % 7)
                    .collect(),
            ],
        })
    }

    fn matches(&self, time: &Minute) -> bool {
        let [minute, hour, day, month, weekday] = &self.fields;
        let (on_day, on_weekday) = (day.contains(&time.day), weekday.contains(&time.weekday));
        minute.contains(&time.of_hour)
            && hour.contains(&time.hour)
            && month.contains(&time.month)
            && if self.either {
                on_day || on_weekday
            } else {
                on_day && on_weekday
            }
    }
}

fn is_any(field: &str) -> bool {
    field.starts_with('*') || field == "?"
}

/// Reads `*`, `*/5`, `1-5`, `1-10/2`, `MON,WED` and lists of them.
fn field(text: &str, least: u64, most: u64, names: &[&str]) -> Option<Vec<u64>> {
    let number = |word: &str| {
        let lower = word.to_ascii_lowercase();
        let word_at = names.iter().position(|name| *name == lower);
        let value = word_at.and_then(|at| u64::try_from(at).ok()).map(|at| at + least);
        value
            .or_else(|| word.parse().ok())
            .filter(|value| (least..=most).contains(value))
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        all.extend((from..=to).step_by(step));
    }
    Some(all)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A window without a time zone that stops manual syncs as well.
    pub(in crate::assess) fn window(kind: WindowKind, schedule: &str, duration: &str) -> SyncWindow {
        SyncWindow {
            kind,
            schedule: schedule.to_owned(),
            time_zone: String::new(),
            duration: duration.to_owned(),
            manual: false,
        }
    }

    fn opening(assigned: Vec<SyncWindow>, automated: bool, now: &str) -> Option<String> {
        let windows = SyncWindows {
            assigned,
            ..SyncWindows::default()
        };
        opens(&windows, automated, Timestamp::parse(now).unwrap()).map(|at| at.to_string())
    }

    use WindowKind::{Allow, Deny};

    #[test]
    fn a_deny_opens_when_it_ends() {
        let night = window(Deny, "0 22 * * *", "8h");
        let at = opening(vec![night.clone()], true, "2026-11-24T23:30:00Z");
        assert_eq!(at.as_deref(), Some("2026-11-25T06:00:00Z"));
        let manual = SyncWindow { manual: true, ..night };
        let at = opening(vec![manual], false, "2026-11-24T23:30:00Z");
        assert_eq!(at.as_deref(), Some("2026-11-24T23:31:00Z"));
    }

    #[test]
    fn an_allow_opens_when_it_begins() {
        // 24 November 2026 is a Tuesday.
        let weekend = window(Allow, "30 6 * * SAT,SUN", "2h");
        let at = opening(vec![weekend], true, "2026-11-24T12:00:00Z");
        assert_eq!(at.as_deref(), Some("2026-11-28T06:30:00Z"));
        let office = window(Allow, "0 9-16 * * 1-5", "1h");
        assert_eq!(
            opening(vec![office], false, "2026-11-24T20:00:00Z").as_deref(),
            Some("2026-11-25T09:00:00Z")
        );
    }

    #[test]
    fn what_is_not_understood_is_not_told() {
        assert_eq!(
            opening(vec![window(Deny, "* * * * *", "1h")], true, "2026-11-24T12:00:00Z"),
            None
        );
        assert_eq!(
            opening(vec![window(Deny, "61 * * * *", "1h")], true, "2026-11-24T12:00:00Z"),
            None
        );
        let zone = SyncWindow {
            time_zone: "Europe/Berlin".to_owned(),
            ..window(Deny, "0 22 * * *", "1h")
        };
        assert_eq!(opening(vec![zone], true, "2026-11-24T22:10:00Z"), None);
    }

    #[test]
    fn the_calendar_is_right() {
        let date = |text: &str| {
            let minute = Minute::of(Timestamp::parse(text).unwrap().unix_seconds() / 60);
            (minute.month, minute.day, minute.weekday)
        };
        assert_eq!(date("2024-02-29T00:00:00Z"), (2, 29, 4));
        assert_eq!(date("2026-12-31T00:00:00Z"), (12, 31, 4));
        assert_eq!(date("1970-01-01T00:00:00Z"), (1, 1, 4));
    }
}
