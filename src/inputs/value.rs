//! Readers of single values, with one wording for the command line, `with:` and promote.yaml. An error is the end of a sentence that
//! begins with the value.

use std::time::Duration;

use crate::model::nearest;

/// The longest duration: far beyond every job's end, and short enough for all sums of durations.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads any text.
///
/// # Errors
/// None: it has the form of the other readers.
pub fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// Reads a boolean as the Actions toolkit does.
///
/// # Errors
/// It is none of the six words.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(
            "is not a boolean of the YAML 1.2 core schema: use one of `true | True | TRUE | false | False | FALSE`"
                .to_owned(),
        ),
    }
}

/// Reads `90s`, `10m`, `1h30m`.
///
/// # Errors
/// It has no unit, is no duration, or more than a year.
pub fn duration(text: &str) -> Result<Duration, String> {
    const RIGHT: &str = "such as `90s`, `10m` or `1h30m`";
    if text.bytes().all(|b| b.is_ascii_digit()) && text != "0" {
        return Err(format!("has no unit: use a duration {RIGHT}; did you mean `{text}s`?"));
    }
    match humantime::parse_duration(text) {
        Ok(value) if value > LONGEST => Err("is more than a year".to_owned()),
        Ok(value) => Ok(value),
        Err(_) => Err(format!("is not a duration {RIGHT}")),
    }
}

/// Reads a duration that leaves some time.
///
/// # Errors
/// As [`duration`], or it is zero.
pub fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("leaves no time: use a duration such as `15m`".to_owned()),
        time => Ok(time),
    }
}

/// Reads one of a few words.
///
/// # Errors
/// It is another word: names the nearest, and all of them.
pub fn choice<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        none_of(text, &words)
    })
}

/// Says, as the end of a sentence, which words there are instead of this one.
#[must_use]
pub fn none_of(text: &str, words: &[&str]) -> String {
    let near = nearest(text, words.iter().copied()).map(|near| format!(": did you mean `{near}`?"));
    let right = match words {
        [one] => format!("is not `{one}`, the only value in this version"),
        many => format!("is none of `{}`", many.join("`, `")),
    };
    format!("{right}{}", near.unwrap_or_default())
}

/// Reads the name of a GitHub environment.
///
/// # Errors
/// GitHub has no such names.
pub fn github_environment(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().count() > 255 || text.chars().any(char::is_control) {
        return Err("is not the name of a GitHub environment".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert!(duration("90").unwrap_err().contains("`90s`"));
        for text in ["soon", "-1s", "10 minutess", "99999999999999y", "500y", ""] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(some_time("0s").unwrap_err().contains("leaves no time"));
    }

    #[test]
    fn a_mistyped_word_is_offered_the_nearest() {
        let said = choice("atuo", &[("auto", 1), ("never", 2)]).unwrap_err();
        assert_eq!(said, "is none of `auto`, `never`: did you mean `auto`?");
        assert_eq!(choice("never", &[("auto", 1), ("never", 2)]), Ok(2));
    }
}
