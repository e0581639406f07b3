//! `windows`: when a promotion may go in, by the calendar of people in one time zone.
//!
//! A local time that does not exist on a day (the clocks go forward) begins at the next one that does; one that exists twice (they go back)
//! counts once, the first time.

use jiff::civil::Weekday;

use super::{Evidence, Gate, Reading, Settings};
use crate::model::Timestamp;

#[cfg(test)]
mod property;
mod window;
mod zone;

pub use window::Window;
pub use zone::Zone;

use window::DAYS;

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "windows",
    skip: Some("skip-windows"),
    is_set: |settings, _| settings.windows.is_some(),
    judge,
};

/// The windows of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// The time zone of every time in them.
    pub zone: Zone,
    /// When promotions may go in; empty = always.
    pub allow: Vec<Window>,
    /// When they must not, allowed or not.
    pub deny: Vec<Window>,
}

/// How far beyond the last date an opening is looked for: by then every week with its changes of the clock has been seen.
const HORIZON: i64 = 400 * 24 * 3600;

impl Windows {
    /// Returns why the windows are closed at a second; `None` = they are open.
    fn shut(&self, second: i64) -> Option<String> {
        let deny = self
            .deny
            .iter()
            .find(|window| window.holds(&self.zone, second).is_some());
        if let Some(window) = deny {
            return Some(format!("`deny` {window} holds"));
        }
        if self.allow.is_empty()
            || self
                .allow
                .iter()
                .any(|window| window.holds(&self.zone, second).is_some())
        {
            return None;
        }
        let all: Vec<String> = self.allow.iter().map(ToString::to_string).collect();
        Some(format!("outside `allow` {}", all.join("; ")))
    }

    /// Returns the next second at which open windows can close: one that allows ends, or one that denies begins.
    fn closes(&self, second: i64) -> Option<i64> {
        let zone = &self.zone;
        let ends = self.allow.iter().filter_map(|window| window.holds(zone, second)).max();
        let denied = self.deny.iter().filter_map(|window| window.begins(zone, second)).min();
        ends.into_iter().chain(denied).min()
    }

    /// Returns the next second at which they are open, if they ever are.
    fn opens(&self, second: i64) -> Option<i64> {
        let zone = &self.zone;
        let dates = self
            .allow
            .iter()
            .chain(&self.deny)
            .filter_map(|window| window.over(zone));
        let horizon = dates.max().unwrap_or(second).max(second) + HORIZON;
        let mut at = second;
        while at < horizon {
            if self.shut(at).is_none() {
                return Some(at);
            }
            let denied = self.deny.iter().filter_map(|window| window.holds(zone, at)).max();
            at = match denied {
                Some(end) => end,
                None => self.allow.iter().filter_map(|window| window.begins(zone, at)).min()?,
            };
        }
        None
    }
}

/// Returns when open windows can close; `None` where there are none, or where they never do.
pub(super) fn closes_at(evidence: &Evidence, settings: &Settings) -> Option<Timestamp> {
    let now = i64::try_from(evidence.now.unix_seconds()).ok()?;
    let at = settings.windows.as_ref()?.closes(now)?;
    Some(Timestamp::at_unix(u64::try_from(at).ok()?))
}

fn judge(evidence: &Evidence, settings: &Settings) -> Reading {
    let Some(windows) = &settings.windows else {
        return Reading::Open("no windows are configured".to_owned());
    };
    let Ok(now) = i64::try_from(evidence.now.unix_seconds()) else {
        return Reading::Unknown("the time is not known".to_owned());
    };
    let zone = windows.zone.name();
    let Some(why) = windows.shut(now) else {
        let held = windows
            .allow
            .iter()
            .find(|window| window.holds(&windows.zone, now).is_some());
        return Reading::Open(held.map_or_else(
            || "no `deny` holds now".to_owned(),
            |window| format!("inside `allow` {window} ({zone})"),
        ));
    };
    let opening = windows.opens(now).and_then(|at| Some((at, windows.zone.local(at)?)));
    match opening {
        Some((at, local)) => {
            let day = weekday_of(local.weekday());
            let (date, hour, minute) = (local.date(), local.hour(), local.minute());
            let local = format!("{day} {date} {hour:02}:{minute:02} ({zone})");
            Reading::until_local(why, Timestamp::at_unix(u64::try_from(at).unwrap_or_default()), &local)
        }
        None => Reading::closed(
            format!("{why}, and no later opening is known"),
            "change `windows` of the environment in promote.yaml",
        ),
    }
}

