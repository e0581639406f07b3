//! One window: how it is written, when it begins and when it ends.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, ToSpan};

use super::Zone;
use crate::model::nearest;

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
pub(super) const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const A_DAY: i16 = 24 * 60;

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
    pub(super) fn holds(&self, zone: &Zone, second: i64) -> Option<i64> {
        let spans = self.spans(zone, second).into_iter();
        let holding = spans.filter(|(begin, end)| *begin <= second && second < *end);
        holding.map(|(_, end)| end).max()
    }

    /// Returns when it begins next.
    pub(super) fn begins(&self, zone: &Zone, second: i64) -> Option<i64> {
        let spans = self.spans(zone, second).into_iter();
        spans
            .filter(|(begin, end)| *begin > second && begin < end)
            .map(|(begin, _)| begin)
            .min()
    }

    /// Returns the end of the last date, for one with dates.
    pub(super) fn over(&self, zone: &Zone) -> Option<i64> {
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
