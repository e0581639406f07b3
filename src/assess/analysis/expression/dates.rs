//! Dates as texts, and back from days.

use super::failure::{Class, Failure};
use crate::assess::analysis::value::Value;

/// Nanoseconds of a second.
pub(super) const SECOND: i128 = 1_000_000_000;
/// Nanoseconds of a day.
pub(super) const DAY: i128 = 86_400 * SECOND;

/// Reads `date(text)` and `date(text, layout)`.
pub(super) fn read(arguments: &[Value], at: usize) -> Result<Value, Failure> {
    let (text, layout) = match arguments {
        [Value::Text(text)] => (text, None),
        [Value::Text(text), Value::Text(layout)] => (text, Some(layout)),
        [other, ..] if !matches!(other, Value::Text(_) | Value::Utc) => {
            let message = format!("`date` takes a text, not {}", other.type_name());
            return Err(Failure::new(Class::Type, at, message));
        }
        _ => return Err(Failure::not_evaluated(at, "dates of a time zone")),
    };
    let time = match layout {
        Some(layout) if is_numeric(layout) => by_layout(text, layout),
        Some(layout) => return Err(Failure::not_evaluated(at, format_args!("the layout \"{layout}\""))),
        None => ["2006-01-02", "15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z"]
            .iter()
            .find_map(|layout| by_layout(text, layout)),
    };
    match time {
        Some(time) => Ok(Value::Time(time)),
        // The other formats that the controller tries have the names of months.
        None if layout.is_none()
            && [
                "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
            ]
            .iter()
            .any(|month| text.contains(month)) =>
        {
            Err(Failure::not_evaluated(at, format_args!("the date \"{text}\"")))
        }
        None => Err(Failure::new(Class::Conversion, at, format!("\"{text}\" is no date"))),
    }
}

/// The parts of a layout that are numbers, with how many digits each has.
const FIELDS: [(&str, usize); 6] = [("2006", 4), ("01", 2), ("02", 2), ("15", 2), ("04", 2), ("05", 2)];

/// Whether a layout has only such parts, and signs between them.
fn is_numeric(layout: &str) -> bool {
    let mut rest = layout.to_owned();
    for (field, _) in FIELDS {
        rest = rest.replacen(field, "", 1);
    }
    rest.trim_end_matches("Z07:00")
        .chars()
        .all(|c| matches!(c, '-' | ':' | '/' | '.' | ' ' | 'T'))
}

/// Reads a text by a layout of numbers; `Z` at the end of the layout is a zone.
fn by_layout(text: &str, layout: &str) -> Option<i128> {
    let (layout, zoned) = match layout.strip_suffix("Z07:00").or_else(|| layout.strip_suffix('Z')) {
        Some(layout) => (layout, true),
        None => (layout, false),
    };
    let mut numbers = [0_i64, 1, 1, 0, 0, 0];
    let (mut rest, mut pattern, mut fraction) = (text, layout, 0_i128);
    while !pattern.is_empty() {
        let field = FIELDS.iter().position(|(field, _)| pattern.starts_with(field));
        let Some(((name, digits), slot)) = field.and_then(|field| Some((*FIELDS.get(field)?, numbers.get_mut(field)?)))
        else {
            let sign = pattern.chars().next()?;
            rest = rest.strip_prefix(sign)?;
            pattern = pattern.get(sign.len_utf8()..)?;
            continue;
        };
        let number = rest
            .get(..digits)
            .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        *slot = number?.parse().ok()?;
        rest = rest.get(digits..)?;
        pattern = pattern.get(name.len()..)?;
        // Seconds may have a fraction, whatever the layout says.
        if name == "05"
            && let Some(digits) = rest
                .strip_prefix(['.', ','])
                .map(|after| after.bytes().take_while(u8::is_ascii_digit).count())
            && digits > 0
        {
            let written: String = rest.get(1..=digits)?.chars().take(9).collect();
            fraction = format!("{written:0<9}").parse().ok()?;
            rest = rest.get(1 + digits..)?;
        }
    }
    let offset = if zoned { zone(&mut rest)? } else { 0 };
    let [year, month, day, hour, minute, second] = numbers;
    let valid = rest.is_empty()
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = i128::from(days(year, month, day)) * 86_400 + i128::from(hour * 3600 + minute * 60 + second - offset);
    valid.then_some(seconds * SECOND + fraction)
}

/// Takes `Z` or an offset off a text, and returns its seconds.
fn zone(rest: &mut &str) -> Option<i64> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some(0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = rest.get(1..6)?.split_once(':')?;
    *rest = rest.get(6..)?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_of(year: i64, month: i64) -> i64 {
    days(year, month + 1, 1) - days(year, month, 1)
}

/// Returns the days since 1970 of a date; months beyond a year and days beyond a month are carried over.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let months = year * 12 + month - 1;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 719_469
}

/// Returns year, month and day of days since 1970.
pub(super) fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_other_s_reverse() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2026, 1, 1), 20_454);
        assert_eq!(days(2024, 2, 29) + 1, days(2024, 3, 1));
        assert_eq!(days(2025, 14, 1), days(2026, 2, 1));
        for day in (-200_000..200_000).step_by(17) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