fn weekday_of(day: Weekday) -> &'static str {
    let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
    DAYS.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, evidence};
    use super::*;

    fn weekly(days: &str, from: &str, to: &str) -> Window {
        let days: Vec<String> = (!days.is_empty()).then(|| days.to_owned()).into_iter().collect();
        Window::parse(&days, Some(from), Some(to), None).unwrap()
    }

    fn dates(from: &str, to: &str) -> Window {
        Window::parse(&[], Some(from), Some(to), Some("freeze".to_owned())).unwrap()
    }

    fn read(zone: &str, allow: Vec<Window>, deny: Vec<Window>, now: &str) -> Reading {
        let settings = Settings {
            windows: Some(Windows {
                zone: Zone::parse(zone).unwrap(),
                allow,
                deny,
            }),
            ..Settings::default()
        };
        judge(&evidence(now), &settings)
    }

    fn opens(zone: &str, allow: Vec<Window>, deny: Vec<Window>, now: &str) -> Option<String> {
        read(zone, allow, deny, now).opens_at().map(|at| at.to_string())
    }

    #[test]
    fn the_working_hours_of_berlin_open_at_nine_in_summer_and_winter() {
        let office = || vec![weekly("Mon-Thu", "09:00", "17:00")];
        // Friday: the next one is Monday, and the clocks go back in between.
        let next = opens("Europe/Berlin", office(), Vec::new(), "2026-10-23T10:00:00Z");
        assert_eq!(next.as_deref(), Some("2026-10-26T08:00:00Z"));
        assert!(read("Europe/Berlin", office(), Vec::new(), "2026-10-22T14:59:59Z").is_open());
        let closed = read("Europe/Berlin", office(), Vec::new(), "2026-10-22T15:00:00Z");
        assert_eq!(closed.opens_at(), Some(at("2026-10-26T08:00:00Z")));
        assert!(
            closed.why().contains("outside `allow` Mon-Thu 09:00-17:00"),
            "{}",
            closed.why()
        );
        assert_eq!(closed.opens(), Some("wait until Mon 2026-10-26 09:00 (Europe/Berlin)"));
    }

    #[test]
    fn a_freeze_lasts_to_the_end_of_its_last_day_and_goes_before_what_is_allowed() {
        let freeze = || vec![dates("2026-12-20", "2027-01-03")];
        let closed = read("UTC", Vec::new(), freeze(), "2026-12-24T00:00:00Z");
        assert_eq!(closed.opens_at(), Some(at("2027-01-04T00:00:00Z")));
        assert!(closed.why().contains("freeze"), "{}", closed.why());
        let office = vec![weekly("Tue", "10:00", "11:00")];
        assert_eq!(
            opens("UTC", office, freeze(), "2026-12-22T10:30:00Z").as_deref(),
            Some("2027-01-05T10:00:00Z")
        );
        assert!(read("UTC", Vec::new(), freeze(), "2027-01-04T00:00:00Z").is_open());
    }

    #[test]
    fn open_windows_close_when_what_allows_ends_or_what_denies_begins() {
        let closes = |allow: Vec<Window>, deny: Vec<Window>| {
            let settings = Settings {
                windows: Some(Windows {
                    zone: Zone::default(),
                    allow,
                    deny,
                }),
                ..Settings::default()
            };
            closes_at(&evidence("2026-11-24T10:30:00Z"), &settings).map(|at| at.to_string())
        };
        let (morning, day) = (
            || weekly("Mon-Fri", "09:00", "12:00"),
            || weekly("Mon-Fri", "08:00", "17:00"),
        );
        assert_eq!(
            closes(vec![morning(), day()], Vec::new()).as_deref(),
            Some("2026-11-24T17:00:00Z")
        );
        let lunch = || vec![weekly("Mon-Fri", "11:00", "13:00")];
        assert_eq!(closes(vec![day()], lunch()).as_deref(), Some("2026-11-24T11:00:00Z"));
        assert_eq!(closes(Vec::new(), lunch()).as_deref(), Some("2026-11-24T11:00:00Z"));
        assert_eq!(closes(Vec::new(), Vec::new()), None);
    }

    #[test]
    fn a_window_can_go_over_midnight_and_over_the_week() {
        let night = || vec![weekly("Sat-Mon", "22:00", "06:00")];
        assert!(read("UTC", night(), Vec::new(), "2026-11-24T05:59:00Z").is_open());
        assert_eq!(
            opens("UTC", night(), Vec::new(), "2026-11-24T06:00:00Z").as_deref(),
            Some("2026-11-28T22:00:00Z")
        );
    }

    #[test]
    fn a_time_that_does_not_exist_begins_at_the_next_and_one_that_exists_twice_counts_once() {
        // On 2026-03-29 there is no time between 02:00 and 03:00 in Berlin.
        let early = || vec![weekly("Sun", "02:30", "04:00")];
        assert_eq!(
            opens("Europe/Berlin", early(), Vec::new(), "2026-03-29T00:10:00Z").as_deref(),
            Some("2026-03-29T01:00:00Z")
        );
        // A window inside the gap is none that day.
        let inside = || vec![weekly("Sun", "02:10", "02:50")];
        assert_eq!(
            opens("Europe/Berlin", inside(), Vec::new(), "2026-03-29T00:10:00Z").as_deref(),
            Some("2026-04-05T00:10:00Z")
        );
        // On 2026-10-25 the time between 02:00 and 03:00 is there twice.
        assert!(read("Europe/Berlin", inside(), Vec::new(), "2026-10-25T00:20:00Z").is_open());
        assert!(!read("Europe/Berlin", inside(), Vec::new(), "2026-10-25T01:20:00Z").is_open());
    }

    #[test]
    fn windows_that_never_open_say_so() {
        let always = vec![Window::parse(&["Mon-Sun".to_owned()], None, None, None).unwrap()];
        let never = read("Europe/Berlin", Vec::new(), always, "2026-11-24T00:00:00Z");
        assert_eq!(never.opens_at(), None);
        assert!(never.why().contains("no later opening is known"), "{}", never.why());
        let over = read(
            "UTC",
            vec![dates("2026-01-01", "2026-01-02")],
            Vec::new(),
            "2026-11-24T00:00:00Z",
        );
        assert_eq!(over.opens_at(), None);
    }

    #[test]
    fn what_is_wrong_in_a_window_is_said_with_what_would_be_right() {
        let wrong = |days: &[&str], from: Option<&str>, to: Option<&str>| {
            let days: Vec<String> = days.iter().map(ToString::to_string).collect();
            Window::parse(&days, from, to, None).unwrap_err()
        };
        for (said, right) in [
            (wrong(&[], None, None), "is empty"),
            (wrong(&["Mon-Fry"], None, None), "did you mean `Fri`?"),
            (wrong(&["Mon"], Some("9:00"), None), "`09:00`"),
            (wrong(&["Mon"], Some("25:00"), None), "`09:00`"),
            (wrong(&["Mon"], Some("10:00"), Some("10:00")), "same time"),
            (wrong(&[], Some("2026-12-20"), None), "two dates"),
            (wrong(&[], Some("2026-12-20"), Some("2026-12-19")), "before it begins"),
            (wrong(&[], Some("2026-12-20"), Some("2026-12-21")), "needs a `reason`"),
            (
                wrong(&["Mon"], Some("2026-12-20"), Some("2026-12-21")),
                "one or the other",
            ),
            (
                Zone::parse("Europe/Berln").unwrap_err(),
                "did you mean `Europe/Berlin`?",
            ),
        ] {
            assert!(said.contains(right), "{right:?} in {said:?}");
        }
    }

    #[test]
    fn the_forecast_of_two_environments_is_a_moment_at_which_both_are_open() {
        let now = "2026-11-23T12:00:00Z";
        let settings = |from: &str, to: &str| Settings {
            windows: Some(Windows {
                zone: Zone::parse("UTC").unwrap(),
                allow: vec![weekly("", from, to)],
                deny: Vec::new(),
            }),
            ..Settings::default()
        };
        let both = |one: (&str, &str), other: (&str, &str)| {
            let (one, other) = (settings(one.0, one.1), settings(other.0, other.1));
            let opens = super::super::opens_at(&[(evidence(now), &one), (evidence(now), &other)], &|_| false);
            opens.map(|at| at.to_string())
        };
        assert_eq!(both(("23:00", "23:30"), ("01:00", "02:00")), None);
        let overlap = both(("22:00", "23:30"), ("23:15", "23:45"));
        assert_eq!(overlap.as_deref(), Some("2026-11-23T23:15:00Z"));
        assert_eq!(both(("11:00", "13:00"), ("11:30", "12:30")).as_deref(), Some(now));
    }
}
