//! `windows`: when a promotion may go in, by the calendar of people in one time zone.
//!
//! A local time that does not exist on a day (the clocks go forward) begins at the next one that does; one that exists twice (they go back)
//! counts once, the first time.

use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, ToSpan};

use super::{Evidence, Gate, Reading, Settings};
use crate::model::{Timestamp, nearest};

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "windows",
    skip: Some("skip-windows"),
    is_set: |settings, _| settings.windows.is_some(),
    judge,
};

/// The windows of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The time zone of every time in them.
    pub zone: Zone,
    /// When promotions may go in; empty = always.
    pub allow: Vec<Window>,
    /// When they must not, allowed or not.
    pub deny: Vec<Window>,
}

/// A time zone of the IANA database, which is part of the binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone, String);

/// A window that comes again every week, or one between two dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    when: When,
    reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    /// On these days of the week (Monday first), from one time of the day to another; to one that is not after it: on the next day.
    Weekly {
        days: [bool; 7],
        from: Minutes,
        to: Minutes,
    },
    /// From the beginning of the first day to the end of the last.
    Dates { first: Date, last: Date },
}

/// A time of the day in minutes since its beginning, up to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Minutes(i16);

/// The days of the week as they are written.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const A_DAY: i16 = 24 * 60;

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC, "UTC".to_owned())
    }
}

impl Zone {
    /// Reads the name of a zone, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// There is none of that name: the end of a sentence, with the nearest.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = TimeZoneDatabase::bundled();
        known.get(name).map(|zone| Self(zone, name.to_owned())).map_err(|_| {
            let names: Vec<String> = known.available().map(|name| name.to_string()).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("is not a time zone of the IANA database, such as `Europe/Berlin` or `UTC`{near}")
        })
    }

    /// Returns the seconds since 1970 at which a local time begins.
    fn second(&self, at: DateTime) -> Option<i64> {
        let found = self.0.to_ambiguous_timestamp(at);
        let at = match found.offset() {
            // By the clock that is right after the gap the time is before it, and the gap is the next change of the clock.
            AmbiguousOffset::Gap { after, .. } => {
                let before = after.to_timestamp(at).ok()?;
                self.0.following(before).next()?.timestamp()
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => found.earlier().ok()?,
        };
        Some(at.as_second())
    }

    fn local(&self, second: i64) -> Option<DateTime> {
        let at = jiff::Timestamp::from_second(second).ok()?;
        Some(self.0.to_datetime(at))
    }
}

impl Window {
    /// Reads a window as promote.yaml has it.
    ///
    /// # Errors
    /// Says what is wrong, as the end of a sentence about the window.
    pub fn parse(
        days: &[String],
        from: Option<&str>,
        to: Option<&str>,
        reason: Option<String>,
    ) -> Result<Self, String> {
        let dates = (from.and_then(date), to.and_then(date));
        let when = match dates {
            (Some(first), Some(last)) => {
                if !days.is_empty() {
                    return Err("has `days` and dates: use one or the other".to_owned());
                }
                if last < first {
                    return Err(format!("ends on {last}, before it begins on {first}"));
                }
                if reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
                    return Err("has dates and needs a `reason`".to_owned());
                }
                When::Dates { first, last }
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err("needs two dates: `from` and `to` as `2026-12-20`".to_owned());
            }
            (None, None) => weekly(days, from, to)?,
        };
        Ok(Self { when, reason })
    }

    /// Returns the second at which the window that begins on a day begins and ends.
    fn span(&self, zone: &Zone, day: Date) -> Option<(i64, i64)> {
        match &self.when {
            When::Weekly { days, from, to } => {
                let of_week = usize::try_from(day.weekday().to_monday_zero_offset()).ok()?;
                if !*days.get(of_week)? {
                    return None;
                }
                let end = if to.0 > from.0 { day } else { day.tomorrow().ok()? };
                Some((zone.second(from.on(day)?)?, zone.second(to.on(end)?)?))
            }
            When::Dates { first, last } => {
                let begin = zone.second(first.to_datetime(Time::midnight()))?;
                let end = zone.second(last.tomorrow().ok()?.to_datetime(Time::midnight()))?;
                Some((begin, end))
            }
        }
    }

    /// Returns the spans that can matter at a second or within the next nine days.
    fn spans(&self, zone: &Zone, second: i64) -> Vec<(i64, i64)> {
        let Some(today) = zone.local(second).map(DateTime::date) else {
            return Vec::new();
        };
        match &self.when {
            When::Dates { first, .. } => self.span(zone, *first).into_iter().collect(),
            When::Weekly { .. } => (-2..=9)
                .filter_map(|days: i64| self.span(zone, today.checked_add(days.days()).ok()?))
                .collect(),
        }
    }

    /// Returns when it ends, if it holds at a second.
    fn holds(&self, zone: &Zone, second: i64) -> Option<i64> {
        let spans = self.spans(zone, second).into_iter();
        let holding = spans.filter(|(begin, end)| *begin <= second && second < *end);
        holding.map(|(_, end)| end).max()
    }

    /// Returns when it begins next.
    fn begins(&self, zone: &Zone, second: i64) -> Option<i64> {
        let spans = self.spans(zone, second).into_iter();
        spans
            .filter(|(begin, end)| *begin > second && begin < end)
            .map(|(begin, _)| begin)
            .min()
    }

    /// Returns the end of the last date, for one with dates.
    fn over(&self, zone: &Zone) -> Option<i64> {
        match &self.when {
            When::Dates { first, .. } => self.span(zone, *first).map(|(_, end)| end),
            When::Weekly { .. } => None,
        }
    }
}

