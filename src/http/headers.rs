//! Headers: which there can be, and what some of them say.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::model::Timestamp;

/// Whether HTTP allows a header of that name.
#[must_use]
pub fn is_header_name(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok()
}

/// Whether a header can have that value.
#[must_use]
pub fn is_header_value(value: &str) -> bool {
    !value.is_empty() && HeaderValue::from_str(value).is_ok()
}

/// Returns how long a server wants to be left alone: seconds, or a date, which is held against the server's own.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let after = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(date(after)?.since(date(text(DATE)?)?))
}

/// Reads a date as every server of today writes it (`Sun, 06 Nov 1994 08:49:37 GMT`), RFC 9110 §5.6.7.
fn date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).filter(|_| words.next() == Some("GMT"))
}

/// Returns a media type without its parameters and in lower case, as RFC 9110 §8.3.1 compares it.
#[must_use]
pub fn media_type(content_type: &str) -> String {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_in_seconds_or_by_its_own_clock_when_to_come_again() {
        let asked = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(after).unwrap());
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_str(date).unwrap());
            }
            retry_after(&headers).map(|after| after.as_secs())
        };
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(asked("7", None), Some(7));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(30));
        assert_eq!(asked("Sat, 05 Nov 1994 08:50:07 GMT", now), Some(0));
        for (after, date) in [
            ("Sun, 06 Nov 1994 08:50:07 GMT", None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some("now")),
            ("Sunday, 06-Nov-94 08:49:37 GMT", now),
            ("Sun, 06 Now 1994 08:50:07 GMT", now),
            ("Sun, 06 Nov 1994 08:50:07 CET", now),
            ("-1", now),
            ("soon", now),
        ] {
            assert_eq!(asked(after, date), None, "{after}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_media_type_is_compared_without_parameters_and_case() {
        for text in [
            "text/html",
            "Text/HTML; charset=utf-8",
            " text/html ;a=\"b;c\"",
            "text/html;",
        ] {
            assert_eq!(media_type(text), "text/html", "{text}");
        }
        assert_eq!(media_type(""), "");
        assert_ne!(media_type("text/html-x"), "text/html");
    }
}
