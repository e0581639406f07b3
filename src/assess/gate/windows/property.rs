//! The windows against another implementation of time zones, around every change of a clock of twenty zones in ten years.

use chrono::{DateTime, Duration, NaiveDateTime, NaiveTime, Offset, TimeZone};

use super::{Window, Windows, Zone};

const ZONES: [&str; 20] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Moscow",
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Santiago",
    "America/Caracas",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Pacific/Chatham",
];

/// From the beginning of 2015 to that of 2025.
const YEARS: std::ops::Range<i64> = 1_420_070_400..1_735_689_600;
const A_DAY: i64 = 24 * 3600;

fn local(zone: chrono_tz::Tz, second: i64) -> NaiveDateTime {
    let at = DateTime::from_timestamp(second, 0).unwrap().naive_utc();
    let offset = zone.offset_from_utc_datetime(&at).fix().local_minus_utc();
    at + Duration::seconds(offset.into())
}

/// Returns the first second of each new offset.
fn changes(zone: chrono_tz::Tz) -> Vec<i64> {
    let offset = |second: i64| local(zone, second).and_utc().timestamp() - second;
    let mut found = Vec::new();
    for day in YEARS.step_by(usize::try_from(A_DAY).unwrap()) {
        let (mut before, mut after) = (day, day + A_DAY);
        if offset(before) == offset(after) {
            continue;
        }
        while after - before > 1 {
            let middle = before.midpoint(after);
            if offset(middle) == offset(before) {
                before = middle;
            } else {
                after = middle;
            }
        }
        found.push(after);
    }
    found
}

/// Returns the second at which a local time begins: the first of two, or that of the next one that exists.
fn begins(zone: chrono_tz::Tz, mut at: NaiveDateTime) -> i64 {
    loop {
        if let Some(found) = zone.from_local_datetime(&at).earliest() {
            return found.timestamp();
        }
        at += Duration::minutes(1);
    }
}

#[test]
fn another_implementation_agrees_around_every_change_of_a_clock() {
    let mut seen = 0;
    for name in ZONES {
        let (zone, own) = (name.parse::<chrono_tz::Tz>().unwrap(), Zone::parse(name).unwrap());
        for change in changes(zone) {
            seen += 1;
            // As the clocks show it just before.
            let there = local(zone, change - 1) + Duration::seconds(1);
            for (from, length) in [(-60, 30), (10, 45), (40, 20), (-25, 60), (0, 300)] {
                let from = (there + Duration::minutes(from)).time();
                let to = from.overflowing_add_signed(Duration::minutes(length)).0;
                agrees((name, zone, &own), there, (from, to), change);
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

/// Holds one daily window against the other implementation, at the edges of its spans and around a change of the clock.
fn agrees(
    (name, zone, own): (&str, chrono_tz::Tz, &Zone),
    there: NaiveDateTime,
    (from, to): (NaiveTime, NaiveTime),
    change: i64,
) {
    let written = |time: NaiveTime| time.format("%H:%M").to_string();
    let window = Window::parse(&[], Some(&written(from)), Some(&written(to)), None).unwrap();
    let windows = Windows {
        zone: own.clone(),
        allow: vec![window],
        deny: Vec::new(),
    };
    let spans: Vec<(i64, i64)> = (-3..=3)
        .map(|days| {
            let day = there.date() + Duration::days(days);
            let last = if to > from { day } else { day + Duration::days(1) };
            (begins(zone, day.and_time(from)), begins(zone, last.and_time(to)))
        })
        .collect();
    let edges = spans.iter().flat_map(|(begin, end)| [*begin, *end]).chain([change]);
    let mut seconds: Vec<i64> = edges.flat_map(|edge| [edge - 1, edge, edge + 60]).collect();
    seconds.retain(|second| (second - change).abs() < A_DAY);
    seconds.sort_unstable();
    seconds.dedup();
    for second in seconds {
        let is_open = spans.iter().any(|(begin, end)| *begin <= second && second < *end);
        let place = || format!("{name} {}-{} at {second}", written(from), written(to));
        assert_eq!(windows.shut(second).is_none(), is_open, "{}", place());
        let next = spans.iter().filter(|(begin, end)| *begin > second && begin < end);
        let next = if is_open {
            Some(second)
        } else {
            next.map(|(begin, _)| *begin).min()
        };
        assert_eq!(windows.opens(second), next, "{}", place());
    }
}