impl Minutes {
    /// Reads `HH:MM`.
    fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(hours) || !digits(minutes) {
            return None;
        }
        let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (minutes < 60 && hours * 60 + minutes <= A_DAY).then_some(Self(hours * 60 + minutes))
    }

    fn on(self, day: Date) -> Option<DateTime> {
        let midnight = day.to_datetime(Time::midnight());
        midnight.checked_add(SignedDuration::from_mins(i64::from(self.0))).ok()
    }
}

fn date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok())?
}

fn weekly(days: &[String], from: Option<&str>, to: Option<&str>) -> Result<When, String> {
    if days.is_empty() && from.is_none() && to.is_none() {
        return Err("is empty: give `days` such as `Mon-Fri`, `from` and `to` as `09:00`, or two dates".to_owned());
    }
    let time = |key: &str, text: Option<&str>, default: i16| match text {
        None => Ok(Minutes(default)),
        Some(text) => Minutes::parse(text).ok_or_else(|| {
            format!("has {text:?} in `{key}`, which is neither a time as `09:00` nor a date as `2026-12-20`")
        }),
    };
    let (from, to) = (time("from", from, 0)?, time("to", to, A_DAY)?);
    if from.0 == A_DAY {
        return Err("begins at 24:00: use `00:00` of the next day".to_owned());
    }
    if from == to {
        return Err("begins and ends at the same time: leave both out for a whole day".to_owned());
    }
    let mut on = [days.is_empty(); 7];
    for part in days.iter().flat_map(|days| days.split(',')) {
        let part = part.trim();
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first)?, weekday(last)?);
        for at in (0..7).map(|more| (first + more) % 7) {
            if let Some(day) = on.get_mut(at) {
                *day = true;
            }
            if at == last {
                break;
            }
        }
    }
    Ok(When::Weekly { days: on, from, to })
}

/// Reads a day of the week, as `Mon` or `Monday`.
fn weekday(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let is = |short: &&str| {
        let whole = match *short {
            "Tue" => "Tuesday".to_owned(),
            "Wed" => "Wednesday".to_owned(),
            "Thu" => "Thursday".to_owned(),
            "Sat" => "Saturday".to_owned(),
            short => format!("{short}day"),
        };
        text.eq_ignore_ascii_case(short) || text.eq_ignore_ascii_case(&whole)
    };
    DAYS.iter().position(is).ok_or_else(|| {
        let near = nearest(text, DAYS)
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        format!("has the day {text:?}, which is none of {}{near}", DAYS.join(", "))
    })
}

impl fmt::Display for Minutes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            When::Weekly { days, from, to } => {
                let named: Vec<&str> = (DAYS.iter().zip(days))
                    .filter(|(_, on)| **on)
                    .map(|(day, _)| *day)
                    .collect();
                let in_a_row = DAYS.windows(named.len().max(1)).any(|row| row == named.as_slice());
                match named.as_slice() {
                    all if all.len() == 7 => out.write_str("every day")?,
                    [first, .., last] if in_a_row => write!(out, "{first}-{last}")?,
                    some => out.write_str(&some.join(","))?,
                }
                if (from.0, to.0) != (0, A_DAY) {
                    write!(out, " {from}-{to}")?;
                }
            }
            When::Dates { first, last } => write!(out, "{first} to {last}")?,
        }
        match &self.reason {
            Some(reason) => write!(out, " ({reason})"),
            None => Ok(()),
        }
    }
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

fn judge(evidence: &Evidence, settings: &Settings) -> Reading {
    let Some(windows) = &settings.windows else {
        return Reading::Open("no windows are configured".to_owned());
    };
    let Ok(now) = i64::try_from(evidence.now.unix_seconds()) else {
        return Reading::Unknown("the time is not known".to_owned());
    };
    let zone = &windows.zone.1;
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
            let said = format!(
                "{why}; opens {day} {} {:02}:{:02} ({zone})",
                local.date(),
                local.hour(),
                local.minute()
            );
            Reading::until(said, Timestamp::at_unix(u64::try_from(at).unwrap_or_default()))
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
            closed.why().contains("outside `allow` Mon-Thu 09:00-17:00")
                && closed.why().contains("Mon 2026-10-26 09:00"),
            "{}",
            closed.why()
        );
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
}
