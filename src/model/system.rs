//! The words of the operating system, without its numbers.

use std::io;

/// Returns what the operating system says of an error, as people read it: `no such file or directory`.
#[must_use]
pub fn of_io(error: &io::Error) -> String {
    let said = error.to_string();
    let said = without_number(&said);
    if error.raw_os_error().is_none() {
        return said.to_owned();
    }
    let mut chars = said.chars();
    let first = chars.next().map(|first| first.to_lowercase().to_string());
    format!("{}{}", first.unwrap_or_default(), chars.as_str())
}

/// Returns a text without the number of an error at its end: ` (os error 2)`.
#[must_use]
pub fn without_number(said: &str) -> &str {
    said.rsplit_once(" (os error ").map_or(said, |(words, _)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_words_and_no_number() {
        assert_eq!(of_io(&io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(
            without_number("Cannot assign requested address (os error 99)"),
            "Cannot assign requested address"
        );
        assert_eq!(without_number("plain"), "plain");
    }
}
